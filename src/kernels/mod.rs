//! The host side of every shader: its parameters, when it applies, how it is dispatched and what it costs. Mirrors `shaders/`.
//!
//! A kernel records dispatches into a [`Recorder`](crate::plan::Recorder) and knows nothing of networks. [`KERNELS`] lists them all.

pub(crate) mod conv;
pub(crate) mod elementwise;
pub(crate) mod image;
pub(crate) mod linear;
pub(crate) mod local;
pub(crate) mod movement;
pub(crate) mod norm;
pub(crate) mod pool;
pub(crate) mod probe;

use crate::plan::Caps;
use crate::selftest::{Case, conv as dense, pointwise, rows};
use crate::tensor::Tensor;

/// A kernel: the stem of its shader, and the self-test cases that exercise every form of it.
pub(crate) struct Kernel {
    pub(crate) stem: &'static str,
    pub(crate) cases: fn(&Caps) -> Vec<Case>,
}

/// Every kernel that plans use. The self-test runs the cases of each, and a test fails when a form of a shader has none.
/// (`image/warp` runs before a plan and `probe` when a device is opened; `selftest` knows both.)
pub(crate) const KERNELS: &[Kernel] = &[
    Kernel { stem: "conv/subgroup_gemm", cases: dense::subgroup_gemm },
    Kernel { stem: "conv/tiled_gemm", cases: dense::tiled_gemm },
    Kernel { stem: "conv/naive", cases: dense::naive },
    Kernel { stem: "conv/depthwise", cases: dense::depthwise },
    Kernel { stem: "conv/grouped", cases: dense::grouped },
    Kernel { stem: "conv/winograd_input", cases: dense::winograd_input },
    Kernel { stem: "conv/winograd_output", cases: dense::winograd_output },
    Kernel { stem: "local/locally_connected", cases: dense::locally_connected },
    Kernel { stem: "linear/gemv", cases: dense::gemv },
    Kernel { stem: "pool/window", cases: pointwise::window },
    Kernel { stem: "pool/global", cases: pointwise::global },
    Kernel { stem: "norm/lrn", cases: pointwise::lrn },
    Kernel { stem: "norm/axis", cases: rows::axis },
    Kernel { stem: "elementwise/affine", cases: pointwise::affine },
    Kernel { stem: "elementwise/unary", cases: pointwise::unary },
    Kernel { stem: "elementwise/binary", cases: pointwise::binary },
    Kernel { stem: "movement/copy", cases: rows::copy },
    Kernel { stem: "image/resize", cases: pointwise::resize },
];

/// f32 values as bytes.
pub(crate) fn f32_bytes(values: &[f32]) -> Vec<u8> {
    bytemuck::cast_slice(values).to_vec()
}

/// A vector of `len` values: the constant (one value is repeated), or `default`, and 0 behind its end. `default` also fills an absent
/// constant's spare lanes, where it is multiplied by 0.
pub(crate) fn padded(constant: Option<&Tensor>, len: usize, default: f32) -> Vec<f32> {
    let Some(constant) = constant else { return vec![default; len] };
    let data = constant.to_f32();
    if data.len() == 1 {
        return vec![data[0]; len];
    }
    let mut out = data.into_owned();
    out.resize(len, 0.0);
    out
}
