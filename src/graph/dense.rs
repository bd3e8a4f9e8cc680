//! Layers with weights, and the epilogue that the passes fuse into them.

use serde::{Deserialize, Serialize};

use super::{AutoPad, Window};

/// A 2-D convolution. A 1-D one is imported with H = 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conv {
    /// Kernel geometry.
    pub window: Window,
    /// Groups; 1 = dense, C = depthwise.
    pub groups: usize,
    /// Whether there is a bias operand.
    pub bias: bool,
    /// Whether `x * pre_scale + pre_shift` (per channel) is applied to cells inside the picture before the zero padding.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pre_affine: bool,
    /// What happens before the result is stored.
    #[serde(default, skip_serializing_if = "Epilogue::is_none")]
    pub epilogue: Epilogue,
}

/// A 2-D transposed convolution (the gradient of a convolution). A 1-D one is imported with H = 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvTranspose {
    /// Kernel geometry; pads and automatic padding are taken off the output.
    pub window: Window,
    /// Groups; 1 = dense.
    pub groups: usize,
    /// Whether there is a bias operand.
    pub bias: bool,
    /// Cells added at the bottom and right of the output.
    pub output_padding: [usize; 2],
    /// The output's height and width, from which pads follow; `None` = they follow from the pads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_shape: Option<[usize; 2]>,
}

/// See [`super::Op::LocallyConnected`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LocallyConnected {
    /// Kernel geometry.
    pub window: Window,
    /// Output places (height, width) that share one filter bank; `[1, 1]` = unshared.
    pub tile: [usize; 2],
    /// Whether there is a bias operand.
    pub bias: bool,
    /// What happens before the result is stored.
    #[serde(default, skip_serializing_if = "Epilogue::is_none")]
    pub epilogue: Epilogue,
}

/// See [`super::Op::Linear`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// Whether there is a bias operand.
    pub bias: bool,
    /// In which order the axes of x (without the batch) are flattened; empty = as they are. `[2, 1, 0]` of C, H, W is W, H, C.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flatten_order: Vec<usize>,
    /// What happens before the result is stored.
    #[serde(default, skip_serializing_if = "Epilogue::is_none")]
    pub epilogue: Epilogue,
}

/// What a convolution or linear layer does to its sum before storing it:
/// `y = post(act(sum + bias) + residual)`, `act(v) = clamp(v >= 0 ? v : slope * v, lo, hi)`, `post(v) = clamp(v, post_lo, post_hi)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epilogue {
    /// Whether there is a slope operand, one per output channel (`[O]`).
    pub slope: bool,
    /// Lower bound after the slope.
    pub lo: Option<f32>,
    /// Upper bound after the slope.
    pub hi: Option<f32>,
    /// Whether a residual operand of the output's shape is added.
    pub residual: bool,
    /// Lower bound after the residual.
    pub post_lo: Option<f32>,
    /// Upper bound after the residual.
    pub post_hi: Option<f32>,
}

impl Epilogue {
    /// Whether nothing happens.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Positions of operands in [`super::Node::inputs`] of a fused op: x = 0, w = 1, the rest when present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operands {
    /// Bias.
    pub bias: Option<usize>,
    /// Scale before a convolution.
    pub pre_scale: Option<usize>,
    /// Shift before a convolution.
    pub pre_shift: Option<usize>,
    /// Slope for negative sums.
    pub slope: Option<usize>,
    /// Added before storing.
    pub residual: Option<usize>,
    /// Number of operands.
    pub count: usize,
}

fn operands(bias: bool, pre_affine: bool, epilogue: &Epilogue) -> Operands {
    let mut next = 2;
    let mut take = |present: bool| {
        present.then(|| {
            next += 1;
            next - 1
        })
    };
    let (bias, pre_scale, pre_shift) = (take(bias), take(pre_affine), take(pre_affine));
    let (slope, residual) = (take(epilogue.slope), take(epilogue.residual));
    Operands { bias, pre_scale, pre_shift, slope, residual, count: next }
}

impl Conv {
    /// Order: x, w, (bias), (pre_scale, pre_shift), (slope), (residual).
    pub fn operands(&self) -> Operands {
        operands(self.bias, self.pre_affine, &self.epilogue)
    }
}

impl LocallyConnected {
    /// Order: x, w, (bias), (slope), (residual).
    pub fn operands(&self) -> Operands {
        operands(self.bias, false, &self.epilogue)
    }
}

impl Linear {
    /// Order: x, w, (bias), (slope), (residual).
    pub fn operands(&self) -> Operands {
        operands(self.bias, false, &self.epilogue)
    }
}

impl ConvTranspose {
    /// Cells of the output along an axis of `n` cells, and how many are taken off before it. `None` when there is no such output.
    ///
    /// Where ONNX leaves it open (automatic padding of a kernel smaller than its stride), this is what ONNX Runtime does: nothing is taken off
    /// and nothing is added.
    pub fn output(&self, axis: usize, n: usize) -> Option<(usize, usize)> {
        let window = &self.window;
        let span = window.stride[axis].checked_mul(n.checked_sub(1)?)?.checked_add(self.output_padding[axis])?;
        let full = span.checked_add(window.extent(axis))?;
        let wanted = match (self.output_shape, window.auto) {
            (Some(shape), _) => shape[axis],
            (None, AutoPad::Valid) => full,
            (None, AutoPad::Explicit) => {
                let (before, after) = (window.pads[axis], window.pads[axis + 2]);
                return full.checked_sub(before.checked_add(after)?).filter(|&cells| cells > 0).map(|cells| (cells, before));
            }
            (None, AutoPad::SameUpper | AutoPad::SameLower) => full.min(n.checked_mul(window.stride[axis])?),
        };
        // Beyond the last stride no input cell could be the reason for an output cell.
        if wanted == 0 || wanted >= full.checked_add(window.stride[axis])? {
            return None;
        }
        let taken = full.saturating_sub(wanted);
        Some((wanted, if window.auto == AutoPad::SameUpper { taken / 2 } else { taken - taken / 2 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn along(kernel: usize, stride: usize, auto: AutoPad, shape: Option<usize>, output_padding: usize) -> Option<(usize, usize)> {
        let window = Window { kernel: [kernel; 2], auto, ..Window::square(1, stride, 0) };
        let output_padding = [output_padding; 2];
        ConvTranspose { window, groups: 1, bias: false, output_padding, output_shape: shape.map(|n| [n; 2]) }.output(0, 3)
    }

    /// Seen in ONNX Runtime 1.32.
    #[test]
    fn automatic_padding_of_transposed_convolutions() {
        use AutoPad::{Explicit, SameLower, SameUpper, Valid};
        assert_eq!(along(3, 2, SameUpper, None, 0), Some((6, 0)));
        assert_eq!(along(3, 2, SameLower, None, 0), Some((6, 1)));
        assert_eq!(along(3, 2, Valid, None, 0), Some((7, 0)));
        assert_eq!(along(3, 2, SameUpper, None, 1), Some((6, 1)));
        assert_eq!(along(2, 2, Explicit, Some(5), 0), Some((5, 1)));
        assert_eq!(along(2, 2, SameUpper, Some(5), 0), Some((5, 0)));
        assert_eq!(along(2, 3, SameUpper, None, 0), Some((8, 0)));
        assert_eq!(along(2, 3, Explicit, Some(9), 0), Some((9, 0)));
        assert_eq!(along(2, 3, Explicit, Some(12), 0), None);
    }
}
