//! The results as a file of lines with columns, which `cargo xtask conformance` reads.

use lookalike::import::onnx::{NEWEST_OPSET, OLDEST_OPSET, supported_attributes, supported_operators};

use crate::case::{Case, Schema, Suite};
use crate::run::Outcome;

/// What was tested, what is supported, and a line for each test.
pub(crate) fn lines(suite: &Suite, cases: &[&Case], outcomes: &[Outcome]) -> String {
    let head = [format!("onnx\t{}", suite.onnx), format!("opsets\t{OLDEST_OPSET}\t{NEWEST_OPSET}")];
    let supported: Vec<&str> = supported_operators().collect();
    let operators = supported.iter().map(|name| format!("operator\t{name}\t{}", refused_attributes(suite, name).join(",")));
    let missing = suite.schemas.iter().filter(|(name, versions)| !supported.contains(&name.as_str()) && is_current(versions));
    let missing = missing.map(|(name, _)| format!("missing\t{name}"));
    let tests = cases.iter().zip(outcomes).map(|(case, outcome)| test(case, outcome));
    head.into_iter().chain(operators).chain(missing).chain(tests).map(|line| line + "\n").collect()
}

/// Kind, name, number of nodes, operators, outcome, reason.
fn test(case: &Case, outcome: &Outcome) -> String {
    let (word, reason) = match outcome {
        Outcome::Passed => ("passed", ""),
        Outcome::Refused(reason) => ("refused", reason.as_str()),
        Outcome::Failed(reason) => ("failed", reason.as_str()),
    };
    let reason = reason.replace(['\t', '\n'], " ");
    format!("test\t{}\t{}\t{}\t{}\t{word}\t{reason}", case.kind, case.name, case.nodes, case.operators.join(","))
}

/// Whether the newest form of an operator that can be met in a file is one to use.
fn is_current(versions: &[Schema]) -> bool {
    in_reach(versions).last().is_some_and(|newest| !newest.deprecated)
}

/// The versions that files of the supported operator sets can mean.
fn in_reach(versions: &[Schema]) -> impl Iterator<Item = &Schema> {
    let ends = versions.iter().skip(1).map(|next| next.since).chain([i64::MAX]);
    versions.iter().zip(ends).filter(|(v, end)| *end > OLDEST_OPSET && v.since <= NEWEST_OPSET).map(|(v, _)| v)
}

/// Attributes that an operator has and that are refused whatever their value.
fn refused_attributes<'a>(suite: &'a Suite, name: &str) -> Vec<&'a str> {
    let known = supported_attributes(name);
    let versions = suite.schemas.get(name).map(Vec::as_slice).unwrap_or_default();
    let all = in_reach(versions).flat_map(|v| &v.attributes).map(String::as_str);
    let mut refused: Vec<&str> = all.filter(|a| !known.contains(a)).collect();
    refused.sort_unstable();
    refused.dedup();
    refused
}
