//! Lowering of what moves elements: other shapes, permutations, repetitions.

use super::{Lower, resolve, zip_axes};
use crate::error::{Error, Result};
use crate::graph::{Node, Op, PadMode, ValueId};
use crate::kernels::movement::copy::{self, Axis, Copy};
use crate::recording::{Packed, Source, plain_bytes};
use crate::tensor::{DType, Shape, strides};

impl Lower<'_, '_, '_> {
    pub(super) fn movement(&mut self, node: &Node, x: ValueId, y: ValueId) -> Result<()> {
        match &node.op {
            Op::Identity | Op::Dropout | Op::Cast { .. } => self.same(x, y),
            Op::Flatten { .. } | Op::Reshape { .. } | Op::Squeeze | Op::Unsqueeze => self.reshaped(x, y),
            Op::Transpose { perm } => self.transpose(node, perm, x, y),
            Op::Expand => {
                let shape = self.shape(y).clone();
                let source = self.expanded(x, &shape)?;
                self.put_plain(y, source);
                Ok(())
            }
            Op::Tile => self.tile(node, x, y),
            Op::DepthToSpace { block, column_row_depth } => self.blocks(node, *block, *column_row_depth, (x, y), true),
            Op::SpaceToDepth { block, column_row_depth } => self.blocks(node, *block, *column_row_depth, (y, x), false),
            Op::Concat { axis } => self.concat(node, resolve(*axis, self.shape(y).rank()), y),
            Op::Split { axis, .. } => self.split(node, resolve(*axis, self.shape(x).rank()), x),
            Op::Slice => self.slice(node, x, y),
            Op::Pad { mode } => self.pad(node, *mode, x, y),
            Op::Gather { axis } => self.gather(node, resolve(*axis, self.shape(x).rank()), x, y),
            Op::GatherElements { axis } => self.gather_elements(node, resolve(*axis, self.shape(x).rank()), x, y),
            Op::GatherNd { batch_dims } => self.gather_nd(node, *batch_dims, x, y),
            Op::Resize(r) => self.resize(node, r, x, y),
            Op::GridSample(sample) => self.grid_sample(node, sample, x, y),
            Op::ConstantOfShape { value, dtype } => self.repeated(node, *value, *dtype, y),
            Op::Range => Err(Error::Limits(format!(
                "The Range `{}` counts {} numbers, more than are known before anything runs. Use smaller pictures.",
                node.name,
                self.shape(y).len()
            ))),
            op => Err(Error::Unsupported(format!(
                "The {} `{}` would compute integers or shapes from pixels at run time, which is not supported.",
                op.kind(),
                node.name
            ))),
        }
    }

    /// A constant too large to be made before anything runs.
    fn repeated(&mut self, node: &Node, value: f64, dtype: DType, y: ValueId) -> Result<()> {
        let bits = if dtype.is_float() { (value as f32).to_bits() } else { value as i32 as u32 };
        let source = self.rec.weight(&format!("value {bits:08x}"), &[], 4, move || bytemuck::bytes_of(&[bits, 0, 0, 0]).to_vec());
        let every = Copy::new(vec![Axis::all(self.shape(y).len(), 0, 1)]);
        self.copy_to_plain(node, source, &every, y)
    }

    /// `y` is another name of `x`.
    pub(super) fn same(&mut self, x: ValueId, y: ValueId) -> Result<()> {
        self.stored[y.0 as usize] = self.stored[x.0 as usize];
        if self.graph.constant(x).is_some() {
            let source = self.plain(x)?;
            self.put_plain(y, source);
        }
        Ok(())
    }

    /// `y` has the elements of `x` in the same row-major order.
    fn reshaped(&mut self, x: ValueId, y: ValueId) -> Result<()> {
        let (a, b) = (Packed::of(self.shape(x)), Packed::of(self.shape(y)));
        let stored = self.stored[x.0 as usize];
        if let (Some(source), true) = (stored.packed, a.is_some() && a == b) {
            self.put_packed(y, source);
            return Ok(());
        }
        let source = self.plain(x)?;
        self.put_plain(y, source);
        Ok(())
    }

    /// Copies to a row-major `y`, or calls the source `y` when it holds the same bytes.
    pub(super) fn copy_to_plain(&mut self, node: &Node, source: Source, copy: &Copy, y: ValueId) -> Result<()> {
        let out = if copy.changes_nothing() {
            source
        } else {
            let out = self.rec.tensor(plain_bytes(self.shape(y)));
            copy::record(self.rec, &node.name, copy, source, out)?;
            out
        };
        self.put_plain(y, out);
        Ok(())
    }

    /// The same to a packed `y`. `axes` has one axis per dimension of `y`, of which there are at least two; the channels among them have
    /// their spare places already.
    pub(super) fn copy_to_packed(&mut self, node: &Node, source: Source, mut copy: Copy, to: Packed, y: ValueId) -> Result<()> {
        // Channels go last, so that they move as vec4s.
        let channel = copy.axes.remove(1);
        copy.axes.push(channel);
        let out = self.rec.tensor(to.bytes());
        copy::record(self.rec, &node.name, &copy, source, out)?;
        self.put_packed(y, out);
        Ok(())
    }

    /// The packed memory of `x` with its layout and that of `y`, when `x` exists in that form alone and both have channels.
    pub(super) fn packed_pair(&self, x: ValueId, y: ValueId) -> Option<(Source, Packed, Packed)> {
        let stored = self.stored[x.0 as usize];
        let source = stored.packed.filter(|_| stored.plain.is_none() && self.shape(x).rank() >= 2 && self.shape(y).rank() >= 2)?;
        Some((source, Packed::of(self.shape(x))?, Packed::of(self.shape(y))?))
    }

    fn transpose(&mut self, node: &Node, perm: &[usize], x: ValueId, y: ValueId) -> Result<()> {
        let (source, from) = self.view(x)?;
        let shape = self.shape(y).clone();
        let perm: Vec<usize> = if perm.is_empty() { (0..shape.rank()).rev().collect() } else { perm.to_vec() };
        let from: Vec<usize> = perm.iter().map(|&p| from[p]).collect();
        // Rows of whole vec4s that become channels are packed already.
        let packed = Packed::of(&shape).filter(|d| d.c.is_multiple_of(4) && shape.rank() > 2);
        if let Some(dims) = packed
            && Copy::new(channels_last(zip_axes(&shape, &from, &dims.strides(&shape)))).changes_nothing()
        {
            self.put_packed(y, source);
            return Ok(());
        }
        self.copy_to_plain(node, source, &Copy::new(zip_axes(&shape, &from, &strides(&shape))), y)
    }

    /// `id` row-major, broadcast to `shape`.
    pub(super) fn expanded(&mut self, id: ValueId, shape: &Shape) -> Result<Source> {
        if self.shape(id) == shape {
            return self.plain(id);
        }
        let (source, from) = self.view(id)?;
        let own = self.shape(id).clone();
        let lead = shape.rank() - own.rank();
        let x: Vec<usize> = (0..shape.rank()).map(|i| if i < lead || own[i - lead] == 1 { 0 } else { from[i - lead] }).collect();
        let out = self.rec.tensor(plain_bytes(shape));
        copy::record(
            self.rec,
            &format!("{} expanded", self.graph.name(id)),
            &Copy::new(zip_axes(shape, &x, &strides(shape))),
            source,
            out,
        )?;
        Ok(out)
    }

    /// Places beyond the end begin again from the front.
    fn tile(&mut self, node: &Node, x: ValueId, y: ValueId) -> Result<()> {
        let (whole, shape) = (self.shape(x).clone(), self.shape(y).clone());
        let axes = |from: &[usize], to: &[usize]| -> Vec<Axis> {
            let limit = |(a, &n): (Axis, &usize)| Axis { limit: n as u32, ..a };
            zip_axes(&shape, from, to).into_iter().zip(whole.iter()).map(limit).collect()
        };
        let wrap = |axes| Copy { mode: PadMode::Wrap, ..Copy::new(axes) };
        if let Some((source, a, b)) = self.packed_pair(x, y).filter(|_| whole.get(1) == shape.get(1)) {
            let mut axes = axes(&a.strides(&whole), &b.strides(&shape));
            axes[1] = Axis::all(b.c4() * 4, 1, 1);
            return self.copy_to_packed(node, source, wrap(axes), b, y);
        }
        let (source, from) = self.view(x)?;
        self.copy_to_plain(node, source, &wrap(axes(&from, &strides(&shape))), y)
    }

    /// Blocks of places and blocks of channels change places: `deep` has the channels, `wide` the places.
    fn blocks(&mut self, node: &Node, b: usize, column_row_depth: bool, (deep, wide): (ValueId, ValueId), spread: bool) -> Result<()> {
        let (x, y) = if spread { (deep, wide) } else { (wide, deep) };
        let depth = self.shape(wide)[1];
        // Strides of [n, block row, block column, depth, h, w] in the tensor that is deep and in the one that is wide.
        let in_deep = |s: &[usize]| {
            let (row, column, channel) =
                if column_row_depth { (b * s[1], s[1], b * b * s[1]) } else { (b * depth * s[1], depth * s[1], s[1]) };
            [s[0], row, column, channel, s[2], s[3]]
        };
        let in_wide = |s: &[usize]| [s[0], s[2], s[3], s[1], b * s[2], b * s[3]];
        let shape = self.shape(deep).clone();
        let sizes = [shape[0], b, b, depth, shape[2], shape[3]];
        let (from, to) = (self.view(x)?, self.shape(y).clone());
        // Memory has channels last; where channels are spread, the last of them fill the spare lanes.
        let packed = self.packed_pair(x, y).filter(|_| spread || depth.is_multiple_of(4));
        let target = packed.map_or_else(|| strides(&to), |(_, _, dims)| dims.strides(&to));
        let (a, c) = if spread { (in_deep(&from.1), in_wide(&target)) } else { (in_wide(&from.1), in_deep(&target)) };
        let mut axes = zip_axes(&sizes, &a, &c);
        let Some((_, _, dims)) = packed else { return self.copy_to_plain(node, from.0, &Copy::new(axes), y) };
        axes[3].size = depth.next_multiple_of(4) as u32;
        // n, h, block row, w, block column, depth: as a packed target has them where places are spread.
        let order = if spread { [0, 4, 1, 5, 2, 3] } else { [0, 4, 5, 1, 2, 3] };
        let out = self.rec.tensor(dims.bytes());
        copy::record(self.rec, &node.name, &Copy::new(order.map(|i| axes[i]).to_vec()), from.0, out)?;
        self.put_packed(y, out);
        Ok(())
    }
}

/// One axis per dimension in the order of packed memory.
fn channels_last(mut axes: Vec<Axis>) -> Vec<Axis> {
    let channel = axes.remove(1);
    axes.push(channel);
    axes
}
