//! Embeddings of aligned faces, from pixels to numbers, against those that the models' own pipelines computed.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{compare, gpu, read_npy, test_data};
use lookalike::embed::{EmbedOptions, Embedder, Fit, Picture};
use lookalike::import::Limits;
use lookalike::model::{Description, Flip, Model};

/// A model, the crop it takes and what its authors do to pixels.
struct Case {
    name: &'static str,
    crop: &'static str,
    describe: &'static str,
}

const CASES: [Case; 2] = [
    Case {
        name: "face_reid_retail_0095",
        crop: "aligned128_rgb",
        describe: "name = \"face-reidentification-retail-0095\"\n[input]\nchannels = \"bgr\"\n[align]\nsize = [128, 128]\n\
                   [embedding]\nnormalize = \"none\"\n",
    },
    // mean = 255 * (0.485, 0.456, 0.406), scale = 1 / (255 * (0.229, 0.224, 0.225)), in Python.
    Case {
        name: "mobilefacenet_foamliu",
        crop: "aligned112_rgb",
        describe: "name = \"mobilefacenet\"\n[input]\nchannels = \"rgb\"\nmean = [123.675, 116.28, 103.53]\n\
                   scale = [0.017124753831663668, 0.017507002801120448, 0.017429193899782137]\n[align]\nsize = [112, 112]\n\
                   [embedding]\nnormalize = \"none\"\n",
    },
];

/// Every face of every picture: its crop and the embedding it has.
fn faces(data: &Path, case: &Case) -> Vec<(Picture, Vec<f32>)> {
    let folder = data.join("golden/pipeline_mtcnn");
    let mut out = Vec::new();
    for id in 0..100 {
        let crops = folder.join(format!("{id:02}__{}.npy", case.crop));
        let embeddings = folder.join(format!("{id:02}__emb_{}.npy", case.name));
        if !crops.is_file() || !embeddings.is_file() {
            continue;
        }
        let (crops, embeddings) = (read_npy(&crops), read_npy(&embeddings));
        let &[n, height, width, 3] = crops.shape().dims() else { panic!("{}", crops.shape()) };
        let (pixels, numbers) = (crops.to_f32(), embeddings.to_f32());
        for i in 0..n {
            // The crops are whole numbers that were stored as floats.
            let rgb: Vec<u8> = pixels[i * height * width * 3..(i + 1) * height * width * 3].iter().map(|&v| v as u8).collect();
            let picture = Picture::new(width as u32, height as u32, rgb).unwrap();
            out.push((picture, numbers[i * numbers.len() / n..(i + 1) * numbers.len() / n].to_vec()));
        }
    }
    assert!(out.len() > 10, "only {} faces", out.len());
    out
}

fn model_file(data: &Path, case: &Case) -> PathBuf {
    data.join("data/models").join(case.name).with_extension("onnx")
}

fn described(data: &Path, case: &Case) -> Model {
    let mut model = Model::load(&model_file(data, case), &Limits::default()).unwrap();
    let description: Description = toml::from_str(case.describe).unwrap();
    model.describe(description).unwrap();
    model
}

fn embedder(model: &Model, batch: usize, flip: Flip) -> Embedder {
    let options = EmbedOptions { batch, fit: Fit::Aligned, flip: Some(flip), ..EmbedOptions::default() };
    Embedder::new(&gpu(), model, &options).unwrap()
}

#[test]
fn aligned_faces_have_the_embeddings_of_the_original_pipeline() {
    let Some(data) = test_data() else { return };
    for case in &CASES {
        let (pictures, wanted): (Vec<_>, Vec<_>) = faces(&data, case).into_iter().unzip();
        let got = embedder(&described(&data, case), 8, Flip::None).embed(&pictures).unwrap();
        assert_eq!(got.len(), wanted.len());
        let mut least = (1.0, 0.0);
        for (i, (got, want)) in got.iter().zip(&wanted).enumerate() {
            let (cosine, error) = compare(got, want);
            assert!(cosine >= 0.9999 && error < 1e-3, "{} face {i}: {cosine} {error:e}", case.name);
            least = (f64::min(least.0, cosine), f64::max(least.1, error));
        }
        println!("{}: {} faces, least cosine {:.9}, largest relative L2 error {:.2e}", case.name, got.len(), least.0, least.1);
    }
}

#[test]
fn normalised_embeddings_have_length_one_and_the_same_direction() {
    let Some(data) = test_data() else { return };
    let case = &CASES[0];
    let mut model = described(&data, case);
    let mut description = model.description.clone();
    description.embedding.as_mut().unwrap().normalize = lookalike::model::Normalize::L2;
    model.describe(description).unwrap();
    let (pictures, wanted): (Vec<_>, Vec<_>) = faces(&data, case).into_iter().take(3).unzip();
    for (got, want) in embedder(&model, 2, Flip::None).embed(&pictures).unwrap().iter().zip(&wanted) {
        let length = got.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        assert!((length - 1.0).abs() < 1e-6, "{length}");
        assert!(compare(got, want).0 >= 0.9999);
    }
}

fn mirrored(p: &Picture) -> Picture {
    let row = p.width as usize * 3;
    let rgb = p.rgb.chunks(row).flat_map(|r| r.chunks(3).rev().flatten().copied()).collect();
    Picture::new(p.width, p.height, rgb).unwrap()
}

#[test]
fn flipping_equals_embedding_the_mirror_image_as_well() {
    let Some(data) = test_data() else { return };
    let case = &CASES[1];
    let model = described(&data, case);
    let pictures: Vec<_> = faces(&data, case).into_iter().take(3).map(|(p, _)| p).collect();
    let mirrors: Vec<_> = pictures.iter().map(mirrored).collect();
    let plain = embedder(&model, 3, Flip::None);
    let (a, b) = (plain.embed(&pictures).unwrap(), plain.embed(&mirrors).unwrap());
    let sum = embedder(&model, 3, Flip::Sum).embed(&pictures).unwrap();
    let both = embedder(&model, 3, Flip::Concat).embed(&pictures).unwrap();
    for i in 0..3 {
        let added: Vec<f32> = a[i].iter().zip(b[i].iter()).map(|(x, y)| x + y).collect();
        assert!(compare(&sum[i], &added).1 < 1e-4);
        assert!(compare(&both[i], &[&a[i][..], &b[i][..]].concat()).1 < 1e-4);
    }
}

#[test]
fn the_command_line_writes_the_same_embeddings() {
    let Some(data) = test_data() else { return };
    for case in &CASES {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("describe.toml"), case.describe).unwrap();
        let faces: Vec<_> = faces(&data, case).into_iter().take(3).collect();
        for (i, (p, _)) in faces.iter().enumerate() {
            image::save_buffer(dir.path().join(format!("{i}.png")), &p.rgb, p.width, p.height, image::ColorType::Rgb8).unwrap();
        }
        let output = Command::new(env!("CARGO_BIN_EXE_lookalike"))
            .args([
                "embed",
                "--aligned",
                "--describe",
                "describe.toml",
                "-o",
                "out.npy",
                "0.png",
                "1.png",
                "2.png",
                "--batch",
                "2",
                "--model",
            ])
            .arg(model_file(&data.canonicalize().unwrap(), case))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let got = read_npy(&dir.path().join("out.npy"));
        assert_eq!(got.shape().dims(), [3, faces[0].1.len()]);
        for ((i, (_, want)), got) in faces.iter().enumerate().zip(got.to_f32().chunks(faces[0].1.len())) {
            let (cosine, error) = compare(got, want);
            assert!(cosine >= 0.9999 && error < 1e-3, "{} picture {i}: {cosine} {error:e}", case.name);
        }
        let sources = std::fs::read_to_string(dir.path().join("out.csv")).unwrap();
        assert_eq!(sources.lines().collect::<Vec<_>>(), ["row,source", "0,0.png", "1,1.png", "2,2.png"]);
    }
}
