//! docs/ops.md has a row for exactly the operators that can be imported. `cargo xtask conformance --update` writes it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use lookalike::import::onnx::supported_operators;

/// The operator of a table row: ``| `Name` | … |``.
fn operator(line: &str) -> Option<&str> {
    Some(line.strip_prefix("| `")?.split_once("` |")?.0)
}

#[test]
fn every_operator_has_a_row() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ops.md")).unwrap();
    let listed: Vec<&str> = text.lines().filter_map(operator).collect();
    let supported: Vec<&str> = supported_operators().collect();
    assert_eq!(listed, supported, "run `cargo xtask conformance --update`");
}
