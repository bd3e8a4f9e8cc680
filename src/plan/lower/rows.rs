//! Lowering of pooling, normalisation and reductions.

use super::{Lower, resolve, zip_axes};
use crate::error::{Error, Result};
use crate::graph::infer::geometry;
use crate::graph::{Node, Op, Pool, PoolKind, Reduction, ValueId};
use crate::kernels::movement::copy::{self, Copy};
use crate::kernels::norm::axis::{self, Along};
use crate::kernels::norm::reduce::{self, Pass};
use crate::kernels::norm::standardize::{self, Call};
use crate::kernels::norm::{Lines, batch_norm, lrn};
use crate::kernels::pool::{argmax, global, window};
use crate::recording::{Packed, Source, plain_bytes};
use crate::tensor::{DType, Shape, strides};

/// Cells of a window above which pooling goes along one axis after the other: an invocation loads every cell of its window.
const LARGE_WINDOW: usize = 1024;

/// Cells of a map above which global pooling is a reduction, which many workgroups share: in `pool/global` eight invocations load a map.
const LARGE_MAP: usize = 1 << 18;

impl Lower<'_, '_, '_> {
    pub(super) fn pool(&mut self, node: &Node, pool: &Pool, x: ValueId, y: ValueId) -> Result<()> {
        let least = self.dtype(x).range().map(|(least, _)| least.clamp(i32::MIN.into(), i32::MAX.into()) as i32);
        if least.is_some() && pool.kind != PoolKind::Max {
            return self.refuse_whole(node, x);
        }
        let (mut source, mut from, to) = (self.packed(x)?, self.dims(x)?, self.dims(y)?);
        let [kh, kw] = pool.window.kernel;
        let mut rest = pool.clone();
        if kh > 1 && kw > 1 && kh.saturating_mul(kw) > LARGE_WINDOW {
            let columns = Packed { w: to.w, ..from };
            source = window::record(self.rec, &node.name, &along_axis(pool, 1), least, source, from, columns, None)?;
            (from, rest) = (columns, along_axis(pool, 0));
        }
        let part = self.place(y);
        let out = window::record(self.rec, &node.name, &rest, least, source, from, to, part)?;
        if part.is_some() {
            self.put_part(y);
        } else {
            self.put_packed(y, out);
        }
        Ok(())
    }

    pub(super) fn pool_argmax(&mut self, node: &Node, pool: &Pool, column_major: bool, x: ValueId, y: ValueId) -> Result<()> {
        let (source, from, to) = (self.packed(x)?, self.dims(x)?, self.dims(y)?);
        let out = argmax::record(self.rec, &node.name, pool, (column_major, self.dtype(x).is_float()), source, from, to)?;
        self.put_packed(y, out);
        Ok(())
    }

    pub(super) fn global_pool(&mut self, node: &Node, kind: PoolKind, x: ValueId, y: ValueId) -> Result<()> {
        if !self.dtype(x).is_float() {
            return self.refuse_whole(node, x);
        }
        let (rows, area) = (self.shape(x)[..2].iter().product(), self.shape(x)[2..].iter().product::<usize>());
        let reduction = match kind {
            PoolKind::Average => Some(Reduction::Mean),
            PoolKind::Max => Some(Reduction::Max),
            PoolKind::L2 => Some(Reduction::L2),
            PoolKind::Lp(1) => Some(Reduction::L1),
            PoolKind::Lp(_) => None,
        };
        if let Some(kind) = reduction.filter(|_| area > LARGE_MAP) {
            let pass = Pass { kind, first: true, last: true, count: area, real: true };
            let source = self.plain(x)?;
            let out = reduce::record(self.rec, &node.name, pass, source, Lines::rows(rows, area))?;
            self.put_plain(y, out);
            return Ok(());
        }
        let (source, dims) = self.maps(x)?;
        let out = global::record(self.rec, &node.name, kind, source, dims)?;
        self.put_maps(y, out)
    }

    pub(super) fn lrn(&mut self, node: &Node, window: (usize, f32, f32, f32), x: ValueId, y: ValueId) -> Result<()> {
        let (source, dims) = self.maps(x)?;
        let out = lrn::record(self.rec, &node.name, window, source, dims)?;
        self.put_maps(y, out)
    }

    /// Batch normalisation with computed parameters; the passes make an affine map of constant ones.
    pub(super) fn batch_norm(&mut self, node: &Node, epsilon: f32, x: ValueId, y: ValueId) -> Result<()> {
        let mut parameters = [Source::Tensor(0); 4];
        for (slot, &id) in parameters.iter_mut().zip(&node.inputs[1..]) {
            *slot = self.plain(id)?;
        }
        let (source, dims) = self.maps(x)?;
        let out = batch_norm::record(self.rec, &node.name, epsilon, source, dims, parameters)?;
        self.put_maps(y, out)
    }

    /// `id` packed, its spatial axes joined to one where it has more than two.
    pub(super) fn maps(&mut self, id: ValueId) -> Result<(Source, Packed)> {
        let shape = joined(self.shape(id));
        let dims = Packed::of(&shape).unwrap_or(Packed { n: 1, c: 1, h: 1, w: 1 });
        let source = if shape == *self.shape(id) { self.packed(id)? } else { self.packed_as(id, &shape)? };
        Ok((source, dims))
    }

    /// Stores what was computed of [`Self::maps`].
    pub(super) fn put_maps(&mut self, id: ValueId, source: Source) -> Result<()> {
        let (shape, joined) = (self.shape(id).clone(), joined(self.shape(id)));
        let Some(dims) = Packed::of(&joined).filter(|_| joined != shape) else {
            self.put_packed(id, source);
            return Ok(());
        };
        let plain = self.rec.tensor(plain_bytes(&shape));
        let axes = zip_axes(&joined, &dims.strides(&joined), &strides(&joined));
        copy::record(self.rec, &format!("{} to rows", self.graph.name(id)), &Copy::new(axes), source, plain)?;
        self.put_plain(id, plain);
        Ok(())
    }

    /// What floats are needed for.
    fn refuse_whole(&self, node: &Node, x: ValueId) -> Result<()> {
        Err(Error::Unsupported(format!(
            "The {} `{}` works on {} numbers, and ONNX defines it for floats. Cast its operand to float.",
            node.op.kind(),
            node.name,
            self.dtype(x)
        )))
    }

    /// Instance and group normalisation.
    pub(super) fn group_norm(&mut self, node: &Node, groups: usize, epsilon: f32, x: ValueId, y: ValueId) -> Result<()> {
        let shape = self.shape(x).clone();
        let (n, channels, area) = (shape[0], shape[1], shape[2..].iter().product::<usize>());
        let groups = if groups == 0 { channels } else { groups };
        let count = self.shape(node.inputs[1]).len();
        let call = Call {
            scale: self.plain(node.inputs[1])?,
            shift: Some(self.plain(node.inputs[2])?),
            inner: area * (channels / count),
            count,
            epsilon,
            rms: false,
        };
        let source = self.plain(x)?;
        let out = standardize::record(self.rec, &node.name, &call, source, [n * groups, channels / groups * area])?;
        self.put_plain(y, out);
        Ok(())
    }

    pub(super) fn layer_norm(&mut self, node: &Node, (axis, epsilon, rms): (i64, f32, bool), x: ValueId, y: ValueId) -> Result<()> {
        let shape = self.shape(x).clone();
        let axis = resolve(axis, shape.rank());
        let tables: Vec<ValueId> = node.inputs[1..].to_vec();
        let patterns: Vec<_> = tables.iter().map(|&id| repetition(self.shape(id), &shape)).collect();
        let ((inner, count), whole) = match *patterns {
            [Some(p)] => (p, false),
            [Some(p), Some(q)] if p == q => (p, false),
            _ => ((1, shape.len()), true),
        };
        let mut sources = Vec::with_capacity(2);
        for id in tables {
            sources.push(if whole { self.expanded(id, &shape)? } else { self.plain(id)? });
        }
        let call = Call { scale: sources[0], shift: sources.get(1).copied(), inner, count, epsilon, rms };
        let source = self.plain(x)?;
        let rows = [shape[..axis].iter().product(), shape[axis..].iter().product()];
        let out = standardize::record(self.rec, &node.name, &call, source, rows)?;
        self.put_plain(y, out);
        Ok(())
    }

    /// The lines along an axis, or before opset 13 of everything from the axis on.
    pub(super) fn lines(&self, x: ValueId, axis: i64, flatten: bool) -> Lines {
        let shape = self.shape(x);
        let axis = resolve(axis, shape.rank());
        let outer = shape[..axis].iter().product();
        if flatten {
            return Lines::rows(outer, shape[axis..].iter().product());
        }
        Lines { outer, axis: shape.get(axis).copied().unwrap_or(1), inner: shape.iter().skip(axis + 1).product() }
    }

    /// Softmax, its logarithm, and L2 normalisation.
    pub(super) fn along(&mut self, node: &Node, along: Along, axis: i64, flatten: bool, x: ValueId, y: ValueId) -> Result<()> {
        let (source, lines) = (self.plain(x)?, self.lines(x, axis, flatten));
        let out = axis::record(self.rec, &node.name, along, source, lines)?;
        self.put_plain(y, out);
        Ok(())
    }

    /// Axis by axis from the last, neighbours in one pass; each pass keeps its axes as 1, which changes no memory.
    pub(super) fn reduce(&mut self, node: &Node, kind: Reduction, x: ValueId, y: ValueId) -> Result<()> {
        let mut shape = self.shape(x).to_vec();
        let list = self.reduced_axes(node, shape.len())?;
        if self.reduce_maps(node, kind, &list, x, y)? {
            return Ok(());
        }
        let dtype = self.dtype(x);
        let sums = !matches!(kind, Reduction::Max | Reduction::Min | Reduction::Mean);
        if sums && dtype.bytes() < DType::I32.bytes() && !dtype.is_float() {
            return Err(Error::Unsupported(format!(
                "The {} `{}` sums or multiplies {dtype} numbers, which ONNX defines for 32 bits and more. Cast its operand to int32.",
                node.op.kind(),
                node.name
            )));
        }
        let count = list.iter().map(|&a| shape[a]).product();
        let mut pass = Pass { kind, first: true, last: false, count, real: dtype.is_float() };
        if let Some((source, lines)) = self.pixels(x).filter(|_| list == [1]) {
            let out = reduce::record(self.rec, &node.name, Pass { last: true, ..pass }, source, lines)?;
            self.put_plain(y, out);
            return Ok(());
        }
        let mut source = self.plain(x)?;
        let mut left = list.as_slice();
        while !pass.last {
            let (rest, run) = last_run(left);
            let lines = match run {
                [first, .., last] => Lines {
                    outer: shape[..*first].iter().product(),
                    axis: shape[*first..=*last].iter().product(),
                    inner: shape[last + 1..].iter().product(),
                },
                [a] => Lines { outer: shape[..*a].iter().product(), axis: shape[*a], inner: shape[a + 1..].iter().product() },
                // Over no axes every element is reduced on its own.
                [] => Lines { outer: 1, axis: 1, inner: shape.iter().product() },
            };
            pass.last = rest.is_empty();
            source = reduce::record(self.rec, &node.name, pass, source, lines)?;
            run.iter().for_each(|&a| shape[a] = 1);
            pass.first = false;
            left = rest;
        }
        self.put_plain(y, source);
        Ok(())
    }

    /// The channels of every pixel of maps that are packed alone, without any that do not exist.
    fn pixels(&self, x: ValueId) -> Option<(Source, Lines)> {
        let stored = self.stored[x.0 as usize];
        let source = stored.packed.filter(|_| stored.plain.is_none())?;
        let dims = Packed::of(self.shape(x)).filter(|dims| dims.c.is_multiple_of(4))?;
        Some((source, Lines::rows(dims.pixels(), dims.c)))
    }

    fn reduced_axes(&self, node: &Node, rank: usize) -> Result<Vec<usize>> {
        let Op::Reduce { axes, none_if_empty, .. } = &node.op else { return Ok(Vec::new()) };
        let given = node.inputs.get(1).map(|&id| self.constant(node, id, "axes")).transpose()?;
        let given = given.as_ref().and_then(|t| t.as_i64()).unwrap_or(axes);
        Ok(geometry::reduced_axes(given, *none_if_empty, rank).unwrap_or_default())
    }

    /// Of packed maps, what is taken over height and width is global pooling; whether this was it.
    fn reduce_maps(&mut self, node: &Node, kind: Reduction, axes: &[usize], x: ValueId, y: ValueId) -> Result<bool> {
        let kind = match kind {
            Reduction::Mean => PoolKind::Average,
            Reduction::Max => PoolKind::Max,
            Reduction::L2 => PoolKind::L2,
            _ => return Ok(false),
        };
        let stored = self.stored[x.0 as usize];
        let maps = stored.packed.is_some() && stored.plain.is_none() && self.shape(x).rank() == 4;
        let area = self.shape(x).iter().skip(2).product::<usize>();
        if !maps || axes != [2, 3] || area > LARGE_MAP || !self.dtype(x).is_float() {
            return Ok(false);
        }
        let (source, dims) = (self.packed(x)?, self.dims(x)?);
        let out = global::record(self.rec, &node.name, kind, source, dims)?;
        // With or without its last two axes the result is one pixel of all channels.
        self.put_packed(y, out);
        Ok(true)
    }
}

/// The pooling along one axis, height or width. Maxima of maxima are maxima, sums of sums are sums, and the cells of a window count as the
/// product of those along each axis, so pooling along one after the other is pooling.
fn along_axis(pool: &Pool, axis: usize) -> Pool {
    let mut out = pool.clone();
    let other = 1 - axis;
    let window = &mut out.window;
    (window.kernel[other], window.stride[other], window.dilation[other]) = (1, 1, 1);
    (window.pads[other], window.pads[other + 2]) = (0, 0);
    out
}

/// The shape with all spatial axes joined to one where there are more than two.
fn joined(shape: &Shape) -> Shape {
    match shape.dims() {
        [n, c, rest @ ..] if rest.len() > 2 => Shape::from([*n, *c, rest.iter().product(), 1]),
        _ => shape.clone(),
    }
}

/// Ascending axes without the last run of neighbours, and that run.
fn last_run(axes: &[usize]) -> (&[usize], &[usize]) {
    let mut start = axes.len().saturating_sub(1);
    while start > 0 && axes[start - 1] + 1 == axes[start] {
        start -= 1;
    }
    axes.split_at(start)
}

/// How a table broadcast to `whole` repeats in row-major memory: element `i` has the entry `i / inner % count`. `None` when it repeats in
/// more than one way.
fn repetition(table: &Shape, whole: &Shape) -> Option<(usize, usize)> {
    let missing = whole.rank().checked_sub(table.rank())?;
    let size = |axis: usize| axis.checked_sub(missing).map_or(1, |i| table[i]);
    let end = (0..whole.rank()).rev().find(|&a| size(a) > 1).map_or(0, |a| a + 1);
    let start = (0..end).rev().find(|&a| size(a) != whole[a]).map_or(0, |a| a + 1);
    let plain = (0..start).all(|a| size(a) == 1);
    plain.then(|| (whole[end..].iter().product(), whole[start..end].iter().product()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_repeat_as_they_broadcast() {
        let at = |table: &[usize], whole: &[usize]| repetition(&Shape::from(table), &Shape::from(whole));
        assert_eq!(at(&[4, 5], &[2, 3, 4, 5]), Some((1, 20)));
        assert_eq!(at(&[3, 1, 1], &[2, 3, 4, 5]), Some((20, 3)));
        assert_eq!(at(&[3, 4, 1], &[2, 3, 4, 5]), Some((5, 12)));
        assert_eq!(at(&[1], &[2, 3]), Some((6, 1)));
        assert_eq!(at(&[], &[2, 3]), Some((6, 1)));
        assert_eq!(at(&[2, 1, 4], &[2, 3, 4]), None);
    }

    #[test]
    fn neighbouring_axes_go_together() {
        assert_eq!(last_run(&[0, 2, 3]), (&[0][..], &[2, 3][..]));
        assert_eq!(last_run(&[0]), (&[][..], &[0][..]));
        assert_eq!(last_run(&[]), (&[][..], &[][..]));
    }
}
