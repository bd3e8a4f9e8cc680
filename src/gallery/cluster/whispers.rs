//! Chinese whispers (Biemann 2006).

use super::consecutive;
use crate::gallery::index::Neighbours;
use crate::random::Random;

/// How whispers travel.
#[derive(Clone, Copy, Debug)]
pub struct Whispers {
    /// Seeds the order of faces; the result depends on it.
    pub seed: u64,
    /// Times that every face listens, at most: it ends when nothing changes.
    pub sweeps: u32,
    /// Whether a neighbour counts by its score (facenet's variant, for similarities above 0), or every one as 1 (dlib's).
    pub weighted: bool,
}

impl Default for Whispers {
    fn default() -> Self {
        Self { seed: 0, sweeps: 100, weighted: false }
    }
}

/// Every face begins alone; in an order drawn anew for each sweep, it takes the label that has most weight among its neighbours, the
/// lowest of equal ones. Without weights it listens to itself too, as in dlib. Neighbours are those of the graph, in either direction.
pub fn chinese_whispers(graph: &Neighbours, options: &Whispers) -> Vec<u32> {
    let n = graph.edges.len();
    let mut edges: Vec<Vec<(u32, f64)>> = vec![Vec::new(); n];
    for (i, own) in graph.edges.iter().enumerate() {
        for &(j, score) in own {
            let weight = if options.weighted { f64::from(score.max(0.0)) } else { 1.0 };
            edges[i].push((j, weight));
            edges[j as usize].push((i as u32, weight));
        }
    }
    for own in &mut edges {
        own.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        own.dedup_by_key(|e| e.0);
    }
    let mut labels: Vec<u32> = (0..n as u32).collect();
    let mut order: Vec<usize> = (0..n).collect();
    let mut random = Random(options.seed);
    let mut votes: Vec<(u32, f64)> = Vec::new();
    for _ in 0..options.sweeps {
        for i in (1..n).rev() {
            order.swap(i, random.below(i + 1));
        }
        let mut changed = false;
        for &i in &order {
            votes.clear();
            if !options.weighted {
                votes.push((labels[i], 1.0));
            }
            votes.extend(edges[i].iter().map(|&(j, w)| (labels[j as usize], w)));
            votes.sort_unstable_by_key(|v| v.0);
            let (mut best, mut most) = (labels[i], f64::NEG_INFINITY);
            for of_one in votes.chunk_by(|a, b| a.0 == b.0) {
                let sum: f64 = of_one.iter().map(|v| v.1).sum();
                if sum > most {
                    (best, most) = (of_one[0].0, sum);
                }
            }
            changed |= best != labels[i];
            labels[i] = best;
        }
        if !changed {
            break;
        }
    }
    consecutive(&labels)
}
