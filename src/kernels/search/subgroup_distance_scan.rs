//! Host side of shaders/search/subgroup_distance_scan.wgsl.

use super::{Form, Format, Terms};
pub(crate) use super::{Params, Part};
use crate::shader;

/// For rows of floats; a tile has a probe for every lane.
pub(crate) fn form(size: u32, format: Format, terms: Terms) -> Form {
    let chi = terms == Terms::ChiSquared;
    let shader = match (size, chi, format) {
        (4, true, Format::F16) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG4_CHI_F16,
        (4, true, _) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG4_CHI_F32,
        (4, false, Format::F16) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG4_L1_F16,
        (4, false, _) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG4_L1_F32,
        (8, true, Format::F16) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG8_CHI_F16,
        (8, true, _) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG8_CHI_F32,
        (8, false, Format::F16) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG8_L1_F16,
        (8, false, _) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG8_L1_F32,
        (_, true, Format::F16) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG16_CHI_F16,
        (_, true, _) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG16_CHI_F32,
        (_, false, Format::F16) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG16_L1_F16,
        (_, false, _) => &shader::SEARCH_SUBGROUP_DISTANCE_SCAN_SG16_L1_F32,
    };
    // R * SG / 32 of the forms in permutations.txt.
    Form { shader, probes: size as usize, blocks: if size == 16 { 2 } else { 1 } }
}
