//! Identification on the GPU: probes are searched among the people of a gallery.

use std::collections::HashSet;

use super::Identification;
use crate::error::{Error, Result};
use crate::gallery::index::{GalleryIndex, Hit, IndexOptions, PerLabel, SearchOptions, Storage};
use crate::gpu::Gpu;
use crate::score::Scoring;

/// Probes that are searched together.
const TOGETHER: usize = 256;

/// Embeddings and who they are of.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// Row-major, as many rows as labels.
    pub vectors: &'a [f32],
    /// The person of every row.
    pub labels: &'a [u32],
}

impl Labelled<'_> {
    pub(super) fn check(&self, dimension: usize, what: &str) -> Result<()> {
        if self.labels.len().checked_mul(dimension) == Some(self.vectors.len()) {
            return Ok(());
        }
        Err(Error::Caller(format!(
            "The {what} have {} labels and {} numbers, which are no rows of {dimension} numbers. Give a label for every row.",
            self.labels.len(),
            self.vectors.len()
        )))
    }
}

impl Identification {
    /// Searches every probe among the people of a gallery, on the GPU and exactly. A person's score is that of the best of its rows.
    /// Probes of people who are not in the gallery are strangers. Ranks beyond `most` (at least 1) are only known to be beyond: ask
    /// [`Self::cmc`] and [`Self::dir`] for ranks up to it.
    ///
    /// # Errors
    /// [`Error::Caller`] when numbers and labels do not fit, there is nobody in the gallery, no probe of somebody in it, or a score that
    /// is not a number; an error of the device.
    pub fn search(
        gpu: &Gpu,
        dimension: usize,
        scoring: &Scoring,
        gallery: Labelled<'_>,
        probes: Labelled<'_>,
        most: usize,
    ) -> Result<Self> {
        gallery.check(dimension, "faces of the gallery")?;
        probes.check(dimension, "probes")?;
        let index = filled(gpu, dimension, scoring, gallery)?;
        let known: HashSet<u32> = gallery.labels.iter().copied().collect();
        let options = SearchOptions { per_label: Some(PerLabel::Best), ..SearchOptions::default() };
        let (mut mated, mut strangers) = (Vec::new(), Vec::new());
        for (rows, labels) in probes.vectors.chunks(TOGETHER * dimension).zip(probes.labels.chunks(TOGETHER)) {
            // One more than asked for, so that a tie at the last rank is seen.
            let found = index.search(rows, most.max(1).saturating_add(1), &options)?;
            for (hits, label) in found.iter().zip(labels) {
                let numbers = hits.iter().all(|h| !h.score.is_nan());
                let best = hits.first().filter(|_| numbers).ok_or_else(|| {
                    Error::Caller("A probe cannot be counted: a score is not a number, or nobody is in the gallery.".to_owned())
                })?;
                if known.contains(label) {
                    mated.push(rank_of(hits, *label));
                } else {
                    strangers.push(f64::from(best.score));
                }
            }
        }
        Self::from_ranks(mated, strangers)
    }
}

/// The score of a label and how many others score as high, plus one; beyond every rank when it is not among the hits.
fn rank_of(hits: &[Hit], label: u32) -> (f64, usize) {
    match hits.iter().find(|h| h.label == label) {
        Some(own) => (f64::from(own.score), hits.iter().filter(|h| h.label != label && h.score >= own.score).count() + 1),
        None => (f64::NEG_INFINITY, usize::MAX),
    }
}

/// An index with these rows, numbered.
pub(super) fn filled(gpu: &Gpu, dimension: usize, scoring: &Scoring, rows: Labelled<'_>) -> Result<GalleryIndex> {
    let index = GalleryIndex::new(gpu, dimension, &IndexOptions::scored(Storage::F32, scoring))?;
    let ids: Vec<u64> = (0..rows.labels.len() as u64).collect();
    index.add(&ids, rows.labels, rows.vectors)?;
    Ok(index)
}
