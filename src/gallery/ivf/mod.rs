//! Approximate search: an inverted file, which looks at a few lists of the rows only.
//!
//! Rows are divided into lists around centres that k-means found (Sivic and Zisserman 2003; Jégou, Douze and Schmid 2011, as in Faiss'
//! `IndexIVFFlat`). A search finds the centres nearest to a probe and compares the probe with the rows of their lists. What it misses are
//! rows in other lists; the scores and the order of what it finds are exact, as those of a
//! [`GalleryIndex`].

mod lists;
mod train;

use std::sync::{PoisonError, RwLock};

use super::index::{Chosen, GalleryIndex, Hit, IndexOptions, Metric, SearchOptions, Storage};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use lists::Lists;

/// How an inverted file is made.
#[derive(Clone, Debug)]
pub struct IvfOptions {
    /// How rows are stored and compared.
    pub index: IndexOptions,
    /// Lists. `None` = four times the root of the number of rows that are trained on, at most one for each.
    pub lists: Option<usize>,
    /// Rows for every list that are trained on, at most; drawn at random where there are more.
    pub rows_per_list: usize,
    /// Rounds of k-means, at most.
    pub rounds: u32,
    /// What random numbers are drawn from.
    pub seed: u64,
}

impl Default for IvfOptions {
    fn default() -> Self {
        Self { index: IndexOptions::default(), lists: None, rows_per_list: 64, rounds: 10, seed: 0 }
    }
}

/// A gallery in lists on the GPU. Usable from several threads, as a [`GalleryIndex`].
#[derive(Debug)]
pub struct IvfIndex {
    centres: GalleryIndex,
    rows: GalleryIndex,
    lists: RwLock<Lists>,
}

impl IvfIndex {
    /// Lists that a search looks at by default.
    pub const NPROBE: usize = 8;

    /// An inverted file without rows, whose lists fit rows like `vectors` (row-major, n x dimension). Rows that hold something that is no
    /// finite number are left out of training.
    ///
    /// # Errors
    /// [`Error::Caller`] for a dimension of 0 or above 65,536, numbers that do not make rows, no lists, or more lists than rows to train
    /// on, a metric that is learned; too little memory; a lost device.
    pub fn train(gpu: &Gpu, dimension: usize, vectors: &[f32], options: &IvfOptions) -> Result<Self> {
        if !matches!(options.index.metric, Metric::Cosine | Metric::Dot | Metric::Euclidean) {
            return Err(Error::Caller(format!(
                "Rows compared by {:?} have no centres that are near in the same way. Search them exactly, with GalleryIndex.",
                options.index.metric
            )));
        }
        let rows = GalleryIndex::new(gpu, dimension, &options.index)?;
        let centres = train::centres(gpu, dimension, vectors, options)?;
        let count = centres.len() / dimension;
        let nearest = GalleryIndex::new(gpu, dimension, &IndexOptions::new(Storage::F32, train::metric(options.index.metric)))?;
        nearest.add(&(0..count as u64).collect::<Vec<_>>(), &vec![0; count], &centres)?;
        Ok(Self { centres: nearest, rows, lists: RwLock::new(Lists::new(count)) })
    }

    /// An inverted file trained on rows that it then holds.
    ///
    /// # Errors
    /// As [`IvfIndex::train`] and [`IvfIndex::add`].
    pub fn build(gpu: &Gpu, dimension: usize, ids: &[u64], labels: &[u32], vectors: &[f32], options: &IvfOptions) -> Result<Self> {
        let index = Self::train(gpu, dimension, vectors, options)?;
        index.add(ids, labels, vectors)?;
        Ok(index)
    }

    /// Numbers of a row.
    pub fn dimension(&self) -> usize {
        self.rows.dimension()
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Lists.
    pub fn lists(&self) -> usize {
        self.centres.len()
    }

    /// The ids of all rows, ascending.
    pub fn ids(&self) -> Vec<u64> {
        self.rows.ids()
    }

    /// Adds rows to the lists of their nearest centres: `vectors` is row-major, `ids.len()` x dimension. All are added, or none.
    ///
    /// Lists grow by blocks of 32 rows. Searches are fastest where a list's blocks lie side by side: where rows come in few large
    /// additions.
    ///
    /// # Errors
    /// As [`GalleryIndex::add`](super::index::GalleryIndex::add).
    pub fn add(&self, ids: &[u64], labels: &[u32], vectors: &[f32]) -> Result<()> {
        self.rows.check(ids, labels, vectors)?;
        let of: Vec<usize> = self.nearest_lists(vectors, 1)?.iter().map(|lists| lists.first().copied().unwrap_or(0)).collect();
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        let growth = lists.places(&self.rows, &of);
        self.rows.add_at(&growth.places, ids, labels, vectors)?;
        lists.grow(growth);
        Ok(())
    }

    /// Removes the rows with these ids, and says how many there were. Their places are used by later additions to their lists.
    ///
    /// # Errors
    /// A lost device.
    pub fn try_remove(&self, ids: &[u64]) -> Result<usize> {
        self.rows.try_remove(ids)
    }

    /// The `nprobe` lists whose centres are nearest to each vector, nearest first; fewer where there are fewer.
    ///
    /// # Errors
    /// [`Error::Caller`] for vectors of another dimension; too little memory; a lost device.
    pub fn nearest_lists(&self, vectors: &[f32], nprobe: usize) -> Result<Vec<Vec<usize>>> {
        let found = self.centres.search(vectors, nprobe, &SearchOptions::default())?;
        Ok(found.into_iter().map(|hits| hits.into_iter().map(|h| h.id as usize).collect()).collect())
    }

    /// The `k` best rows for each probe in the `nprobe` lists nearest to it, best first. With as many as there are lists nothing is missed.
    /// A few rows that the device cannot score, too large for its arithmetic or no finite numbers, are compared whatever their list. The
    /// mean of [`PerLabel::Mean`](super::index::PerLabel::Mean) is over all rows of a label of which one was in these lists;
    /// [`PerLabel::Template`](super::index::PerLabel::Template) compares all labels.
    ///
    /// # Errors
    /// [`Error::Caller`] for probes of another dimension or no lists; too little memory; a lost device.
    pub fn search(&self, probes: &[f32], k: usize, nprobe: usize, options: &SearchOptions<'_>) -> Result<Vec<Vec<Hit>>> {
        if nprobe == 0 {
            return Err(Error::Caller("A search in 0 lists finds nothing. Look at 1 at least; 8 are usual.".to_owned()));
        }
        let by_probe = self.nearest_lists(probes, nprobe)?;
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        self.rows.search_chosen(probes, k, options, &Chosen { lists: lists.blocks(), by_probe: &by_probe })
    }
}
