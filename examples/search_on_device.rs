//! From crops to names of a gallery without leaving the device: a network and a search recorded into one encoder; only the hits are read.
//!
//! ```text
//! cargo run --release --example search_on_device
//! ```

use std::error::Error;

use lookalike::embed::builtin_model;
use lookalike::gallery::index::{GalleryIndex, IndexOptions, Metric, Storage};
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::network::{CompileOptions, Network};
use lookalike::wgpu::{self, util::DeviceExt};

const BATCH: usize = 2;
const K: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let gpu = Gpu::new(&GpuOptions::default())?;
    let network = Network::compile(&gpu, &builtin_model()?, &CompileOptions { batch: BATCH, ..CompileOptions::default() })?;

    // A gallery of 10,000 rows of noise; embeddings of the built-in model have 128 numbers.
    let index = GalleryIndex::new(&gpu, 128, &IndexOptions::new(Storage::F16, Metric::Cosine))?;
    let ids: Vec<u64> = (0..10_000).collect();
    let rows: Vec<f32> = (0..10_000 * 128u32).map(|i| (i.wrapping_mul(2_654_435_769) >> 8) as f32 / 8_388_608.0 - 1.0).collect();
    index.add(&ids, &vec![0; ids.len()], &rows)?;

    let device = gpu.device();
    let pixels: Vec<u8> = (0..BATCH * 3 * 112 * 112).flat_map(|i| ((i % 251) as f32 / 125.0 - 1.0).to_le_bytes()).collect();
    let crops = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some("crops"),
        contents: &pixels,
        usage: wgpu::BufferUsages::COPY_SRC,
    });
    let buffer = |label, size, usage| {
        device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size: size as u64, usage, mapped_at_creation: false })
    };
    let both = wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let embeddings = buffer("embeddings", BATCH * 128 * 4, both);
    let hits = buffer("hits", BATCH * K * 16, both);
    let staging = buffer("read back", BATCH * K * 16, wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);

    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("frame") });
    network.encode(&mut encoder, &[("input", &crops)], &[("embedding", &embeddings)])?;
    index.encode(&mut encoder, &embeddings, BATCH, K, &hits)?;
    encoder.copy_buffer_to_buffer(&hits, 0, &staging, 0, hits.size());
    gpu.queue().submit([encoder.finish()]);

    staging.map_async(wgpu::MapMode::Read, .., |_| {});
    device.poll(wgpu::PollType::wait_indefinitely())?;
    for (i, hit) in staging.get_mapped_range(..)?.chunks_exact(16).enumerate() {
        let word = |at: usize| u32::from_le_bytes([hit[at], hit[at + 1], hit[at + 2], hit[at + 3]]);
        println!("crop {}: row {} with {:.3}", i / K, word(0), f32::from_bits(word(12)));
    }
    Ok(())
}
