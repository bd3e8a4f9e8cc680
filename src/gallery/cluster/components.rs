//! Connected components: the deterministic baseline.

use super::consecutive;
use crate::gallery::index::Neighbours;

/// Faces that are joined by neighbours of neighbours, in either direction, have one label.
pub fn connected_components(graph: &Neighbours) -> Vec<u32> {
    let mut parent: Vec<usize> = (0..graph.edges.len()).collect();
    // The root of a tree, which halves the path to it on the way.
    fn root(parent: &mut [usize], mut i: usize) -> usize {
        while parent[i] != i {
            parent[i] = parent[parent[i]];
            i = parent[i];
        }
        i
    }
    for (i, edges) in graph.edges.iter().enumerate() {
        for &(j, _) in edges {
            let (a, b) = (root(&mut parent, i), root(&mut parent, j as usize));
            parent[a.max(b)] = a.min(b);
        }
    }
    let roots: Vec<usize> = (0..parent.len()).map(|i| root(&mut parent, i)).collect();
    consecutive(&roots)
}
