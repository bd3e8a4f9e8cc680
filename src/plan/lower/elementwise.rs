//! Lowering of element-wise functions.

use super::{Lower, scaling};
use crate::error::{Error, Result};
use crate::graph::infer::geometry;
use crate::graph::{Binary, Node, Unary, ValueId};
use crate::kernels::elementwise::binary::Function;
use crate::kernels::elementwise::broadcast::Grid;
use crate::kernels::elementwise::{affine, binary, cast, choice, unary};
use crate::recording::{Packed, Source};
use crate::tensor::Shape;

impl Lower<'_, '_, '_> {
    /// `x * scale + shift` per channel.
    pub(super) fn affine_layer(&mut self, node: &Node, x: ValueId, y: ValueId) -> Result<()> {
        let stored = self.stored[y.0 as usize];
        if stored.packed.or(stored.plain).is_some() {
            // With what it scales.
            return Ok(());
        }
        let (scale, shift) = (node.inputs[1], node.inputs[2]);
        if let (true, Some(flat)) = (self.is_row(x), scaling::flat(self.graph, scale, shift)) {
            // The same for all channels, so that the operand need not be packed by channels.
            let tables = affine::Tables { flat, ..affine::Tables::default() };
            let source = self.plain(x)?;
            let out = affine::record(self.rec, &node.name, row_of_pixels(self.shape(x)), source, &tables)?;
            self.put_plain(y, out);
            return Ok(());
        }
        let tables = affine::Tables {
            scale: Some(self.constant(node, scale, "scale")?),
            shift: Some(self.constant(node, shift, "shift")?),
            ..affine::Tables::default()
        };
        self.affine(node, x, y, &tables)
    }

    pub(super) fn affine(&mut self, node: &Node, x: ValueId, y: ValueId, tables: &affine::Tables) -> Result<()> {
        let (source, dims) = self.maps(x)?;
        let out = affine::record(self.rec, &node.name, dims, source, tables)?;
        self.put_maps(y, out)
    }

    /// Whether functions of one operand see it as a row: whatever is not packed.
    fn is_row(&self, x: ValueId) -> bool {
        self.stored[x.0 as usize].packed.is_none() || Packed::of(self.shape(x)).is_none()
    }

    fn put(&mut self, y: ValueId, packed: bool, source: Source) {
        if packed {
            self.put_packed(y, source);
        } else {
            self.put_plain(y, source);
        }
    }

    /// Runs in the layout the operand already has: a plain tensor is one row of channels.
    pub(super) fn unary(&mut self, node: &Node, u: Unary, x: ValueId, y: ValueId) -> Result<()> {
        let row = self.is_row(x);
        let (y, scale) = self.scaled.get(&y).map_or((y, None), |&(scaled, flat)| (scaled, Some(flat)));
        let (source, dims) =
            if row { (self.plain(x)?, Packed { n: 1, c: self.shape(x).len(), h: 1, w: 1 }) } else { (self.packed(x)?, self.dims(x)?) };
        let out = match u {
            Unary::LeakyRelu { alpha } => {
                let dims = if row { row_of_pixels(self.shape(x)) } else { dims };
                let flat = affine::Flat { slope: alpha, ..affine::Flat::default() };
                let tables = affine::Tables { flat, ..affine::Tables::default() };
                affine::record(self.rec, &node.name, dims, source, &tables)?
            }
            _ => unary::record(self.rec, &node.name, (u, scale), self.dtype(x), dims, source)?,
        };
        self.put(y, !row, out);
        Ok(())
    }

    /// Another element type; nothing where the words are the same.
    pub(super) fn cast(&mut self, node: &Node, x: ValueId, y: ValueId) -> Result<()> {
        let to = self.dtype(y);
        let Some(kind) = cast::code(self.dtype(x), to) else { return self.movement(node, x, y) };
        let row = self.is_row(x);
        let source = if row { self.plain(x)? } else { self.packed(x)? };
        let out = cast::record(self.rec, &node.name, kind, to, source)?;
        self.put(y, !row, out);
        Ok(())
    }

    pub(super) fn prelu(&mut self, node: &Node, x: ValueId, slope: ValueId, y: ValueId) -> Result<()> {
        let shape = self.shape(x).clone();
        let channels = shape.get(1).copied();
        let constant = self.graph.constant(slope).filter(|c| c.len() == 1 || (c.shape().rank() == 1 && Some(c.len()) == channels));
        if let (Some(constant), Some(_)) = (constant, Packed::of(&shape)) {
            let tables = affine::Tables { slope: Some(constant.clone()), ..affine::Tables::default() };
            return self.affine(node, x, y, &tables);
        }
        let own = geometry::prelu_slope(&shape, self.shape(slope)).unwrap_or_else(|| self.shape(slope).clone());
        let (grid, sources, packed) = self.broadcast([(x, shape), (slope, own)], y)?;
        let out = binary::record(self.rec, &node.name, Function::Slope, &grid, sources)?;
        self.put(y, packed, out);
        Ok(())
    }

    pub(super) fn binary(&mut self, node: &Node, b: Binary, y: ValueId) -> Result<()> {
        let ids = [node.inputs[0], node.inputs[1]];
        let (grid, sources, packed) = self.broadcast(ids.map(|id| (id, self.shape(id).clone())), y)?;
        let function = Function::Binary(b, ids.map(|id| self.dtype(id)));
        let out = binary::record(self.rec, &node.name, function, &grid, sources)?;
        self.put(y, packed, out);
        Ok(())
    }

    /// `condition ? a : b`
    pub(super) fn choice(&mut self, node: &Node, y: ValueId) -> Result<()> {
        let ids = [node.inputs[0], node.inputs[1], node.inputs[2]];
        let (grid, sources, packed) = self.broadcast(ids.map(|id| (id, self.shape(id).clone())), y)?;
        let out = choice::record(self.rec, &node.name, &grid, sources)?;
        self.put(y, packed, out);
        Ok(())
    }

    /// The operands, seen in these shapes, in one layout (whether that is the packed one is the last result), and where a result of the
    /// shape of `y` finds them.
    fn broadcast<const N: usize>(&mut self, operands: [(ValueId, Shape); N], y: ValueId) -> Result<(Grid, [Source; N], bool)> {
        let out = self.shape(y).clone();
        let operands = operands.map(|(id, shape)| (id, leading_ones(&shape, out.rank())));
        let dims = Packed::of(&out).filter(|_| self.prefers_packed(operands.each_ref().map(|(id, _)| *id)));
        let mut sources = [Source::Tensor(0); N];
        for (source, (id, shape)) in sources.iter_mut().zip(&operands) {
            *source = if dims.is_some() { self.packed_as(*id, shape)? } else { self.plain(*id)? };
        }
        let grid = match dims {
            Some(dims) => {
                let packed = operands.each_ref().map(|(_, shape)| Packed::of(shape));
                let packed: Option<Vec<_>> = packed.into_iter().collect();
                let lost = || Error::Unsupported(format!("The value `{}` is of more dimensions than its layer.", self.graph.name(y)));
                Grid::packed(dims, &packed.ok_or_else(lost)?)
            }
            None => Grid::plain(&out, &operands.each_ref().map(|(_, shape)| &**shape)),
        };
        Ok((grid, sources, dims.is_some()))
    }

    /// Whether the largest operand that is computed is packed: it would cost the most to convert.
    fn prefers_packed<const N: usize>(&self, ids: [ValueId; N]) -> bool {
        let is_packed = |id: ValueId| self.stored[id.0 as usize].packed.is_some();
        let computed = ids.into_iter().filter(|&id| self.graph.constant(id).is_none());
        computed.map(|id| (self.shape(id).len(), is_packed(id))).max().is_some_and(|(_, packed)| packed)
    }
}

/// The shape with ones put in front up to `rank`.
fn leading_ones(shape: &Shape, rank: usize) -> Shape {
    let mut out = vec![1; rank.saturating_sub(shape.rank())];
    out.extend_from_slice(shape);
    Shape::from(out)
}

/// A plain tensor as pixels of four channels, for kernels with tables per channel.
fn row_of_pixels(shape: &Shape) -> Packed {
    Packed { n: shape.len().div_ceil(4), c: 4, h: 1, w: 1 }
}
