//! Host side of shaders/margin/rows.wgsl.

pub(crate) use super::Params;
use crate::recording::Launch;
use crate::shader::{self, Shader};

/// Classes that one workgroup sums, which leave one row of partial results.
pub(crate) const CHUNK: usize = 1024;

/// What is summed over classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Maxima and sums of exponentials.
    Statistics,
    /// What an embedding itself weighs in its gradient.
    Gradient,
    /// The nearest other class.
    Nearest,
}

/// The partial results of a block.
pub(crate) fn launch(pass: Pass, params: &Params) -> Launch {
    let shader: &'static Shader = match pass {
        Pass::Statistics => &shader::MARGIN_ROWS_STATISTICS,
        Pass::Gradient => &shader::MARGIN_ROWS_GRADIENT,
        Pass::Nearest => &shader::MARGIN_ROWS_NEAREST,
    };
    let groups = [params.stride.div_ceil(16), params.count.div_ceil(CHUNK as u32), 1];
    params.launch(shader, groups, 60 * u64::from(params.stride) * u64::from(params.count))
}
