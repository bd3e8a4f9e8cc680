//! Sizes, scales and regions of a resampling, resolved for every axis.

use super::{Context, geometry};
use crate::error::{Error, Result};
use crate::graph::{AspectRatio, Coordinates, Resize, ResizeMode, ResizeTarget};
use crate::tensor::{Shape, Tensor};

/// One axis of a resampling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ResizeAxis {
    /// Cells of the input.
    pub(crate) input: usize,
    /// Cells of the output.
    pub(crate) output: usize,
    /// Output cells per input cell, as the coordinate formulas use it.
    pub(crate) scale: f64,
    /// Begin and end of the part that [`Coordinates::TfCropAndResize`] looks at, in 0..1.
    pub(crate) region: (f64, f64),
}

impl ResizeAxis {
    fn unchanged(cells: usize) -> Self {
        Self { input: cells, output: cells, scale: 1.0, region: (0.0, 1.0) }
    }

    /// Whether the axis is resampled at all.
    pub(crate) fn changes(&self) -> bool {
        *self != Self::unchanged(self.input)
    }
}

pub(super) fn resize(ctx: &Context, resize: &Resize) -> Result<Shape> {
    let dims = ctx.shapes[0].dims();
    if dims.contains(&0) {
        return Err(ctx.fail("resamples an empty tensor"));
    }
    let region = if ctx.shapes.len() > 2 { Some(ctx.tensor(2)?) } else { None };
    let axes = resize_axes(dims, resize, ctx.tensor(1)?, region).map_err(|why| ctx.fail(why))?;
    check_tables(ctx, resize, &axes)?;
    Ok(axes.iter().map(|a| a.output).collect::<Vec<_>>().into())
}

/// Cells that the output places of one axis may be made of, all in all: tables of them are made on the host.
const MAX_TERMS: f64 = (1 << 19) as f64;

/// Refuses an axis so long, or one that shrinks so much, that listing what its places are made of would itself be large.
fn check_tables(ctx: &Context, resize: &Resize, axes: &[ResizeAxis]) -> Result<()> {
    if !axes.iter().any(ResizeAxis::changes) {
        return Ok(());
    }
    let radius = match resize.mode {
        ResizeMode::Nearest => 0.0,
        ResizeMode::Linear => 1.0,
        ResizeMode::Cubic { .. } => 2.0,
    };
    // Maps are resampled along height and width even where one of them stays.
    for (i, axis) in axes.iter().enumerate().filter(|(i, a)| *i >= 2 || a.changes()) {
        let reach = if resize.antialias { radius / axis.scale.min(1.0) } else { radius };
        let terms = axis.output as f64 * (2.0 * reach).max(1.0);
        if terms > MAX_TERMS {
            return Err(Error::Limits(format!(
                "{} Resampling the axis {i} from {} to {} cells sums {terms:.0} elements, and at most {MAX_TERMS} are possible. Use smaller sizes.",
                ctx.sentence("is too large"),
                axis.input,
                axis.output
            )));
        }
    }
    Ok(())
}

/// Whether the elements are weighted sums, which whole numbers have no room for.
pub(crate) fn needs_floats(resize: &Resize) -> bool {
    resize.mode != ResizeMode::Nearest
}

/// Resolves the operands of [`crate::graph::Op::Resize`] for every axis.
///
/// As in ONNX Runtime, the size that a scale gives is rounded down in f32: `floor(scale * cells)`. Sizes imply the scale `output / input`.
///
/// # Errors
/// Why the operands do not fit, as the rest of a sentence.
pub(crate) fn resize_axes(dims: &[usize], resize: &Resize, target: &Tensor, region: Option<&Tensor>) -> Result<Vec<ResizeAxis>, String> {
    let places = places(resize, dims.len())?;
    if target.len() != places.len() {
        return Err(format!("has {} target values for {} axes", target.len(), places.len()));
    }
    let mut axes: Vec<_> = dims.iter().map(|&n| ResizeAxis::unchanged(n)).collect();
    match resize.target {
        ResizeTarget::Sizes => {
            let sizes = target.as_i64().ok_or("has sizes that are not whole numbers")?;
            sized(&mut axes, &places, sizes, resize.aspect)?;
        }
        ResizeTarget::Scales => {
            for (&place, &scale) in places.iter().zip(target.to_f32().iter()) {
                scaled(&mut axes[place], scale)?;
            }
        }
    }
    if resize.coordinates == Coordinates::TfCropAndResize {
        let region = region.ok_or("crops, but has no region of interest")?.to_f64();
        if region.len() != 2 * places.len() || region.iter().any(|v| !v.is_finite()) {
            return Err(format!("has a region of interest of {} numbers for {} axes", region.len(), places.len()));
        }
        for (i, &place) in places.iter().enumerate() {
            axes[place].region = (region[i], region[i + places.len()]);
        }
    }
    Ok(axes)
}

/// The axes that the operands speak of, in their order.
fn places(resize: &Resize, rank: usize) -> Result<Vec<usize>, String> {
    if resize.axes.is_empty() {
        return Ok((0..rank).collect());
    }
    if geometry::axes(&resize.axes, rank).is_none() {
        return Err(format!("resamples the axes {:?}, which do not exist or repeat", resize.axes));
    }
    Ok(resize.axes.iter().filter_map(|&a| geometry::axis(a, rank)).collect())
}

fn sized(axes: &mut [ResizeAxis], places: &[usize], sizes: &[i64], aspect: AspectRatio) -> Result<(), String> {
    for (&place, &size) in places.iter().zip(sizes) {
        let output = usize::try_from(size).ok().filter(|&n| n > 0).ok_or_else(|| format!("asks for an output of {size} cells"))?;
        let axis = &mut axes[place];
        (axis.output, axis.scale) = (output, output as f64 / axis.input as f64);
    }
    let scales = places.iter().map(|&p| axes[p].scale);
    let common = match aspect {
        AspectRatio::Stretch => return Ok(()),
        AspectRatio::NotLarger => scales.fold(f64::INFINITY, f64::min),
        AspectRatio::NotSmaller => scales.fold(0.0, f64::max),
    };
    for &place in places {
        let axis = &mut axes[place];
        // Half up. A float cast saturates; the size check of the whole tensor refuses what is too large.
        (axis.output, axis.scale) = ((common * axis.input as f64 + 0.5).floor() as usize, common);
        if axis.output == 0 {
            return Err(format!("scales {} cells by {common}, which leaves none", axis.input));
        }
    }
    Ok(())
}

fn scaled(axis: &mut ResizeAxis, scale: f32) -> Result<(), String> {
    let output = (scale * axis.input as f32).floor();
    if !(scale.is_finite() && scale > 0.0 && output >= 1.0) {
        return Err(format!("scales {} cells by {scale}, which leaves none", axis.input));
    }
    // A float cast saturates; the size check of the whole tensor refuses what is too large.
    (axis.output, axis.scale) = (output as usize, f64::from(scale));
    Ok(())
}
