//! Host side of shaders/search/distance_scan.wgsl.

use super::{Form, Format, Terms};
pub(crate) use super::{Params, Part};
use crate::shader;

/// For rows of floats.
pub(crate) fn form(format: Format, terms: Terms) -> Form {
    let shader = match (terms, format) {
        (Terms::ChiSquared, Format::F16) => &shader::SEARCH_DISTANCE_SCAN_CHI_F16,
        (Terms::ChiSquared, _) => &shader::SEARCH_DISTANCE_SCAN_CHI_F32,
        (_, Format::F16) => &shader::SEARCH_DISTANCE_SCAN_L1_F16,
        (_, _) => &shader::SEARCH_DISTANCE_SCAN_L1_F32,
    };
    Form { shader, probes: 8, blocks: 8 }
}
