//! Who was seen before.

use lookalike::embed::{Comparison, Embedding};

/// People by number, each with the embedding of their first appearance.
pub(super) struct People {
    comparison: Comparison,
    seen: Vec<Embedding>,
}

impl People {
    pub(super) fn new(comparison: Comparison) -> Self {
        Self { comparison, seen: Vec::new() }
    }

    /// The person most like this one, if alike enough, else a new one; and the score to who it is (a new person has none).
    pub(super) fn who(&mut self, embedding: &Embedding) -> (usize, Option<f32>) {
        let mut best: Option<(usize, f32)> = None;
        for (i, other) in self.seen.iter().enumerate() {
            let score = self.comparison.score(embedding, other);
            if self.comparison.accepts(score) && best.is_none_or(|(_, b)| self.comparison.better(score, b)) {
                best = Some((i, score));
            }
        }
        match best {
            Some((person, score)) => (person, Some(score)),
            None => {
                self.seen.push(embedding.clone());
                (self.seen.len() - 1, None)
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use lookalike::model::Similarity;

    #[test]
    fn people_are_numbered_as_they_appear() {
        let mut people = People::new(Comparison::plain(Similarity::Cosine, 0.9).unwrap());
        let e = |x: f32, y: f32| Embedding(vec![x, y]);
        assert_eq!(people.who(&e(1.0, 0.0)), (0, None));
        assert_eq!(people.who(&e(0.0, 1.0)), (1, None));
        assert_eq!(people.who(&e(0.01, 1.0)).0, 1);
        assert_eq!(people.who(&e(-1.0, 0.0)), (2, None));
        assert_eq!(people.len(), 3);
    }
}
