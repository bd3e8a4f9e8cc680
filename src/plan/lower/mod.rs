//! From nodes to kernels: layouts are converted where a kernel needs another one, and every operation finds its kernel here.

mod cutting;
mod dense;
mod elementwise;
mod gathering;
mod joining;
mod movement;
mod product;
mod quantized;
mod rows;
mod sampling;
mod scaling;
mod selecting;

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Op, ValueId, infer_types};
use crate::kernels::elementwise::affine::Flat;
use crate::kernels::movement::copy::{self, Axis, Copy};
use crate::kernels::norm::axis;
use crate::recording::{Constant, Feed, Packed, Port, Recorder, Source, plain_bytes, words};
use crate::tensor::{DType, Shape, strides};

/// Where a value lives, in either layout or both.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stored {
    pub(super) packed: Option<Source>,
    pub(super) plain: Option<Source>,
}

pub(super) struct Lower<'g, 'r, 'c> {
    pub(super) graph: &'g Graph,
    pub(super) shapes: &'g [Shape],
    /// By value.
    pub(super) types: Vec<DType>,
    pub(super) rec: &'r mut Recorder<'c>,
    pub(super) stored: Vec<Stored>,
    /// See [`quantized::round_trips`].
    pub(super) round_trips: HashMap<ValueId, usize>,
    joining: joining::Joining,
    /// See [`scaling::scaled`].
    scaled: HashMap<ValueId, (ValueId, Flat)>,
}

/// Lowers the whole graph and returns its inputs and outputs.
pub(super) fn lower(graph: &Graph, shapes: &[Shape], rec: &mut Recorder<'_>, feed: Feed) -> Result<(Vec<Port>, Vec<Port>)> {
    let types = infer_types(graph)?;
    let mut l = Lower {
        graph,
        shapes,
        scaled: scaling::scaled(graph, &types),
        types,
        rec,
        stored: vec![Stored::default(); graph.values.len()],
        round_trips: quantized::round_trips(graph),
        joining: joining::Joining::new(graph, shapes),
    };
    let mut inputs = Vec::with_capacity(graph.inputs.len());
    for input in &graph.inputs {
        let shape = l.shape(input.value).clone();
        let packed = Packed::of(&shape).filter(|_| feed == Feed::Packed);
        let source = l.rec.tensor(packed.map_or_else(|| plain_bytes(&shape), Packed::bytes));
        let stored = &mut l.stored[input.value.0 as usize];
        *if packed.is_some() { &mut stored.packed } else { &mut stored.plain } = Some(source);
        inputs.push(l.port(input.value, source));
    }
    for node in &graph.nodes {
        l.node(node)?;
    }
    let mut outputs = Vec::with_capacity(graph.outputs.len());
    for &id in &graph.outputs {
        let source = l.output(id)?;
        outputs.push(l.port(id, source));
    }
    Ok((inputs, outputs))
}

impl Lower<'_, '_, '_> {
    pub(super) fn shape(&self, id: ValueId) -> &Shape {
        &self.shapes[id.0 as usize]
    }

    pub(super) fn put_packed(&mut self, id: ValueId, source: Source) {
        self.stored[id.0 as usize].packed = Some(source);
    }

    pub(super) fn put_plain(&mut self, id: ValueId, source: Source) {
        self.stored[id.0 as usize].plain = Some(source);
    }

    pub(super) fn dims(&self, id: ValueId) -> Result<Packed> {
        Packed::of(self.shape(id)).ok_or_else(|| {
            Error::Unsupported(format!(
                "The value `{}` has {} dimensions; this operation is supported up to four.",
                self.graph.name(id),
                self.shape(id).rank()
            ))
        })
    }

    /// The constant behind `id`.
    pub(super) fn constant(&self, node: &Node, id: ValueId, what: &str) -> Result<Constant> {
        self.graph.constant(id).cloned().ok_or_else(|| {
            Error::Unsupported(format!(
                "The {} `{}` takes its {what} from a value that is computed (`{}`); only constants are supported there.",
                node.op.kind(),
                node.name,
                self.graph.name(id)
            ))
        })
    }

    /// The type of a value's elements.
    pub(super) fn dtype(&self, id: ValueId) -> DType {
        self.types[id.0 as usize]
    }

    fn port(&self, id: ValueId, source: Source) -> Port {
        let constant = self.graph.constant(id).cloned();
        Port { name: self.graph.name(id).to_owned(), source, shape: self.shape(id).clone(), dtype: self.dtype(id), constant }
    }

    /// An output row-major. A constant is uploaded as far as 32 bits hold it: its port has the exact content.
    fn output(&mut self, id: ValueId) -> Result<Source> {
        match self.graph.constant(id).cloned() {
            Some(c) if words(&c).is_err() => Ok(self.rec.weight("saturated", std::slice::from_ref(&c), c.len() as u64 * 4, {
                let c = c.clone();
                let saturated = |v: i64| v.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
                move || bytemuck::cast_slice(&c.as_i64().unwrap_or_default().iter().map(|&v| saturated(v)).collect::<Vec<_>>()).to_vec()
            })),
            _ => self.plain(id),
        }
    }

    /// A constant uploaded row-major.
    fn upload(&mut self, id: ValueId, constant: &Constant) -> Result<Source> {
        words(constant).map_err(|v| {
            Error::Unsupported(format!(
                "The constant `{}` holds {v}, and whole numbers on the GPU have 32 bits. Export the model with smaller ones.",
                self.graph.name(id)
            ))
        })?;
        let c = constant.clone();
        let bytes = constant.len() as u64 * 4;
        Ok(self
            .rec
            .weight("plain", std::slice::from_ref(constant), bytes, move || bytemuck::cast_slice(&words(&c).unwrap_or_default()).to_vec()))
    }

    /// `id` row-major.
    pub(super) fn plain(&mut self, id: ValueId) -> Result<Source> {
        let stored = self.stored[id.0 as usize];
        if let Some(source) = stored.plain {
            return Ok(source);
        }
        let source = if let Some(constant) = self.graph.constant(id).cloned() {
            self.upload(id, &constant)?
        } else if let (Some(packed), Ok(dims)) = (stored.packed, self.dims(id)) {
            if dims.is_plain() {
                packed
            } else {
                let shape = self.shape(id).clone();
                let y = self.rec.tensor(plain_bytes(&shape));
                let axes = zip_axes(&shape, &dims.strides(&shape), &strides(&shape));
                copy::record(self.rec, &format!("{} to rows", self.graph.name(id)), &Copy::new(axes), packed, y)?;
                y
            }
        } else {
            return Err(Error::Model(format!("The value `{}` is used before it is computed.", self.graph.name(id))));
        };
        self.put_plain(id, source);
        Ok(source)
    }

    /// `id` packed by its own shape.
    pub(super) fn packed(&mut self, id: ValueId) -> Result<Source> {
        if let Some(source) = self.stored[id.0 as usize].packed {
            return Ok(source);
        }
        let shape = self.shape(id).clone();
        let source = self.packed_as(id, &shape)?;
        self.put_packed(id, source);
        Ok(source)
    }

    /// `id` packed as if it had `shape` (the same elements in row-major order).
    pub(super) fn packed_as(&mut self, id: ValueId, shape: &Shape) -> Result<Source> {
        let stored = self.stored[id.0 as usize];
        if let Some(packed) = stored.packed.filter(|_| self.shape(id) == shape || Packed::of(self.shape(id)) == Packed::of(shape)) {
            return Ok(packed);
        }
        let dims = Packed::of(shape).ok_or_else(|| {
            Error::Unsupported(format!("The value `{}` has more than four dimensions, which is not supported here.", self.graph.name(id)))
        })?;
        let plain = self.plain(id)?;
        if dims.is_plain() {
            return Ok(plain);
        }
        let y = self.rec.tensor(dims.bytes());
        let label = format!("{} to channels last", self.graph.name(id));
        // The box is [n, h, w, channels rounded up]; places beyond the channel count are filled with 0.
        let row = dims.c4() * 4;
        let mut channel = Axis::all(row, dims.h * dims.w, 1);
        channel.limit = dims.c as u32;
        let axes = vec![Axis::all(dims.n, dims.c * dims.h * dims.w, dims.h * dims.w * row), Axis::all(dims.h * dims.w, 1, row), channel];
        copy::record(self.rec, &label, &Copy::new(axes), plain, y)?;
        Ok(y)
    }

    /// `id` in whichever layout it already has, with the element strides of its dimensions.
    pub(super) fn view(&mut self, id: ValueId) -> Result<(Source, Vec<usize>)> {
        let shape = self.shape(id).clone();
        if let (Some(packed), None) = (self.stored[id.0 as usize].packed, self.stored[id.0 as usize].plain) {
            return Ok((packed, self.dims(id)?.strides(&shape)));
        }
        Ok((self.plain(id)?, strides(&shape)))
    }

    fn node(&mut self, node: &Node) -> Result<()> {
        let (x, y) = (node.inputs.first().copied(), node.outputs[0]);
        let x = x.unwrap_or(y);
        match &node.op {
            Op::Conv(conv) => self.conv(node, conv),
            Op::ConvTranspose(conv) => self.conv_transpose(node, conv),
            Op::LocallyConnected(local) => self.local(node, local),
            Op::Linear(linear) => self.linear(node, linear),
            Op::MatMul => self.matmul(node),
            Op::Affine => self.affine_layer(node, x, y),
            Op::Unary(u) => self.unary(node, *u, x, y),
            Op::PRelu => self.prelu(node, x, node.inputs[1], y),
            Op::Binary(b) => self.binary(node, *b, y),
            Op::Where => self.choice(node, y),
            Op::Cast { .. } => self.cast(node, x, y),
            Op::Pool(pool) => self.pool(node, pool, x, y),
            Op::GlobalPool(kind) => self.global_pool(node, *kind, x, y),
            Op::PoolArgMax { pool, column_major } => self.pool_argmax(node, pool, *column_major, x, y),
            Op::Reduce { kind, .. } => self.reduce(node, *kind, x, y),
            Op::GroupNorm { groups, epsilon } => self.group_norm(node, *groups, *epsilon, x, y),
            Op::LayerNorm { axis, epsilon, rms } => self.layer_norm(node, (*axis, *epsilon, *rms), x, y),
            Op::ArgReduce { .. } | Op::Hardmax { .. } | Op::TopK { .. } | Op::CumSum { .. } => self.select(node, x, y),
            Op::LogSoftmax { axis, flatten } => self.along(node, axis::Along::LogSoftmax, *axis, *flatten, x, y),
            Op::Quantize { .. } => self.quantize(node),
            Op::Dequantize { .. } => self.dequantize(node),
            Op::Lrn { size, alpha, beta, bias } => self.lrn(node, (*size, *alpha, *beta, *bias), x, y),
            Op::L2Normalize { axis, epsilon } => self.along(node, axis::Along::L2Normalize(*epsilon), *axis, false, x, y),
            Op::Softmax { axis, flatten } => self.along(node, axis::Along::Softmax, *axis, *flatten, x, y),
            Op::BatchNorm { epsilon } => self.batch_norm(node, *epsilon, x, y),
            _ => self.movement(node, x, y),
        }
    }
}

/// One axis per dimension, source and target by strides.
pub(super) fn zip_axes(sizes: &[usize], x: &[usize], y: &[usize]) -> Vec<Axis> {
    sizes.iter().zip(x.iter().zip(y)).map(|(&n, (&a, &b))| Axis::all(n, a, b)).collect()
}

/// An axis counted from the end when negative; shape inference has checked the range.
pub(super) fn resolve(axis: i64, rank: usize) -> usize {
    if axis < 0 { (axis + rank as i64).max(0) as usize } else { axis as usize }
}
