//! Centre loss. Its centres are not trained by gradients: they move towards the batch's embeddings by a rule of their own.

use std::collections::BTreeMap;

use super::ground::{Ground, Sums, gradient, padded, tensor, unpadded};
use super::inputs::{Inputs, Rows};
use super::{Step, Want, pairs};
use crate::error::Result;
use crate::gpu::{Work, numbers};
use crate::kernels::margin::Params;

/// See [`super::Head::Center`].
pub(super) fn step(ground: &Ground<'_>, alpha: f64, mean: bool, inputs: &Inputs<'_>, want: Want) -> Result<Step> {
    let x = inputs.rows("x")?;
    let centers = inputs.rows_like("centers", ("x", &x), false)?;
    let labels = inputs.labels("y", x.rows, Some(centers.rows))?;
    // Only centres of the batch take part; the others stay as they are.
    let mut present: BTreeMap<i64, u32> = labels.iter().filter(|&&y| y >= 0).map(|&y| (y, 0)).collect();
    present.values_mut().enumerate().for_each(|(i, at)| *at = i as u32);
    let mut chosen = Vec::with_capacity(present.len() * x.columns);
    for &y in present.keys() {
        chosen.extend_from_slice(&centers.data[y as usize * x.columns..(y as usize + 1) * x.columns]);
    }
    let chosen = Rows { data: chosen.into(), rows: present.len(), columns: x.columns };
    let valid = labels.iter().filter(|&&y| y >= 0).count().max(1);
    let params = Params { kind: 5, scale: 0.5, weight: if mean { 1.0 / valid as f32 } else { 1.0 }, ..Params::default() };
    let pair = |y: &i64| present.get(y).map_or([0, pairs::IGNORED], |&at| [at, 1]);
    let which: Vec<[u32; 2]> = labels.iter().map(pair).collect();
    let mut out = Step::default();
    let result = pairs::run(ground, params, &x, &chosen, &which, &mut out)?;
    out.loss = result.sums[0];
    if want.gradients {
        out.gradients.push(("x", gradient(result.da(), &x)?));
        let moved = update(ground, alpha, &x, &chosen, &which, &mut out)?;
        let (mut delta, mut new) = (vec![0.0; centers.data.len()], centers.data.to_vec());
        for (&y, &at) in &present {
            let place = y as usize * x.columns..(y as usize + 1) * x.columns;
            let row = |i: u32| &moved[i as usize * x.columns..(i as usize + 1) * x.columns];
            delta[place.clone()].copy_from_slice(row(at));
            new[place].copy_from_slice(row(at + present.len() as u32));
        }
        let shape = [centers.rows, centers.columns];
        out.results = vec![("delta_centers", tensor(&shape, delta)?), ("new_centers", tensor(&shape, new)?)];
    }
    Ok(out)
}

/// `Σ (c - x) / (1 + n)` of each chosen centre, then `c - α` times that.
fn update(ground: &Ground<'_>, alpha: f64, x: &Rows<'_>, chosen: &Rows<'_>, which: &[[u32; 2]], out: &mut Step) -> Result<Vec<f32>> {
    let n = chosen.rows;
    if n == 0 {
        return Ok(Vec::new());
    }
    let mut counts = vec![0u32; n];
    which.iter().filter(|p| p[1] != pairs::IGNORED).for_each(|p| counts[p[0] as usize] += 1);
    let share = |at: u32| 1.0 / (1.0 + f64::from(counts[at as usize]));
    let mut terms = Vec::new();
    for at in 0..n as u32 {
        let own = f64::from(counts[at as usize]) * share(at);
        terms.push((at, at, own as f32));
        terms.push((at + n as u32, at, (1.0 - alpha * own) as f32));
    }
    for (i, [at, _]) in which.iter().enumerate().filter(|(_, p)| p[1] != pairs::IGNORED) {
        let row = (n + i) as u32;
        terms.push((*at, row, -share(*at) as f32));
        terms.push((*at + n as u32, row, (alpha * share(*at)) as f32));
    }
    let rows =
        padded(&chosen.data, x.columns, n).data.iter().chain(padded(&x.data, x.columns, x.rows).data.iter()).copied().collect::<Vec<_>>();
    let depth = x.columns.div_ceil(4);
    let m = ground.matrix("centres", &rows)?;
    let y = ground.vec4s("centres", 2 * n * depth)?;
    let mut work = Work::new(ground.gpu, "the centres");
    let _alive = Sums::new(2 * n, &terms).launch(ground, &mut work, &m, &y, depth)?;
    let done = work.run(&[(&y, (2 * n * depth) as u64 * 16)])?;
    out.add(ground, "centres", &done);
    let mut moved = Vec::new();
    unpadded(numbers(done.part(0))?, x.columns, 2 * n, &mut moved);
    Ok(moved)
}
