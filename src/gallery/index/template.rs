//! One row for each label: the mean of its rows.

use std::sync::{Arc, PoisonError};

use super::best::{Found, rank};
use super::probe::Probe;
use super::rows::Rows;
use super::search::{Scope, spread};
use super::state::State;
use super::{Hit, Metric};
use crate::error::Result;

/// The mean of a label's rows, each of unit length where directions are compared.
#[derive(Debug)]
pub(super) struct Template {
    mean: Vec<f64>,
    /// Its length.
    norm: f64,
}

impl Template {
    /// Rows are summed in the order of their ids, so nothing depends on how they came to their places.
    fn new(state: &State, label: u32) -> Self {
        let rows = &state.rows;
        let mut places: Vec<usize> = state.places_of(label).collect();
        places.sort_unstable_by_key(|&place| state.ids[place]);
        let mut mean = vec![0.0; rows.dimension];
        for &place in &places {
            let norm = rows.facts[place].norm;
            let factor = match rows.metric {
                Metric::Cosine if norm == 0.0 => 0.0,
                Metric::Cosine => 1.0 / norm,
                _ => 1.0,
            };
            rows.add_to(place, factor, &mut mean);
        }
        mean.iter_mut().for_each(|x| *x /= places.len() as f64);
        let norm = mean.iter().map(|x| x * x).sum::<f64>().sqrt();
        Self { mean, norm }
    }

    fn score(&self, rows: &Rows, probe: &Probe<'_>) -> f64 {
        let pairs = || probe.numbers.iter().zip(&self.mean).map(|(&x, &y)| (f64::from(x), y));
        let dot = || pairs().map(|(x, y)| x * y).sum::<f64>();
        let lengths = probe.norm * self.norm;
        // Learned scores are those of numbers of f32.
        let rounded = || self.mean.iter().map(|&x| x as f32).collect::<Vec<_>>();
        match rows.metric {
            _ if lengths.is_nan() => f64::NAN,
            Metric::Cosine if lengths == 0.0 => 0.0,
            Metric::Cosine => dot() / lengths,
            Metric::Dot => dot(),
            Metric::Euclidean => -pairs().map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt(),
            Metric::JointBayesian | Metric::ChiSquared | Metric::WeightedL1 => {
                rows.learned.score(rows.metric, probe.numbers, &rounded(), 1.0)
            }
        }
    }
}

impl State {
    /// The templates of these labels, in their order; they are kept until a row of the label comes or goes.
    fn templates(&self, labels: &[u32]) -> Result<Vec<Arc<Template>>> {
        let lock = || self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        let known: Vec<_> = {
            let kept = lock();
            labels.iter().map(|label| kept.get(label).cloned()).collect()
        };
        let missing: Vec<usize> = (0..labels.len()).filter(|&i| known[i].is_none()).collect();
        let made = spread(missing.len(), |i| Arc::new(Template::new(self, labels[missing[i]])))?;
        let mut kept = lock();
        kept.extend(missing.iter().zip(&made).map(|(&i, template)| (labels[i], Arc::clone(template))));
        let mut made = made.into_iter();
        Ok(known.into_iter().filter_map(|template| template.or_else(|| made.next())).collect())
    }
}

impl Scope<'_> {
    /// The best labels of all probes by their templates, scored on the host: nothing that a scan of rows finds bounds the score of a mean
    /// direction.
    pub(super) fn by_template(&self, probes: &[Probe<'_>]) -> Result<Vec<Vec<Hit>>> {
        let mut labels = match self.options.labels {
            Some(labels) => labels.iter().copied().filter(|&label| self.state.places_of(label).next().is_some()).collect(),
            None => self.state.labels_in_use(),
        };
        labels.sort_unstable();
        labels.dedup();
        let templates = self.state.templates(&labels)?;
        spread(probes.len(), |i| self.best_templates(&probes[i], &labels, &templates))
    }

    fn best_templates(&self, probe: &Probe<'_>, labels: &[u32], templates: &[Arc<Template>]) -> Vec<Hit> {
        let rows = &self.state.rows;
        let mut scored: Vec<(u32, f32, u32)> = labels
            .iter()
            .zip(templates)
            .map(|(&label, template)| {
                let score = template.score(rows, probe) as f32 + 0.0;
                (rank(score), score, label)
            })
            .filter(|&(_, score, _)| self.options.threshold.is_none_or(|t| score >= t))
            .collect();
        // Among equal scores ids decide, so all that are as good as the last one stay for now.
        if self.k < scored.len() {
            let last = scored.select_nth_unstable_by_key(self.k - 1, |s| s.0).1.0;
            scored.retain(|s| s.0 <= last);
        }
        let mut buffer = vec![0.0; rows.dimension];
        let mut found: Vec<Found> = scored
            .into_iter()
            .filter_map(|(_, score, label)| {
                let best = self.state.places_of(label).map(|place| self.score(probe, place, &mut buffer)).min()?;
                Some(Found::new(f64::from(score), best.id, best.place as usize))
            })
            .collect();
        found.sort_unstable();
        found.truncate(self.k);
        found.into_iter().map(|f| self.hit(f)).collect()
    }
}
