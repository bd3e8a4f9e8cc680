//! What the scores say about the embedder.

/// One searched picture and its scores against everyone enrolled.
pub(super) struct Probe {
    /// Index among all pictures.
    pub(super) picture: usize,
    /// Who it is.
    pub(super) person: usize,
    /// Cosine to the enrolled picture of each person.
    pub(super) scores: Vec<f32>,
}

impl Probe {
    /// The best match: its person and score.
    pub(super) fn best(&self) -> (usize, f32) {
        let better = |best: (usize, f32), next: (usize, f32)| if next.1 > best.1 { next } else { best };
        self.scores.iter().copied().enumerate().fold((0, f32::NEG_INFINITY), better)
    }

    pub(super) fn is_hit(&self) -> bool {
        self.best().0 == self.person
    }
}

/// Summary of a search in which every probe's person is enrolled.
pub(super) struct Accuracy {
    /// Share of probes whose best match is right.
    pub(super) rank1: f64,
    /// Probes whose best match is right.
    pub(super) hits: usize,
    pub(super) probes: usize,
    /// Mean cosine of the same person.
    pub(super) same: f64,
    /// Mean cosine of different people.
    pub(super) different: f64,
    /// Chance that a same-person score beats a different-people score.
    pub(super) auc: f64,
}

pub(super) fn accuracy(probes: &[Probe]) -> Accuracy {
    let hits = probes.iter().filter(|p| p.is_hit()).count();
    let mut scores: Vec<(f32, bool)> =
        probes.iter().flat_map(|p| p.scores.iter().enumerate().map(|(person, &s)| (s, person == p.person))).collect();
    let mean = |same: bool| {
        let (sum, n) = scores.iter().filter(|s| s.1 == same).fold((0.0, 0usize), |(sum, n), s| (sum + f64::from(s.0), n + 1));
        sum / n.max(1) as f64
    };
    let (same, different) = (mean(true), mean(false));
    let auc = auc(&mut scores);
    Accuracy { rank1: hits as f64 / probes.len().max(1) as f64, hits, probes: probes.len(), same, different, auc }
}

/// Area under the ROC curve by ranks (Mann-Whitney), ties counting half.
fn auc(scores: &mut [(f32, bool)]) -> f64 {
    scores.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = scores.iter().filter(|s| s.1).count();
    let negatives = scores.len() - positives;
    if positives == 0 || negatives == 0 {
        return 0.5;
    }
    let (mut wins, mut below) = (0.0, 0usize);
    for tie in scores.chunk_by(|a, b| a.0 == b.0) {
        let (same, other) = (tie.iter().filter(|s| s.1).count(), tie.iter().filter(|s| !s.1).count());
        wins += same as f64 * (below as f64 + other as f64 / 2.0);
        below += other;
    }
    wins / (positives as f64 * negatives as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_under_the_curve_counts_ties_half() {
        assert_eq!(auc(&mut [(0.9, true), (0.1, false)]), 1.0);
        assert_eq!(auc(&mut [(0.1, true), (0.9, false)]), 0.0);
        assert_eq!(auc(&mut [(0.5, true), (0.5, false), (0.2, false)]), 0.75);
        assert_eq!(auc(&mut []), 0.5);
    }

    #[test]
    fn accuracy_counts_best_matches() {
        let probe = |person, scores: &[f32]| Probe { picture: 0, person, scores: scores.to_vec() };
        let a = accuracy(&[probe(0, &[0.8, 0.2]), probe(1, &[0.6, 0.4])]);
        assert_eq!((a.hits, a.probes), (1, 2));
        assert!((a.rank1 - 0.5).abs() < 1e-12 && (a.same - 0.6).abs() < 1e-6 && (a.different - 0.4).abs() < 1e-6);
    }
}
