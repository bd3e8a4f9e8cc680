//! Winograd convolutions and what reads their maps, another such convolution or maximum pooling: one launch for both gives what two launches
//! give, and the map between them is there for whoever else wants it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::planned::Prepared;
use common::{Random, gpu, graph_of, model_of, relative_error};
use lookalike::graph::{AutoPad, Conv, Epilogue, Graph, Op, Pool, PoolKind, Unary, ValueId, Window};
use lookalike::model::{Model, Precision};
use lookalike::network::{CompileOptions, Network};
use lookalike::plan::{Caps, ConvAlgorithm, Force, GemmFamily};
use lookalike::reference::{Array, run_graph};
use lookalike::tensor::Tensor;

/// What is around the map between two convolutions.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    /// Channels before, between and behind.
    channels: [usize; 3],
    size: [usize; 2],
    affine: bool,
    slope: bool,
    residual: bool,
    clamp: bool,
    /// The map is an output, too.
    shown: bool,
    /// Something else reads the map.
    read: bool,
}

impl Pair {
    fn model(&self) -> Model {
        let [before, between, behind] = self.channels;
        let (mut graph, input) = graph_of(&[before, self.size[0], self.size[1]]);
        let mut random = Random(7);
        let stem = self.residual.then(|| conv(&mut graph, &mut random, "stem", input, [between, before, 3], &Pair::default(), None));
        let map = conv(&mut graph, &mut random, "first", input, [between, before, 3], &Pair { affine: false, ..*self }, stem);
        let plain = Pair { affine: self.affine, ..Pair::default() };
        let last = conv(&mut graph, &mut random, "second", map, [behind, between, 3], &plain, None);
        graph.outputs.push(last);
        if self.shown {
            graph.outputs.push(map);
        }
        if self.read {
            let other = graph.add_node("other", Op::Unary(Unary::Tanh), &[map]);
            graph.outputs.push(other);
        }
        model_of(graph)
    }
}

/// A convolution with the affine, slope, bounds and residual of `with`.
fn conv(
    graph: &mut Graph,
    r: &mut Random,
    name: &str,
    x: ValueId,
    [outputs, inputs, kernel]: [usize; 3],
    with: &Pair,
    residual: Option<ValueId>,
) -> ValueId {
    let scale = (3.0 / (inputs * kernel * kernel) as f32).sqrt();
    let mut operands = vec![x];
    let mut constant = |r: &mut Random, what: &str, shape: &[usize], scale: f32| {
        operands.push(graph.add_constant(format!("{name}.{what}"), r.scaled(shape, scale)));
    };
    constant(r, "weight", &[outputs, inputs, kernel, kernel], scale);
    constant(r, "bias", &[outputs], 0.3);
    if with.affine {
        constant(r, "scale", &[inputs], 1.0);
        constant(r, "shift", &[inputs], 0.5);
    }
    if with.slope {
        constant(r, "slope", &[outputs], 0.5);
    }
    operands.extend(residual);
    let (lo, post_lo) = if with.clamp { (Some(-0.25), Some(-0.125)) } else { (None, None) };
    let epilogue = Epilogue { slope: with.slope, residual: residual.is_some(), lo, hi: with.clamp.then_some(1.0), post_lo, post_hi: None };
    let conv = Conv { window: Window::square(kernel, 1, kernel / 2), groups: 1, bias: true, pre_affine: with.affine, epilogue };
    graph.add_node(name, Op::Conv(conv), &operands)
}

/// Runs with and without fusion, both kinds of kernels, F(2x2) and F(4x4), batches of 1 and 3.
fn check(pair: Pair) {
    let model = pair.model();
    for (m, textures) in [(2, false), (2, true), (4, false), (4, true)] {
        let network = |fuse: bool, precision: Precision| {
            let force = Force { conv: Some(ConvAlgorithm::Winograd(m)), textures: Some(textures), fuse: Some(fuse), ..Force::default() };
            Network::compile(&gpu(), &model, &CompileOptions { force, precision, ..CompileOptions::default() }).unwrap()
        };
        for precision in [Precision::F32, Precision::F16] {
            let (apart, fused) = (network(false, precision), network(true, precision));
            let count = |n: &Network| n.summary().unwrap().dispatches.len();
            // The walk of software adapters keeps eight tiles.
            let fits = !textures || pair.size[1].div_ceil(m as usize) <= 8;
            assert_eq!(count(&apart) - count(&fused), usize::from(fits), "{pair:?} F({m}), textures {textures}");
            for batch in [1, 3] {
                let input = Random(6).tensor(&[batch, pair.channels[0], pair.size[0], pair.size[1]]);
                let run = |n: &Network| n.run(&[("input", &input)]).unwrap();
                let (want, got) = (run(&apart), run(&fused));
                same(&want, &got, &format!("{pair:?} F({m}), textures {textures}, {precision:?}, batch {batch}"));
                if precision == Precision::F32 && batch == 1 {
                    let exact = run_graph(&model.graph, &[Array::from(&input)], &model.graph.outputs).unwrap();
                    for ((name, got), want) in got.iter().zip(&exact) {
                        let error = relative_error(&got.to_f32(), &want.data);
                        assert!(error < 2e-5, "{pair:?} F({m}) {name}: {error:e}");
                    }
                }
            }
        }
    }
}

/// What is around a map that is pooled.
#[derive(Clone, Debug)]
struct Pooled {
    size: [usize; 2],
    pool: Pool,
    /// Slope, bounds and residual of the convolution.
    with: Pair,
    /// Pooled into a part of a larger tensor.
    joined: bool,
}

/// Channels before the convolution.
const POOLED_FROM: usize = 36;

fn max_pool(window: Window, ceil: bool) -> Pool {
    Pool { kind: PoolKind::Max, window, ceil, count_include_pad: false }
}

impl Pooled {
    fn new(size: [usize; 2], pool: Pool) -> Self {
        Self { size, pool, with: Pair::default(), joined: false }
    }

    fn model(&self) -> Model {
        let (mut graph, input) = graph_of(&[POOLED_FROM, self.size[0], self.size[1]]);
        let mut random = Random(7);
        // The last part of a join may end within a vec4, the others may not.
        let outputs = if self.joined { 36 } else { 37 };
        let stem =
            self.with.residual.then(|| conv(&mut graph, &mut random, "stem", input, [outputs, POOLED_FROM, 1], &Pair::default(), None));
        let map = conv(&mut graph, &mut random, "first", input, [outputs, POOLED_FROM, 3], &self.with, stem);
        let mut pooled = graph.add_node("pool", Op::Pool(self.pool.clone()), &[map]);
        if self.joined {
            let side = |graph: &mut Graph, name: &str| {
                let side = graph.add_node(format!("{name}.tanh"), Op::Unary(Unary::Tanh), &[input]);
                graph.add_node(name, Op::Pool(self.pool.clone()), &[side])
            };
            let parts = [side(&mut graph, "before"), pooled, side(&mut graph, "behind")];
            pooled = graph.add_node("joined", Op::Concat { axis: 1 }, &parts);
        }
        graph.outputs.push(pooled);
        if self.with.shown {
            graph.outputs.push(map);
        }
        if self.with.read {
            let other = conv(&mut graph, &mut random, "second", map, [33, outputs, 3], &Pair::default(), None);
            let again = graph.add_node("again", Op::Pool(self.pool.clone()), &[map]);
            graph.outputs.extend([other, again]);
        }
        model_of(graph)
    }

    /// Runs with and without fusion, both kinds of kernels, F(2x2) and F(4x4), batches of 1 and 3; `saved` launches less with it.
    fn check(&self, saved: usize) {
        self.run(Some(saved));
    }

    /// The same with any number of launches.
    fn check_any(&self) {
        self.run(None);
    }

    fn run(&self, saved: Option<usize>) {
        let model = self.model();
        for (m, textures) in [(2, false), (2, true), (4, false), (4, true)] {
            let network = |fuse: Option<bool>| {
                let force = Force { conv: Some(ConvAlgorithm::Winograd(m)), textures: Some(textures), fuse, ..Force::default() };
                Network::compile(&gpu(), &model, &CompileOptions { force, ..CompileOptions::default() }).unwrap()
            };
            let (apart, fused) = (network(Some(false)), network(None));
            let count = |n: &Network| n.summary().unwrap().dispatches.len();
            if let Some(saved) = saved {
                assert_eq!(count(&apart) - count(&fused), saved, "{self:?} F({m}), textures {textures}");
            }
            // The output is brought into rows, nothing else is moved.
            let dispatches = fused.summary().unwrap().dispatches;
            let moved = |label: &str| label.starts_with("joined") && !label.ends_with("to rows");
            let copied = dispatches.iter().filter(|d| d.shader.starts_with("movement/copy") && moved(&d.label)).count();
            assert_eq!(copied, 0, "every pool writes its part of {self:?}");
            for batch in [1, 3] {
                let input = Random(6).tensor(&[batch, POOLED_FROM, self.size[0], self.size[1]]);
                let run = |n: &Network| n.run(&[("input", &input)]).unwrap();
                let got = run(&fused);
                same(&run(&apart), &got, &format!("{self:?} F({m}), textures {textures}, batch {batch}"));
                if batch == 1 {
                    let exact = run_graph(&model.graph, &[Array::from(&input)], &model.graph.outputs).unwrap();
                    for ((name, got), want) in got.iter().zip(&exact) {
                        let error = relative_error(&got.to_f32(), &want.data);
                        assert!(error < 2e-5, "{self:?} F({m}) {name}: {error:e}");
                    }
                }
            }
        }
    }
}

/// The same sums in the same order: what differs is what a compiler contracts to fused multiply-adds.
fn same(want: &[(String, Tensor)], got: &[(String, Tensor)], what: &str) {
    assert_eq!(want.len(), got.len(), "{what}");
    for ((name, want), (_, got)) in want.iter().zip(got) {
        let want: Vec<_> = want.to_f32().iter().map(|&v| f64::from(v)).collect();
        let error = relative_error(&got.to_f32(), &want);
        let bound = if gpu().adapter().is_software() { 0.0 } else { 1e-5 };
        assert!(error <= bound, "{what} {name}: {error:e}");
    }
}

const CHANNELS: [usize; 3] = [34, 37, 33];

#[test]
fn maps_of_any_size() {
    for size in [[7, 7], [9, 13], [28, 28], [30, 17], [1, 1], [3, 16], [32, 5]] {
        check(Pair { channels: CHANNELS, size, ..Pair::default() });
    }
}

#[test]
fn every_part_of_an_epilogue_and_the_affine_behind_it() {
    let size = [9, 13];
    for bits in 0..16u32 {
        let on = |bit: u32| bits >> bit & 1 == 1;
        check(Pair { channels: CHANNELS, size, affine: on(0), slope: on(1), residual: on(2), clamp: on(3), ..Pair::default() });
    }
}

#[test]
fn a_map_that_something_else_needs_is_stored() {
    for bits in 1..16u32 {
        let on = |bit: u32| bits >> bit & 1 == 1;
        let pair =
            Pair { channels: [32, 36, 40], size: [14, 14], shown: on(0), read: on(1), residual: on(2), affine: on(3), ..Pair::default() };
        check(Pair { slope: true, ..pair });
    }
}

#[test]
fn pooling_joins_the_transform_of_what_it_reads() {
    for size in [[8, 8], [7, 7], [9, 13], [6, 11], [2, 5], [33, 30]] {
        for ceil in [false, true] {
            Pooled::new(size, max_pool(Window::square(2, 2, 0), ceil)).check(1);
        }
    }
    let on = |bits: u32, bit: u32| bits >> bit & 1 == 1;
    for bits in 1..16 {
        let with = Pair { slope: on(bits, 0), residual: on(bits, 1), clamp: on(bits, 2), ..Pair::default() };
        let pooled = Pooled::new([9, 6], max_pool(Window::square(2, 2, 0), true));
        Pooled { with, joined: on(bits, 3), ..pooled }.check(1);
    }
}

#[test]
fn other_pooling_has_a_launch_of_its_own() {
    let window = |kernel, stride, pads| Window { kernel, stride, dilation: [1; 2], pads, auto: AutoPad::Explicit };
    let windows = [
        window([3, 3], [2, 2], [0; 4]),
        window([2, 2], [1, 1], [0; 4]),
        window([2, 2], [2, 2], [1, 1, 1, 1]),
        window([2, 1], [2, 1], [0; 4]),
        Window { dilation: [2; 2], ..Window::square(2, 2, 0) },
    ];
    for window in windows {
        Pooled::new([9, 8], max_pool(window, false)).check(0);
    }
    // Padding at the end changes nothing but the shape.
    Pooled::new([9, 9], max_pool(window([2, 2], [2, 2], [0, 0, 1, 1]), false)).check(1);
    let average = Pool { kind: PoolKind::Average, ..max_pool(Window::square(2, 2, 0), false) };
    Pooled::new([8, 8], average).check(0);
    // The map itself is wanted.
    let pooled = Pooled::new([8, 8], max_pool(Window::square(2, 2, 0), false));
    Pooled { with: Pair { shown: true, ..Pair::default() }, ..pooled.clone() }.check(0);
    // Two pools and a convolution, which may share transforms with the one before: the map is stored for the pools.
    Pooled { with: Pair { read: true, ..Pair::default() }, ..pooled }.check_any();
}

#[test]
fn iresnet_50_takes_few_launches() {
    let hardware = Caps { max_binding: 1 << 30, ..Caps::baseline() };
    let software = Caps { gemm: GemmFamily::Subgroup(8), textures: true, ..hardware.clone() };
    let network = Prepared::new("iresnet-50", 1);
    for caps in [&hardware, &software] {
        let count = |fuse| network.plan(caps, Precision::F32, Force { fuse, ..Force::default() }).dispatches.len();
        // On hardware one product more is cut into slices, which are added in a launch of their own.
        assert_eq!(count(Some(false)), 142 + usize::from(!caps.textures), "{caps:?}");
        assert!(count(None) <= 110, "{} on {caps:?}", count(None));
    }
}
