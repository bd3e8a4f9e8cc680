//! The physical layout of activations.
//!
//! *Packed*: NHWC with channels in vec4, `[n][h][w][ceil(c/4)][4]`; lanes beyond the channel count hold 0. Every kernel reads and writes it.
//! *Plain*: row-major f32 as ONNX sees the tensor; for outputs and for operations that look along other axes.

use super::Source;
use crate::tensor::Shape;

/// A tensor of up to four dimensions as packed memory sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) n: usize,
    pub(crate) c: usize,
    pub(crate) h: usize,
    pub(crate) w: usize,
}

impl Packed {
    /// `[n, c, h, w]`; shorter shapes lack h, then w, then c and n. `None` above four dimensions.
    pub(crate) fn of(shape: &[usize]) -> Option<Self> {
        Some(match *shape {
            [] => Self { n: 1, c: 1, h: 1, w: 1 },
            [c] => Self { n: 1, c, h: 1, w: 1 },
            [n, c] => Self { n, c, h: 1, w: 1 },
            [n, c, w] => Self { n, c, h: 1, w },
            [n, c, h, w] => Self { n, c, h, w },
            _ => return None,
        })
    }

    /// vec4s per pixel.
    pub(crate) fn c4(self) -> usize {
        self.c.div_ceil(4)
    }

    /// Pixels of all pictures.
    pub(crate) fn pixels(self) -> usize {
        self.n * self.h * self.w
    }

    /// vec4s of the whole tensor.
    pub(crate) fn vec4s(self) -> usize {
        self.pixels() * self.c4()
    }

    /// Bytes of the whole tensor.
    pub(crate) fn bytes(self) -> u64 {
        self.vec4s() as u64 * 16
    }

    /// Whether row-major memory holds the same bytes.
    pub(crate) fn is_plain(self) -> bool {
        self.c.is_multiple_of(4) && self.h * self.w == 1
    }

    /// Row-major elements of this tensor in packed order.
    pub(crate) fn pack(self, data: &[u32]) -> Vec<u32> {
        let (area, row) = (self.h * self.w, self.c4() * 4);
        let mut out = vec![0; self.vec4s() * 4];
        for (i, plane) in data.chunks_exact(area.max(1)).enumerate() {
            let (n, c) = (i / self.c.max(1), i % self.c.max(1));
            for (pixel, &v) in plane.iter().enumerate() {
                out[(n * area + pixel) * row + c] = v;
            }
        }
        out
    }

    /// Element strides of the logical dimensions of `shape` in packed memory.
    pub(crate) fn strides(self, shape: &[usize]) -> Vec<usize> {
        let row = self.c4() * 4;
        let (n, h, w) = (self.h * self.w * row, self.w * row, row);
        match shape.len() {
            0 => vec![],
            1 => vec![1],
            2 => vec![n, 1],
            3 => vec![n, 1, w],
            _ => vec![n, 1, h, w],
        }
    }
}

/// Some channels of a larger packed tensor, which a kernel writes in place of a tensor of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) whole: Source,
    /// vec4s per pixel of the whole.
    pub(crate) row: usize,
    /// The first vec4 of the part in each pixel.
    pub(crate) first: usize,
}

/// Bytes of a row-major f32 tensor, rounded up to whole vec4s.
pub(crate) fn plain_bytes(shape: &Shape) -> u64 {
    (shape.len() as u64 * 4).next_multiple_of(16).max(16)
}
