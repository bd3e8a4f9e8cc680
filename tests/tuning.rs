//! Choices by timing: kept on disk, taken again, never needed for a result. What is kept may be damaged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::path::{Path, PathBuf};

use common::{Random, add_conv, bits, compare, graph_of, model_of};
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::model::{Model, Precision};
use lookalike::network::{CompileOptions, Network};
use lookalike::plan::{ConvAlgorithm, ConvChoice, Force, GemmFamily, Origin};
use lookalike::tensor::Tensor;
use serde_json::Value;

const SIDE: usize = 14;

/// Two equal layers that Winograd can compute, one that only a product can, one of another shape.
fn model() -> Model {
    let mut r = Random(5);
    let (mut g, x) = graph_of(&[32, SIDE, SIDE]);
    let a = add_conv(&mut g, &mut r, "a", x, [32, 32, 3], 1);
    let b = add_conv(&mut g, &mut r, "b", a, [32, 32, 3], 1);
    let c = add_conv(&mut g, &mut r, "c", b, [36, 32, 1], 1);
    add_conv(&mut g, &mut r, "d", c, [33, 36, 3], 1);
    model_of(g)
}

fn open(cache: Option<&Path>) -> Gpu {
    open_with(cache, None)
}

fn open_with(cache: Option<&Path>, gemm: Option<GemmFamily>) -> Gpu {
    Gpu::new(&GpuOptions { cache: cache.map(Path::to_owned), gemm, ..GpuOptions::default() }).unwrap()
}

fn compile(gpu: &Gpu, options: CompileOptions) -> Network {
    Network::compile(gpu, &model(), &options).unwrap()
}

fn tuned(gpu: &Gpu) -> Network {
    compile(gpu, CompileOptions { autotune: true, ..CompileOptions::default() })
}

fn choices(network: &Network) -> Vec<(ConvAlgorithm, Origin)> {
    network.summary().unwrap().convolutions.iter().map(|c| (c.algorithm, c.origin)).collect()
}

fn run(network: &Network, batch: usize) -> Vec<(String, Tensor)> {
    network.run(&[("input", &Random(3).tensor(&[batch, 32, SIDE, SIDE]))]).unwrap()
}

/// The file of facts of a kind, which has to be there.
fn file(folder: &Path, kind: &str) -> PathBuf {
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut found: Vec<_> = names.filter(|p| p.file_name().unwrap().to_str().unwrap().starts_with(kind)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// Methods of the 3x3 layers; those of `gemm` are all layers'.
fn methods(gpu: &Gpu) -> Vec<String> {
    let of = |small: &str, large: &str| {
        [format!("gemm {small}"), format!("gemm {large}x2"), format!("winograd-f2 {small}"), format!("winograd-f4 {large}")]
    };
    if gpu.caps().gemm != GemmFamily::Tiled {
        return of("p16", "p32").to_vec();
    }
    let mut all = of("m32", "m128").to_vec();
    all.extend(of("m32d", "m64d"));
    if subgroups_compute(gpu) {
        all.extend(of("p32", "p32"));
    }
    all
}

/// Whether `conv/subgroup_gemm` has a form for this device.
fn subgroups_compute(gpu: &Gpu) -> bool {
    gpu.caps().subgroup.is_some_and(|size| [4, 8, 16, 32].contains(&size))
}

/// Writes `method` over those of the layers that can be computed so, and says of how many.
fn set(stored: &mut Value, method: &str) -> usize {
    let layers = stored["content"].as_array_mut().unwrap().iter_mut();
    let of_it = layers.filter(|l| method.starts_with("gemm") || l["layer"].as_str().unwrap().starts_with("3x3"));
    of_it.map(|layer| layer["method"] = method.into()).count()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn write(path: &Path, value: &Value) {
    std::fs::write(path, serde_json::to_vec(value).unwrap()).unwrap();
}

#[test]
fn what_was_timed_is_taken_again_and_not_timed_again() {
    let folder = tempfile::tempdir().unwrap();
    let gpu = open(Some(folder.path()));
    let first = tuned(&gpu);
    let [a, b, c, d] = choices(&first)[..] else { panic!("four layers") };
    assert!([a, b, c, d].iter().all(|layer| layer.1 == Origin::Tuned));
    assert_eq!(a, b, "equal layers are timed once");
    assert_eq!(c.0, ConvAlgorithm::Gemm);
    let path = file(folder.path(), "tuned");
    let mut stored = read(&path);
    assert_eq!(stored["content"].as_array().unwrap().len(), 3);
    for layer in stored["content"].as_array().unwrap() {
        let micros = layer["micros"].as_object().unwrap();
        // By far not all: each algorithm has a dozen forms.
        assert!((2..=12).contains(&micros.len()) && micros.values().all(|t| t.as_f64().unwrap() > 0.0), "{layer}");
        let method = layer["method"].as_str().unwrap();
        let of_its_own: Vec<_> = micros.keys().filter(|m| m.split(' ').next() == method.split(' ').next()).collect();
        let best = micros[method].as_f64().unwrap();
        assert!(of_its_own.iter().all(|m| best <= micros[*m].as_f64().unwrap()), "{layer}");
    }

    // The same device, the same network: the same bits. Another process: what the file says, whatever is faster.
    assert_eq!(bits(&run(&first, 1)), bits(&run(&tuned(&gpu), 1)));
    for name in methods(&gpu) {
        assert_eq!(set(&mut stored, &name), if name.starts_with("gemm") { 3 } else { 2 });
        write(&path, &stored);
        let again = tuned(&open(Some(folder.path())));
        let named = again.summary().unwrap().convolutions;
        let is = |c: &ConvChoice| format!("{} {}", c.algorithm.name(), c.form.unwrap().name()) == name;
        assert_eq!(named.iter().filter(|c| is(c)).count(), if name.starts_with("gemm") { 4 } else { 3 }, "{named:?}");
        assert!(named.iter().all(|c| c.origin == Origin::Tuned), "{named:?}");
        assert_eq!(read(&path), stored, "nothing is written when nothing was timed");
    }
}

#[test]
fn another_batch_and_another_precision_are_other_layers() {
    let folder = tempfile::tempdir().unwrap();
    let gpu = open(Some(folder.path()));
    let network = tuned(&gpu);
    let layers = || read(&file(folder.path(), "tuned"))["content"].as_array().unwrap().len();
    assert_eq!(layers(), 3);
    run(&network, 3);
    assert_eq!(layers(), 6);
    compile(&gpu, CompileOptions { autotune: true, precision: Precision::F16, ..CompileOptions::default() });
    assert_eq!(layers(), 9);
}

#[test]
fn outputs_agree_whatever_was_chosen() {
    let plain = compile(&open(None), CompileOptions::default());
    assert!(choices(&plain).iter().all(|c| matches!(c.1, Origin::Modelled | Origin::Only)));
    let want: Vec<_> = [1, 5].map(|batch| run(&plain, batch)).into();
    let agrees = |network: &Network, what: &str| {
        for (batch, want) in [1, 5].into_iter().zip(&want) {
            let (cosine, error) = compare(&run(network, batch)[0].1.to_f32(), &want[0].1.to_f32());
            println!("{what}, batch {batch}: relative error {error:e}");
            assert!(cosine > 0.999_999 && error < 1e-5, "{what}: {cosine} {error}");
        }
        choices(network)
    };
    for gemm in [None, Some(GemmFamily::Tiled)] {
        let folder = tempfile::tempdir().unwrap();
        let timed = || tuned(&open_with(Some(folder.path()), gemm));
        agrees(&timed(), "timed");
        let path = file(folder.path(), "tuned");
        for name in methods(&open_with(None, gemm)) {
            let mut stored = read(&path);
            set(&mut stored, &name);
            write(&path, &stored);
            let used = agrees(&timed(), &name);
            assert!(used.iter().filter(|c| name.starts_with(&c.0.name()) && c.1 == Origin::Tuned).count() >= 3, "{name}: {used:?}");
        }
    }
    // As on a graphics card, without textures.
    let card = open_with(None, Some(GemmFamily::Tiled));
    for conv in [ConvAlgorithm::Gemm, ConvAlgorithm::Winograd(2), ConvAlgorithm::Winograd(4)] {
        let force = Force { conv: Some(conv), form: Some("p32"), textures: Some(false), ..Force::default() };
        let network = compile(&card, CompileOptions { force, ..CompileOptions::default() });
        let products = network.summary().unwrap().dispatches.iter().filter(|d| d.shader.starts_with("conv/subgroup_gemm")).count();
        // All four layers, whether as a product or by Winograd.
        assert_eq!(products, if subgroups_compute(&card) { 4 } else { 0 }, "{conv:?}");
        agrees(&network, &format!("{conv:?} by subgroups"));
    }
}

/// A layer that has one method without forms beside the products.
#[test]
fn a_layer_of_few_channels_is_timed_and_taken_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(5);
    let (mut graph, x) = graph_of(&[8, SIDE, SIDE]);
    add_conv(&mut graph, &mut random, "a", x, [10, 8, 3], 1);
    let model = model_of(graph);
    let timed = || {
        let gpu = open(Some(folder.path()));
        let network = Network::compile(&gpu, &model, &CompileOptions { autotune: true, ..CompileOptions::default() }).unwrap();
        let [choice] = &network.summary().unwrap().convolutions[..] else { panic!("one layer") };
        assert_eq!(choice.origin, Origin::Tuned);
        (choice.algorithm, choice.form)
    };
    timed();
    let path = file(folder.path(), "tuned");
    let mut stored = read(&path);
    let micros = stored["content"][0]["micros"].as_object().unwrap().clone();
    assert!(micros.contains_key("narrow") && micros.keys().any(|name| name.starts_with("gemm ")), "{micros:?}");
    for name in ["narrow", if open(None).caps().gemm == GemmFamily::Tiled { "gemm m32" } else { "gemm p32" }] {
        stored["content"][0]["method"] = name.into();
        write(&path, &stored);
        let (algorithm, form) = timed();
        assert_eq!(format!("{}{}", algorithm.name(), form.map(|f| format!(" {}", f.name())).unwrap_or_default()), name);
    }
}

#[test]
fn other_kernels_are_timed_beside_the_one_through_workgroup_memory() {
    let folder = tempfile::tempdir().unwrap();
    let gpu = open_with(Some(folder.path()), Some(GemmFamily::Tiled));
    tuned(&gpu);
    let stored = read(&file(folder.path(), "tuned"));
    for layer in stored["content"].as_array().unwrap() {
        let names: Vec<_> = layer["micros"].as_object().unwrap().keys().collect();
        let of = |kernel: char| names.iter().any(|name| name.split(' ').nth(1).is_some_and(|form| form.starts_with(kernel)));
        let forms = || names.iter().filter_map(|name| name.split(' ').nth(1)).filter(|form| form.starts_with('m'));
        assert!(forms().any(|form| form.contains('d')) && forms().any(|form| !form.contains('d')), "{names:?}");
        assert_eq!(of('p'), subgroups_compute(&gpu), "{names:?}");
    }
}

#[test]
fn damaged_and_foreign_files_are_ignored_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let gpu = open(Some(folder.path()));
    tuned(&gpu);
    let path = file(folder.path(), "tuned");
    let good = read(&path);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value = good.clone();
        change(&mut value);
        serde_json::to_vec(&value).unwrap()
    };
    let bad: Vec<Vec<u8>> = vec![
        Vec::new(),
        std::fs::read(&path).unwrap()[..100].to_vec(),
        b"\xff\xfe{]".to_vec(),
        vec![b' '; 5 << 20],
        changed(&|v| v["driver"] = "another".into()),
        changed(&|v| v["version"] = "0.0.0".into()),
        changed(&|v| v["adapter"] = "another".into()),
        changed(&|v| v["content"][0]["method"] = "fastest".into()),
        changed(&|v| v["content"][0]["method"] = "gemm m31".into()),
        // What does not compute the layer is no choice.
        changed(&|v| v["content"][0]["method"] = "depthwise".into()),
        changed(&|v| v["content"][0]["method"] = "gemm".into()),
        changed(&|v| v["content"][0]["method"] = "gemm coopx7".into()),
        // As files were when only algorithms were chosen.
        changed(&|v| {
            for layer in v["content"].as_array_mut().unwrap() {
                let algorithm = layer["method"].as_str().unwrap().split(' ').next().unwrap().to_owned();
                let layer = layer.as_object_mut().unwrap();
                layer.remove("method");
                layer.insert("algorithm".to_owned(), algorithm.into());
            }
        }),
    ];
    for bytes in bad {
        std::fs::write(&path, &bytes).unwrap();
        let network = tuned(&open(Some(folder.path())));
        let (found, what) = (choices(&network), String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned());
        assert!(found.iter().all(|c| matches!(c.0, ConvAlgorithm::Gemm | ConvAlgorithm::Winograd(_))), "{what}: {found:?}");
        assert!(found.iter().all(|c| c.1 == Origin::Tuned), "{what}");
        let stored = read(&path);
        assert_eq!(stored["driver"], good["driver"], "{what}");
        assert_eq!(stored["content"].as_array().unwrap().len(), 3, "{what}");
        assert!(stored["content"].as_array().unwrap().iter().all(|layer| layer["method"].is_string()), "{what}");
    }
}

#[test]
fn nothing_is_kept_without_a_folder_and_a_folder_that_cannot_be_written_harms_nothing() {
    let gpu = open(None);
    let network = tuned(&gpu);
    assert!(choices(&network).iter().all(|c| c.1 == Origin::Tuned));
    // Within the process the choice stays, so the bits do.
    assert_eq!(choices(&tuned(&gpu)), choices(&network));

    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "not a folder").unwrap();
    let network = tuned(&open(Some(&blocked)));
    assert!(choices(&network).iter().all(|c| c.1 == Origin::Tuned));
    assert_eq!(std::fs::read(&blocked).unwrap(), b"not a folder");
}

#[test]
fn a_device_may_time_every_network() {
    let gpu = Gpu::new(&GpuOptions { cache: None, autotune: true, ..GpuOptions::default() }).unwrap();
    assert!(choices(&compile(&gpu, CompileOptions::default())).iter().all(|c| c.1 == Origin::Tuned));
}

#[test]
fn what_is_forced_is_not_timed() {
    let folder = tempfile::tempdir().unwrap();
    let gpu = open(Some(folder.path()));
    let force = Force { conv: Some(ConvAlgorithm::Gemm), ..Force::default() };
    let network = compile(&gpu, CompileOptions { autotune: true, force, ..CompileOptions::default() });
    assert!(choices(&network).iter().all(|c| *c == (ConvAlgorithm::Gemm, Origin::Forced)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_default_plan_measures_and_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let gpu = open(Some(folder.path()));
    let network = compile(&gpu, CompileOptions::default());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(choices(&network), choices(&compile(&open(None), CompileOptions::default())));
}

#[test]
fn the_speed_is_measured_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let gpu = open(Some(folder.path()));
    let speed = gpu.speed().unwrap();
    assert!(speed.gflops > 0.1 && speed.gbps > 0.1 && (0.0..1e5).contains(&speed.launch_us), "{speed:?}");
    assert_eq!(gpu.speed().unwrap(), speed);
    let path = file(folder.path(), "speed");
    let mut stored = read(&path);
    assert_eq!(open(Some(folder.path())).speed().unwrap(), speed);
    stored["content"]["gflops"] = 12_345.0.into();
    write(&path, &stored);
    assert_eq!(open(Some(folder.path())).speed().unwrap().gflops, 12_345.0);
    // No speed of a device: measured again.
    for nonsense in [0.0, -1.0] {
        stored["content"]["gbps"] = nonsense.into();
        write(&path, &stored);
        assert!(open(Some(folder.path())).speed().unwrap().gbps > 0.1);
        assert_ne!(read(&path), stored);
    }
}
