//! What reads the map of a Winograd convolution joins its output transform in one launch: the input transform of the next such convolution, or
//! 2x2 maximum pooling.
//!
//! A rewriting step over what was recorded, because only then it is known what else reads the map between the two. The launch for both stands
//! where the output transform stood; what joins it needs nothing that is computed in between.

use std::collections::{HashMap, HashSet};

use super::winograd::Params;
use super::winograd_between::{self, Between, Map};
use super::{cost, winograd_input, winograd_output, winograd_walk};
use crate::error::Result;
use crate::kernels::pool::window;
use crate::recording::{Dispatch, Port, Recorder, Source, Speed};
use crate::shader::Shader;

/// Replaces launches where it pays. `outputs` are the plan's.
pub(crate) fn fuse(rec: &mut Recorder<'_>, outputs: &[Port]) -> Result<()> {
    if rec.force.fuse == Some(false) {
        return Ok(());
    }
    let launches = rec.dispatches();
    let mut readers: HashMap<Source, usize> = HashMap::new();
    let bound = launches.iter().flat_map(|l| l.bindings.iter().copied());
    bound.chain(outputs.iter().map(|port| port.source)).for_each(|source| *readers.entry(source).or_default() += 1);
    let writers: HashMap<Source, usize> = launches.iter().enumerate().filter_map(|(i, l)| Some((written(rec, l)?, i))).collect();
    let (mut fused, mut gone) = (HashMap::new(), HashSet::new());
    for (j, reader) in launches.iter().enumerate() {
        let Some((i, x)) = reader.bindings.first().and_then(|x| Some((*writers.get(x)?, x))) else { continue };
        // The output transform and this one are two of those that bind the map.
        let stored = readers.get(x).is_some_and(|&count| count > 2);
        if fused.contains_key(&i) {
            continue;
        }
        let launch = match between(rec, &launches[i], reader, stored)? {
            None if !stored => pooled(rec, &launches[i], reader)?,
            launch => launch,
        };
        if let Some(launch) = launch {
            fused.insert(i, launch);
            gone.insert(j);
        }
    }
    if !fused.is_empty() {
        let kept = launches.iter().enumerate().filter(|(i, _)| !gone.contains(i));
        let launches = kept.map(|(i, launch)| fused.remove(&i).unwrap_or_else(|| launch.clone())).collect();
        rec.replace(launches);
    }
    Ok(())
}

/// An output transform and the input transform that reads its map in one launch, where it pays.
fn between(rec: &Recorder<'_>, output: &Dispatch, input: &Dispatch, stored: bool) -> Result<Option<Dispatch>> {
    let Some(between) = Between::of(rec, output, input, stored) else { return Ok(None) };
    let pays = || cost::fusing_pays(&between.map, stored, rec.caps, &Speed::typical(rec.caps));
    if rec.force.fuse != Some(true) && !pays() {
        return Ok(None);
    }
    if rec.caps.textures { winograd_walk::launch(rec, &between) } else { winograd_between::launch(rec, &between) }
}

/// An output transform and the pooling that alone reads its map in one launch, where the windows are 2x2, side by side. It always pays: a
/// quarter is written, and nothing read again.
fn pooled(rec: &Recorder<'_>, output: &Dispatch, pool: &Dispatch) -> Result<Option<Dispatch>> {
    let Some((m, first)) = transform(rec, output, winograd_output::shader) else { return Ok(None) };
    let Some(second) = pooling(rec, pool) else { return Ok(None) };
    let whole = first.y_row == first.c4 && first.y_first == 0;
    let same = [first.out_h, first.out_w, first.c4] == [second.in_h, second.in_w, second.c4];
    let side_by_side = [second.stride_h, second.stride_w] == [2; 2];
    let plain = [second.dilation_h, second.dilation_w, second.pad_h, second.pad_w] == [1, 1, 0, 0];
    // Every window begins inside the map.
    let inside = second.out_h <= first.out_h.div_ceil(2) && second.out_w <= first.out_w.div_ceil(2);
    let (&[products, table, residual, _], &[_, y]) = (output.bindings.as_slice(), pool.bindings.as_slice()) else { return Ok(None) };
    if !(whole && same && side_by_side && plain && inside) {
        return Ok(None);
    }
    let params = Params { y_row: second.y_row, y_first: second.y_first, pooled_h: second.out_h, pooled_w: second.out_w, ..first };
    let label = format!("{}, {}", output.label, pool.label);
    let shader = winograd_output::pooled(m, rec.caps.textures);
    rec.launch(shader, &label, output.groups, &params, &[products, table, residual, y], pool.flops).map(Some)
}

/// The parameters of a launch, if it takes maxima of 2x2 windows.
fn pooling(rec: &Recorder<'_>, launch: &Dispatch) -> Option<window::Params> {
    let params = || bytemuck::try_pod_read_unaligned(&launch.params).ok();
    if launch.shader == window::maxima([2, 2], rec.caps.textures) { params() } else { None }
}

/// The map that a launch writes, if it is an output transform.
fn written(rec: &Recorder<'_>, launch: &Dispatch) -> Option<Source> {
    transform(rec, launch, winograd_output::shader).and_then(|_| launch.bindings.last().copied())
}

/// m and the parameters of a launch, if it is the transform with these forms.
fn transform(rec: &Recorder<'_>, launch: &Dispatch, form: fn(usize, bool) -> &'static Shader) -> Option<(usize, Params)> {
    let m = [2, 4].into_iter().find(|&m| form(m, rec.caps.textures) == launch.shader)?;
    Some((m, bytemuck::try_pod_read_unaligned(&launch.params).ok()?))
}

impl Between {
    /// An output transform and the input transform of what it writes, where a kernel can do both.
    fn of(rec: &Recorder<'_>, output: &Dispatch, input: &Dispatch, stored: bool) -> Option<Self> {
        let (m, first) = transform(rec, output, winograd_output::shader)?;
        let (same_m, second) = transform(rec, input, winograd_input::shader)?;
        let whole = first.y_row == first.c4 && first.y_first == 0;
        let same = m == same_m && first.c4 == second.c4 && [first.out_h, first.out_w] == [second.in_h, second.in_w];
        // Both are cut into the same tiles, and those of the second have a border of one pixel.
        let aligned = [second.pad_h, second.pad_w] == [1, 1] && [second.out_h, second.out_w] == [second.in_h, second.in_w];
        let (&[products, table, residual, y], &[_, affine, v]) = (output.bindings.as_slice(), input.bindings.as_slice()) else {
            return None;
        };
        if !(whole && same && aligned) {
            return None;
        }
        let pictures = first.tiles / (first.tiles_h * first.tiles_w).max(1);
        let keeps = rec.caps.textures || stored || first.residual != 0;
        Some(Self {
            map: Map { pictures: pictures as usize, h: first.out_h as usize, w: first.out_w as usize, c4: first.c4 as usize, m },
            label: format!("{}, {} f{m}.input", output.label, layer(&input.label)),
            params: winograd_between::Params {
                h: first.out_h,
                w: first.out_w,
                c4: first.c4,
                pictures,
                tiles_h: first.tiles_h,
                tiles_w: first.tiles_w,
                tiles: first.tiles,
                affine: second.affine,
                residual: first.residual,
                stored: u32::from(stored),
                lo: first.lo,
                hi: first.hi,
                post_lo: first.post_lo,
                post_hi: first.post_hi,
                ..winograd_between::Params::default()
            },
            bindings: if keeps { vec![products, table, affine, residual, v, y] } else { vec![products, table, affine, v] },
            keeps,
        })
    }
}

/// The layer's name in `layer2.conv1 3x3 64->64 @56 f4.input`.
fn layer(label: &str) -> &str {
    label.rsplitn(5, ' ').last().unwrap_or(label)
}
