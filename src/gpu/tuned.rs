//! Methods that timing has chosen on an adapter, kept on disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::{Gpu, cache};
use crate::recording::{Method, Trial};

const KIND: &str = "tuned";
/// Layers that are kept; the ones that have been there longest go first. A network has some ten different ones a batch.
const MAX_LAYERS: usize = 4096;

/// A layer and its fastest method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TunedLayer {
    /// The key of its trial.
    layer: String,
    method: Method,
    /// Median microseconds by the name of the method, for people.
    micros: BTreeMap<String, f64>,
    /// All that compute the layer; unknown of what was read from the disk.
    #[serde(skip)]
    possible: Vec<Method>,
}

impl TunedLayer {
    /// The fastest method by median microseconds; of equals the first. `None` without any.
    pub(crate) fn fastest(trial: &Trial, times: Vec<(Method, f64)>) -> Option<Self> {
        let (method, _) = *times.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let micros = times.into_iter().map(|(m, t)| (m.name(), (t * 10.0).round() / 10.0)).collect();
        let possible = trial.ranked.iter().map(|(m, _)| *m).collect();
        Some(Self { layer: trial.key.clone(), method, micros, possible })
    }
}

impl Gpu {
    /// What timing has chosen on this adapter so far, by the key of the trial.
    pub(crate) fn tuned(&self) -> HashMap<String, Method> {
        let mut tuned = self.inner.tuned.lock().unwrap_or_else(PoisonError::into_inner);
        choices(tuned.get_or_insert_with(|| self.stored()))
    }

    /// Adds what was timed now and returns all. What another process has stored meanwhile wins, so that both compute the same bits.
    pub(crate) fn keep_tuned(&self, found: Vec<TunedLayer>) -> HashMap<String, Method> {
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

fn choices(layers: &[TunedLayer]) -> HashMap<String, Method> {
    layers.iter().map(|l| (l.layer.clone(), l.method)).collect()
}

/// `first`, then those of `then` that it does not hold, at most [`MAX_LAYERS`]. A method that does not compute the layer is replaced.
fn merge(mut first: Vec<TunedLayer>, then: Vec<TunedLayer>) -> Vec<TunedLayer> {
    let timed: HashMap<&str, &TunedLayer> = then.iter().map(|l| (l.layer.as_str(), l)).collect();
    first.retain(|l| timed.get(l.layer.as_str()).is_none_or(|t| t.possible.is_empty() || t.possible.contains(&l.method)));
    let known: HashSet<String> = first.iter().map(|l| l.layer.clone()).collect();
    first.extend(then.into_iter().filter(|l| !known.contains(&l.layer)));
    let beyond = first.len().saturating_sub(MAX_LAYERS);
    first.drain(..beyond);
    first
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn method(name: &str) -> Method {
        Method::try_from(name.to_owned()).unwrap()
    }

    fn layer(name: usize, fastest: &str) -> TunedLayer {
        let possible = ["gemm m32", "winograd-f2 m32"];
        let micros = possible.map(|m| (m.to_owned(), 1.0)).into();
        TunedLayer { layer: name.to_string(), method: method(fastest), micros, possible: possible.map(method).to_vec() }
    }

    #[test]
    fn the_fastest_is_taken_and_its_rivals_are_told() {
        let names = ["gemm m32", "winograd-f4 m64", "winograd-f2 m32"];
        let ranked = names.map(|m| (method(m), 1.0)).to_vec();
        let trial = Trial { key: "a".to_owned(), ranked, record: std::sync::Arc::new(|_, _| Ok(Vec::new())) };
        let times = names.map(method).into_iter().zip([3.04, 2.0, 2.0]).collect();
        let tuned = TunedLayer::fastest(&trial, times).unwrap();
        assert_eq!((tuned.method, tuned.possible.len()), (method("winograd-f4 m64"), 3));
        let micros: Vec<_> = tuned.micros.iter().map(|(name, time)| (name.as_str(), *time)).collect();
        assert_eq!(micros, [("gemm m32", 3.0), ("winograd-f2 m32", 2.0), ("winograd-f4 m64", 2.0)]);
        assert_eq!(TunedLayer::fastest(&trial, Vec::new()), None);
    }

    #[test]
    fn what_is_stored_wins_and_the_oldest_go_first() {
        let stored = vec![layer(0, "gemm m32"), layer(1, "gemm m32"), layer(2, "depthwise")];
        let merged = merge(stored, vec![layer(1, "winograd-f2 m32"), layer(2, "winograd-f2 m32")]);
        assert_eq!(merged, [layer(0, "gemm m32"), layer(1, "gemm m32"), layer(2, "winograd-f2 m32")]);
        let many = (0..MAX_LAYERS).map(|i| layer(i, "gemm m32")).collect();
        let merged = merge(many, vec![layer(MAX_LAYERS, "gemm m32")]);
        assert_eq!((merged.len(), &merged[0].layer), (MAX_LAYERS, &"1".to_owned()));
    }
}
