//! Embeddings and whose they are.

use std::collections::{HashMap, HashSet};

use super::Projection;
use super::linalg::affine;
use crate::error::{Error, Result};

/// Embeddings to learn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    dimension: usize,
    numbers: Vec<f64>,
    /// The rows of every person, people in the order in which they first occur.
    people: Vec<Vec<usize>>,
    /// The person of every row.
    person: Vec<usize>,
}

/// Rows of [`Samples`], two by two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Of one person.
    pub same: Vec<[usize; 2]>,
    /// Of two people.
    pub different: Vec<[usize; 2]>,
}

impl Samples {
    /// `numbers` is row-major, `labels.len()` rows of `dimension`; a label is a person.
    ///
    /// # Errors
    /// [`Error::Caller`] when the lengths do not fit, there is nothing, or a number is not finite.
    pub fn new(numbers: &[f32], dimension: usize, labels: &[u32]) -> Result<Self> {
        if dimension == 0 || labels.is_empty() || labels.len().checked_mul(dimension) != Some(numbers.len()) {
            return Err(Error::Caller(format!(
                "{} numbers and {} labels do not make embeddings of {dimension} numbers. Give a label for every embedding.",
                numbers.len(),
                labels.len()
            )));
        }
        if let Some(i) = numbers.iter().position(|x| !x.is_finite()) {
            return Err(Error::Caller(format!("Embedding {} holds a number that is not finite. Leave it out.", i / dimension)));
        }
        let mut known = HashMap::new();
        let person: Vec<usize> = labels
            .iter()
            .map(|&label| {
                let next = known.len();
                *known.entry(label).or_insert(next)
            })
            .collect();
        let mut people = vec![Vec::new(); known.len()];
        person.iter().enumerate().for_each(|(row, &p)| people[p].push(row));
        Ok(Self { dimension, numbers: numbers.iter().map(|&x| f64::from(x)).collect(), people, person })
    }

    /// Numbers of an embedding.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many embeddings.
    pub fn rows(&self) -> usize {
        self.person.len()
    }

    /// How many people.
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// All embeddings, row-major.
    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// One embedding.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.numbers[i * self.dimension..(i + 1) * self.dimension]
    }

    /// The rows of each person.
    pub(super) fn by_person(&self) -> &[Vec<usize>] {
        &self.people
    }

    /// Every embedding scaled to unit length; zeros stay.
    pub fn unit_length(mut self) -> Self {
        for row in self.numbers.chunks_exact_mut(self.dimension) {
            let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|x| *x /= length);
            }
        }
        self
    }

    /// Every number multiplied by its factor.
    pub(super) fn scaled(&self, factors: &[f32]) -> Self {
        let mut out = self.clone();
        for row in out.numbers.chunks_exact_mut(self.dimension) {
            row.iter_mut().zip(factors).for_each(|(x, &f)| *x *= f64::from(f));
        }
        out
    }

    /// The same people behind a projection.
    ///
    /// # Errors
    /// [`Error::Caller`] when it takes embeddings of another length.
    pub fn projected(&self, projection: &Projection) -> Result<Self> {
        if projection.inputs != self.dimension {
            return Err(Error::Caller(format!(
                "A projection of {} numbers does not take embeddings of {}. Give embeddings of the model it was fitted on.",
                projection.inputs, self.dimension
            )));
        }
        let numbers = affine(&projection.weight, &projection.bias, &self.numbers);
        Ok(Self { dimension: projection.outputs(), numbers, ..self.clone() })
    }

    /// # Errors
    /// [`Error::Caller`] unless there are two people, one of them with two embeddings.
    pub(super) fn need_pairs(&self) -> Result<()> {
        if self.people.len() >= 2 && self.people.iter().any(|p| p.len() >= 2) {
            return Ok(());
        }
        Err(Error::Caller(format!(
            "{} embeddings of {} people have no pairs of one person and of two. Give at least two people, one with two embeddings.",
            self.rows(),
            self.people()
        )))
    }

    /// Pairs to learn from, at most `most` of one person and as many of two; where there are more, some are drawn, always the same ones.
    ///
    /// # Errors
    /// [`Error::Caller`] when there are none.
    pub fn pairs(&self, most: usize) -> Result<Pairs> {
        self.need_pairs()?;
        let mut random = Random(1);
        let choose_two = |n: usize| n * n.saturating_sub(1) / 2;
        let all_same: usize = self.people.iter().map(|p| choose_two(p.len())).sum();
        let all_different = choose_two(self.rows()) - all_same;
        let same = if all_same <= most.saturating_mul(4) {
            let of_one = |p: &Vec<usize>| {
                let each = |(n, &i): (usize, &usize)| p[n + 1..].iter().map(|&j| [i, j]).collect::<Vec<_>>();
                p.iter().enumerate().flat_map(each).collect::<Vec<_>>()
            };
            random.some(self.people.iter().flat_map(of_one).collect(), most)
        } else {
            // A row, then another one of that person: who has many pictures counts by pictures, not by pairs.
            random.draw(most, |r| {
                let i = r.below(self.rows());
                let own = &self.people[self.person[i]];
                [i, own[r.below(own.len())]]
            })
        };
        let wanted = same.len();
        let different = if all_different <= wanted.saturating_mul(4) {
            let others = |i: usize| (i + 1..self.rows()).filter(move |&j| self.person[i] != self.person[j]).map(move |j| [i, j]);
            random.some((0..self.rows()).flat_map(others).collect(), wanted)
        } else {
            random.draw(wanted, |r| {
                let (i, j) = (r.below(self.rows()), r.below(self.rows()));
                // The same row twice is no pair.
                if self.person[i] == self.person[j] { [i, i] } else { [i, j] }
            })
        };
        Ok(Pairs { same, different })
    }
}

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((u128::from(z ^ (z >> 31)) * n as u128) >> 64) as usize
    }

    /// At most `most` of these, in ascending order.
    fn some(&mut self, mut pairs: Vec<[usize; 2]>, most: usize) -> Vec<[usize; 2]> {
        for i in (1..pairs.len()).rev() {
            let j = self.below(i + 1);
            pairs.swap(i, j);
        }
        pairs.truncate(most);
        pairs.sort_unstable();
        pairs
    }

    /// `wanted` different pairs of two rows, in ascending order; there are several times as many.
    fn draw(&mut self, wanted: usize, pair: impl Fn(&mut Self) -> [usize; 2]) -> Vec<[usize; 2]> {
        let mut seen = HashSet::with_capacity(wanted);
        // Ends also where most rows have no partner.
        for _ in 0..wanted.saturating_mul(200) {
            if seen.len() == wanted {
                break;
            }
            let [i, j] = pair(self);
            if i != j {
                seen.insert([i.min(j), i.max(j)]);
            }
        }
        let mut pairs: Vec<_> = seen.into_iter().collect();
        pairs.sort_unstable();
        pairs
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn pairs_are_all_or_a_share_without_repetition() {
        let labels: Vec<u32> = (0..40).map(|i| if i < 20 { 7 } else { i }).collect();
        let samples = Samples::new(&[0.0; 40], 1, &labels).unwrap();
        let all = samples.pairs(1000).unwrap();
        assert_eq!((all.same.len(), all.different.len()), (190, 190));
        for most in [3, 60, 189] {
            let some = samples.pairs(most).unwrap();
            assert_eq!((some.same.len(), some.different.len()), (most, most));
            assert!(some.same.iter().all(|&[i, j]| i < j && j < 20) && some.different.iter().all(|&[i, j]| i < j && j >= 20));
            assert!(some.same.windows(2).chain(some.different.windows(2)).all(|w| w[0] < w[1]));
            assert_eq!(some, samples.pairs(most).unwrap());
        }
    }

    #[test]
    fn what_cannot_be_learned_from_is_refused() {
        let refused = |n: &[f32], d, l: &[u32]| Samples::new(n, d, l).unwrap_err().to_string();
        assert!(refused(&[1.0; 5], 2, &[0, 1]).contains("5 numbers"));
        assert!(refused(&[], 2, &[]).contains("0 labels"));
        assert!(refused(&[1.0], 0, &[1]).contains("of 0 numbers"));
        assert!(refused(&[1.0, 2.0, f32::NAN, 1.0], 2, &[0, 1]).contains("Embedding 1"));
        for labels in [[0, 0, 0], [0, 1, 2]] {
            let samples = Samples::new(&[1.0, 2.0, 3.0], 1, &labels).unwrap();
            assert!(samples.pairs(9).unwrap_err().to_string().contains("no pairs"));
        }
    }
}
