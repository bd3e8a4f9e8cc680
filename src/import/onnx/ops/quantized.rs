//! Quantised operators: those of the standard domain, and those that ONNX Runtime's quantiser writes.
//!
//! A quantised layer is what it stands for: its operands dequantised, the layer in f32, its result quantised.

use std::sync::Arc;

use crate::graph::{Binary, Op, Unary, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::ops::reuse::Reuse;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::import::onnx::tensor::{dtype_of, type_name};
use crate::reference::{Array, run_node};
use crate::tensor::{DType, Tensor};

/// A block that covers any axis.
const WHOLE_AXIS: usize = 1 << 30;

/// Which scales an operand has besides a single one.
#[derive(Clone, Copy)]
struct Along {
    axis: i64,
    block: usize,
}

/// One for each place of an axis.
const fn along(axis: i64) -> Along {
    Along { axis, block: 0 }
}

/// A quantised operand: values, scale, zero point.
#[derive(Clone, Copy)]
struct Triple {
    x: ValueId,
    scale: ValueId,
    zero: Option<ValueId>,
}

impl Triple {
    /// The operands from `first` on.
    fn of(source: &Source<'_>, first: usize) -> Done<Self> {
        Ok(Self { x: source.required(first)?, scale: source.required(first + 1)?, zero: source.input(first + 2) })
    }

    fn operands(&self) -> Vec<ValueId> {
        [self.x, self.scale].into_iter().chain(self.zero).collect()
    }
}

pub(super) fn quantize(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    let triple = Triple::of(source, 0)?;
    float_precision(source, "precision")?;
    source.flag("saturate", true)?;
    let stated = source.int("output_dtype", 0)?;
    let stated = if stated == 0 { None } else { Some(element_type(stated)?) };
    let to = match (triple.zero.map(|zero| importer.fact(zero).dtype), stated) {
        (Some(a), Some(b)) if a != b => return source.broken(&format!("has zero points of {a} and an output_dtype of {b}")),
        (a, b) => a.or(b).unwrap_or(DType::U8),
    };
    let x = as_float(importer, source, triple.x)?;
    let op = quantization(to, Along { axis: source.axis(1)?, block: block_size(source)? })?;
    importer.emit(source, op, &Triple { x, ..triple }.operands()).map(drop)
}

pub(super) fn dequantize(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    float_precision(source, "output_dtype")?;
    let along = Along { axis: source.axis(1)?, block: block_size(source)? };
    let triple = Triple::of(source, 0)?;
    match real(importer, source, triple, along)? {
        Some(tensor) => importer.constant_result(source, tensor),
        None => importer.emit(source, dequantization(along), &triple.operands()).map(drop),
    }
}

/// The results y, y_scale and y_zero_point that the specification's formulas give.
pub(super) fn dynamic_quantize(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(1)?;
    let x = source.required(0)?;
    let none = importer.new_constant(source, "none", scalar(0.0))?;
    let steps = importer.new_constant(source, "steps", scalar(255.0))?;
    let mut extreme = |suffix: &str, kind, bound| {
        let all = Op::Reduce { kind, axes: Vec::new(), keep_dims: false, none_if_empty: false };
        let value = importer.step(source, suffix, all, &[x])?;
        importer.step(source, &format!("{suffix}_or_0"), Op::Binary(bound), &[value, none])
    };
    let most = extreme("most", crate::graph::Reduction::Max, Binary::Max)?;
    let least = extreme("least", crate::graph::Reduction::Min, Binary::Min)?;
    let range = importer.step(source, "range", Op::Binary(Binary::Sub), &[most, least])?;
    let scale = importer.emit_at(source, 1, Op::Binary(Binary::Div), &[range, steps])?;
    let below = importer.step(source, "below", Op::Unary(Unary::Neg), &[least])?;
    let zero = importer.emit_at(source, 2, quantization(DType::U8, along(0))?, &[below, scale])?;
    importer.emit(source, quantization(DType::U8, along(0))?, &[x, scale, zero]).map(drop)
}

/// QLinearConv; in the domain of ONNX Runtime it may also work on channels that come last.
pub(super) fn conv(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(9)?;
    channels_first(source)?;
    let (input, weight) = (Triple::of(source, 0)?, Triple::of(source, 3)?);
    let x = dequantized(importer, source, "x", input, along(1))?;
    let w = dequantized(importer, source, "w", weight, along(0))?;
    let bias = match source.input(8) {
        Some(b) => Some(real_bias(importer, source, b, [input.scale, weight.scale], along(0))?),
        None => None,
    };
    let y = Reuse::new("Conv", source).drop("channels_last").import(importer, &[Some(x), Some(w), bias])?;
    quantized(importer, source, y, 6, Some(input.x), along(1))
}

pub(super) fn matmul(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(8)?;
    let y = matrices(importer, source, [Triple::of(source, 0)?, Triple::of(source, 3)?])?;
    let rows = matrix_scales(importer, source.required(6)?, true);
    quantized(importer, source, y, 6, source.input(0), rows)
}

/// The product of two quantised stacks of matrices.
fn matrices(importer: &mut Importer<'_>, source: &Source<'_>, [a, b]: [Triple; 2]) -> Done<ValueId> {
    let (rows, columns) = (matrix_scales(importer, a.scale, true), matrix_scales(importer, b.scale, false));
    let a = dequantized(importer, source, "a", a, rows)?;
    let b = dequantized(importer, source, "b", b, columns)?;
    Reuse::new("MatMul", source).import(importer, &[Some(a), Some(b)])
}

/// A vector of scales belongs to rows (or columns); a tensor of scales has a 1 in place of the other axis.
fn matrix_scales(importer: &Importer<'_>, scale: ValueId, rows: bool) -> Along {
    match (importer.fact(scale).rank, rows) {
        (Some(2..), true) => Along { axis: -1, block: WHOLE_AXIS },
        (Some(2..), false) => Along { axis: -2, block: WHOLE_AXIS },
        (_, true) => along(-2),
        (_, false) => along(-1),
    }
}

/// QGemm: `alpha * (A * B + C)`; C has the scale of the products. Without a scale the result stays real.
pub(super) fn gemm(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(9)?;
    let (a, b) = (Triple::of(source, 0)?, Triple::of(source, 3)?);
    let turned = source.flag("transB", false)?;
    let left = dequantized(importer, source, "a", a, along(1))?;
    let right = dequantized(importer, source, "b", b, along(if turned { 0 } else { 1 }))?;
    let c = match source.input(6) {
        Some(c) => Some(real_bias(importer, source, c, [a.scale, b.scale], along(-1))?),
        None => None,
    };
    let y = Reuse::new("Gemm", source).with("beta", source.float("alpha", 1.0)?).import(importer, &[Some(left), Some(right), c])?;
    if source.input(7).is_none() {
        importer.emit(source, Op::Identity, &[y]).map(drop)
    } else {
        quantized(importer, source, y, 7, Some(a.x), along(1))
    }
}

/// QLinearAdd and QLinearMul.
pub(super) fn binary(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(8)?;
    let a = dequantized(importer, source, "a", Triple::of(source, 0)?, along(1))?;
    let b = dequantized(importer, source, "b", Triple::of(source, 3)?, along(1))?;
    let y = Reuse::of(source)?.import(importer, &[Some(a), Some(b)])?;
    quantized(importer, source, y, 6, source.input(0), along(1))
}

/// Operators of one operand: `QLinear` before the name of the one they quantise.
pub(super) fn unary(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(5)?;
    channels_first(source)?;
    let x = dequantized(importer, source, "x", Triple::of(source, 0)?, along(1))?;
    let reuse = Reuse::of(source)?.drop("channels_last").drop("opset");
    // Softmax says itself which operator set it means; a ReduceMean with axes as an attribute is one of before 18.
    let opset = match source.node.op_type.as_str() {
        "QLinearReduceMean" => 13,
        _ => source.int("opset", source.opset)?,
    };
    let y = reuse.opset(opset).import(importer, &[Some(x)])?;
    quantized(importer, source, y, 3, source.input(0), along(1))
}

pub(super) fn concat(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let mut operands = Vec::new();
    for (number, first) in (2..source.inputs.len()).step_by(3).enumerate() {
        let x = Triple::of(source, first)?;
        operands.push(Some(dequantized(importer, source, &format!("x{number}"), x, along(1))?));
    }
    let y = Reuse::of(source)?.import(importer, &operands)?;
    quantized(importer, source, y, 0, source.input(2), along(1))
}

/// MatMulInteger: sums of whole numbers, exact up to 2^24.
pub(super) fn matmul_integer(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(4)?;
    let a = shifted(importer, source, "a", source.required(0)?, source.input(2), along(-2))?;
    let b = shifted(importer, source, "b", source.required(1)?, source.input(3), along(-1))?;
    let y = Reuse::new("MatMul", source).import(importer, &[Some(a), Some(b)])?;
    whole(importer, source, y)
}

/// ConvInteger: sums of whole numbers, exact up to 2^24.
pub(super) fn conv_integer(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(4)?;
    let x = shifted(importer, source, "x", source.required(0)?, source.input(2), along(1))?;
    let w = shifted(importer, source, "w", source.required(1)?, source.input(3), along(0))?;
    let y = Reuse::new("Conv", source).import(importer, &[Some(x), Some(w)])?;
    whole(importer, source, y)
}

/// `x - zero` as real numbers.
fn shifted(
    importer: &mut Importer<'_>,
    source: &Source<'_>,
    suffix: &str,
    x: ValueId,
    zero: Option<ValueId>,
    along: Along,
) -> Done<ValueId> {
    let shape = zero.and_then(|zero| importer.constant(zero)).map(|zero| zero.shape().clone()).unwrap_or_default();
    let ones = Tensor::from_f32(shape.clone(), vec![1.0; shape.len()]).unwrap_or_else(|| scalar(1.0));
    let scale = importer.new_constant(source, &format!("{suffix}_scale"), ones)?;
    dequantized(importer, source, suffix, Triple { x, scale, zero }, along)
}

/// Sums of whole numbers as i32. Some convolutions come within a rounding error of them.
fn whole(importer: &mut Importer<'_>, source: &Source<'_>, y: ValueId) -> Done {
    let y = importer.step(source, "rounded", Op::Unary(Unary::Round), &[y])?;
    importer.emit(source, Op::Cast { to: DType::I32 }, &[y]).map(drop)
}

/// The real numbers behind an operand; of constants at once.
fn dequantized(importer: &mut Importer<'_>, source: &Source<'_>, suffix: &str, triple: Triple, along: Along) -> Done<ValueId> {
    match real(importer, source, triple, along)? {
        Some(tensor) => importer.new_constant(source, suffix, tensor),
        None => importer.step(source, suffix, dequantization(along), &triple.operands()),
    }
}

fn dequantization(along: Along) -> Op {
    Op::Dequantize { axis: along.axis, block: along.block }
}

/// Checks the types of an operand, and gives the real numbers behind a constant one.
fn real(importer: &mut Importer<'_>, source: &Source<'_>, triple: Triple, along: Along) -> Done<Option<Tensor>> {
    let fact = importer.fact(triple.x);
    if fact.dtype.is_float() && !fact.poisoned {
        return source.broken(&format!("dequantises numbers of {}", fact.dtype));
    }
    let zero = triple.zero.map(|zero| importer.fact(zero)).filter(|zero| !zero.poisoned && !fact.poisoned);
    if let Some(zero) = zero.filter(|zero| zero.dtype != fact.dtype) {
        return source.broken(&format!("has numbers of {} and zero points of {}", fact.dtype, zero.dtype));
    }
    let constants: Option<Vec<Arc<Tensor>>> = triple.operands().iter().map(|&id| importer.constant(id)).collect();
    let Some(constants) = constants else { return Ok(None) };
    for t in &constants {
        importer.book(source.label, t)?;
    }
    let arrays: Vec<_> = constants.iter().map(|t| Array::from(t.as_ref())).collect();
    let result = run_node(source.label, &dequantization(along), &arrays.iter().collect::<Vec<_>>())?;
    Ok(result.first().map(Array::to_tensor).transpose()?)
}

/// A bias of whole numbers, whose scale is the product of two.
fn real_bias(importer: &mut Importer<'_>, source: &Source<'_>, bias: ValueId, scales: [ValueId; 2], along: Along) -> Done<ValueId> {
    if let [Some(b), Some(s), Some(t)] = [bias, scales[0], scales[1]].map(|id| importer.constant(id)) {
        let (s, t) = (s.to_f64(), t.to_f64());
        let fits = |scales: &[f64]| scales.len() == 1 || b.shape().last() == Some(&scales.len());
        if !fits(&s) || !fits(&t) {
            return source.broken("has scales that do not fit its bias");
        }
        let at = |scales: &[f64], i: usize| scales[i % scales.len()];
        let real = b.to_f64().iter().enumerate().map(|(i, v)| (v * at(&s, i) * at(&t, i)) as f32).collect();
        let Some(real) = Tensor::from_f32(b.shape().clone(), real) else {
            return source.broken("has a bias of another size than its shape");
        };
        return importer.new_constant(source, "bias", real);
    }
    let scale = importer.step(source, "bias_scale", Op::Binary(Binary::Mul), &scales)?;
    dequantized(importer, source, "bias", Triple { x: bias, scale, zero: None }, along)
}

/// Quantises `y` with the scale `at` and the zero point behind it, as the result of `source`. Without a zero point the type is that of `like`.
fn quantized(importer: &mut Importer<'_>, source: &Source<'_>, y: ValueId, at: usize, like: Option<ValueId>, along: Along) -> Done {
    let triple = Triple { x: y, scale: source.required(at)?, zero: source.input(at + 1) };
    let to = triple.zero.or(like).map_or(DType::U8, |id| importer.fact(id).dtype);
    importer.emit(source, quantization(to, along)?, &triple.operands()).map(drop)
}

fn quantization(to: DType, along: Along) -> Done<Op> {
    match to {
        DType::U8 | DType::I8 | DType::U16 | DType::I16 => Ok(Op::Quantize { axis: along.axis, block: along.block, to }),
        _ => unsupported(format!("it quantises to {to}; whole numbers of 8 and 16 bits are supported")),
    }
}

fn as_float(importer: &mut Importer<'_>, source: &Source<'_>, x: ValueId) -> Done<ValueId> {
    if importer.fact(x).dtype.is_float() { Ok(x) } else { importer.step(source, "real", Op::Cast { to: DType::F32 }, &[x]) }
}

fn scalar(value: f32) -> Tensor {
    Tensor::from_f32([], vec![value]).unwrap_or_else(|| Tensor::vector(vec![value]))
}

fn block_size(source: &Source<'_>) -> Done<usize> {
    match usize::try_from(source.int("block_size", 0)?) {
        Ok(size) if size <= WHOLE_AXIS => Ok(size),
        _ => source.broken(&format!("has a block_size of {}", source.int("block_size", 0)?)),
    }
}

/// An element type that an attribute names.
fn element_type(data_type: i64) -> Done<DType> {
    let code = i32::try_from(data_type).unwrap_or(-1);
    dtype_of(code)
        .map_or_else(|| unsupported(format!("it quantises to {}; whole numbers of 8 and 16 bits are supported", type_name(code))), Ok)
}

/// Refuses an attribute that asks for less than f32, in which everything is computed.
fn float_precision(source: &Source<'_>, name: &str) -> Done {
    match source.int(name, 0)? {
        // Unstated, float, float16, double and bfloat16, which all are f32 here; only f32 itself divides as f32 does.
        0 | 1 => Ok(()),
        10 | 11 | 16 if name == "output_dtype" => Ok(()),
        other => unsupported(format!("its {name} is {}; float is supported", type_name(i32::try_from(other).unwrap_or(-1)))),
    }
}

fn channels_first(source: &Source<'_>) -> Done {
    if source.flag("channels_last", false)? { unsupported("its channels come last (channels_last = 1)") } else { Ok(()) }
}
