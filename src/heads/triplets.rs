//! Triplet losses, of given rows or mined from a batch. Distances, choice, losses and gradients are computed on the device; what is read
//! in between are indices and nine factors a triplet.

use super::ground::{Ground, Sums, gradient, padded, tensor, vec4s, zeros};
use super::inputs::{Inputs, Rows};
use super::learned::Embedded;
use super::{Mining, Step, TripletLoss, Want};
use crate::error::{Error, Result};
use crate::gpu::{Done, Memory, Work, numbers};
use crate::kernels::margin::{Params, distances, flag, mine, triplet};
use crate::tensor::Tensor;

/// Rows of a batch to mine: B² distances fit a binding of any device.
pub(crate) const MOST_ROWS: usize = 4096;

/// Rows on the device, with their norms.
struct Loaded {
    m: Memory,
    ms: Memory,
    depth: usize,
}

fn load(ground: &Ground<'_>, work: &mut Work<'_>, rows: &Rows<'_>, labels: &[f32]) -> Result<(Loaded, Memory)> {
    let data = padded(&rows.data, rows.columns, rows.rows);
    let m = ground.gpu.filled("embeddings", &data.data)?;
    let extra = ground.gpu.filled("labels", labels)?;
    let ms = ground.vec4s("norms", rows.rows)?;
    let texture;
    let source = if ground.caps.textures {
        texture = ground.matrix("embeddings", &data.data)?;
        &texture
    } else {
        &m
    };
    ground.norms(work, source, &extra, &ms, rows.rows, data.depth)?;
    Ok((Loaded { m, ms, depth: data.depth }, extra))
}

fn params(loss: TripletLoss, normalize: bool) -> Params {
    let unit = if normalize || matches!(loss, TripletLoss::Angular { .. }) { flag::UNIT_X } else { 0 };
    let (kind, m3, soft) = match loss {
        TripletLoss::Squared { alpha } => (0, alpha, 0),
        TripletLoss::Euclidean { margin } => (1, margin, 0),
        TripletLoss::Soft => (1, 0.0, flag::SOFT),
        TripletLoss::Angular { alpha } => (2, alpha, 0),
    };
    Params { kind, m3: m3 as f32, flags: unit | soft, ..Params::default() }
}

/// The mean loss of triplets of rows, and the gradient by the rows (padded, on the device) if wanted.
fn evaluate(
    ground: &Ground<'_>,
    params: Params,
    rows: &Loaded,
    count: usize,
    triplets: &[[u32; 3]],
    nonzero: bool,
    want: Want,
    out: &mut Step,
) -> Result<Option<Memory>> {
    if triplets.is_empty() {
        return Ok(None);
    }
    let chosen: Vec<[u32; 4]> = triplets.iter().map(|&[a, p, n]| [a, p, n, 0]).collect();
    let which = ground.gpu.filled("triplets", &chosen)?;
    let factors = ground.vec4s("triplets", 3 * triplets.len())?;
    let params = Params { rows: triplets.len() as u32, depth: rows.depth as u32, ..params };
    let mut work = Work::new(ground.gpu, "the triplets");
    work.launch(&triplet::launch(&ground.caps, &params), &[&rows.m, &rows.ms, &which, &factors])?;
    let done = work.run(&[(&factors, triplets.len() as u64 * 48)])?;
    out.add(ground, "forward", &done);
    let factors = vec4s(done.part(0))?;
    let losses = || factors.chunks_exact(3).map(|f| f64::from(f[0][3]));
    let counted = if nonzero { losses().filter(|&l| l > 0.0).count() } else { triplets.len() };
    let weight = 1.0 / counted.max(1) as f64;
    out.loss = losses().sum::<f64>() * weight;
    if !want.gradients {
        return Ok(None);
    }
    let mut terms = Vec::new();
    for (t, f) in triplets.iter().zip(factors.chunks_exact(3)) {
        for (to, f) in t.iter().zip(f) {
            let own = t.iter().zip(f).filter(|(_, f)| **f != 0.0);
            terms.extend(own.map(|(of, f)| (*to, *of, (f64::from(*f) * weight) as f32)));
        }
    }
    let y = ground.vec4s("gradients", count * rows.depth)?;
    let mut work = Work::new(ground.gpu, "the gradients");
    let _alive = Sums::new(count, &terms).launch(ground, &mut work, &rows.m, &y, rows.depth)?;
    let done = work.run(&[])?;
    out.add(ground, "backward", &done);
    Ok(Some(y))
}

/// Brings the gradient by `count` rows back.
fn read(ground: &Ground<'_>, y: Option<&Memory>, bytes: usize, out: &mut Step) -> Result<Done> {
    let Some(y) = y else { return Ok(Done::default()) };
    let done = Work::new(ground.gpu, "the gradients").run(&[(y, bytes as u64)])?;
    out.add(ground, "backward", &done);
    Ok(done)
}

/// See [`super::Head::Triplets`].
pub(super) fn step(
    ground: &Ground<'_>,
    loss: TripletLoss,
    normalize: bool,
    nonzero: bool,
    inputs: &Inputs<'_>,
    want: Want,
) -> Result<Step> {
    let a = inputs.rows("a")?;
    let p = inputs.rows_like("p", ("a", &a), true)?;
    let n = inputs.rows_like("n", ("a", &a), true)?;
    let count = a.rows;
    let mut out = Step::default();
    let slots = [("a", &a), ("p", &p), ("n", &n)];
    if count == 0 {
        out.gradients = slots.map(|(slot, rows)| (slot, zeros(rows))).into();
        return Ok(out);
    }
    // One matrix: all anchors, all positives, all negatives.
    let all = Rows { data: slots.iter().flat_map(|(_, r)| r.data.iter().copied()).collect(), rows: 3 * count, columns: a.columns };
    let mut work = Work::new(ground.gpu, "the norms");
    let (rows, _alive) = load(ground, &mut work, &all, &vec![0.0; 3 * count])?;
    let done = work.run(&[])?;
    out.add(ground, "forward", &done);
    let triplets: Vec<[u32; 3]> = (0..count as u32).map(|t| [t, t + count as u32, t + 2 * count as u32]).collect();
    let gradients = evaluate(ground, params(loss, normalize), &rows, 3 * count, &triplets, nonzero, want, &mut out)?;
    if gradients.is_some() {
        let done = read(ground, gradients.as_ref(), 3 * count * rows.depth * 16, &mut out)?;
        for ((slot, own), part) in slots.into_iter().zip(done.part(0).chunks_exact(count * rows.depth * 16)) {
            out.gradients.push((slot, gradient(part, own)?));
        }
    }
    Ok(out)
}

/// See [`super::Head::Mined`].
pub(super) fn mined(
    ground: &Ground<'_>,
    mining: Mining,
    loss: TripletLoss,
    normalize: bool,
    inputs: &Inputs<'_>,
    want: Want,
) -> Result<Step> {
    let x = inputs.rows("x")?;
    let labels = inputs.labels("y", x.rows, None)?;
    let b = x.rows;
    if b > MOST_ROWS {
        return Err(Error::Limits(format!(
            "The input `x` has {b} rows, but triplets are mined from at most {MOST_ROWS}. Use a smaller batch."
        )));
    }
    let mut out = Step::default();
    if b == 0 {
        out.gradients.push(("x", zeros(&x)));
        out.results.push(("triplets", Tensor::from_i64([0, 3], Vec::new()).unwrap_or_else(|| Tensor::zeros([0, 3]))));
        return Ok(out);
    }
    let mut work = Work::new(ground.gpu, "mining");
    let numbered: Vec<f32> = labels.iter().map(|&y| y as f32).collect();
    let (rows, _alive) = load(ground, &mut work, &x, &numbered)?;
    let normalize = is_unit(mining, loss, normalize);
    let squared = ground.numbers("distances", b * b)?;
    let triplets = choose(ground, work, mining, normalize, &rows, b, &squared, &mut out)?;
    let gradients = evaluate(ground, params(loss, normalize), &rows, b, &triplets, false, want, &mut out)?;
    if want.gradients {
        let done = read(ground, gradients.as_ref(), b * rows.depth * 16, &mut out)?;
        out.gradients.push(("x", if gradients.is_some() { gradient(done.part(0), &x)? } else { zeros(&x) }));
    }
    let flat: Vec<i64> = triplets.iter().flatten().map(|&i| i64::from(i)).collect();
    if let Some(t) = Tensor::from_i64([triplets.len(), 3], flat) {
        out.results.push(("triplets", t));
    }
    let done = Work::new(ground.gpu, "mining").run(&[(&squared, (b * b) as u64 * 4)])?;
    out.results.push(("sq_dist", tensor(&[b, b], numbers(done.part(0))?.to_vec())?));
    Ok(out)
}

/// Whether directions are compared, not rows.
fn is_unit(mining: Mining, loss: TripletLoss, normalize: bool) -> bool {
    normalize || matches!(mining, Mining::SemiHard { angular: true, .. }) || matches!(loss, TripletLoss::Angular { .. })
}

/// The triplets of `b` rows; `squared` gets their distances.
fn choose(
    ground: &Ground<'_>,
    mut work: Work<'_>,
    mining: Mining,
    normalize: bool,
    rows: &Loaded,
    b: usize,
    squared: &Memory,
    out: &mut Step,
) -> Result<Vec<[u32; 3]>> {
    let mut flags = if normalize { flag::UNIT_X } else { 0 };
    let (kind, m3) = match mining {
        Mining::SemiHard { alpha, fallback, angular } => {
            flags |= if fallback { flag::FALLBACK } else { 0 } | if angular { flag::ANGULAR } else { 0 };
            (0, alpha)
        }
        Mining::BatchHard => (1, 0.0),
    };
    let chosen = ground.numbers("triplets", (b * b).max(2 * b))?;
    let choice = Params { kind, flags, m3: m3 as f32, rows: b as u32, depth: rows.depth as u32, ..Params::default() };
    work.launch(&distances::launch(&ground.caps, &choice), &[&rows.m, &rows.ms, squared])?;
    work.launch(&mine::launch(&ground.caps, &choice), &[squared, &rows.ms, &chosen])?;
    let kept = if kind == 0 { b * b } else { 2 * b };
    let done = work.run(&[(&chosen, kept as u64 * 4)])?;
    out.add(ground, "mining", &done);
    Ok(read_triplets(numbers(done.part(0))?, kind == 0, b))
}

/// A step on embeddings that lie on the device: the loss goes to `out`, the gradient by them comes back, if any triplet was chosen.
pub(crate) fn on_device(
    ground: &Ground<'_>,
    mining: Mining,
    loss: TripletLoss,
    normalize: bool,
    embedded: &Embedded,
    labels: &[i64],
    out: &mut Step,
) -> Result<Option<Memory>> {
    let mut work = Work::new(ground.gpu, "mining");
    let extra = ground.gpu.filled("labels", &embedded.numbered(labels))?;
    let rows = Loaded { m: embedded.y.buffer.clone(), ms: ground.vec4s("norms", embedded.stride)?, depth: embedded.depth };
    ground.norms(&mut work, &embedded.y.operand, &extra, &rows.ms, embedded.stride, embedded.depth)?;
    let normalize = is_unit(mining, loss, normalize);
    let squared = ground.numbers("distances", embedded.rows * embedded.rows)?;
    let triplets = choose(ground, work, mining, normalize, &rows, embedded.rows, &squared, out)?;
    evaluate(ground, params(loss, normalize), &rows, embedded.stride, &triplets, false, Want::gradients(), out)
}

/// Triplets in the order of their anchors (and positives) from what margin/mine wrote.
fn read_triplets(chosen: &[i32], pairs: bool, b: usize) -> Vec<[u32; 3]> {
    let index = |v: i32| u32::try_from(v).ok();
    if pairs {
        let of = |(i, &n): (usize, &i32)| Some([(i / b) as u32, (i % b) as u32, index(n)?]);
        chosen.iter().enumerate().filter_map(of).collect()
    } else {
        let of = |(a, pn): (usize, &[i32])| Some([a as u32, index(pn[0])?, index(pn[1])?]);
        chosen.chunks_exact(2).enumerate().filter_map(of).collect()
    }
}
