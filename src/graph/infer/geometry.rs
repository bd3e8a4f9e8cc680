//! Attributes and index operands resolved against shapes: which cells a node reads, in numbers that need no further checks.

use std::ops::Range;

use crate::tensor::{Shape, broadcast};

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

/// `n` cells in equal parts, rounded up, the last one smaller (ONNX opset 18); `None` when there are too few cells for that.
pub(crate) fn equal_parts(n: usize, parts: usize) -> Option<Vec<usize>> {
    let size = n.checked_div(parts)? + usize::from(!n.is_multiple_of(parts));
    let last = n.checked_sub(size.checked_mul(parts - 1)?)?;
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

/// A matrix product by NumPy's rules, with vectors as matrices of one row or column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// The leading axes of the result.
    pub(crate) batch: Shape,
    /// Rows of the result.
    pub(crate) m: usize,
    /// Terms of a sum.
    pub(crate) k: usize,
    /// Columns of the result.
    pub(crate) n: usize,
}

impl Product {
    /// The product of operands of these shapes, or `None` when they do not fit.
    pub(crate) fn of(a: &[usize], b: &[usize]) -> Option<Self> {
        let (a_batch, m, k) = match *a {
            [] => return None,
            [k] => (&[][..], 1, k),
            [ref batch @ .., m, k] => (batch, m, k),
        };
        let (b_batch, rows, n) = match *b {
            [] => return None,
            [rows] => (&[][..], rows, 1),
            [ref batch @ .., rows, n] => (batch, rows, n),
        };
        let batch = broadcast(a_batch, b_batch)?;
        (rows == k).then_some(Self { batch, m, k, n })
    }

    /// The leading axes of an operand of this shape, without those of a vector or matrix.
    pub(crate) fn leading(shape: &[usize]) -> &[usize] {
        &shape[..shape.len().saturating_sub(2)]
    }
}

/// Which scale of a quantisation an element has: element `(outer, a, inner)` of a tensor seen as `[.., axis, inner]` has the scale
/// `outer * outer_stride + a / block * axis_stride + inner * inner_stride`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScaleIndex {
    pub(crate) axis: usize,
    pub(crate) inner: usize,
    pub(crate) block: usize,
    pub(crate) outer_stride: usize,
    pub(crate) axis_stride: usize,
    pub(crate) inner_stride: usize,
}

impl ScaleIndex {
    /// For operands that shape inference accepts.
    pub(crate) fn new(x: &[usize], scale: &[usize], at: i64, block: usize) -> Self {
        let at = axis(at, x.len()).unwrap_or(0);
        let (cells, inner) = (x.get(at).copied().unwrap_or(1), x.get(at + 1..).map_or(1, |rest| rest.iter().product()));
        let whole = Self { axis: cells, inner, block: 1, outer_stride: 0, axis_stride: 0, inner_stride: 0 };
        match (block, scale.iter().product::<usize>()) {
            (0, 1) => whole,
            (0, _) => Self { axis_stride: 1, ..whole },
            _ => Self { block, outer_stride: scale[at] * inner, axis_stride: inner, inner_stride: 1, ..whole },
        }
    }

    /// Whether all elements have the same scale.
    pub(crate) fn is_flat(&self) -> bool {
        [self.outer_stride, self.axis_stride, self.inner_stride] == [0; 3]
    }

    /// The scale of the element at this place of the row-major tensor.
    pub(crate) fn of(&self, element: usize) -> usize {
        let (inner, rest) = (element % self.inner, element / self.inner);
        rest / self.axis * self.outer_stride + rest % self.axis / self.block * self.axis_stride + inner * self.inner_stride
    }
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

/// `index` counted from the front, or `None` when it lies outside of `n` cells.
pub(crate) fn index(index: i64, n: usize) -> Option<usize> {
    axis(index, n)
}
