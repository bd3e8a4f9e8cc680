//! `cargo xtask search`: prepares what `scripts/search_compare.py` needs (the tool, an adapter, a Python environment) and runs it.

use crate::python::{self, Environment};
use crate::run::{Failure, cargo, lookalike, step};

const HELP: &str = "\
Measures exact searches in a gallery of noise beside NumPy, Faiss and usearch, alternating all sides in one run, and compares their results.

Usage: cargo xtask search [OPTIONS]

Options:
  --python FILE      use this interpreter (with numpy, faiss-cpu and usearch) instead of making target/search-venv
  --rows N           rows of the gallery [default: 1000000]
  --dim N            numbers of a row [default: 512]
  --k N              results of a probe [default: 10]
  --cases A,B        storage:probes [default: f16:1,i8:1,f16:64]
  --others A,B       numpy, faiss, usearch [default: all]
  --rounds N         timed rounds per case [default: 9]
  --json             print the figures as JSON
  -h, --help         this text";

const PYTHON: Environment = Environment { folder: "search-venv", requirements: "requirements-search.txt", pip: &[], command: "search" };

/// `cargo xtask search ARGS`.
pub(crate) fn search(args: &[String]) -> Result<(), Failure> {
    if args.iter().any(|a| a == "-h" || a == "--help") {
        println!("{HELP}");
        return Ok(());
    }
    let mut rest = args.to_vec();
    let python = python::interpreter(&mut rest, &PYTHON)?;
    step(cargo().args(["build", "--release"]))?;
    crate::adapter::ensure(&lookalike())?;
    step(python::script(&python, "search_compare.py").arg("--lookalike").arg(lookalike()).args(rest))
}
