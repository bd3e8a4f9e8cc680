//! `cargo xtask exports`: exports networks with PyTorch and others, and compares them with ONNX Runtime.

use crate::python::{self, Environment};
use crate::run::{Failure, step, target};

const HELP: &str = "\
Exports small networks with both of PyTorch's exporters and with ONNX Script, and compares what the GPU computes for them with ONNX Runtime.
Writes to target/exports/. The packages take about 6 GB under target/ on Linux.

Usage: cargo xtask exports [OPTIONS]

Options:
  --python FILE  use this interpreter (with the packages of scripts/requirements-exports.txt) instead of making target/exports-venv
  -h, --help     this text";

const PYTHON: Environment = Environment { folder: "exports-venv", requirements: "requirements-exports.txt", pip: &[], command: "exports" };

/// `cargo xtask exports ARGS`.
pub(crate) fn exports(args: &[String]) -> Result<(), Failure> {
    if args.iter().any(|a| a == "-h" || a == "--help") {
        println!("{HELP}");
        return Ok(());
    }
    let mut rest = args.to_vec();
    let python = python::interpreter(&mut rest, &PYTHON)?;
    if let Some(unknown) = rest.first() {
        return Err(Failure::usage(format!("`{unknown}` is not an option of exports. `cargo xtask exports --help` lists them.")));
    }
    let folder = target().join("exports");
    step(python::script(&python, "exports.py").arg("--out").arg(&folder))?;
    crate::data_test("exports", "LOOKALIKE_EXPORTS", &folder, &[])
}
