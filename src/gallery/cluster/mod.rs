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
