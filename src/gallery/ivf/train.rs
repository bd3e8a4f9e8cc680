//! Centres of lists, by k-means on a sample.

use super::IvfOptions;
use crate::error::{Error, Result};
use crate::gallery::cluster::{drawn, kmeans, units};
use crate::gallery::index::Metric;
use crate::gpu::Gpu;
use crate::random::Random;

/// How rows are compared with centres: lists are by direction, or by distance where scores are distances.
pub(super) fn metric(scores: Metric) -> Metric {
    match scores {
        Metric::Euclidean => Metric::Euclidean,
        _ => Metric::Cosine,
    }
}

/// The centres, one row each; one of zeros when there is nothing to train on.
pub(super) fn centres(gpu: &Gpu, dimension: usize, vectors: &[f32], options: &IvfOptions) -> Result<Vec<f32>> {
    if !vectors.len().is_multiple_of(dimension) {
        return Err(Error::Caller(format!("{} numbers do not make rows of {dimension} numbers to train on.", vectors.len())));
    }
    let finite: Vec<usize> =
        vectors.chunks_exact(dimension).enumerate().filter(|(_, row)| row.iter().all(|x| x.is_finite())).map(|(i, _)| i).collect();
    let count = match options.lists {
        None => ((4.0 * (finite.len() as f64).sqrt()).round() as usize).clamp(1, finite.len().max(1)),
        Some(lists) if (1..=finite.len().max(1)).contains(&lists) => lists,
        Some(lists) => {
            return Err(Error::Caller(format!(
                "{lists} lists cannot be trained on {} rows of finite numbers. Ask for 1 at least and at most as many as there are rows.",
                finite.len()
            )));
        }
    };
    if finite.is_empty() {
        return Ok(vec![0.0; dimension]);
    }
    let mut random = Random(options.seed);
    let mut sample = random.sample(finite.len(), count.saturating_mul(options.rows_per_list.max(1)));
    // In the order of memory.
    sample.sort_unstable();
    let rows: Vec<f32> = sample.iter().flat_map(|&i| &vectors[finite[i] * dimension..(finite[i] + 1) * dimension]).copied().collect();
    let metric = metric(options.index.metric);
    let rows = if metric == Metric::Cosine { units(&rows, dimension) } else { rows };
    let begin = drawn(&rows, dimension, count, &mut random);
    Ok(kmeans(gpu, &rows, dimension, begin, metric, options.rounds)?.centres)
}
