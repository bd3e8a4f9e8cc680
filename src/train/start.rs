//! What a training begins with.

use super::samples::Samples;
use crate::random::Stream;

/// Purpose of a random stream.
const PROJECTION: u64 = (1 << 62) + 2;
const CLASSES: u64 = (1 << 62) + 3;

/// The projection of `inputs` to `outputs` numbers, row by row of the inputs (transposed): the identity where both are as many, else a
/// random one with orthonormal rows or columns, whichever are fewer.
pub(super) fn projection(inputs: usize, outputs: usize, seed: u64) -> Vec<f32> {
    if inputs == outputs {
        return (0..inputs * outputs).map(|i| f32::from(u8::from(i / outputs == i % outputs))).collect();
    }
    let (count, length) = (inputs.min(outputs), inputs.max(outputs));
    let basis = orthonormal(count, length, seed);
    // basis[k][l]: k runs over the fewer, l over the more.
    let at = |i: usize, o: usize| if inputs > outputs { basis[o][i] } else { basis[i][o] };
    (0..inputs).flat_map(|i| (0..outputs).map(move |o| (i, o))).map(|(i, o)| at(i, o) as f32).collect()
}

/// `count` random vectors, orthonormal by Gram and Schmidt, twice over (Giraud et al. 2005).
fn orthonormal(count: usize, length: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
    for k in 0..count {
        let mut v = Stream::new(seed, PROJECTION, k as u64).normal(length);
        for _ in 0..2 {
            for b in &basis {
                let along = dot(&v, b);
                v.iter_mut().zip(b).for_each(|(v, b)| *v -= along * b);
            }
            normalize(&mut v);
        }
        basis.push(v);
    }
    basis
}

/// A row for every class: the direction of the projected mean of its embeddings (Qi et al. 2018); a random one where they cancel.
pub(super) fn classes(samples: &Samples, projection: &[f32], outputs: usize, seed: u64) -> Vec<f32> {
    let inputs = samples.dimension();
    let mut means = vec![0.0f64; samples.people() * inputs];
    for (i, &class) in samples.classes().iter().enumerate() {
        let mut row: Vec<f64> = samples.row(i).iter().map(|&v| f64::from(v)).collect();
        normalize(&mut row);
        means[class * inputs..(class + 1) * inputs].iter_mut().zip(row).for_each(|(m, v)| *m += v);
    }
    let mut out = Vec::with_capacity(samples.people() * outputs);
    for (class, mean) in means.chunks_exact(inputs).enumerate() {
        let mut row = vec![0.0f64; outputs];
        for (m, weights) in mean.iter().zip(projection.chunks_exact(outputs)) {
            row.iter_mut().zip(weights).for_each(|(r, w)| *r += m * f64::from(*w));
        }
        if dot(&row, &row) < 1e-12 {
            row = Stream::new(seed, CLASSES, class as u64).normal(outputs);
        }
        normalize(&mut row);
        out.extend(row.iter().map(|&v| v as f32));
    }
    out
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn normalize(v: &mut [f64]) {
    let norm = dot(v, v).sqrt();
    if norm > 1e-12 {
        v.iter_mut().for_each(|x| *x /= norm);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::tensor::Tensor;

    #[test]
    fn projections_begin_as_isometries_of_the_smaller_side() {
        assert_eq!(projection(2, 2, 1), [1.0, 0.0, 0.0, 1.0]);
        for (inputs, outputs) in [(7, 3), (3, 7), (64, 63)] {
            let p = projection(inputs, outputs, 9);
            let side = |k: usize, l: usize| f64::from(if inputs > outputs { p[l * outputs + k] } else { p[k * outputs + l] });
            let (count, length) = (inputs.min(outputs), inputs.max(outputs));
            for (a, b) in (0..count).flat_map(|a| (0..count).map(move |b| (a, b))) {
                let product: f64 = (0..length).map(|l| side(a, l) * side(b, l)).sum();
                assert!((product - f64::from(u8::from(a == b))).abs() < 1e-5, "{a} {b}: {product}");
            }
            assert_ne!(p, projection(inputs, outputs, 10));
        }
    }

    #[test]
    fn classes_begin_at_the_mean_of_their_embeddings() {
        let x = Tensor::from_f32([4, 2], vec![2.0, 0.0, 0.0, 5.0, 1.0, 0.0, -3.0, 0.0]).unwrap();
        let s = Samples::new(&x, &[0, 0, 1, 1]).unwrap();
        let w = classes(&s, &projection(2, 2, 1), 2, 1);
        let half = 0.5f32.sqrt();
        assert!((w[0] - half).abs() < 1e-6 && (w[1] - half).abs() < 1e-6);
        // The embeddings of the second cancel.
        assert!((w[2] * w[2] + w[3] * w[3] - 1.0).abs() < 1e-6);
    }
}
