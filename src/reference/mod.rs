//! What every operation means: plain f64 arithmetic on the CPU, without tricks.
//!
//! The kernels are tested against these functions, the passes use them to fold constants, and `check` runs whole networks through them.
//! One file per operation family, with the stems of `kernels` and `shaders`. [`run_node`] validates its operands by shape inference first,
//! so the functions behind it take valid operands for granted.

mod array;
mod conv;
mod elementwise;
mod epilogue;
pub(crate) mod image;
mod linear;
mod local;
mod magnitude;
pub mod margin;
mod movement;
mod norm;
mod parallel;
mod pool;
mod quantize;
mod reduce;
mod run_graph;
mod sample;
pub(crate) mod search;
mod select;
mod strided;
#[cfg(test)]
mod tests;
pub mod train;

pub use array::Array;
pub use magnitude::magnitude;
pub use run_graph::run_graph;

use std::sync::Arc;

use self::norm::standardize::Rows;
use crate::error::{Error, Result};
use crate::graph::infer::result_type;
use crate::graph::{Op, infer_node};
use crate::tensor::{DType, Shape, Tensor};

/// Evaluates one operation.
///
/// `name` is for messages. Arithmetic on i64 operands stays i64 (a quotient is truncated); operations that only move elements keep the type;
/// everything else gives f32, held as f64.
///
/// # Errors
/// As [`infer_node`]; [`Error::Caller`] when an array has another number of elements than its shape; [`Error::Model`] for an integer
/// division by zero.
pub fn run_node(name: &str, op: &Op, inputs: &[&Array]) -> Result<Vec<Array>> {
    let outputs = output_shapes(name, op, inputs)?;
    let types: Vec<_> = inputs.iter().map(|a| a.dtype).collect();
    let dtype =
        result_type(op, &types).map_err(|why| Error::Model(format!("The {} node `{name}` {why}. Check the model file.", op.kind())))?;
    if matches!(op, Op::Binary(crate::graph::Binary::Div)) && !dtype.is_float() && inputs[1].data.contains(&0.0) {
        return Err(Error::Model(format!("The Div node `{name}` divides an integer by zero. Check the model file.")));
    }
    if let Op::Split { axis, .. } = op {
        let parts = movement::concat::split(*axis, inputs[0], &outputs);
        return Ok(outputs.into_iter().zip(parts).map(|(shape, data)| Array { shape, dtype, data }).collect());
    }
    let arrays = outputs.into_iter().map(|shape| {
        // An empty tensor has nothing to compute, and most loops below assume at least one element.
        let data = if shape.contains(&0) { Vec::new() } else { compute(op, inputs, &shape)? };
        Ok(Array { data: if dtype.is_float() { data } else { data.into_iter().map(|v| whole(v, dtype)).collect() }, shape, dtype })
    });
    arrays.collect()
}

/// A result as an element of a type of whole numbers: truncated, then without the bits that do not fit.
fn whole(v: f64, dtype: DType) -> f64 {
    // 64-bit values may lie beyond i64 ("to the end" of a slice); those of f64 are not exact anyway.
    match dtype {
        _ if v.is_nan() => 0.0,
        DType::I64 | DType::U64 => v.trunc(),
        _ => dtype.wrap(v.trunc() as i64) as f64,
    }
}

/// Checks the operands of a node and infers the shapes of its outputs.
fn output_shapes(name: &str, op: &Op, inputs: &[&Array]) -> Result<Vec<Shape>> {
    inputs.iter().try_for_each(|a| a.check())?;
    let shapes: Vec<_> = inputs.iter().map(|a| a.shape.clone()).collect();
    infer_node(name, op, &shapes, &index_operands(op, inputs)?)
}

/// The elements of the one output, whose shape is `out`.
fn compute(op: &Op, inputs: &[&Array], out: &Shape) -> Result<Vec<f64>> {
    let x = inputs.first().copied().ok_or_else(|| Error::Caller(format!("A {} node has no operand. Give it one.", op.kind())))?;
    Ok(match op {
        Op::Conv(conv) => conv::conv2d::conv2d(conv, inputs, out),
        Op::LocallyConnected(local) => local::locally_connected::locally_connected(local, inputs, out),
        Op::ConvTranspose(conv) => conv::transpose::transpose(conv, inputs, out),
        Op::Linear(linear) => linear::linear(linear, inputs, out),
        Op::MatMul => linear::matmul(x, inputs[1], out),
        Op::Quantize { axis, block, to } => quantize::quantize(inputs, *axis, *block, *to),
        Op::Dequantize { axis, block } => quantize::dequantize(inputs, *axis, *block),
        Op::BatchNorm { epsilon } => norm::batch_norm::batch_norm(*epsilon, inputs),
        Op::Affine => norm::batch_norm::affine(x, &inputs[1].data, &inputs[2].data),
        Op::Unary(unary) => x.data.iter().map(|&v| elementwise::unary::unary(*unary, v)).collect(),
        Op::PRelu => elementwise::prelu::prelu(x, inputs[1]),
        Op::Binary(binary) => elementwise::binary::binary(*binary, x, inputs[1], out),
        Op::Where => elementwise::choice::choice(inputs, out),
        Op::Pool(pool) => pool::window::pool(pool, x, out),
        Op::PoolArgMax { pool, column_major } => pool::argmax::argmax(pool, *column_major, x, out),
        Op::GlobalPool(kind) => pool::global::global_pool(*kind, x),
        Op::Reduce { kind, axes, none_if_empty, .. } => reduce::reduce(*kind, &reduce::axes(axes, *none_if_empty, inputs), x),
        Op::ArgReduce { axis, largest, last, .. } => select::arg::arg_reduce(x, *axis, *largest, *last),
        Op::TopK { axis, largest } => select::sort::top_k(x, *axis, *largest, out),
        Op::CumSum { exclusive, reverse } => select::scan::cum_sum(x, inputs[1], *exclusive, *reverse),
        Op::GroupNorm { groups, epsilon } => norm::standardize::group_norm(Rows::new(*epsilon, false), *groups, inputs),
        Op::LayerNorm { axis, epsilon, rms } => norm::standardize::layer_norm(Rows::new(*epsilon, *rms), *axis, inputs),
        Op::Lrn { size, alpha, beta, bias } => norm::lrn::lrn(x, *size, [*alpha, *beta, *bias].map(f64::from)),
        Op::L2Normalize { axis, epsilon } => norm::l2_normalize::l2_normalize(x, *axis, *epsilon),
        Op::Softmax { axis, flatten } => norm::softmax::softmax(x, *axis, *flatten),
        Op::LogSoftmax { axis, flatten } => norm::softmax::log_softmax(x, *axis, *flatten),
        Op::Hardmax { axis, flatten } => norm::softmax::hardmax(x, *axis, *flatten),
        Op::Flatten { .. } | Op::Reshape { .. } | Op::Squeeze | Op::Unsqueeze | Op::Identity | Op::Dropout => x.data.clone(),
        Op::Cast { to } => movement::cast(x, *to),
        Op::Transpose { perm } => movement::transpose(x, perm, out),
        Op::Concat { axis } => movement::concat::concat(*axis, inputs),
        Op::Slice => movement::slice(inputs, out)?,
        Op::Pad { mode } => movement::pad::pad(*mode, inputs, out)?,
        Op::Expand => strided::broadcast(&x.data, &x.shape, out),
        Op::Tile => movement::tile(x, out),
        Op::DepthToSpace { block, column_row_depth } => movement::depth_to_space(x, *block, *column_row_depth),
        Op::SpaceToDepth { block, column_row_depth } => movement::space_to_depth(x, *block, *column_row_depth),
        Op::Range => movement::range(inputs, out.len()),
        Op::Resize(resize) => image::resize::resize(resize, inputs)?,
        Op::GridSample(sample) => sample::grid::sample(sample, x, inputs[1]),
        Op::Gather { axis } => movement::gather::gather(*axis, x, inputs[1]),
        Op::GatherElements { axis } => movement::gather::gather_elements(*axis, x, inputs[1]),
        Op::GatherNd { batch_dims } => movement::gather::gather_nd(*batch_dims, x, inputs[1]),
        Op::ConstantOfShape { value, .. } => vec![*value; out.len()],
        Op::Shape { start, end } => movement::shape(x, *start, *end),
        Op::Split { .. } => Vec::new(),
    })
}

/// The operands that shape inference reads, as tensors; the others are left out.
fn index_operands(op: &Op, inputs: &[&Array]) -> Result<Vec<Option<Arc<Tensor>>>> {
    let tensor = |(i, a): (usize, &&Array)| op.reads_content(i).then(|| a.to_tensor().map(Arc::new)).transpose();
    inputs.iter().enumerate().map(tensor).collect()
}
