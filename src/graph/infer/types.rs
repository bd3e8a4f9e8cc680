//! Element types of results.

use std::collections::HashMap;

use super::resizing::needs_floats;
use crate::error::{Error, Result};
use crate::graph::{Binary, Graph, Node, Op, Reduction, Unary, ValueId};
use crate::tensor::DType;

/// The type of all outputs of an operation on operands of these types.
///
/// # Errors
/// What is wrong with the types, as the rest of a sentence that begins with the node.
pub(crate) fn result_type(op: &Op, operands: &[DType]) -> std::result::Result<DType, String> {
    let at = |i: usize| operands.get(i).copied().unwrap_or(DType::F32);
    let first = at(0);
    let floats = |from: usize, to: usize| (from..to.min(operands.len())).try_for_each(|i| float(at(i)));
    match op {
        Op::Binary(b) => binary(*b, first, at(1)),
        Op::Unary(u) => unary(*u, first),
        Op::Where => {
            same(at(1), at(2))?;
            if first == DType::Bool { Ok(at(1)) } else { Err(format!("has a condition of {first}, and truth values are needed")) }
        }
        Op::Concat { .. } => operands.iter().try_for_each(|&o| same(first, o)).map(|()| first),
        Op::Reduce { kind: Reduction::LogSum | Reduction::LogSumExp | Reduction::L2, .. } => floats(0, 1).map(|()| DType::F32),
        Op::ArgReduce { .. } | Op::TopK { .. } | Op::Shape { .. } | Op::PoolArgMax { .. } => Ok(DType::I64),
        Op::Resize(r) if needs_floats(r) => float(first).map(|()| DType::F32),
        Op::Gather { .. } | Op::GatherElements { .. } | Op::GatherNd { .. } if at(1).is_float() => {
            Err(format!("has indices of {}, and whole numbers are needed", at(1)))
        }
        Op::Range => operands.iter().try_for_each(|&o| same(first, o)).map(|()| first),
        Op::ConstantOfShape { dtype, .. } => Ok(plain(*dtype)),
        Op::Cast { to } | Op::Quantize { to, .. } => Ok(plain(*to)),
        Op::Dequantize { .. } => Ok(DType::F32),
        Op::Conv(_)
        | Op::LocallyConnected(_)
        | Op::Linear(_)
        | Op::ConvTranspose(_)
        | Op::BatchNorm { .. }
        | Op::Affine
        | Op::PRelu
        | Op::GroupNorm { .. }
        | Op::LayerNorm { .. }
        | Op::GridSample(_) => floats(0, operands.len()).map(|()| DType::F32),
        Op::MatMul => same(first, at(1)).and_then(|()| float(first)).map(|()| DType::F32),
        Op::Lrn { .. } | Op::L2Normalize { .. } | Op::Softmax { .. } | Op::LogSoftmax { .. } | Op::Hardmax { .. } => {
            float(first).map(|()| DType::F32)
        }
        Op::Pool(_)
        | Op::GlobalPool(_)
        | Op::Reduce { .. }
        | Op::CumSum { .. }
        | Op::Flatten { .. }
        | Op::Reshape { .. }
        | Op::Transpose { .. }
        | Op::Squeeze
        | Op::Unsqueeze
        | Op::Split { .. }
        | Op::Slice
        | Op::Pad { .. }
        | Op::Expand
        | Op::Tile
        | Op::Resize(_)
        | Op::DepthToSpace { .. }
        | Op::SpaceToDepth { .. }
        | Op::Gather { .. }
        | Op::GatherElements { .. }
        | Op::GatherNd { .. }
        | Op::Dropout
        | Op::Identity => Ok(plain(first)),
    }
}

/// Half floats are how weights are kept; computed values are f32.
fn plain(dtype: DType) -> DType {
    if dtype == DType::F16 { DType::F32 } else { dtype }
}

fn float(dtype: DType) -> std::result::Result<(), String> {
    if dtype.is_float() { Ok(()) } else { Err(format!("has an operand of {dtype}, and floats are needed")) }
}

fn same(a: DType, b: DType) -> std::result::Result<(), String> {
    if plain(a) == plain(b) { Ok(()) } else { Err(format!("has operands of {a} and {b}, which are not the same type")) }
}

fn binary(b: Binary, x: DType, y: DType) -> std::result::Result<DType, String> {
    if b.is_logical() {
        return match (x, y) {
            (DType::Bool, DType::Bool) => Ok(DType::Bool),
            _ => Err(format!("has operands of {x} and {y}, and truth values are needed")),
        };
    }
    if b == Binary::Pow {
        return Ok(plain(x));
    }
    same(x, y)?;
    Ok(if b.is_comparison() { DType::Bool } else { plain(x) })
}

fn unary(u: Unary, x: DType) -> std::result::Result<DType, String> {
    match u {
        Unary::Not if x == DType::Bool => Ok(DType::Bool),
        Unary::Not => Err(format!("has an operand of {x}, and truth values are needed")),
        Unary::IsNan | Unary::IsInf { .. } => float(x).map(|()| DType::Bool),
        Unary::Relu | Unary::Clip { .. } | Unary::Abs | Unary::Neg | Unary::Sign => Ok(plain(x)),
        _ => float(x).map(|()| DType::F32),
    }
}

fn node_type(node: &Node, operands: &[DType]) -> Result<DType> {
    result_type(&node.op, operands)
        .map_err(|why| Error::Model(format!("The {} node `{}` {why}. Check the model file.", node.op.kind(), node.name)))
}

/// Every value's type, indexed by [`ValueId`]; values that nothing produces are f32.
///
/// # Errors
/// [`Error::Model`] for operands whose types do not fit the operation or each other.
pub fn infer_types(graph: &Graph) -> Result<Vec<DType>> {
    let mut types: Vec<_> = graph.values.iter().map(|v| v.constant.as_ref().map_or(DType::F32, |t| plain(t.dtype()))).collect();
    let declared: HashMap<ValueId, DType> = graph.inputs.iter().map(|i| (i.value, i.dtype)).collect();
    for (id, dtype) in declared {
        if let Some(slot) = types.get_mut(id.0 as usize) {
            *slot = plain(dtype);
        }
    }
    for node in &graph.nodes {
        let operands: Vec<_> = node.inputs.iter().map(|id| types.get(id.0 as usize).copied().unwrap_or(DType::F32)).collect();
        let result = node_type(node, &operands)?;
        for id in &node.outputs {
            if let Some(slot) = types.get_mut(id.0 as usize) {
                *slot = result;
            }
        }
    }
    Ok(types)
}
