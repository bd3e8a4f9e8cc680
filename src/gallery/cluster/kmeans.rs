//! k-means: the nearest centre of every face is searched on the GPU, and centres are summed there.

use super::sums::Sums;
use crate::error::{Error, Result};
use crate::gallery::index::{GalleryIndex, IndexOptions, Metric, SearchOptions, Storage};
use crate::gpu::Gpu;
use crate::random::Random;

/// Products of numbers that k-means++ may take on the host: some seconds.
const MOST_PRODUCTS: u64 = 1 << 33;

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
fn unit(row: &[f32]) -> Vec<f32> {
    let norm = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    row.iter().map(|&x| if norm > 0.0 { (f64::from(x) / norm) as f32 } else { 0.0 }).collect()
}

/// All rows at unit length.
pub(in crate::gallery) fn units(vectors: &[f32], dimension: usize) -> Vec<f32> {
    vectors.chunks_exact(dimension).flat_map(unit).collect()
}

/// Spherical k-means (Dhillon and Modha 2001): centres are means at unit length, rows go to the centre of the highest cosine. Begins with
/// k-means++ (Arthur and Vassilvitskii 2007) drawn from `seed`, or with random rows where that would take n·k·dimension > 2^33 products; a
/// centre that loses all rows moves to the row that fits its own worst.
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
    let (rows, mut random) = (units(vectors, dimension), Random(seed));
    let few = (vectors.len() as u64).saturating_mul(k as u64) <= MOST_PRODUCTS;
    let centres = if few { plus_plus(&rows, dimension, k, &mut random) } else { drawn(&rows, dimension, k, &mut random) };
    kmeans(gpu, &rows, dimension, centres, Metric::Cosine, most_rounds)
}

/// Lloyd's rounds from these centres: spherical on rows of unit length for [`Metric::Cosine`], ordinary ones for [`Metric::Euclidean`].
pub(in crate::gallery) fn kmeans(
    gpu: &Gpu,
    rows: &[f32],
    dimension: usize,
    mut centres: Vec<f32>,
    metric: Metric,
    most_rounds: u32,
) -> Result<KMeans> {
    let (n, k) = (rows.len() / dimension, centres.len() / dimension);
    let index = GalleryIndex::new(gpu, dimension, &IndexOptions::new(Storage::F32, metric))?;
    let sums = Sums::new(gpu, rows, dimension)?;
    let ids: Vec<u64> = (0..k as u64).collect();
    let (mut labels, mut round) = (vec![u32::MAX; n], 0);
    loop {
        round += 1;
        index.try_remove(&ids)?;
        index.add(&ids, &vec![0; k], &centres)?;
        let nearest = index.search(rows, 1, &SearchOptions::default())?;
        let found: Vec<(u32, f32)> = nearest.iter().map(|hits| hits.first().map_or((0, 0.0), |h| (h.id as u32, h.score))).collect();
        let mut new: Vec<u32> = found.iter().map(|f| f.0).collect();
        let counts = refill(&mut new, &found, k);
        let done = new == labels || round >= most_rounds.max(1);
        labels = new;
        if done {
            return Ok(KMeans { labels, centres, rounds: round });
        }
        let sums = sums.of(&labels, k)?;
        for ((centre, sum), count) in centres.chunks_exact_mut(dimension).zip(sums.chunks_exact(dimension)).zip(counts) {
            let moved: Vec<f32> = match metric {
                Metric::Euclidean => sum.iter().map(|x| x / count.max(1) as f32).collect(),
                _ => unit(sum),
            };
            // A mean of nothing but opposite rows has no direction, one of huge rows is infinite: the centre stays.
            let direction = metric == Metric::Euclidean || moved.iter().any(|&x| x != 0.0);
            if direction && moved.iter().all(|x| x.is_finite()) {
                centre.copy_from_slice(&moved);
            }
        }
    }
}

/// k rows at random, none twice.
pub(in crate::gallery) fn drawn(rows: &[f32], dimension: usize, k: usize, random: &mut Random) -> Vec<f32> {
    let order = random.sample(rows.len() / dimension, k);
    order.into_iter().flat_map(|row| &rows[row * dimension..(row + 1) * dimension]).copied().collect()
}

/// k-means++ by 1 - cosine, the half of the squared distance.
fn plus_plus(rows: &[f32], dimension: usize, k: usize, random: &mut Random) -> Vec<f32> {
    let n = rows.len() / dimension;
    let row = |i: usize| &rows[i * dimension..(i + 1) * dimension];
    let mut last = random.below(n);
    let mut centres = row(last).to_vec();
    let mut away = vec![f64::INFINITY; n];
    while centres.len() < k * dimension {
        for (distance, other) in away.iter_mut().zip(rows.chunks_exact(dimension)) {
            let cosine: f64 = other.iter().zip(row(last)).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            *distance = distance.min((1.0 - cosine).max(0.0));
        }
        let mut rest = random.uniform() * away.iter().sum::<f64>();
        let chosen = away.iter().position(|&d| {
            rest -= d;
            rest < 0.0
        });
        last = chosen.unwrap_or_else(|| random.below(n));
        centres.extend_from_slice(row(last));
    }
    centres
}

/// Gives every centre without rows the row that fits its own centre worst, of those that are not alone; says how many rows each has.
fn refill(labels: &mut [u32], found: &[(u32, f32)], k: usize) -> Vec<usize> {
    let mut count = vec![0usize; k];
    labels.iter().for_each(|&l| count[l as usize] += 1);
    let empty: Vec<usize> = (0..k).filter(|&c| count[c] == 0).collect();
    if empty.is_empty() {
        return count;
    }
    let mut worst: Vec<usize> = (0..labels.len()).collect();
    worst.sort_by(|&a, &b| found[a].1.total_cmp(&found[b].1));
    let mut worst = worst.into_iter();
    for empty in empty {
        if let Some(row) = worst.find(|&r| count[labels[r] as usize] > 1) {
            count[labels[row] as usize] -= 1;
            labels[row] = empty as u32;
            count[empty] = 1;
        }
    }
    count
}
