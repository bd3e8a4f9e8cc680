//! Algorithms that timing has chosen on an adapter, kept on disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::{Gpu, cache};
use crate::recording::ConvAlgorithm;

const KIND: &str = "tuned";
/// Layers that are kept; the ones that have been there longest go first. A network has some ten different ones a batch.
const MAX_LAYERS: usize = 4096;

/// A layer and its fastest algorithm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TunedLayer {
    /// The key of its trial.
    layer: String,
    algorithm: ConvAlgorithm,
    /// Median microseconds by the name of the algorithm, for people.
    micros: BTreeMap<String, f64>,
}

impl TunedLayer {
    /// The fastest algorithm by median microseconds; of equals the first. `None` without any.
    pub(crate) fn fastest(layer: String, times: Vec<(ConvAlgorithm, f64)>) -> Option<Self> {
        let (algorithm, _) = *times.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let micros = times.into_iter().map(|(a, t)| (a.name(), (t * 10.0).round() / 10.0)).collect();
        Some(Self { layer, algorithm, micros })
    }
}

impl Gpu {
    /// What timing has chosen on this adapter so far, by the key of the trial.
    pub(crate) fn tuned(&self) -> HashMap<String, ConvAlgorithm> {
        let mut tuned = self.inner.tuned.lock().unwrap_or_else(PoisonError::into_inner);
        choices(tuned.get_or_insert_with(|| self.stored()))
    }

    /// Adds what was timed now and returns all. What another process has stored meanwhile wins, so that both compute the same bits.
    pub(crate) fn keep_tuned(&self, found: Vec<TunedLayer>) -> HashMap<String, ConvAlgorithm> {
        let mut tuned = self.inner.tuned.lock().unwrap_or_else(PoisonError::into_inner);
        let merged = merge(merge(self.stored(), tuned.take().unwrap_or_default()), found);
        if let Some(folder) = &self.inner.cache {
            cache::save(folder, KIND, &self.inner.report, &merged);
        }
        choices(tuned.insert(merged))
    }

    fn stored(&self) -> Vec<TunedLayer> {
        self.inner.cache.as_ref().and_then(|folder| cache::load(folder, KIND, &self.inner.report)).unwrap_or_default()
    }
}

fn choices(layers: &[TunedLayer]) -> HashMap<String, ConvAlgorithm> {
    layers.iter().map(|l| (l.layer.clone(), l.algorithm)).collect()
}

/// `first`, then those of `then` that it does not hold, at most [`MAX_LAYERS`]. An algorithm that was not worth timing, because it does not
/// compute the layer, is replaced.
fn merge(mut first: Vec<TunedLayer>, then: Vec<TunedLayer>) -> Vec<TunedLayer> {
    let timed: HashMap<&str, &TunedLayer> = then.iter().map(|l| (l.layer.as_str(), l)).collect();
    first.retain(|l| timed.get(l.layer.as_str()).is_none_or(|t| t.micros.contains_key(&l.algorithm.name())));
    let known: HashSet<String> = first.iter().map(|l| l.layer.clone()).collect();
    first.extend(then.into_iter().filter(|l| !known.contains(&l.layer)));
    let beyond = first.len().saturating_sub(MAX_LAYERS);
    first.drain(..beyond);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: usize, algorithm: ConvAlgorithm) -> TunedLayer {
        let names = [ConvAlgorithm::Gemm, ConvAlgorithm::Winograd(2)].map(|a| (a.name(), 1.0));
        TunedLayer { layer: name.to_string(), algorithm, micros: names.into() }
    }

    #[test]
    fn the_fastest_is_taken_and_its_rivals_are_told() {
        let times = vec![(ConvAlgorithm::Gemm, 3.04), (ConvAlgorithm::Winograd(4), 2.0), (ConvAlgorithm::Winograd(2), 2.0)];
        let tuned = TunedLayer::fastest("a".to_owned(), times);
        assert_eq!(tuned.as_ref().map(|t| t.algorithm), Some(ConvAlgorithm::Winograd(4)));
        let micros: Vec<_> = tuned.into_iter().flat_map(|t| t.micros).collect();
        assert_eq!(micros, [("gemm".to_owned(), 3.0), ("winograd-f2".to_owned(), 2.0), ("winograd-f4".to_owned(), 2.0)]);
        assert_eq!(TunedLayer::fastest("a".to_owned(), Vec::new()), None);
    }

    #[test]
    fn what_is_stored_wins_and_the_oldest_go_first() {
        let stored = vec![layer(0, ConvAlgorithm::Gemm), layer(1, ConvAlgorithm::Gemm), layer(2, ConvAlgorithm::Depthwise)];
        let merged = merge(stored, vec![layer(1, ConvAlgorithm::Winograd(2)), layer(2, ConvAlgorithm::Winograd(2))]);
        assert_eq!(merged, [layer(0, ConvAlgorithm::Gemm), layer(1, ConvAlgorithm::Gemm), layer(2, ConvAlgorithm::Winograd(2))]);
        let many = (0..MAX_LAYERS).map(|i| layer(i, ConvAlgorithm::Gemm)).collect();
        let merged = merge(many, vec![layer(MAX_LAYERS, ConvAlgorithm::Gemm)]);
        assert_eq!((merged.len(), &merged[0].layer), (MAX_LAYERS, &"1".to_owned()));
    }
}
