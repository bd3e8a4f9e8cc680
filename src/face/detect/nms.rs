//! Of boxes that overlap too much, the best one stays.

use std::cmp::Ordering;

use super::real::Real;
use crate::face::Face;

/// Best first; of equal scores the earlier one.
pub(super) fn best_first(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| descending(scores[a], scores[b]));
    order
}

/// The order of scores, best first.
pub(super) fn descending(a: f32, b: f32) -> Ordering {
    b.total_cmp(&a)
}

/// Greedy suppression: indices of those that stay, best first. At most the `most` best are looked at. `clash(kept, other)` says whether
/// one that stays rules another one out.
pub(super) fn suppress(scores: &[f32], most: usize, clash: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for i in best_first(scores).into_iter().take(most) {
        if !kept.iter().any(|&k| clash(k, i)) {
            kept.push(i);
        }
    }
    kept
}

/// The area two boxes have in common, and each one's. `extra` is 1 where corners are pixels that belong to the box, else 0.
fn areas<T: Real>(a: &[T; 4], b: &[T; 4], extra: T) -> (T, T, T) {
    let zero = T::from(0.0);
    let side = |from: T, to: T| to - from + extra;
    let width = side(a[0].or_more(b[0]), a[2].or_less(b[2])).or_more(zero);
    let height = side(a[1].or_more(b[1]), a[3].or_less(b[3])).or_more(zero);
    (width * height, side(a[0], a[2]) * side(a[1], a[3]), side(b[0], b[2]) * side(b[1], b[3]))
}

/// Intersection over union.
pub(super) fn over_union<T: Real>(a: &[T; 4], b: &[T; 4], extra: T) -> T {
    let (common, first, second) = areas(a, b, extra);
    common / (first + second - common)
}

/// Intersection over the smaller of both.
pub(super) fn over_smaller<T: Real>(a: &[T; 4], b: &[T; 4], extra: T) -> T {
    let (common, first, second) = areas(a, b, extra);
    common / first.or_less(second)
}

/// The faces that `kept` names, in that order.
pub(super) fn picked(faces: Vec<Face>, kept: &[usize]) -> Vec<Face> {
    let mut faces: Vec<Option<Face>> = faces.into_iter().map(Some).collect();
    kept.iter().filter_map(|&i| faces.get_mut(i)?.take()).collect()
}

/// One face for each that several orientations of a picture found: those that share more than half of the smaller one.
pub(super) fn merged(faces: Vec<Face>) -> Vec<Face> {
    let scores: Vec<f32> = faces.iter().map(|f| f.score).collect();
    let kept = suppress(&scores, usize::MAX, |a, b| over_smaller(&faces[a].bounds, &faces[b].bounds, 0.0) > 0.5);
    picked(faces, &kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_a_heap_stays_and_equal_scores_keep_their_order() {
        let boxes = [[0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 11.0, 10.0], [100.0, 0.0, 110.0, 10.0], [0.0, 1.0, 10.0, 11.0]];
        let keep = |scores: &[f32]| suppress(scores, 9, |a, b| over_union::<f64>(&boxes[a], &boxes[b], 0.0) > 0.5);
        assert_eq!(keep(&[0.5, 0.9, 0.7, 0.1]), [1, 2]);
        assert_eq!(keep(&[0.5, 0.5, 0.5, 0.5]), [0, 2]);
        assert_eq!(suppress(&[0.1, 0.3, 0.2], 2, |_, _| false), [1, 2]);
        assert!(suppress(&[], 9, |_, _| true).is_empty());
    }

    #[test]
    fn shares_are_those_of_the_areas() {
        let (a, b) = ([0.0, 0.0, 3.0, 3.0], [2.0, 2.0, 3.0, 3.0]);
        assert_eq!(over_union::<f64>(&a, &b, 0.0), 1.0 / 9.0);
        assert_eq!(over_smaller::<f64>(&a, &b, 0.0), 1.0);
        // Pixels 2 and 3 of 0 to 3.
        assert_eq!(over_union::<f32>(&a.map(|x| x as f32), &b.map(|x| x as f32), 1.0), 0.25);
        assert_eq!(over_union::<f64>(&a, &[9.0, 9.0, 10.0, 10.0], 1.0), 0.0);
    }
}
