//! Branches that are joined along the channels are computed where the join wants them: nothing is copied, and nothing changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{Random, add_conv, gpu, graph_of, model_of, relative_error};
use lookalike::graph::{Graph, Op, Pool, PoolKind, Unary, ValueId, Window};
use lookalike::network::{CompileOptions, Network};
use lookalike::plan::{ConvAlgorithm, Force, GemmFamily};
use lookalike::reference::{Array, run_graph};

/// Channels, then height and width, of the map that branches read.
const X: [usize; 3] = [36, 13, 11];

struct Branches {
    graph: Graph,
    random: Random,
    x: ValueId,
    parts: Vec<ValueId>,
    /// Branches so far, in all joins.
    count: usize,
}

impl Branches {
    fn new() -> Self {
        let (mut graph, input) = graph_of(&X);
        let mut random = Random(5);
        let x = add_conv(&mut graph, &mut random, "stem", input, [X[0], X[0], 1], 1);
        Self { graph, random, x, parts: Vec::new(), count: 0 }
    }

    fn conv(mut self, channels: usize, kernel: usize) -> Self {
        let name = self.name();
        let y = add_conv(&mut self.graph, &mut self.random, &name, self.x, [channels, X[0], kernel], 1);
        self.parts.push(self.graph.add_node(format!("{name}.relu"), Op::Unary(Unary::Relu), &[y]));
        self
    }

    fn pool(mut self, kind: PoolKind) -> Self {
        let pool = Pool { kind, window: Window::square(3, 1, 1), ceil: false, count_include_pad: false };
        let name = self.name();
        self.parts.push(self.graph.add_node(name, Op::Pool(pool), &[self.x]));
        self
    }

    fn name(&mut self) -> String {
        self.count += 1;
        format!("branch{}", self.count)
    }

    fn join(&mut self, name: &str) -> ValueId {
        let parts = std::mem::take(&mut self.parts);
        self.graph.add_node(name, Op::Concat { axis: 1 }, &parts)
    }

    /// Joins, runs with both families of kernels, with sums whole and in slices, at two batches, and says how many copies the plan has.
    fn check(mut self, what: &str) -> usize {
        let joined = self.join("joined");
        let channels: usize = {
            let shapes = lookalike::graph::infer_shapes(&self.graph, &[[1, X[0], X[1], X[2]].into()]).unwrap();
            shapes[joined.0 as usize][1]
        };
        add_conv(&mut self.graph, &mut self.random, "last", joined, [8, channels, 3], 2);
        let model = model_of(self.graph);
        let mut copies = Vec::new();
        for (gemm, slices) in [None, Some(GemmFamily::Tiled)].into_iter().flat_map(|gemm| [(gemm, 1), (gemm, 2)]) {
            let conv = (slices > 1).then_some(ConvAlgorithm::Gemm);
            let options =
                CompileOptions { force: Force { conv, gemm, slices: Some(slices), ..Force::default() }, ..CompileOptions::default() };
            let network = Network::compile(&gpu(), &model, &options).unwrap();
            for batch in [1, 3] {
                let input = Random(6).tensor(&[batch, X[0], X[1], X[2]]);
                let outputs = network.run(&[("input", &input)]).unwrap();
                let wanted = run_graph(&model.graph, &[Array::from(&input)], &model.graph.outputs).unwrap();
                for ((name, got), want) in outputs.iter().zip(&wanted) {
                    let error = relative_error(&got.to_f32(), &want.data);
                    assert!(error < 1e-5, "{what}, {gemm:?}, {slices} slices, batch {batch}, {name}: {error:e}");
                }
            }
            let plan = network.summary().unwrap();
            assert_eq!(plan.dispatches.iter().any(|d| d.shader.starts_with("conv/slices")), slices > 1, "{what}");
            copies.push(plan.dispatches.iter().filter(|d| d.label.starts_with("joined.")).count());
        }
        assert!(copies.iter().all(|c| *c == copies[0]), "{what}: {copies:?}");
        copies[0]
    }
}

#[test]
fn convolutions_and_pools_need_no_copy() {
    assert_eq!(Branches::new().conv(64, 1).conv(32, 3).conv(36, 5).pool(PoolKind::Max).check("an inception block"), 0);
    assert_eq!(Branches::new().pool(PoolKind::L2).conv(4, 1).pool(PoolKind::Average).check("pools around"), 0);
}

#[test]
fn the_last_branch_may_end_within_a_vec4() {
    assert_eq!(Branches::new().conv(32, 3).conv(7, 3).check("7 channels last"), 0);
    assert_eq!(Branches::new().conv(8, 1).conv(1, 1).check("one channel last"), 0);
}

#[test]
fn branches_that_begin_within_a_vec4_are_copied() {
    assert!(Branches::new().conv(6, 3).conv(32, 3).conv(8, 1).check("6 channels first") > 0);
}

#[test]
fn what_somebody_else_reads_is_copied() {
    let mut twice = Branches::new().conv(32, 3).conv(8, 1);
    twice.parts.push(twice.parts[0]);
    assert_eq!(twice.check("a branch twice"), 2);

    let mut shown = Branches::new().conv(32, 3).conv(8, 1);
    shown.graph.outputs.push(shown.parts[0]);
    assert_eq!(shown.check("a branch that is an output"), 1);

    let mut read = Branches::new().conv(32, 3).conv(8, 1);
    let other = read.graph.add_node("other", Op::Unary(Unary::Tanh), &[read.parts[1]]);
    read.graph.outputs.push(other);
    assert_eq!(read.check("a branch with another reader"), 1);
}

#[test]
fn a_join_of_joins_is_copied_once() {
    let mut nested = Branches::new().conv(32, 3).conv(8, 1);
    let inner = nested.join("inner");
    nested = nested.conv(16, 1);
    nested.parts.push(inner);
    assert_eq!(nested.check("a join of a join"), 1);
}

#[test]
fn the_map_that_branches_read_is_copied() {
    let mut direct = Branches::new().conv(32, 3);
    direct.parts.push(direct.x);
    assert_eq!(direct.check("what the branches read"), 1);
}
