//! Host side of shaders/search/subgroup_scan.wgsl.

use super::{Form, Format};
pub(crate) use super::{Params, Part};
use crate::shader::{self, Shader};

/// Subgroup sizes that have forms.
pub(crate) const SIZES: [u32; 3] = [4, 8, 16];

/// The forms of a subgroup size and format: for one probe, for a subgroup of them, for 32.
fn forms(size: u32, format: Format) -> [&'static Shader; 3] {
    match (size, format) {
        (4, Format::F32) => [
            &shader::SEARCH_SUBGROUP_SCAN_SG4_ONE_F32,
            &shader::SEARCH_SUBGROUP_SCAN_SG4_FEW_F32,
            &shader::SEARCH_SUBGROUP_SCAN_SG4_MANY_F32,
        ],
        (4, Format::F16) => [
            &shader::SEARCH_SUBGROUP_SCAN_SG4_ONE_F16,
            &shader::SEARCH_SUBGROUP_SCAN_SG4_FEW_F16,
            &shader::SEARCH_SUBGROUP_SCAN_SG4_MANY_F16,
        ],
        (4, Format::I8) => {
            [&shader::SEARCH_SUBGROUP_SCAN_SG4_ONE_I8, &shader::SEARCH_SUBGROUP_SCAN_SG4_FEW_I8, &shader::SEARCH_SUBGROUP_SCAN_SG4_MANY_I8]
        }
        (8, Format::F32) => [
            &shader::SEARCH_SUBGROUP_SCAN_SG8_ONE_F32,
            &shader::SEARCH_SUBGROUP_SCAN_SG8_FEW_F32,
            &shader::SEARCH_SUBGROUP_SCAN_SG8_MANY_F32,
        ],
        (8, Format::F16) => [
            &shader::SEARCH_SUBGROUP_SCAN_SG8_ONE_F16,
            &shader::SEARCH_SUBGROUP_SCAN_SG8_FEW_F16,
            &shader::SEARCH_SUBGROUP_SCAN_SG8_MANY_F16,
        ],
        (8, Format::I8) => {
            [&shader::SEARCH_SUBGROUP_SCAN_SG8_ONE_I8, &shader::SEARCH_SUBGROUP_SCAN_SG8_FEW_I8, &shader::SEARCH_SUBGROUP_SCAN_SG8_MANY_I8]
        }
        (_, Format::F32) => [
            &shader::SEARCH_SUBGROUP_SCAN_SG16_ONE_F32,
            &shader::SEARCH_SUBGROUP_SCAN_SG16_FEW_F32,
            &shader::SEARCH_SUBGROUP_SCAN_SG16_MANY_F32,
        ],
        (_, Format::F16) => [
            &shader::SEARCH_SUBGROUP_SCAN_SG16_ONE_F16,
            &shader::SEARCH_SUBGROUP_SCAN_SG16_FEW_F16,
            &shader::SEARCH_SUBGROUP_SCAN_SG16_MANY_F16,
        ],
        (_, Format::I8) => [
            &shader::SEARCH_SUBGROUP_SCAN_SG16_ONE_I8,
            &shader::SEARCH_SUBGROUP_SCAN_SG16_FEW_I8,
            &shader::SEARCH_SUBGROUP_SCAN_SG16_MANY_I8,
        ],
    }
}

pub(crate) fn form(size: u32, format: Format, probes: usize) -> Form {
    let [one, few, many] = forms(size, format);
    // R * SG / 32 of the forms in permutations.txt.
    let blocks = if size == 16 { 2 } else { 1 };
    let size = size as usize;
    match probes {
        0 | 1 => Form { shader: one, probes: 1, blocks },
        n if n <= size => Form { shader: few, probes: size, blocks },
        _ if format == Format::I8 => Form { shader: many, probes: 32, blocks },
        _ => Form { shader: many, probes: 32, blocks: 2 },
    }
}
