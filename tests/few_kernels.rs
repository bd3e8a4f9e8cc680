//! How many kernels the networks of the zoo take: software adapters compile each for 0.1 to 0.4 s.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use common::planned::Prepared;
use lookalike::model::Precision;
use lookalike::plan::{Caps, Force, GemmFamily, Origin, Plan};
use lookalike::zoo;

fn software(subgroup: u32) -> Caps {
    Caps { gemm: GemmFamily::Subgroup(subgroup), textures: true, ..Caps::baseline() }
}

/// At most so many kernels.
fn most(kernels: usize) -> Force {
    Force { kernels: Some(kernels), ..Force::default() }
}

fn kernels(plan: &Plan) -> BTreeSet<&'static str> {
    plan.dispatches.iter().map(|d| d.shader.name).collect()
}

/// Layers and the kernels they run.
fn launches(plan: &Plan) -> Vec<(&str, &str)> {
    plan.dispatches.iter().map(|d| (d.label.as_str(), d.shader.name)).collect()
}

#[test]
fn every_network_takes_twelve_kernels_at_most_on_software_adapters() {
    for entry in zoo::networks() {
        for (batch, side) in [(1, 320), (8, 320), (1, 640)] {
            let network = Prepared::sized(entry.name, batch, side);
            for subgroup in [4, 8, 16, 32] {
                for precision in [Precision::F32, Precision::F16] {
                    let kernels = kernels(&network.plan(&software(subgroup), precision, Force::default()));
                    assert!(kernels.len() <= 12, "{} in {precision:?}, batch {batch}, {side}, {subgroup} lanes: {kernels:?}", entry.name);
                }
            }
        }
    }
}

/// What the limit would hide: a kernel more than these networks have takes a tile from them.
#[test]
fn common_networks_need_no_limit() {
    let networks = ["iresnet-50", "mobilefacenet", "vggface", "facenet-nn2", "openface-nn4-small2-v1", "inception-resnet-v1"];
    for (name, batch) in networks.into_iter().flat_map(|name| [1, 8].map(|batch| (name, batch))) {
        let network = Prepared::new(name, batch);
        let of = |force| network.plan(&software(8), Precision::F32, force);
        let (free, limited) = (of(most(usize::MAX)), of(Force::default()));
        assert!(free.kernels() <= 12, "{name}, batch {batch}: {:?}", kernels(&free));
        assert_eq!(launches(&free), launches(&limited), "{name}, batch {batch}");
        if name == "iresnet-50" && batch == 1 {
            for kernel in ["subgroup_gemm.sg8_p28_tex", "subgroup_gemm.sg8_p16_tex", "winograd_walk.f4"] {
                assert!(kernels(&limited).contains(&*format!("conv/{kernel}")), "{kernel} is not in {:?}", kernels(&limited));
            }
        }
    }
}

#[test]
fn kernels_are_saved_where_they_are_many_and_compiled_slowly() {
    let network = Prepared::new("dlib-resnet-v1", 1);
    let of = |caps: &Caps, force: Force| network.plan(caps, Precision::F32, force);
    let limited = of(&software(8), Force::default());
    assert_eq!(launches(&limited), launches(&of(&software(8), Force::default())), "the same device, the same plan");
    assert!(limited.convolutions.iter().any(|c| c.origin == Origin::Frugal));
    assert!(of(&software(8), most(usize::MAX)).kernels() > 12);
    assert!(of(&software(8), most(usize::MAX)).convolutions.iter().all(|c| c.origin != Origin::Frugal));
    // Not against what is asked for, and not for devices that compile fast.
    let forced = |kernels| of(&software(8), Force { kernels, fuse: Some(false), ..Force::default() });
    assert!(forced(None).kernels() > 12);
    assert_eq!(launches(&forced(None)), launches(&forced(Some(usize::MAX))));
    let airface = Prepared::new("airface", 1);
    let of = |force| airface.plan(&Caps::baseline(), Precision::F32, force);
    assert!(of(Force::default()).kernels() > 12);
    assert_eq!(launches(&of(Force::default())), launches(&of(most(usize::MAX))));
}
