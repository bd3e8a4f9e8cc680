//! Whether a graph that came from a file is well-formed, independent of input shapes. Both importers end here, so the rest of the crate
//! may index and multiply without asking again.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::graph::infer::operand_count;
use crate::graph::{Dim, Graph, Input, Node, Op, PoolKind, ResizeMode, Unary, Value, ValueId, Window};
use crate::import::limits::{Budget, Limits};
use crate::tensor::{DType, Data, Tensor};

/// The largest kernel, stride, dilation, padding and number of groups.
const MAX_WINDOW: usize = 1 << 15;
/// Axes beyond this are nonsense whatever the rank.
const MAX_AXIS: i64 = 64;
/// Elements of one tensor: shaders index with 32 bits.
const MAX_ELEMENTS: usize = (1 << 31) - 1;

/// The same graph with its values in the order of first mention (inputs, then per node its operands and results, then outputs), without
/// values that nothing mentions. Two graphs that differ only in numbering become equal.
pub(crate) fn canonical(graph: &Graph) -> Graph {
    let mut numbers: HashMap<ValueId, ValueId> = HashMap::new();
    let mut out = Graph::default();
    let mut renumber = |id: ValueId, out: &mut Graph| {
        *numbers.entry(id).or_insert_with(|| {
            let Value { name, constant } = graph.values.get(id.0 as usize).cloned().unwrap_or_default();
            let new = out.add_value(name);
            out.value_mut(new).constant = constant;
            new
        })
    };
    for input in &graph.inputs {
        let value = renumber(input.value, &mut out);
        out.inputs.push(Input { value, dims: input.dims.clone(), dtype: input.dtype });
    }
    for node in &graph.nodes {
        let inputs = node.inputs.iter().map(|&id| renumber(id, &mut out)).collect();
        let outputs = node.outputs.iter().map(|&id| renumber(id, &mut out)).collect();
        out.nodes.push(Node { name: node.name.clone(), op: node.op.clone(), inputs, outputs });
    }
    for &id in &graph.outputs {
        let id = renumber(id, &mut out);
        out.outputs.push(id);
    }
    out
}

/// Checks counts, names, order, operand counts, attributes and the shapes of constant parameters.
///
/// # Errors
/// [`Error::Model`] or [`Error::Limits`], naming the model `file` and the node or value.
pub(crate) fn validate(graph: &Graph, file: &str, limits: &Limits) -> Result<()> {
    limits.check_nodes(file, graph.nodes.len())?;
    let constants = graph.values.iter().filter(|v| v.constant.is_some()).count();
    // Importing may add a few constants to each node.
    limits.check_initializers(file, constants.saturating_sub(graph.nodes.len().saturating_mul(4)))?;
    names(graph, file)?;
    tensors(graph, limits)?;
    inputs(graph, file, limits)?;
    order(graph, file)?;
    graph.nodes.iter().try_for_each(|node| Checker { graph, node }.check())
}

fn names(graph: &Graph, file: &str) -> Result<()> {
    let mut seen = HashSet::new();
    for value in &graph.values {
        if value.name.is_empty() {
            return Err(Error::Model(format!("The model `{file}` has a value without a name. It is damaged; convert it again.")));
        }
        if !seen.insert(value.name.as_str()) {
            return Err(Error::Model(format!(
                "The model `{file}` makes the value `{}` twice. It is damaged; convert it again.",
                value.name
            )));
        }
    }
    Ok(())
}

fn tensors(graph: &Graph, limits: &Limits) -> Result<()> {
    let mut budget = Budget::new(limits);
    for value in &graph.values {
        let Some(tensor) = &value.constant else { continue };
        limits.check_rank(&value.name, tensor.shape().rank())?;
        let bytes = match tensor.data() {
            Data::F32(v) => size_of_val(v.as_slice()),
            Data::F16(v) => size_of_val(v.as_slice()),
            Data::I64(v) => size_of_val(v.as_slice()),
        };
        if tensor.len() > MAX_ELEMENTS || bytes as u64 > limits.max_tensor_bytes {
            return Err(Error::Limits(format!(
                "The tensor `{}` ({}) has {bytes} bytes; at most {} bytes (Limits::max_tensor_bytes) and {MAX_ELEMENTS} elements are possible.",
                value.name,
                tensor.shape(),
                limits.max_tensor_bytes
            )));
        }
        budget.reserve(&value.name, bytes as u64)?;
    }
    Ok(())
}

fn inputs(graph: &Graph, file: &str, limits: &Limits) -> Result<()> {
    if graph.outputs.is_empty() {
        return Err(Error::Model(format!("The model `{file}` has no output. Export it with its outputs.")));
    }
    for input in &graph.inputs {
        let name = graph.values.get(input.value.0 as usize).map_or("?", |v| v.name.as_str());
        limits.check_rank(name, input.dims.len())?;
        let sizes = input.dims.iter().filter_map(|d| if let Dim::Fixed(n) = d { Some(*n) } else { None });
        let elements = sizes.clone().try_fold(1usize, usize::checked_mul);
        if elements.is_none_or(|n| n > MAX_ELEMENTS) {
            return Err(Error::Model(format!(
                "The input `{name}` of the model `{file}` has impossible dimensions ({}). Export the model again.",
                crate::graph::describe_dims(&input.dims)
            )));
        }
        if matches!(input.dims.first(), Some(Dim::Fixed(_))) {
            return Err(Error::Model(format!(
                "The input `{name}` of the model `{file}` has a fixed batch. Dimension 0 has to be free; convert the model again."
            )));
        }
    }
    Ok(())
}

fn order(graph: &Graph, file: &str) -> Result<()> {
    let broken = |what: String| Error::Model(format!("The model `{file}` {what}. It is damaged; convert it again."));
    let mut made: Vec<bool> = graph.values.iter().map(|v| v.constant.is_some()).collect();
    let make = |id: ValueId, made: &mut Vec<bool>| match made.get_mut(id.0 as usize) {
        Some(m) if !*m => {
            *m = true;
            Ok(())
        }
        Some(_) => Err(broken(format!("makes the value `{}` twice", graph.name(id)))),
        None => Err(broken(format!("mentions a value that does not exist (number {})", id.0))),
    };
    for input in &graph.inputs {
        make(input.value, &mut made)?;
    }
    for node in &graph.nodes {
        for &id in &node.inputs {
            if !made.get(id.0 as usize).copied().unwrap_or(false) {
                let name = graph.values.get(id.0 as usize).map_or("?", |v| v.name.as_str());
                return Err(broken(format!("reads `{name}` in the node `{}`, but nothing before that node makes it", node.name)));
            }
        }
        for &id in &node.outputs {
            make(id, &mut made)?;
        }
    }
    for &id in &graph.outputs {
        if !made.get(id.0 as usize).copied().unwrap_or(false) {
            let name = graph.values.get(id.0 as usize).map_or("?", |v| v.name.as_str());
            return Err(broken(format!("names the output `{name}`, but nothing makes it")));
        }
    }
    Ok(())
}

/// The checks of one node.
struct Checker<'a> {
    graph: &'a Graph,
    node: &'a Node,
}

impl Checker<'_> {
    fn fail<T>(&self, what: impl std::fmt::Display) -> Result<T> {
        Err(Error::Model(format!(
            "The node `{}` ({}) {what}. The model is damaged; export or convert it again.",
            self.node.name,
            self.node.op.kind()
        )))
    }

    fn require(&self, ok: bool, what: impl FnOnce() -> String) -> Result<()> {
        if ok { Ok(()) } else { self.fail(what()) }
    }

    fn constant(&self, index: usize) -> Option<&Tensor> {
        self.graph.constant(*self.node.inputs.get(index)?).map(|t| t.as_ref())
    }

    /// A vector of `len` entries, unless it is not known yet: an input may give a parameter.
    fn vector(&self, index: Option<usize>, len: usize, what: &str) -> Result<()> {
        let Some(t) = index.and_then(|i| self.constant(i)) else { return Ok(()) };
        self.require(t.shape().dims() == [len], || format!("has a {what} of the shape {} for {len} channels", t.shape()))
    }

    fn check(&self) -> Result<()> {
        let (count, outputs) = (self.node.inputs.len(), self.node.outputs.len());
        let (least, most) = operand_count(&self.node.op);
        self.require((least..=most).contains(&count), || format!("has {count} operands; it takes {least} to {most}"))?;
        let one = matches!(self.node.op, Op::Split { .. }) || outputs == 1;
        self.require(one && outputs > 0, || format!("has {outputs} outputs"))?;
        self.numbers()?;
        match &self.node.op {
            Op::Conv(c) => self.conv(c),
            Op::LocallyConnected(l) => {
                self.window(&l.window)?;
                self.require(l.tile.iter().all(|t| (1..=MAX_WINDOW).contains(t)), || format!("has the tile {:?}", l.tile))?;
                let Some(w) = self.constant(1).map(|t| t.shape().clone()) else { return Ok(()) };
                self.require(w.rank() == 6 && w[4..] == l.window.kernel, || format!("has a weight of the shape {w}"))
            }
            Op::Linear(l) => {
                self.permutation(&l.flatten_order, "flatten_order")?;
                let Some(w) = self.constant(1).map(|t| t.shape().clone()) else { return Ok(()) };
                self.require(w.rank() == 2, || format!("has a weight of the shape {w}"))?;
                let places = l.operands();
                self.vector(places.bias, w[0], "bias")?;
                self.vector(places.slope, w[0], "slope")
            }
            Op::BatchNorm { .. } => {
                // Parameters may be computed; those that are not agree.
                let mut known = (1..5).filter_map(|i| self.constant(i)).map(|t| t.shape().clone());
                let Some(first) = known.next() else { return Ok(()) };
                self.require(first.rank() == 1 && known.all(|s| s == first), || format!("has parameters of different shapes ({first})"))
            }
            Op::Affine => {
                let Some(channels) = self.constant(1).map(Tensor::len) else { return Ok(()) };
                (1..3).try_for_each(|i| self.vector(Some(i), channels, "parameter"))
            }
            Op::ConvTranspose(c) => self.conv_transpose(c),
            Op::Pool(p) => {
                self.require(p.kind != PoolKind::Lp(0), || "has a norm with p = 0".to_owned())?;
                self.window(&p.window)
            }
            Op::GlobalPool(kind) => self.require(*kind != PoolKind::Lp(0), || "has a norm with p = 0".to_owned()),
            Op::PoolArgMax { pool, .. } => {
                self.require(pool.kind == PoolKind::Max, || "looks for something else than the maximum".to_owned())?;
                self.window(&pool.window)
            }
            Op::Reduce { axes, .. } => self.require(axes.is_empty() || count == 1, || "has its axes twice".to_owned()),
            Op::GroupNorm { groups, .. } => self.require(*groups < MAX_ELEMENTS, || format!("has {groups} groups")),
            Op::Lrn { size, .. } => self.require((1..=MAX_WINDOW).contains(size), || format!("has the size {size}")),
            Op::Transpose { perm } => self.permutation(perm, "perm"),
            Op::GatherNd { batch_dims } => self.require(*batch_dims <= MAX_AXIS as usize, || format!("shares {batch_dims} axes")),
            Op::DepthToSpace { block, .. } | Op::SpaceToDepth { block, .. } => {
                self.require((1..=MAX_WINDOW).contains(block), || format!("has the block size {block}"))
            }
            Op::Split { sizes, .. } => {
                self.require(count == 1 || sizes.is_empty(), || "has the sizes of its parts twice".to_owned())?;
                self.require(sizes.is_empty() || sizes.len() == outputs, || format!("has {outputs} outputs for {} parts", sizes.len()))
            }
            _ => Ok(()),
        }
    }

    fn conv(&self, c: &crate::graph::Conv) -> Result<()> {
        self.window(&c.window)?;
        let Some(w) = self.constant(1).map(|t| t.shape().clone()) else { return Ok(()) };
        self.require(w.rank() == 4 && w[2..] == c.window.kernel, || {
            format!("has a weight of the shape {w} for a kernel of {}x{}", c.window.kernel[0], c.window.kernel[1])
        })?;
        self.require(w[0] > 0 && w[1] > 0, || format!("has a weight of the shape {w}"))?;
        self.require((1..=MAX_WINDOW).contains(&c.groups) && w[0] % c.groups == 0, || {
            format!("has {} output channels in {} groups", w[0], c.groups)
        })?;
        let channels = w[1].saturating_mul(c.groups);
        let places = c.operands();
        self.vector(places.bias, w[0], "bias")?;
        self.vector(places.slope, w[0], "slope")?;
        self.vector(places.pre_scale, channels, "scale")?;
        self.vector(places.pre_shift, channels, "shift")
    }

    fn conv_transpose(&self, c: &crate::graph::ConvTranspose) -> Result<()> {
        self.window(&c.window)?;
        let ok = c.output_padding.iter().all(|&p| p <= MAX_WINDOW)
            && c.output_shape.is_none_or(|s| s.iter().all(|n| (1..=MAX_ELEMENTS).contains(n)));
        self.require(ok, || format!("has an output padding ({:?}) or shape ({:?}) out of range", c.output_padding, c.output_shape))?;
        self.require((1..=MAX_WINDOW).contains(&c.groups), || format!("has {} groups", c.groups))?;
        let Some(w) = self.constant(1).map(|t| t.shape().clone()) else { return Ok(()) };
        self.require(w.rank() == 4 && w[2..] == c.window.kernel && !w.contains(&0), || {
            format!("has a weight of the shape {w} for a kernel of {}x{}", c.window.kernel[0], c.window.kernel[1])
        })?;
        self.require(w[0] % c.groups == 0, || format!("has {} input channels in {} groups", w[0], c.groups))?;
        self.vector(c.bias.then_some(2), w[1].saturating_mul(c.groups), "bias")
    }

    fn window(&self, w: &Window) -> Result<()> {
        let sizes = w.kernel.iter().chain(&w.stride).chain(&w.dilation);
        let ok = sizes.clone().all(|n| (1..=MAX_WINDOW).contains(n)) && w.pads.iter().all(|&p| p <= MAX_WINDOW);
        self.require(ok, || format!("has a window out of range (1 to {MAX_WINDOW}): {w:?}"))
    }

    fn permutation(&self, perm: &[usize], what: &str) -> Result<()> {
        let mut sorted = perm.to_vec();
        sorted.sort_unstable();
        self.require(sorted.iter().enumerate().all(|(i, &p)| i == p), || format!("has the {what} {perm:?}, which is not a permutation"))
    }

    /// Axes in reach and numbers finite.
    fn numbers(&self) -> Result<()> {
        let axis = |a: i64| self.require(a.abs_diff(0) <= MAX_AXIS as u64, || format!("has the axis {a}"));
        let finite = |v: f32| self.require(v.is_finite(), || format!("has a parameter that is not finite ({v})"));
        let epsilon = |e: f32| self.require(e.is_finite() && e >= 0.0, || format!("has the epsilon {e}"));
        match &self.node.op {
            Op::Softmax { axis: a, .. }
            | Op::LogSoftmax { axis: a, .. }
            | Op::Hardmax { axis: a, .. }
            | Op::ArgReduce { axis: a, .. }
            | Op::TopK { axis: a, .. }
            | Op::Flatten { axis: a }
            | Op::Concat { axis: a }
            | Op::Split { axis: a, .. }
            | Op::Gather { axis: a }
            | Op::GatherElements { axis: a } => axis(*a),
            Op::Quantize { axis: a, block, to } => {
                axis(*a)?;
                self.require(*block <= MAX_ELEMENTS, || format!("has blocks of {block} cells"))?;
                let narrow = matches!(to, DType::U8 | DType::I8 | DType::U16 | DType::I16);
                self.require(narrow, || format!("quantises to {to}, which is not done"))
            }
            Op::Dequantize { axis: a, block } => {
                axis(*a)?;
                self.require(*block <= MAX_ELEMENTS, || format!("has blocks of {block} cells"))
            }
            Op::Resize(r) => {
                r.axes.iter().try_for_each(|&a| axis(a))?;
                finite(r.extrapolation)?;
                if let ResizeMode::Cubic { a } = r.mode { finite(a) } else { Ok(()) }
            }
            Op::L2Normalize { axis: a, epsilon: e } | Op::LayerNorm { axis: a, epsilon: e, .. } => axis(*a).and_then(|()| epsilon(*e)),
            Op::Reduce { axes, .. } => axes.iter().try_for_each(|&a| axis(a)),
            Op::BatchNorm { epsilon: e } | Op::GroupNorm { epsilon: e, .. } => epsilon(*e),
            Op::Lrn { alpha, beta, bias, .. } => [*alpha, *beta, *bias].into_iter().try_for_each(finite),
            Op::Unary(u) => unary_numbers(u).into_iter().flatten().try_for_each(finite),
            Op::ConstantOfShape { value, .. } => self.require(value.is_finite(), || format!("has a value that is not finite ({value})")),
            _ => Ok(()),
        }
    }
}

/// The parameters of a function.
fn unary_numbers(unary: &Unary) -> [Option<f32>; 2] {
    match *unary {
        Unary::LeakyRelu { alpha } | Unary::Elu { alpha } | Unary::ThresholdedRelu { alpha } | Unary::Swish { alpha } => {
            [Some(alpha), None]
        }
        Unary::HardSigmoid { alpha, beta } => [Some(alpha), Some(beta)],
        Unary::Clip { lo, hi } => [lo, hi],
        // It divides by alpha.
        Unary::Celu { alpha } => [Some(alpha), Some(alpha.recip())],
        Unary::Selu { alpha, gamma } => [Some(alpha), Some(gamma)],
        Unary::Shrink { lambda, bias } => [Some(lambda), Some(bias)],
        _ => [None, None],
    }
}
