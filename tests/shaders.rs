//! Every permutation of every shader translates for every backend, stays within what every adapter has, and has its kernel and reference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lookalike::shader::{BindingKind, Shader};
use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a shader may use beyond plain WGSL, but for subgroups.
fn base(shader: &Shader) -> Capabilities {
    let cooperative = Capabilities::COOPERATIVE_MATRIX | Capabilities::SHADER_FLOAT16;
    Capabilities::SHADER_FLOAT16_IN_FLOAT32 | if shader.cooperative { cooperative } else { Capabilities::empty() }
}

fn validated(shader: &Shader) -> (naga::Module, ModuleInfo) {
    let module =
        naga::front::wgsl::parse_str(shader.source).unwrap_or_else(|e| panic!("{}: {}", shader.name, e.emit_to_string(shader.source)));
    let subgroup = if shader.subgroups { Capabilities::SUBGROUP } else { Capabilities::empty() };
    let mut validator = Validator::new(ValidationFlags::all(), base(shader) | subgroup);
    let info = validator.validate(&module).unwrap_or_else(|e| panic!("{}: {}", shader.name, e.emit_to_string(shader.source)));
    (module, info)
}

/// `family/stem` of every permutation, each once.
fn stems() -> BTreeSet<&'static str> {
    Shader::all().iter().filter_map(|s| s.name.split('.').next()).collect()
}

/// What a target has no translation of, and why. Every other permutation has to translate.
const EXEMPT: [(Target, &str, &str); 6] = [
    (Target::Msl, "conv/coop_gemm.m16_sg32", "Metal's simdgroup matrices are 8x8"),
    (Target::Msl, "conv/coop_gemm.m16_sg64", "Metal's simdgroup matrices are 8x8"),
    (Target::Hlsl, "conv/coop_gemm.m16_sg32", "DX12 adapters have no cooperative matrices in wgpu"),
    (Target::Hlsl, "conv/coop_gemm.m16_sg64", "DX12 adapters have no cooperative matrices in wgpu"),
    (Target::Hlsl, "conv/coop_gemm.m8_sg8", "DX12 adapters have no cooperative matrices in wgpu"),
    (Target::Hlsl, "conv/coop_gemm.m8_sg32", "DX12 adapters have no cooperative matrices in wgpu"),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    Msl,
    Hlsl,
}

/// The permutations that have to translate for a target.
fn translated(target: Target) -> impl Iterator<Item = &'static Shader> {
    Shader::all().iter().copied().filter(move |s| !EXEMPT.iter().any(|(t, name, _)| *t == target && *name == s.name))
}

#[test]
fn permutation_names_are_unique() {
    let names: BTreeSet<_> = Shader::all().iter().map(|s| s.name).collect();
    assert_eq!(names.len(), Shader::all().len());
    assert!(names.len() > 20, "only {} permutations", names.len());
    for shader in Shader::all() {
        assert_eq!(Shader::find(shader.name).map(|s| s.source), Some(shader.source), "{}", shader.name);
    }
}

#[test]
fn every_permutation_translates_to_spirv() {
    for shader in Shader::all() {
        let (module, info) = validated(shader);
        // SPIR-V 1.3 (Vulkan 1.1) is the first with subgroup operations.
        let options = spv::Options { lang_version: if shader.subgroups { (1, 3) } else { (1, 0) }, ..spv::Options::default() };
        let words = spv::write_vec(&module, &info, &options, None).unwrap_or_else(|e| panic!("{}: {e}", shader.name));
        assert_eq!(words[0], 0x0723_0203, "{}", shader.name);
    }
}

fn to_msl(shader: &Shader) -> String {
    let (module, info) = validated(shader);
    let options = msl::Options { lang_version: (2, 4), fake_missing_bindings: true, ..msl::Options::default() };
    let (text, translated) =
        msl::write_string(&module, &info, &options, &msl::PipelineOptions::default()).unwrap_or_else(|e| panic!("{}: {e}", shader.name));
    assert!(translated.entry_point_names.iter().all(Result::is_ok), "{}: {:?}", shader.name, translated.entry_point_names);
    assert!(text.contains("kernel void"), "{}", shader.name);
    text
}

#[test]
fn every_permutation_translates_to_msl() {
    for shader in translated(Target::Msl) {
        let text = to_msl(shader);
        assert!(!text.contains("16x16"), "{}: Metal has no such type", shader.name);
        assert_eq!(text.contains("simdgroup_multiply_accumulate"), shader.cooperative, "{}", shader.name);
    }
}

/// What is left out is there, is left out for a reason that holds, and nothing else needs cooperative matrices.
#[test]
fn exemptions_are_those_of_cooperative_matrices() {
    for (target, name, why) in EXEMPT {
        let shader = Shader::find(name).unwrap_or_else(|| panic!("{name} is exempt from {target:?} ({why}) and does not exist"));
        assert!(shader.cooperative, "{name}");
        assert!(target == Target::Hlsl || to_msl(shader).contains("simdgroup_half16x16"), "{name} could be translated for Metal");
    }
    for shader in Shader::all().iter().filter(|s| s.cooperative) {
        assert!(shader.name.starts_with("conv/coop_gemm."), "{}", shader.name);
        assert!(!translated(Target::Hlsl).any(|s| s == *shader), "{} has no translation to HLSL", shader.name);
    }
    assert_eq!(translated(Target::Msl).filter(|s| s.cooperative).count(), 2, "the 8x8 forms are for Metal, too");
}

/// naga multiplies matrices of different sizes without a word.
#[test]
fn cooperative_matrices_are_of_the_size_their_name_says() {
    for shader in Shader::all().iter().filter(|s| s.cooperative) {
        let (module, info) = validated(shader);
        let size = if shader.name.contains(".m16_") { 16 } else { 8 };
        let mut seen = BTreeSet::new();
        for (handle, _) in module.entry_points[0].function.expressions.iter() {
            if let naga::TypeInner::CooperativeMatrix { columns, rows, scalar, role } =
                info.get_entry_point(0)[handle].ty.inner_with(&module.types)
            {
                assert_eq!([*columns as u32, *rows as u32], [size; 2], "{}: {role:?}", shader.name);
                assert_eq!(scalar.width, if *role == naga::CooperativeRole::C { 4 } else { 2 }, "{}: {role:?}", shader.name);
                seen.insert(format!("{role:?}"));
            }
        }
        assert_eq!(seen.into_iter().collect::<String>(), "ABC", "{}", shader.name);
    }
}

fn to_hlsl(shader: &Shader, shader_model: hlsl::ShaderModel) {
    let (module, info) = validated(shader);
    let options = hlsl::Options { shader_model, fake_missing_bindings: true, ..hlsl::Options::default() };
    let pipeline = hlsl::PipelineOptions::default();
    let mut text = String::new();
    let reflection = hlsl::Writer::new(&mut text, &options, &pipeline)
        .write(&module, &info, None)
        .unwrap_or_else(|e| panic!("{} for shader model {shader_model:?}: {e}", shader.name));
    assert!(reflection.entry_point_names.iter().all(Result::is_ok), "{}: {:?}", shader.name, reflection.entry_point_names);
    assert!(text.contains("numthreads"), "{}", shader.name);
}

#[test]
fn every_permutation_translates_to_hlsl() {
    for shader in translated(Target::Hlsl) {
        to_hlsl(shader, hlsl::ShaderModel::V6_0);
    }
}

/// The compiler that every Windows has knows no newer one.
#[test]
fn permutations_without_subgroups_translate_to_hlsl_5_1() {
    for shader in Shader::all().iter().filter(|s| !s.subgroups) {
        to_hlsl(shader, hlsl::ShaderModel::V5_1);
    }
}

#[test]
fn workgroups_and_bindings_fit_every_adapter() {
    for shader in Shader::all() {
        let invocations: u32 = shader.workgroup_size.iter().product();
        let storage = shader.bindings.iter().filter(|b| matches!(b, BindingKind::Read | BindingKind::Write)).count();
        assert!((1..=256).contains(&invocations), "{}: {invocations} invocations", shader.name);
        assert!(shader.workgroup_size[2] <= 64, "{}: {} deep", shader.name, shader.workgroup_size[2]);
        assert!(shader.workgroup_bytes <= 16 * 1024, "{}: {} bytes of workgroup memory", shader.name, shader.workgroup_bytes);
        assert!(storage <= 7, "{}: {storage} storage buffers", shader.name);
        assert_eq!(shader.bindings.first(), Some(&BindingKind::Uniform), "{}", shader.name);
        assert!(shader.bindings.contains(&BindingKind::Write), "{} writes nothing", shader.name);
    }
}

/// The reflection that plans rely on, against a second reading of the source.
#[test]
fn reflection_agrees_with_the_source() {
    for shader in Shader::all() {
        let (module, _) = validated(shader);
        let entry = &module.entry_points[0];
        assert_eq!((entry.name.as_str(), entry.workgroup_size), ("main", shader.workgroup_size), "{}", shader.name);
        let bound = module.global_variables.iter().filter(|(_, v)| v.binding.is_some()).count();
        assert_eq!(bound, shader.bindings.len(), "{}", shader.name);
        let plain = Validator::new(ValidationFlags::all(), base(shader)).validate(&module);
        assert_eq!(plain.is_err(), shader.subgroups, "{}", shader.name);
    }
}

/// Files below `folder` with this extension, as paths relative to it without it.
fn files(folder: &Path, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                let parts: Vec<_> =
                    path.strip_prefix(folder).unwrap().with_extension("").iter().map(|p| p.to_str().unwrap().to_owned()).collect();
                found.push(parts.join("/"));
            }
        }
    }
    found
}

#[test]
fn every_shader_file_is_listed() {
    let listed = stems();
    let found: Vec<_> = files(&root().join("shaders"), "wgsl").into_iter().filter(|f| !f.starts_with("shared/")).collect();
    assert_eq!(found.len(), listed.len());
    for file in found {
        assert!(listed.contains(file.as_str()), "shaders/{file}.wgsl is not in shaders/permutations.txt");
    }
}

#[test]
fn every_shared_file_is_imported() {
    let sources: Vec<_> = files(&root().join("shaders"), "wgsl")
        .into_iter()
        .map(|f| std::fs::read_to_string(root().join("shaders").join(f).with_extension("wgsl")).unwrap())
        .collect();
    for file in files(&root().join("shaders/shared"), "wgsl") {
        assert!(sources.iter().any(|s| s.contains(&format!("shared/{file}"))), "no shader imports shared/{file}");
    }
}

#[test]
fn every_stem_has_a_kernel_file() {
    for stem in stems() {
        let path = format!("src/kernels/{stem}.rs");
        assert!(root().join(&path).is_file(), "{path} is missing");
    }
}

/// What a stem computes in plain f64. Variants of one operation share a file, and one kernel may do several operations.
fn references(stem: &str) -> Option<&'static [&'static str]> {
    Some(match stem {
        "conv/transpose" => &["conv/transpose"],
        _ if stem.starts_with("conv/") => &["conv/conv2d"],
        _ if stem.starts_with("probe/") => &[],
        "local/locally_connected" => &["local/locally_connected"],
        "linear/gemv" | "linear/matmul" => &["linear"],
        "pool/argmax" => &["pool/argmax"],
        "pool/window" => &["pool/window"],
        "pool/global" => &["pool/global", "reduce"],
        "margin/pair" => &["margin/pairs"],
        "margin/distances" | "margin/mine" | "margin/triplet" => &["margin/triplets"],
        "margin/gather" => &["margin/triplets", "margin/regular", "margin/pairs"],
        _ if stem.starts_with("margin/") => &["margin/classes", "margin/regular"],
        "norm/lrn" => &["norm/lrn"],
        "norm/axis" => &["norm/l2_normalize", "norm/softmax"],
        "norm/batch_norm" => &["norm/batch_norm"],
        "norm/reduce" => &["reduce"],
        "norm/standardize" => &["norm/standardize"],
        "select/arg" => &["select/arg", "norm/softmax"],
        "select/merge" | "select/sort" => &["select/sort"],
        "select/scan" => &["select/scan"],
        "elementwise/affine" => &["norm/batch_norm", "elementwise/prelu"],
        "elementwise/unary" => &["elementwise/unary"],
        "quantize/linear" => &["quantize/mod"],
        "elementwise/binary" => &["elementwise/binary", "elementwise/prelu"],
        "elementwise/cast" => &["movement/mod"],
        "elementwise/choice" => &["elementwise/choice"],
        "movement/copy" => &["movement/mod", "movement/concat", "movement/pad"],
        "movement/gather" | "movement/gather_elements" => &["movement/gather"],
        "sample/grid" => &["sample/grid"],
        "sample/resample" => &["image/resize"],
        "image/resize" => &["image/resize"],
        "image/warp" | "image/area" => &["image/warp"],
        // The f64 alignment of the host, which is what the kernel has to give.
        "image/fit" => &["../face/align/mod"],
        "search/subgroup_scan" | "search/tiled_scan" => &["search/scan"],
        "search/probes" => &["search/probes"],
        "search/cutoff" => &["search/cutoff"],
        "search/rescore" => &["search/rescore"],
        "search/distance_scan" | "search/subgroup_distance_scan" => &["search/distance"],
        "image/piecewise" => &["image/piecewise"],
        "train/adam" => &["train/adam"],
        "train/scale" => &["train/scale"],
        "train/scale_gradient" => &["train/scale_gradient"],
        "train/sgd" => &["train/sgd"],
        "train/squares" => &["train/squares"],
        "train/transpose" => &["train/transpose"],
        _ => return None,
    })
}

#[test]
fn every_stem_has_a_reference() {
    for stem in stems() {
        let files = references(stem).unwrap_or_else(|| panic!("say which file of src/reference computes {stem}"));
        for file in files {
            let path = format!("src/reference/{file}.rs");
            assert!(root().join(&path).is_file(), "{path}, the reference of {stem}, is missing");
        }
    }
}
