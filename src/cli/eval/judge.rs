//! Scores of pairs, and everything that is said of them.

use std::collections::BTreeMap;

use lookalike::embed::{Comparison, Embedding};
use lookalike::eval::{FoldAccuracy, Folds, Separation, TarAtFar, Threshold};
use lookalike::model::{Model, Similarity};
use lookalike::{Error, Result};
use serde_json::{Value, json};

use super::pairs::Pairs;
use crate::cli::faces::number;

/// The outcome of an evaluation. Scores: more = more alike; distances have their sign changed.
pub(super) struct Judgement {
    pub(super) name: String,
    pub(super) similarity: Similarity,
    pub(super) separation: Separation,
    /// Pairs that count.
    pub(super) pairs: usize,
    /// Pairs left out because a picture gave no embedding.
    pub(super) dropped_pairs: usize,
    /// Pictures that gave none.
    pub(super) dropped: Vec<String>,
    pub(super) folds: Option<FoldAccuracy>,
    /// The most accurate threshold on all pairs, and its accuracy: optimistic, since it was chosen on them.
    pub(super) best: (f64, f64),
    /// The model's own threshold, and the accuracy at it.
    pub(super) own: Option<(f32, f64)>,
    pub(super) auc: f64,
    /// Equal error rate and its threshold.
    pub(super) equal_error: (f64, f64),
    pub(super) rates: Vec<TarAtFar>,
    pub(super) groups: Vec<Group>,
}

/// The pairs of one group.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) pairs: usize,
    /// At the best threshold of all pairs.
    pub(super) accuracy: f64,
    pub(super) auc: Option<f64>,
}

impl Judgement {
    pub(super) fn new(
        list: &Pairs,
        embeddings: &[Option<Embedding>],
        similarity: Similarity,
        model: &Model,
        folds: usize,
        fars: &[f64],
    ) -> Result<Self> {
        // Every score is wanted; the threshold plays no part.
        let compare = Comparison::of(&model.description, Some(0.0))?;
        let sign = if similarity.is_distance() { -1.0 } else { 1.0 };
        let (mut scored, mut fold, mut groups): (Vec<(f64, bool)>, Vec<Option<usize>>, BTreeMap<&str, Vec<(f64, bool)>>) =
            Default::default();
        for pair in &list.pairs {
            let [Some(a), Some(b)] = pair.files.map(|f| embeddings[f].as_ref()) else { continue };
            let score = (sign * f64::from(compare.score(a, b)), pair.same);
            scored.push(score);
            fold.push(pair.fold);
            if let Some(group) = &pair.group {
                groups.entry(group).or_default().push(score);
            }
        }
        let side = |pairs: &[(f64, bool)], same: bool| pairs.iter().filter(|p| p.1 == same).map(|p| p.0).collect::<Vec<_>>();
        let separation = Separation::new(side(&scored, true), side(&scored, false))?;
        let known: Option<Vec<usize>> = fold.into_iter().collect();
        // Folds that lost all their pairs, or fewer pairs than folds: there is no such figure.
        let folds = match known {
            Some(fold) => Folds::new(&scored, &fold),
            None => Folds::split(&scored, folds),
        };
        let best = lookalike::eval::best_threshold(&scored);
        let accuracy = |pairs: &[(f64, bool)], threshold: f64| {
            pairs.iter().filter(|(score, same)| (*score > threshold) == *same).count() as f64 / pairs.len().max(1) as f64
        };
        let own = model.description.embedding.as_ref().and_then(|e| e.threshold).map(|t| {
            let right = scored.iter().filter(|(score, same)| (*score >= sign * f64::from(t)) == *same).count();
            (t, right as f64 / scored.len() as f64)
        });
        let groups = groups
            .into_iter()
            .map(|(name, pairs)| Group {
                name: name.to_owned(),
                pairs: pairs.len(),
                accuracy: accuracy(&pairs, best.0),
                auc: Separation::new(side(&pairs, true), side(&pairs, false)).ok().map(|s| s.auc()),
            })
            .collect();
        let dropped = list.files.iter().zip(embeddings).filter(|(_, e)| e.is_none()).map(|(f, _)| f.display().to_string()).collect();
        Ok(Self {
            name: model.description.name.clone(),
            similarity,
            pairs: scored.len(),
            dropped_pairs: list.pairs.len() - scored.len(),
            dropped,
            folds: folds.ok().map(|f| f.accuracy(Threshold::Exact)),
            best,
            own,
            auc: separation.auc(),
            equal_error: separation.equal_error(),
            rates: fars.iter().map(|&far| separation.tar_at_far(far)).collect(),
            groups,
            separation,
        })
    }

    /// A score as the model's users know it: distances are positive.
    pub(super) fn shown(&self, score: f64) -> f64 {
        if self.similarity.is_distance() { -score } else { score }
    }

    pub(super) fn metric(&self) -> &'static str {
        self.similarity.name()
    }

    pub(super) fn json(&self) -> Value {
        let rates: Vec<_> = self
            .rates
            .iter()
            .map(|r| {
                json!({ "far": r.far, "tar": r.measurable.then_some(r.tar), "threshold": r.measurable.then(|| self.shown(r.threshold)),
                        "far_realised": r.far_realised, "measurable": r.measurable })
            })
            .collect();
        let folds = self.folds.as_ref().map(|f| {
            json!({ "mean": f.mean, "std": f.std, "standard_error": f.standard_error, "folds": f.folds,
                    "thresholds": f.thresholds.iter().map(|&t| self.shown(t)).collect::<Vec<_>>() })
        });
        let groups: Vec<_> =
            self.groups.iter().map(|g| json!({ "group": g.name, "pairs": g.pairs, "accuracy": g.accuracy, "auc": g.auc })).collect();
        json!({
            "model": self.name, "metric": self.metric(), "pairs": self.pairs, "genuine": self.separation.genuine().len(),
            "impostor": self.separation.impostor().len(), "dropped_pairs": self.dropped_pairs, "dropped_pictures": self.dropped,
            "accuracy": folds, "best_accuracy": self.best.1, "best_threshold": self.shown(self.best.0),
            "threshold": self.own.map(|o| number(o.0)), "accuracy_at_threshold": self.own.map(|o| o.1), "auc": self.auc,
            "equal_error_rate": self.equal_error.0, "tar_at_far": rates, "groups": groups,
        })
    }

    /// The same for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut out = vec![format!(
            "pairs               {} ({} of one person, {} of two), {} left out because {} pictures gave no embedding",
            self.pairs,
            self.separation.genuine().len(),
            self.separation.impostor().len(),
            self.dropped_pairs,
            self.dropped.len()
        )];
        if let Some(f) = &self.folds {
            out.push(format!(
                "accuracy            {:.2} % over {} folds (standard deviation {:.2}, standard error {:.2})",
                100.0 * f.mean,
                f.folds.len(),
                100.0 * f.std,
                100.0 * f.standard_error
            ));
        }
        out.push(format!(
            "best threshold      {:.4}: {:.2} % (chosen on these pairs, so optimistic)",
            self.shown(self.best.0),
            100.0 * self.best.1
        ));
        if let Some((threshold, accuracy)) = self.own {
            out.push(format!("model's own         {threshold:.4}: {:.2} %", 100.0 * accuracy));
        }
        out.push(format!("AUC                 {:.5}, equal error rate {:.2} %", self.auc, 100.0 * self.equal_error.0));
        for r in &self.rates {
            out.push(if r.measurable {
                format!(
                    "TAR at FAR {:<9}{:.2} % (threshold {:.4}, realised FAR {:.2e})",
                    r.far,
                    100.0 * r.tar,
                    self.shown(r.threshold),
                    r.far_realised
                )
            } else {
                format!("TAR at FAR {:<9}not measurable with {} pairs of two people", r.far, self.separation.impostor().len())
            });
        }
        for g in &self.groups {
            let auc = g.auc.map_or("-".to_owned(), |a| format!("{a:.5}"));
            out.push(format!("group {:<14}{:.2} % of {} pairs at the best threshold, AUC {auc}", g.name, 100.0 * g.accuracy, g.pairs));
        }
        out
    }
}

/// What a report cannot do without.
pub(super) fn unwritable(what: &str, reason: &str) -> Error {
    Error::Caller(format!("The {what} cannot be drawn ({reason}). Report this."))
}
