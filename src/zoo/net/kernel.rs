//! Windows as tables of papers write them: kernel, stride, padding.

use crate::graph::{AutoPad, Window};

/// A window and what goes with it; see [`k`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kernel {
    size: [usize; 2],
    stride: usize,
    /// Top, left, bottom, right.
    pads: [usize; 4],
    pub(super) groups: usize,
    pub(super) bias: bool,
    pub(super) ceil: bool,
    pub(super) tile: usize,
}

/// A square kernel of stride 1 without padding.
pub(crate) const fn k(size: usize) -> Kernel {
    k2(size, size)
}

/// A kernel of `height` by `width`.
pub(crate) const fn k2(height: usize, width: usize) -> Kernel {
    Kernel { size: [height, width], stride: 1, pads: [0; 4], groups: 1, bias: false, ceil: false, tile: 1 }
}

impl Kernel {
    /// The stride.
    pub(crate) const fn s(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Zero padding on every side.
    pub(crate) const fn p(self, pad: usize) -> Self {
        Self { pads: [pad; 4], ..self }
    }

    /// The padding that keeps the size at stride 1.
    pub(crate) const fn same(self) -> Self {
        let [y, x] = [(self.size[0] - 1) / 2, (self.size[1] - 1) / 2];
        Self { pads: [y, x, y, x], ..self }
    }

    /// Groups of channels.
    pub(crate) const fn g(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// With a bias.
    pub(crate) const fn bias(self) -> Self {
        Self { bias: true, ..self }
    }

    /// Pooling: the output size is rounded up.
    pub(crate) const fn ceil(self) -> Self {
        Self { ceil: true, ..self }
    }

    /// Locally connected: square tiles of this many output places share a filter bank.
    pub(crate) const fn tile(self, places: usize) -> Self {
        Self { tile: places, ..self }
    }

    pub(super) fn window(&self) -> Window {
        Window { kernel: self.size, stride: [self.stride; 2], dilation: [1; 2], pads: self.pads, auto: AutoPad::Explicit }
    }
}
