//! Pooling.

pub(crate) mod argmax;
pub(crate) mod global;
pub(crate) mod window;

use crate::graph::{Pool, PoolKind};
use crate::recording::Packed;

/// Mirrors the `Params` of shaders/shared/pool.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct Params {
    pub(crate) in_h: u32,
    pub(crate) in_w: u32,
    pub(crate) out_h: u32,
    pub(crate) out_w: u32,
    pub(crate) c4: u32,
    pub(crate) pixels: u32,
    pub(crate) kernel_h: u32,
    pub(crate) kernel_w: u32,
    pub(crate) stride_h: u32,
    pub(crate) stride_w: u32,
    pub(crate) pad_h: u32,
    pub(crate) pad_w: u32,
    pub(crate) dilation_h: u32,
    pub(crate) dilation_w: u32,
    pub(crate) padded_h: u32,
    pub(crate) padded_w: u32,
    pub(crate) kind: u32,
    pub(crate) count_pad: u32,
    pub(crate) norm: u32,
    pub(crate) least: u32,
    pub(crate) channels: u32,
    pub(crate) real: u32,
    pub(crate) y_row: u32,
    pub(crate) y_first: u32,
    pub(crate) columns: u32,
}

impl Params {
    /// The window from one map to the other, over f32.
    fn new(pool: &Pool, from: Packed, to: Packed) -> Self {
        let window = &pool.window;
        let ((top, bottom), (left, right)) = (window.padding(0, from.h), window.padding(1, from.w));
        let (kind, norm) = code(pool.kind);
        Self {
            in_h: from.h as u32,
            in_w: from.w as u32,
            out_h: to.h as u32,
            out_w: to.w as u32,
            c4: to.c4() as u32,
            pixels: to.pixels() as u32,
            kernel_h: window.kernel[0] as u32,
            kernel_w: window.kernel[1] as u32,
            stride_h: window.stride[0] as u32,
            stride_w: window.stride[1] as u32,
            pad_h: top as u32,
            pad_w: left as u32,
            dilation_h: window.dilation[0] as u32,
            dilation_w: window.dilation[1] as u32,
            padded_h: (top + from.h + bottom) as u32,
            padded_w: (left + from.w + right) as u32,
            kind,
            count_pad: u32::from(pool.count_include_pad),
            norm,
            least: 0,
            channels: to.c as u32,
            real: 1,
            y_row: to.c4() as u32,
            y_first: 0,
            columns: 0,
        }
    }
}

/// The `kind` of the pooling shaders, and p.
fn code(kind: PoolKind) -> (u32, u32) {
    match kind {
        PoolKind::Max => (0, 0),
        PoolKind::Average => (1, 0),
        PoolKind::L2 => (2, 2),
        PoolKind::Lp(p) => (3, p),
    }
}

/// Rounds of the loop that takes the power of a cell, and of the one around it.
fn rounds(kind: PoolKind) -> usize {
    match kind {
        PoolKind::Lp(p) => 2 + p.checked_ilog2().unwrap_or_default() as usize,
        _ => 1,
    }
}

/// Rounds of an invocation that loads every cell of a window.
fn window_rounds(pool: &Pool) -> usize {
    let [h, w] = pool.window.kernel;
    h.saturating_mul(w.saturating_mul(rounds(pool.kind)).saturating_add(1))
}

/// `name 3x3 64 @56`
fn label(name: &str, pool: &Pool, to: Packed) -> String {
    format!("{name} {}x{} {} @{}", pool.window.kernel[0], pool.window.kernel[1], to.c, to.h)
}
