//! How many kernels the networks of the zoo take: software adapters compile each for 0.1 to 0.4 s.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use lookalike::graph::{Dim, Graph, passes};
use lookalike::model::Precision;
use lookalike::plan::{self, Caps, Feed, Force, GemmFamily, Plan, PlanOptions};
use lookalike::tensor::Shape;
use lookalike::zoo;

/// Height and width where a network leaves them free.
const SIDE: usize = 320;

fn software(subgroup: u32) -> Caps {
    Caps { gemm: GemmFamily::Subgroup(subgroup), textures: true, max_binding: 1 << 30, ..Caps::baseline() }
}

/// A network for so many pictures, ready to be planned.
fn specialised(graph: &Graph, batch: usize) -> (Graph, Vec<Shape>) {
    let size = |(axis, dim): (usize, &Dim)| match dim {
        Dim::Fixed(n) => *n,
        Dim::Free(_) if axis == 0 => batch,
        Dim::Free(_) => SIDE,
    };
    let shapes: Vec<_> = graph.inputs.iter().map(|i| Shape::from(i.dims.iter().enumerate().map(size).collect::<Vec<_>>())).collect();
    let mut graph = graph.clone();
    passes::optimise(&mut graph, &shapes).unwrap();
    passes::specialise(&graph, &shapes).unwrap()
}

fn plan(graph: &Graph, shapes: &[Shape], caps: &Caps, precision: Precision) -> Plan {
    plan::build(graph, shapes, caps, &PlanOptions { precision, feed: Feed::Packed, force: Force::default() }).unwrap()
}

fn kernels(plan: &Plan) -> BTreeSet<&'static str> {
    plan.dispatches.iter().map(|d| d.shader.name).collect()
}

#[test]
fn every_network_takes_twelve_kernels_at_most_on_software_adapters() {
    for entry in zoo::networks() {
        let graph = entry.graph(&mut zoo::Shapes).unwrap();
        for batch in [1, 8] {
            let (graph, shapes) = specialised(&graph, batch);
            for subgroup in [4, 8, 16, 32] {
                for precision in [Precision::F32, Precision::F16] {
                    let kernels = kernels(&plan(&graph, &shapes, &software(subgroup), precision));
                    assert!(kernels.len() <= 12, "{} in {precision:?}, batch {batch}, {subgroup} lanes: {kernels:?}", entry.name);
                }
            }
        }
    }
}

#[test]
fn kernels_are_only_saved_where_they_are_many_and_compiled_slowly() {
    let of = |name: &str, caps: &Caps| {
        let graph = zoo::find(name).unwrap().graph(&mut zoo::Shapes).unwrap();
        let (graph, shapes) = specialised(&graph, 1);
        kernels(&plan(&graph, &shapes, caps, Precision::F32))
    };
    // Both forms of Winograd's transforms and all tiles.
    let few = of("iresnet-50", &software(8));
    for kernel in [
        "winograd_input.f2_tex",
        "winograd_input.f4_tex",
        "subgroup_gemm.sg8_tex",
        "subgroup_gemm.sg8_p28_tex",
        "subgroup_gemm.sg8_p16_tex",
    ] {
        assert!(few.contains(&*format!("conv/{kernel}")), "{kernel} is not in {few:?}");
    }
    let hardware = Caps { max_binding: 1 << 30, ..Caps::baseline() };
    assert!(of("airface", &hardware).len() > 12, "{:?}", of("airface", &hardware));
    // The same device, the same plan.
    assert_eq!(of("dlib-resnet-v1", &software(8)), of("dlib-resnet-v1", &software(8)));
}
