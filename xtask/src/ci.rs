//! What continuous integration runs: formatting, lints, documentation, tests of the crate and of the scripts, conformance.

use std::time::Instant;

use crate::run::{Failure, cargo, step};

type Step = fn() -> Result<(), Failure>;

/// Runs every step even when an earlier one fails, so that one run shows everything, and ends with a line per step.
///
/// Lints use the release profile because the tests do: build scripts and procedural macros are then built once.
pub(crate) fn ci() -> Result<(), Failure> {
    let steps: [(&str, Step); 7] = [
        ("formatting", || step(cargo().args(["fmt", "--all", "--check"]))),
        ("lints", || step(cargo().args(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]))),
        ("lints, library without features", || {
            let args = ["clippy", "--release", "--package", "lookalike", "--no-default-features", "--lib", "--", "-D", "warnings"];
            step(cargo().args(args))
        }),
        ("documentation", || {
            let args = ["doc", "--release", "--package", "lookalike", "--no-deps", "--lib"];
            step(cargo().args(args).env("RUSTDOCFLAGS", "-D warnings"))
        }),
        ("tests", || crate::test(&[])),
        ("scripts", crate::compare::test),
        ("conformance", || crate::conformance::conformance(&[])),
    ];
    let results: Vec<_> = steps
        .iter()
        .map(|(name, run)| {
            let start = Instant::now();
            let outcome = run();
            (*name, outcome, start.elapsed())
        })
        .collect();

    eprintln!();
    for (name, outcome, time) in &results {
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        eprintln!("xtask: {name:<32} {verdict:<6} {:7.1} s", time.as_secs_f64());
    }
    results.into_iter().try_for_each(|(_, outcome, _)| outcome)
}
