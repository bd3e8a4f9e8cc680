//! Attention (opset 23 on), as the products and the softmax that it stands for.

use crate::graph::{Binary, Op, Reduction, ValueId};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::tensor::{DType, Tensor};

pub(super) const ATTRIBUTES: &[&str] =
    &["is_causal", "kv_num_heads", "q_num_heads", "qk_matmul_output_mode", "scale", "softcap", "softmax_precision"];

/// `softmax(Q Kᵀ scale + bias) V`, Q `[N, H, L, E]`, K `[N, Hkv, S, E]`, V `[N, Hkv, S, Ev]`, or with heads side by side `[N, L, H E]`.
/// A row whose every place is masked gives zeros, as the operator's own definition has it.
pub(super) fn attention(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    refuse_variants(importer, source)?;
    let mut write = Writer { importer, source };
    let (q, k, v) = write.heads()?;
    let (k, v) = (write.with_past(4, 1, k)?, write.with_past(5, 2, v)?);
    let bias = write.bias(q, k)?;
    let scaled = write.scaled(q, k)?;
    let (keys, values) = (write.repeated(q, k)?, write.repeated(q, v)?);
    let turned = write.node("turned", Op::Transpose { perm: vec![0, 1, 3, 2] }, &[keys])?;
    let mut scores = write.node("scores", Op::MatMul, &[scaled, turned])?;
    if let Some(bias) = bias {
        scores = write.node("biased", Op::Binary(Binary::Add), &[scores, bias])?;
    }
    let mut weights = write.node("weights", Op::Softmax { axis: -1, flatten: false }, &[scores])?;
    if let Some(bias) = bias {
        weights = write.unmasked(bias, weights)?;
    }
    write.joined(weights, values)
}

fn refuse_variants(importer: &Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(7)?;
    if source.input(6).is_some() {
        return unsupported("it has lengths of keys per picture (nonpad_kv_seqlen)");
    }
    if source.float("softcap", 0.0)? != 0.0 {
        return unsupported("it caps its scores (softcap)");
    }
    if !source.output(3).is_empty() && (importer.is_read(source.output(3)) || importer.is_output(source.output(3))) {
        return unsupported("its scores are an output of their own (qk_matmul_output)");
    }
    Ok(())
}

/// Steps of one node.
struct Writer<'i, 'a, 's, 'n> {
    importer: &'i mut Importer<'a>,
    source: &'s Source<'n>,
}

impl Writer<'_, '_, '_, '_> {
    fn node(&mut self, suffix: &str, op: Op, inputs: &[ValueId]) -> Done<ValueId> {
        self.importer.step(self.source, suffix, op, inputs)
    }

    fn indices(&mut self, suffix: &str, values: &[i64]) -> Done<ValueId> {
        self.importer.indices(self.source, suffix, values)
    }

    fn number(&mut self, suffix: &str, value: f32) -> Done<ValueId> {
        self.importer.new_constant(self.source, suffix, Tensor::vector(vec![value]))
    }

    fn rank(&self, id: ValueId) -> Option<usize> {
        self.importer.fact(id).rank
    }

    /// Dimensions `start..end` of a value, known once shapes are.
    fn dims(&mut self, id: ValueId, start: i64, end: i64) -> Done<ValueId> {
        self.node("dims", Op::Shape { start, end: Some(end) }, &[id])
    }

    /// Q, K and V as `[N, heads, places, width]`.
    fn heads(&mut self) -> Done<(ValueId, ValueId, ValueId)> {
        let source = self.source;
        let (q, k, v) = (source.required(0)?, source.required(1)?, source.required(2)?);
        if self.rank(q) != Some(3) {
            return Ok((q, k, v));
        }
        let (q_heads, kv_heads) = (source.size("q_num_heads", 0)?, source.size("kv_num_heads", 0)?);
        Ok((self.split(q, q_heads)?, self.split(k, kv_heads)?, self.split(v, kv_heads)?))
    }

    fn split(&mut self, x: ValueId, heads: usize) -> Done<ValueId> {
        let target = self.indices("heads", &[0, 0, heads as i64, -1])?;
        let split = self.node("split", Op::Reshape { allow_zero: false }, &[x, target])?;
        self.node("heads_first", Op::Transpose { perm: vec![0, 2, 1, 3] }, &[split])
    }

    /// What was seen before (operand `past`) in front of `x`; output `present` is both.
    fn with_past(&mut self, past: usize, present: usize, x: ValueId) -> Done<ValueId> {
        let wanted = !self.source.output(present).is_empty();
        match (self.source.input(past), wanted) {
            (Some(past), true) => self.importer.emit_at(self.source, present, Op::Concat { axis: 2 }, &[past, x]),
            (Some(past), false) => self.node("present", Op::Concat { axis: 2 }, &[past, x]),
            (None, true) => self.importer.emit_at(self.source, present, Op::Identity, &[x]),
            (None, false) => Ok(x),
        }
    }

    /// Q times the scale, by default one over the root of the width.
    fn scaled(&mut self, q: ValueId, k: ValueId) -> Done<ValueId> {
        if self.source.has("scale") {
            let scale = self.source.float("scale", 1.0)?;
            let scale = self.number("scale", scale)?;
            return self.node("scaled", Op::Binary(Binary::Mul), &[q, scale]);
        }
        let width = self.dims(k, 3, 4)?;
        let width = self.node("width", Op::Cast { to: DType::F32 }, &[width])?;
        let root = self.node("root", Op::Unary(crate::graph::Unary::Sqrt), &[width])?;
        self.node("scaled", Op::Binary(Binary::Div), &[q, root])
    }

    /// Each head of keys or values as often as there are heads of queries for it (grouped-query attention).
    fn repeated(&mut self, q: ValueId, x: ValueId) -> Done<ValueId> {
        let (q_heads, heads) = (self.dims(q, 1, 2)?, self.dims(x, 1, 2)?);
        let times = self.node("times", Op::Binary(Binary::Div), &[q_heads, heads])?;
        let axis = self.indices("axis", &[2])?;
        let ones = self.indices("ones", &[1, 1])?;
        let repeats = self.node("repeats", Op::Concat { axis: 0 }, &[ones, times, ones])?;
        let apart = self.node("apart", Op::Unsqueeze, &[x, axis])?;
        let tiled = self.node("tiled", Op::Tile, &[apart, repeats])?;
        let (batch, rest) = (self.dims(x, 0, 1)?, self.dims(x, 2, 4)?);
        let target = self.node("target", Op::Concat { axis: 0 }, &[batch, q_heads, rest])?;
        self.node("repeated", Op::Reshape { allow_zero: false }, &[tiled, target])
    }

    /// What is added to the scores: 0 or minus infinity by a mask of truth values, a mask of numbers, and the causal mask.
    fn bias(&mut self, q: ValueId, k: ValueId) -> Done<Option<ValueId>> {
        let given = match self.source.input(3) {
            Some(mask) if self.importer.fact(mask).dtype == DType::Bool => Some(self.masked(mask)?),
            other => other,
        };
        // Since opset 24 a mask may be shorter than the keys; the places behind it are masked.
        let given = match given {
            Some(mask) if self.source.opset >= 24 => Some(self.lengthened(mask, k)?),
            other => other,
        };
        if !self.source.flag("is_causal", false)? {
            return Ok(given);
        }
        let causal = self.causal(q, k)?;
        match given {
            Some(given) => self.node("bias", Op::Binary(Binary::Add), &[given, causal]).map(Some),
            None => Ok(Some(causal)),
        }
    }

    fn masked(&mut self, mask: ValueId) -> Done<ValueId> {
        let (zero, minus) = (self.number("zero", 0.0)?, self.number("minus_infinity", f32::NEG_INFINITY)?);
        self.node("mask", Op::Where, &[mask, zero, minus])
    }

    fn lengthened(&mut self, mask: ValueId, k: ValueId) -> Done<ValueId> {
        let Some(rank) = self.rank(mask) else { return unsupported("the rank of its mask is not known") };
        let last = rank as i64 - 1;
        let (length, total) = (self.dims(mask, last, last + 1)?, self.dims(k, 2, 3)?);
        let missing = self.node("missing", Op::Binary(Binary::Sub), &[total, length])?;
        let none = self.indices("none", &[0])?;
        let pads = self.node("pads", Op::Concat { axis: 0 }, &[none, missing])?;
        let (fill, axis) = (self.number("fill", f32::NEG_INFINITY)?, self.indices("last", &[last])?);
        self.node("lengthened", Op::Pad { mode: crate::graph::PadMode::Constant }, &[mask, pads, fill, axis])
    }

    /// Place i of the queries sees the keys up to place i behind the past: known once shapes are.
    fn causal(&mut self, q: ValueId, k: ValueId) -> Done<ValueId> {
        let scalar = |w: &mut Self, id: ValueId, axis: i64| -> Done<ValueId> {
            let dim = w.dims(id, axis, axis + 1)?;
            w.node("scalar", Op::Squeeze, &[dim])
        };
        let one = |w: &mut Self, v: i64| match Tensor::from_i64([], vec![v]) {
            Some(t) => w.importer.new_constant(w.source, "number", t),
            None => unsupported("its causal mask cannot be made"),
        };
        let (queries, keys) = (scalar(self, q, 2)?, scalar(self, k, 2)?);
        let (zero, step) = (one(self, 0)?, one(self, 1)?);
        let past = match self.source.input(4) {
            Some(past) => scalar(self, past, 2)?,
            None => zero,
        };
        let rows = self.node("rows", Op::Range, &[zero, queries, step])?;
        let rows = self.node("shifted", Op::Binary(Binary::Add), &[rows, past])?;
        let axis = self.indices("axis", &[1])?;
        let rows = self.node("column", Op::Unsqueeze, &[rows, axis])?;
        let columns = self.node("columns", Op::Range, &[zero, keys, step])?;
        let seen = self.node("seen", Op::Binary(Binary::GreaterOrEqual), &[rows, columns])?;
        self.masked(seen)
    }

    /// Zeros where every place of a row is masked: the softmax has no number there.
    fn unmasked(&mut self, bias: ValueId, weights: ValueId) -> Done<ValueId> {
        let largest = Op::Reduce { kind: Reduction::Max, axes: vec![-1], keep_dims: true, none_if_empty: false };
        let largest = self.node("largest", largest, &[bias])?;
        let (minus, zero) = (self.number("minus_infinity", f32::NEG_INFINITY)?, self.number("zero", 0.0)?);
        let all = self.node("all_masked", Op::Binary(Binary::Equal), &[largest, minus])?;
        self.node("unmasked", Op::Where, &[all, zero, weights])
    }

    /// The weighted values, with heads side by side again where they came so.
    fn joined(&mut self, weights: ValueId, values: ValueId) -> Done {
        if self.rank(self.source.required(0)?) != Some(3) {
            return self.importer.emit(self.source, Op::MatMul, &[weights, values]).map(drop);
        }
        let y = self.node("product", Op::MatMul, &[weights, values])?;
        let y = self.node("heads_last", Op::Transpose { perm: vec![0, 2, 1, 3] }, &[y])?;
        let target = self.indices("joined", &[0, 0, -1])?;
        self.importer.emit(self.source, Op::Reshape { allow_zero: false }, &[y, target]).map(drop)
    }
}
