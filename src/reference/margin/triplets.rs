//! Triplets: distances, mining, losses.

use super::{Mining, TripletLoss, add, dot, row, through_direction, unit};

/// Squared distances of all pairs of rows, or of their directions: B x B.
pub fn distances(x: &[f64], columns: usize, normalize: bool) -> Vec<f64> {
    let rows: Vec<Vec<f64>> = x.chunks_exact(columns).map(|r| if normalize { unit(r).1 } else { r.to_vec() }).collect();
    let squared = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    rows.iter().flat_map(|a| rows.iter().map(move |b| squared(a, b))).collect()
}

/// Triplets of a batch by their squared distances.
pub fn mine(mining: Mining, squared: &[f64], labels: &[i64]) -> Vec<[u32; 3]> {
    let b = labels.len();
    let at = |i: usize, j: usize| squared[i * b + j];
    let negatives = |a: usize| (0..b).filter(move |&n| labels[n] >= 0 && labels[n] != labels[a]);
    let positives = |a: usize| (0..b).filter(move |&p| p != a && labels[p] == labels[a]);
    // The first of equals.
    let nearest = |a: usize, among: &mut dyn Iterator<Item = usize>| among.min_by(|&i, &j| at(a, i).total_cmp(&at(a, j)));
    let farthest = |a: usize, among: &mut dyn Iterator<Item = usize>| among.min_by(|&i, &j| at(a, j).total_cmp(&at(a, i)));
    let mut out = Vec::new();
    for a in (0..b).filter(|&a| labels[a] >= 0) {
        match mining {
            Mining::BatchHard => {
                if let (Some(p), Some(n)) = (farthest(a, &mut positives(a)), nearest(a, &mut negatives(a))) {
                    out.push([a as u32, p as u32, n as u32]);
                }
            }
            Mining::SemiHard { alpha, fallback, angular } => {
                let measure = |d: f64| if angular { 2.0 * (0.5 * d.sqrt()).min(1.0).asin() } else { d };
                for p in positives(a) {
                    let d = at(a, p);
                    let fits = |n: &usize| at(a, *n) > d && (fallback || measure(at(a, *n)) < measure(d) + alpha);
                    let mut n = nearest(a, &mut negatives(a).filter(fits));
                    if n.is_none() && fallback {
                        n = farthest(a, &mut negatives(a));
                    }
                    out.extend(n.map(|n| [a as u32, p as u32, n as u32]));
                }
            }
        }
    }
    out
}

/// The loss of each triplet of rows of `m`, and the gradient of `weights[t]` times each, summed.
pub fn run(loss: TripletLoss, m: &[f64], columns: usize, normalize: bool, triplets: &[[u32; 3]], weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let normalize = normalize || matches!(loss, TripletLoss::Angular { .. });
    let (mut losses, mut dm) = (Vec::new(), vec![0.0; m.len()]);
    for (triplet, weight) in triplets.iter().zip(weights) {
        let rows = triplet.map(|r| row(m, columns, r as usize));
        let units = rows.map(unit);
        let [a, p, n]: [&[f64]; 3] = if normalize { [&units[0].1, &units[1].1, &units[2].1] } else { rows };
        let minus = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x - y).collect::<Vec<_>>();
        let (to_p, to_n) = (minus(a, p), minus(a, n));
        let length = |v: &[f64]| dot(v, v).sqrt();
        let times = |f: f64, v: &[f64]| v.iter().map(|e| f * e).collect::<Vec<_>>();
        // Distances, and their gradients by the first row; those by the second follow.
        let towards = |v: &[f64], other: &[f64]| match loss {
            TripletLoss::Squared { .. } => (dot(v, v), times(2.0, v), times(-2.0, v)),
            TripletLoss::Euclidean { .. } | TripletLoss::Soft => {
                let d = length(v);
                let f = if d > 0.0 { 1.0 / d } else { 0.0 };
                (d, times(f, v), times(-f, v))
            }
            TripletLoss::Angular { .. } => {
                let c = dot(a, other).clamp(-1.0, 1.0);
                let f = -1.0 / (1.0 - c * c).max(1e-14).sqrt();
                (c.acos(), times(f, other), times(f, a))
            }
        };
        let ((near, a_near, p_near), (far, a_far, n_far)) = (towards(&to_p, p), towards(&to_n, n));
        let v = match loss {
            TripletLoss::Squared { alpha } | TripletLoss::Angular { alpha } => near - far + alpha,
            TripletLoss::Euclidean { margin } => near - far + margin,
            TripletLoss::Soft => near - far,
        };
        let (value, slope) = if loss == TripletLoss::Soft {
            (v.max(0.0) + (-v.abs()).exp().ln_1p(), 1.0 / (1.0 + (-v).exp()))
        } else {
            (v.max(0.0), f64::from(u8::from(v > 0.0)))
        };
        losses.push(value);
        let gradients = [minus(&a_near, &a_far), p_near, times(-1.0, &n_far)];
        for ((r, g), (norm, u)) in triplet.iter().zip(gradients).zip(&units) {
            let g = if normalize { through_direction(&g, u, *norm) } else { g };
            let at = *r as usize * columns;
            add(&mut dm[at..at + columns], slope * weight, &g);
        }
    }
    (losses, dm)
}
