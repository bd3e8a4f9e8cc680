//! Plans of the zoo's networks, for devices that need not be there.

use lookalike::graph::{Dim, Graph, passes};
use lookalike::model::Precision;
use lookalike::plan::{self, Caps, Feed, Force, Plan, PlanOptions};
use lookalike::tensor::Shape;
use lookalike::zoo;

/// Height and width where a network leaves them free, if nothing else is said.
const SIDE: usize = 320;

/// A network for so many pictures, ready to be planned.
pub(crate) struct Prepared {
    graph: Graph,
    shapes: Vec<Shape>,
}

impl Prepared {
    pub(crate) fn new(name: &str, batch: usize) -> Self {
        Self::sized(name, batch, SIDE)
    }

    /// With this height and width where they are free.
    pub(crate) fn sized(name: &str, batch: usize, side: usize) -> Self {
        let mut graph = zoo::find(name).unwrap().graph(&mut zoo::Shapes).unwrap();
        let size = |(axis, dim): (usize, &Dim)| match dim {
            Dim::Fixed(n) => *n,
            Dim::Free(_) if axis == 0 => batch,
            Dim::Free(_) => side,
        };
        let shapes: Vec<_> = graph.inputs.iter().map(|i| Shape::from(i.dims.iter().enumerate().map(size).collect::<Vec<_>>())).collect();
        passes::optimise(&mut graph, &shapes).unwrap();
        let (graph, shapes) = passes::specialise(&graph, &shapes).unwrap();
        Self { graph, shapes }
    }

    /// The plan on a device of this kind.
    pub(crate) fn plan(&self, caps: &Caps, precision: Precision, force: Force) -> Plan {
        plan::build(&self.graph, &self.shapes, caps, &PlanOptions { precision, feed: Feed::Packed, force }).unwrap()
    }
}
