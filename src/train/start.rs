//! What a training begins with.

use super::sampler::Sampler;
use super::samples::Samples;
use super::trainer::TrainOptions;
use crate::error::Result;
use crate::random::Stream;

/// Purpose of a random stream.
const PROJECTION: u64 = (1 << 62) + 2;
const CLASSES: u64 = (1 << 62) + 3;

/// Weights of a layer, of classes, and the further numbers; empty where there are none.
pub(super) struct Start {
    pub(super) layer: Vec<f32>,
    pub(super) classes: Vec<f32>,
    pub(super) numbers: Vec<f32>,
}

/// What a training of `samples` begins with.
///
/// # Errors
/// Batches that cannot be drawn.
pub(super) fn of(samples: &Samples, options: &TrainOptions) -> Result<Start> {
    if options.objective.is_siamese() {
        let [weight, middle] = siamese(samples, options)?;
        return Ok(Start { layer: vec![weight; samples.dimension()], classes: Vec::new(), numbers: vec![middle] });
    }
    let outputs = options.dimension.unwrap_or(samples.dimension());
    let mut layer = projection(samples.dimension(), outputs, options.seed);
    let has_classes = options.objective.has_classes();
    let classes = if has_classes { classes(samples, &layer, outputs, options.seed) } else { Vec::new() };
    if options.bias {
        layer.resize(layer.len() + outputs, 0.0);
    }
    let numbers = options.objective.number_of_a_class().map_or_else(Vec::new, |start| vec![start; samples.people()]);
    Ok(Start { layer, classes, numbers })
}

/// The distance that a logistic unit begins in the middle of: far enough from 0 that pairs on both sides have a slope.
const MIDDLE: f64 = 8.0;

/// One weight for all numbers, with which the pairs of a first batch are [`MIDDLE`] apart on average, and that distance.
fn siamese(samples: &Samples, options: &TrainOptions) -> Result<[f32; 2]> {
    let mut sampler = Sampler::new(options.sampling, samples, options.seed, true)?;
    let rows = sampler.batch(0);
    let labels: Vec<i64> = rows.iter().map(|&i| samples.classes()[i] as i64).collect();
    let pairs = sampler.pairs(&labels, 1);
    let apart = |[i, j, _]: &[u32; 3]| {
        let (x, y) = (samples.row(rows[*i as usize]), samples.row(rows[*j as usize]));
        x.iter().zip(y).map(|(x, y)| (f64::from(*x) - f64::from(*y)).abs()).sum::<f64>()
    };
    let mean = pairs.iter().map(apart).sum::<f64>() / pairs.len().max(1) as f64;
    // Rows that are all alike have no scale.
    let weight = if mean > 1e-30 { MIDDLE / mean } else { 1.0 };
    Ok([weight as f32, MIDDLE as f32])
}

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
