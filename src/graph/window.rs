//! Windows over H and W: kernels, strides, dilation and padding.

use serde::{Deserialize, Serialize};

/// Geometry shared by convolution-like windows: two spatial axes, H then W.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Steps.
    pub stride: [usize; 2],
    /// Distance between kernel taps.
    pub dilation: [usize; 2],
    /// Explicit padding: top, left, bottom, right. Ignored unless `auto` is `Explicit`.
    pub pads: [usize; 4],
    /// ONNX `auto_pad`.
    pub auto: AutoPad,
}

/// How padding is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoPad {
    /// By the `pads` field.
    Explicit,
    /// Output = ceil(input / stride), the odd cell at the bottom/right.
    SameUpper,
    /// Output = ceil(input / stride), the odd cell at the top/left.
    SameLower,
    /// None.
    Valid,
}

impl Window {
    /// A square window with the same stride and padding everywhere.
    pub fn square(kernel: usize, stride: usize, pad: usize) -> Self {
        Self { kernel: [kernel; 2], stride: [stride; 2], dilation: [1; 2], pads: [pad; 4], auto: AutoPad::Explicit }
    }

    /// Cells a kernel covers along an axis, dilation included.
    pub fn extent(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// Padding before and after along an axis of `n` cells.
    pub fn padding(&self, axis: usize, n: usize) -> (usize, usize) {
        match self.auto {
            AutoPad::Explicit => (self.pads[axis], self.pads[axis + 2]),
            AutoPad::Valid => (0, 0),
            AutoPad::SameUpper | AutoPad::SameLower => {
                let out = n.div_ceil(self.stride[axis]);
                let total = ((out.max(1) - 1) * self.stride[axis] + self.extent(axis)).saturating_sub(n);
                let small = total / 2;
                if self.auto == AutoPad::SameUpper { (small, total - small) } else { (total - small, small) }
            }
        }
    }

    /// Output cells along an axis of `n` cells, or `None` when the window does not fit.
    /// With `ceil` the last window may hang over the end, but has to start inside the left-padded input.
    pub fn output(&self, axis: usize, n: usize, ceil: bool) -> Option<usize> {
        let (before, after) = self.padding(axis, n);
        let room = (n + before + after).checked_sub(self.extent(axis))?;
        let stride = self.stride[axis];
        if !ceil {
            return Some(room / stride + 1);
        }
        let out = room.div_ceil(stride) + 1;
        Some(if (out - 1) * stride >= n + before { out - 1 } else { out })
    }
}
