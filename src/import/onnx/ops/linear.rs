//! Gemm and MatMul with constant weights, as linear layers with w `[O, K]`.

use std::sync::Arc;

use half::f16;

use crate::graph::{Binary, Epilogue, Linear, Op, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::tensor::{Data, Tensor};

fn layer(bias: bool) -> Op {
    Op::Linear(Linear { bias, flatten_order: Vec::new(), epilogue: Epilogue::default() })
}

/// `alpha * A * B + beta * C`. alpha and beta are multiplied into the constants.
pub(super) fn gemm(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    let (x, b) = (source.required(0)?, source.required(1)?);
    let (alpha, beta) = (source.float("alpha", 1.0)?, source.float("beta", 1.0)?);
    if source.flag("transA", false)? {
        return unsupported("its first operand is transposed (transA = 1)");
    }
    let transposed = source.flag("transB", false)?;
    let weight = importer.constant_operand(b, "second operand")?;
    let [rows, columns] = *weight.shape().dims() else {
        return source.broken(&format!("has a second operand of the shape {}", weight.shape()));
    };
    if importer.fact(x).rank.is_some_and(|r| r != 2) {
        return source.broken("has a first operand that is not a matrix");
    }
    let outputs = if transposed { rows } else { columns };
    let w = weights(importer, source, b, &weight, !transposed, alpha)?;
    let Some(c) = source.input(2).filter(|_| beta != 0.0) else {
        return importer.emit(source, layer(false), &[x, w]).map(drop);
    };
    let constant = importer.constant(c);
    if let Some(bias) = constant.as_deref().and_then(|c| bias_of(c, outputs, beta)) {
        let same = beta == 1.0 && constant.as_deref().is_some_and(|c| c.shape().dims() == [outputs]);
        let bias = if same { c } else { importer.new_constant(source, "bias", bias)? };
        return importer.emit(source, layer(true), &[x, w, bias]).map(drop);
    }
    // A bias that differs by row, or that the model computes, is added afterwards.
    let y = importer.step(source, "product", layer(false), &[x, w])?;
    let c = match (&constant, beta) {
        (_, 1.0) => c,
        (Some(t), _) => importer.new_constant(source, "bias", scaled(t, beta))?,
        (None, _) => {
            let factor = importer.new_constant(source, "beta", Tensor::vector(vec![beta]))?;
            importer.step(source, "scaled", Op::Binary(Binary::Mul), &[c, factor])?
        }
    };
    importer.emit(source, Op::Binary(Binary::Add), &[y, c]).map(drop)
}

/// The bias `[outputs]` that C times `beta` is, when it is the same for each row.
fn bias_of(c: &Tensor, outputs: usize, beta: f32) -> Option<Tensor> {
    let one_row = match *c.shape().dims() {
        [] | [_] => true,
        [rows, _] => rows == 1,
        _ => false,
    };
    match (one_row, c.len()) {
        (true, n) if n == outputs => scaled(c, beta).reshaped([outputs]),
        (true, 1) => Some(Tensor::vector(vec![c.to_f32().first()? * beta; outputs])),
        _ => None,
    }
}

fn scaled(t: &Tensor, factor: f32) -> Tensor {
    if factor == 1.0 {
        return t.clone();
    }
    let values = t.to_f32().iter().map(|v| v * factor).collect();
    Tensor::from_f32(t.shape().clone(), values).unwrap_or_else(|| t.clone())
}

/// The weights as `[O, K]`: the file's tensor itself when nothing has to be done to it.
fn weights(importer: &mut Importer<'_>, source: &Source<'_>, id: ValueId, w: &Arc<Tensor>, transpose: bool, alpha: f32) -> Done<ValueId> {
    if !transpose && alpha == 1.0 {
        return Ok(id);
    }
    let turned = if transpose { transposed(w) } else { Tensor::clone(w) };
    importer.new_constant(source, "weight", scaled(&turned, alpha))
}

/// The transpose of a matrix.
pub(super) fn transposed(t: &Tensor) -> Tensor {
    let [rows, columns] = *t.shape().dims() else { return t.clone() };
    let data = match t.data() {
        Data::F32(v) => Data::F32(turn::<f32>(v, rows, columns)),
        Data::F16(v) => Data::F16(turn::<f16>(v, rows, columns)),
        Data::I64(v) => Data::I64(turn::<i64>(v, rows, columns)),
    };
    Tensor::new([columns, rows], data).unwrap_or_else(|| t.clone())
}

fn turn<T: Copy>(v: &[T], rows: usize, columns: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(v.len());
    for column in 0..columns {
        out.extend((0..rows).map(|row| v[row * columns + column]));
    }
    out
}

/// A MatMul with a constant matrix on the right. Operands of more than two dimensions are flattened to rows and restored.
pub(super) fn matmul(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let (x, b) = (source.required(0)?, source.required(1)?);
    let weight = importer.constant_operand(b, "right operand")?;
    let [k, outputs] = *weight.shape().dims() else {
        return unsupported(format!("its right operand has the shape {}; a matrix is supported", weight.shape()));
    };
    let fact = importer.fact(x);
    if fact.rank.is_some_and(|r| r < 2) {
        return unsupported("its left operand is a vector");
    }
    let w = weights(importer, source, b, &weight, true, 1.0)?;
    if fact.rank == Some(2) {
        return importer.emit(source, layer(false), &[x, w]).map(drop);
    }
    let size = |n: usize| i64::try_from(n).or_else(|_| source.broken("has a matrix that is too large"));
    let (k, outputs) = (size(k)?, size(outputs)?);
    let rows_shape = importer.indices(source, "rows_shape", &[-1, k])?;
    let rows = importer.step(source, "rows", Op::Reshape { allow_zero: false }, &[x, rows_shape])?;
    let product = importer.step(source, "product", layer(false), &[rows, w])?;
    let leading = importer.step(source, "leading", Op::Shape { start: 0, end: Some(-1) }, &[x])?;
    let last = importer.indices(source, "columns", &[outputs])?;
    let shape = importer.step(source, "shape", Op::Concat { axis: 0 }, &[leading, last])?;
    let y = importer.emit(source, Op::Reshape { allow_zero: false }, &[product, shape])?;
    importer.set_fact(y, fact);
    Ok(())
}
