//! k-means on unit vectors: the nearest centre of every face is searched on the GPU.

use crate::random::Random;
use crate::error::{Error, Result};
use crate::gallery::index::{GalleryIndex, IndexOptions, Metric, SearchOptions, Storage};
use crate::gpu::Gpu;

/// A clustering by means.
#[derive(Clone, Debug, PartialEq)]
pub struct KMeans {
    /// The centre of every row: 0 to k - 1.
    pub labels: Vec<u32>,
    /// Unit vectors, k x dimension.
    pub centres: Vec<f32>,
    /// Rounds until nothing changed, or the most that were allowed.
    pub rounds: u32,
}

/// `row` at unit length; zeros stay zeros.
fn unit(row: &[f64]) -> Vec<f32> {
    let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    row.iter().map(|x| if norm > 0.0 { (x / norm) as f32 } else { 0.0 }).collect()
}

/// Spherical k-means (Dhillon and Modha 2001): centres are means at unit length, rows go to the centre of the highest cosine. Begins with
/// k-means++ (Arthur and Vassilvitskii 2007) drawn from `seed`; a centre that loses all rows moves to the row that fits its own worst.
///
/// # Errors
/// [`Error::Caller`] when there are fewer rows than centres, no centres, or something that is no finite number.
pub fn spherical_kmeans(gpu: &Gpu, vectors: &[f32], dimension: usize, k: usize, seed: u64, most_rounds: u32) -> Result<KMeans> {
    let n = vectors.len() / dimension.max(1);
    if k == 0 || k > n || n * dimension != vectors.len() || vectors.iter().any(|x| !x.is_finite()) {
        return Err(Error::Caller(format!(
            "{} numbers do not make rows of {dimension} finite numbers for {k} groups. Give at least a row for every group.",
            vectors.len()
        )));
    }
    let rows: Vec<Vec<f32>> = vectors.chunks_exact(dimension).map(|r| unit(&r.iter().map(|&x| f64::from(x)).collect::<Vec<_>>())).collect();
    let all: Vec<f32> = rows.concat();
    let mut centres = begin(&rows, k, &mut Random(seed));
    let index = GalleryIndex::new(gpu, dimension, &IndexOptions::new(Storage::F32, Metric::Cosine))?;
    let ids: Vec<u64> = (0..k as u64).collect();
    let mut labels = vec![u32::MAX; n];
    for round in 1..=most_rounds.max(1) {
        index.try_remove(&ids)?;
        index.add(&ids, &vec![0; k], &centres.concat())?;
        let nearest = index.search(&all, 1, &SearchOptions::default())?;
        let found: Vec<(u32, f32)> = nearest.iter().map(|hits| hits.first().map_or((0, 0.0), |h| (h.id as u32, h.score))).collect();
        let mut new: Vec<u32> = found.iter().map(|f| f.0).collect();
        refill(&mut new, &found, k);
        let done = new == labels || round == most_rounds.max(1);
        labels = new;
        if done {
            return Ok(KMeans { labels, centres: centres.concat(), rounds: round });
        }
        let mut sums = vec![vec![0f64; dimension]; k];
        for (row, &label) in rows.iter().zip(&labels) {
            sums[label as usize].iter_mut().zip(row).for_each(|(s, &x)| *s += f64::from(x));
        }
        // A mean of nothing but opposite rows has no direction: the centre stays.
        for (centre, sum) in centres.iter_mut().zip(&sums) {
            let moved = unit(sum);
            if moved.iter().any(|&x| x != 0.0) {
                *centre = moved;
            }
        }
    }
    Ok(KMeans { labels, centres: centres.concat(), rounds: 0 })
}

/// k-means++ by 1 - cosine, the half of the squared distance.
fn begin(rows: &[Vec<f32>], k: usize, random: &mut Random) -> Vec<Vec<f32>> {
    let mut centres = vec![rows[random.below(rows.len())].clone()];
    let mut away = vec![f64::INFINITY; rows.len()];
    while centres.len() < k {
        let last = &centres[centres.len() - 1];
        for (distance, row) in away.iter_mut().zip(rows) {
            let cosine: f64 = row.iter().zip(last).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            *distance = distance.min((1.0 - cosine).max(0.0));
        }
        let mut rest = random.uniform() * away.iter().sum::<f64>();
        let drawn = away.iter().position(|&d| {
            rest -= d;
            rest < 0.0
        });
        centres.push(rows[drawn.unwrap_or_else(|| random.below(rows.len()))].clone());
    }
    centres
}

/// Gives every centre without rows the row that fits its own centre worst, of those that are not alone.
fn refill(labels: &mut [u32], found: &[(u32, f32)], k: usize) {
    let mut count = vec![0usize; k];
    labels.iter().for_each(|&l| count[l as usize] += 1);
    let mut worst: Vec<usize> = (0..labels.len()).collect();
    worst.sort_by(|&a, &b| found[a].1.total_cmp(&found[b].1));
    let mut worst = worst.into_iter();
    for empty in (0..k).filter(|&c| count[c] == 0).collect::<Vec<_>>() {
        if let Some(row) = worst.find(|&r| count[labels[r] as usize] > 1) {
            count[labels[row] as usize] -= 1;
            labels[row] = empty as u32;
            count[empty] = 1;
        }
    }
}
