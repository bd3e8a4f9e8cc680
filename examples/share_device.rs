//! Runs a network inside a program that has its own wgpu device: its buffers in, its buffers out, one submission, nothing read in between.
//!
//! ```text
//! cargo run --release --example share_device
//! ```

use std::error::Error;
use std::sync::mpsc;

use lookalike::embed::builtin_model;
use lookalike::gpu::Gpu;
use lookalike::network::{CompileOptions, Network};
use lookalike::wgpu::{self, util::DeviceExt};

const BATCH: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    // The host program's device. Subgroups make the kernels for software adapters possible; everything works without them too.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        label: Some("host"),
        required_features: adapter.features() & wgpu::Features::SUBGROUP,
        required_limits: adapter.limits(),
        ..Default::default()
    }))?;

    // The same device, seen by lookalike. Handles are cheap to clone.
    let gpu = Gpu::from_wgpu(adapter.get_info(), device.clone(), queue.clone())?;
    let network = Network::compile(&gpu, &builtin_model()?, &CompileOptions { batch: BATCH, ..CompileOptions::default() })?;

    // Buffers of the host: f32, row by row, in the model's own order (N, C, H, W). A renderer would fill the input on the GPU.
    let pixels: Vec<u8> = (0..BATCH * 3 * 112 * 112).flat_map(|i| ((i % 251) as f32 / 125.0 - 1.0).to_le_bytes()).collect();
    let input = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some("faces"),
        contents: &pixels,
        usage: wgpu::BufferUsages::COPY_SRC,
    });
    let bytes = (BATCH * 128 * 4) as u64;
    let buffer =
        |label, usage| device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size: bytes, usage, mapped_at_creation: false });
    let output = buffer("embeddings", wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC);
    let staging = buffer("read back", wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);

    // One encoder of the host: the network between whatever else the frame does.
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("frame") });
    network.encode(&mut encoder, &[("input", &input)], &[("embedding", &output)])?;
    encoder.copy_buffer_to_buffer(&output, 0, &staging, 0, bytes);
    queue.submit([encoder.finish()]);

    let (sender, receiver) = mpsc::channel();
    staging.map_async(wgpu::MapMode::Read, .., move |result| {
        // The receiver outlives the poll below.
        let _ = sender.send(result);
    });
    device.poll(wgpu::PollType::wait_indefinitely())?;
    receiver.recv()??;
    let view = staging.get_mapped_range(..)?;
    let first: Vec<f32> = view.chunks_exact(4).take(4).filter_map(|b| b.try_into().ok().map(f32::from_le_bytes)).collect();
    println!("{}: {first:?} …", gpu.adapter().name);
    Ok(())
}
