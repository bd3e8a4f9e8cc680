//! From a photo and landmarks on the device to names of a gallery: alignment, network and search recorded into one encoder; only the hits are read.
//!
//! ```text
//! cargo run --release --example faces_on_device
//! ```

use std::error::Error;

use lookalike::embed::{EmbedOptions, Embedder, builtin_model};
use lookalike::face::align::{Aligner, DeviceAligner};
use lookalike::gallery::index::{GalleryIndex, IndexOptions, Metric, Storage};
use lookalike::gpu::{Gpu, GpuOptions, Photo, PhotoView};
use lookalike::network::{CompileOptions, Network};
use lookalike::people::{PeopleDecoder, PeopleModel};
use lookalike::wgpu::{self, util::DeviceExt};

const PEOPLE: u64 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let gpu = Gpu::new(&GpuOptions::default())?;
    let (model, people) = (builtin_model()?, PeopleDecoder::new(&gpu, PeopleModel::builtin()?, 4)?);
    let embedder = Embedder::new(&gpu, &model, &EmbedOptions::default())?;
    let aligner = Aligner::new(&model.description, embedder.size())?;

    // A gallery of generated people, a picture of each.
    let index = GalleryIndex::new(&gpu, 128, &IndexOptions::new(Storage::F16, Metric::Cosine))?;
    for (id, person) in people.pictures(1, &(0..PEOPLE).map(|p| (p, 0)).collect::<Vec<_>>())?.into_iter().enumerate() {
        let photo = Photo::upload(&gpu, &person.picture.rgb, person.picture.width, person.picture.height)?;
        let face = lookalike::face::Face { landmarks: person.landmarks.map(|p| p.map(|v| v as f32)).to_vec(), ..Default::default() };
        let look = aligner.align(&face, photo.size())?.look;
        index.add(&[id as u64], &[id as u32], &embedder.embed_photos(&[PhotoView { photo: &photo, look }])?[0])?;
    }

    // A photo with two of them on other pictures, side by side. A camera and a landmark network would give photo and buffer on the GPU.
    let two = people.pictures(1, &[(7, 3), (12, 3)])?;
    let (width, height) = (two[0].picture.width, two[0].picture.height);
    let rows = two[0].picture.rgb.chunks_exact(width as usize * 3).zip(two[1].picture.rgb.chunks_exact(width as usize * 3));
    let rgb: Vec<u8> = rows.flat_map(|(a, b)| [a, b].concat()).collect();
    let photo = Photo::upload(&gpu, &rgb, 2 * width, height)?;
    // Of each face: left, top, right, bottom, then x and y of five landmarks. This model does not look at the box.
    let mut numbers = Vec::new();
    for (i, person) in two.iter().enumerate() {
        numbers.extend([0.0f32; 4]);
        numbers.extend(person.landmarks.iter().flat_map(|[x, y]| [*x as f32 + i as f32 * width as f32, *y as f32]));
    }
    let device = gpu.device();
    let faces = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some("faces"),
        contents: &numbers.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>(),
        usage: wgpu::BufferUsages::STORAGE,
    });

    let network = Network::compile(&gpu, &model, &CompileOptions { batch: two.len(), ..CompileOptions::default() })?;
    let on_device = DeviceAligner::new(&gpu, &aligner, 5, two.len())?;
    let buffer = |label, size: usize, usage| {
        device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size: size as u64, usage, mapped_at_creation: false })
    };
    let both = wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let (embeddings, hits) = (buffer("embeddings", two.len() * 128 * 4, both), buffer("hits", two.len() * 16, both));
    let staging = buffer("read back", two.len() * 16, wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("frame") });
    on_device.encode(&mut encoder, &faces, two.len(), photo.size())?;
    on_device.encode_network(&mut encoder, &photo, &network, &[("embedding", &embeddings)])?;
    index.encode(&mut encoder, &embeddings, two.len(), 1, &hits)?;
    encoder.copy_buffer_to_buffer(&hits, 0, &staging, 0, hits.size());
    gpu.queue().submit([encoder.finish()]);

    staging.map_async(wgpu::MapMode::Read, .., |_| {});
    device.poll(wgpu::PollType::wait_indefinitely())?;
    for (i, hit) in staging.get_mapped_range(..)?.chunks_exact(16).enumerate() {
        let word = |at: usize| u32::from_le_bytes([hit[at], hit[at + 1], hit[at + 2], hit[at + 3]]);
        println!("face {i}: person {} with {:.3}", word(0), f32::from_bits(word(12)));
    }
    Ok(())
}
