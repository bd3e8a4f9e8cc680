//! Lowering of resampling.

use super::Lower;
use crate::error::{Error, Result};
use crate::graph::infer::resizing::ResizeAxis;
use crate::graph::{Coordinates, GridSample, Node, Resize, ResizeMode, ValueId};
use crate::kernels::image::resize;
use crate::kernels::sample::grid;
use crate::kernels::sample::resample::{self, Pass};
use crate::recording::Source;
use crate::reference::image::resize::{axes, places};

impl Lower<'_, '_, '_> {
    pub(super) fn resize(&mut self, node: &Node, r: &Resize, x: ValueId, y: ValueId) -> Result<()> {
        let target = self.constant(node, node.inputs[1], "scales or sizes")?;
        let region = node.inputs.get(2).map(|&id| self.constant(node, id, "region of interest")).transpose()?;
        let axes = axes(r, self.shape(x), &target, region.as_deref())?;
        let changed: Vec<usize> = (0..axes.len()).filter(|&i| axes[i].changes()).collect();
        if changed.is_empty() {
            return self.same(x, y);
        }
        // Rows and columns of packed maps, two cells each way at most: one pass.
        let map = matches!(self.shape(x).rank(), 3 | 4) && changed.iter().all(|&i| i >= 2);
        let two = matches!(r.mode, ResizeMode::Nearest) || (r.mode == ResizeMode::Linear && !r.antialias);
        if map && two && self.dtype(x).is_float() && r.coordinates != Coordinates::TfCropAndResize {
            self.resize_map(node, r, &axes, x, y)
        } else {
            self.resize_axes(node, r, &axes, changed, x, y)
        }
    }

    fn resize_map(&mut self, node: &Node, r: &Resize, axes: &[ResizeAxis], x: ValueId, y: ValueId) -> Result<()> {
        let one = ResizeAxis { input: 1, output: 1, scale: 1.0, region: (0.0, 1.0) };
        let along = |axis: &ResizeAxis| {
            // What does not change is read as it is, whatever the coordinates say.
            let same = Resize { coordinates: Coordinates::Asymmetric, ..r.clone() };
            places(if axis.changes() { r } else { &same }, axis)
        };
        let (rows, columns) = match axes {
            [_, _, h, w] => (along(h), along(w)),
            [.., w] => (along(&one), along(w)),
            [] => return Err(Error::Model(format!("The Resize node `{}` has a scalar operand. Check the model file.", node.name))),
        };
        let (source, from, to) = (self.packed(x)?, self.dims(x)?, self.dims(y)?);
        let out = resize::record(self.rec, (&node.name, &format!("{r:?} {axes:?}")), source, from, to, &rows, &columns)?;
        self.put_packed(y, out);
        Ok(())
    }

    /// Axis by axis, in the layout that there is. Axes that shrink most go first.
    fn resize_axes(&mut self, node: &Node, r: &Resize, axes: &[ResizeAxis], mut changed: Vec<usize>, x: ValueId, y: ValueId) -> Result<()> {
        changed.sort_by(|&a, &b| axes[a].scale.total_cmp(&axes[b].scale));
        let fill = self.filling(node, r, x)?;
        let channels = self.shape(x).get(1).copied().unwrap_or(1);
        // Spare lanes have to stay 0.
        let stay = !changed.contains(&1) && (fill == 0 || channels.is_multiple_of(4));
        let packed = self.packed_pair(x, y).filter(|_| stay);
        let mut source: Source = if let Some((source, ..)) = packed { source } else { self.plain(x)? };
        // Dimensions and their sizes as memory has them.
        let order: Vec<usize> = match (packed, axes.len()) {
            (Some(_), rank) => [0, 2, 3, 1].into_iter().filter(|&i| i < rank).collect(),
            (None, rank) => (0..rank).collect(),
        };
        let spare = |i: usize| if packed.is_some() && i == 1 { channels.next_multiple_of(4) } else { axes[i].input };
        let mut sizes: Vec<usize> = order.iter().map(|&i| spare(i)).collect();
        for i in changed {
            let Some(at) = order.iter().position(|&o| o == i) else { continue };
            let split = [sizes[..at].iter().product(), sizes[at], sizes[at + 1..].iter().product()];
            let pass = Pass { key: format!("{r:?} {:?}", axes[i]), places: places(r, &axes[i]), split, fill };
            source = resample::record(self.rec, &node.name, &pass, source)?;
            sizes[at] = axes[i].output;
        }
        if packed.is_some() {
            self.put_packed(y, source);
        } else {
            self.put_plain(y, source);
        }
        Ok(())
    }

    /// The bits of what is written for places outside.
    fn filling(&self, node: &Node, r: &Resize, x: ValueId) -> Result<u32> {
        if r.coordinates != Coordinates::TfCropAndResize || r.extrapolation == 0.0 {
            return Ok(0);
        }
        match self.dtype(x).range() {
            None => Ok(r.extrapolation.to_bits()),
            Some((least, most)) => {
                let whole = r.extrapolation as i64;
                i32::try_from(whole).ok().filter(|_| (least..=most).contains(&whole)).map(|v| v as u32).ok_or_else(|| {
                    Error::Unsupported(format!(
                        "The Resize `{}` fills places outside with {}, which {} does not hold. Export the model with another extrapolation_value.",
                        node.name,
                        r.extrapolation,
                        self.dtype(x)
                    ))
                })
            }
        }
    }

    pub(super) fn grid_sample(&mut self, node: &Node, sample: &GridSample, x: ValueId, y: ValueId) -> Result<()> {
        let packed = grid::is_packed(self.shape(x).rank());
        let source = if packed { self.packed(x)? } else { self.plain(x)? };
        let (places, from, to) = (self.plain(node.inputs[1])?, self.shape(x).clone(), self.shape(y).clone());
        let out = grid::record(self.rec, &node.name, sample, (source, &from), places, &to)?;
        if packed {
            self.put_packed(y, out);
        } else {
            self.put_plain(y, out);
        }
        Ok(())
    }
}
