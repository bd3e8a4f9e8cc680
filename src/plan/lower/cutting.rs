//! Lowering of what joins, cuts and pads.

use super::{Lower, resolve, zip_axes};
use crate::error::Result;
use crate::graph::infer::geometry::{self, SliceAxis};
use crate::graph::{Node, PadMode, ValueId};
use crate::kernels::movement::copy::{self, Axis, Copy};
use crate::recording::{Packed, plain_bytes, words};
use crate::tensor::strides;

impl Lower<'_, '_, '_> {
    /// Operands that are in place already stay there. Packed when every operand is, and the joined axis lets whole vec4s (but for the last operand) stay whole; else row-major.
    pub(super) fn concat(&mut self, node: &Node, axis: usize, y: ValueId) -> Result<()> {
        let shape = self.shape(y).clone();
        // What is empty is a constant and adds nothing.
        let inputs: Vec<ValueId> = node.inputs.iter().copied().filter(|&i| !self.shape(i).contains(&0)).collect();
        let in_place = inputs.iter().any(|&i| self.is_in_place(i));
        let all_packed = inputs.iter().all(|&i| self.stored[i.0 as usize].packed.is_some());
        let packed = Packed::of(&shape).filter(|_| (all_packed || in_place) && shape.rank() >= 2);
        let whole = self.whole(y);
        let (to, out) = match packed {
            Some(dims) => (dims.strides(&shape), whole.unwrap_or_else(|| self.rec.tensor(dims.bytes()))),
            None => (strides(&shape), self.rec.tensor(plain_bytes(&shape))),
        };
        let mut start = 0;
        for (i, &input) in inputs.iter().enumerate() {
            if self.is_in_place(input) {
                start += self.shape(input)[axis];
                continue;
            }
            let (source, from) = if packed.is_some() {
                let dims = Packed::of(self.shape(input)).unwrap_or(Packed { n: 0, c: 0, h: 0, w: 0 });
                (self.packed(input)?, dims.strides(self.shape(input)))
            } else {
                self.view(input)?
            };
            let own = self.shape(input).clone();
            let mut axes = zip_axes(&own, &from, &to);
            if packed.is_some() {
                // Channels go last, so that they move as vec4s; the last operand (or, off the channel axis, every one) fills the spare lanes.
                if axis != 1 || i + 1 == inputs.len() {
                    let end = shape[1].next_multiple_of(4);
                    axes[1].size = if axis == 1 { (end - start) as u32 } else { end as u32 };
                    // Spare lanes of the source hold 0 already; whole vec4s may then be copied as they are.
                    axes[1].limit = if axes[1].size as usize == own[1].next_multiple_of(4) { axes[1].size } else { own[1] as u32 };
                }
                let channel = axes.remove(1);
                axes.push(channel);
            }
            let copy = Copy { y_offset: start * to[axis], ..Copy::new(axes) };
            copy::record(self.rec, &format!("{}.{i}", node.name), &copy, source, out)?;
            start += own[axis];
        }
        if packed.is_some() {
            self.put_packed(y, out)
        } else {
            self.put_plain(y, out)
        }
        Ok(())
    }

    pub(super) fn split(&mut self, node: &Node, axis: usize, x: ValueId) -> Result<()> {
        let mut start = 0;
        for &y in &node.outputs {
            let shape = self.shape(y).clone();
            let part = |(i, &len): (usize, &usize)| SliceAxis { start: if i == axis { start } else { 0 }, step: 1, len };
            let parts: Vec<_> = shape.iter().enumerate().map(part).collect();
            self.part(node, x, y, &parts)?;
            start += shape[axis];
        }
        Ok(())
    }

    pub(super) fn slice(&mut self, node: &Node, x: ValueId, y: ValueId) -> Result<()> {
        let (starts, ends) = (self.indices(node, 1)?, self.indices(node, 2)?);
        let given = |list: Vec<i64>| Some(list).filter(|l| !l.is_empty());
        let (axes, steps) = (given(self.indices(node, 3)?), given(self.indices(node, 4)?));
        let parts = geometry::slice_axes(self.shape(x), &starts, &ends, axes.as_deref(), steps.as_deref());
        let parts = parts.map_err(|why| crate::Error::Model(format!("The Slice node `{}` {why}. Check the model file.", node.name)))?;
        self.part(node, x, y, &parts)
    }

    /// Copies the cells that `parts` names; packed tensors stay packed unless their channels are reversed.
    fn part(&mut self, node: &Node, x: ValueId, y: ValueId, parts: &[SliceAxis]) -> Result<()> {
        if self.shape(y).contains(&0) {
            // What is empty is a constant to all who read it.
            return Ok(());
        }
        if parts.iter().zip(self.shape(x).iter()).all(|(p, &n)| p.start == 0 && p.len == n && (p.step == 1 || n == 1)) {
            return self.same(x, y);
        }
        let (whole, shape) = (self.shape(x).clone(), self.shape(y).clone());
        let pair = self.packed_pair(x, y).filter(|_| parts[1].step > 0);
        let (source, from) = self.view(x)?;
        let to = pair.map_or_else(|| strides(&shape), |(_, _, b)| b.strides(&shape));
        let mut copy = Copy::new(zip_axes(&shape, &from, &to));
        for (i, (axis, part)) in copy.axes.iter_mut().zip(parts).enumerate() {
            // A step is never taken along an axis of one cell, so that it need not fit.
            let step = if part.len > 1 { part.step } else { 1 };
            let spare = pair.filter(|_| i == 1).map_or(part.len, |(_, _, b)| b.c4() * 4);
            let in_order = step == 1 && part.start + spare <= if i == 1 { whole[i].next_multiple_of(4) } else { whole[i] };
            // Lanes behind the last channel of the source hold 0, those behind the last one taken do not.
            if in_order && (spare == part.len || part.start + part.len == whole[i]) {
                // A part of the outermost axes in order is an offset, which lets the rest move whole.
                copy.x_offset += part.start * axis.x_stride as usize;
                *axis = Axis::all(spare, axis.x_stride as usize, axis.y_stride as usize);
            } else {
                (axis.size, axis.begin, axis.step) = (spare as u32, part.start as i32, step as i32);
                axis.limit = if step > 0 { part.start + (part.len - 1) * step as usize + 1 } else { whole[i] } as u32;
            }
        }
        match pair {
            Some((_, _, b)) => self.copy_to_packed(node, source, copy, b, y),
            None => self.copy_to_plain(node, source, &copy, y),
        }
    }

    pub(super) fn pad(&mut self, node: &Node, mode: PadMode, x: ValueId, y: ValueId) -> Result<()> {
        let (whole, shape) = (self.shape(x).clone(), self.shape(y).clone());
        let (pads, axes) = (self.indices(node, 1)?, self.indices(node, 3)?);
        let mut around = vec![(0i64, 0i64); whole.rank()];
        for (i, pair) in pads.iter().zip(&pads[pads.len() / 2..]).enumerate() {
            around[axes.get(i).map_or(i, |&a| resolve(a, whole.rank()))] = (*pair.0, *pair.1);
        }
        let value = node.inputs.get(2).copied().filter(|&v| mode == PadMode::Constant && !self.shape(v).contains(&0));
        let Some(fill) = value.map_or(Some(0), |v| self.known_word(v)) else { return self.pad_computed(node, &around, x, y) };
        // Cells are removed first, then others are added to what is left.
        let padded = |from: &[usize], to: &[usize]| {
            let mut copy = Copy { mode, fill, ..Copy::new(zip_axes(&shape, from, to)) };
            for ((axis, &(before, after)), &n) in copy.axes.iter_mut().zip(&around).zip(whole.iter()) {
                let first = (-before).max(0) as usize;
                copy.x_offset += first * axis.x_stride as usize;
                axis.limit = (n - first - (-after).max(0) as usize) as u32;
                axis.begin = -before.max(0) as i32;
            }
            copy
        };
        // Stay packed where the spare lanes come out as 0.
        let keeps = |i: usize| around[i] == (0, 0);
        let pair = self.packed_pair(x, y).filter(|_| if mode == PadMode::Constant { fill == 0 } else { keeps(1) });
        if let Some((source, a, b)) = pair {
            let mut copy = padded(&a.strides(&whole), &b.strides(&shape));
            copy.axes[1].size = (b.c4() * 4) as u32;
            if keeps(1) {
                // Spare lanes of the source hold 0 already.
                copy.axes[1].limit = copy.axes[1].size;
            }
            return self.copy_to_packed(node, source, copy, b, y);
        }
        let (source, from) = self.view(x)?;
        self.copy_to_plain(node, source, &padded(&from, &strides(&shape)), y)
    }

    /// The bits of a constant of one element.
    fn known_word(&self, id: ValueId) -> Option<u32> {
        words(self.graph.constant(id)?).ok()?.first().copied()
    }

    /// Padding with a value that is computed: the result is filled with it, then what is kept goes over it.
    fn pad_computed(&mut self, node: &Node, around: &[(i64, i64)], x: ValueId, y: ValueId) -> Result<()> {
        let (whole, shape) = (self.shape(x).clone(), self.shape(y).clone());
        let value = self.plain(node.inputs[2])?;
        let out = self.rec.tensor(plain_bytes(&shape));
        copy::record(self.rec, &format!("{} value", node.name), &Copy::new(vec![Axis::all(shape.len(), 0, 1)]), value, out)?;
        let (source, from) = self.view(x)?;
        let to = strides(&shape);
        let mut copy = Copy::new(Vec::with_capacity(whole.rank()));
        for (i, &(before, after)) in around.iter().enumerate() {
            let first = (-before).max(0) as usize;
            copy.x_offset += first * from[i];
            copy.y_offset += before.max(0) as usize * to[i];
            copy.axes.push(Axis::all(whole[i] - first - (-after).max(0) as usize, from[i], to[i]));
        }
        if copy.axes.iter().all(|a| a.size > 0) {
            copy::record(self.rec, &node.name, &copy, source, out)?;
        }
        self.put_plain(y, out);
        Ok(())
    }
}
