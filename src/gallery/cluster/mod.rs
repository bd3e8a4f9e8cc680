//! Groups of faces that belong together, and how good groups are.
//!
//! Clustering works on the graph of neighbours that [`GalleryIndex::neighbours`](super::index::GalleryIndex::neighbours) finds on the GPU,
//! so a face is one of a few hundred bytes here whatever its embedding. A clustering is a label for every face: whole numbers from 0 on,
//! in the order in which faces first have them.

mod agglomerative;
mod components;
mod kmeans;
mod metrics;
mod sums;
mod whispers;

pub use agglomerative::agglomerative;
pub use components::connected_components;
pub use kmeans::{KMeans, spherical_kmeans};
pub(super) use kmeans::{drawn, kmeans, units};
pub use metrics::{Agreement, bcubed, normalised_mutual_information, pairwise};
pub use whispers::{Whispers, chinese_whispers};

use std::collections::HashMap;
use std::hash::Hash;

/// Whole numbers from 0 on for labels of any kind, in the order in which they first occur.
pub fn consecutive<T: Eq + Hash + Copy>(labels: &[T]) -> Vec<u32> {
    let mut known = HashMap::new();
    labels
        .iter()
        .map(|&label| {
            let next = known.len() as u32;
            *known.entry(label).or_insert(next)
        })
        .collect()
}

/// SplitMix64 (Steele et al. 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `0..n`.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// `count` of the numbers below `n`, each once, in random order; all of them where there are not so many.
    pub(super) fn sample(&mut self, n: usize, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        let count = count.min(n);
        for i in 0..count {
            let other = i + self.below(n - i);
            all.swap(i, other);
        }
        all.truncate(count);
        all
    }

    /// Uniform in [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
