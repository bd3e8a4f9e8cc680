//! Products whose sums are cut into slices: what they give, that they give it again, and what they take.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{Random, add_conv, add_linear, bits, gpu, graph_of, model_of, open_device, relative_error};
use lookalike::gpu::Gpu;
use lookalike::graph::{Binary, Op, Unary};
use lookalike::model::{Model, Precision};
use lookalike::network::{CompileOptions, Network};
use lookalike::plan::{ConvAlgorithm, Force, GemmFamily};
use lookalike::reference::{Array, run_graph};
use lookalike::tensor::Tensor;
use lookalike::wgpu;

const X: [usize; 3] = [70, 7, 5];

/// Few pixels and many channels, not all of them whole vec4s; a residual; a dense layer.
fn model() -> Model {
    let mut r = Random(11);
    let (mut g, x) = graph_of(&X);
    let a = add_conv(&mut g, &mut r, "a", x, [131, X[0], 3], 1);
    let a = g.add_node("a.relu", Op::Unary(Unary::Relu), &[a]);
    let b = add_conv(&mut g, &mut r, "b", a, [131, 131, 1], 1);
    let sum = g.add_node("sum", Op::Binary(Binary::Add), &[b, a]);
    let sum = g.add_node("sum.relu", Op::Unary(Unary::Relu), &[sum]);
    let flat = g.add_node("flat", Op::Flatten { axis: 1 }, &[sum]);
    add_linear(&mut g, &mut r, "fc", flat, 150, 131 * X[1] * X[2]);
    model_of(g)
}

fn compile(gpu: &Gpu, gemm: Option<GemmFamily>, slices: Option<u32>, precision: Precision) -> Network {
    let force = Force { conv: Some(ConvAlgorithm::Gemm), gemm, slices, ..Force::default() };
    Network::compile(gpu, &model(), &CompileOptions { force, precision, ..CompileOptions::default() }).unwrap()
}

fn input(batch: usize) -> Tensor {
    Random(12).tensor(&[batch, X[0], X[1], X[2]])
}

/// Launches that add slices.
fn additions(network: &Network) -> usize {
    network.summary().unwrap().dispatches.iter().filter(|d| d.shader.starts_with("conv/slices")).count()
}

#[test]
fn slices_give_what_whole_sums_give_and_the_same_bits_again() {
    let model = model();
    let wanted: Vec<_> =
        [1, 5].map(|batch| run_graph(&model.graph, &[Array::from(&input(batch))], &model.graph.outputs).unwrap()).into_iter().collect();
    for gemm in [None, Some(GemmFamily::Tiled)] {
        for (precision, most) in [(Precision::F32, 1e-5), (Precision::F16, 2e-3)] {
            for slices in [1, 2, 3, 8] {
                let network = compile(&gpu(), gemm, Some(slices), precision);
                // At a batch of 1 the dense layer is a matrix-vector product, which can be cut as well.
                assert_eq!(additions(&network), if slices == 1 { 0 } else { 3 });
                let again = compile(&gpu(), gemm, Some(slices), precision);
                for (batch, want) in [1, 5].into_iter().zip(&wanted) {
                    let got = network.run(&[("input", &input(batch))]).unwrap();
                    let error = relative_error(&got[0].1.to_f32(), &want[0].data);
                    assert!(error < most, "{gemm:?}, {precision:?}, {slices} slices, batch {batch}: {error:e}");
                    for other in [&network, &again] {
                        assert_eq!(bits(&other.run(&[("input", &input(batch))]).unwrap()), bits(&got), "{gemm:?}, {slices} slices");
                    }
                }
            }
        }
    }
}

#[test]
fn slices_read_the_weights_of_whole_sums() {
    for gemm in [None, Some(GemmFamily::Tiled)] {
        let [whole, cut] = [1, 4].map(|slices| compile(&gpu(), gemm, Some(slices), Precision::F32).summary().unwrap().weight_bytes);
        // The slices' own bias and slope, of no effect: layers of 132 and of 152 channels; and what stands for an absent residual.
        assert!((8 * (132 + 152)..=8 * (132 + 152) + 16).contains(&(cut - whole)), "{gemm:?}: {whole} {cut}");
    }
}

#[test]
fn weights_beyond_a_binding_are_cut_both_ways() {
    // The dense layer's weights are 2.8 MB and more.
    let (info, device, queue) = open_device(|limits| wgpu::Limits { max_storage_buffer_binding_size: 5 << 19, ..limits });
    let small = Gpu::from_wgpu(info, device, queue).unwrap();
    let network = compile(&small, None, Some(3), Precision::F32);
    let parts =
        network.summary().unwrap().dispatches.iter().filter(|d| d.label.starts_with("fc ") && !d.shader.starts_with("conv/slices")).count();
    assert!(parts > 1, "{parts}");
    let want = compile(&gpu(), None, Some(3), Precision::F32);
    for batch in [1, 5] {
        let run = |network: &Network| bits(&network.run(&[("input", &input(batch))]).unwrap());
        assert_eq!(run(&network), run(&want), "batch {batch}");
    }
}

#[test]
fn the_model_cuts_products_of_few_workgroups_on_hardware_only() {
    let mut r = Random(1);
    let (mut g, x) = graph_of(&[512, 7, 7]);
    add_conv(&mut g, &mut r, "few", x, [512, 512, 1], 1);
    let few = model_of(g);
    let form = |gemm: Option<GemmFamily>| {
        // Without the copies to textures that only software adapters need.
        let force = Force { gemm, textures: gemm.map(|_| false), ..Force::default() };
        let network = Network::compile(&gpu(), &few, &CompileOptions { force, ..CompileOptions::default() }).unwrap();
        network.summary().unwrap().convolutions[0].form.unwrap()
    };
    assert!(form(Some(GemmFamily::Tiled)).slices > 1);
    if matches!(gpu().caps().gemm, GemmFamily::Subgroup(_)) {
        assert_eq!(form(None).slices, 1);
    }
}
