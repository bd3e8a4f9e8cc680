//! Which kernel runs a convolution.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Call, Finish, Geometry, cost};
use crate::error::Result;
use crate::recording::{Caps, ConvAlgorithm, Origin, Packed, Port, Recorder, Source, Speed, Trial};
use crate::tensor::{DType, Shape};

/// Channels below which Winograd is no candidate: with fewer, none was measured to be faster, and the planes of a large photograph take twice the
/// memory of its maps.
const WINOGRAD_CHANNELS: usize = 32;
/// A third algorithm that the model finds so many times slower than the best is not timed.
const HOPELESS: f64 = 4.0;

/// Chooses by what was forced or timed, otherwise by geometry alone, so the same adapter always gets the same plan and the same bits.
pub(super) fn choose(rec: &Recorder<'_>, call: &Call<'_>) -> (ConvAlgorithm, Origin, Option<Trial>) {
    if let Some(forced) = rec.force.conv {
        return (forced, Origin::Forced, None);
    }
    let typical = Speed::typical(rec.caps);
    let ranked = ranked(rec, call, &typical);
    match (ranked.as_slice(), rec.tuning) {
        ([], _) => (grouped(call), Origin::Only, None),
        ([(only, _)], _) => (*only, Origin::Only, None),
        ([(best, _), ..], None) => (*best, Origin::Modelled, None),
        ([(best, _), others @ ..], Some(tuning)) => {
            let key = key(rec, call);
            let known = tuning.known.get(&key).filter(|k| *k == best || others.iter().any(|(o, _)| o == *k));
            if let Some(&algorithm) = known {
                return (algorithm, Origin::Tuned, None);
            }
            (*best, Origin::Modelled, trial(rec, call, key, &tuning.speed))
        }
    }
}

/// Convolutions of several groups have one kernel each.
fn grouped(call: &Call<'_>) -> ConvAlgorithm {
    let (x, y) = (call.geometry.x, call.geometry.y);
    if call.groups == x.c && call.groups == y.c { ConvAlgorithm::Depthwise } else { ConvAlgorithm::Grouped }
}

/// Algorithms of a convolution of one group with the seconds that they should take, the cheapest first.
fn ranked(rec: &Recorder<'_>, call: &Call<'_>, speed: &Speed) -> Vec<(ConvAlgorithm, f64)> {
    let all = if call.groups > 1 { Vec::new() } else { candidates(&call.geometry, rec.caps) };
    let pre = call.pre.is_some();
    let mut ranked: Vec<_> = all.into_iter().map(|a| (a, cost::seconds(&call.geometry, a, pre, rec.precision, rec.caps, speed))).collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
    ranked
}

/// What can compute a convolution of one group on a device with these limits.
pub(super) fn candidates(g: &Geometry, caps: &Caps) -> Vec<ConvAlgorithm> {
    let winograd = [2, 4].into_iter().filter(|&m| winograd_applies(g) && winograd_fits(g, m, caps));
    std::iter::once(ConvAlgorithm::Gemm).chain(winograd.map(|m| ConvAlgorithm::Winograd(m as u32))).collect()
}

/// Whether the shape is Winograd's: 3x3, stride 1, no dilation, enough channels.
fn winograd_applies(g: &Geometry) -> bool {
    g.kernel == [3, 3] && g.stride == [1, 1] && g.dilation == [1, 1] && g.x.c.min(g.y.c) >= WINOGRAD_CHANNELS
}

/// Whether the planes between the transforms fit a binding each way, and those of the weights one.
fn winograd_fits(g: &Geometry, m: usize, caps: &Caps) -> bool {
    let tiles = g.x.n * g.y.h.div_ceil(m) * g.y.w.div_ceil(m);
    let filters = g.y.c.next_multiple_of(4 * caps.gemm.lanes() as usize);
    let largest = g.x.c4() * (tiles * 16).max(filters * 16);
    let planes = (m + 2) * (m + 2);
    (planes * largest.max(tiles * g.y.c4() * 16)) as u64 <= caps.max_binding
}

/// What the time of a layer depends on, apart from the device.
fn key(rec: &Recorder<'_>, call: &Call<'_>) -> String {
    let g = &call.geometry;
    let pair = |p: [usize; 2]| format!("{}x{}", p[0], p[1]);
    let mut key = format!(
        "{} n{} {}@{} to {}@{} stride {} dilation {} pad {} {}",
        pair(g.kernel),
        g.x.n,
        g.x.c,
        pair([g.x.h, g.x.w]),
        g.y.c,
        pair([g.y.h, g.y.w]),
        pair(g.stride),
        pair(g.dilation),
        pair(g.pad),
        if rec.precision == crate::model::Precision::F16 { "f16" } else { "f32" },
    );
    // Writing to a string does not fail.
    let _ = write!(key, " {:?}{}", rec.caps.gemm, if rec.caps.textures { " textures" } else { "" });
    let words = [(call.pre.is_some(), " affine"), (call.finish.residual.is_some(), " residual")];
    words.iter().filter(|(is, _)| *is).for_each(|(_, word)| key.push_str(word));
    key
}

/// The layer alone, and the two or three algorithms that are worth timing.
fn trial(rec: &Recorder<'_>, call: &Call<'_>, key: String, speed: &Speed) -> Option<Trial> {
    let ranked = ranked(rec, call, speed);
    let worth = ranked.first()?.1 * HOPELESS;
    let rivals = ranked.into_iter().enumerate().filter(|(i, (_, seconds))| *i < 2 || *seconds <= worth).map(|(_, (a, _))| a).collect();
    let g = Geometry { row: [call.geometry.y.c4(), 0], ..call.geometry };
    let (weight, pre, finish) = (call.weight.clone(), call.pre.clone(), call.finish.clone());
    let record = move |rec: &mut Recorder<'_>| -> Result<Vec<Port>> {
        let mut inputs = vec![input(rec, g.x)];
        let residual = finish.residual.map(|_| input(rec, g.y));
        let finish = Finish { residual: residual.as_ref().map(|port| port.source), ..finish.clone() };
        let x = inputs[0].source;
        super::record(rec, Call { label: "", geometry: g, groups: 1, x, weight: &weight, pre: pre.clone(), finish }, None)?;
        inputs.extend(residual);
        Ok(inputs)
    };
    Some(Trial { key, rivals, record: Arc::new(record) })
}

fn input(rec: &mut Recorder<'_>, dims: Packed) -> Port {
    let source: Source = rec.tensor(dims.bytes());
    let shape = Shape::from([dims.n, dims.c, dims.h, dims.w]);
    Port { name: "input".to_owned(), source, shape, dtype: DType::F32, constant: None }
}
