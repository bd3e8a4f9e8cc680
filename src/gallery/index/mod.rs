//! Search in a gallery on the GPU, exact to the last bit.
//!
//! The device scans all rows and keeps the largest score of every 32 of them; scores themselves are never stored. Its arithmetic is f32
//! (or int8), but how far that can be off is bounded, so the blocks that may hold a result are known. Their rows are scored again on the
//! host in f64 and a fixed order. What comes back is therefore what f64 arithmetic on the stored numbers gives, in the order (score
//! descending, id ascending, not a number last), whatever the adapter, the batch, the storage of the device or the number of shards.

mod best;
mod chosen;
mod devices;
mod later;
mod learned;
mod probe;
mod recorded;
mod rows;
mod search;
mod state;
mod template;

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::search::{Format, Terms};
use crate::model::Similarity;
use crate::score::Scoring;
pub(super) use chosen::Chosen;
use devices::Devices;
use learned::Learned;
use state::State;

/// How rows are stored. Scores are those of the numbers that the host keeps; the device may keep fewer bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Storage {
    /// f32 on the device and on the host: exact for the numbers that were added.
    #[default]
    F32,
    /// Halves on both: exact for the rounded numbers. A row is scaled by a power of two first, so its largest number never over- or
    /// underflows, and numbers below 2^-28 of it become 0.
    F16,
    /// int8 on the device, f32 on the host: exact for the numbers that were added, a quarter of the device memory of `F32`; more rows
    /// are scored again.
    I8,
}

/// What a score is. Greater is always better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// `x·y / (|x| |y|)`, -1 to 1; 0 where either is zero. Rows need not have unit length.
    #[default]
    Cosine,
    /// `x·y`.
    Dot,
    /// `-|x - y|`, the negative distance, at most 0.
    Euclidean,
    /// The log-likelihood ratio of Joint Bayesian, in nats; needs φ in [`IndexOptions::weights`].
    JointBayesian,
    /// `-Σ w (x - y)² / (x + y)`, at most 0; numbers below zero count as zero. Needs weights, in `F32` or `F16`.
    ChiSquared,
    /// `-Σ w |x - y|`, at most 0. Needs weights, in `F32` or `F16`.
    WeightedL1,
}

impl Metric {
    /// The metric of a score; those of distances are negative.
    pub fn of(similarity: Similarity) -> Self {
        match similarity {
            Similarity::Cosine => Self::Cosine,
            Similarity::Euclidean => Self::Euclidean,
            Similarity::JointBayesian => Self::JointBayesian,
            Similarity::ChiSquared => Self::ChiSquared,
            Similarity::Siamese => Self::WeightedL1,
        }
    }

    fn is_weighted_distance(self) -> bool {
        matches!(self, Self::ChiSquared | Self::WeightedL1)
    }

    /// What scans sum.
    fn terms(self) -> Terms {
        match self {
            Self::ChiSquared => Terms::ChiSquared,
            Self::WeightedL1 => Terms::Differences,
            _ => Terms::Products,
        }
    }

    /// The score that says whether parameters are sound.
    fn check(self, weights: &[f32], dimension: usize) -> Result<()> {
        let similarity = match self {
            Self::JointBayesian => Similarity::JointBayesian,
            Self::ChiSquared => Similarity::ChiSquared,
            Self::WeightedL1 => Similarity::Siamese,
            Self::Cosine | Self::Dot | Self::Euclidean => Similarity::Cosine,
        };
        Scoring::new(similarity, weights)?.check(dimension)
    }
}

/// What a gallery is made for.
#[derive(Clone, Debug, Default)]
pub struct IndexOptions {
    /// How rows are stored.
    pub storage: Storage,
    /// What a score is.
    pub metric: Metric,
    /// φ of [`Metric::JointBayesian`], weights of [`Metric::ChiSquared`] and [`Metric::WeightedL1`]: a number for each of a row's, none negative.
    /// Empty for the others.
    pub weights: Arc<[f32]>,
    /// Rows in one binding, rounded up to whole blocks of 32. `None` = as many as the device binds; with several devices, 64 MiB.
    pub rows_per_shard: Option<usize>,
    /// Bytes of rows that each device may hold. `None` = all of them. Shards beyond that lie on the host, packed and in memory that the
    /// device reads (besides the numbers that the host keeps anyhow), and pass through room for two shards in every search: results are
    /// the same, the time is that of copying them. At least three blocks of 32 rows are needed; a shard has at most a third of these bytes.
    pub device_bytes: Option<u64>,
}

impl IndexOptions {
    /// These options with everything else by default.
    pub fn new(storage: Storage, metric: Metric) -> Self {
        Self { storage, metric, ..Self::default() }
    }

    /// For this score, with its parameters.
    pub fn scored(storage: Storage, scoring: &Scoring) -> Self {
        Self { storage, metric: Metric::of(scoring.similarity()), weights: scoring.numbers().clone(), ..Self::default() }
    }
}

/// One result per label instead of one per row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PerLabel {
    /// A label's score is that of its best row.
    Best,
    /// A label's score is the mean over its rows; [`Hit::id`] is its best row.
    Mean,
    /// A label's score is that of its template: the mean of its rows, for [`Metric::Cosine`] of rows scaled to unit length, for learned
    /// metrics rounded to f32; [`Hit::id`] is its best row. Scored on the host, in f64; templates are kept (8 bytes a number) until a row of their label comes or goes.
    Template,
}

/// What to search for.
#[derive(Clone, Copy, Debug, Default)]
pub struct SearchOptions<'a> {
    /// Only results of at least this score.
    pub threshold: Option<f32>,
    /// Only rows of these labels.
    pub labels: Option<&'a [u32]>,
    /// One result per label.
    pub per_label: Option<PerLabel>,
}

/// A result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The row's id.
    pub id: u64,
    /// The row's label.
    pub label: u32,
    /// The f64 score rounded to f32; not a number when the row or the probe holds something that is none, or is infinite.
    pub score: f32,
}

/// A gallery on the GPU. Usable from several threads: searches run side by side, additions and removals wait for them and are seen as a
/// whole or not at all.
#[derive(Debug)]
pub struct GalleryIndex {
    dimension: usize,
    format: Format,
    devices: Devices,
    state: RwLock<State>,
}

impl GalleryIndex {
    /// An empty gallery of rows of `dimension` numbers.
    ///
    /// # Errors
    /// [`Error::Caller`] for a dimension of 0 or above 65,536, or int8 for a weighted distance; [`Error::Model`] for parameters that do not suit
    /// the metric.
    pub fn new(gpu: &Gpu, dimension: usize, options: &IndexOptions) -> Result<Self> {
        Self::over(std::slice::from_ref(gpu), dimension, options)
    }

    /// An empty gallery on several devices: shards are dealt to them in turn, and a search scans on all of them side by side. What is found
    /// is what one device finds.
    ///
    /// # Errors
    /// As [`GalleryIndex::new`], and without a device.
    pub fn over(gpus: &[Gpu], dimension: usize, options: &IndexOptions) -> Result<Self> {
        if dimension == 0 || dimension > 65_536 {
            return Err(Error::Caller(format!("A gallery of {dimension} numbers a row is not possible. Use 1 to 65536.")));
        }
        options.metric.check(&options.weights, dimension)?;
        if options.storage == Storage::I8 && options.metric.is_weighted_distance() {
            return Err(Error::Caller(format!(
                "A gallery in int8 is not searched by the {}, only in f32 and f16. Use one of those.",
                if options.metric == Metric::ChiSquared { "chi-squared distance" } else { "weighted L1 distance" }
            )));
        }
        let format = match options.storage {
            Storage::F32 => Format::F32,
            Storage::F16 => Format::F16,
            Storage::I8 => Format::I8,
        };
        let devices = Devices::new(gpus, dimension, format, options)?;
        let learned = Learned::new(options.metric, &options.weights);
        let state = State::new(rows::Rows::new(dimension, options.storage, options.metric, learned));
        Ok(Self { dimension, format, devices, state: RwLock::new(state) })
    }

    /// Numbers of a row.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bindings that the rows are spread over.
    pub fn shards(&self) -> usize {
        self.read().shards.len()
    }

    /// Those of [`GalleryIndex::shards`] that lie on the host and pass through a device in every search.
    pub fn passing_shards(&self) -> usize {
        self.read().shards.iter().filter(|shard| !shard.stays()).count()
    }

    /// The ids of all rows, ascending.
    pub fn ids(&self) -> Vec<u64> {
        self.read().ids_ascending().into_iter().map(|(id, _)| id).collect()
    }

    /// Makes room for `rows` more rows at once, which saves moving those that are there.
    ///
    /// # Errors
    /// Too little memory.
    pub fn reserve(&self, rows: usize) -> Result<()> {
        self.write().reserve(&self.devices, rows)
    }

    /// Adds rows: `vectors` is row-major, `ids.len()` x dimension. All are added, or none.
    ///
    /// # Errors
    /// [`Error::Caller`] when the lengths do not fit or an id is there already; too little memory; a lost device.
    pub fn add(&self, ids: &[u64], labels: &[u32], vectors: &[f32]) -> Result<()> {
        let mut state = self.write();
        self.check_new(&state, ids, labels, vectors)?;
        state.add(&self.devices, ids, labels, vectors)
    }

    /// Refuses rows that cannot be added.
    fn check_new(&self, state: &State, ids: &[u64], labels: &[u32], vectors: &[f32]) -> Result<()> {
        let dimension = self.dimension();
        if labels.len() != ids.len() || ids.len().checked_mul(dimension) != Some(vectors.len()) {
            return Err(Error::Caller(format!(
                "{} ids, {} labels and {} numbers do not make rows of {dimension} numbers. Give a label and {dimension} numbers for every id.",
                ids.len(),
                labels.len(),
                vectors.len()
            )));
        }
        let mut new = HashSet::with_capacity(ids.len());
        match ids.iter().find(|&&id| state.has(id) || !new.insert(id)) {
            Some(id) => Err(Error::Caller(format!("The id {id} is in the gallery already, or twice in what is added. Remove it first."))),
            None => Ok(()),
        }
    }

    /// Removes the rows with these ids, and says how many there were. Their places are used by later additions.
    ///
    /// # Errors
    /// A lost device.
    pub fn try_remove(&self, ids: &[u64]) -> Result<usize> {
        self.write().remove(&self.devices, ids)
    }

    /// As [`GalleryIndex::try_remove`]; on a lost device, whose searches fail anyhow, rows are removed all the same.
    pub fn remove(&self, ids: &[u64]) -> usize {
        let mut state = self.write();
        let before = state.len();
        match state.remove(&self.devices, ids) {
            Ok(removed) => removed,
            Err(_) => before - state.len(),
        }
    }

    /// Moves rows into the places of removed ones and frees what is left over.
    ///
    /// # Errors
    /// A lost device.
    pub fn compact(&self) -> Result<()> {
        self.write().compact(&self.devices)
    }

    /// The `k` best rows for each probe, best first; fewer when there are fewer. `probes` is row-major, n x dimension.
    ///
    /// The work on the host grows with `k`; up to about a hundred it is small beside the scan.
    ///
    /// # Errors
    /// [`Error::Caller`] for probes of another dimension; too little memory; a lost device.
    pub fn search(&self, probes: &[f32], k: usize, options: &SearchOptions<'_>) -> Result<Vec<Vec<Hit>>> {
        self.check_probes(probes)?;
        self.search_in(&self.read(), probes, k, options, None)
    }

    /// Refuses probes of another dimension.
    fn check_probes(&self, probes: &[f32]) -> Result<()> {
        if probes.len().is_multiple_of(self.dimension()) {
            return Ok(());
        }
        Err(Error::Caller(format!(
            "{} numbers are no whole probes of {} numbers each. Embed the probes with the model of the gallery.",
            probes.len(),
            self.dimension()
        )))
    }

    /// The neighbours of every row among the others: at most `k`, of at least `threshold` where one is given.
    ///
    /// # Errors
    /// As [`GalleryIndex::search`].
    pub fn neighbours(&self, k: usize, threshold: Option<f32>) -> Result<Neighbours> {
        let state = self.read();
        let rows = state.ids_ascending();
        let options = SearchOptions { threshold, ..SearchOptions::default() };
        let number: std::collections::HashMap<u64, u32> = rows.iter().enumerate().map(|(i, (id, _))| (*id, i as u32)).collect();
        let mut edges = Vec::with_capacity(rows.len());
        let mut probes = Vec::new();
        for (c, part) in rows.chunks(256).enumerate() {
            probes.clear();
            part.iter().for_each(|&(_, row)| state.rows.extend_with(row, &mut probes));
            // A row may find duplicates of itself before itself.
            let found = self.search_in(&state, &probes, k.saturating_add(1), &options, None)?;
            for (i, hits) in found.into_iter().enumerate() {
                let own = (c * 256 + i) as u32;
                let others = hits.iter().filter(|h| !h.score.is_nan()).filter_map(|h| Some((*number.get(&h.id)?, h.score)));
                edges.push(others.filter(|&(other, _)| other != own).take(k).collect());
            }
        }
        Ok(Neighbours { ids: rows.into_iter().map(|(id, _)| id).collect(), edges })
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The neighbours of every row of a gallery: what clustering works on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbours {
    /// Ids, ascending.
    pub ids: Vec<u64>,
    /// For every id: places in `ids` and scores, best first. A row is not its own neighbour.
    pub edges: Vec<Vec<(u32, f32)>>,
}
