//! The best rows for a probe.

use super::scan::Rows;

/// Every row that counts with its score and the size of what the score is made of, best first, equal ones by id. `distance`: minus the
/// distance of `probe_factor * probe` and `factor / 2 * row`, else `factor * probe_factor * dot(probe, row)`.
pub(crate) fn ranked(rows: &Rows<'_>, ids: &[u64], probe: &[f64], probe_factor: f64, distance: bool) -> Vec<(u64, f64, f64)> {
    let mut out: Vec<_> = (0..rows.numbers.len())
        .filter(|&i| rows.counts[i])
        .map(|i| {
            let (row, factor) = (&rows.numbers[i], rows.factors[i][0]);
            let pairs = || probe.iter().zip(row);
            if distance {
                let squares = pairs().map(|(x, y)| (probe_factor * x - 0.5 * factor * y).powi(2)).sum::<f64>();
                return (ids[i], -squares.sqrt(), squares.sqrt());
            }
            let scale = factor * probe_factor;
            let magnitude = scale.abs() * pairs().map(|(x, y)| (x * y).abs()).sum::<f64>();
            (ids[i], scale * pairs().map(|(x, y)| x * y).sum::<f64>(), magnitude)
        })
        .collect();
    out.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_ranked_by_score_and_id() {
        let rows = Rows {
            numbers: &[vec![1.0, 0.0], vec![1.0, 2.0], vec![1.0, 0.0], vec![9.0, 9.0]],
            factors: &[[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]],
            counts: &[true, true, true, false],
        };
        let ids = |distance| ranked(&rows, &[9, 5, 7, 1], &[0.5, 0.5], 2.0, distance).iter().map(|r| (r.0, r.1)).collect::<Vec<_>>();
        assert_eq!(ids(false), [(5, 6.0), (7, 2.0), (9, 2.0)]);
        assert_eq!(ids(true), [(5, -1.0), (7, -1.0), (9, -1.0)]);
    }
}
