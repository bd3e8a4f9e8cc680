//! From nodes to kernels: layouts are converted where a kernel needs another one, and every operation finds its kernel here.

use crate::error::{Error, Result};
use crate::graph::{Binary, Conv, Epilogue, Graph, Linear, LocallyConnected, Node, Op, Operands, PoolKind, Unary, ValueId};
use crate::kernels::conv::{self, Filter, Finish, Geometry};
use crate::kernels::elementwise::{affine, binary, unary};
use crate::kernels::f32_bytes;
use crate::kernels::linear;
use crate::kernels::local::locally_connected;
use crate::kernels::movement::copy::{self, Axis, Copy};
use crate::kernels::norm::{axis, lrn};
use crate::kernels::pool::{global, window};
use crate::recording::{Constant, Feed, Packed, Recorder, Source, plain_bytes};
use crate::tensor::{Shape, strides};

/// Where a value lives, in either layout or both.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stored {
    pub(super) packed: Option<Source>,
    pub(super) plain: Option<Source>,
}

pub(super) struct Lower<'g, 'r, 'c> {
    pub(super) graph: &'g Graph,
    pub(super) shapes: &'g [Shape],
    pub(super) rec: &'r mut Recorder<'c>,
    pub(super) stored: Vec<Stored>,
}

/// Name, source and shape of an input or output.
type Port = (String, Source, Shape);

/// Lowers the whole graph and returns its inputs and outputs.
pub(super) fn lower(graph: &Graph, shapes: &[Shape], rec: &mut Recorder<'_>, feed: Feed) -> Result<(Vec<Port>, Vec<Port>)> {
    let mut l = Lower { graph, shapes, rec, stored: vec![Stored::default(); graph.values.len()] };
    let mut inputs = Vec::with_capacity(graph.inputs.len());
    for input in &graph.inputs {
        let shape = l.shape(input.value).clone();
        let packed = Packed::of(&shape).filter(|_| feed == Feed::Packed);
        let source = l.rec.tensor(packed.map_or_else(|| plain_bytes(&shape), Packed::bytes));
        let stored = &mut l.stored[input.value.0 as usize];
        *if packed.is_some() { &mut stored.packed } else { &mut stored.plain } = Some(source);
        inputs.push((graph.name(input.value).to_owned(), source, shape));
    }
    for node in &graph.nodes {
        l.node(node)?;
    }
    let mut outputs = Vec::with_capacity(graph.outputs.len());
    for &id in &graph.outputs {
        outputs.push((graph.name(id).to_owned(), l.plain(id)?, l.shape(id).clone()));
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

    fn dims(&self, id: ValueId) -> Result<Packed> {
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

    /// A constant uploaded row-major.
    fn upload(&mut self, constant: &Constant) -> Source {
        let c = constant.clone();
        self.rec.weight("plain", std::slice::from_ref(constant), constant.len() as u64 * 4, move || f32_bytes(&c.to_f32()))
    }

    /// `id` row-major.
    pub(super) fn plain(&mut self, id: ValueId) -> Result<Source> {
        let stored = self.stored[id.0 as usize];
        if let Some(source) = stored.plain {
            return Ok(source);
        }
        let source = if let Some(constant) = self.graph.constant(id).cloned() {
            self.upload(&constant)
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
            Op::LocallyConnected(local) => self.local(node, local),
            Op::Linear(linear) => self.linear(node, linear),
            Op::Affine => {
                let tables = affine::Tables {
                    scale: Some(self.constant(node, node.inputs[1], "scale")?),
                    shift: Some(self.constant(node, node.inputs[2], "shift")?),
                    ..affine::Tables::default()
                };
                self.affine(node, x, y, &tables)
            }
            Op::Unary(u) => self.unary(node, *u, x, y),
            Op::PRelu => self.prelu(node, x, node.inputs[1], y),
            Op::Binary(b) => self.binary(node, *b, node.inputs[0], node.inputs[1], y),
            Op::Pool(pool) => {
                let (source, from, to) = (self.packed(x)?, self.dims(x)?, self.dims(y)?);
                let out = window::record(self.rec, &node.name, pool, source, from, to)?;
                self.put_packed(y, out);
                Ok(())
            }
            Op::GlobalPool(kind) => self.global_pool(node, *kind, x, y),
            Op::Reduce { kind, axes, .. } => self.reduce(node, *kind, axes, x, y),
            Op::Lrn { size, alpha, beta, bias } => {
                let (source, dims) = (self.packed(x)?, self.dims(x)?);
                let out = lrn::record(self.rec, &node.name, (*size, *alpha, *beta, *bias), source, dims)?;
                self.put_packed(y, out);
                Ok(())
            }
            Op::L2Normalize { axis, epsilon } => self.along(node, axis::Along::L2Normalize(*epsilon), *axis, false, x, y),
            Op::Softmax { axis, flatten } => self.along(node, axis::Along::Softmax, *axis, *flatten, x, y),
            Op::BatchNorm { .. } => Err(Error::Unsupported(format!(
                "The BatchNorm `{}` has a variance that is not positive, or parameters that are not finite or not constant. Export the model again with the statistics of its training.",
                node.name
            ))),
            _ => self.movement(node, x, y),
        }
    }

    /// The operands of an epilogue.
    fn finish(&mut self, node: &Node, epilogue: &Epilogue, at: Operands) -> Result<Finish> {
        let operand = |i: Option<usize>| i.map(|i| node.inputs[i]);
        let constant = |l: &Self, i: Option<usize>, what: &str| operand(i).map(|id| l.constant(node, id, what)).transpose();
        Ok(Finish {
            epilogue: epilogue.clone(),
            bias: constant(self, at.bias, "bias")?,
            slope: constant(self, at.slope, "slope")?,
            residual: operand(at.residual).map(|id| self.packed(id)).transpose()?,
        })
    }

    fn conv(&mut self, node: &Node, conv: &Conv) -> Result<()> {
        let (x, w, y) = (node.inputs[0], node.inputs[1], node.outputs[0]);
        let at = conv.operands();
        let weight = self.constant(node, w, "weights")?;
        let pre = match (at.pre_scale, at.pre_shift) {
            (Some(s), Some(t)) => Some((self.constant(node, node.inputs[s], "scale")?, self.constant(node, node.inputs[t], "shift")?)),
            _ => None,
        };
        let call = conv::Call {
            label: &node.name,
            geometry: Geometry::new(self.dims(x)?, self.dims(y)?, &conv.window),
            groups: conv.groups,
            x: self.packed(x)?,
            weight: &weight,
            pre,
            finish: self.finish(node, &conv.epilogue, at)?,
        };
        let out = conv::record(self.rec, &call)?;
        self.put_packed(y, out);
        Ok(())
    }

    fn local(&mut self, node: &Node, local: &LocallyConnected) -> Result<()> {
        let (x, y) = (node.inputs[0], node.outputs[0]);
        let weight = self.constant(node, node.inputs[1], "weights")?;
        let call = locally_connected::Call {
            label: &node.name,
            geometry: Geometry::new(self.dims(x)?, self.dims(y)?, &local.window),
            tile: local.tile,
            x: self.packed(x)?,
            weight: &weight,
            finish: self.finish(node, &local.epilogue, local.operands())?,
        };
        let out = locally_connected::record(self.rec, &call)?;
        self.put_packed(y, out);
        Ok(())
    }

    fn linear(&mut self, node: &Node, linear: &Linear) -> Result<()> {
        let (x, y) = (node.inputs[0], node.outputs[0]);
        let constant = self.constant(node, node.inputs[1], "weights")?;
        let shape = self.shape(x).clone();
        let (outputs, k) = (constant.shape()[0], constant.shape()[1]);
        let rows = shape.first().copied().unwrap_or(1);
        let (source, filter) = match *shape {
            [_, c, h, w] => {
                // Weight column of (c, h, w) under the flattening order.
                let order = if linear.flatten_order.is_empty() { vec![0, 1, 2] } else { linear.flatten_order.clone() };
                let sizes = [c, h, w];
                let mut stride = [0; 3];
                let mut step = 1;
                for &axis in order.iter().rev() {
                    stride[axis] = step;
                    step *= sizes[axis];
                }
                let [sc, sh, sw] = stride;
                (self.packed(x)?, Filter { constant, outputs, kernel: [h, w], channels: c, stride: [k, sh, sw, sc] })
            }
            _ => {
                let flat = Shape::from([rows, k]);
                (self.packed_as(x, &flat)?, Filter { constant, outputs, kernel: [1, 1], channels: k, stride: [k, 0, 0, 1] })
            }
        };
        let finish = self.finish(node, &linear.epilogue, linear.operands())?;
        let out = linear::record(self.rec, &node.name, rows, source, &filter, &finish)?;
        self.put_packed(y, out);
        Ok(())
    }

    fn affine(&mut self, node: &Node, x: ValueId, y: ValueId, tables: &affine::Tables) -> Result<()> {
        let (source, dims) = (self.packed(x)?, self.dims(x)?);
        let out = affine::record(self.rec, &node.name, dims, source, tables)?;
        self.put_packed(y, out);
        Ok(())
    }

    /// Runs in the layout the operand already has: a plain tensor is one row of channels.
    fn unary(&mut self, node: &Node, u: Unary, x: ValueId, y: ValueId) -> Result<()> {
        let stored = self.stored[x.0 as usize];
        let as_row = stored.packed.is_none() || Packed::of(self.shape(x)).is_none();
        let (source, dims) =
            if as_row { (self.plain(x)?, Packed { n: 1, c: self.shape(x).len(), h: 1, w: 1 }) } else { (self.packed(x)?, self.dims(x)?) };
        let out = match u {
            Unary::LeakyRelu { alpha } => {
                // The tables are per channel; a row of elements is as many pixels of four channels.
                let dims = if as_row { Packed { n: dims.c4(), c: 4, h: 1, w: 1 } } else { dims };
                let tables = affine::Tables { flat_slope: Some(alpha), ..affine::Tables::default() };
                affine::record(self.rec, &node.name, dims, source, &tables)?
            }
            _ => unary::record(self.rec, &node.name, u, dims, source)?,
        };
        if as_row {
            self.put_plain(y, out);
        } else {
            self.put_packed(y, out);
        }
        Ok(())
    }

    fn prelu(&mut self, node: &Node, x: ValueId, slope: ValueId, y: ValueId) -> Result<()> {
        let channels = self.shape(x).get(1).copied();
        if let Some(constant) = self.graph.constant(slope).filter(|c| c.len() == 1 || (c.shape().rank() == 1 && Some(c.len()) == channels))
        {
            let tables = affine::Tables { slope: Some(constant.clone()), ..affine::Tables::default() };
            return self.affine(node, x, y, &tables);
        }
        // Any other slope: clip(x, 0, inf) + slope * clip(x, -inf, 0).
        let (source, dims) = (self.packed(x)?, self.dims(x)?);
        let clip = |lo, hi| Unary::Clip { lo, hi };
        let positive = unary::record(self.rec, &node.name, clip(Some(0.0), None), dims, source)?;
        let negative = unary::record(self.rec, &node.name, clip(None, Some(0.0)), dims, source)?;
        let (slope, slope_dims) = self.aligned(slope, self.shape(x).rank())?;
        let scaled = binary::record(self.rec, &node.name, Binary::Mul, (negative, dims), (slope, slope_dims), dims)?;
        let out = binary::record(self.rec, &node.name, Binary::Add, (positive, dims), (scaled, dims), dims)?;
        self.put_packed(y, out);
        Ok(())
    }

    /// `id` packed with ones put in front of its shape up to `rank`.
    fn aligned(&mut self, id: ValueId, rank: usize) -> Result<(Source, Packed)> {
        let mut shape = vec![1; rank.saturating_sub(self.shape(id).rank())];
        shape.extend_from_slice(self.shape(id));
        let shape = Shape::from(shape);
        let source = if shape == *self.shape(id) { self.packed(id)? } else { self.packed_as(id, &shape)? };
        let dims = Packed::of(&shape).ok_or_else(|| Error::Unsupported("An operand has more than four dimensions.".to_owned()))?;
        Ok((source, dims))
    }

    fn binary(&mut self, node: &Node, b: Binary, u: ValueId, v: ValueId, y: ValueId) -> Result<()> {
        let shape = self.shape(y).clone();
        let same = self.shape(u) == self.shape(v);
        let has_packed = |l: &Self, id: ValueId| l.stored[id.0 as usize].packed.is_some();
        if Packed::of(&shape).is_none() || (same && !has_packed(self, u) && !has_packed(self, v)) {
            let row = Packed { n: 1, c: shape.len(), h: 1, w: 1 };
            let (a, c) = (self.expanded(u, &shape)?, self.expanded(v, &shape)?);
            let out = binary::record(self.rec, &node.name, b, (a, row), (c, row), row)?;
            self.put_plain(y, out);
            return Ok(());
        }
        let dims = self.dims(y)?;
        let (a, c) = (self.aligned(u, shape.rank())?, self.aligned(v, shape.rank())?);
        let out = binary::record(self.rec, &node.name, b, a, c, dims)?;
        self.put_packed(y, out);
        Ok(())
    }

    fn global_pool(&mut self, node: &Node, kind: PoolKind, x: ValueId, y: ValueId) -> Result<()> {
        let (source, dims) = (self.packed(x)?, self.dims(x)?);
        let out = global::record(self.rec, &node.name, kind, source, dims)?;
        self.put_packed(y, out);
        Ok(())
    }
}

/// One axis per dimension, source and target by strides.
pub(super) fn zip_axes(sizes: &[usize], x: &[usize], y: &[usize]) -> Vec<Axis> {
    sizes.iter().zip(x.iter().zip(y)).map(|(&n, (&a, &b))| Axis::all(n, a, b)).collect()
}
