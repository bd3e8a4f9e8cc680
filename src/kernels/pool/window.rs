//! Host side of shaders/pool/window.wgsl.

pub(crate) use super::Params;
use super::{label, window_rounds};
use crate::error::Result;
use crate::graph::{Pool, PoolKind};
use crate::kernels::check_rounds;
use crate::recording::{Packed, Part, Recorder, Source};
use crate::shader::{self, Shader};

/// The form for maxima of f32 over windows of this size.
pub(crate) fn maxima(kernel: [usize; 2], textures: bool) -> &'static Shader {
    match (kernel, textures) {
        ([2, 2], false) => &shader::POOL_WINDOW_MAX_K2,
        ([2, 2], true) => &shader::POOL_WINDOW_MAX_K2_TEX,
        ([3, 3], false) => &shader::POOL_WINDOW_MAX_K3,
        ([3, 3], true) => &shader::POOL_WINDOW_MAX_K3_TEX,
        (_, false) => &shader::POOL_WINDOW_MAX,
        (_, true) => &shader::POOL_WINDOW_MAX_TEX,
    }
}

/// Records the pooling, into `part` when there is one. `least` is the least element of a type of whole numbers, of which only maxima are taken; `None` for f32.
pub(crate) fn record(
    rec: &mut Recorder<'_>,
    name: &str,
    pool: &Pool,
    least: Option<i32>,
    x: Source,
    from: Packed,
    to: Packed,
    part: Option<Part>,
) -> Result<Source> {
    check_rounds(rec, name, window_rounds(pool))?;
    let own = |rec: &mut Recorder<'_>| Part { whole: rec.tensor(to.bytes()), row: to.c4(), first: 0 };
    let Part { whole: y, row, first } = part.unwrap_or_else(|| own(rec));
    let least_bits = least.unwrap_or_default() as u32;
    let params = Params { least: least_bits, y_row: row as u32, y_first: first as u32, ..Params::new(pool, from, to) };
    let shader = match (pool.kind, least) {
        (_, Some(_)) => &shader::POOL_WINDOW_I32,
        (PoolKind::Lp(_), None) => &shader::POOL_WINDOW_LP,
        (PoolKind::Max, None) => maxima(pool.window.kernel, rec.caps.textures),
        (_, None) if rec.caps.textures => &shader::POOL_WINDOW_SUM_TEX,
        (_, None) => &shader::POOL_WINDOW_SUM,
    };
    let groups = rec.fold(to.vec4s().div_ceil(64));
    let flops = (to.pixels() * to.c * pool.window.kernel[0] * pool.window.kernel[1]) as u64;
    rec.dispatch(shader, &label(name, pool, to), groups, &params, &[x, y], flops)?;
    Ok(y)
}
