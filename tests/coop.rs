//! Cooperative matrices: off unless asked for, told about when asked for, and right where they run.
//!
//! Mesa's software driver has them from 26 on; elsewhere the tests of what they compute print `skipped` and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::process::{Command, Output};

use common::{Random, add_conv, bits, graph_of, model_of, relative_error};
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::model::{Model, Precision};
use lookalike::network::{CompileOptions, Network};
use lookalike::plan::GemmFamily;
use lookalike::selftest;
use lookalike::tensor::Tensor;

fn open(experimental_coop: bool) -> Gpu {
    Gpu::new(&GpuOptions { gemm: Some(GemmFamily::Tiled), experimental_coop, ..GpuOptions::default() }).unwrap()
}

/// A device that uses them, or `None` with a word of why not.
fn cooperative() -> Option<Gpu> {
    let gpu = open(true);
    if gpu.caps().cooperative.is_none() {
        println!("skipped: {}", gpu.cooperative().unwrap());
    }
    Some(gpu).filter(|g| g.caps().cooperative.is_some())
}

/// A strided convolution, a 1x1 one and one for Winograd.
fn model() -> Model {
    let mut r = Random(7);
    let (mut graph, x) = graph_of(&[3, 33, 31]);
    let x = add_conv(&mut graph, &mut r, "a", x, [40, 3, 3], 2);
    let x = add_conv(&mut graph, &mut r, "b", x, [36, 40, 1], 1);
    let x = add_conv(&mut graph, &mut r, "c", x, [33, 36, 3], 1);
    graph.outputs = vec![x];
    model_of(graph)
}

fn compile(gpu: &Gpu, precision: Precision) -> Network {
    Network::compile(gpu, &model(), &CompileOptions { batch: 2, precision, ..CompileOptions::default() }).unwrap()
}

fn shaders(network: &Network) -> Vec<String> {
    let summary = serde_json::to_value(network.summary().unwrap()).unwrap();
    summary["dispatches"].as_array().unwrap().iter().map(|d| d["shader"].as_str().unwrap().to_owned()).collect()
}

fn input() -> Tensor {
    Random(3).tensor(&[2, 3, 33, 31])
}

#[test]
fn nothing_uses_them_unless_asked() {
    let gpu = open(false);
    assert_eq!((gpu.caps().cooperative, gpu.cooperative()), (None, None));
    assert!(shaders(&compile(&gpu, Precision::F16)).iter().all(|s| !s.starts_with("conv/coop_gemm")));
}

#[test]
fn what_was_asked_for_is_told_and_f32_stays_as_it_is() {
    let (off, on) = (open(false), open(true));
    let told = on.cooperative().unwrap();
    assert_eq!(on.caps().cooperative.is_some(), told.contains("are used for products of halves"), "{told}");
    assert!(told.ends_with('.'), "{told}");
    let run = |gpu: &Gpu, precision| bits(&compile(gpu, precision).run(&[("input", &input())]).unwrap());
    assert_eq!(run(&off, Precision::F32), run(&on, Precision::F32));
    if on.caps().cooperative.is_none() {
        assert_eq!(run(&off, Precision::F16), run(&on, Precision::F16));
    }
}

#[test]
fn networks_of_halves_run_on_them_and_stay_near_f32() {
    let Some(gpu) = cooperative() else { return };
    let network = compile(&gpu, Precision::F16);
    let names = shaders(&network);
    assert_eq!(names.iter().filter(|s| s.starts_with("conv/coop_gemm")).count(), 3, "{names:?}");
    assert!(names.iter().any(|s| s.starts_with("conv/winograd_input.f2")), "{names:?}");
    let outputs = network.run(&[("input", &input())]).unwrap();
    assert_eq!(bits(&outputs), bits(&network.run(&[("input", &input())]).unwrap()));
    let exact = compile(&gpu, Precision::F32).run(&[("input", &input())]).unwrap();
    let error = relative_error(&outputs[0].1.to_f32(), &exact[0].1.to_f64());
    assert!((1e-6..2e-3).contains(&error), "{error:e}");
}

#[test]
fn the_selftest_runs_this_form_and_says_where_the_others_belong() {
    let gpu = open(true);
    let results = selftest::run(&gpu, Some("conv/coop_gemm")).unwrap();
    let elsewhere = selftest::not_on_this_adapter(&gpu, Some("conv/coop_gemm"));
    match gpu.caps().cooperative {
        None => {
            assert!(results.is_empty());
            assert_eq!(elsewhere.len(), 4);
            assert!(elsewhere.iter().all(|e| e.reason == gpu.cooperative().unwrap().trim_end_matches('.')));
        }
        Some(with) => {
            let name = format!("conv/coop_gemm.m{}_sg{}", with.size, with.subgroup);
            for r in &results {
                assert!(r.passed && r.permutation == name, "{} {}: {:e}, bound {:e}", r.permutation, r.case, r.max_error, r.bound);
            }
            assert!(results.len() > 20, "{} cases", results.len());
            assert_eq!(elsewhere.len(), 3);
            assert!(elsewhere.iter().all(|e| e.permutation != name && e.reason == "for other cooperative matrices"));
        }
    }
    let off = selftest::not_on_this_adapter(&open(false), Some("conv/coop_gemm"));
    assert!(off.len() == 4 && off.iter().all(|e| e.reason.contains("--experimental-coop asks for them")), "{off:?}");
}

fn tool(args: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
    command.args(args.split_whitespace()).env("LOOKALIKE_GEMM", "tiled").env_remove("LOOKALIKE_EXPERIMENTAL_COOP").output().unwrap()
}

#[test]
fn commands_tell_what_became_of_the_flag() {
    let told = open(true).cooperative().unwrap().to_owned();
    let used = told.contains("are used");
    let [devices, json] = ["devices --experimental-coop", "devices --experimental-coop --json"].map(|args| {
        let output = tool(args);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    });
    assert!(devices.contains(&format!("\n0: {told}\n")), "{devices}");
    let reports: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(reports[0]["experimental_coop"], told);
    let plain: serde_json::Value = serde_json::from_slice(&tool("devices --json").stdout).unwrap();
    assert!(plain[0].get("experimental_coop").is_none() && plain[0]["cooperative_sizes"].is_array(), "{plain}");

    let info = tool("info --experimental-coop --precision f16");
    let stderr = String::from_utf8(info.stderr).unwrap();
    assert!(info.status.success() && stderr.contains(&format!("note: {told}")) && !stderr.contains("without --precision"), "{stderr}");
    assert_eq!(String::from_utf8(info.stdout).unwrap().contains("conv/coop_gemm.m"), used);
    let f32 = String::from_utf8(tool("info --experimental-coop").stderr).unwrap();
    assert_eq!(f32.contains("without --precision f16 they change nothing"), used, "{f32}");

    // What cannot be tested is no pass.
    let selftest = tool("selftest conv/coop_gemm");
    let stderr = String::from_utf8(selftest.stderr).unwrap();
    assert_eq!(selftest.status.code(), Some(2), "{stderr}");
    let why = "No self-test of this adapter matches `conv/coop_gemm`; not on this adapter: conv/coop_gemm.m16_sg32, ";
    assert!(stderr.contains(why) && stderr.contains("--experimental-coop asks for them"), "{stderr}");
    let other = tool("selftest --experimental-coop conv/coop_gemm");
    assert_eq!(other.status.code(), Some(if used { 0 } else { 2 }), "{other:?}");
}
