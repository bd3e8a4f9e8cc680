//! The skeleton of a graph: its layers and how they are connected, however an exporter wrote them.

use super::part::{Part, Pooled, Reach, Structure, Structures};
use crate::graph::{
    AutoPad, Binary, Conv, Graph, LocallyConnected, Node, Op, PadMode, Pool, Reduction, ResizeMode, Unary, ValueId, Window,
};
use crate::tensor::Shape;

/// What a graph computes, up to its numbers and its element-wise functions.
#[derive(Debug)]
pub(super) struct Skeleton {
    /// By value; `None` = constant.
    of: Vec<Option<Place>>,
    /// In the order of the graph.
    pub(super) parts: Vec<Found>,
    /// For each output its structure and the function that it ends in.
    pub(super) outputs: Vec<(Option<Structure>, &'static str)>,
}

/// Where a part stands in [`Skeleton::parts`]. Two parts may have one structure, like branches that are built alike.
type Place = usize;

/// A part of a graph.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) structure: Structure,
    pub(super) part: Part,
    /// The node's.
    pub(super) name: String,
    /// The parts it reads.
    from: Vec<Place>,
}

/// A graph that is read.
struct Reader<'a> {
    graph: &'a Graph,
    shapes: &'a [Shape],
    /// Pictures of any size may be fed, so that rules count and not what they give for this one.
    any: bool,
    structures: &'a mut Structures,
    skeleton: Skeleton,
}

impl Skeleton {
    /// The skeleton of a graph in which everything that is known is a constant; `shapes` are those of its values for one picture.
    pub(super) fn new(graph: &Graph, shapes: &[Shape], any: bool, structures: &mut Structures) -> Self {
        let skeleton = Self { of: vec![None; graph.values.len()], parts: Vec::new(), outputs: Vec::new() };
        let mut reader = Reader { graph, shapes, any, structures, skeleton };
        for (index, input) in graph.inputs.iter().enumerate() {
            let name = graph.name(input.value).to_owned();
            let place = reader.part(Part::Input { index }, Vec::new(), &name);
            reader.set(input.value, place);
        }
        for node in &graph.nodes {
            reader.visit(node);
        }
        let producers = graph.producers();
        let structure = |o| reader.at(o).and_then(|place| reader.skeleton.parts.get(place)).map(|f| f.structure);
        let outputs = graph.outputs.iter().map(|&o| (structure(o), last_function(graph, &producers, o))).collect();
        Self { outputs, ..reader.skeleton }
    }

    /// The structures of the outputs.
    pub(super) fn ends(&self) -> Vec<Structure> {
        self.outputs.iter().filter_map(|o| o.0).collect()
    }
}

/// The probability or the norm that an output is, seen through changes of shape; empty = neither.
fn last_function(graph: &Graph, producers: &[Option<usize>], mut id: ValueId) -> &'static str {
    while let Some(node) = producers.get(id.0 as usize).copied().flatten().and_then(|i| graph.nodes.get(i)) {
        match node.op {
            Op::Unary(Unary::Sigmoid | Unary::Tanh)
            | Op::Softmax { .. }
            | Op::LogSoftmax { .. }
            | Op::Hardmax { .. }
            | Op::L2Normalize { .. } => return node.op.kind(),
            Op::Identity
            | Op::Dropout
            | Op::Cast { .. }
            | Op::Reshape { .. }
            | Op::Flatten { .. }
            | Op::Transpose { .. }
            | Op::Squeeze
            | Op::Unsqueeze => {}
            _ => return "",
        }
        let Some(&x) = node.inputs.first() else { return "" };
        id = x;
    }
    ""
}

impl Reader<'_> {
    fn at(&self, id: ValueId) -> Option<Place> {
        self.skeleton.of.get(id.0 as usize).copied().flatten()
    }

    fn set(&mut self, id: ValueId, place: Place) {
        if let Some(of) = self.skeleton.of.get_mut(id.0 as usize) {
            *of = Some(place);
        }
    }

    /// Dimensions after the batch.
    fn dims(&self, id: ValueId) -> &[usize] {
        self.shapes.get(id.0 as usize).and_then(|s| s.get(1..)).unwrap_or_default()
    }

    fn shape(&self, id: Option<&ValueId>) -> &[usize] {
        id.and_then(|id| self.shapes.get(id.0 as usize)).map(Shape::dims).unwrap_or_default()
    }

    /// Height and width of an operand.
    fn size(&self, id: ValueId) -> [usize; 2] {
        match *self.dims(id) {
            [_, height, width] => [height, width],
            _ => [1, 1],
        }
    }

    fn part(&mut self, part: Part, from: Vec<Place>, name: &str) -> Place {
        let parts = &mut self.skeleton.parts;
        let mut before: Vec<_> = from.iter().filter_map(|&place| parts.get(place)).map(|f| f.structure).collect();
        if let Part::Join(_) = part {
            before.sort_unstable();
        }
        let structure = self.structures.number(part.clone(), before);
        parts.push(Found { structure, part, name: name.to_owned(), from });
        parts.len() - 1
    }

    fn visit(&mut self, node: &Node) {
        let live: Vec<Place> = node.inputs.iter().filter_map(|&i| self.at(i)).collect();
        let Some((&x, &y)) = live.first().zip(node.outputs.first()) else { return };
        if let Op::Split { sizes, .. } = &node.op {
            let (mut from, of) = (0, sizes.iter().sum());
            for (&output, &size) in node.outputs.iter().zip(sizes) {
                let cut = self.cut(x, from, from + size, of, &node.name);
                self.set(output, cut);
                from += size;
            }
            return;
        }
        let place = self.place(node, x, &live);
        self.set(y, place);
    }

    /// What a node of one output makes of its operands that are not constant, the first of which is `x`.
    fn place(&mut self, node: &Node, x: Place, live: &[Place]) -> Place {
        let name = &*node.name;
        let to = node.outputs.first().map(|&y| self.dims(y).to_vec()).unwrap_or_default();
        match &node.op {
            Op::Conv(conv) => self.conv(node, conv, x, live),
            Op::LocallyConnected(local) => self.local(node, local, live),
            Op::Linear(_) => match *self.shape(node.inputs.get(1)) {
                [outputs, inputs] => self.layer(Part::Dense { outputs, inputs }, live, name),
                _ => self.part(Part::Other { kind: "Linear", to }, live.to_vec(), name),
            },
            Op::MatMul => match (live.len(), self.shape(node.inputs.get(1))) {
                (1, &[inputs, outputs]) if node.inputs.first().is_some_and(|&a| self.at(a).is_some()) => {
                    self.part(Part::Dense { outputs, inputs }, vec![x], name)
                }
                _ => self.part(Part::Other { kind: "MatMul", to }, live.to_vec(), name),
            },
            Op::ConvTranspose(conv) => {
                let part = self.windowed(node, "ConvTranspose", &conv.window, conv.groups);
                self.part(part, live.to_vec(), name)
            }
            Op::Pool(pool) => self.pool(node, pool, x),
            Op::GlobalPool(kind) => self.global((*kind).into(), self.size_of_first(node), x, name),
            Op::Reduce { kind, .. } => match kind {
                Reduction::Mean if self.is_over_places(node) => self.global(Pooled::Average, self.size_of_first(node), x, name),
                Reduction::Max if self.is_over_places(node) => self.global(Pooled::Max, self.size_of_first(node), x, name),
                _ => self.part(Part::Other { kind: reduction(*kind), to }, live.to_vec(), name),
            },
            Op::Binary(op) => self.binary(*op, live, to, name),
            Op::Concat { .. } if live.len() == node.inputs.len() => self.part(Part::Concat, live.to_vec(), name),
            Op::Slice => self.slice(node, x, to, name),
            Op::Pad { mode } => self.pad(node, *mode, x, to, name),
            Op::Resize(resize) => {
                let kind = match resize.mode {
                    ResizeMode::Nearest => "Resize (nearest)",
                    ResizeMode::Linear => "Resize (linear)",
                    ResizeMode::Cubic { .. } => "Resize (cubic)",
                };
                self.part(Part::Resize { kind, to }, vec![x], name)
            }
            op if changes_no_connection(op) => x,
            op => self.part(Part::Other { kind: op.kind(), to }, live.to_vec(), name),
        }
    }

    /// A layer, and the shortcut that a pass has put into its epilogue.
    fn layer(&mut self, part: Part, live: &[Place], name: &str) -> Place {
        let (x, rest) = live.split_at(live.len().min(1));
        let sum = self.part(part, x.to_vec(), name);
        rest.iter().fold(sum, |sum, &shortcut| self.join("Add", sum, shortcut, name))
    }

    fn windowed(&self, node: &Node, kind: &'static str, window: &Window, groups: usize) -> Part {
        let size = self.size_of_first(node);
        let weights = self.shape(node.inputs.get(1)).to_vec();
        Part::Windowed { kind, weights, groups, reach: Reach::new(window, size, false, self.any) }
    }

    fn conv(&mut self, node: &Node, conv: &Conv, x: Place, live: &[Place]) -> Place {
        // The only operands that may not be constant are the picture and the shortcut.
        let expected = 1 + usize::from(conv.epilogue.residual);
        if live.len() != expected || node.inputs.first().and_then(|&i| self.at(i)) != Some(x) {
            let to = node.outputs.first().map(|&y| self.dims(y).to_vec()).unwrap_or_default();
            return self.part(Part::Other { kind: "Conv of computed weights", to }, live.to_vec(), &node.name);
        }
        let (mut size, mut window, mut live) = (self.size_of_first(node), conv.window.clone(), live.to_vec());
        // Converters write uneven padding as a layer of its own.
        if let (AutoPad::Explicit | AutoPad::Valid, Some((before, zeros))) = (window.auto, self.before_padding(x)) {
            let pads = if window.auto == AutoPad::Valid { [0; 4] } else { window.pads };
            window = Window { auto: AutoPad::Explicit, pads: [0, 1, 2, 3].map(|i| pads[i] + zeros[i]), ..window };
            size = [0, 1].map(|i| size[i].saturating_sub(zeros[i] + zeros[i + 2]));
            live[0] = before;
        }
        let weights = self.shape(node.inputs.get(1)).to_vec();
        let reach = Reach::new(&window, size, false, self.any);
        let part = match &weights[..] {
            [outputs, rest @ ..] if conv.groups == 1 && reach.is_whole(size) => {
                Part::Dense { outputs: *outputs, inputs: rest.iter().product() }
            }
            _ => Part::Windowed { kind: "Conv", weights, groups: conv.groups, reach },
        };
        self.layer(part, &live, &node.name)
    }

    /// What stands before zeros around height and width, and those zeros: top, left, bottom, right.
    fn before_padding(&self, place: Place) -> Option<(Place, [usize; 4])> {
        let Found { part: Part::Pad(pads), from, .. } = self.skeleton.parts.get(place)? else { return None };
        let (&[x], &[[0, 0], [top, bottom], [left, right]]) = (&from[..], &pads[..]) else { return None };
        let [Ok(top), Ok(left), Ok(bottom), Ok(right)] = [top, left, bottom, right].map(usize::try_from) else { return None };
        Some((x, [top, left, bottom, right]))
    }

    fn local(&mut self, node: &Node, local: &LocallyConnected, live: &[Place]) -> Place {
        let part = self.windowed(node, "LocallyConnected", &local.window, 1);
        self.layer(part, live, &node.name)
    }

    fn size_of_first(&self, node: &Node) -> [usize; 2] {
        node.inputs.first().map_or([1, 1], |&i| self.size(i))
    }

    fn pool(&mut self, node: &Node, pool: &Pool, x: Place) -> Place {
        let size = self.size_of_first(node);
        let reach = Reach::new(&pool.window, size, pool.ceil, self.any);
        if reach.is_nothing() {
            return x;
        }
        let kind = Pooled::from(pool.kind);
        if reach.is_whole(size) {
            return self.global(kind, size, x, &node.name);
        }
        let padded = [0, 1].iter().any(|&axis| pool.window.padding(axis, size[axis]) != (0, 0));
        let with_padding = kind == Pooled::Average && padded && pool.count_include_pad;
        self.part(Part::Pool { kind, with_padding, reach }, vec![x], &node.name)
    }

    fn global(&mut self, kind: Pooled, size: [usize; 2], x: Place, name: &str) -> Place {
        if size == [1, 1] && !self.any { x } else { self.part(Part::Global(kind), vec![x], name) }
    }

    /// Whether a reduction leaves one number for each channel of each picture: two axes side by side, whatever the layout.
    fn is_over_places(&self, node: &Node) -> bool {
        let Op::Reduce { axes, .. } = &node.op else { return false };
        let given = node.inputs.get(1).and_then(|&i| self.graph.constant(i)).and_then(|t| t.as_i64());
        let mut axes: Vec<i64> = given.unwrap_or(axes).iter().map(|&a| if a < 0 { a + 4 } else { a }).collect();
        axes.sort_unstable();
        self.shape(node.inputs.first()).len() == 4 && (axes == [2, 3] || axes == [1, 2])
    }

    fn binary(&mut self, op: Binary, live: &[Place], to: Vec<usize>, name: &str) -> Place {
        match (op, live) {
            (_, &[x]) => x,
            // `x * Sigmoid(x)`, `max(x, slope * x)`: a function of `x` alone.
            (_, &[a, b]) if a == b => a,
            (Binary::Add | Binary::Mul | Binary::Max | Binary::Min, &[a, b]) => self.join(op.kind(), a, b, name),
            _ => self.part(Part::Other { kind: op.kind(), to }, live.to_vec(), name),
        }
    }

    fn join(&mut self, kind: &'static str, a: Place, b: Place, name: &str) -> Place {
        self.part(Part::Join(kind), vec![a, b], name)
    }

    fn cut(&mut self, x: Place, from: usize, to: usize, of: usize, name: &str) -> Place {
        if to - from == of { x } else { self.part(Part::Cut { from, to, of }, vec![x], name) }
    }

    /// Consecutive cells, axis by axis; anything else is a part of its own.
    fn slice(&mut self, node: &Node, x: Place, to: Vec<usize>, name: &str) -> Place {
        let list =
            |i: usize| node.inputs.get(i).and_then(|&id| self.graph.constant(id)).and_then(|t| t.as_i64()).unwrap_or_default().to_vec();
        let [starts, ends, axes, steps] = [1, 2, 3, 4].map(list);
        let dims = self.shape(node.inputs.first()).to_vec();
        if starts.is_empty() || starts.len() != ends.len() || steps.iter().any(|&s| s != 1) {
            return self.part(Part::Other { kind: "Slice", to }, vec![x], name);
        }
        let mut x = x;
        for (i, (&start, &end)) in starts.iter().zip(&ends).enumerate() {
            let axis = axes.get(i).copied().unwrap_or(i as i64);
            let axis = if axis < 0 { axis.saturating_add(dims.len() as i64) } else { axis };
            let n = usize::try_from(axis).ok().and_then(|a| dims.get(a).copied()).unwrap_or(0);
            let place = |p: i64| usize::try_from(if p < 0 { p.saturating_add(n as i64) } else { p }).unwrap_or(0).min(n);
            let (from, end) = (place(start), place(end));
            x = self.cut(x, from, end.max(from), n, name);
        }
        x
    }

    fn pad(&mut self, node: &Node, mode: PadMode, x: Place, to: Vec<usize>, name: &str) -> Place {
        let pads = node.inputs.get(1).and_then(|&id| self.graph.constant(id)).and_then(|t| t.as_i64()).unwrap_or_default();
        let n = pads.len() / 2;
        let all_axes = node.inputs.len() < 4 && n == to.len() + 1;
        let value = node.inputs.get(2).map(|&id| self.graph.constant(id).map(|t| t.to_f64()));
        let zeros = value.is_none_or(|v| v.is_some_and(|v| v.iter().all(|&v| v == 0.0)));
        if mode != PadMode::Constant || !all_axes || !zeros {
            return self.part(Part::Other { kind: "Pad", to }, vec![x], name);
        }
        let pads: Vec<[i64; 2]> = pads[..n].iter().zip(&pads[n..]).skip(1).map(|(&a, &b)| [a, b]).collect();
        if pads.iter().all(|p| *p == [0, 0]) {
            return x;
        }
        let grows = |pads: &[[i64; 2]]| pads.iter().flatten().all(|&n| n >= 0);
        match self.skeleton.parts.get(x) {
            Some(Found { part: Part::Pad(inner), from, .. }) if grows(inner) && grows(&pads) && inner.len() == pads.len() => {
                let both = inner.iter().zip(&pads).map(|(a, b)| [a[0].saturating_add(b[0]), a[1].saturating_add(b[1])]).collect();
                let from = from.clone();
                self.part(Part::Pad(both), from, name)
            }
            _ => self.part(Part::Pad(pads), vec![x], name),
        }
    }
}

/// Element-wise functions of one operand, normalisation by numbers that are known, and other shapes of the same elements.
fn changes_no_connection(op: &Op) -> bool {
    matches!(
        op,
        Op::BatchNorm { .. }
            | Op::Affine
            | Op::PRelu
            | Op::Unary(_)
            | Op::Softmax { .. }
            | Op::LogSoftmax { .. }
            | Op::L2Normalize { .. }
            | Op::Quantize { .. }
            | Op::Dequantize { .. }
            | Op::Cast { .. }
            | Op::Identity
            | Op::Dropout
            | Op::Reshape { .. }
            | Op::Flatten { .. }
            | Op::Transpose { .. }
            | Op::Squeeze
            | Op::Unsqueeze
            | Op::Expand
    )
}

fn reduction(kind: Reduction) -> &'static str {
    match kind {
        Reduction::Mean => "ReduceMean",
        Reduction::Sum => "ReduceSum",
        Reduction::Max => "ReduceMax",
        Reduction::Min => "ReduceMin",
        Reduction::L2 => "ReduceL2",
        Reduction::L1 => "ReduceL1",
        Reduction::SumSquare => "ReduceSumSquare",
        Reduction::Prod => "ReduceProd",
        Reduction::LogSum => "ReduceLogSum",
        Reduction::LogSumExp => "ReduceLogSumExp",
    }
}
