//! Host side of shaders/margin/merge.wgsl.

pub(crate) use super::Params;
use super::rows::Pass;
use crate::recording::{Caps, Launch};
use crate::shader::{self, Shader};

/// Joins `params.chunks` partial results of each row.
pub(crate) fn launch(caps: &Caps, pass: Pass, params: &Params) -> Launch {
    let shader: &'static Shader = match pass {
        Pass::Statistics => &shader::MARGIN_MERGE_STATISTICS,
        Pass::Gradient => &shader::MARGIN_MERGE_GRADIENT,
        Pass::Nearest => &shader::MARGIN_MERGE_NEAREST,
    };
    params.over(caps, shader, params.stride as usize, 4 * u64::from(params.chunks))
}
