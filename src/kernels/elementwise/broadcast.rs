//! Host side of shaders/shared/broadcast.wgsl: where every place of a result finds its operands.

use crate::recording::Packed;

/// Mirrors the shader's `Axis`: places of the result along it, and the strides of the operands.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct Axis {
    pub(crate) size: u32,
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) c: u32,
}

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    pub(crate) axes: [Axis; 8],
    pub(crate) total: u32,
    pub(crate) rank: u32,
    pub(crate) channels: u32,
    pub(crate) splat: u32,
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) wrap: u32,
    pub(crate) pad: u32,
}

/// The grid of one launch. Filled in further by the kernels: `kind`, `flags`, `wrap`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) params: Params,
    /// Works on single numbers; else on vec4s.
    pub(crate) strided: bool,
    /// Bytes of the result.
    pub(crate) bytes: u64,
}

/// A dimension of the result with the stride of every operand.
type Dimension = (usize, [usize; 3]);

impl Grid {
    /// Packed operands of a packed result; dimensions of size 1 are repeated.
    pub(crate) fn packed(out: Packed, operands: &[Packed]) -> Self {
        let mut dims: [Dimension; 4] = [(out.n, [0; 3]), (out.h, [0; 3]), (out.w, [0; 3]), (out.c4(), [0; 3])];
        let mut splat = 0;
        for (k, o) in operands.iter().enumerate().take(3) {
            let single = o.c == 1 && out.c > 1;
            splat |= u32::from(single) << k;
            // One channel is spread from lane 0, whose place counts in elements.
            let unit = if single { 4 } else { 1 };
            let sizes = [o.n, o.h, o.w, o.c];
            let row = o.c4() * unit;
            let own = [o.h * o.w * row, o.w * row, row, 1];
            for (dim, (size, stride)) in dims.iter_mut().zip(sizes.into_iter().zip(own)) {
                dim.1[k] = if size == 1 { 0 } else { stride };
            }
        }
        Self { params: params(&dims, out.vec4s(), out.c, splat), strided: false, bytes: out.bytes() }
    }

    /// Row-major operands of a row-major result of up to eight dimensions, all of its rank.
    pub(crate) fn plain(out: &[usize], operands: &[&[usize]]) -> Self {
        let total: usize = out.iter().product();
        let bytes = (total as u64 * 4).next_multiple_of(16).max(16);
        let dims = merged(out, operands);
        if let Some((dims, splat)) = in_vec4s(&dims, operands.len().min(3)) {
            let channels = if dims.len() == 1 { total } else { dims[dims.len() - 1].0 * 4 };
            let vec4s = dims.iter().map(|d| d.0).product();
            let mut four = [(1, [0; 3]); 4];
            four[4 - dims.len()..].copy_from_slice(&dims);
            return Self { params: params(&four, vec4s, channels, splat), strided: false, bytes };
        }
        Self { params: params(&dims, total, 1, 0), strided: true, bytes }
    }

    /// Invocations of the launch.
    pub(crate) fn places(&self) -> usize {
        self.params.total as usize
    }
}

fn params(dims: &[Dimension], total: usize, channels: usize, splat: u32) -> Params {
    let mut axes = [Axis { size: 1, ..Axis::default() }; 8];
    for (axis, (size, [a, b, c])) in axes.iter_mut().zip(dims) {
        *axis = Axis { size: *size as u32, a: *a as u32, b: *b as u32, c: *c as u32 };
    }
    Params { axes, total: total as u32, rank: dims.len() as u32, channels: channels as u32, splat, kind: 0, flags: 0, wrap: 0, pad: 0 }
}

/// The dimensions of the result with neighbours joined where every operand is contiguous over both or repeated over both.
fn merged(out: &[usize], operands: &[&[usize]]) -> Vec<Dimension> {
    let mut own = [1; 3];
    let mut dims: Vec<Dimension> = Vec::with_capacity(out.len());
    // From the innermost outwards; turned around at the end.
    for (i, &size) in out.iter().enumerate().rev() {
        let mut strides = [0; 3];
        for (k, shape) in operands.iter().enumerate().take(3) {
            strides[k] = if shape[i] == 1 { 0 } else { own[k] };
            own[k] *= shape[i];
        }
        match dims.last_mut() {
            _ if size == 1 => {}
            Some((inner, inside)) if (0..3).all(|k| strides[k] == inside[k] * *inner) => *inner *= size,
            _ => dims.push((size, strides)),
        }
    }
    dims.reverse();
    if dims.is_empty() { vec![(1, [0; 3])] } else { dims }
}

/// The same with the last dimension in vec4s and strides to match, and which operands repeat one element along it. `None` where an
/// operand's rows do not consist of whole vec4s.
fn in_vec4s(dims: &[Dimension], operands: usize) -> Option<(Vec<Dimension>, u32)> {
    let ((last, inside), outer) = dims.split_last()?;
    // A single row may end within a vec4: buffers are whole vec4s.
    if dims.len() > 4 || !(last.is_multiple_of(4) || outer.is_empty()) {
        return None;
    }
    let mut out = dims.to_vec();
    let mut splat = 0;
    for k in 0..operands {
        if inside[k] == 0 {
            splat |= 1 << k;
        } else {
            out.iter_mut().for_each(|d| d.1[k] /= 4);
            if let Some(d) = out.last_mut() {
                d.1[k] = 1;
            }
        }
    }
    if let Some(d) = out.last_mut() {
        d.0 = last.div_ceil(4);
    }
    Some((out, splat))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(grid: &Grid) -> Vec<[u32; 4]> {
        grid.params.axes[..grid.params.rank as usize].iter().map(|a| [a.size, a.a, a.b, a.c]).collect()
    }

    #[test]
    fn equal_shapes_are_one_row() {
        let grid = Grid::plain(&[2, 3, 5], &[&[2, 3, 5], &[2, 3, 5]]);
        assert!(!grid.strided);
        assert_eq!(axes(&grid)[3], [8, 1, 1, 0]);
        assert_eq!((grid.params.channels, grid.params.total, grid.params.splat), (30, 8, 0));
    }

    #[test]
    fn a_row_for_all_rows_goes_in_vec4s() {
        let grid = Grid::plain(&[2, 3, 8], &[&[2, 3, 8], &[1, 1, 8]]);
        assert!(!grid.strided);
        assert_eq!(axes(&grid)[2..], [[6, 2, 0, 0], [2, 1, 1, 0]]);
        // One number a row is spread, and counts in elements.
        let grid = Grid::plain(&[2, 3, 8], &[&[2, 3, 8], &[2, 3, 1]]);
        assert_eq!(axes(&grid)[2..], [[6, 2, 1, 0], [2, 1, 0, 0]]);
        assert_eq!(grid.params.splat, 2);
    }

    #[test]
    fn alternating_dimensions_stay_apart() {
        let grid = Grid::plain(&[2, 3, 2, 3, 2, 3, 2, 3], &[&[2, 1, 2, 1, 2, 1, 2, 1], &[1, 3, 1, 3, 1, 3, 1, 3]]);
        assert!(grid.strided);
        assert_eq!(grid.params.rank, 8);
        assert_eq!(axes(&grid)[..2], [[2, 8, 0, 0], [3, 0, 27, 0]]);
    }

    #[test]
    fn a_packed_channel_is_spread() {
        let of = |shape: &[usize]| Packed::of(shape).unwrap_or(Packed { n: 0, c: 0, h: 0, w: 0 });
        let grid = Grid::packed(of(&[2, 6, 4, 3]), &[of(&[2, 6, 4, 3]), of(&[2, 1, 4, 3])]);
        assert_eq!(axes(&grid), [[2, 24, 48, 0], [4, 6, 12, 0], [3, 2, 4, 0], [2, 1, 0, 0]]);
        assert_eq!(grid.params.splat, 2);
    }
}
