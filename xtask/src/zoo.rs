//! `cargo xtask zoo`: builds every network with generated weights, compares what it computes with other programs, and writes docs/zoo.md.

use crate::adapter;
use crate::run::{Failure, cargo, lookalike, step};

/// `cargo xtask zoo`.
pub(crate) fn zoo(args: &[String]) -> Result<(), Failure> {
    if let Some(unknown) = args.first() {
        return Err(Failure::usage(format!("`{unknown}` is not an option of zoo. It takes none.")));
    }
    let test = ["test", "--release", "--package", "lookalike", "--test", "zoo"];
    step(cargo().args(test).arg("--no-run"))?;
    adapter::ensure(&lookalike())?;
    step(cargo().args(test).args(["--", "--nocapture"]).env("LOOKALIKE_UPDATE_ZOO", "1"))
}
