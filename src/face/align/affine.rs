//! Affine maps of the plane, in f64.

/// `x' = m[0][0] x + m[0][1] y + m[0][2]`, `y'` alike with `m[1]`.
pub type Affine = [[f64; 3]; 2];

/// Where a point goes.
pub(crate) fn apply(m: &Affine, [x, y]: [f64; 2]) -> [f64; 2] {
    m.map(|[a, b, c]| a * x + b * y + c)
}

/// `outer` after `inner`.
pub(crate) fn compose(outer: &Affine, inner: &Affine) -> Affine {
    let column = |i: usize| std::array::from_fn::<f64, 2, _>(|r| outer[r][0] * inner[0][i] + outer[r][1] * inner[1][i]);
    let [x, y, t] = [column(0), column(1), column(2)];
    std::array::from_fn(|r| [x[r], y[r], t[r] + outer[r][2]])
}

/// The way back, or `None` for a map that flattens the plane, or nearly.
pub(crate) fn inverse(m: &Affine) -> Option<Affine> {
    let [[a, b, tx], [c, d, ty]] = *m;
    let det = a * d - b * c;
    let size = a * a + b * b + c * c + d * d;
    if size.is_nan() || size < 1e-24 || det.abs() <= 1e-9 * size {
        return None;
    }
    let (p, q, r, s) = (d / det, -b / det, -c / det, a / det);
    Some([[p, q, -(p * tx + q * ty)], [r, s, -(r * tx + s * ty)]])
}

/// The least-squares affine map from `source` to `target`; exact for three points. `None` when the source points lie on a line.
pub(crate) fn fit(source: &[[f64; 2]], target: &[[f64; 2]]) -> Option<Affine> {
    let n = source.len().min(target.len());
    if n < 3 {
        return None;
    }
    let mean = |p: &[[f64; 2]], i: usize| p[..n].iter().map(|q| q[i]).sum::<f64>() / n as f64;
    let (sm, tm) = ([mean(source, 0), mean(source, 1)], [mean(target, 0), mean(target, 1)]);
    // With centred points the map is (sum of t s') (sum of s s')^-1.
    let (mut ss, mut ts) = ([[0.0; 2]; 2], [[0.0; 2]; 2]);
    for (s, t) in source.iter().zip(target) {
        for i in 0..2 {
            for j in 0..2 {
                ss[i][j] += (s[i] - sm[i]) * (s[j] - sm[j]);
                ts[i][j] += (t[i] - tm[i]) * (s[j] - sm[j]);
            }
        }
    }
    let back = inverse(&[[ss[0][0], ss[0][1], 0.0], [ss[1][0], ss[1][1], 0.0]])?;
    let row = |i: usize| {
        let [a, b] = [0, 1].map(|j| ts[i][0] * back[0][j] + ts[i][1] * back[1][j]);
        [a, b, tm[i] - a * sm[0] - b * sm[1]]
    };
    Some([row(0), row(1)])
}

/// The transform that a [`crate::tensor::Look`] takes.
pub(crate) fn transform(m: &Affine) -> [f32; 6] {
    let [[a, b, c], [d, e, f]] = m.map(|row| row.map(|v| v as f32));
    [a, b, c, d, e, f]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const M: Affine = [[1.5, -0.25, 10.0], [0.5, 0.75, -3.0]];

    #[test]
    fn points_that_were_mapped_give_the_map_back() {
        let source = [[0.0, 0.0], [10.0, 1.0], [3.0, 7.0], [-4.0, 2.0]];
        for n in [3, 4] {
            let fitted = fit(&source[..n], &source[..n].iter().map(|&p| apply(&M, p)).collect::<Vec<_>>()).unwrap();
            assert!(fitted.iter().flatten().zip(M.iter().flatten()).all(|(x, y)| (x - y).abs() < 1e-12), "{fitted:?}");
        }
        let back = inverse(&M).unwrap();
        let identity = compose(&back, &M);
        assert!(identity.iter().flatten().zip([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]).all(|(x, y)| (x - y).abs() < 1e-12), "{identity:?}");
    }

    #[test]
    fn points_on_a_line_have_no_affine_map() {
        assert_eq!(fit(&[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], &[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), None);
        assert_eq!(fit(&[[0.0, 0.0], [1.0, 1.0], [f64::NAN, 2.0]], &[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), None);
        assert_eq!(fit(&[[0.0, 0.0], [1.0, 0.0]], &[[0.0, 0.0], [1.0, 0.0]]), None);
    }
}
