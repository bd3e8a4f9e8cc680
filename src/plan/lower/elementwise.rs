//! Lowering of element-wise functions.

use super::Lower;
use crate::error::{Error, Result};
use crate::graph::{Binary, Node, Unary, ValueId};
use crate::kernels::elementwise::{affine, binary, unary};
use crate::recording::{Packed, Source};
use crate::tensor::Shape;

impl Lower<'_, '_, '_> {
    pub(super) fn affine_layer(&mut self, node: &Node, x: ValueId, y: ValueId) -> Result<()> {
        let tables = affine::Tables {
            scale: Some(self.constant(node, node.inputs[1], "scale")?),
            shift: Some(self.constant(node, node.inputs[2], "shift")?),
            ..affine::Tables::default()
        };
        self.affine(node, x, y, &tables)
    }

    pub(super) fn affine(&mut self, node: &Node, x: ValueId, y: ValueId, tables: &affine::Tables) -> Result<()> {
        let (source, dims) = self.maps(x)?;
        let out = affine::record(self.rec, &node.name, dims, source, tables)?;
        self.put_maps(y, out)
    }

    /// Runs in the layout the operand already has: a plain tensor is one row of channels.
    pub(super) fn unary(&mut self, node: &Node, u: Unary, x: ValueId, y: ValueId) -> Result<()> {
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

    pub(super) fn prelu(&mut self, node: &Node, x: ValueId, slope: ValueId, y: ValueId) -> Result<()> {
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
    pub(super) fn aligned(&mut self, id: ValueId, rank: usize) -> Result<(Source, Packed)> {
        let mut shape = vec![1; rank.saturating_sub(self.shape(id).rank())];
        shape.extend_from_slice(self.shape(id));
        let shape = Shape::from(shape);
        let source = if shape == *self.shape(id) { self.packed(id)? } else { self.packed_as(id, &shape)? };
        let dims = Packed::of(&shape).ok_or_else(|| Error::Unsupported("An operand has more than four dimensions.".to_owned()))?;
        Ok((source, dims))
    }

    pub(super) fn binary(&mut self, node: &Node, b: Binary, u: ValueId, v: ValueId, y: ValueId) -> Result<()> {
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
}
