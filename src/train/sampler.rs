//! Which rows a step sees. Every batch is a function of the seed and the number of its step.

use super::objective::Objective;
use super::samples::{Samples, below, shuffle};
use crate::error::{Error, Result};
use crate::random::Stream;

/// How batches are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// All rows in a new order every epoch, `batch` at a time; what is left over at the end of an epoch is not seen in it.
    Shuffled {
        /// Rows of a batch; all, if there are fewer.
        batch: usize,
    },
    /// `people` people, `pictures` rows of each (Hermans 2017). In an epoch every person comes once, in a new order; those that are left over
    /// do not come. A person with fewer rows is drawn with repetitions.
    People {
        /// People of a batch.
        people: usize,
        /// Rows of each.
        pictures: usize,
    },
}

impl Sampling {
    /// Rows of a batch from `samples`.
    pub(super) fn rows(&self, samples: &Samples) -> usize {
        match *self {
            Self::Shuffled { batch } => batch.min(samples.len()),
            Self::People { people, pictures } => people.saturating_mul(pictures),
        }
    }

    /// Steps of an epoch of `samples` under `objective`.
    ///
    /// # Errors
    /// Batches that are empty, or want more people than there are.
    pub fn steps_per_epoch(&self, samples: &Samples, objective: &Objective) -> Result<u64> {
        Ok(Sampler::new(*self, samples, 0, !objective.has_classes())?.per_epoch())
    }
}

/// Purposes of random streams.
const ORDER: u64 = 1 << 62;
const NEGATIVES: u64 = ORDER + 1;

/// Draws batches.
pub(super) struct Sampler {
    sampling: Sampling,
    seed: u64,
    /// Rows of each person that takes part.
    people: Vec<Vec<usize>>,
    batch: usize,
    /// Batches of an epoch.
    per_epoch: u64,
    /// The order of an epoch: rows, or people.
    order: Vec<usize>,
    /// Which one that is.
    epoch: Option<u64>,
}

impl Sampler {
    /// `pairs`: whether people with one row only are of no use.
    ///
    /// # Errors
    /// Batches that are empty, or want more people than there are.
    pub(super) fn new(sampling: Sampling, samples: &Samples, seed: u64, pairs: bool) -> Result<Self> {
        let mut people = samples.by_person();
        if pairs {
            people.retain(|rows| rows.len() > 1);
        }
        let (items, each) = match sampling {
            Sampling::Shuffled { batch } => (samples.len(), batch.min(samples.len())),
            Sampling::People { people: wanted, pictures } => {
                if wanted < 2 || pictures == 0 || pairs && pictures < 2 || wanted > people.len() {
                    return Err(Error::Caller(format!(
                        "Batches of {wanted} people with {pictures} pictures each cannot be drawn from {} people{}. Take at least 2 people and {} pictures, and no more people than there are.",
                        people.len(),
                        if pairs { " with two pictures or more" } else { "" },
                        if pairs { 2 } else { 1 }
                    )));
                }
                (people.len(), wanted)
            }
        };
        if each == 0 {
            return Err(Error::Caller("A batch of 0 embeddings is none. Choose a batch of at least 1.".to_owned()));
        }
        let per_epoch = (items / each) as u64;
        Ok(Self { sampling, seed, people, batch: each, per_epoch, order: (0..items).collect(), epoch: None })
    }

    /// Batches of an epoch.
    pub(super) fn per_epoch(&self) -> u64 {
        self.per_epoch
    }

    /// The rows of step `number`, from 0.
    pub(super) fn batch(&mut self, number: u64) -> Vec<usize> {
        let (epoch, place) = (number / self.per_epoch, (number % self.per_epoch) as usize);
        if self.epoch != Some(epoch) {
            self.order.sort_unstable();
            shuffle(&mut self.order, &mut Stream::new(self.seed, ORDER, epoch));
            self.epoch = Some(epoch);
        }
        let chosen = &self.order[place * self.batch..(place + 1) * self.batch];
        match self.sampling {
            Sampling::Shuffled { .. } => chosen.to_vec(),
            Sampling::People { pictures, .. } => {
                let mut out = Vec::with_capacity(chosen.len() * pictures);
                for &person in chosen {
                    let mut rows = self.people[person].clone();
                    shuffle(&mut rows, &mut Stream::new(self.seed, person as u64, epoch));
                    out.extend(rows.iter().cycle().take(pictures));
                }
                out
            }
        }
    }

    /// All pairs of one person among `labels`, and as many of different people, drawn for step `number`: (row, row, 1 same or 0 different).
    pub(super) fn pairs(&self, labels: &[i64], number: u64) -> Vec<[u32; 3]> {
        let n = labels.len();
        let all = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
        let mut out: Vec<[u32; 3]> = all.filter(|&(i, j)| labels[i] == labels[j]).map(|(i, j)| [i as u32, j as u32, 1]).collect();
        let same = out.len();
        if labels.iter().all(|y| Some(y) == labels.first()) {
            return out;
        }
        let mut random = Stream::new(self.seed, NEGATIVES, number);
        while out.len() < 2 * same {
            let (i, j) = (below(&mut random, n), below(&mut random, n));
            if labels[i] != labels[j] {
                out.push([i as u32, j as u32, 0]);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;

    use super::*;
    use crate::tensor::Tensor;

    /// Person p has p % 3 + 1 rows.
    fn samples() -> Samples {
        let labels: Vec<i64> = (0..12).flat_map(|p| vec![p; p as usize % 3 + 1]).collect();
        Samples::new(&Tensor::zeros([labels.len(), 1]), &labels).unwrap()
    }

    #[test]
    fn an_epoch_sees_every_row_once_and_the_next_in_another_order() {
        let s = samples();
        let mut sampler = Sampler::new(Sampling::Shuffled { batch: 6 }, &s, 5, false).unwrap();
        assert_eq!(sampler.per_epoch(), 4);
        let epoch = |sampler: &mut Sampler, e: u64| (0..4).flat_map(|i| sampler.batch(4 * e + i)).collect::<Vec<_>>();
        let (first, second) = (epoch(&mut sampler, 0), epoch(&mut sampler, 1));
        assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 24);
        assert_eq!(second.iter().collect::<BTreeSet<_>>().len(), 24);
        assert_ne!(first, second);
        // Any step can be asked for in any order.
        let mut fresh = Sampler::new(Sampling::Shuffled { batch: 6 }, &s, 5, false).unwrap();
        assert_eq!(fresh.batch(5), second[6..12]);
        assert_eq!(fresh.batch(0), first[..6]);
        let mut other = Sampler::new(Sampling::Shuffled { batch: 6 }, &s, 6, false).unwrap();
        assert_ne!(other.batch(0), first[..6]);
    }

    #[test]
    fn batches_of_people_have_as_many_rows_of_each() {
        let s = samples();
        for (pairs, there) in [(true, 8), (false, 12)] {
            let mut sampler = Sampler::new(Sampling::People { people: 4, pictures: 3 }, &s, 1, pairs).unwrap();
            assert_eq!(sampler.per_epoch(), there / 4);
            let mut seen = BTreeSet::new();
            for step in 0..sampler.per_epoch() {
                let batch = sampler.batch(step);
                assert_eq!(batch.len(), 12);
                for rows in batch.chunks(3) {
                    let people: BTreeSet<_> = rows.iter().map(|&i| s.classes()[i]).collect();
                    assert_eq!(people.len(), 1);
                    let distinct = rows.iter().collect::<BTreeSet<_>>().len();
                    assert_eq!(distinct, s.by_person()[s.classes()[rows[0]]].len(), "all rows of a person before one comes again");
                    seen.extend(people);
                }
            }
            assert_eq!(seen.len() as u64, there);
        }
    }

    #[test]
    fn pairs_are_all_of_one_person_and_as_many_others() {
        let s = samples();
        let sampler = Sampler::new(Sampling::People { people: 2, pictures: 2 }, &s, 1, true).unwrap();
        let labels = [4, 4, 4, 9, 9];
        let pairs = sampler.pairs(&labels, 3);
        assert_eq!(pairs.len(), 8);
        assert!(pairs.iter().all(|p| (labels[p[0] as usize] == labels[p[1] as usize]) == (p[2] == 1) && p[0] != p[1]));
        assert_eq!(pairs.iter().filter(|p| p[2] == 1).collect::<BTreeSet<_>>().len(), 4);
        assert_eq!(pairs, sampler.pairs(&labels, 3));
        assert_ne!(pairs, sampler.pairs(&labels, 4));
        assert_eq!(sampler.pairs(&[7, 7], 1).len(), 1);
        assert!(sampler.pairs(&[7, 8], 1).is_empty());
    }

    #[test]
    fn batches_that_cannot_be_drawn_are_refused() {
        let s = samples();
        for sampling in [
            Sampling::Shuffled { batch: 0 },
            Sampling::People { people: 1, pictures: 4 },
            Sampling::People { people: 9, pictures: 2 },
            Sampling::People { people: 4, pictures: 1 },
            Sampling::People { people: 4, pictures: 0 },
        ] {
            assert!(Sampler::new(sampling, &s, 1, true).is_err(), "{sampling:?}");
        }
    }
}
