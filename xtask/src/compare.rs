//! `cargo xtask compare`: prepares what `scripts/compare.py` needs (the tool, an adapter, a Python environment) and runs it.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::python::{self, Environment};
use crate::run::{Failure, cargo, lookalike, step, target};

const HELP: &str = "\
Measures networks beside other engines, alternating all of them in one run, and compares their outputs with ONNX Runtime's: wall time and
processor time of each. Writes report.json and report.md to target/compare/. An engine that is missing or refuses a network is named there
with the reason.

Usage: cargo xtask compare [OPTIONS]

Options:
  --python FILE      use this interpreter for all engines (with numpy, onnx, onnxruntime and the engines' packages) instead of making
                     environments under target/
  --networks A,B     iresnet50, mobilefacenet, mobilefacenet-relu6 [default: all]
  --model FILE.onnx  a network of yours, with one input of pictures and one output; can be repeated
  --batches A,B      batch sizes to time [default: 1,8]
  --rounds N         timed rounds per network and batch [default: 9]
  --warm-up N        rounds before them [default: 2]
  --threads N        threads of the engines on the CPU [default: 2]
  --precision P      f32 or f16, storage of the weights on the GPU [default: f32]
  --peers A,B        engines beside lookalike [default: onnxruntime,onnxruntime-nospin,ncnn]
  --no-kernels       leave out the comparison of the convolution kernels with the naive one
  -h, --help         this text

Engines:
  onnxruntime         ONNX Runtime on the CPU as it comes; always there, what the others are compared with
  onnxruntime-nospin  the same; its threads sleep between calls
  ncnn                ncnn on the CPU, one picture at a time
  ncnn-vulkan         ncnn on the GPU, all in f32, one picture at a time
  onnxruntime-webgpu  ONNX Runtime on the GPU by Dawn; refuses the software adapter of Mesa 22, runs on that of Mesa 25
  wonnx               wonnx on the GPU
  burn                burn on the GPU by wgpu; cargo builds a program of each network, the first one in tens of minutes
  pytorch             PyTorch on the CPU
  pytorch-cuda        PyTorch on an NVIDIA GPU in f32, without TF32
  pytorch-cuda-tf32   the same with TF32
  pytorch-cuda-f16    the same in f16, the channels of a pixel side by side
  pytorch-cuda-compile  pytorch-cuda after torch.compile
The packages come from PyPI when an engine is first used, burn from crates.io. Those of PyTorch with CUDA take about 6 GB under target/.";

const PYTHON: Environment = Environment { folder: "compare-venv", requirements: "requirements.txt", pip: &[], command: "compare" };

/// Engines with an environment of their own.
const PEERS: [(&[&str], Environment); 5] = [
    (
        &["ncnn", "ncnn-vulkan"],
        Environment { folder: "compare-ncnn-venv", requirements: "requirements-ncnn.txt", pip: &["--no-deps"], command: "compare" },
    ),
    (
        &["onnxruntime-webgpu"],
        Environment { folder: "compare-webgpu-venv", requirements: "requirements-webgpu.txt", pip: &[], command: "compare" },
    ),
    (&["wonnx"], Environment { folder: "compare-wonnx-venv", requirements: "requirements-wonnx.txt", pip: &[], command: "compare" }),
    (&["pytorch"], Environment { folder: "compare-pytorch-venv", requirements: "requirements-pytorch.txt", pip: &[], command: "compare" }),
    (
        &["pytorch-cuda", "pytorch-cuda-tf32", "pytorch-cuda-f16", "pytorch-cuda-compile"],
        Environment { folder: "compare-pytorch-cuda-venv", requirements: "requirements-pytorch-cuda.txt", pip: &[], command: "compare" },
    ),
];
const DEFAULT_PEERS: &str = "onnxruntime,onnxruntime-nospin,ncnn";

/// `cargo xtask compare ARGS`.
pub(crate) fn compare(args: &[String]) -> Result<(), Failure> {
    if args.iter().any(|a| a == "-h" || a == "--help") {
        println!("{HELP}");
        return Ok(());
    }
    let mut rest = args.to_vec();
    let given = rest.iter().any(|a| a == "--python");
    let python = python::interpreter(&mut rest, &PYTHON)?;
    let peers = python::option(&mut rest, "--peers", "names separated by commas")?.unwrap_or_else(|| DEFAULT_PEERS.to_owned());
    let peer_args = if given { Vec::new() } else { environments(&peers, Environment::interpreter) };
    step(cargo().args(["build", "--release"]))?;
    crate::adapter::ensure(&lookalike())?;
    let mut command = python::script(&python, "compare.py");
    command.arg("--lookalike").arg(lookalike()).arg("--out").arg(target().join("compare")).arg("--peers").arg(&peers);
    step(command.args(peer_args).args(rest))
}

/// Tests the scripts, without the engines, in the environment of the conformance tests.
pub(crate) fn test() -> Result<(), Failure> {
    step(&mut python::script(&crate::conformance::PYTHON.interpreter()?, "test_compare.py"))
}

/// The arguments that say where the engines of `peers` run. One whose environment cannot be made is only named in the report.
fn environments(peers: &str, interpreter: impl Fn(&Environment) -> Result<PathBuf, Failure>) -> Vec<OsString> {
    let mut args = Vec::new();
    for (names, environment) in &PEERS {
        let wanted: Vec<_> = names.iter().filter(|&&name| peers.split(',').any(|p| p == name)).collect();
        if wanted.is_empty() {
            continue;
        }
        let (option, value) = match interpreter(environment) {
            Ok(python) => ("--interpreter", python.into_os_string()),
            Err(failure) => {
                eprintln!("xtask: {}", failure.message);
                ("--unavailable", failure.message.trim_end_matches('.').into())
            }
        };
        for name in wanted {
            let mut pair = OsString::from(format!("{name}="));
            pair.push(&value);
            args.extend([option.into(), pair]);
        }
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_run_in_their_environments_and_one_without_is_named_with_the_reason() {
        let make = |e: &Environment| match e.folder {
            "compare-wonnx-venv" => Err(Failure::usage("pip failed.")),
            folder => Ok(PathBuf::from(folder)),
        };
        let args = environments("wonnx,onnxruntime,ncnn-vulkan,ncnn", make);
        let expected = [
            "--interpreter",
            "ncnn=compare-ncnn-venv",
            "--interpreter",
            "ncnn-vulkan=compare-ncnn-venv",
            "--unavailable",
            "wonnx=pip failed",
        ];
        assert_eq!(args, expected.map(OsString::from));
        assert_eq!(environments(DEFAULT_PEERS, make), ["--interpreter", "ncnn=compare-ncnn-venv"].map(OsString::from));
        assert!(environments("onnxruntime,burn", make).is_empty());
        let args = environments("pytorch-cuda-f16,pytorch", make);
        let expected = ["--interpreter", "pytorch=compare-pytorch-venv", "--interpreter", "pytorch-cuda-f16=compare-pytorch-cuda-venv"];
        assert_eq!(args, expected.map(OsString::from));
    }
}
