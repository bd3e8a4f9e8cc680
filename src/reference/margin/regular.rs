//! RegularFace's exclusive regulariser (Zhao 2019).

use super::{add, dot, row, through_direction, unit};

/// `mean_i max_{j≠i} cos(w_i, w_j)`, its gradient by `w` (C x `columns`), and each class's nearest. Of equals the lowest; 0 for one class.
pub fn run(w: &[f64], columns: usize) -> (f64, Vec<f64>, Vec<i64>) {
    let classes = w.len() / columns.max(1);
    let units: Vec<(f64, Vec<f64>)> = (0..classes).map(|i| unit(row(w, columns, i))).collect();
    let (mut loss, mut dw, mut nearest) = (0.0, vec![0.0; w.len()], Vec::new());
    for i in 0..classes {
        let mut best: Option<(f64, usize)> = None;
        for j in (0..classes).filter(|&j| j != i) {
            let c = dot(&units[i].1, &units[j].1);
            if best.is_none_or(|(most, _)| c > most) {
                best = Some((c, j));
            }
        }
        nearest.push(best.map_or(-1, |(_, j)| j as i64));
        let Some((c, n)) = best else { continue };
        loss += c / classes as f64;
        for (to, from) in [(i, n), (n, i)] {
            let g = through_direction(&units[from].1, &units[to].1, units[to].0);
            add(&mut dw[to * columns..(to + 1) * columns], 1.0 / classes as f64, &g);
        }
    }
    (loss, dw, nearest)
}
