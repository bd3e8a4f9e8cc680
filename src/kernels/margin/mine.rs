//! Host side of shaders/margin/mine.wgsl.

pub(crate) use super::Params;
use crate::recording::{Caps, Launch};
use crate::shader;

/// Semi-hard negatives of all pairs, or the hardest of all anchors.
pub(crate) fn launch(caps: &Caps, params: &Params) -> Launch {
    let rows = params.rows as usize;
    params.over(caps, &shader::MARGIN_MINE, if params.kind == 0 { rows * rows } else { rows }, u64::from(params.rows))
}
