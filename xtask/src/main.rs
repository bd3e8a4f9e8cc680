//! `cargo xtask …`: the commands that a developer of `lookalike` runs. Standard library only, so that it builds in a second.

mod adapter;
mod ci;
mod compare;
mod conformance;
mod exports;
mod python;
mod run;
mod search;
mod zoo;

use std::process::ExitCode;

use run::{Failure, cargo, lookalike, step};

const HELP: &str = "\
Commands for developing lookalike

Usage: cargo xtask <COMMAND> [ARGS…]

Commands:
  demo [ARGS…]     build the tool and run `lookalike demo ARGS…`
  test [ARGS…]     run all tests; ARGS go to `cargo test`
  ci               formatting, lints, documentation, tests and conformance, as continuous integration runs them
  compare [ARGS…]  measure networks beside ONNX Runtime, ncnn and others; `cargo xtask compare --help` lists its options
  search [ARGS…]   measure searches in a gallery beside NumPy, Faiss and usearch; `--help` lists its options
  conformance [ARGS…]
                   run the official ONNX backend tests; `cargo xtask conformance --help` lists its options
  zoo              compute every network of the zoo with generated weights, compare the results, and write docs/zoo.md
  exports [ARGS…]  export networks with PyTorch and compare them with ONNX Runtime; `--help` lists its options
  help             this text

demo, test, ci, compare, search, conformance, exports and zoo look for a graphics adapter first. On Linux, when there is none, they install the software
Vulkan driver (Mesa lavapipe) with the system's package manager and print the command they run.

Exit codes: 0 done, 2 cannot run (one sentence says why), else the code of the command that failed.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let outcome = match command {
        "demo" => demo(rest),
        "test" => test(rest),
        "ci" => ci::ci(),
        "compare" => compare::compare(rest),
        "search" => search::search(rest),
        "conformance" => conformance::conformance(rest),
        "exports" => exports::exports(rest),
        "zoo" => zoo::zoo(rest),
        "help" | "-h" | "--help" => {
            println!("{HELP}");
            Ok(())
        }
        other => Err(Failure::usage(format!("`{other}` is not a command of xtask. `cargo xtask help` lists them."))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                eprintln!("xtask: {}", failure.message);
            }
            ExitCode::from(failure.code)
        }
    }
}

fn demo(args: &[String]) -> Result<(), Failure> {
    step(cargo().args(["build", "--release"]))?;
    adapter::ensure(&lookalike())?;
    step(std::process::Command::new(lookalike()).arg("demo").args(args))
}

/// Runs one integration test with its output on the terminal and `variable` set to `folder`.
pub(crate) fn data_test(name: &str, variable: &str, folder: &std::path::Path, more: &[(&str, &str)]) -> Result<(), Failure> {
    let one = ["test", "--release", "--package", "lookalike", "--test", name];
    step(cargo().args(one).arg("--no-run"))?;
    adapter::ensure(&lookalike())?;
    step(cargo().args(one).args(["--", "--nocapture"]).env(variable, folder).envs(more.iter().copied()))
}

/// Builds the tests first: that also builds the tool with the same features of its dependencies, and the tool finds the adapters.
pub(crate) fn test(args: &[String]) -> Result<(), Failure> {
    step(cargo().args(["test", "--release", "--workspace", "--no-run"]))?;
    adapter::ensure(&lookalike())?;
    step(cargo().args(["test", "--release", "--workspace"]).args(args))
}
