//! How often a search finds the right person.

use super::samples::Samples;
use crate::error::Result;
use crate::gallery::index::{GalleryIndex, IndexOptions, Metric, SearchOptions, Storage};
use crate::gpu::Gpu;
use crate::score::Scoring;

/// Closed-set identification with one enrolled embedding a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Rank1 {
    /// Searches that found the right person first.
    pub hits: usize,
    /// Searches.
    pub probes: usize,
}

impl Rank1 {
    /// Enrols the first row of every person and searches for all others by cosine.
    ///
    /// # Errors
    /// Too little memory, or a lost device.
    pub fn of(gpu: &Gpu, samples: &Samples) -> Result<Self> {
        Self::by(gpu, samples, &IndexOptions::new(Storage::F32, Metric::Cosine))
    }

    /// As [`Rank1::of`], by a learned score.
    ///
    /// # Errors
    /// As [`Rank1::of`]; a score of another dimension.
    pub fn scored(gpu: &Gpu, samples: &Samples, scoring: &Scoring) -> Result<Self> {
        Self::by(gpu, samples, &IndexOptions::scored(Storage::F32, scoring))
    }

    fn by(gpu: &Gpu, samples: &Samples, options: &IndexOptions) -> Result<Self> {
        let by_person = samples.by_person();
        let index = GalleryIndex::new(gpu, samples.dimension(), options)?;
        let rows = |rows: &[usize]| rows.iter().flat_map(|&i| samples.row(i).iter().copied()).collect::<Vec<f32>>();
        let enrolled: Vec<usize> = by_person.iter().map(|own| own[0]).collect();
        let ids: Vec<u64> = (0..by_person.len() as u64).collect();
        let labels: Vec<u32> = (0..by_person.len() as u32).collect();
        index.add(&ids, &labels, &rows(&enrolled))?;
        let probes: Vec<usize> = by_person.iter().flat_map(|own| own[1..].iter().copied()).collect();
        let mut hits = 0;
        for chunk in probes.chunks(256) {
            let found = index.search(&rows(chunk), 1, &SearchOptions::default())?;
            let right = |(hit, &probe): (&Vec<_>, &usize)| {
                let first: Option<&crate::gallery::index::Hit> = hit.first();
                first.is_some_and(|hit| hit.label as usize == samples.classes()[probe])
            };
            hits += found.iter().zip(chunk).filter(|pair| right(*pair)).count();
        }
        Ok(Self { hits, probes: probes.len() })
    }

    /// Hits among probes; 0 where there are none.
    pub fn share(&self) -> f64 {
        self.hits as f64 / self.probes.max(1) as f64
    }
}
