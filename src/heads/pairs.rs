//! Losses on pairs of rows, and distillation.

use super::ground::{Ground, Sums, gradient, padded, scalar, vec4s};
use super::inputs::{Inputs, Rows};
use super::learned::Embedded;
use super::{Distillation, PairLoss, Step, Want};
use crate::error::Result;
use crate::gpu::{Done, Memory, Work};
use crate::kernels::margin::{Params, pair};

/// A pair that counts nothing, as shaders/margin/pair.wgsl has it.
pub(super) const IGNORED: u32 = 2;

/// What one launch of margin/pair gives: sums of the three columns, and both gradients.
#[derive(Default)]
pub(super) struct Pairs {
    pub(super) sums: [f64; 3],
    done: Done,
}

impl Pairs {
    pub(super) fn da(&self) -> &[u8] {
        self.done.part(0)
    }

    fn db(&self) -> &[u8] {
        self.done.part(1)
    }
}

/// Runs `params` on rows of `a` with rows of `b`; `pairs[i]`: which row of `b` row i of `a` is with, and 1 same, 0 different, 2 ignored.
pub(super) fn run(ground: &Ground<'_>, params: Params, a: &Rows<'_>, b: &Rows<'_>, pairs: &[[u32; 2]], out: &mut Step) -> Result<Pairs> {
    if a.rows == 0 {
        return Ok(Pairs::default());
    }
    let (left, right) = (padded(&a.data, a.columns, a.rows), padded(&b.data, b.columns, b.rows.max(1)));
    let depth = left.depth;
    let size = a.rows * depth;
    let (x, y) = (ground.gpu.filled("pairs", &left.data)?, ground.gpu.filled("pairs", &right.data)?);
    let which = ground.gpu.filled("pairs", pairs)?;
    let (da, db) = (ground.vec4s("gradients", size)?, ground.vec4s("gradients", size)?);
    let sums = ground.vec4s("losses", a.rows)?;
    let params = Params { rows: a.rows as u32, depth: depth as u32, ..params };
    let mut work = Work::new(ground.gpu, "the pairs");
    work.launch(&pair::launch(&ground.caps, &params), &[&x, &y, &which, &da, &db, &sums])?;
    let done = work.run(&[(&da, size as u64 * 16), (&db, size as u64 * 16), (&sums, a.rows as u64 * 16)])?;
    out.add(ground, "forward and backward", &done);
    let mut total = [0.0; 3];
    for sum in vec4s(done.part(2))? {
        total.iter_mut().zip(sum).for_each(|(t, s)| *t += f64::from(*s));
    }
    Ok(Pairs { sums: total, done })
}

fn params(loss: &PairLoss) -> Params {
    match *loss {
        PairLoss::ContrastiveL2 { margin } => Params { kind: 0, m3: margin as f32, ..Params::default() },
        PairLoss::ContrastiveL1 { margin } => Params { kind: 1, m3: margin as f32, ..Params::default() },
        PairLoss::Cosine { w, b } => Params { kind: 2, scale: w as f32, alpha: b as f32, ..Params::default() },
        PairLoss::LogisticL1 { b } => Params { kind: 6, alpha: b as f32, ..Params::default() },
    }
}

/// A step on pairs of embeddings that lie on the device: (row, row, 1 same or 0 different). The loss goes to `out`, the gradients by all
/// embeddings and by the loss' own `b` come back.
pub(crate) fn on_device(
    ground: &Ground<'_>,
    loss: &PairLoss,
    embedded: &Embedded,
    pairs: &[[u32; 3]],
    out: &mut Step,
) -> Result<Option<(Memory, f64)>> {
    if pairs.is_empty() {
        return Ok(None);
    }
    let Embedded { y, stride, depth, .. } = embedded;
    let (count, depth) = (pairs.len(), *depth);
    let term = |k: usize, row: u32, back: bool| if back { (row, k as u32, 1.0) } else { (k as u32, row, 1.0) };
    let terms = |side: usize, back: bool| pairs.iter().enumerate().map(|(k, p)| term(k, p[side], back)).collect::<Vec<_>>();
    let which: Vec<[u32; 2]> = pairs.iter().map(|&[_, right, same]| [right, same]).collect();
    let which = ground.gpu.filled("pairs", &which)?;
    let [left, da, db] = [(); 3].map(|()| ground.vec4s("pairs", count * depth));
    let (left, da, db) = (left?, da?, db?);
    let sums = ground.vec4s("losses", count)?;
    let dy = ground.vec4s("gradients", stride * depth)?;
    let params = Params { rows: count as u32, depth: depth as u32, weight: 1.0 / count as f32, ..params(loss) };
    let mut work = Work::new(ground.gpu, "the pairs");
    let mut alive = vec![Sums::new(count, &terms(0, false)).launch(ground, &mut work, &y.buffer, &left, depth)?];
    work.launch(&pair::launch(&ground.caps, &params), &[&left, &y.buffer, &which, &da, &db, &sums])?;
    for (side, gradient) in [&da, &db].into_iter().enumerate() {
        alive.push(Sums::new(*stride, &terms(side, true)).launch(ground, &mut work, gradient, &dy, depth)?);
    }
    let done = work.run(&[(&sums, count as u64 * 16)])?;
    out.add(ground, "forward and backward", &done);
    let sums = vec4s(done.part(0))?;
    let total = |column: usize| sums.iter().map(|s| f64::from(s[column])).sum::<f64>();
    out.loss = total(0);
    Ok(Some((dy, total(2))))
}

/// See [`super::Head::Pairs`].
pub(super) fn step(ground: &Ground<'_>, loss: &PairLoss, inputs: &Inputs<'_>, want: Want) -> Result<Step> {
    let a = inputs.rows("x1")?;
    let b = inputs.rows_like("x2", ("x1", &a), true)?;
    let same = inputs.labels("same", a.rows, Some(2))?;
    let valid = same.iter().filter(|&&s| s >= 0).count();
    let params = Params { weight: 1.0 / valid.max(1) as f32, ..params(loss) };
    let pairs: Vec<[u32; 2]> = same.iter().enumerate().map(|(i, &s)| [i as u32, u32::try_from(s).unwrap_or(IGNORED)]).collect();
    let mut out = Step::default();
    let result = run(ground, params, &a, &b, &pairs, &mut out)?;
    out.loss = result.sums[0];
    if want.gradients {
        out.gradients.push(("x1", gradient(result.da(), &a)?));
        out.gradients.push(("x2", gradient(result.db(), &b)?));
        if matches!(loss, PairLoss::Cosine { .. }) {
            out.gradients.push(("w", scalar(result.sums[1])?));
        }
        if matches!(loss, PairLoss::Cosine { .. } | PairLoss::LogisticL1 { .. }) {
            out.gradients.push(("b", scalar(result.sums[2])?));
        }
    }
    Ok(out)
}

/// See [`super::Head::Distill`].
pub(super) fn distill(ground: &Ground<'_>, kind: Distillation, inputs: &Inputs<'_>, want: Want) -> Result<Step> {
    let x = inputs.rows("x")?;
    let teacher = inputs.rows_like("teacher", ("x", &x), true)?;
    let params = match kind {
        Distillation::Angular => Params { kind: 3, ..Params::default() },
        Distillation::UnitL2 => Params { kind: 4, ..Params::default() },
        Distillation::L2Mean => Params { kind: 5, scale: 1.0 / x.columns as f32, ..Params::default() },
        Distillation::L2RowSum => Params { kind: 5, scale: 1.0, ..Params::default() },
    };
    let params = Params { weight: 1.0 / x.rows.max(1) as f32, ..params };
    let pairs: Vec<[u32; 2]> = (0..x.rows as u32).map(|i| [i, 1]).collect();
    let mut out = Step::default();
    let result = run(ground, params, &x, &teacher, &pairs, &mut out)?;
    out.loss = result.sums[0];
    if want.gradients {
        out.gradients.push(("x", gradient(result.da(), &x)?));
    }
    Ok(out)
}
