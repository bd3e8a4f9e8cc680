//! Gemm and MatMul: with a constant matrix on the right, linear layers with w `[O, K]`; else products of computed matrices.

use std::sync::Arc;

use half::f16;

use crate::graph::{Binary, Epilogue, Linear, Op, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::tensor::{Data, Tensor};

fn layer(bias: bool) -> Op {
    Op::Linear(Linear { bias, flatten_order: Vec::new(), epilogue: Epilogue::default() })
}

/// `alpha * A * B + beta * C`. alpha and beta are multiplied into what is constant.
pub(super) fn gemm(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    let (a, b) = (source.required(0)?, source.required(1)?);
    let (alpha, beta) = (source.float("alpha", 1.0)?, source.float("beta", 1.0)?);
    for (id, what) in [(a, "first"), (b, "second")] {
        if importer.fact(id).rank.is_some_and(|r| r != 2) {
            return source.broken(&format!("has a {what} operand that is not a matrix"));
        }
        whole_numbers(importer, id)?;
    }
    let a = if source.flag("transA", false)? { turned(importer, source, "turned_a", a)? } else { a };
    let turned_b = source.flag("transB", false)?;
    // Before operator set 11 a file may say so with `broadcast`; that C is broadcast follows from its shape.
    let c = source.input(2).filter(|_| beta != 0.0);
    let constant = importer.constant(c.unwrap_or(b));
    let Some(weight) = importer.constant(b).filter(|w| w.shape().rank() == 2) else {
        let b = if turned_b { turned(importer, source, "turned_b", b)? } else { b };
        let a = times(importer, source, "scaled_a", a, alpha)?;
        let Some(c) = c else { return importer.emit(source, Op::MatMul, &[a, b]).map(drop) };
        let y = importer.step(source, "product", Op::MatMul, &[a, b])?;
        return added(importer, source, y, c, beta);
    };
    let outputs = weight.shape()[usize::from(!turned_b)];
    let w = weights(importer, source, b, &weight, !turned_b, alpha)?;
    let Some(c) = c else { return importer.emit(source, layer(false), &[a, w]).map(drop) };
    if let Some(bias) = constant.as_deref().and_then(|c| bias_of(c, outputs, beta)) {
        let same = beta == 1.0 && constant.as_deref().is_some_and(|c| c.shape().dims() == [outputs]);
        let bias = if same { c } else { importer.new_constant(source, "bias", bias)? };
        return importer.emit(source, layer(true), &[a, w, bias]).map(drop);
    }
    // A bias that differs by row, or that is computed, is added afterwards.
    let y = importer.step(source, "product", layer(false), &[a, w])?;
    added(importer, source, y, c, beta)
}

/// `y + beta * c` as the result of `source`.
fn added(importer: &mut Importer<'_>, source: &Source<'_>, y: ValueId, c: ValueId, beta: f32) -> Done {
    let c = times(importer, source, "scaled_c", c, beta)?;
    importer.emit(source, Op::Binary(Binary::Add), &[y, c]).map(drop)
}

/// `x * factor`; of a constant at once.
fn times(importer: &mut Importer<'_>, source: &Source<'_>, suffix: &str, x: ValueId, factor: f32) -> Done<ValueId> {
    if factor == 1.0 {
        return Ok(x);
    }
    if let Some(t) = importer.constant(x) {
        return importer.new_constant(source, suffix, scaled(&t, factor));
    }
    let factor = importer.new_constant(source, "factor", Tensor::vector(vec![factor]))?;
    importer.step(source, suffix, Op::Binary(Binary::Mul), &[x, factor])
}

/// The transpose of a matrix; of a constant at once.
fn turned(importer: &mut Importer<'_>, source: &Source<'_>, suffix: &str, x: ValueId) -> Done<ValueId> {
    match importer.constant(x) {
        Some(t) => importer.new_constant(source, suffix, transposed(&t)),
        None => importer.step(source, suffix, Op::Transpose { perm: vec![1, 0] }, &[x]),
    }
}

/// Refuses products of whole numbers, which the kernels would compute as floats.
fn whole_numbers(importer: &Importer<'_>, id: ValueId) -> Done {
    let dtype = importer.fact(id).dtype;
    if dtype.is_float() { Ok(()) } else { unsupported(format!("it multiplies matrices of {dtype}; floats are supported")) }
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

/// MatMul. Operands of more than two dimensions on the left of a constant matrix are flattened to rows and restored.
pub(super) fn matmul(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(2)?;
    let (x, b) = (source.required(0)?, source.required(1)?);
    whole_numbers(importer, x)?;
    whole_numbers(importer, b)?;
    let fact = importer.fact(x);
    let matrix = importer.constant(b).filter(|w| w.shape().rank() == 2 && !w.is_empty());
    let (Some(weight), Some(2..)) = (matrix, fact.rank) else {
        return importer.emit(source, Op::MatMul, &[x, b]).map(drop);
    };
    let (k, outputs) = (weight.shape()[0], weight.shape()[1]);
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
