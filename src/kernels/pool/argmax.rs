//! Host side of shaders/pool/argmax.wgsl.

pub(crate) use super::Params;
use super::label;
use crate::error::Result;
use crate::graph::Pool;
use crate::recording::{Packed, Recorder, Source};
use crate::shader;

/// Records the search. `columns`: count the columns of a map before its rows; `real`: the elements are f32, else i32.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    name: &str,
    pool: &Pool,
    (columns, real): (bool, bool),
    x: Source,
    from: Packed,
    to: Packed,
) -> Result<Source> {
    let y = rec.tensor(to.bytes());
    let params = Params { columns: u32::from(columns), real: u32::from(real), ..Params::new(pool, from, to) };
    let groups = rec.fold(to.vec4s().div_ceil(64));
    rec.dispatch(&shader::POOL_ARGMAX, &label(name, pool, to), groups, &params, &[x, y], 0)?;
    Ok(y)
}
