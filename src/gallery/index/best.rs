//! The best results so far.

use std::collections::{BinaryHeap, HashMap};

/// How good a result is: smaller is better, so a tuple (rank, id) is the total order of results.
pub(super) fn rank(score: f32) -> u32 {
    if score.is_nan() {
        return u32::MAX;
    }
    let bits = (score + 0.0).to_bits();
    let ascending = if bits >> 31 == 1 { !bits } else { bits | 0x8000_0000 };
    !ascending
}

/// A result: rank, id, place, score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) rank: u32,
    pub(super) id: u64,
    pub(super) place: u32,
    pub(super) score: f32,
}

impl Found {
    pub(super) fn new(score: f64, id: u64, place: usize) -> Self {
        // -0 becomes 0.
        let score = score as f32 + 0.0;
        Self { rank: rank(score), id, place: place as u32, score }
    }

    fn key(&self) -> (u32, u64) {
        (self.rank, self.id)
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Found {}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// The k best rows, or the k best labels.
#[derive(Debug)]
pub(super) enum Best {
    Rows(usize, BinaryHeap<Found>),
    Labels(usize, HashMap<u32, Found>),
}

impl Best {
    /// Keeps a row.
    pub(super) fn offer(&mut self, label: u32, found: Found) {
        match self {
            Self::Rows(k, heap) => {
                if heap.len() < *k {
                    heap.push(found);
                } else if heap.peek().is_some_and(|worst| found < *worst) {
                    heap.pop();
                    heap.push(found);
                }
            }
            Self::Labels(_, labels) => {
                let best = labels.entry(label).or_insert(found);
                *best = found.min(*best);
            }
        }
    }

    /// Whether a label has a result.
    pub(super) fn knows(&self, label: u32) -> bool {
        matches!(self, Self::Labels(_, labels) if labels.contains_key(&label))
    }

    /// The rank of the last of k results; `None` while there are fewer.
    pub(super) fn cutoff(&self) -> Option<u32> {
        match self {
            Self::Rows(k, heap) => heap.peek().filter(|_| heap.len() >= *k).map(|worst| worst.rank),
            Self::Labels(k, labels) => {
                let at = k.checked_sub(1).filter(|&at| at < labels.len())?;
                let mut ranks: Vec<u32> = labels.values().map(|f| f.rank).collect();
                Some(*ranks.select_nth_unstable(at).1)
            }
        }
    }

    /// The results, best first.
    pub(super) fn into_sorted(self) -> Vec<Found> {
        match self {
            Self::Rows(_, heap) => heap.into_sorted_vec(),
            Self::Labels(k, labels) => {
                let mut found: Vec<_> = labels.into_values().collect();
                found.sort_unstable();
                found.truncate(k);
                found
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_ascend_from_the_best_score_and_zeros_are_equal() {
        let scores = [f32::INFINITY, 2.0, 1.0, f32::MIN_POSITIVE, 0.0, -1e-40, -1.0, f32::NEG_INFINITY, f32::NAN];
        assert!(scores.windows(2).all(|w| rank(w[0]) < rank(w[1])));
        assert_eq!(rank(0.0), rank(-0.0));
        assert_eq!(rank(f32::NAN), rank(-f32::NAN));
    }

    #[test]
    fn equal_scores_are_ordered_by_id_and_the_worst_leaves() {
        let mut best = Best::Rows(3, BinaryHeap::new());
        for (score, id) in [(1.0, 9), (1.0, 2), (0.5, 1), (f64::NAN, 0), (1.0, 5), (2.0, 7)] {
            best.offer(0, Found::new(score, id, 0));
        }
        assert_eq!(best.into_sorted().iter().map(|f| f.id).collect::<Vec<_>>(), [7, 2, 5]);
    }
}
