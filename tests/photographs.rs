//! Photographs to embeddings: detect, align, embed, against the pipelines that the models came with.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "photographs/bad.rs"]
mod bad;
#[path = "photographs/commands.rs"]
mod commands;
mod common;
#[path = "photographs/models.rs"]
mod models;
#[path = "photographs/pairs.rs"]
mod pairs;

use common::{compare, gpu, read_npy, test_data};
use lookalike::Error;
use lookalike::embed::Picture;
use lookalike::face::landmarks::Landmarker;
use lookalike::face::{Face, Which};
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::import::Limits;
use lookalike::model::{Model, Precision};
use models::{MODELS, embedder, photo, pictures};

/// Every picture of the reference pipeline with every model, all faces: the same number of them, and the same embeddings.
#[test]
fn photographs_have_the_embeddings_of_the_reference_pipeline() {
    let Some(data) = test_data() else { return };
    let gpu = gpu();
    let embedders: Vec<_> = MODELS.iter().map(|model| embedder(&gpu, &data, model, Which::All)).collect();
    let mut worst = [1.0f64; MODELS.len()];
    for (id, file, count) in pictures(&data) {
        let photos = [photo(&gpu, &data.join("data").join(&file))];
        let faces = embedders[0].finder().find(&photos).unwrap();
        assert_eq!(faces[0].len(), count, "{file}");
        for ((embedder, model), worst) in embedders.iter().zip(&MODELS).zip(&mut worst) {
            let found = embedder.embed_faces(&photos, faces.clone()).unwrap().pop().unwrap();
            assert_eq!(found.faces.len(), count, "{file} with {}", model.name);
            if count == 0 {
                continue;
            }
            let want = read_npy(&data.join(format!("golden/pipeline_mtcnn/{id}__emb_{}.npy", model.name)));
            let want = want.to_f32();
            for (face, want) in found.faces.iter().zip(want.chunks_exact(want.len() / count)) {
                *worst = worst.min(compare(&face.embedding, want).0);
            }
        }
    }
    println!("least cosines of {:?}: {worst:?}", MODELS.map(|m| m.name));
    assert!(worst.iter().all(|&w| w >= 0.9995), "{worst:?}");
}

#[test]
fn a_picture_without_a_face_is_an_error_and_never_embedded() {
    let Some(data) = test_data() else { return };
    let gpu = gpu();
    let embedder = embedder(&gpu, &data, &MODELS[0], Which::Largest);
    let found = embedder.embed(&[photo(&gpu, &data.join("data/scenes/no_face_mask_blue.jpg"))]).unwrap().pop().unwrap();
    assert!(found.faces.is_empty());
    let error = found.one("no_face_mask_blue.jpg").unwrap_err();
    assert!(matches!(&error, Error::NoFace(text) if text.contains("no_face_mask_blue.jpg")), "{error}");
}

/// A network of others places the five points in the boxes of a detector: near to where the detector sees them itself.
#[test]
fn landmarks_can_come_from_a_network_of_their_own() {
    let Some(data) = test_data() else { return };
    let gpu = gpu();
    let mut model = Model::load(&data.join("data/models/landmarks5_retail_0009.onnx"), &Limits::default()).unwrap();
    model.describe(toml::from_str("name = \"landmarks\"\n[input]\nchannels = \"bgr\"\n").unwrap()).unwrap();
    let landmarker = Landmarker::new(&gpu, &model, Precision::F32).unwrap();
    let embedder = embedder(&gpu, &data, &MODELS[0], Which::Largest);
    let (mut sum, mut count) = (0.0, 0.0);
    for (_, file, _) in pictures(&data).into_iter().take(16) {
        let photos = [photo(&gpu, &data.join("data").join(file))];
        let found = embedder.finder().find(&photos).unwrap();
        let mut moved = found.clone();
        moved[0].push(Face::default());
        let moved = landmarker.place(&photos, moved).unwrap();
        assert_eq!((found[0][0].bounds, moved[0].len()), (moved[0][0].bounds, 2));
        assert!(moved[0][1].landmarks.is_empty(), "a box without area has no landmarks");
        let [own, other] = [&found[0][0], &moved[0][0]].map(|f| f.five_points().unwrap());
        let eyes = (own[0][0] - own[1][0]).hypot(own[0][1] - own[1][1]);
        let apart = own.iter().zip(&other).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).sum::<f64>() / 5.0;
        assert!(apart < 0.3 * eyes, "{apart} {eyes}");
        sum += apart / eyes;
        count += 1.0;
    }
    println!("points of the two networks are {:.3} of the eyes' distance apart", sum / count);
    assert!(sum / count < 0.12, "{}", sum / count);
}

/// Faces do not depend on which pictures are searched together, nor on their sizes.
#[test]
fn a_batch_of_pictures_of_different_sizes_gives_what_each_gives_alone() {
    let Some(data) = test_data() else { return };
    let gpu = gpu();
    let embedder = embedder(&gpu, &data, &MODELS[0], Which::All);
    let photos: Vec<_> = pictures(&data)
        .into_iter()
        .filter(|(id, ..)| ["03", "04", "17", "19", "20"].contains(&id.as_str()))
        .map(|(_, file, _)| photo(&gpu, &data.join("data").join(file)))
        .collect();
    let together = embedder.embed(&photos).unwrap();
    for (photo, found) in photos.iter().zip(&together) {
        let alone = embedder.embed(std::slice::from_ref(photo)).unwrap().pop().unwrap();
        assert_eq!(alone.faces.len(), found.faces.len());
        for (a, b) in alone.faces.iter().zip(&found.faces) {
            let apart = a.face.bounds.iter().zip(&b.face.bounds).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
            assert!(apart < 0.01, "{:?} {:?}", a.face, b.face);
            let (cosine, _) = compare(&a.embedding, &b.embedding);
            assert!(cosine > 0.99999, "{cosine}");
        }
    }
}

/// A photograph with many faces at a camera's resolution: tiles of one with four, 16 of them, in 12 megapixels.
#[test]
fn twelve_megapixels_and_many_faces_fit_into_bounded_memory() {
    let Some(data) = test_data() else { return };
    // Its own device: other tests take and give back memory of the one they share.
    let gpu = Gpu::new(&GpuOptions::default()).unwrap();
    let embedder = embedder(&gpu, &data, &MODELS[0], Which::All);
    let tile = Picture::open(data.join("data/scenes/selfie-many-people.jpg")).unwrap();
    let picture = tiled(&tile, 4000, 3000);
    let before = gpu.memory().0;
    let found = embedder.embed(&[lookalike::gpu::Photo::upload(&gpu, &picture.rgb, picture.width, picture.height).unwrap()]).unwrap();
    let used = gpu.memory().0 - before;
    println!("{} faces, {} MiB more on the device afterwards", found[0].faces.len(), used >> 20);
    assert!(found[0].faces.len() >= 30, "{}", found[0].faces.len());
    assert!(used < 3 << 30, "{used}");
}

fn tiled(tile: &Picture, width: u32, height: u32) -> Picture {
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            let at = ((y % tile.height * tile.width + x % tile.width) * 3) as usize;
            rgb.extend_from_slice(&tile.rgb[at..at + 3]);
        }
    }
    Picture::new(width, height, rgb).unwrap()
}
