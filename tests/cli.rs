//! The command line as a user meets it: exit codes, sentences, files.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::tool::npy;

/// A protobuf field with a length: a message, a string or bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut n = content.len();
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out.extend(content);
    out
}

/// A protobuf field with a small number.
fn number(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

/// An ONNX value: float, `[batch, 3, side, side]`.
fn value(name: &str, side: u8) -> Vec<u8> {
    let batch = field(1, &field(2, b"batch"));
    let dims: Vec<u8> = [3, side, side].iter().flat_map(|&d| field(1, &number(1, d))).collect();
    let tensor = [number(1, 1), field(2, &[batch, dims].concat())].concat();
    [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
}

/// An ONNX model of one node after another, each named after its operator.
fn onnx(operators: &[&str], side: u8, out_side: u8) -> Vec<u8> {
    let last = operators.len() - 1;
    let mut graph = Vec::new();
    for (i, op) in operators.iter().enumerate() {
        let input = if i == 0 { "input".to_owned() } else { format!("mid/{}", i - 1) };
        let output = if i == last { "output".to_owned() } else { format!("mid/{i}") };
        let node =
            [field(1, input.as_bytes()), field(2, output.as_bytes()), field(3, format!("my_{op}").as_bytes()), field(4, op.as_bytes())];
        graph.extend(field(1, &node.concat()));
    }
    graph.extend(field(2, b"test"));
    graph.extend(field(11, &value("input", side)));
    graph.extend(field(12, &value("output", out_side)));
    let opset = [field(1, b""), number(2, 17)].concat();
    [number(1, 8), field(7, &graph), field(8, &opset)].concat()
}

/// A folder with a model, an array for it and a picture.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { dir: tempfile::tempdir().unwrap() };
        bench.file("model.onnx", &onnx(&["Neg", "Relu"], 4, 4));
        bench.file("pool.onnx", &onnx(&["Abs", "GlobalAveragePool"], 4, 1));
        bench.file("in.npy", &npy(&[2, 3, 4, 4], &ramp()));
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn succeed(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must end in one clean error, and returns it.
    fn fail(&self, args: &[&str]) -> String {
        one_error(&self.run(args))
    }
}

fn ramp() -> Vec<f32> {
    (0..96).map(|i| i as f32 - 48.0).collect()
}

fn one_error(output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    let errors: Vec<_> = stderr.lines().filter(|l| l.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{stderr}");
    stderr
}

fn read(path: &Path) -> (Vec<u64>, Vec<f32>) {
    let bytes = std::fs::read(path).unwrap();
    let file = npyz::NpyFile::new(&bytes[..]).unwrap();
    (file.shape().to_vec(), file.into_vec().unwrap())
}

#[test]
fn missing_files_are_named() {
    let b = Bench::new();
    assert!(b.fail(&["info", "nowhere.onnx"]).contains("nowhere.onnx"));
    assert!(b.fail(&["run", "model.onnx", "--input", "input=nowhere.npy", "--out", "o"]).contains("nowhere.npy"));
    assert!(b.fail(&["convert", "model.onnx", "-o", "m.safetensors", "--describe", "nowhere.toml"]).contains("nowhere.toml"));
}

#[test]
fn every_truncation_of_a_model_is_a_clean_error() {
    let b = Bench::new();
    let whole = onnx(&["Neg", "Relu"], 4, 4);
    for keep in (0..whole.len()).step_by(7) {
        b.file("cut.onnx", &whole[..keep]);
        b.fail(&["info", "cut.onnx"]);
    }
}

#[test]
fn a_picture_named_like_a_model_is_an_error() {
    let b = Bench::new();
    b.file("picture.onnx", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0");
    assert!(b.fail(&["info", "picture.onnx"]).contains("picture.onnx"));
}

#[test]
fn all_unsupported_operators_are_listed_with_their_nodes() {
    let b = Bench::new();
    b.file("odd.onnx", &onnx(&["DeformConv", "Relu", "NonMaxSuppression"], 4, 4));
    let error = b.fail(&["convert", "odd.onnx", "-o", "odd.safetensors"]);
    for name in ["DeformConv", "my_DeformConv", "NonMaxSuppression", "my_NonMaxSuppression"] {
        assert!(error.contains(name), "{error}");
    }
    assert!(!b.path("odd.safetensors").exists());
}

#[test]
fn a_wrong_shape_or_name_says_what_is_right() {
    let b = Bench::new();
    b.file("wrong.npy", &npy(&[1, 3, 5, 5], &[0.0; 75]));
    let error = b.fail(&["run", "model.onnx", "--input", "input=wrong.npy", "--out", "o", "--reference"]);
    assert!(error.contains("1x3x5x5") && error.contains("3x4x4"), "{error}");
    assert!(b.fail(&["run", "model.onnx", "--input", "image=in.npy", "--out", "o"]).contains("`image`"));
    let error = b.fail(&["run", "model.onnx", "--input", "in.npy", "--output", "nothing", "--out", "o", "--reference"]);
    assert!(error.contains("`nothing`"), "{error}");
    b.file("text.npy", b"not an array");
    assert!(b.fail(&["run", "model.onnx", "--input", "text.npy", "--out", "o"]).contains("text.npy"));
    assert!(b.fail(&["info", "model.onnx", "--shape", "image=1x3x4x4"]).contains("`image`"));
}

#[test]
fn places_that_cannot_be_written_to_are_found_before_the_work() {
    let b = Bench::new();
    b.file("a_file", b"");
    assert!(b.fail(&["run", "model.onnx", "--input", "in.npy", "--out", "a_file/out"]).contains("a_file"));
    assert!(b.fail(&["embed", "x.png", "-o", "a_file/out.npy"]).contains("a_file"));
    assert!(b.fail(&["demo", "--out", "a_file/out"]).contains("a_file"));
    b.fail(&["convert", "model.onnx", "-o", "a_file/m.safetensors"]);
    // Photographs need a detector, and nothing is embedded without one.
    assert!(b.fail(&["embed", "x.png", "-o", "out.npy"]).contains("--detector"));
    assert!(b.fail(&["embed", "x.png", "-o", "out.txt"]).contains(".npy"));
}

#[test]
fn a_description_with_an_unknown_key_is_an_error() {
    let b = Bench::new();
    b.file("d.toml", b"name = \"x\"\ncolour = \"rgb\"\n");
    let error = b.fail(&["convert", "model.onnx", "-o", "m.safetensors", "--describe", "d.toml"]);
    assert!(error.contains("line 2") && error.contains("colour"), "{error}");
}

#[test]
fn wrong_usage_is_exit_code_two() {
    let b = Bench::new();
    for args in [&["nonsense"][..], &["run"], &["embed"], &["bench", "network", "--batch", "0"], &["info", "model.onnx", "--shape", "x"]] {
        let error = b.fail(args);
        assert!(error.starts_with("error: "), "{error}");
    }
    assert!(b.succeed(&["--version"]).starts_with("lookalike "));
    assert!(b.succeed(&["--help"]).contains("selftest"));
}

#[test]
fn an_unknown_device_is_an_error() {
    let b = Bench::new();
    let error = b.fail(&["run", "model.onnx", "--input", "in.npy", "--out", "o", "--device", "no such adapter"]);
    assert!(error.contains("no such adapter"), "{error}");
}

#[test]
fn without_an_adapter_the_error_says_what_to_install() {
    let b = Bench::new();
    let mut command = b.command(&["run", "model.onnx", "--input", "in.npy", "--out", "o"]);
    command.envs([("VK_DRIVER_FILES", "/nonexistent"), ("VK_ICD_FILENAMES", "/nonexistent"), ("LOOKALIKE_BACKENDS", "vulkan")]);
    let error = one_error(&command.output().unwrap());
    assert!(error.contains("Install") && error.contains("Vulkan"), "{error}");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let b = Bench::new();
    let mut child = b.command(&["info", "model.onnx", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_reference_and_the_adapter_write_the_same_arrays() {
    let b = Bench::new();
    let expected: Vec<f32> = ramp().iter().map(|x| (-x).max(0.0)).collect();
    for (out, extra) in [("reference", Some("--reference")), ("adapter", None)] {
        let mut args = vec!["run", "model.onnx", "--input", "in.npy", "--out", out];
        // By value, by value with a slash, by layer.
        args.extend(["--output", "output", "--output", "mid/0", "--output", "my_Relu"]);
        args.extend(extra);
        b.succeed(&args);
        assert_eq!(read(&b.path(&format!("{out}/output.npy"))), (vec![2, 3, 4, 4], expected.clone()));
        let negated = read(&b.path(&format!("{out}/mid_0.npy"))).1;
        assert!(negated.iter().zip(ramp()).all(|(x, y)| *x == -y), "{negated:?}");
        assert_eq!(read(&b.path(&format!("{out}/my_Relu.npy"))).1, expected);
        assert_eq!(std::fs::read_dir(b.path(out)).unwrap().count(), 3);
    }
}

#[test]
fn info_has_the_fields_scripts_rely_on() {
    let b = Bench::new();
    let info: serde_json::Value = serde_json::from_str(&b.succeed(&["info", "model.onnx", "--json"])).unwrap();
    assert_eq!(info["inputs"][0]["name"], "input");
    assert_eq!(info["inputs"][0]["shape"], serde_json::json!(["batch", 3, 4, 4]));
    assert_eq!(info["outputs"][0]["name"], "output");
    assert_eq!((&info["parameters"], &info["macs"]), (&0.into(), &0.into()));
    assert_eq!(info["layers"].as_array().unwrap().len(), 2);
}

#[test]
fn a_converted_model_keeps_its_description() {
    let b = Bench::new();
    b.file("d.toml", b"name = \"negative\"\nlicence = \"MIT\"\n[input]\nchannels = \"bgr\"\n");
    let text = b.succeed(&["convert", "model.onnx", "-o", "m.safetensors", "--describe", "d.toml", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&text).unwrap();
    let info: serde_json::Value = serde_json::from_str(&b.succeed(&["info", "m.safetensors", "--json"])).unwrap();
    assert_eq!(info["description"]["name"], "negative");
    assert_eq!(info["description"]["input"]["channels"], "bgr");
    assert_eq!(info["digest"], made["digest"]);
}

/// A binary PPM whose pixels are all of one colour.
fn plain(side: usize, rgb: [u8; 3]) -> Vec<u8> {
    let mut out = format!("P6 {side} {side} 255\n").into_bytes();
    out.extend(rgb.repeat(side * side));
    out
}

#[test]
fn pictures_become_rows_and_bad_ones_are_skipped() {
    let b = Bench::new();
    std::fs::create_dir(b.path("album")).unwrap();
    b.file("album/b.ppm", &plain(9, [0, 0, 200]));
    b.file("album/a.ppm", &plain(4, [30, 40, 0]));
    b.file("album/empty.jpg", b"");
    b.file("album/notes.txt", b"not a picture");
    let output = b.run(&["embed", "album", "--model", "pool.onnx", "-o", "out.npy", "--batch", "2", "--no-detect"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("0 bytes") && stderr.contains("1 skipped"), "{stderr}");
    let (shape, rows) = read(&b.path("out.npy"));
    assert_eq!(shape, [2, 3]);
    let expected = [0.6, 0.8, 0.0, 0.0, 0.0, 1.0];
    assert!(rows.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-5), "{rows:?}");
    let sources = std::fs::read_to_string(b.path("out.csv")).unwrap();
    let lines: Vec<_> = sources.lines().collect();
    assert_eq!(lines[0], "row,source");
    assert!(lines[1].starts_with("0,") && lines[1].ends_with("a.ppm") && lines[2].ends_with("b.ppm"), "{sources}");
}

#[test]
fn embeddings_go_to_standard_output_as_json_lines() {
    let b = Bench::new();
    b.file("a.ppm", &plain(4, [0, 5, 0]));
    let text = b.succeed(&["embed", "a.ppm", "a.ppm", "--aligned", "--model", "pool.onnx", "--json", "--flip", "concat", "-q"]);
    assert_eq!(text.lines().count(), 2);
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["source"], "a.ppm");
        assert_eq!(row["embedding"].as_array().unwrap().len(), 6);
    }
}

#[test]
fn nothing_embedded_is_an_error() {
    let b = Bench::new();
    b.file("empty.jpg", b"");
    let error = b.fail(&["embed", "empty.jpg", "missing.png", "--model", "pool.onnx", "-o", "out.npy", "--aligned"]);
    assert!(error.contains("0 bytes") && error.contains("missing.png"), "{error}");
    assert!(!b.path("out.npy").exists() && !b.path("out.csv").exists());
    std::fs::create_dir(b.path("none")).unwrap();
    assert!(b.fail(&["embed", "none"]).contains("none"));
}

#[test]
fn a_network_is_measured() {
    let b = Bench::new();
    let text = b.succeed(&["bench", "network", "pool.onnx", "--batch", "2", "--runs", "3", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    for key in ["p50_ms", "p95_ms", "images_per_second", "dispatches", "first_run_ms", "bytes", "floor_ms", "peak_gflops", "peak_gbps"] {
        assert!(report[key].as_f64().unwrap() > 0.0, "{key}: {text}");
    }
}

#[test]
fn bench_kernels_draws_its_rows_under_the_roof() {
    let b = Bench::new();
    assert!(b.fail(&["bench", "kernels", "--plot", "roof.txt"]).contains("roof.txt"));
    let text = b.succeed(&["bench", "kernels", "--rounds", "1", "--json", "--plot", "roof.svg"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(report["peak_gflops"].as_f64().unwrap() > 0.0 && report["peak_gbps"].as_f64().unwrap() > 0.0);
    let plot = std::fs::read_to_string(b.path("roof.svg")).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let computing = rows.iter().filter(|r| r["gflops"].as_f64().unwrap() > 0.0);
    assert!(
        computing.clone().count() > 10 && computing.map(|r| r["name"].as_str().unwrap()).all(|n| plot.contains(&n.replace("->", "-&gt;")))
    );
}

/// One thread for each core leaves a core idle where two of them are woken on the other.
#[cfg(target_os = "linux")]
#[test]
fn lavapipe_is_given_more_threads_than_cores() {
    let threads = |given: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
        command.args(["bench", "network", "--paced"]).env_remove("LP_NUM_THREADS");
        given.map(|n| command.env("LP_NUM_THREADS", n));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready.trim(), "ready");
        let environment = std::fs::read(format!("/proc/{}/environ", child.id())).unwrap();
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
        let mut variables = environment.split(|&b| b == 0).map(|v| String::from_utf8_lossy(v).into_owned());
        variables.find_map(|v| v.strip_prefix("LP_NUM_THREADS=").map(str::to_owned))
    };
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!(threads(None), Some((3 * cores).to_string()));
    assert_eq!(threads(Some("1")).as_deref(), Some("1"));
}

/// Code of another width from Mesa's cache would give wrong results.
#[cfg(target_os = "linux")]
#[test]
fn vectors_of_another_width_have_their_own_cache_and_the_right_results() {
    let cache = tempfile::tempdir().unwrap();
    let run = |bits: Option<&str>, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
        command.args(args).env("MESA_SHADER_CACHE_DIR", cache.path()).env_remove("LOOKALIKE_VECTOR_BITS");
        bits.map(|b| command.env("LOOKALIKE_VECTOR_BITS", b));
        command.output().unwrap()
    };
    let refused = run(Some("100"), &["devices"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`100`, but vectors have 128, 256 or 512 bits"), "{refused:?}");
    let devices = run(None, &["devices", "--json"]);
    let known: serde_json::Value = serde_json::from_slice(&devices.stdout).unwrap();
    let Some(software) = known.as_array().unwrap().iter().find(|d| d["driver"] == "llvmpipe") else {
        println!("skipped: lavapipe is not here");
        return;
    };
    let index = software["index"].to_string();
    for bits in [None, Some("128"), None] {
        let devices = run(bits, &["devices", "--json"]);
        let known: serde_json::Value = serde_json::from_slice(&devices.stdout).unwrap();
        let subgroup = known.as_array().unwrap().iter().find(|d| d["driver"] == "llvmpipe").unwrap()["subgroup_max"].clone();
        assert_eq!(subgroup, if bits.is_some() { 4 } else { software["subgroup_max"].as_u64().unwrap() }, "{bits:?}");
        let tested = run(bits, &["selftest", "conv/subgroup_gemm", "--device", &index]);
        assert!(tested.status.success(), "{bits:?}: {tested:?}");
    }
    assert!(cache.path().join("lookalike-lavapipe-128").is_dir());
}
