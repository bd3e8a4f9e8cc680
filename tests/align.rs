//! Alignment against what OpenCV and NumPy made of the same landmarks, and the embeddings that come of it.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::path::Path;

use common::{compare, gpu, read_npy, test_data};
use lookalike::embed::{EmbedOptions, Embedder, Picture};
use lookalike::face::Face;
use lookalike::face::align::{Aligner, DeviceAligner, Similarity};
use lookalike::gpu::{Photo, PhotoView};
use lookalike::import::Limits;
use lookalike::model::{Align, Description, Model};
use lookalike::network::{Border, Look, Sampling};
use serde_json::Value;

fn golden(data: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(data.join("golden/pipeline.json")).unwrap()).unwrap()
}

fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn points(v: &Value) -> Vec<[f64; 2]> {
    numbers(v).chunks_exact(2).map(|p| [p[0], p[1]]).collect()
}

/// A golden picture: its file, and its faces as the reference detector found them.
struct Scene {
    id: String,
    picture: Picture,
    faces: Vec<Face>,
}

fn scenes(data: &Path) -> Vec<Scene> {
    let folder = data.join("golden/pipeline_mtcnn");
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let mut out = Vec::new();
    for image in manifest["images"].as_array().unwrap() {
        let id = image["id"].as_str().unwrap().to_owned();
        if image["faces"].as_u64() == Some(0) {
            continue;
        }
        let landmarks = read_npy(&folder.join(format!("{id}__landmarks.npy")));
        let landmarks: Vec<_> = landmarks.to_f32().chunks_exact(2).map(|p| [p[0], p[1]]).collect();
        let faces = landmarks.chunks_exact(5).map(|l| Face { landmarks: l.to_vec(), ..Face::default() }).collect();
        let picture = Picture::open(data.join("data").join(image["image"].as_str().unwrap())).unwrap();
        out.push(Scene { id, picture, faces });
    }
    assert!(out.len() > 15, "{}", out.len());
    out
}

fn upload(picture: &Picture) -> Photo {
    Photo::upload(&gpu(), &picture.rgb, picture.width, picture.height).unwrap()
}

fn template(name: &str, size: usize) -> Aligner {
    Aligner::of(&Align { size: [size, size], template: Some(name.to_owned()), ..Align::default() }).unwrap()
}

#[test]
fn similarities_have_the_digits_of_the_reference() {
    let Some(data) = test_data() else { return };
    let golden = golden(&data);
    let mut seen = 0;
    for case in golden["similarity"].as_array().unwrap() {
        // The rigid and the spatial case are other problems than the one that is solved here.
        if case["with_scale"] == false || case["src"][0].as_array().unwrap().len() != 2 {
            continue;
        }
        let (source, target) = (points(&case["src"]), points(&case["dst"]));
        let found = Similarity::fit(&source, &target).unwrap();
        let near = |got: f64, want: f64| assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "{}: {got} {want}", case["id"]);
        for (got, want) in found.matrix().iter().flatten().zip(numbers(&case["expect"]["matrix"])) {
            near(*got, want);
        }
        for (got, want) in found.inverse().unwrap().matrix().iter().flatten().zip(numbers(&case["expect"]["inverse"])) {
            near(*got, want);
        }
        let square = |(s, t): (&[f64; 2], &[f64; 2])| {
            let [x, y] = found.apply(*s);
            (x - t[0]).powi(2) + (y - t[1]).powi(2)
        };
        let rms = (source.iter().zip(&target).map(square).sum::<f64>() / source.len() as f64).sqrt();
        near(rms, case["expect"]["rms"].as_f64().unwrap());
        seen += 1;
    }
    assert_eq!(seen, 6);
}

/// On the device, in f32: turn and scale to 1e-5, shifts to some roundings of what they are the difference of, a place and the map of another.
#[test]
fn similarities_of_the_device_are_those_of_the_reference() {
    let Some(data) = test_data() else { return };
    let gpu = gpu();
    let golden = golden(&data);
    let mut seen = 0;
    for case in golden["similarity"].as_array().unwrap() {
        let five = |p: Vec<[f64; 2]>| <[[f32; 2]; 5]>::try_from(p.iter().map(|p| p.map(|v| v as f32)).collect::<Vec<_>>()).ok();
        let flat = case["src"][0].as_array().unwrap().len() == 2;
        let (Some(source), Some(target)) = (five(points(&case["src"])), five(points(&case["dst"]))) else { continue };
        if case["with_scale"] == false || !flat {
            continue;
        }
        let aligner = Aligner::of(&Align { size: [112, 112], points: Some(target), ..Align::default() }).unwrap();
        let face = Face { landmarks: source.to_vec(), ..Face::default() };
        let found = DeviceAligner::new(&gpu, &aligner, 5, 1).unwrap().align(&[face], [640, 480]).unwrap().remove(0).unwrap();
        let Look::Warp { transform, .. } = found.look else { panic!("{:?}", found.look) };
        let far = source.iter().chain(&target).flatten().fold(0.0f64, |m, v| m.max(f64::from(v.abs())));
        let near = |got: Vec<f64>, want: Vec<f64>| {
            let bounds = [1e-5, 1e-5, 2f64.powi(-21) * far * (1.0 + want[0].hypot(want[1]))];
            for (i, (got, want)) in got.into_iter().zip(want).enumerate() {
                assert!((got - want).abs() <= bounds[i % 3], "{} {i}: {got} {want}", case["id"]);
            }
        };
        near(found.to_crop.concat(), numbers(&case["expect"]["matrix"]));
        near(transform.map(f64::from).to_vec(), numbers(&case["expect"]["inverse"]));
        seen += 1;
    }
    assert!(seen >= 3, "{seen}");
}

#[test]
fn templates_are_those_of_the_reference() {
    let Some(data) = test_data() else { return };
    let golden = golden(&data);
    for (key, name, size) in [("arcface_112x112", "arcface-112", [112, 112]), ("sphereface_112x96", "sphereface-96x112", [96, 112])] {
        let align = Align { size, template: Some(name.to_owned()), ..Align::default() };
        let got = lookalike::embed::align_points(&align).unwrap();
        // 38.2946 - 8 has an error of one rounding.
        assert!(got.iter().flatten().zip(numbers(&golden["templates"][key])).all(|(g, w)| (g - w).abs() < 1e-12), "{key}");
    }
}

#[test]
fn warps_agree_with_the_reference() {
    let Some(data) = test_data() else { return };
    let golden = golden(&data);
    for case in golden["warp"].as_array().unwrap() {
        let rows = case["image"].as_array().unwrap();
        let (height, width) = (rows.len() as u32, rows[0].as_array().unwrap().len() as u32);
        let rgb: Vec<u8> = numbers(&case["image"]).iter().flat_map(|&v| [v as u8; 3]).collect();
        let picture = Picture::new(width, height, rgb).unwrap();
        let m = numbers(&case["matrix"]);
        let map = Similarity { a: m[0], b: m[3], tx: m[2], ty: m[5] };
        let border = if case["border"] == "constant0" { Border::Black } else { Border::Edge };
        let look = Look::Warp { transform: map.inverse().unwrap().transform(), border, sampling: Sampling::Point };
        let size = [case["out_w"].as_u64().unwrap() as u32, case["out_h"].as_u64().unwrap() as u32];
        let got = upload(&picture).render(&gpu(), &[look], size).unwrap().remove(0);
        let want = numbers(&case["expect"]);
        assert_eq!(got.len(), want.len() * 3);
        // Grey levels are rounded; a coordinate in f32 moves a level by less than 1e-3.
        let worst = got.chunks_exact(3).zip(&want).map(|(g, w)| (f64::from(g[0]) - w).abs()).fold(0.0, f64::max);
        assert!(worst <= 0.501, "{}: {worst}", case["id"]);
    }
}

#[test]
fn transforms_are_those_of_the_reference_pipeline() {
    let Some(data) = test_data() else { return };
    let aligner = template("arcface-112", 112);
    let mut worst = 0f64;
    for scene in scenes(&data) {
        let want = read_npy(&data.join(format!("golden/pipeline_mtcnn/{}__affine112.npy", scene.id)));
        for (face, want) in scene.faces.iter().zip(want.to_f32().chunks_exact(6)) {
            let found = aligner.align(face, [scene.picture.width, scene.picture.height]).unwrap();
            for (got, want) in found.to_crop.iter().flatten().zip(want) {
                worst = worst.max((got - f64::from(*want)).abs() / f64::from(want.abs()).max(1.0));
            }
        }
    }
    println!("largest relative difference {worst:e}");
    // The expected matrices are stored as f32: half an ulp is 6e-8.
    assert!(worst < 1e-6, "{worst}");
}

#[test]
fn crops_are_those_of_opencv_to_a_grey_level() {
    let Some(data) = test_data() else { return };
    for (aligner, size) in [(template("arcface-112", 112), 112usize), (template("retail-128", 128), 128)] {
        let (mut worst, mut total, mut numbers) = (0f64, 0f64, 0usize);
        for scene in scenes(&data) {
            let photo = upload(&scene.picture);
            let looks: Vec<_> = scene.faces.iter().map(|f| aligner.align(f, photo.size()).unwrap().look).collect();
            let crops = photo.render(&gpu(), &looks, [size as u32; 2]).unwrap();
            let want = read_npy(&data.join(format!("golden/pipeline_mtcnn/{}__aligned{size}_rgb.npy", scene.id)));
            for (crop, want) in crops.iter().zip(want.to_f32().chunks_exact(size * size * 3)) {
                for (&got, &want) in crop.iter().zip(want) {
                    let difference = f64::from((f32::from(got) - want).abs());
                    worst = worst.max(difference);
                    total += difference;
                }
                numbers += want.len();
            }
        }
        println!("{size}: largest difference {worst}, mean {}", total / numbers as f64);
        // OpenCV rounds weights to 1/32, which shows where a level lies near a half.
        assert!(worst <= 1.0 && total < 0.01 * numbers as f64, "{worst} {total} of {numbers}");
    }
}

fn described(data: &Path, name: &str, describe: &str) -> Model {
    let mut model = Model::load(&data.join("data/models").join(name).with_extension("onnx"), &Limits::default()).unwrap();
    let description: Description = toml::from_str(describe).unwrap();
    model.describe(description).unwrap();
    model
}

const MODELS: [(&str, &str); 3] = [
    (
        "face_reid_retail_0095",
        "name = \"retail\"\n[input]\nchannels = \"bgr\"\n[align]\nsize = [128, 128]\ntemplate = \"retail-128\"\n[embedding]\nnormalize = \"none\"\n",
    ),
    (
        "mobilefacenet_foamliu",
        "name = \"mobilefacenet\"\n[input]\nmean = [123.675, 116.28, 103.53]\nscale = [0.017124753831663668, 0.017507002801120448, 0.017429193899782137]\n\
         [align]\nsize = [112, 112]\ntemplate = \"arcface-112\"\n[embedding]\nnormalize = \"none\"\n",
    ),
    ("dlib_face_resnet_v1", "name = \"dlib\"\n[align]\nsize = [150, 150]\ntemplate = \"dlib-150\"\n[embedding]\nnormalize = \"none\"\n"),
];

#[test]
fn aligned_faces_have_the_embeddings_of_the_reference_pipeline() {
    let Some(data) = test_data() else { return };
    let scenes = scenes(&data);
    for (name, describe) in MODELS {
        let model = described(&data, name, describe);
        let embedder = Embedder::new(&gpu(), &model, &EmbedOptions::default()).unwrap();
        let aligner = Aligner::new(&model.description, embedder.size()).unwrap();
        for scene in &scenes {
            let photo = upload(&scene.picture);
            let want = read_npy(&data.join(format!("golden/pipeline_mtcnn/{}__emb_{name}.npy", scene.id)));
            let want = want.to_f32();
            let embed = |sampling: Sampling| {
                let aligner = aligner.clone().sampling(sampling);
                let look = |f| PhotoView { photo: &photo, look: aligner.align(f, photo.size()).unwrap().look };
                embedder.embed_photos(&scene.faces.iter().map(look).collect::<Vec<_>>()).unwrap()
            };
            let (point, smooth) = (embed(Sampling::Point), embed(Sampling::Smooth));
            for (i, want) in want.chunks_exact(want.len() / scene.faces.len()).enumerate() {
                let scale = aligner.align(&scene.faces[i], photo.size()).unwrap().scale;
                let (point, smooth) = (compare(&point[i], want).0, compare(&smooth[i], want).0);
                println!("{name} {} scale {scale:.3}: point {point:.6} smooth {smooth:.6}", scene.id);
                assert!(point > 0.9998, "{name} {}: {point}", scene.id);
            }
        }
    }
}
