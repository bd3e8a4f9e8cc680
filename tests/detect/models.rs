//! Networks with random weights for every kind of detector.

use lookalike::graph::{Conv, Epilogue, Graph, Op, Window};
use lookalike::model::Model;
use lookalike::tensor::Tensor;
use lookalike::zoo;

use crate::common::{Random, graph_of, model_of};

/// A network in the form of RetinaFace (`pointed`) or Ultra-Light: one convolution a level, without a softmax.
pub(crate) fn priors([width, height]: [usize; 2], pointed: bool, seed: u64) -> Model {
    let mut random = Random(seed);
    let (mut graph, x) = graph_of(&[3, height, width]);
    for (name, each) in [("boxes", 4), ("scores", 2), ("points", 10)].into_iter().take(if pointed { 3 } else { 2 }) {
        let mut levels = Vec::new();
        for (stride, anchors) in [(8, 3), (16, 2), (32, 2), (64, 3)] {
            let level = format!("{name}.{stride}");
            let w = graph.add_constant(format!("{level}.weight"), random.scaled(&[anchors * each, 3, 8, 8], 0.003));
            // A window of eight pixels: the last one may begin at the border of a level that is rounded up.
            let mut window = Window::square(8, stride, 0);
            window.pads = [0, 0, 64, 64];
            let rows = ((height + 64 - 8) / stride + 1).min(height.div_ceil(stride));
            let columns = ((width + 64 - 8) / stride + 1).min(width.div_ceil(stride));
            window.pads = [0, 0, ((rows - 1) * stride + 8).saturating_sub(height), ((columns - 1) * stride + 8).saturating_sub(width)];
            let conv = Conv { window, groups: 1, bias: false, pre_affine: false, epilogue: Epilogue::default() };
            let map = graph.add_node(level.clone(), Op::Conv(conv), &[x, w]);
            let turned = graph.add_node(format!("{level}.last"), Op::Transpose { perm: vec![0, 2, 3, 1] }, &[map]);
            let target = graph.add_constant(format!("{level}.rows"), Tensor::indices(vec![0, -1, each as i64]));
            levels.push(graph.add_node(format!("{level}.flat"), Op::Reshape { allow_zero: false }, &[turned, target]));
        }
        let joined = graph.add_node(name, Op::Concat { axis: 1 }, &levels);
        graph.outputs.push(joined);
    }
    model_of(graph)
}

/// A network of the registry with random weights.
pub(crate) fn zoo(name: &str) -> Model {
    zoo::find(name).unwrap().model(&mut zoo::Seeded(7)).unwrap()
}

/// SCRFD without landmarks.
pub(crate) fn scrfd_without_points() -> Model {
    let mut model = zoo("scrfd-500m");
    let graph: &mut Graph = &mut model.graph;
    let boxes = graph.outputs.iter().copied().filter(|&o| !graph.name(o).starts_with("kps")).collect();
    graph.outputs = boxes;
    Model::new(&model.graph, model.description.clone()).unwrap()
}
