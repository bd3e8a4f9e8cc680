//! `cargo xtask conformance`: runs the official ONNX backend tests and keeps the list of those that pass, and docs/ops.md, true.

mod document;
mod reason;
mod results;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use self::results::{Outcome, Results, Tally, Test};
use crate::python::{self, Environment};
use crate::run::{Failure, root, step, target};

const HELP: &str = "\
Runs the official ONNX backend tests on the GPU and compares every output. Fails when one gives wrong results, when one that passed before
(tests/conformance/baseline.txt) does not pass, or when docs/ops.md says something else than what was seen.

Usage: cargo xtask conformance [OPTIONS]

Options:
  --all          all tests [default]
  --sample SEED  a tenth of them, chosen by a whole number; docs/ops.md is not checked
  --update       write tests/conformance/baseline.txt and docs/ops.md anew
  --python FILE  use this interpreter (with the packages of scripts/requirements-conformance.txt) instead of making target/conformance-venv
  -h, --help     this text";

pub(crate) const PYTHON: Environment =
    Environment { folder: "conformance-venv", requirements: "requirements-conformance.txt", pip: &[], command: "conformance" };

/// `cargo xtask conformance ARGS`.
pub(crate) fn conformance(args: &[String]) -> Result<(), Failure> {
    if args.iter().any(|a| a == "-h" || a == "--help") {
        println!("{HELP}");
        return Ok(());
    }
    let mut rest = args.to_vec();
    let sample = python::option(&mut rest, "--sample", "a whole number")?;
    let update = take(&mut rest, "--update");
    let all = take(&mut rest, "--all");
    if sample.is_some() && (update || all) {
        return Err(Failure::usage("--sample cannot be combined with --all or --update, which need all tests."));
    }
    if sample.as_ref().is_some_and(|seed| seed.parse::<u64>().is_err()) {
        return Err(Failure::usage("--sample needs a whole number."));
    }
    let python = python::interpreter(&mut rest, &PYTHON)?;
    if let Some(unknown) = rest.first() {
        return Err(Failure::usage(format!("`{unknown}` is not an option of conformance. `cargo xtask conformance --help` lists them.")));
    }
    let results = run(&python, sample.as_deref())?;
    print(&results);
    let explained = read(&root().join("tests").join("conformance").join("explained.txt"))?;
    let explained = explanations(&explained);
    let mut complaints = wrong(&results, &explained);
    if update {
        write(&baseline_file(), &baseline(&results))?;
        write(&document_file(), &document::rewritten(&read(&document_file())?, &results, &explained)?)?;
    } else {
        complaints.extend(lost(&read(&baseline_file())?, &results, sample.is_none()));
        if sample.is_none() {
            complaints.extend(document_differs(&results, &explained)?);
        }
    }
    if complaints.is_empty() { Ok(()) } else { Err(Failure { code: 1, message: complaints.join("\nxtask: ") }) }
}

fn take(args: &mut Vec<String>, name: &str) -> bool {
    let before = args.len();
    args.retain(|a| a != name);
    args.len() < before
}

/// Writes the tests as files, runs them and reads the results.
fn run(python: &std::path::Path, sample: Option<&str>) -> Result<Results, Failure> {
    let folder = target().join("conformance");
    step(python::script(python, "conformance.py").arg("--out").arg(folder.join("cases")))?;
    let file = folder.join("results.tsv");
    let _ = std::fs::remove_file(&file);
    let more: Vec<_> = sample.iter().map(|seed| ("LOOKALIKE_CONFORMANCE_SAMPLE", *seed)).collect();
    let outcome = crate::data_test("conformance", "LOOKALIKE_CONFORMANCE", &folder, &more);
    // A test that gives wrong results fails the run after the results are written; they say more than the exit code.
    match (std::fs::read_to_string(&file), outcome) {
        (Ok(text), _) => results::parse(&text).ok_or_else(|| Failure::usage(format!("{} cannot be read.", file.display()))),
        (Err(_), Err(failure)) => Err(failure),
        (Err(e), Ok(())) => Err(Failure::usage(format!("Reading {} failed: {e}.", file.display()))),
    }
}

/// Tables of all operators and of all kinds of tests.
fn print(results: &Results) {
    let row = |name: &str, t: &Tally| println!("{name:<36}{:>7}{:>8}{:>9}{:>8}", t.count(), t.passed, t.refused, t.failed);
    println!("{:<36}{:>7}{:>8}{:>9}{:>8}", "operator", "tests", "passed", "refused", "failed");
    for (name, tally) in results.by_operator() {
        row(name, &tally);
    }
    println!();
    for (name, tally) in results.by_kind() {
        row(name, &tally);
    }
    row("total", &results.total());
}

/// Tests that are known to differ, with the reason: lines `kind name: reason`.
type Explained<'t> = BTreeMap<&'t str, &'t str>;

fn explanations(text: &str) -> Explained<'_> {
    text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(": ")).collect()
}

/// A sentence for each test that gave wrong results for no known reason, and for each that is said to and did not.
fn wrong(results: &Results, explained: &Explained<'_>) -> Vec<String> {
    let known = |t: &&Test| explained.contains_key(line(t).as_str());
    let failed = results.tests.iter().filter(|t| t.outcome == Outcome::Failed && !known(t));
    let passed = results.tests.iter().filter(|t| t.outcome != Outcome::Failed && known(t));
    let fails = failed.map(|t| format!("{} {} fails: {}.", t.kind, t.name, t.reason.trim_end_matches('.')));
    fails.chain(passed.map(|t| format!("{} {} does not differ any more: take it out of explained.txt.", t.kind, t.name))).collect()
}

fn baseline_file() -> PathBuf {
    root().join("tests").join("conformance").join("baseline.txt")
}

fn document_file() -> PathBuf {
    root().join("docs").join("ops.md")
}

fn read(file: &std::path::Path) -> Result<String, Failure> {
    match std::fs::read_to_string(file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        other => other.map_err(|e| Failure::usage(format!("Reading {} failed: {e}.", file.display()))),
    }
}

fn write(file: &std::path::Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|e| Failure::usage(format!("Writing {} failed: {e}.", file.display())))
}

/// The line of a test in the list of those that pass.
fn line(test: &Test) -> String {
    format!("{} {}", test.kind, test.name)
}

fn passing(results: &Results) -> BTreeSet<String> {
    results.tests.iter().filter(|t| t.outcome == Outcome::Passed).map(line).collect()
}

fn baseline(results: &Results) -> String {
    let head = format!("# Backend tests of onnx {} that pass. Written by `cargo xtask conformance --update`.", results.onnx);
    std::iter::once(head).chain(passing(results)).map(|l| l + "\n").collect()
}

/// A sentence for each test of the list that was to be run and does not pass. With `all`, also for those that are not there any more.
fn lost(baseline: &str, results: &Results, all: bool) -> Vec<String> {
    let passing = passing(results);
    let mut sentences = Vec::new();
    for name in baseline.lines().filter(|l| !l.starts_with('#') && !passing.contains(*l)) {
        match results.tests.iter().find(|t| line(t) == name) {
            // Said already.
            Some(test) if test.outcome == Outcome::Failed => {}
            Some(test) => sentences.push(format!("{name} passed before and is refused now: {}", test.reason)),
            None if all => sentences.push(format!("{name} is in tests/conformance/baseline.txt, but there is no such test.")),
            None => {}
        }
    }
    let new = passing.iter().filter(|name| !baseline.lines().any(|l| l == *name)).count();
    if new > 0 {
        eprintln!("xtask: {new} tests pass that are not in tests/conformance/baseline.txt; --update adds them");
    }
    sentences
}

/// What to say when docs/ops.md is not what the results make of it.
fn document_differs(results: &Results, explained: &Explained<'_>) -> Result<Option<String>, Failure> {
    let old = read(&document_file())?;
    let new = document::rewritten(&old, results, explained)?;
    let differing = new.lines().zip(old.lines()).position(|(a, b)| a != b).unwrap_or_else(|| old.lines().count().min(new.lines().count()));
    let sentence =
        || format!("docs/ops.md differs from what was seen, first in line {}. Run `cargo xtask conformance --update`.", differing + 1);
    Ok((old != new).then(sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let text = "onnx\t1\nopsets\t7\t23\ntest\tnode\ta\t1\tAdd\tpassed\t\ntest\tnode\tb\t1\tAdd\trefused\tNo.\ntest\tnode\tc\t1\tAdd\tfailed\twrong\n";
        results::parse(text).unwrap_or_else(|| unreachable!())
    }

    #[test]
    fn a_test_that_passed_before_has_to_pass() {
        let results = results();
        assert!(lost("# head\nnode a\n", &results, true).is_empty());
        assert_eq!(lost("node b\n", &results, true).len(), 1);
        assert_eq!(lost("node gone\n", &results, true).len(), 1);
        assert!(lost("node gone\n", &results, false).is_empty());
        assert_eq!(wrong(&results, &Explained::new()), ["node c fails: wrong."]);
        assert!(wrong(&results, &explanations("# head\nnode c: rounding\n")).is_empty());
        assert_eq!(wrong(&results, &explanations("node a: rounding")).len(), 2);
    }

    #[test]
    fn the_list_of_passing_tests_is_sorted_and_short() {
        assert!(baseline(&results()).ends_with("`.\nnode a\n"));
    }
}
