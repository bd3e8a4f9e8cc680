//! docs/ops.md lists exactly the operators that can be imported. `UPDATE_DOCS=1 cargo test --test ops_doc` writes the list anew and keeps
//! the remarks of the operators that stay.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;

use lookalike::import::onnx::supported_operators;

const HEAD: &str = "| operator | remarks |";

/// The operator and the remark of a table row: ``| `Name` | remark |``.
fn row(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("| `")?.split_once("` |")?;
    Some((name, rest.trim_end_matches('|').trim()))
}

#[test]
fn the_support_matrix_lists_every_operator() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ops.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let listed: BTreeMap<&str, &str> = text.lines().filter_map(row).collect();
    let supported: Vec<&str> = supported_operators().collect();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let before = text.lines().take_while(|l| *l != HEAD);
        let after = text.lines().skip_while(|l| *l != HEAD).skip_while(|l| l.starts_with('|'));
        let rows = supported.iter().map(|&name| match listed.get(name).copied().unwrap_or_default() {
            "" => format!("| `{name}` | |"),
            remark => format!("| `{name}` | {remark} |"),
        });
        let table = [HEAD.to_owned(), "|---|---|".to_owned()].into_iter().chain(rows);
        let lines: Vec<String> = before.map(str::to_owned).chain(table).chain(after.map(str::to_owned)).collect();
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        return;
    }
    let found: Vec<&str> = text.lines().filter_map(row).map(|(name, _)| name).collect();
    assert_eq!(found, supported, "run `UPDATE_DOCS=1 cargo test --test ops_doc`");
}
