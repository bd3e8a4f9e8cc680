//! What importing a file changed, for people who want to know what became of their model.

use serde::Serialize;

use crate::error::Result;
use crate::graph::passes::{constant_folding, dead_nodes};
use crate::graph::{Graph, Op};
use crate::import::limits::Limits;

/// What reading an ONNX file changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Version of the operator set.
    pub opset: i64,
    /// Nodes in the file.
    pub nodes_in_file: usize,
    /// Nodes of the graph.
    pub nodes: usize,
    /// The batch that the file froze and that is free now; `None` when it was free already.
    pub batch_freed: Option<i64>,
    /// Nodes that the bodies of the file's own functions added.
    pub inlined: usize,
    /// Nodes that computed constants from constants and are constants now.
    pub folded: usize,
    /// Quantised weights that are floats now, each exactly what its integers and scale say.
    pub weights_expanded: usize,
}

/// Evaluates what is computed from constants alone, and drops what no output needs.
///
/// # Errors
/// What a folded node's own shape inference objects to, and [`crate::Error::Limits`].
pub(super) fn fold(graph: &mut Graph, report: &mut ImportReport, limits: &Limits) -> Result<()> {
    let expandable = |graph: &Graph| {
        let constant = |n: &&crate::graph::Node| n.inputs.first().is_some_and(|&x| graph.constant(x).is_some());
        graph.nodes.iter().filter(|n| matches!(n.op, Op::Dequantize { .. })).filter(constant).count()
    };
    let (before, quantised) = (graph.nodes.len(), expandable(graph));
    constant_folding::fold_weights_within(graph, &limits.bounds())?;
    report.folded = before - graph.nodes.len();
    report.weights_expanded = quantised - expandable(graph).min(quantised);
    dead_nodes::run(graph);
    report.nodes = graph.nodes.len();
    Ok(())
}

impl ImportReport {
    /// A sentence for each change; none when the graph is the file's.
    pub fn sentences(&self) -> Vec<String> {
        let mut out = Vec::new();
        let many = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
        if let Some(batch) = self.batch_freed {
            out.push(format!("the batch, which the file froze to {batch}, is free"));
        }
        if self.inlined > 0 {
            out.push(format!("functions of the file are inlined ({})", many(self.inlined, "node")));
        }
        if self.folded > 0 {
            out.push(format!("{} computed from constants became constants", many(self.folded, "node")));
        }
        if self.weights_expanded > 0 {
            out.push(format!("{} became floats", many(self.weights_expanded, "quantised weight")));
        }
        out
    }
}
