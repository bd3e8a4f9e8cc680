//! Host side of shaders/movement/copy.wgsl.

use crate::error::{Error, Result};
use crate::graph::PadMode;
use crate::recording::{Recorder, Source};
use crate::shader;

/// Mirrors the shader's `Axis`: one dimension of the box that is copied.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct Axis {
    /// Places of the box.
    pub(crate) size: u32,
    pub(crate) x_stride: u32,
    pub(crate) y_stride: u32,
    /// Valid places of the source; others are filled, mirrored or clamped.
    pub(crate) limit: u32,
    /// Source place of box place 0, and the step from one to the next.
    pub(crate) begin: i32,
    pub(crate) step: i32,
    pub(crate) pad0: u32,
    pub(crate) pad1: u32,
}

impl Axis {
    /// All `size` places, one to one.
    pub(crate) fn all(size: usize, x_stride: usize, y_stride: usize) -> Self {
        Self {
            size: size as u32,
            x_stride: x_stride as u32,
            y_stride: y_stride as u32,
            limit: size as u32,
            begin: 0,
            step: 1,
            pad0: 0,
            pad1: 0,
        }
    }
}

/// Most dimensions of a tensor.
pub(crate) const MOST_AXES: usize = 8;

/// Mirrors the shader's `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
pub(crate) struct Params {
    /// The last dimension first.
    pub(crate) axes: [Axis; MOST_AXES],
    pub(crate) total: u32,
    pub(crate) x_offset: u32,
    pub(crate) y_offset: u32,
    pub(crate) mode: u32,
    pub(crate) fill: u32,
    pub(crate) rank: u32,
    pub(crate) pad0: u32,
    pub(crate) pad1: u32,
}

/// A copy to record; offsets and strides in elements.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    /// Outermost first, at most [`MOST_AXES`] once neighbours are merged.
    pub(crate) axes: Vec<Axis>,
    pub(crate) x_offset: usize,
    pub(crate) y_offset: usize,
    pub(crate) mode: PadMode,
    /// Bits of what fills places outside.
    pub(crate) fill: u32,
}

impl Copy {
    pub(crate) fn new(axes: Vec<Axis>) -> Self {
        Self { axes, x_offset: 0, y_offset: 0, mode: PadMode::Constant, fill: 0 }
    }
}

impl Copy {
    /// Whether the target would hold the same bytes as the source.
    pub(crate) fn changes_nothing(&self) -> bool {
        let merged = merge(&self.axes);
        let whole = |a: &Axis| is_whole(a) && a.x_stride == 1 && a.y_stride == 1;
        self.x_offset == 0 && self.y_offset == 0 && merged.len() <= 1 && merged.iter().all(whole)
    }
}

/// Records the copy; it moves vec4s where every stride and offset allows.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, copy: &Copy, x: Source, y: Source) -> Result<()> {
    let mut copy = copy.clone();
    copy.axes = merge(&copy.axes);
    let vec4 = to_vec4(&mut copy);
    let plain = to_plain(&mut copy);
    if copy.axes.len() > MOST_AXES {
        return Err(Error::Unsupported(format!(
            "The layer `{label}` moves a tensor of {} dimensions, and at most {MOST_AXES} are supported.",
            copy.axes.len()
        )));
    }
    let mut axes = [Axis::all(1, 0, 0); MOST_AXES];
    axes.iter_mut().zip(copy.axes.iter().rev()).for_each(|(to, from)| *to = *from);
    let total: u64 = copy.axes.iter().map(|a| u64::from(a.size)).product();
    let params = Params {
        axes,
        total: total as u32,
        x_offset: copy.x_offset as u32,
        y_offset: copy.y_offset as u32,
        mode: match copy.mode {
            PadMode::Constant => 0,
            PadMode::Reflect => 1,
            PadMode::Edge => 2,
            PadMode::Wrap => 3,
        },
        fill: copy.fill,
        rank: copy.axes.len() as u32,
        pad0: 0,
        pad1: 0,
    };
    let shader = match (plain, vec4) {
        (false, false) => &shader::MOVEMENT_COPY_F32,
        (false, true) => &shader::MOVEMENT_COPY_VEC4,
        (true, false) => &shader::MOVEMENT_COPY_PLAIN,
        (true, true) => &shader::MOVEMENT_COPY_PLAIN_VEC4,
    };
    let groups = rec.fold((total as usize).div_ceil(64));
    rec.dispatch(shader, label, groups, &params, &[x, y], 0)
}

/// Whether an axis goes through all of the source in order.
fn is_whole(a: &Axis) -> bool {
    a.begin == 0 && a.step == 1 && a.limit == a.size
}

/// Joins neighbouring axes that are contiguous on both sides, and drops axes of one place.
fn merge(axes: &[Axis]) -> Vec<Axis> {
    let mut out: Vec<Axis> = Vec::with_capacity(axes.len());
    for &a in axes.iter().filter(|a| !(a.size == 1 && is_whole(a))) {
        // Products beyond 32 bits belong to tensors that no binding holds; those are refused when the dispatch is recorded.
        let follows = |outer: u32, inner: u32| inner.checked_mul(a.size) == Some(outer);
        match out.last_mut() {
            Some(b) if is_whole(b) && is_whole(&a) && follows(b.x_stride, a.x_stride) && follows(b.y_stride, a.y_stride) => {
                let size = b.size as usize * a.size as usize;
                *b = Axis::all(size, a.x_stride as usize, a.y_stride as usize);
            }
            _ => out.push(a),
        }
    }
    out
}

/// Rewrites the copy in units of vec4s if the last axis and everything else allow it.
fn to_vec4(copy: &mut Copy) -> bool {
    let Some((last, rest)) = copy.axes.split_last_mut() else { return false };
    let aligned = |v: u32| v.is_multiple_of(4);
    let fits = is_whole(last)
        && last.x_stride == 1
        && last.y_stride == 1
        && aligned(last.size)
        && copy.x_offset.is_multiple_of(4)
        && copy.y_offset.is_multiple_of(4)
        && rest.iter().all(|a| aligned(a.x_stride) && aligned(a.y_stride));
    if fits {
        last.size /= 4;
        last.limit /= 4;
        for a in rest {
            a.x_stride /= 4;
            a.y_stride /= 4;
        }
        copy.x_offset /= 4;
        copy.y_offset /= 4;
    }
    fits
}

/// Works beginnings and steps into offset and strides, if no place of the source is outside: testing for places outside takes most of the
/// kernel's time.
fn to_plain(copy: &mut Copy) -> bool {
    let last = |a: &Axis| i64::from(a.begin) + (i64::from(a.size) - 1) * i64::from(a.step);
    let within = |a: &Axis| a.size > 0 && [i64::from(a.begin), last(a)].iter().all(|j| (0..i64::from(a.limit)).contains(j));
    let plain = copy.axes.iter().all(within);
    if plain {
        for a in &mut copy.axes {
            copy.x_offset += a.begin as usize * a.x_stride as usize;
            *a = Axis { x_stride: a.x_stride.wrapping_mul(a.step as u32), begin: 0, step: 1, limit: a.size, ..*a };
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_within_their_source_are_plain() {
        let axis = |size, begin, step, limit| Axis { begin, step, limit, ..Axis::all(size, 10, 1) };
        let copy = |axes: Vec<Axis>| Copy { x_offset: 3, ..Copy::new(axes) };
        // Backwards from place 4: 3 + 4 * 10, and 10 less with every place.
        let mut backwards = copy(vec![axis(3, 4, -2, 5), axis(2, 0, 1, 2)]);
        assert!(to_plain(&mut backwards));
        assert_eq!((backwards.x_offset, backwards.axes[0].x_stride), (43, 0u32.wrapping_sub(20)));
        assert!(to_plain(&mut copy(vec![Axis::all(7, 0, 1)])));
        for outside in [axis(3, -1, 1, 5), axis(3, 3, 1, 5), axis(3, 3, -2, 5), axis(0, 0, 1, 0)] {
            let mut copy = copy(vec![axis(2, 1, 1, 3), outside]);
            assert!(!to_plain(&mut copy), "{outside:?}");
            assert_eq!((copy.x_offset, copy.axes[0].begin), (3, 1), "nothing is changed");
        }
    }

    #[test]
    fn strides_beyond_32_bits_are_no_neighbours() {
        let huge = 1 << 30;
        let axes = [Axis::all(2, huge, huge), Axis::all(huge, 8, 8), Axis::all(8, 1, 1)];
        assert_eq!(merge(&axes).len(), 2);
        assert_eq!(merge(&[Axis::all(2, 12, 12), Axis::all(3, 4, 4), Axis::all(4, 1, 1)]).len(), 1);
    }
}
