//! The passes on public models, with the outputs of their original runtimes. Needs `LOOKALIKE_TEST_DATA`.

use std::path::{Path, PathBuf};

use lookalike::graph::{Dim, Graph, passes};
use lookalike::import::Limits;
use lookalike::model::Model;
use lookalike::reference::{self, Array};
use lookalike::tensor::{Shape, Tensor};

fn test_data() -> Option<PathBuf> {
    let folder = std::env::var_os("LOOKALIKE_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: LOOKALIKE_TEST_DATA is not set");
    }
    folder
}

fn load(path: &Path) -> Graph {
    Model::load(path, &Limits::default()).unwrap().graph
}

fn read(path: &Path) -> Array {
    let bytes = std::fs::read(path).unwrap();
    let file = npyz::NpyFile::new(&bytes[..]).unwrap();
    let shape: Vec<usize> = file.shape().iter().map(|&d| d as usize).collect();
    Array::from(&Tensor::from_f32(shape, file.into_vec::<f32>().unwrap()).unwrap())
}

fn nominal_shapes(graph: &Graph) -> Vec<Shape> {
    let size = |(axis, dim): (usize, &Dim)| match dim {
        Dim::Fixed(n) => *n,
        Dim::Free(_) => [1, 3, 256, 320][axis],
    };
    graph.inputs.iter().map(|input| input.dims.iter().enumerate().map(size).collect::<Vec<_>>().into()).collect()
}

#[test]
fn public_models_get_smaller() {
    let Some(folder) = test_data() else { return };
    // Nodes after optimising and specialising. What remains are the convolutions and linear layers, and what lies between them for good:
    // pools, gates (pool, sigmoid, multiply), padded or twice-used shortcuts, and the reshapes of detector heads. MobileFaceNet, for
    // example, is its 51 convolutions and one reshape.
    let expected = [
        ("dlib_face_resnet_v1", 45),
        ("face_reid_retail_0095", 138),
        ("landmarks5_retail_0009", 14),
        ("mobilefacenet_foamliu", 52),
        ("mtcnn_onet", 12),
        ("mtcnn_pnet", 7),
        ("mtcnn_rnet", 9),
        ("retinaface_rfb_320", 88),
        ("ultralight_rfb_320", 72),
        ("yunet_n_320", 97),
        ("yunet_n_dynamic", 97),
    ];
    let mut found = Vec::new();
    for (name, _) in expected {
        let mut graph = load(&folder.join(format!("data/models/{name}.onnx")));
        let shapes = nominal_shapes(&graph);
        let before = graph.nodes.len();
        passes::optimise(&mut graph, &shapes).unwrap();
        let (special, _) = passes::specialise(&graph, &shapes).unwrap();
        println!("{name}: {before} nodes, {} optimised, {} specialised", graph.nodes.len(), special.nodes.len());
        found.push((name, special.nodes.len()));
    }
    assert_eq!(found, expected);
}

#[test]
fn optimised_models_reproduce_their_original_runtimes() {
    let Some(folder) = test_data() else { return };
    for (name, input) in [("face_reid_retail_0095", "random"), ("mtcnn_onet", "random"), ("landmarks5_retail_0009", "random")] {
        let mut graph = load(&folder.join(format!("data/models/{name}.onnx")));
        let golden = folder.join("golden").join(name);
        let x = read(&golden.join(format!("input_{input}.npy")));
        let original = graph.clone();
        passes::optimise(&mut graph, &nominal_shapes(&original)).unwrap();
        let before = reference::run_graph(&original, std::slice::from_ref(&x), &original.outputs).unwrap();
        let after = reference::run_graph(&graph, &[x], &graph.outputs).unwrap();
        for ((a, b), &id) in before.iter().zip(&after).zip(&graph.outputs) {
            let output = graph.name(id);
            let expected = read(&golden.join(format!("output_{input}__{output}.npy")));
            let (passes, runtime) = (super::difference(a, b), super::difference(&expected, b));
            println!("{name} {output}: passes change {passes:.1e}, the original runtime differs by {runtime:.1e}");
            assert!(passes <= super::TOLERANCE && runtime <= 1e-4, "{name} {output}: {passes:e}, {runtime:e}");
        }
    }
}
