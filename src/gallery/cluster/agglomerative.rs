//! Agglomerative clustering by average linkage (FaceNet, Schroff et al. 2015, clusters faces so).

use super::consecutive;
use crate::error::{Error, Result};
use crate::gallery::index::Neighbours;

/// Faces above this number would need more than 1.6 GB of similarities.
const MOST: usize = 20_000;

/// Merges the two groups with the highest mean score between their faces, until none is at least `threshold`.
///
/// The graph has to hold all pairs: `neighbours(usize::MAX, None)`. A pair that is missing is infinitely far apart.
/// Computed by chains of nearest neighbours (Murtagh 1983), which find the same merges as the greedy order in O(n²).
///
/// # Errors
/// More than 20,000 faces.
pub fn agglomerative(graph: &Neighbours, threshold: f32) -> Result<Vec<u32>> {
    let n = graph.edges.len();
    if n > MOST {
        return Err(Error::Limits(format!(
            "{n} faces are too many for agglomerative clustering, which takes up to {MOST}. Use Chinese whispers or connected components."
        )));
    }
    let mut score = vec![f32::NEG_INFINITY; n * n];
    for (i, edges) in graph.edges.iter().enumerate() {
        for &(j, s) in edges {
            score[i * n + j as usize] = s;
            score[j as usize * n + i] = s;
        }
    }
    let mut size = vec![1f64; n];
    let mut alive: Vec<usize> = (0..n).collect();
    let mut label: Vec<usize> = (0..n).collect();
    let mut chain: Vec<usize> = Vec::new();
    while !alive.is_empty() {
        let top = match chain.last() {
            Some(&top) => top,
            None => {
                chain.push(alive[0]);
                alive[0]
            }
        };
        let before = chain.len().checked_sub(2).map(|i| chain[i]);
        // The one before goes first among equals, so that the chain ends; then the lowest.
        let mut nearest = before.map(|b| (b, score[top * n + b]));
        for &other in alive.iter().filter(|&&o| o != top) {
            let s = score[top * n + other];
            if nearest.is_none_or(|(_, most)| s > most) {
                nearest = Some((other, s));
            }
        }
        match nearest.filter(|&(_, s)| s >= threshold) {
            Some((mate, _)) if Some(mate) == before => {
                chain.truncate(chain.len() - 2);
                let (keep, gone) = (top.min(mate), top.max(mate));
                let (a, b) = (size[keep], size[gone]);
                for &other in alive.iter().filter(|&&o| o != keep && o != gone) {
                    let mean = (f64::from(score[keep * n + other]) * a + f64::from(score[gone * n + other]) * b) / (a + b);
                    score[keep * n + other] = mean as f32;
                    score[other * n + keep] = mean as f32;
                }
                size[keep] = a + b;
                alive.retain(|&o| o != gone);
                label[gone] = keep;
            }
            Some((mate, _)) => chain.push(mate),
            // Nothing will ever be near enough to it: means of scores below the threshold stay below.
            None => {
                chain.pop();
                alive.retain(|&o| o != top);
            }
        }
    }
    // A group's label is its lowest face, which may have been merged into a lower one later.
    for i in 0..n {
        let mut at = i;
        while label[at] != at {
            at = label[at];
        }
        label[i] = at;
    }
    Ok(consecutive(&label))
}
