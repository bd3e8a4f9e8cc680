//! `cargo xtask compare`: prepares what `scripts/compare.py` needs (the tool, an adapter, a Python environment) and runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Failure, cargo, in_path, lookalike, root, step, target};

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

/// `cargo xtask compare ARGS`.
pub(crate) fn compare(args: &[String]) -> Result<(), Failure> {
    if args.iter().any(|a| a == "-h" || a == "--help") {
        println!("{HELP}");
        return Ok(());
    }
    let mut rest = args.to_vec();
    let python = match rest.iter().position(|a| a == "--python") {
        Some(at) if at + 1 < rest.len() => rest.drain(at..at + 2).nth(1).map(PathBuf::from),
        Some(_) => return Err(Failure::usage("--python needs the path of a Python interpreter.")),
        None => None,
    };
    let python = match python {
        Some(python) => python,
        None => environment()?,
    };
    step(cargo().args(["build", "--release"]))?;
    crate::adapter::ensure(&lookalike())?;
    let mut command = Command::new(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(root().join("scripts").join("compare.py")).arg("--lookalike").arg(lookalike());
    step(command.arg("--out").arg(target().join("compare")).args(rest))
}

/// The interpreter of a virtual environment with the packages of `scripts/requirements.txt`, made on first use.
fn environment() -> Result<PathBuf, Failure> {
    let folder = target().join("compare-venv");
    let python = if cfg!(windows) { folder.join("Scripts").join("python.exe") } else { folder.join("bin").join("python") };
    let requirements = root().join("scripts").join("requirements.txt");
    let wanted =
        std::fs::read_to_string(&requirements).map_err(|e| Failure::usage(format!("Reading {} failed: {e}.", requirements.display())))?;
    let stamp = folder.join("installed-requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    make(&folder, &python)?;
    step(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements)).map_err(
        |f| Failure::usage(format!("{} pip needs a network; or give --python an interpreter that has the packages.", f.message)),
    )?;
    std::fs::write(&stamp, wanted).map_err(|e| Failure::usage(format!("Writing {} failed: {e}.", stamp.display())))?;
    Ok(python)
}

fn make(folder: &Path, python: &Path) -> Result<(), Failure> {
    let program = ["python3", "python"].into_iter().find(|p| in_path(p)).ok_or_else(|| {
        Failure::usage("`compare` needs Python 3 for ONNX Runtime, and none is in PATH. Install python3 with its venv module.")
    })?;
    let made = step(Command::new(program).args(["-m", "venv", "--clear"]).arg(folder));
    if made.is_err() || !python.is_file() {
        return Err(Failure::usage(format!(
            "`{program} -m venv` failed. Install the venv module (Debian and Ubuntu: apt-get install python3-venv)."
        )));
    }
    Ok(())
}
