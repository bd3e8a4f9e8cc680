//! Host side of shaders/search/tiled_scan.wgsl.

use super::{Form, Format};
pub(crate) use super::{Params, Part};
use crate::shader;

/// Probes up to which reading the rows once for every eight of them is cheaper than a tile of 64.
const FEW: usize = 16;

pub(crate) fn form(format: Format, probes: usize) -> Form {
    let many = probes > FEW;
    let shader = match (many, format) {
        (false, Format::F32) => &shader::SEARCH_TILED_SCAN_FEW_F32,
        (false, Format::F16) => &shader::SEARCH_TILED_SCAN_FEW_F16,
        (false, Format::I8) => &shader::SEARCH_TILED_SCAN_FEW_I8,
        (true, Format::F32) => &shader::SEARCH_TILED_SCAN_MANY_F32,
        (true, Format::F16) => &shader::SEARCH_TILED_SCAN_MANY_F16,
        (true, Format::I8) => &shader::SEARCH_TILED_SCAN_MANY_I8,
    };
    if many { Form { shader, probes: 64, blocks: 2 } } else { Form { shader, probes: 8, blocks: 8 } }
}
