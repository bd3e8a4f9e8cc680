//! The graph as JSON, by names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::graph::{Dim, Graph, Node, Op, ValueId};
use crate::tensor::{DType, Data, Tensor};

/// The graph in a model file. Values go by their names; what is neither an input nor a node's output is a tensor of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GraphLayout {
    inputs: Vec<InputLayout>,
    outputs: Vec<String>,
    nodes: Vec<NodeLayout>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputLayout {
    name: String,
    dims: Vec<Dim>,
    #[serde(default = "float", skip_serializing_if = "is_float")]
    dtype: DType,
}

fn float() -> DType {
    DType::F32
}

fn is_float(dtype: &DType) -> bool {
    *dtype == DType::F32
}

#[derive(Serialize, Deserialize)]
struct NodeLayout {
    name: String,
    inputs: Vec<String>,
    outputs: Vec<String>,
    #[serde(flatten)]
    op: Op,
}

impl GraphLayout {
    pub(super) fn of(graph: &Graph) -> Self {
        let names = |ids: &[ValueId]| ids.iter().map(|&id| graph.name(id).to_owned()).collect::<Vec<_>>();
        Self {
            inputs: graph
                .inputs
                .iter()
                .map(|i| InputLayout { name: graph.name(i.value).to_owned(), dims: i.dims.clone(), dtype: i.dtype })
                .collect(),
            outputs: names(&graph.outputs),
            nodes: graph
                .nodes
                .iter()
                .map(|n| NodeLayout { name: n.name.clone(), inputs: names(&n.inputs), outputs: names(&n.outputs), op: n.op.clone() })
                .collect(),
        }
    }

    /// Number of nodes.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The graph, with values in the order of first mention. `tensor` gives the tensors of the file by name.
    ///
    /// # Errors
    /// Those of `tensor`. Names used twice come out as a graph that does not validate.
    pub(super) fn build(self, mut tensor: impl FnMut(&str, &str) -> Result<Arc<Tensor>>) -> Result<Graph> {
        let mut graph = Graph::default();
        let mut ids: HashMap<String, ValueId> = HashMap::new();
        for input in self.inputs {
            let id = graph.add_typed_input(input.name.clone(), input.dims, input.dtype);
            ids.insert(input.name, id);
        }
        let made: HashSet<String> = self.nodes.iter().flat_map(|n| n.outputs.iter().cloned()).collect();
        // What is not made yet and never will be is a tensor. What will be made later is found by validation.
        let mut read = |name: &str, reader: &str, graph: &mut Graph, ids: &mut HashMap<String, ValueId>| -> Result<ValueId> {
            if let Some(&id) = ids.get(name) {
                return Ok(id);
            }
            let constant = if made.contains(name) { None } else { Some(tensor(name, reader)?) };
            let id = graph.add_value(name);
            graph.value_mut(id).constant = constant;
            ids.insert(name.to_owned(), id);
            Ok(id)
        };
        for node in self.nodes {
            let mut inputs = Vec::with_capacity(node.inputs.len());
            for name in &node.inputs {
                inputs.push(read(name, &node.name, &mut graph, &mut ids)?);
            }
            let mut outputs = Vec::with_capacity(node.outputs.len());
            for name in node.outputs {
                let id = *ids.entry(name.clone()).or_insert_with(|| graph.add_value(name));
                outputs.push(id);
            }
            graph.nodes.push(Node { name: node.name, op: node.op, inputs, outputs });
        }
        for name in &self.outputs {
            let id = read(name, "the outputs", &mut graph, &mut ids)?;
            graph.outputs.push(id);
        }
        Ok(graph)
    }
}

/// `value` as JSON text. Field order is that of the declarations, so equal values give equal text.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Model(format!("The model cannot be written as JSON: {e}.")))
}

/// The constants of a graph by name.
pub(super) fn tensors(graph: &Graph) -> BTreeMap<&str, &Arc<Tensor>> {
    graph.values.iter().filter_map(|v| v.constant.as_ref().map(|t| (v.name.as_str(), t))).collect()
}

/// The name of an element type in a safetensors header.
pub(super) fn dtype_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "F32",
        DType::F16 => "F16",
        DType::I64 => "I64",
        DType::I32 => "I32",
        DType::I16 => "I16",
        DType::I8 => "I8",
        DType::U64 => "U64",
        DType::U32 => "U32",
        DType::U16 => "U16",
        DType::U8 => "U8",
        DType::Bool => "BOOL",
    }
}

/// Hands the little-endian bytes of a tensor to `sink` in pieces.
pub(super) fn with_bytes<E>(tensor: &Tensor, mut sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let bytes: Vec<u8> = match tensor.data() {
        Data::F32(v) if cfg!(target_endian = "little") => return sink(bytemuck::cast_slice(v)),
        Data::F16(v) if cfg!(target_endian = "little") => return sink(bytemuck::cast_slice(v)),
        Data::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::F16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I64(v) => tensor.dtype().integers_to_le(v),
    };
    sink(&bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::graph::*;

    /// One of each variant that serialises differently.
    fn operations() -> Vec<Op> {
        let window = Window::square(3, 2, 1);
        let epilogue = Epilogue { slope: true, lo: Some(0.1), hi: None, residual: true, post_lo: None, post_hi: Some(6.0) };
        vec![
            Op::Conv(Conv { window: window.clone(), groups: 4, bias: true, pre_affine: true, epilogue: epilogue.clone() }),
            Op::LocallyConnected(LocallyConnected { window: window.clone(), tile: [2, 2], bias: true, epilogue: epilogue.clone() }),
            Op::Linear(Linear { bias: false, flatten_order: vec![2, 1, 0], epilogue }),
            Op::BatchNorm { epsilon: 1e-5 },
            Op::Affine,
            Op::Unary(Unary::Relu),
            Op::Unary(Unary::LeakyRelu { alpha: 0.1 }),
            Op::Unary(Unary::Clip { lo: None, hi: Some(6.0) }),
            Op::Unary(Unary::HardSigmoid { alpha: 0.2, beta: 0.5 }),
            Op::PRelu,
            Op::Binary(Binary::Pow),
            Op::Pool(Pool { kind: PoolKind::L2, window, ceil: true, count_include_pad: false }),
            Op::GlobalPool(PoolKind::Average),
            Op::GlobalPool(PoolKind::L2),
            Op::Reduce { kind: Reduction::SumSquare, axes: vec![-1, 2], keep_dims: false, none_if_empty: false },
            Op::Lrn { size: 5, alpha: 1e-4, beta: 0.75, bias: 1.0 },
            Op::L2Normalize { axis: -1, epsilon: 1e-30 },
            Op::Softmax { axis: 1, flatten: true },
            Op::Flatten { axis: 1 },
            Op::Reshape { allow_zero: true },
            Op::Transpose { perm: vec![0, 2, 3, 1] },
            Op::Squeeze,
            Op::Unsqueeze,
            Op::Concat { axis: -1 },
            Op::Split { axis: 1, sizes: vec![1, 2] },
            Op::Slice,
            Op::Pad { mode: PadMode::Reflect },
            Op::Expand,
            Op::Resize(Resize {
                mode: ResizeMode::Linear,
                coordinates: Coordinates::PytorchHalfPixel,
                nearest: NearestRounding::RoundPreferFloor,
                target: ResizeTarget::Sizes,
                axes: vec![-1],
                antialias: true,
                exclude_outside: false,
                aspect: AspectRatio::NotLarger,
                extrapolation: 0.5,
            }),
            Op::Resize(Resize::new(
                ResizeMode::Cubic { a: -0.5 },
                Coordinates::TfCropAndResize,
                NearestRounding::DownOrUp,
                ResizeTarget::Scales,
            )),
            Op::GridSample(GridSample { mode: GridMode::Cubic, padding: GridPadding::Reflection, align_corners: true }),
            Op::Tile,
            Op::DepthToSpace { block: 2, column_row_depth: true },
            Op::SpaceToDepth { block: 3, column_row_depth: false },
            Op::Range,
            Op::Dropout,
            Op::Gather { axis: 0 },
            Op::GatherElements { axis: -1 },
            Op::GatherNd { batch_dims: 1 },
            Op::Shape { start: 0, end: None },
            Op::Shape { start: 1, end: Some(-1) },
            Op::ConstantOfShape { value: 0.3, dtype: DType::F32 },
            Op::Cast { to: DType::I64 },
            Op::Identity,
        ]
    }

    #[test]
    fn every_operation_survives_the_json() {
        for op in operations() {
            let node = NodeLayout { name: "n".into(), inputs: vec!["a".into()], outputs: vec!["b".into()], op };
            let text = json(&node).unwrap();
            let back: NodeLayout = serde_json::from_str(&text).unwrap();
            assert_eq!(back.op, node.op, "{text}");
        }
    }
}
