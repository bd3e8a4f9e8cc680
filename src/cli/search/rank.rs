//! The nearest faces of a gallery.

use std::cmp::Ordering;
use std::collections::HashMap;

use lookalike::Result;
use lookalike::gallery::Gallery;
use lookalike::model::Similarity;

/// Choices of a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct RankOptions {
    /// What is a score: the cosine, or minus the euclidean distance.
    pub(super) similarity: Similarity,
    /// Whether a person shows up once, with the best face.
    pub(super) per_person: bool,
}

/// A face of the gallery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hit {
    pub(super) id: u64,
    pub(super) person: u64,
    pub(super) score: f32,
}

/// More alike first, then smaller ids; what is not a number is last.
fn order(a: &Hit, b: &Hit) -> Ordering {
    let number = |x: f32| if x.is_nan() { f32::NEG_INFINITY } else { x };
    let by_score = a.score.is_nan().cmp(&b.score.is_nan()).then(number(b.score).total_cmp(&number(a.score)));
    by_score.then(a.id.cmp(&b.id))
}

/// For every probe the `k` best faces, best first.
///
/// # Errors
/// As [`Gallery::entries`].
pub(super) fn rank(gallery: &Gallery, probes: &[&[f32]], k: usize, options: &RankOptions) -> Result<Vec<Vec<Hit>>> {
    let lengths: Vec<f64> = probes.iter().map(|p| dot(p, p).sqrt()).collect();
    let mut best: Vec<Best> = probes.iter().map(|_| Best::new(k, options.per_person)).collect();
    for entry in gallery.entries()? {
        let e = entry?;
        let length = dot(&e.vector, &e.vector).sqrt();
        for ((probe, &own), best) in probes.iter().zip(&lengths).zip(&mut best) {
            let score = match options.similarity {
                Similarity::Cosine if own * length == 0.0 => 0.0,
                Similarity::Cosine => dot(probe, &e.vector) / (own * length),
                Similarity::Euclidean => -distance(probe, &e.vector),
            };
            best.offer(Hit { id: e.id, person: e.person, score: score as f32 });
        }
    }
    Ok(best.into_iter().map(Best::finish).collect())
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum::<f64>().sqrt()
}

/// The best of what was offered.
struct Best {
    k: usize,
    /// Up to 2k of them; the best k are among them.
    hits: Vec<Hit>,
    /// Per person, where every person counts once.
    people: Option<HashMap<u64, Hit>>,
}

impl Best {
    fn new(k: usize, per_person: bool) -> Self {
        Self { k, hits: Vec::new(), people: per_person.then(HashMap::new) }
    }

    fn offer(&mut self, hit: Hit) {
        if let Some(people) = &mut self.people {
            let best = people.entry(hit.person).or_insert(hit);
            if order(&hit, best) == Ordering::Less {
                *best = hit;
            }
            return;
        }
        self.hits.push(hit);
        if self.hits.len() >= 2 * self.k.max(32) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.hits.sort_unstable_by(order);
        self.hits.truncate(self.k);
    }

    fn finish(mut self) -> Vec<Hit> {
        if let Some(people) = self.people.take() {
            self.hits = people.into_values().collect();
        }
        self.cut();
        self.hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(id: u64, person: u64, score: f32) -> Hit {
        Hit { id, person, score }
    }

    #[test]
    fn ties_go_to_smaller_ids_and_nan_is_last() {
        let mut best = Best::new(4, false);
        for (id, score) in [(5, 0.5), (1, f32::NAN), (4, 0.5), (3, f32::NEG_INFINITY), (2, 0.9)] {
            best.offer(hit(id, 0, score));
        }
        let ids = best.finish().iter().map(|h| h.id).collect::<Vec<_>>();
        assert_eq!(ids, [2, 4, 5, 3]);
    }

    #[test]
    fn many_offers_leave_the_best() {
        let mut best = Best::new(3, false);
        (0..1000u64).for_each(|i| best.offer(hit(i, 0, (i * 617 % 1000) as f32)));
        assert_eq!(best.finish().iter().map(|h| h.score).collect::<Vec<_>>(), [999.0, 998.0, 997.0]);
    }

    #[test]
    fn a_person_shows_up_once_with_the_best_face() {
        let mut best = Best::new(5, true);
        for (id, person, score) in [(1, 1, 0.2), (2, 2, 0.8), (3, 1, 0.9), (4, 2, 0.8)] {
            best.offer(hit(id, person, score));
        }
        assert_eq!(best.finish(), [hit(3, 1, 0.9), hit(2, 2, 0.8)]);
    }
}
