//! How well a clustering agrees with who is who.

use std::collections::HashMap;

/// Precision, recall and their harmonic mean, each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Agreement {
    /// Of what was put together, the part that belongs together.
    pub precision: f64,
    /// Of what belongs together, the part that was put together.
    pub recall: f64,
    /// `2 p r / (p + r)`.
    pub f: f64,
}

impl Agreement {
    fn new(precision: f64, recall: f64) -> Self {
        let sum = precision + recall;
        Self { precision, recall, f: if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 } }
    }
}

/// Faces by true label, by found label, and by both.
struct Table {
    faces: f64,
    truth: HashMap<u32, f64>,
    found: HashMap<u32, f64>,
    both: HashMap<(u32, u32), f64>,
}

impl Table {
    fn new(truth: &[u32], found: &[u32]) -> Self {
        let mut table = Self { faces: 0.0, truth: HashMap::new(), found: HashMap::new(), both: HashMap::new() };
        for (&t, &f) in truth.iter().zip(found) {
            table.faces += 1.0;
            *table.truth.entry(t).or_default() += 1.0;
            *table.found.entry(f).or_default() += 1.0;
            *table.both.entry((t, f)).or_default() += 1.0;
        }
        table
    }
}

/// Over all pairs of faces: those in one group, against those of one person. Without any pair on a side, its part is 1.
pub fn pairwise(truth: &[u32], found: &[u32]) -> Agreement {
    let table = Table::new(truth, found);
    let pairs = |counts: &mut dyn Iterator<Item = &f64>| counts.map(|n| n * (n - 1.0) / 2.0).sum::<f64>();
    let right = pairs(&mut table.both.values());
    let part = |of: f64| if of > 0.0 { right / of } else { 1.0 };
    Agreement::new(part(pairs(&mut table.found.values())), part(pairs(&mut table.truth.values())))
}

/// BCubed (Bagga and Baldwin 1998): precision and recall of every face's group, averaged over faces; a face alone counts.
pub fn bcubed(truth: &[u32], found: &[u32]) -> Agreement {
    let table = Table::new(truth, found);
    let mean = |size: &dyn Fn(&(u32, u32)) -> f64| {
        let sum: f64 = table.both.iter().map(|(key, n)| n * n / size(key)).sum();
        if table.faces > 0.0 { sum / table.faces } else { 1.0 }
    };
    Agreement::new(mean(&|(_, f)| table.found[f]), mean(&|(t, _)| table.truth[t]))
}

/// Normalised mutual information, by the arithmetic mean of both entropies; 1 where neither has any.
pub fn normalised_mutual_information(truth: &[u32], found: &[u32]) -> f64 {
    let table = Table::new(truth, found);
    let entropy = |counts: &HashMap<u32, f64>| -counts.values().map(|n| n / table.faces * (n / table.faces).ln()).sum::<f64>();
    let (a, b) = (entropy(&table.truth), entropy(&table.found));
    let mutual: f64 =
        table.both.iter().map(|((t, f), n)| n / table.faces * (n * table.faces / (table.truth[t] * table.found[f])).ln()).sum();
    if a + b > 0.0 { 2.0 * mutual / (a + b) } else { 1.0 }
}
