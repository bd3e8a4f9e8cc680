//! Host side of shaders/conv/winograd_walk.wgsl.

pub(crate) use super::winograd_between::Params;
use super::winograd_between::{Between, Map};
use crate::error::Result;
use crate::kernels::check_rounds;
use crate::recording::{Dispatch, Recorder};
use crate::shader;

/// Tiles of the longest row, as in shaders/permutations.txt.
pub(crate) const TILES: usize = 8;
/// Invocations of a workgroup.
const INVOCATIONS: usize = 8;

/// Workgroups, one after the other of which a core takes; `None` for maps that are too wide.
pub(crate) fn workgroups(map: &Map) -> Option<usize> {
    (map.columns() <= TILES).then(|| (map.pictures * map.c4).div_ceil(INVOCATIONS))
}

/// One launch of the transforms between two convolutions; `None` for maps that are too wide.
pub(crate) fn launch(rec: &Recorder<'_>, between: &Between) -> Result<Option<Dispatch>> {
    let map = &between.map;
    let Some(workgroups) = workgroups(map) else { return Ok(None) };
    let shader = if map.m == 4 { &shader::CONV_WINOGRAD_WALK_F4 } else { &shader::CONV_WINOGRAD_WALK_F2 };
    check_rounds(rec, &between.label, (map.rows() + 1) * map.columns())?;
    rec.launch(shader, &between.label, rec.fold(workgroups), &between.params, &between.bindings, 0).map(Some)
}
