//! `cargo xtask compare`: prepares what `scripts/compare.py` needs (the tool, an adapter, a Python environment) and runs it.

use crate::python::{self, Environment};
use crate::run::{Failure, cargo, lookalike, step, target};

const HELP: &str = "\
Measures networks with random weights beside ONNX Runtime's CPU backend, alternating the two sides in one run, and compares their outputs.
Writes report.json and report.md to target/compare/.

Usage: cargo xtask compare [OPTIONS]

Options:
  --python FILE      use this interpreter (with numpy, onnx and onnxruntime) instead of making target/compare-venv
  --networks A,B     iresnet50, mobilefacenet [default: both]
  --batches A,B      batch sizes to time [default: 1,8]
  --rounds N         timed rounds per network and batch [default: 9]
  --warm-up N        rounds before them [default: 2]
  --threads N        ONNX Runtime's intra-op threads [default: 2]
  --precision P      f32 or f16, storage of the weights on the GPU [default: f32]
  --no-kernels       leave out the comparison of the convolution kernels with the naive one
  -h, --help         this text";

const PYTHON: Environment = Environment { folder: "compare-venv", requirements: "requirements.txt", command: "compare" };

/// `cargo xtask compare ARGS`.
pub(crate) fn compare(args: &[String]) -> Result<(), Failure> {
    if args.iter().any(|a| a == "-h" || a == "--help") {
        println!("{HELP}");
        return Ok(());
    }
    let mut rest = args.to_vec();
    let python = python::interpreter(&mut rest, &PYTHON)?;
    step(cargo().args(["build", "--release"]))?;
    crate::adapter::ensure(&lookalike())?;
    let mut command = python::script(&python, "compare.py");
    command.arg("--lookalike").arg(lookalike()).arg("--out").arg(target().join("compare"));
    step(command.args(rest))
}
