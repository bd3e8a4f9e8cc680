//! `--autotune`, and what `info` and `devices` say about choices and speed.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::path::Path;

use common::tool::Tool;
use lookalike::model::Precision;
use serde_json::Value;

/// The tool with a model.
fn tool() -> Tool {
    let tool = Tool::new(env!("CARGO_BIN_EXE_lookalike"));
    common::small_model().save(&tool.path("m.safetensors"), Precision::F32).unwrap();
    tool
}

fn output(tool: &Tool, args: &str, cache: &str) -> String {
    let mut command = tool.command(args);
    command.env("LOOKALIKE_CACHE", cache).env("HOME", tool.path("home")).env("XDG_CACHE_HOME", tool.path("home"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(tool: &Tool, args: &str, cache: &str) -> Value {
    serde_json::from_str(&output(tool, &format!("{args} --json"), cache)).unwrap()
}

fn files(folder: &Path, kind: &str) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter(|e| e.as_ref().unwrap().file_name().to_str().unwrap().starts_with(kind)).count()
}

fn origins(info: &Value) -> Vec<String> {
    let convolutions = info["plan"]["convolutions"].as_array().unwrap();
    convolutions.iter().map(|c| c["origin"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_compiled_beside_or_loaded_computes_the_same() {
    let tool = tool();
    tool.succeed("zoo build mobilefacenet --seed 1 -o net.safetensors");
    let net = lookalike::model::Model::load(&tool.path("net.safetensors"), &lookalike::import::Limits::default()).unwrap();
    let input = net.graph.name(net.graph.inputs[0].value).to_owned();
    let shape = [1, 3, 112, 112];
    tool.file("x.npy", &common::tool::npy(&shape, &common::Random(4).tensor(&shape).to_f32()));
    // A folder that is empty at first, then filled; none; one that cannot be written.
    let blocked = tool.file("blocked", b"not a folder");
    let [folder, blocked] = [tool.path("mesa"), blocked].map(|p| p.to_str().unwrap().to_owned());
    let settings = [("DIR", folder.as_str()), ("DIR", &folder), ("DISABLE", "true"), ("DIR", &blocked)];
    let outputs = settings.map(|(name, value)| {
        let mut command = tool.command(&format!("run net.safetensors --input {input}=x.npy --out out"));
        let output = command.env(format!("MESA_SHADER_CACHE_{name}"), value).output().unwrap();
        assert!(output.status.success(), "{name} {value}: {}", String::from_utf8_lossy(&output.stderr));
        let files = std::fs::read_dir(tool.path("out")).unwrap().map(|e| std::fs::read(e.unwrap().path()).unwrap());
        files.collect::<Vec<_>>()
    });
    assert!(!outputs[0].is_empty() && outputs.iter().all(|o| *o == outputs[0]));
}

#[test]
fn info_says_how_each_convolution_is_computed_and_why() {
    let tool = tool();
    let cache = tool.path("cache");
    let modelled = json(&tool, "info m.safetensors", "cache");
    assert!(!origins(&modelled).is_empty() && origins(&modelled).iter().all(|o| o == "modelled" || o == "only"));
    assert!(origins(&modelled).contains(&"modelled".to_owned()));
    assert_eq!((files(&cache, "tuned"), files(&cache, "speed")), (0, 1));
    assert!(modelled["plan"]["speed"]["gflops"].as_f64().unwrap() > 0.0);

    let tuned = json(&tool, "info m.safetensors --autotune", "cache");
    assert!(origins(&tuned).contains(&"tuned".to_owned()) && !origins(&tuned).contains(&"modelled".to_owned()));
    assert_eq!(files(&cache, "tuned"), 1);
    assert_eq!(json(&tool, "info m.safetensors --autotune", "cache")["plan"]["convolutions"], tuned["plan"]["convolutions"]);
    let text = output(&tool, "info m.safetensors --autotune", "cache");
    assert!(text.contains("convolution") && text.contains("tuned") && text.contains("µs a launch"), "{text}");
    // The form of every product: a tile, and slices if there are several.
    for c in tuned["plan"]["convolutions"].as_array().unwrap() {
        let form = c["form"].as_str().unwrap();
        assert!(form.starts_with(['m', 'p', 'c']), "{c}");
        let line = text.lines().find(|l| l.contains(c["layer"].as_str().unwrap()) && l.contains("tuned")).unwrap();
        assert!(line.split_whitespace().any(|word| word == form), "{line}");
    }
    // What others are told does not change.
    assert_eq!(json(&tool, "info m.safetensors", "cache")["plan"]["convolutions"], modelled["plan"]["convolutions"]);
}

#[test]
fn commands_that_run_networks_take_the_flag() {
    let tool = tool();
    output(&tool, "bench network m.safetensors --runs 1 --autotune", "cache");
    assert_eq!(files(&tool.path("cache"), "tuned"), 1);
    tool.file("in.npy", &common::tool::npy(&[2, 3, 16, 16], &[0.5; 2 * 3 * 16 * 16]));
    output(&tool, "run m.safetensors --input input=in.npy --out plain", "cache");
    output(&tool, "run m.safetensors --input input=in.npy --out tuned --autotune", "cache");
    let read = |folder: &str| {
        let mut paths: Vec<_> = std::fs::read_dir(tool.path(folder)).unwrap().map(|e| e.unwrap().path()).collect();
        paths.sort();
        common::read_npy(&paths[0]).to_f32().into_owned()
    };
    let (cosine, error) = common::compare(&read("tuned"), &read("plain"));
    assert!(cosine > 0.999_999 && error < 1e-5, "{cosine} {error}");
}

#[test]
fn nothing_is_kept_when_the_cache_is_off() {
    let tool = tool();
    let info = json(&tool, "info m.safetensors --autotune", "off");
    assert!(origins(&info).contains(&"tuned".to_owned()));
    assert!(!tool.path("home").join("lookalike").exists() && !tool.path("off").exists());
    assert!(json(&tool, "devices", "off")[0]["speed"].is_null());
}

#[test]
fn devices_tell_the_speed_that_was_measured() {
    let tool = tool();
    assert!(json(&tool, "devices", "cache")[0]["speed"].is_null());
    assert!(output(&tool, "devices", "cache").contains("not measured yet"));
    let info = json(&tool, "info m.safetensors", "cache");
    let devices = json(&tool, "devices", "cache");
    assert_eq!(devices[0]["speed"], info["plan"]["speed"]);
    assert!(output(&tool, "devices", "cache").contains("GFLOP/s"));
}

/// Detectors and networks of attributes, too; what a picture needed is known when the next of its size comes.
#[test]
fn every_network_of_a_command_is_timed_once() {
    let tool = tool();
    output(&tool, "zoo build yunet-s --seed 1 -o detector.safetensors", "cache");
    picture(&tool.path("a.png"), 48, 40);
    picture(&tool.path("b.png"), 48, 40);
    assert_eq!(files(&tool.path("cache"), "tuned"), 0);
    let detect = |picture: &str| output(&tool, &format!("detect {picture} --detector yunet=detector.safetensors --autotune"), "cache");
    detect("a.png");
    let stored = || {
        std::fs::read(
            std::fs::read_dir(tool.path("cache"))
                .unwrap()
                .map(|e| e.unwrap().path())
                .find(|p| p.to_str().unwrap().contains("tuned-"))
                .unwrap(),
        )
    };
    let first = stored().unwrap();
    detect("a.png");
    detect("b.png");
    assert_eq!(stored().unwrap(), first, "nothing is timed again");
}

fn picture(path: &Path, width: u32, height: u32) {
    image::RgbImage::from_fn(width, height, |x, y| image::Rgb([(5 * x) as u8, (6 * y) as u8, 90])).save(path).unwrap();
}
