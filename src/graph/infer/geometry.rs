//! Attributes and index operands resolved against shapes: which cells a node reads, in numbers that need no further checks.

use std::ops::Range;

use crate::graph::{Resize, ResizeTarget};
use crate::tensor::{Shape, Tensor, broadcast};

/// `axis` counted from the front, or `None` when a tensor of this rank does not have it.
pub(crate) fn axis(axis: i64, rank: usize) -> Option<usize> {
    let from_front = if axis < 0 { axis.checked_add(i64::try_from(rank).ok()?)? } else { axis };
    usize::try_from(from_front).ok().filter(|&a| a < rank)
}

/// Distinct axes in ascending order, or `None` when one does not exist or repeats.
pub(crate) fn axes(list: &[i64], rank: usize) -> Option<Vec<usize>> {
    let mut out = list.iter().map(|&a| axis(a, rank)).collect::<Option<Vec<_>>>()?;
    out.sort_unstable();
    out.windows(2).all(|w| w[0] < w[1]).then_some(out)
}

/// The axes a reduction covers: `list`, or when it is empty all (or none).
pub(crate) fn reduced_axes(list: &[i64], none_if_empty: bool, rank: usize) -> Option<Vec<usize>> {
    if list.is_empty() && !none_if_empty { Some((0..rank).collect()) } else { axes(list, rank) }
}

/// Dimensions that [`crate::graph::Op::Shape`] reports; both ends are clamped as ONNX says.
pub(crate) fn shape_range(rank: usize, start: i64, end: Option<i64>) -> Range<usize> {
    let n = rank as i64;
    let clamp = |v: i64| (if v < 0 { v.saturating_add(n) } else { v }).clamp(0, n) as usize;
    let (start, end) = (clamp(start), end.map_or(rank, clamp));
    start..end.max(start)
}

/// `n` cells in equal parts, rounded up, the last one smaller (ONNX opset 18); `None` when a part would be empty.
pub(crate) fn equal_parts(n: usize, parts: usize) -> Option<Vec<usize>> {
    let size = n.checked_div(parts)? + usize::from(!n.is_multiple_of(parts));
    let last = n.checked_sub(size.checked_mul(parts - 1)?).filter(|&last| last > 0)?;
    let mut out = vec![size; parts];
    out[parts - 1] = last;
    Some(out)
}

/// The permutation of a transposition (empty = reverse), or `None` when it is not one.
pub(crate) fn permutation(perm: &[usize], rank: usize) -> Option<Vec<usize>> {
    if perm.is_empty() {
        return Some((0..rank).rev().collect());
    }
    let mut seen = vec![false; rank];
    for &p in perm {
        if std::mem::replace(seen.get_mut(p)?, true) {
            return None;
        }
    }
    (perm.len() == rank).then(|| perm.to_vec())
}

/// The slope of a PReLU in a shape that broadcasts to `x`, or `None` when it does not fit.
/// A vector as long as axis 1 means one slope per channel (old MXNet exports); everything else is NumPy's rule.
pub(crate) fn prelu_slope(x: &[usize], slope: &[usize]) -> Option<Shape> {
    if let ([n], [_, channels, rest @ ..]) = (slope, x)
        && n == channels
    {
        let mut dims = vec![1; rest.len() + 1];
        dims[0] = *n;
        return Some(Shape::from(dims));
    }
    (broadcast(x, slope)?.dims() == x).then(|| Shape::from(slope))
}

/// Which cells of one axis a slice takes: `start`, `start + step`, ... (`len` of them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SliceAxis {
    /// First cell; 0 when there is none.
    pub(crate) start: usize,
    /// Distance to the next.
    pub(crate) step: i64,
    /// How many.
    pub(crate) len: usize,
}

/// Resolves the operands of [`crate::graph::Op::Slice`] for every axis.
///
/// # Errors
/// Why the operands do not fit, as the rest of a sentence.
pub(crate) fn slice_axes(
    dims: &[usize],
    starts: &[i64],
    ends: &[i64],
    axes: Option<&[i64]>,
    steps: Option<&[i64]>,
) -> Result<Vec<SliceAxis>, String> {
    let count = starts.len();
    if ends.len() != count || axes.is_some_and(|a| a.len() != count) || steps.is_some_and(|s| s.len() != count) {
        return Err("has starts, ends, axes and steps of different lengths".to_owned());
    }
    let mut out: Vec<_> = dims.iter().map(|&len| SliceAxis { start: 0, step: 1, len }).collect();
    let mut seen = vec![false; dims.len()];
    for i in 0..count {
        let given = axes.map_or(i as i64, |a| a[i]);
        let at = axis(given, dims.len()).ok_or_else(|| format!("cuts the axis {given}, which its operand does not have"))?;
        if std::mem::replace(&mut seen[at], true) {
            return Err(format!("cuts the axis {given} twice"));
        }
        let step = steps.map_or(1, |s| s[i]);
        if step == 0 {
            return Err(format!("has a step of 0 along the axis {given}"));
        }
        out[at] = slice_axis(dims[at], starts[i], ends[i], step);
    }
    Ok(out)
}

fn slice_axis(n: usize, start: i64, end: i64, step: i64) -> SliceAxis {
    let empty = SliceAxis { start: 0, step, len: 0 };
    let cells = n as i64;
    if cells == 0 {
        return empty;
    }
    let wrap = |v: i64| if v < 0 { v.saturating_add(cells) } else { v };
    let (start, end) = (wrap(start), wrap(end));
    let (start, span) = if step > 0 {
        let start = start.clamp(0, cells);
        (start, end.clamp(0, cells) - start)
    } else {
        let start = start.clamp(0, cells - 1);
        (start, start - end.clamp(-1, cells - 1))
    };
    if span <= 0 {
        return empty;
    }
    SliceAxis { start: start as usize, step, len: span.unsigned_abs().div_ceil(step.unsigned_abs()) as usize }
}

/// Cells added before and after each axis; negative ones are removed.
///
/// # Errors
/// Why the operands do not fit, as the rest of a sentence.
pub(crate) fn pad_axes(rank: usize, pads: &[i64], axes: Option<&[i64]>) -> Result<Vec<(i64, i64)>, String> {
    let count = axes.map_or(rank, <[i64]>::len);
    if count.checked_mul(2) != Some(pads.len()) {
        return Err(format!("has {} pads for {count} axes", pads.len()));
    }
    let mut out = vec![(0, 0); rank];
    let mut seen = vec![false; rank];
    for i in 0..count {
        let given = axes.map_or(i as i64, |a| a[i]);
        let at = axis(given, rank).ok_or_else(|| format!("pads the axis {given}, which its operand does not have"))?;
        if std::mem::replace(&mut seen[at], true) {
            return Err(format!("pads the axis {given} twice"));
        }
        out[at] = (pads[i], pads[i + count]);
    }
    Ok(out)
}

/// One axis of a resampling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ResizeAxis {
    /// Cells of the output.
    pub(crate) output: usize,
    /// Output cells per input cell, as the coordinate formulas use it.
    pub(crate) scale: f32,
}

/// Resolves the second operand of [`crate::graph::Op::Resize`] for every axis.
///
/// As in ONNX Runtime, scales are applied in f32: `floor(scale * cells)`, and sizes imply the scale `output / input`.
///
/// # Errors
/// Why the operand does not fit, as the rest of a sentence.
pub(crate) fn resize_axes(dims: &[usize], resize: &Resize, target: &Tensor) -> Result<Vec<ResizeAxis>, String> {
    if target.len() != dims.len() {
        return Err(format!("has {} target values for {} dimensions", target.len(), dims.len()));
    }
    match resize.target {
        ResizeTarget::Sizes => {
            let sizes = target.as_i64().ok_or("has sizes that are not of the type i64")?;
            dims.iter().zip(sizes).map(|(&n, &size)| sized(n, size)).collect()
        }
        ResizeTarget::Scales => {
            let scales = target.to_f32();
            dims.iter().zip(scales.iter()).map(|(&n, &scale)| scaled(n, scale)).collect()
        }
    }
}

fn sized(n: usize, size: i64) -> Result<ResizeAxis, String> {
    match usize::try_from(size) {
        Ok(output) if output > 0 => Ok(ResizeAxis { output, scale: output as f32 / n as f32 }),
        _ => Err(format!("asks for an output of {size} cells")),
    }
}

fn scaled(n: usize, scale: f32) -> Result<ResizeAxis, String> {
    let output = (scale * n as f32).floor();
    if !(scale.is_finite() && scale > 0.0 && output >= 1.0) {
        return Err(format!("scales {n} cells by {scale}, which leaves none"));
    }
    // A float cast saturates; the size check of the whole tensor refuses what is too large.
    Ok(ResizeAxis { output: output as usize, scale })
}
