//! The models that the reference pipeline was run with, and what their authors do to pixels.

use std::path::{Path, PathBuf};

use lookalike::embed::{EmbedOptions, FaceEmbedder, FaceOptions, Picture};
use lookalike::face::detect::{DetectOptions, Detector, DetectorKind};
use lookalike::face::{Finder, Which};
use lookalike::gpu::{Gpu, Photo};
use lookalike::import::Limits;
use lookalike::model::{Description, Model};

#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) describe: &'static str,
    /// The threshold at which the reference accuracy was measured.
    pub(crate) threshold: f32,
}

pub(crate) const MODELS: [Case; 3] = [
    Case {
        name: "face_reid_retail_0095",
        describe: "name = \"retail\"\n[input]\nchannels = \"bgr\"\n[align]\nsize = [128, 128]\ntemplate = \"retail-128\"\n[embedding]\n",
        threshold: 0.290,
    },
    // mean = 255 * (0.485, 0.456, 0.406), scale = 1 / (255 * (0.229, 0.224, 0.225)), in Python.
    Case {
        name: "mobilefacenet_foamliu",
        describe: "name = \"mobilefacenet\"\n[input]\nchannels = \"rgb\"\nmean = [123.675, 116.28, 103.53]\n\
                   scale = [0.017124753831663668, 0.017507002801120448, 0.017429193899782137]\n[align]\nsize = [112, 112]\n\
                   template = \"arcface-112\"\n[embedding]\n",
        threshold: 0.290,
    },
    Case {
        name: "dlib_face_resnet_v1",
        describe: "name = \"dlib\"\n[align]\nsize = [150, 150]\ntemplate = \"dlib-150\"\n[embedding]\n",
        threshold: 0.909,
    },
];

pub(crate) fn model(data: &Path, case: &Case) -> Model {
    let mut model = Model::load(&data.join("data/models").join(case.name).with_extension("onnx"), &Limits::default()).unwrap();
    let description: Description = toml::from_str(case.describe).unwrap();
    model.describe(description).unwrap();
    model
}

pub(crate) fn mtcnn_files(data: &Path) -> Vec<PathBuf> {
    ["pnet", "rnet", "onet"].map(|n| data.join(format!("data/models/mtcnn_{n}.onnx"))).to_vec()
}

pub(crate) fn embedder(gpu: &Gpu, data: &Path, case: &Case, which: Which) -> FaceEmbedder {
    let detector = Detector::load(gpu, DetectorKind::Mtcnn, &mtcnn_files(data)).unwrap();
    let finder = Finder::new(Box::new(detector), None, DetectOptions::default(), which);
    let options = FaceOptions { embed: EmbedOptions { batch: 8, ..EmbedOptions::default() }, ..FaceOptions::default() };
    FaceEmbedder::new(gpu, finder, &model(data, case), &options).unwrap()
}

pub(crate) fn photo(gpu: &Gpu, path: &Path) -> Photo {
    let picture = Picture::open(path).unwrap();
    Photo::upload(gpu, &picture.rgb, picture.width, picture.height).unwrap()
}

/// Number, file below data/ and count of faces of every picture of the reference pipeline.
pub(crate) fn pictures(data: &Path) -> Vec<(String, String, usize)> {
    let text = std::fs::read_to_string(data.join("golden/pipeline_mtcnn/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let images = manifest["images"].as_array().unwrap();
    let text = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
    images.iter().map(|i| (text(&i["id"]), text(&i["image"]), i["faces"].as_u64().unwrap() as usize)).collect()
}
