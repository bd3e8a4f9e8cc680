//! Searching people in a gallery: ranks of closed sets, detection and identification rates of open ones.

use crate::error::{Error, Result};

/// Scores of probes against a gallery with one entry a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Identification {
    /// For every probe of somebody in the gallery: the score of the mate, and the rank (1 = first; entries that score as high count first).
    mated: Vec<(f64, usize)>,
    /// The best score of every probe of somebody who is not, descending.
    strangers: Vec<f64>,
}

/// Detection and identification rate at a rate of strangers let in.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Dir {
    /// The wanted false positive identification rate: strangers whose best score is above the threshold.
    pub fpir: f64,
    /// Largest rank that counts.
    pub rank: usize,
    /// Scores above it count.
    pub threshold: f64,
    /// The part of the mated probes found at that rank or before it, above the threshold.
    pub dir: f64,
    /// Whether there are enough strangers to speak of this rate: at least one over it.
    pub measurable: bool,
}

impl Identification {
    /// Takes the scores of each mated probe with its mate's place, and those of each stranger.
    ///
    /// # Errors
    /// [`Error::Caller`] when there is no mated probe, a mate is not among the scores, or a score is not a number.
    pub fn new<'a>(mated: impl IntoIterator<Item = (&'a [f64], usize)>, strangers: impl IntoIterator<Item = &'a [f64]>) -> Result<Self> {
        let nan = |scores: &[f64]| scores.iter().any(|s| s.is_nan());
        let refuse = |what: &str| Error::Caller(format!("A probe cannot be counted: {what}."));
        let mut ranks = Vec::new();
        for (scores, mate) in mated {
            let &own = scores.get(mate).ok_or_else(|| refuse("its mate is not in the gallery"))?;
            if nan(scores) {
                return Err(refuse("a score is not a number"));
            }
            let before = scores.iter().enumerate().filter(|&(i, &s)| i != mate && s >= own).count();
            ranks.push((own, before + 1));
        }
        let mut best = Vec::new();
        for scores in strangers {
            if nan(scores) || scores.is_empty() {
                return Err(refuse("a score is not a number, or there is none"));
            }
            best.push(scores.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        }
        Self::from_ranks(ranks, best)
    }

    /// From what is known of every probe: of mated ones the mate's score and rank (from 1; `usize::MAX` = beyond those that count), of
    /// strangers the best score.
    ///
    /// # Errors
    /// [`Error::Caller`] when there is no mated probe, or a score is not a number.
    pub fn from_ranks(mated: Vec<(f64, usize)>, mut strangers: Vec<f64>) -> Result<Self> {
        if mated.is_empty() {
            return Err(Error::Caller("There is no probe of somebody in the gallery. Give at least one.".to_owned()));
        }
        if mated.iter().map(|m| m.0).chain(strangers.iter().copied()).any(f64::is_nan) {
            return Err(Error::Caller("A probe cannot be counted: its score is not a number.".to_owned()));
        }
        strangers.sort_by(|a, b| b.total_cmp(a));
        Ok(Self { mated, strangers })
    }

    /// Probes of people in the gallery, and of strangers.
    pub fn probes(&self) -> (usize, usize) {
        (self.mated.len(), self.strangers.len())
    }

    /// The part of the mated probes whose mate is at rank `k` or before it, for k = 1, 2, … (cumulative match characteristic).
    pub fn cmc(&self, most: usize) -> Vec<f64> {
        (1..=most).map(|k| self.share(|&(_, rank)| rank <= k)).collect()
    }

    /// Mates that come first.
    pub fn rank1(&self) -> f64 {
        self.share(|&(_, rank)| rank == 1)
    }

    /// Detection and identification at rank `rank` when at most the part `fpir` of the strangers is let in.
    ///
    /// Of N strangers' best scores, the `floor(fpir N) + 1`-th largest is the threshold.
    pub fn dir(&self, fpir: f64, rank: usize) -> Dir {
        let n = self.strangers.len();
        let let_in = (fpir * n as f64 * (1.0 + 2f64.powi(-40))).floor().max(0.0) as usize;
        let threshold = self.strangers.get(let_in).copied().unwrap_or(f64::NEG_INFINITY);
        let dir = self.share(|&(score, r)| r <= rank && score > threshold);
        Dir { fpir, rank, threshold, dir, measurable: fpir * n as f64 >= 1.0 - 1e-9 }
    }

    fn share(&self, counts: impl Fn(&(f64, usize)) -> bool) -> f64 {
        self.mated.iter().filter(|m| counts(m)).count() as f64 / self.mated.len() as f64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ties_count_against_the_probe() {
        let scores = [[0.5, 0.5, 0.1]];
        let i = Identification::new(scores.iter().map(|s| (&s[..], 0)), []).unwrap();
        assert_eq!(i.cmc(3), [0.0, 1.0, 1.0]);
    }

    #[test]
    fn without_strangers_nobody_has_to_be_kept_out() {
        let scores = [[0.5, 0.4]];
        let i = Identification::new(scores.iter().map(|s| (&s[..], 0)), []).unwrap();
        let dir = i.dir(0.01, 1);
        assert_eq!((dir.dir, dir.measurable), (1.0, false));
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        assert!(Identification::new([], []).is_err());
        let (short, nan) = ([0.5], [f64::NAN]);
        assert!(Identification::new([(&short[..], 1)], []).is_err());
        assert!(Identification::new([(&short[..], 0)], [&nan[..]]).is_err());
    }
}
