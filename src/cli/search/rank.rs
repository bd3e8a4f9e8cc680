//! The nearest faces of a gallery, searched on the GPU.

use lookalike::gallery::Gallery;
use lookalike::gallery::index::{GalleryIndex, IndexOptions, PerLabel, SearchOptions, Storage};
use lookalike::gpu::Gpu;
use lookalike::score::Scoring;
use lookalike::{Error, Result};

/// Rows that go to the device at once.
const CHUNK: usize = 16_384;

/// Choices of a search.
#[derive(Clone, Debug)]
pub(super) struct RankOptions {
    /// What is a score: a similarity, or minus a distance.
    pub(super) scoring: Scoring,
    /// Whether a person shows up once, and what its score is.
    pub(super) per_label: Option<PerLabel>,
    /// Bytes of rows that each adapter may hold.
    pub(super) device_bytes: Option<u64>,
}

/// A face of the gallery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hit {
    pub(super) id: u64,
    pub(super) score: f32,
}

/// For every probe the `k` best faces, best first; ties go to smaller ids.
///
/// # Errors
/// As [`Gallery::entries`] and [`GalleryIndex::search`]; more than 2^32 people.
pub(super) fn rank(gpus: &[Gpu], gallery: &Gallery, probes: &[&[f32]], k: usize, options: &RankOptions) -> Result<Vec<Vec<Hit>>> {
    let Some(dimension) = probes.first().map(|p| p.len()).filter(|&d| d > 0) else { return Ok(vec![Vec::new(); probes.len()]) };
    let placed = IndexOptions { device_bytes: options.device_bytes, ..IndexOptions::scored(Storage::F32, &options.scoring) };
    let index = GalleryIndex::over(gpus, dimension, &placed)?;
    let (mut ids, mut people, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
    let flush = |ids: &mut Vec<u64>, people: &mut Vec<u32>, vectors: &mut Vec<f32>| {
        let result = index.add(ids, people, vectors);
        ids.clear();
        people.clear();
        vectors.clear();
        result
    };
    for entry in gallery.entries()? {
        let entry = entry?;
        ids.push(entry.id);
        let person =
            u32::try_from(entry.person).map_err(|_| Error::Limits("The gallery has more than 2^32 people. Split it.".to_owned()))?;
        people.push(person);
        vectors.extend_from_slice(&entry.vector);
        if ids.len() == CHUNK {
            flush(&mut ids, &mut people, &mut vectors)?;
        }
    }
    flush(&mut ids, &mut people, &mut vectors)?;
    let search = SearchOptions { per_label: options.per_label, ..SearchOptions::default() };
    let found = index.search(&probes.concat(), k, &search)?;
    Ok(found.into_iter().map(|hits| hits.into_iter().map(|h| Hit { id: h.id, score: h.score }).collect()).collect())
}
