//! Scores of pairs, and everything that is said of them.

use std::collections::BTreeMap;

use lookalike::Result;
use lookalike::eval::{FoldAccuracy, Folds, Separation, TarAtFar, Threshold};
use lookalike::model::Similarity;
use serde_json::{Value, json};

use super::lists::Pair;
use super::{Args, sign};
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

/// Pairs with their scores.
#[derive(Default)]
pub(super) struct Scored {
    /// More is more alike; and whether the pair is of one person.
    scores: Vec<(f64, bool)>,
    folds: Vec<Option<usize>>,
    groups: Vec<Option<String>>,
    left_out: usize,
}

impl Scored {
    /// Scores every pair that `score` knows an answer for.
    pub(super) fn new(pairs: &[Pair], mut score: impl FnMut(&Pair) -> Option<f64>) -> Self {
        let mut out = Self::default();
        for pair in pairs {
            match score(pair) {
                Some(score) => {
                    out.scores.push((score, pair.same));
                    out.folds.push(pair.fold);
                    out.groups.push(pair.group.clone());
                }
                None => out.left_out += 1,
            }
        }
        out
    }
}

impl Judgement {
    /// `name`: of what is judged; `own`: the model's threshold; `dropped`: pictures without an embedding.
    pub(super) fn new(
        name: String,
        similarity: Similarity,
        own: Option<f32>,
        scored: Scored,
        dropped: Vec<String>,
        args: &Args,
    ) -> Result<Self> {
        let sign = sign(similarity);
        let Scored { scores, folds, groups: names, left_out } = scored;
        let side = |pairs: &[(f64, bool)], same: bool| pairs.iter().filter(|p| p.1 == same).map(|p| p.0).collect::<Vec<_>>();
        let separation = Separation::new(side(&scores, true), side(&scores, false))?;
        let known: Option<Vec<usize>> = folds.into_iter().collect();
        // Folds that lost all their pairs, or fewer pairs than folds: there is no such figure.
        let folds = match known {
            Some(fold) => Folds::new(&scores, &fold),
            None => Folds::split(&scores, args.folds as usize),
        };
        let best = lookalike::eval::best_threshold(&scores);
        let accuracy = |pairs: &[(f64, bool)], threshold: f64| {
            pairs.iter().filter(|(score, same)| (*score > threshold) == *same).count() as f64 / pairs.len().max(1) as f64
        };
        let own = own.map(|t| {
            let right = scores.iter().filter(|(score, same)| (*score >= sign * f64::from(t)) == *same).count();
            (t, right as f64 / scores.len() as f64)
        });
        let mut groups: BTreeMap<String, Vec<(f64, bool)>> = BTreeMap::new();
        for (name, &score) in names.into_iter().zip(&scores) {
            if let Some(name) = name {
                groups.entry(name).or_default().push(score);
            }
        }
        let groups = groups
            .into_iter()
            .map(|(name, pairs)| Group {
                name,
                pairs: pairs.len(),
                accuracy: accuracy(&pairs, best.0),
                auc: Separation::new(side(&pairs, true), side(&pairs, false)).ok().map(|s| s.auc()),
            })
            .collect();
        Ok(Self {
            name,
            similarity,
            pairs: scores.len(),
            dropped_pairs: left_out,
            dropped,
            folds: folds.ok().map(|f| f.accuracy(Threshold::Exact)),
            best,
            own,
            auc: separation.auc(),
            equal_error: separation.equal_error(),
            rates: args.far.iter().map(|&far| separation.tar_at_far(far)).collect(),
            groups,
            separation,
        })
    }

    /// A score as the model's users know it: distances are positive.
    pub(super) fn shown(&self, score: f64) -> f64 {
        sign(self.similarity) * score
    }

    pub(super) fn metric(&self) -> &'static str {
        self.similarity.name()
    }

    pub(super) fn json(&self) -> Value {
        let rates: Vec<_> = self.rates.iter().map(|r| rate_json(r, self.similarity)).collect();
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
        out.extend(
            self.rates.iter().map(|r| rate_line(r, self.similarity, &format!("{} pairs of two people", self.separation.impostor().len()))),
        );
        for g in &self.groups {
            let auc = g.auc.map_or("-".to_owned(), |a| format!("{a:.5}"));
            out.push(format!("group {:<14}{:.2} % of {} pairs at the best threshold, AUC {auc}", g.name, 100.0 * g.accuracy, g.pairs));
        }
        out
    }
}

/// A true accept rate as JSON; nothing where it cannot be measured.
pub(super) fn rate_json(r: &TarAtFar, similarity: Similarity) -> Value {
    json!({ "far": r.far, "tar": r.measurable.then_some(r.tar), "threshold": r.measurable.then(|| sign(similarity) * r.threshold),
            "far_realised": r.far_realised, "measurable": r.measurable })
}

/// The same for people. `among`: the pairs that are too few for some rates.
pub(super) fn rate_line(r: &TarAtFar, similarity: Similarity, among: &str) -> String {
    if !r.measurable {
        return format!("TAR at FAR {:<9}not measurable with {among}", r.far);
    }
    let threshold = sign(similarity) * r.threshold;
    format!("TAR at FAR {:<9}{:.2} % (threshold {threshold:.4}, realised FAR {:.2e})", r.far, 100.0 * r.tar, r.far_realised)
}
