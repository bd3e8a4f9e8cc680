//! On Mesa's lavapipe activations lie in memory that is a buffer and a texture at once: the results are those of copies.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use lookalike::embed::builtin_model;
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::Tensor;

fn device(shared_memory: bool) -> Gpu {
    Gpu::new(&GpuOptions { shared_memory, ..GpuOptions::default() }).unwrap()
}

fn faces(n: usize) -> Tensor {
    let pixel = |i: usize| (i.wrapping_mul(0x9E37_79B9) >> 13 & 0xFF) as f32;
    Tensor::from_f32([n, 3, 112, 112], (0..n * 3 * 112 * 112).map(pixel).collect()).unwrap()
}

fn bits(network: &Network, n: usize) -> Vec<u32> {
    let (name, _) = network.inputs().unwrap().swap_remove(0);
    let outputs = network.run(&[(name.as_str(), &faces(n))]).unwrap();
    outputs[0].1.to_f32().iter().map(|v| v.to_bits()).collect()
}

#[test]
fn shared_memory_has_the_bits_of_copies_and_takes_less() {
    let model = builtin_model().unwrap();
    let [(shared, small), (copied, large)] = [true, false].map(|on| {
        let gpu = device(on);
        let network = Network::compile(&gpu, &model, &CompileOptions::default()).unwrap();
        // A larger plan beside a smaller one, and the smaller one again.
        let results = [1, 5, 1].map(|n| bits(&network, n));
        assert_eq!(results[0], results[2]);
        (results, gpu.memory().0)
    });
    assert_eq!(shared, copied);
    let lavapipe = device(true).adapter().driver == "llvmpipe";
    assert!(if lavapipe { small < large } else { small == large }, "{small} and {large} bytes");
}

#[test]
fn networks_that_come_and_go_leave_nothing_behind() {
    let gpu = device(true);
    let model = builtin_model().unwrap();
    let held = |gpu: &Gpu| {
        let network = Network::compile(gpu, &model, &CompileOptions::default()).unwrap();
        assert!(bits(&network, 2).iter().any(|&b| b != 0));
        drop(network);
        gpu.memory().0
    };
    let first = held(&gpu);
    assert_eq!([held(&gpu), held(&gpu)], [first; 2]);
    // A device may go before its network: memory lives as long as what lies on it.
    let network = Network::compile(&gpu, &model, &CompileOptions::default()).unwrap();
    drop(gpu);
    assert!(bits(&network, 1).iter().any(|&b| b != 0));
}
