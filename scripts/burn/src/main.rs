//! `lookalike-burn INPUT SHAPE OUTPUT`: one network in burn on wgpu, for `scripts/compare.py`.
//!
//! Reads the numbers of INPUT (f32), runs the network on them as a tensor of SHAPE (`8,3,112,112`) and writes its output to OUTPUT. Then it
//! prints `ready VERSIONS on ADAPTER`, and for every line on standard input it runs once more and prints the wall milliseconds.

use std::error::Error;
use std::time::Instant;

use burn::tensor::{Device, DeviceKind, Tensor, TensorData};

#[allow(clippy::all, dead_code, reason = "generated")]
mod network {
    include!(env!("NETWORK"));
}

/// Runs before the first that counts: kernels are tuned and fused in them.
const WARM_UP: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [input, shape, output] = args.as_slice() else { return Err("the arguments are INPUT SHAPE OUTPUT".into()) };
    let shape = shape.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
    let numbers: Vec<f32> = std::fs::read(input)?.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();

    let device = Device::wgpu(DeviceKind::DefaultDevice);
    let model = network::Model::from_embedded(&device);
    let run = |data: TensorData| model.forward(Tensor::<4>::from_data(data, &device)).into_data();
    let data = TensorData::new(numbers, shape);
    for _ in 0..WARM_UP {
        let found: Vec<u8> = run(data.clone()).as_slice::<f32>()?.iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(output, found)?;
    }
    println!("ready {} on {}", env!("VERSIONS"), adapter(&device));

    for line in std::io::stdin().lines() {
        line?;
        let data = data.clone();
        let start = Instant::now();
        run(data);
        println!("{:.4}", start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

fn adapter(device: &Device) -> String {
    device.identity().map_or_else(|| "an adapter without a name".to_owned(), |identity| identity.name)
}
