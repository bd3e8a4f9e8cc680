//! Losses on pairs of rows: contrastive losses, distillation, centres.

use super::{Distillation, PairLoss, add, dot, row, through_direction, unit};

/// Value and gradients.
#[derive(Clone, Debug, Default)]
pub struct PairResult {
    /// The loss.
    pub loss: f64,
    /// By the first rows.
    pub da: Vec<f64>,
    /// By the second rows.
    pub db: Vec<f64>,
    /// By w and b of DeepID2's cosine form; by b of the logistic form, second.
    pub scalars: [f64; 2],
}

/// Mean of `loss` over pairs of rows of `a` and `b` (N x `columns`); `same[i]`: 1 of one person, 0 of two, -1 ignored.
pub fn run(loss: &PairLoss, a: &[f64], b: &[f64], same: &[i64], columns: usize) -> PairResult {
    let n = same.iter().filter(|&&s| s >= 0).count() as f64;
    let mut out = PairResult { da: vec![0.0; a.len()], db: vec![0.0; b.len()], ..PairResult::default() };
    for (i, &same) in same.iter().enumerate().filter(|(_, s)| **s >= 0) {
        let same = same == 1;
        let (x, y) = (row(a, columns, i), row(b, columns, i));
        let d: Vec<f64> = x.iter().zip(y).map(|(x, y)| x - y).collect();
        let (value, dx, dy) = match *loss {
            PairLoss::ContrastiveL2 { margin } => {
                let r = dot(&d, &d).sqrt();
                let short = (margin - r).max(0.0);
                let factor = if same {
                    1.0
                } else if r > 0.0 {
                    -short / r
                } else {
                    0.0
                };
                let dx: Vec<f64> = d.iter().map(|d| factor * d).collect();
                (if same { 0.5 * r * r } else { 0.5 * short * short }, dx, None)
            }
            PairLoss::ContrastiveL1 { margin } => {
                let r: f64 = d.iter().map(|d| d.abs()).sum();
                let factor = if same {
                    1.0
                } else if r < margin {
                    -1.0
                } else {
                    0.0
                };
                let sign = |d: &f64| if *d == 0.0 { 0.0 } else { factor * d.signum() };
                (if same { r } else { (margin - r).max(0.0) }, d.iter().map(sign).collect(), None)
            }
            PairLoss::LogisticL1 { b } => {
                let z = b - d.iter().map(|d| d.abs()).sum::<f64>();
                let k = 1.0 / (1.0 + (-z).exp()) - f64::from(u8::from(same));
                out.scalars[1] += k / n;
                let right = if same { z } else { -z };
                let sign = |d: &f64| if *d == 0.0 { 0.0 } else { -k * d.signum() };
                ((-right.abs()).exp().ln_1p() + (-right).max(0.0), d.iter().map(sign).collect(), None)
            }
            PairLoss::Cosine { w, b } => {
                let ((nx, u), (ny, v)) = (unit(x), unit(y));
                let c = dot(&u, &v);
                let t = f64::from(u8::from(same));
                let sigmoid = 1.0 / (1.0 + (-(w * c + b)).exp());
                let k = (sigmoid - t) * sigmoid * (1.0 - sigmoid);
                out.scalars[0] += k * c / n;
                out.scalars[1] += k / n;
                let scaled = |v: Vec<f64>| v.into_iter().map(|e| k * w * e).collect::<Vec<_>>();
                let dy = scaled(through_direction(&u, &v, ny));
                (0.5 * (t - sigmoid).powi(2), scaled(through_direction(&v, &u, nx)), Some(dy))
            }
        };
        out.loss += value / n;
        add(&mut out.da[i * columns..(i + 1) * columns], 1.0 / n, &dx);
        let dy = dy.unwrap_or_else(|| dx.iter().map(|e| -e).collect());
        add(&mut out.db[i * columns..(i + 1) * columns], 1.0 / n, &dy);
    }
    out
}

/// How far the student's rows `x` are from the teacher's `t`, and the gradient by `x`.
pub fn distill(kind: Distillation, x: &[f64], t: &[f64], columns: usize) -> (f64, Vec<f64>) {
    let rows = x.len() / columns.max(1);
    let (mut loss, mut dx) = (0.0, vec![0.0; x.len()]);
    for i in 0..rows {
        let (a, b) = (row(x, columns, i), row(t, columns, i));
        let ((norm, u), (_, v)) = (unit(a), unit(b));
        let c = dot(&u, &v);
        let d: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let turned = through_direction(&v, &u, norm);
        let (value, factor, along) = match kind {
            Distillation::Angular => ((1.0 - c).powi(2), -2.0 * (1.0 - c), &turned),
            Distillation::UnitL2 => (2.0 * (1.0 - c), -2.0, &turned),
            Distillation::L2Mean => (dot(&d, &d) / columns as f64, 2.0 / columns as f64, &d),
            Distillation::L2RowSum => (dot(&d, &d), 2.0, &d),
        };
        loss += value / rows as f64;
        add(&mut dx[i * columns..(i + 1) * columns], factor / rows as f64, along);
    }
    (loss, dx)
}

/// Centre loss and its own update rule (Wen 2016).
#[derive(Clone, Debug, Default)]
pub struct CenterResult {
    /// The loss.
    pub loss: f64,
    /// By the embeddings.
    pub dx: Vec<f64>,
    /// `Σ (c - x) / (1 + n)` over the batch's embeddings of each centre.
    pub delta: Vec<f64>,
    /// `c - α delta`.
    pub centers: Vec<f64>,
}

/// `½ Σ |x - c_y|²`, with `mean` divided by the number of valid rows; `alpha`: the centres' rate.
pub fn center(x: &[f64], centers: &[f64], labels: &[i64], columns: usize, mean: bool, alpha: f64) -> CenterResult {
    let valid = labels.iter().filter(|&&y| y >= 0).count().max(1) as f64;
    let factor = if mean { 1.0 / valid } else { 1.0 };
    let mut out = CenterResult { dx: vec![0.0; x.len()], delta: vec![0.0; centers.len()], ..CenterResult::default() };
    let mut counts = vec![0.0; centers.len() / columns.max(1)];
    for (i, &y) in labels.iter().enumerate().filter(|(_, y)| **y >= 0) {
        let y = y as usize;
        let d: Vec<f64> = row(x, columns, i).iter().zip(row(centers, columns, y)).map(|(x, c)| x - c).collect();
        out.loss += 0.5 * factor * dot(&d, &d);
        add(&mut out.dx[i * columns..(i + 1) * columns], factor, &d);
        add(&mut out.delta[y * columns..(y + 1) * columns], -1.0, &d);
        counts[y] += 1.0;
    }
    for (j, n) in counts.iter().enumerate() {
        out.delta[j * columns..(j + 1) * columns].iter_mut().for_each(|d| *d /= 1.0 + n);
    }
    out.centers = centers.iter().zip(&out.delta).map(|(c, d)| c - alpha * d).collect();
    out
}
