//! docs/ops.md: text written by hand around sections that the results fill.
//!
//! A section stands between `<!-- NAME -->` and `<!-- /NAME -->`. In the table of operators, the last column is written by hand and kept.

use std::collections::BTreeMap;

use super::reason;
use super::results::{Outcome, Results, Tally, Test};
use crate::run::Failure;

/// Operators that are not imported, by why. What is in no group is listed last.
const GROUPS: [(&str, &[&str]); 7] = [
    ("control flow", &["If", "Loop", "Scan"]),
    (
        "sequences and optional values",
        &[
            "ConcatFromSequence",
            "Optional",
            "OptionalGetElement",
            "OptionalHasElement",
            "SequenceAt",
            "SequenceConstruct",
            "SequenceEmpty",
            "SequenceErase",
            "SequenceInsert",
            "SequenceLength",
            "SequenceMap",
            "SplitToSequence",
        ],
    ),
    ("text", &["RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer"]),
    ("recurrence", &["GRU", "LSTM", "RNN"]),
    ("random numbers", &["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"]),
    ("sound and spectra", &["BlackmanWindow", "DFT", "HammingWindow", "HannWindow", "MelWeightMatrix", "STFT"]),
    ("losses for training", &["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"]),
];

/// The document with its sections filled from the results.
pub(super) fn rewritten(old: &str, results: &Results, explained: &BTreeMap<&str, &str>) -> Result<String, Failure> {
    let sections = [
        ("suite", suite(results)),
        ("operators", operators(old, results)),
        ("refused", refused(results)),
        ("different", different(explained)),
        ("graphs", graphs(results)),
        ("missing", missing(results)),
    ];
    sections.iter().try_fold(old.to_owned(), |text, (name, content)| replaced(&text, name, content))
}

fn replaced(text: &str, name: &str, content: &str) -> Result<String, Failure> {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let parts = text.split_once(&open).and_then(|(before, rest)| Some((before, rest.split_once(&close)?.1)));
    let (before, after) = parts.ok_or_else(|| Failure::usage(format!("docs/ops.md has no section `{name}`. Put its two marks back.")))?;
    Ok(format!("{before}{open}{content}{close}{after}"))
}

fn suite(results: &Results) -> String {
    let [oldest, newest] = &results.opsets;
    let Tally { passed, refused, failed, .. } = results.total();
    format!(
        "Operator sets {oldest} to {newest} of the standard domain. Of the {} backend tests of onnx {}, {passed} pass, {refused} are refused with a sentence that says why, and {failed} differ for a reason given below.\n",
        results.tests.len(),
        results.onnx
    )
}

/// The operator and the last column of a row: ``| `Name` | … | remark |``.
fn remark(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("| `")?.split_once("` |")?;
    let columns = rest.trim().trim_end_matches('|').trim_end();
    Some((name, columns.rsplit_once('|').map_or(columns, |(_, last)| last).trim()))
}

/// All operators that are imported.
fn operators(old: &str, results: &Results) -> String {
    let remarks: BTreeMap<&str, &str> = old.lines().filter_map(remark).collect();
    let tallies = results.by_operator();
    let mut out = "| operator | tests that pass | refused | remarks |\n|---|---|---|---|\n".to_owned();
    for (name, _) in &results.supported {
        let tally = tallies.get(name.as_str()).copied().unwrap_or_default();
        let remark = match remarks.get(name.as_str()).copied().unwrap_or_default() {
            "" => String::new(),
            text => format!("{text} "),
        };
        out += &format!("| `{name}` | {} | {} | {remark}|\n", tally.passed, tally.refused);
    }
    out
}

/// Attributes that are not read and, for each operator, the reasons of its refusals with the number of tests.
fn refused(results: &Results) -> String {
    let mut out = String::new();
    for (name, attributes) in &results.supported {
        let tests = results.tests.iter().filter(|t| t.outcome == Outcome::Refused && t.operator() == Some(name));
        let reasons = reason::merged(tests.map(|t| reason::of_operator(&t.reason, name)));
        let attributes = attributes.iter().map(|a| format!("the attribute `{a}`"));
        let reasons = reasons.iter().map(|(reason, count)| format!("{reason} ({count})"));
        for item in attributes.chain(reasons) {
            out += &format!("* `{name}`: {item}\n");
        }
    }
    if out.is_empty() { "Nothing.\n".to_owned() } else { out }
}

/// Tests of more than one operator, with the operators that those which are refused have and the importer does not.
fn graphs(results: &Results) -> String {
    let mut out =
        "| tests | pass | refused | operators that the refused ones need and that are not there |\n|---|---|---|---|\n".to_owned();
    for (kind, tally) in results.by_kind().iter().filter(|(kind, _)| **kind != "node, one operator") {
        let mut lacking: BTreeMap<&str, usize> = BTreeMap::new();
        for test in results.tests.iter().filter(|t| t.outcome == Outcome::Refused && t.graph() == *kind) {
            for operator in absent(results, test) {
                *lacking.entry(operator).or_default() += 1;
            }
        }
        let lacking: Vec<_> = lacking.iter().map(|(name, count)| format!("`{name}` ({count})")).collect();
        let lacking = if lacking.is_empty() { String::new() } else { format!("{} ", lacking.join(", ")) };
        out += &format!("| {kind} | {} | {} | {lacking}|\n", tally.passed, tally.refused);
    }
    out
}

fn absent<'a>(results: &'a Results, test: &'a Test) -> impl Iterator<Item = &'a str> {
    test.operators.iter().map(String::as_str).filter(|name| !results.supported.iter().any(|(known, _)| known == name))
}

/// Tests whose expected numbers are not given, with the reason.
fn different(explained: &BTreeMap<&str, &str>) -> String {
    let lines: String = explained.iter().map(|(test, why)| format!("* {test}: {why}\n")).collect();
    if lines.is_empty() { "None.\n".to_owned() } else { lines }
}

/// Standard operators that are not imported.
fn missing(results: &Results) -> String {
    let names = |keep: &dyn Fn(&str) -> bool| {
        let names: Vec<_> = results.missing.iter().filter(|name| keep(name)).map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let mut out = String::new();
    for (why, members) in GROUPS {
        let list = names(&|name| members.contains(&name));
        if !list.is_empty() {
            out += &format!("* {why}: {list}\n");
        }
    }
    let rest = names(&|name| !GROUPS.iter().any(|(_, members)| members.contains(&name)));
    if rest.is_empty() { out } else { out + &format!("* others: {rest}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_the_last_column() {
        assert_eq!(remark("| `Conv` | any groups |"), Some(("Conv", "any groups")));
        assert_eq!(remark("| `Conv` | 3 | 4 | any groups |"), Some(("Conv", "any groups")));
        assert_eq!(remark("| `Add` | |"), Some(("Add", "")));
        assert_eq!(remark("| `Add` | 3 | 4 | |"), Some(("Add", "")));
        assert_eq!(remark("| operator | remarks |"), None);
    }

    #[test]
    fn a_section_is_replaced_between_its_marks() {
        let text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
        assert_eq!(replaced(text, "x", "new\n").ok().as_deref(), Some("a\n<!-- x -->\nnew\n<!-- /x -->\nb\n"));
        assert!(replaced(text, "y", "").is_err());
    }
}
