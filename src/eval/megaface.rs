//! The MegaFace challenge 1 (Kemelmacher-Shlizerman 2016): probes among a growing crowd of distractors.

use std::collections::BTreeMap;

use super::search::{Labelled, filled};
use super::{Identification, TarAtFar};
use crate::error::{Error, Result};
use crate::gallery::index::{GalleryIndex, Hit, IndexOptions, SearchOptions, Storage};
use crate::gpu::Gpu;
use crate::score::Scoring;

/// Probes that are searched together.
const TOGETHER: usize = 256;

/// What is asked.
#[derive(Clone, Debug)]
pub struct MegaFaceOptions {
    /// Sizes of the crowd, ascending: the first so many distractors. Those beyond what there is are left out.
    pub sizes: Vec<usize>,
    /// The largest rank of [`Identification::cmc`].
    pub ranks: usize,
    /// False accept rates over pairs of a probe and a distractor.
    pub fars: Vec<f64>,
}

impl Default for MegaFaceOptions {
    /// Ten to a million distractors, ranks up to 100, FAR 1e-6.
    fn default() -> Self {
        Self { sizes: (1..=6).map(|e| 10usize.pow(e)).collect(), ranks: 100, fars: vec![1e-6] }
    }
}

/// The outcome for one size of the crowd.
#[derive(Clone, Debug, PartialEq)]
pub struct MegaFace {
    /// Distractors.
    pub distractors: usize,
    /// Every picture of a person in turn is the one in the gallery, the person's others are probes: its rank among the distractors.
    pub identification: Identification,
    /// Verification: pairs of one person's pictures against pairs of a probe and a distractor.
    pub rates: Vec<TarAtFar>,
}

/// A probe's picture with the picture of the same person that it is to find: its score.
struct Mate {
    probe: usize,
    score: f32,
}

/// Runs the protocol, on the GPU and exactly: no score is rounded but to f32.
///
/// # Errors
/// [`Error::Caller`] when numbers and labels do not fit, no person has two pictures, there are no distractors, or a score is not a number; an
/// error of the device.
pub fn megaface(
    gpu: &Gpu,
    dimension: usize,
    scoring: &Scoring,
    probes: Labelled<'_>,
    distractors: &[f32],
    options: &MegaFaceOptions,
) -> Result<Vec<MegaFace>> {
    probes.check(dimension, "probes")?;
    let all = distractors.len() / dimension.max(1);
    if all == 0 || all * dimension != distractors.len() {
        return Err(Error::Caller(format!(
            "{} numbers are no distractors of {dimension} numbers each. Give at least one.",
            distractors.len()
        )));
    }
    let mates = mates(gpu, dimension, scoring, probes)?;
    let index = GalleryIndex::new(gpu, dimension, &IndexOptions::scored(Storage::F32, scoring))?;
    index.reserve(all)?;
    let mut sizes: Vec<usize> = options.sizes.iter().copied().filter(|s| (1..=all).contains(s)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.is_empty() {
        sizes.push(all);
    }
    let (mut out, mut have) = (Vec::new(), 0);
    for size in sizes {
        let ids: Vec<u64> = (have as u64..size as u64).collect();
        index.add(&ids, &vec![0; ids.len()], &distractors[have * dimension..size * dimension])?;
        have = size;
        out.push(outcome(&index, probes.vectors, &mates, size, options)?);
    }
    Ok(out)
}

/// All pairs of pictures of one person, both ways.
fn mates(gpu: &Gpu, dimension: usize, scoring: &Scoring, probes: Labelled<'_>) -> Result<Vec<Mate>> {
    let index = filled(gpu, dimension, scoring, probes)?;
    let mut people: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    probes.labels.iter().enumerate().for_each(|(row, &label)| people.entry(label).or_default().push(row));
    let mut out = Vec::new();
    for (label, rows) in people.iter().filter(|(_, rows)| rows.len() > 1) {
        let vectors: Vec<f32> = rows.iter().flat_map(|r| &probes.vectors[r * dimension..(r + 1) * dimension]).copied().collect();
        let options = SearchOptions { labels: Some(std::slice::from_ref(label)), ..SearchOptions::default() };
        for (hits, &probe) in index.search(&vectors, rows.len(), &options)?.iter().zip(rows) {
            out.extend(hits.iter().filter(|h| h.id != probe as u64).map(|h| Mate { probe, score: h.score }));
        }
    }
    match out.iter().find(|m| m.score.is_nan()) {
        Some(m) => Err(Error::Caller(format!("The score of probe {} is not a number. Leave it out.", m.probe))),
        None if out.is_empty() => Err(Error::Caller("No person has two pictures. Give at least two of somebody.".to_owned())),
        None => Ok(out),
    }
}

fn outcome(index: &GalleryIndex, probes: &[f32], mates: &[Mate], size: usize, options: &MegaFaceOptions) -> Result<MegaFace> {
    let pairs = probes.len() / index.dimension() * size;
    let most = options.ranks.clamp(1, size);
    let mut top = nearest(index, probes, most)?;
    let ranks = mates.iter().map(|m| {
        let before = top[m.probe].partition_point(|&s| s >= m.score);
        (f64::from(m.score), if before == most && most < size { usize::MAX } else { before + 1 })
    });
    let identification = Identification::from_ranks(ranks.collect(), Vec::new())?;
    // As many of the largest impostor scores as the largest rate needs.
    let accepted = |far: f64| (far * pairs as f64 * (1.0 + 2f64.powi(-40))).floor().clamp(0.0, pairs as f64) as usize;
    let needed = options.fars.iter().map(|&far| accepted(far).saturating_add(1)).max().unwrap_or(0).min(pairs);
    let mut asked = most;
    let impostors = loop {
        let mut merged: Vec<f32> = top.iter().flatten().copied().collect();
        merged.sort_unstable_by(|a, b| b.total_cmp(a));
        let last = merged.get(needed.saturating_sub(1)).copied();
        // A list that ends above the last score that counts may have more of them.
        let complete = asked >= size || last.is_some_and(|t| top.iter().all(|l| l.last().is_none_or(|&s| s < t)));
        if complete || needed == 0 {
            break merged;
        }
        asked = asked.saturating_mul(8).min(size);
        top = nearest(index, probes, asked)?;
    };
    let rates = options.fars.iter().map(|&far| {
        let threshold = impostors.get(accepted(far)).map_or(f64::NEG_INFINITY, |&s| f64::from(s));
        let above = impostors.partition_point(|&s| f64::from(s) > threshold);
        let accepts = mates.iter().filter(|m| f64::from(m.score) > threshold).count();
        TarAtFar {
            far,
            threshold,
            tar: accepts as f64 / mates.len() as f64,
            far_realised: above as f64 / pairs as f64,
            measurable: far * pairs as f64 >= 1.0 - 1e-9,
        }
    });
    Ok(MegaFace { distractors: size, identification, rates: rates.collect() })
}

/// The largest scores of every probe, descending.
fn nearest(index: &GalleryIndex, probes: &[f32], k: usize) -> Result<Vec<Vec<f32>>> {
    let mut out = Vec::new();
    for part in probes.chunks(TOGETHER * index.dimension()) {
        for hits in index.search(part, k, &SearchOptions::default())? {
            if hits.iter().any(|h: &Hit| h.score.is_nan()) {
                return Err(Error::Caller("The score of a distractor is not a number. Leave it out.".to_owned()));
            }
            out.push(hits.iter().map(|h| h.score).collect());
        }
    }
    Ok(out)
}
