//! Published models on the GPU against outputs that their original runtimes computed (ONNX Runtime, PyTorch, dlib, OpenVINO).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::path::Path;

use common::{compare, gpu, pick, read_npy, test_data};
use lookalike::import::Limits;
use lookalike::model::{Model, Precision};
use lookalike::network::{CompileOptions, Network};

/// Every `input_<tag>.npy` of a model with its expected outputs.
fn cases(folder: &Path) -> Vec<(String, std::path::PathBuf, Vec<(String, std::path::PathBuf)>)> {
    let names: Vec<String> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let mut out = Vec::new();
    for name in &names {
        let Some(tag) = name.strip_prefix("input_").and_then(|n| n.strip_suffix(".npy")) else { continue };
        let prefix = format!("output_{tag}__");
        let outputs =
            names.iter().filter_map(|n| Some((n.strip_prefix(&prefix)?.strip_suffix(".npy")?.to_owned(), folder.join(n)))).collect();
        out.push((tag.to_owned(), folder.join(name), outputs));
    }
    out.sort();
    out
}

fn check(model_name: &str, precision: Precision, least_cosine: f64, most_error: f64) {
    let Some(data) = test_data() else { return };
    let model = Model::load(&data.join(format!("data/models/{model_name}.onnx")), &Limits::default()).unwrap();
    let cases = cases(&data.join("golden").join(model_name));
    assert!(!cases.is_empty(), "no expected outputs for {model_name}");
    for (tag, input_path, outputs) in cases {
        let input = read_npy(&input_path);
        let samples = input.shape()[0];
        let name = model.graph.name(model.graph.inputs[0].value).to_owned();
        let mut shape = input.shape().to_vec();
        shape[0] = 1;
        let options = CompileOptions { precision, shapes: vec![(name.clone(), shape.into())], ..CompileOptions::default() };
        let network = Network::compile(&gpu(), &model, &options).unwrap();
        for batch in [1, 3, 8] {
            // Different samples in different places of the batch; fewer samples than places repeat.
            let order: Vec<usize> = (0..batch).map(|i| (i + batch) % samples).collect();
            let results = network.run(&[(&name, &pick(&input, order.clone()))]).unwrap();
            assert_eq!(results.len(), outputs.len(), "{model_name} {tag}");
            for (output, path) in &outputs {
                let want = pick(&read_npy(path), order.clone());
                let (_, got) = results.iter().find(|(n, _)| n.replace('/', "_") == *output).unwrap();
                assert_eq!(got.shape(), want.shape(), "{model_name} {tag} {output}");
                let (cosine, error) = compare(&got.to_f32(), &want.to_f32());
                println!("{model_name} {tag} {output} batch {batch}: cosine {cosine:.9}, relative L2 {error:.2e}");
                assert!(cosine >= least_cosine && error <= most_error, "{model_name} {tag} {output} batch {batch}: {cosine} {error:e}");
            }
        }
    }
}

macro_rules! models {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[test]
            fn f32_agrees_with_the_original_runtime() {
                super::check(stringify!($name), lookalike::model::Precision::F32, 0.999_999, 1e-4);
            }
            #[test]
            fn f16_weights_stay_close() {
                super::check(stringify!($name), lookalike::model::Precision::F16, 0.9995, f64::INFINITY);
            }
        }
    )*};
}

models!(
    dlib_face_resnet_v1,
    face_reid_retail_0095,
    landmarks5_retail_0009,
    mobilefacenet_foamliu,
    mtcnn_pnet,
    mtcnn_rnet,
    mtcnn_onet,
    retinaface_rfb_320,
    ultralight_rfb_320,
    yunet_n_320,
    yunet_n_dynamic,
);
