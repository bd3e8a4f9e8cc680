//! Lowering of what moves elements.

use super::{Lower, resolve, zip_axes};
use crate::error::{Error, Result};
use crate::graph::{Node, Op, PadMode, Resize, ValueId};
use crate::kernels::image::resize;
use crate::kernels::movement::copy::{self, Axis, Copy};
use crate::recording::{Packed, Source, plain_bytes, words};
use crate::reference::image::resize::sampling;
use crate::tensor::{Shape, strides};

impl Lower<'_, '_, '_> {
    pub(super) fn movement(&mut self, node: &Node, x: ValueId, y: ValueId) -> Result<()> {
        match &node.op {
            Op::Identity | Op::Cast { .. } => {
                self.stored[y.0 as usize] = self.stored[x.0 as usize];
                if self.graph.constant(x).is_some() {
                    let source = self.plain(x)?;
                    self.put_plain(y, source);
                }
                Ok(())
            }
            Op::Flatten { .. } | Op::Reshape { .. } | Op::Squeeze | Op::Unsqueeze => {
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
            Op::Transpose { perm } => {
                let (source, from) = self.view(x)?;
                let shape = self.shape(y).clone();
                let perm: Vec<usize> = if perm.is_empty() { (0..shape.rank()).rev().collect() } else { perm.clone() };
                let x_strides: Vec<usize> = perm.iter().map(|&p| from[p]).collect();
                self.copy_to_plain(node, source, zip_axes(&shape, &x_strides, &strides(&shape)), y)
            }
            Op::Expand => {
                let shape = self.shape(y).clone();
                let source = self.expanded(x, &shape)?;
                self.put_plain(y, source);
                Ok(())
            }
            Op::Concat { axis } => self.concat(node, resolve(*axis, self.shape(y).rank()), y),
            Op::Split { axis, .. } => self.split(node, resolve(*axis, self.shape(x).rank()), x),
            Op::Slice => self.slice(node, x, y),
            Op::Pad { mode } => self.pad(node, *mode, x, y),
            Op::Gather { axis } => self.gather(node, resolve(*axis, self.shape(x).rank()), x, y),
            Op::Resize(r) => self.resize(node, r, x, y),
            op => Err(Error::Unsupported(format!(
                "The {} `{}` would compute integers or shapes from pixels at run time, which is not supported.",
                op.kind(),
                node.name
            ))),
        }
    }

    fn copy_to_plain(&mut self, node: &Node, source: Source, axes: Vec<Axis>, y: ValueId) -> Result<()> {
        let out = self.rec.tensor(plain_bytes(self.shape(y)));
        copy::record(self.rec, &node.name, &Copy::new(axes), source, out)?;
        self.put_plain(y, out);
        Ok(())
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

    /// Packed when every operand is, and the joined axis lets whole vec4s (but for the last operand) stay whole; else row-major.
    fn concat(&mut self, node: &Node, axis: usize, y: ValueId) -> Result<()> {
        let shape = self.shape(y).clone();
        let all_packed = node.inputs.iter().all(|&i| self.stored[i.0 as usize].packed.is_some());
        let packed = Packed::of(&shape).filter(|_| all_packed && shape.rank() >= 2);
        let (to, out) = match packed {
            Some(dims) => (dims.strides(&shape), self.rec.tensor(dims.bytes())),
            None => (strides(&shape), self.rec.tensor(plain_bytes(&shape))),
        };
        let mut start = 0;
        for (i, &input) in node.inputs.iter().enumerate() {
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
                if axis != 1 || i + 1 == node.inputs.len() {
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

    fn split(&mut self, node: &Node, axis: usize, x: ValueId) -> Result<()> {
        let mut start = 0;
        for &y in &node.outputs {
            let begins: Vec<i64> = (0..self.shape(y).rank()).map(|i| if i == axis { start as i64 } else { 0 }).collect();
            let steps = vec![1; begins.len()];
            self.part(node, x, y, &begins, &steps)?;
            start += self.shape(y)[axis];
        }
        Ok(())
    }

    /// Copies the box of `y`'s shape that begins at `begins` and goes by `steps` (possibly backwards).
    fn part(&mut self, node: &Node, x: ValueId, y: ValueId, begins: &[i64], steps: &[i64]) -> Result<()> {
        let (source, from) = self.view(x)?;
        let (whole, shape) = (self.shape(x).clone(), self.shape(y).clone());
        let mut axes = zip_axes(&shape, &from, &strides(&shape));
        for (i, a) in axes.iter_mut().enumerate() {
            a.begin = begins[i] as i32;
            a.step = steps[i] as i32;
            a.limit = whole[i] as u32;
        }
        // A part of the outermost axes in order is an offset, which lets the rest move whole.
        let mut copy = Copy::new(axes);
        for a in &mut copy.axes {
            if a.step == 1 && a.begin >= 0 {
                copy.x_offset += a.begin as usize * a.x_stride as usize;
                *a = Axis::all(a.size as usize, a.x_stride as usize, a.y_stride as usize);
            }
        }
        let out = self.rec.tensor(plain_bytes(&shape));
        copy::record(self.rec, &node.name, &copy, source, out)?;
        self.put_plain(y, out);
        Ok(())
    }

    /// An i64 operand, which has to be constant; absent or empty gives an empty list.
    fn indices(&self, node: &Node, operand: usize) -> Result<Vec<i64>> {
        let Some(&id) = node.inputs.get(operand) else { return Ok(Vec::new()) };
        let constant = self.constant(node, id, "indices")?;
        Ok(constant.to_f64().into_iter().map(|v| v as i64).collect())
    }

    fn slice(&mut self, node: &Node, x: ValueId, y: ValueId) -> Result<()> {
        let whole = self.shape(x).clone();
        let starts = self.indices(node, 1)?;
        let (axes, steps) = (self.indices(node, 3)?, self.indices(node, 4)?);
        let (mut begins, mut by) = (vec![0i64; whole.rank()], vec![1i64; whole.rank()]);
        for (i, &start) in starts.iter().enumerate() {
            let axis = axes.get(i).map_or(i, |&a| resolve(a, whole.rank()));
            let (n, step) = (whole[axis] as i64, steps.get(i).copied().unwrap_or(1));
            let from = if start < 0 { start.saturating_add(n) } else { start };
            by[axis] = step.clamp(-(1 << 30), 1 << 30);
            begins[axis] = if step < 0 { from.clamp(0, n - 1) } else { from.clamp(0, n) };
        }
        self.part(node, x, y, &begins, &by)
    }

    fn pad(&mut self, node: &Node, mode: PadMode, x: ValueId, y: ValueId) -> Result<()> {
        let (whole, shape) = (self.shape(x).clone(), self.shape(y).clone());
        let (pads, axes) = (self.indices(node, 1)?, self.indices(node, 3)?);
        let fill = match node.inputs.get(2) {
            Some(&id) => {
                let constant = self.constant(node, id, "padding value")?;
                words(&constant).ok().and_then(|w| w.first().copied()).unwrap_or(0)
            }
            None => 0,
        };
        let mut before = vec![0i64; whole.rank()];
        for (i, &b) in pads.iter().take(pads.len() / 2).enumerate() {
            before[axes.get(i).map_or(i, |&a| resolve(a, whole.rank()))] = b;
        }
        // Stay packed where it is and the spare lanes come out as 0.
        let (from_dims, to_dims) = (Packed::of(&whole), Packed::of(&shape));
        let stay = self.stored[x.0 as usize].packed.filter(|_| mode == PadMode::Constant && fill == 0 && shape.rank() >= 2);
        if let (Some(source), Some(a), Some(b)) = (stay, from_dims, to_dims) {
            let mut axes = zip_axes(&shape, &a.strides(&whole), &b.strides(&shape));
            for (i, axis) in axes.iter_mut().enumerate() {
                axis.begin = -before[i] as i32;
                axis.limit = whole[i] as u32;
            }
            axes[1].size = (b.c4() * 4) as u32;
            if before[1] == 0 && whole[1] == shape[1] {
                // Spare lanes of the source hold 0 already.
                axes[1].limit = axes[1].size;
            }
            let channel = axes.remove(1);
            axes.push(channel);
            let out = self.rec.tensor(b.bytes());
            copy::record(self.rec, &node.name, &Copy::new(axes), source, out)?;
            self.put_packed(y, out);
            return Ok(());
        }
        let (source, from) = self.view(x)?;
        let mut axes = zip_axes(&shape, &from, &strides(&shape));
        for (i, axis) in axes.iter_mut().enumerate() {
            axis.begin = -before[i] as i32;
            axis.limit = whole[i] as u32;
        }
        let out = self.rec.tensor(plain_bytes(&shape));
        copy::record(self.rec, &node.name, &Copy { mode, fill, ..Copy::new(axes) }, source, out)?;
        self.put_plain(y, out);
        Ok(())
    }

    /// One copy per index, for the few indices that vision models use.
    fn gather(&mut self, node: &Node, axis: usize, x: ValueId, y: ValueId) -> Result<()> {
        const MOST: usize = 64;
        let indices = self.indices(node, 1)?;
        if indices.len() > MOST {
            return Err(Error::Unsupported(format!(
                "The Gather `{}` picks {} slices; at most {MOST} are supported at run time.",
                node.name,
                indices.len()
            )));
        }
        let (source, from) = self.view(x)?;
        let (whole, shape) = (self.shape(x).clone(), self.shape(y).clone());
        let out = self.rec.tensor(plain_bytes(&shape));
        let inner: usize = whole[axis + 1..].iter().product();
        for (i, &index) in indices.iter().enumerate() {
            // In y the axis holds as many places as there are indices.
            let mut sizes = whole.to_vec();
            sizes[axis] = indices.len();
            let to = strides(&sizes);
            let axes = (0..whole.rank()).filter(|&d| d != axis).map(|d| Axis::all(whole[d], from[d], to[d])).collect();
            let copy = Copy { x_offset: resolve(index, whole[axis]) * from[axis], y_offset: i * inner, ..Copy::new(axes) };
            copy::record(self.rec, &format!("{}.{i}", node.name), &copy, source, out)?;
        }
        self.put_plain(y, out);
        Ok(())
    }

    fn resize(&mut self, node: &Node, r: &Resize, x: ValueId, y: ValueId) -> Result<()> {
        let target = self.constant(node, node.inputs[1], "scales or sizes")?;
        let (mut rows, columns) = sampling(r, self.shape(x), &target)?;
        if self.shape(x).rank() < 4 {
            // Packed, three dimensions are one row.
            rows.truncate(1);
        }
        let source = self.packed(x)?;
        let pair = (Packed::of(self.shape(x)), Packed::of(self.shape(y)));
        let (Some(from), Some(to)) = pair else {
            return Err(Error::Unsupported(format!("The Resize `{}` works on tensors of up to four dimensions.", node.name)));
        };
        let out = resize::record(self.rec, &node.name, source, from, to, &rows, &columns)?;
        self.put_packed(y, out);
        Ok(())
    }
}
