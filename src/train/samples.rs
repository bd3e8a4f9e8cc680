//! Embeddings with the person of each.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::random::Stream;
use crate::tensor::Tensor;

/// Squares of numbers up to this add up within f32, whatever the length of a row.
const MOST: f32 = 1e15;

/// Frozen embeddings (N x D) and whose each is.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    data: Vec<f32>,
    dimension: usize,
    /// The class of each row: an index into `labels`.
    classes: Vec<usize>,
    /// The label of each class, ascending.
    labels: Vec<i64>,
}

impl Samples {
    /// `embeddings` is N x D; `labels` are N whole numbers, one a person, in any order and with any gaps. Rows of label -1 are left out.
    ///
    /// # Errors
    /// [`Error::Caller`] for shapes that do not fit, numbers that are not finite, or fewer than two people.
    pub fn new(embeddings: &Tensor, labels: &[i64]) -> Result<Self> {
        let &[rows, dimension] = embeddings.shape().as_ref() else {
            return Err(Error::Caller(format!(
                "Embeddings of the shape {} are no rows. Give a matrix, one embedding a row.",
                embeddings.shape()
            )));
        };
        if rows != labels.len() || dimension == 0 {
            return Err(Error::Caller(format!(
                "{rows} embeddings of {dimension} numbers do not fit {} labels. Give one label for every embedding.",
                labels.len()
            )));
        }
        let all = embeddings.to_f32();
        if let Some(i) = all.iter().position(|v| v.is_nan() || v.abs() > MOST) {
            return Err(Error::Caller(format!(
                "Row {} of the embeddings has the number {}. Training needs finite numbers up to {MOST:e} in magnitude; leave the row out.",
                i / dimension,
                all[i]
            )));
        }
        let mut known: BTreeMap<i64, usize> = labels.iter().filter(|&&y| y != -1).map(|&y| (y, 0)).collect();
        known.values_mut().enumerate().for_each(|(i, class)| *class = i);
        let kept = || labels.iter().enumerate().filter(|(_, y)| **y != -1);
        let samples = Self {
            data: kept().flat_map(|(i, _)| all[i * dimension..(i + 1) * dimension].iter().copied()).collect(),
            dimension,
            classes: kept().filter_map(|(_, y)| known.get(y).copied()).collect(),
            labels: known.into_keys().collect(),
        };
        if samples.labels.len() < 2 {
            return Err(Error::Caller(format!("The labels name {} people. Give embeddings of two or more.", samples.labels.len())));
        }
        Ok(samples)
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there are no rows, which [`Samples::new`] refuses.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Numbers of an embedding.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many people there are.
    pub fn people(&self) -> usize {
        self.labels.len()
    }

    /// The label of each class, ascending.
    pub fn labels(&self) -> &[i64] {
        &self.labels
    }

    /// The class of each row, from 0.
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// All rows, one behind the other.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Embedding number `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.data[i * self.dimension..(i + 1) * self.dimension]
    }

    /// The rows of each class.
    pub(super) fn by_person(&self) -> Vec<Vec<usize>> {
        let mut out = vec![Vec::new(); self.labels.len()];
        self.classes.iter().enumerate().for_each(|(i, &c)| out[c].push(i));
        out
    }

    /// Parts the people in two: those to train on, and a share `fraction` (0 to 1) of them to judge by, chosen by `seed`. No person is in
    /// both.
    ///
    /// # Errors
    /// [`Error::Caller`] when either part would have fewer than two people.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Self, Self)> {
        let all = self.people();
        let held = (fraction * all as f64).round();
        if !(held >= 2.0 && held <= all as f64 - 2.0) {
            return Err(Error::Caller(format!(
                "A fraction of {fraction} of {all} people leaves fewer than two to train on or to judge by. Choose another one."
            )));
        }
        let mut order: Vec<usize> = (0..all).collect();
        shuffle(&mut order, &mut Stream::new(seed, SPLIT, 0));
        let mut is_held = vec![false; all];
        order[..held as usize].iter().for_each(|&c| is_held[c] = true);
        Ok((self.only(|c| !is_held[c]), self.only(|c| is_held[c])))
    }

    /// The rows of some classes.
    fn only(&self, wanted: impl Fn(usize) -> bool) -> Self {
        let mut number = vec![0; self.people()];
        let labels: Vec<i64> = self.labels.iter().enumerate().filter(|(c, _)| wanted(*c)).map(|(_, y)| *y).collect();
        (0..self.people()).filter(|&c| wanted(c)).enumerate().for_each(|(new, old)| number[old] = new);
        let rows = || (0..self.len()).filter(|&i| wanted(self.classes[i]));
        Self {
            data: rows().flat_map(|i| self.row(i).iter().copied()).collect(),
            dimension: self.dimension,
            classes: rows().map(|i| number[self.classes[i]]).collect(),
            labels,
        }
    }

    /// The same people with other embeddings.
    pub(super) fn with_rows(&self, data: Vec<f32>, dimension: usize) -> Self {
        Self { data, dimension, classes: self.classes.clone(), labels: self.labels.clone() }
    }

    /// A digest of everything, in hexadecimal.
    pub(super) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(bytemuck::cast_slice::<f32, u8>(&self.data));
        self.classes.iter().for_each(|&c| hash.update((c as u64).to_le_bytes()));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What a stream of random numbers is for.
pub(super) const SPLIT: u64 = u64::MAX;

/// Fisher and Yates.
pub(super) fn shuffle<T>(items: &mut [T], random: &mut Stream) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(random, i + 1));
    }
}

/// A whole number below `n`, which is not 0.
pub(super) fn below(random: &mut Stream, n: usize) -> usize {
    ((random.uniform() * n as f64) as usize).min(n - 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn samples(labels: &[i64]) -> Result<Samples> {
        let data = (0..labels.len() * 2).map(|i| i as f32).collect();
        Samples::new(&Tensor::from_f32([labels.len(), 2], data).unwrap(), labels)
    }

    #[test]
    fn labels_become_classes_and_ignored_rows_are_left_out() {
        let s = samples(&[70, -1, -5, 70, 3]).unwrap();
        assert_eq!((s.len(), s.people(), s.dimension()), (4, 3, 2));
        assert_eq!((s.labels(), s.classes()), (&[-5, 3, 70][..], &[2, 0, 2, 1][..]));
        assert_eq!(s.row(1), [4.0, 5.0]);
        assert_eq!(s.by_person(), [vec![1], vec![3], vec![0, 2]]);
    }

    #[test]
    fn no_person_is_on_both_sides_of_a_split() {
        let labels: Vec<i64> = (0..60).map(|i| i % 20).collect();
        let all = samples(&labels).unwrap();
        for seed in 0..5 {
            let (train, held) = all.split(0.3, seed).unwrap();
            assert_eq!((train.people(), held.people()), (14, 6));
            assert_eq!((train.len(), held.len()), (42, 18));
            assert!(held.labels().iter().all(|y| !train.labels().contains(y)));
            // Rows keep their people.
            for (i, &c) in held.classes().iter().enumerate() {
                let row = (held.row(i)[0] / 2.0) as usize;
                assert_eq!(labels[row], held.labels()[c]);
            }
        }
        assert_ne!(all.split(0.3, 1).unwrap().1.labels(), all.split(0.3, 2).unwrap().1.labels());
        for fraction in [0.0, 0.05, 0.95, 1.0, -1.0, f64::NAN] {
            assert!(all.split(fraction, 1).is_err(), "{fraction}");
        }
    }

    #[test]
    fn what_cannot_be_trained_on_is_refused() {
        assert!(samples(&[1, 1]).unwrap_err().to_string().contains("1 people"));
        assert!(samples(&[-1, -1]).is_err());
        assert!(Samples::new(&Tensor::zeros([2]), &[0, 1]).unwrap_err().to_string().contains("shape"));
        assert!(Samples::new(&Tensor::zeros([2, 3]), &[0]).unwrap_err().to_string().contains("1 labels"));
        let broken = Tensor::from_f32([2, 1], vec![0.0, f32::NAN]).unwrap();
        assert!(Samples::new(&broken, &[0, 1]).unwrap_err().to_string().contains("Row 1"));
    }
}
