//! Host side of shaders/elementwise/choice.wgsl.

use super::broadcast::Grid;
pub(crate) use super::broadcast::{Axis, Params};
use crate::error::Result;
use crate::recording::{Recorder, Source};
use crate::shader;

/// Records `condition ? a : b`.
pub(crate) fn record(rec: &mut Recorder<'_>, label: &str, grid: &Grid, [condition, a, b]: [Source; 3]) -> Result<Source> {
    let y = rec.tensor(grid.bytes);
    let form = if grid.strided { &shader::ELEMENTWISE_CHOICE_STRIDED } else { &shader::ELEMENTWISE_CHOICE_VEC4 };
    let groups = rec.fold(grid.places().div_ceil(64));
    rec.dispatch(form, label, groups, &grid.params, &[condition, a, b, y], 0)?;
    Ok(y)
}
