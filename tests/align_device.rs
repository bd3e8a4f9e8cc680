//! Faces that are on the device: aligned, cropped and embedded in somebody else's commands, nothing read in between.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::sync::mpsc;

use common::{compare, gpu};
use lookalike::embed::{EmbedOptions, Embedder, builtin_model};
use lookalike::face::Face;
use lookalike::face::align::{Aligner, DeviceAligner};
use lookalike::gpu::{Gpu, Photo, PhotoView, wgpu};
use lookalike::model::{Align, Method};
use lookalike::network::{CompileOptions, Network};

const PHOTO: [u32; 2] = [320, 240];

/// A photo with something to see everywhere.
fn photo(gpu: &Gpu) -> Photo {
    let [width, height] = PHOTO;
    let wave = |x: u32, y: u32, k: f32| (127.5 + 120.0 * ((x as f32 * 0.07 * k).sin() * (y as f32 * 0.05 + k).cos())) as u8;
    let rgb: Vec<u8> =
        (0..height).flat_map(|y| (0..width).flat_map(move |x| [wave(x, y, 1.0), wave(x, y, 1.7), wave(x, y, 2.3)])).collect();
    Photo::upload(gpu, &rgb, width, height).unwrap()
}

fn face(x: f32, y: f32, side: f32) -> Face {
    let points = [[0.31, 0.35], [0.69, 0.33], [0.5, 0.55], [0.35, 0.75], [0.66, 0.76]];
    let landmarks = points.iter().map(|[u, v]| [x + u * side, y + v * side]).collect();
    Face { bounds: [x, y, x + side, y + side], score: 0.9, landmarks }
}

fn buffer(gpu: &Gpu, numbers: &[f32]) -> wgpu::Buffer {
    use wgpu::util::DeviceExt;
    let contents: Vec<u8> = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
    let descriptor = wgpu::util::BufferInitDescriptor { label: None, contents: &contents, usage: wgpu::BufferUsages::STORAGE };
    gpu.device().create_buffer_init(&descriptor)
}

fn read(gpu: &Gpu, from: &wgpu::Buffer, mut encoder: wgpu::CommandEncoder) -> Vec<f32> {
    let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
    let descriptor = wgpu::BufferDescriptor { label: None, size: from.size(), usage, mapped_at_creation: false };
    let staging = gpu.device().create_buffer(&descriptor);
    encoder.copy_buffer_to_buffer(from, 0, &staging, 0, from.size());
    gpu.queue().submit([encoder.finish()]);
    let (sender, receiver) = mpsc::channel();
    staging.map_async(wgpu::MapMode::Read, .., move |r| sender.send(r).unwrap());
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    receiver.recv().unwrap().unwrap();
    let view = staging.get_mapped_range(..).unwrap();
    view.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

#[test]
fn faces_in_a_buffer_become_the_embeddings_of_the_host_path() {
    let gpu = gpu();
    let (photo, model) = (photo(&gpu), builtin_model().unwrap());
    let faces = [face(20.0, 30.0, 90.0), face(150.5, 60.25, 140.0), face(-15.0, 120.0, 100.0)];
    let embedder = Embedder::new(&gpu, &model, &EmbedOptions::default()).unwrap();
    let aligner = Aligner::new(&model.description, embedder.size()).unwrap();
    let views: Vec<_> = faces.iter().map(|f| PhotoView { photo: &photo, look: aligner.align(f, PHOTO).unwrap().look }).collect();
    let want = embedder.embed_photos(&views).unwrap();

    // Room for four; the last place sees black.
    let numbers: Vec<f32> = faces.iter().flat_map(|f| f.bounds.into_iter().chain(f.landmarks.iter().flatten().copied())).collect();
    let mut four = numbers.clone();
    four.extend([f32::NAN; 14]);
    let on_device = buffer(&gpu, &four);
    let network = Network::compile(&gpu, &model, &CompileOptions { batch: 4, ..CompileOptions::default() }).unwrap();
    let device = DeviceAligner::new(&gpu, &aligner, 5, 4).unwrap();
    let (name, size) = (network.outputs().remove(0), 4 * want[0].len() as u64 * 4);
    let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
    let output = gpu.device().create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    device.encode(&mut encoder, &on_device, 4, PHOTO).unwrap();
    device.encode_network(&mut encoder, &photo, &network, &[(name.as_str(), &output)]).unwrap();
    let got = read(&gpu, &output, encoder);
    for (want, got) in want.iter().zip(got.chunks_exact(want[0].len())) {
        let (cosine, _) = compare(got, want);
        assert!(cosine > 0.999_99, "{cosine}");
    }
    // What was found is there to be read: 12 words a face.
    let looks = read(&gpu, device.looks(), gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default()));
    let wrong: Vec<u32> = looks.chunks_exact(12).map(|l| l[3].to_bits()).collect();
    assert_eq!(wrong, [0, 0, 0, 1]);
    let first = aligner.align(&faces[0], PHOTO).unwrap();
    assert!((looks[10] - first.residual).abs() < 1e-5 && (f64::from(looks[11]) - first.scale).abs() < 1e-5);
}

#[test]
fn a_face_that_cannot_be_aligned_is_told_in_its_place() {
    let gpu = gpu();
    let aligner = Aligner::of(&Align { size: [112, 112], template: Some("arcface-112".to_owned()), ..Align::default() }).unwrap();
    let device = DeviceAligner::new(&gpu, &aligner, 5, 3).unwrap();
    let flat = Face { landmarks: vec![[5.0, 5.0]; 5], ..face(0.0, 0.0, 10.0) };
    let results = device.align(&[face(20.0, 30.0, 90.0), flat, face(50.0, 60.0, 40.0)], PHOTO).unwrap();
    assert!(results[0].is_ok() && results[2].is_ok());
    assert!(results[1].as_ref().unwrap_err().to_string().contains("coincide"));
    assert!(device.align(&[], PHOTO).unwrap().is_empty());
    let said = |faces: &[Face]| device.align(faces, PHOTO).unwrap_err().to_string();
    assert!(said(&[Face::default()]).contains("0 landmarks, and 5 are expected"));
    assert_eq!(device.align(&vec![face(1.0, 1.0, 50.0); 4], PHOTO).unwrap().len(), 4, "room is for what stays on the device");
    // Landmarks that a template cannot use.
    let of = |align: Align, landmarks: usize| DeviceAligner::new(&gpu, &Aligner::of(&align).unwrap(), landmarks, 1);
    let openface = || Align { size: [96, 96], template: Some("openface-96".to_owned()), ..Align::default() };
    let eyes = || Align { size: [96, 96], method: Some(Method::Eyes), ..Align::default() };
    assert!(of(openface(), 5).unwrap_err().to_string().contains("68 are needed"));
    assert!(of(eyes(), 0).unwrap_err().to_string().contains("5 or 68 are needed"));
    assert!(of(openface(), 68).is_ok() && of(eyes(), 5).is_ok());
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_recorded() {
    let gpu = gpu();
    let model = builtin_model().unwrap();
    let network = Network::compile(&gpu, &model, &CompileOptions { batch: 2, ..CompileOptions::default() }).unwrap();
    let of = |size: [usize; 2]| Aligner::of(&Align { size, template: Some("arcface-112".to_owned()), ..Align::default() }).unwrap();
    let photo = photo(&gpu);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let device = DeviceAligner::new(&gpu, &of([112, 112]), 5, 2).unwrap();
    let small = buffer(&gpu, &[0.0; 27]);
    assert!(device.encode(&mut encoder, &small, 2, PHOTO).unwrap_err().to_string().contains("112 bytes"));
    assert!(device.encode(&mut encoder, &small, 3, PHOTO).unwrap_err().to_string().contains("3 faces are more than the 2"));
    device.encode(&mut encoder, &small, 1, PHOTO).unwrap();
    let output = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 16,
        usage: wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let name = network.outputs().remove(0);
    let mut refused = |device: &DeviceAligner, name: &str| {
        device.encode_network(&mut encoder, &photo, &network, &[(name, &output)]).unwrap_err().to_string()
    };
    assert!(refused(&device, "none").contains("No buffer"));
    assert!(refused(&device, &name).contains("16 bytes"));
    let large = DeviceAligner::new(&gpu, &of([224, 224]), 5, 2).unwrap();
    assert!(refused(&large, &name).contains("224x224"));
    let few = DeviceAligner::new(&gpu, &of([112, 112]), 5, 1).unwrap();
    assert!(refused(&few, &name).contains("A batch of 2"));
}
