//! The file of results that tests/conformance.rs writes.

use std::collections::BTreeMap;

/// How a test ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// Every output was compared and is right.
    Passed,
    /// The library said that it does not do this.
    Refused,
    /// Anything else.
    Failed,
}

/// One official test.
pub(super) struct Test {
    pub(super) kind: String,
    pub(super) name: String,
    /// Nodes of the outermost graph.
    pub(super) nodes: usize,
    pub(super) operators: Vec<String>,
    pub(super) outcome: Outcome,
    pub(super) reason: String,
}

/// All of it.
#[derive(Default)]
pub(super) struct Results {
    /// Version of the onnx package.
    pub(super) onnx: String,
    /// Oldest and newest operator set that is read.
    pub(super) opsets: [String; 2],
    /// Operators that are imported, with attributes that are refused whatever their value.
    pub(super) supported: Vec<(String, Vec<String>)>,
    /// Standard operators that are not imported.
    pub(super) missing: Vec<String>,
    pub(super) tests: Vec<Test>,
}

/// Counts of outcomes.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) refused: usize,
    pub(super) failed: usize,
}

impl Tally {
    pub(super) fn count(&self) -> usize {
        self.passed + self.refused + self.failed
    }

    pub(super) fn of<'a>(tests: impl IntoIterator<Item = &'a Test>) -> Self {
        let mut tally = Self::default();
        for test in tests {
            match test.outcome {
                Outcome::Passed => tally.passed += 1,
                Outcome::Refused => tally.refused += 1,
                Outcome::Failed => tally.failed += 1,
            }
        }
        tally
    }
}

impl Test {
    /// The operator that the test is about; `None` for tests of several.
    pub(super) fn operator(&self) -> Option<&str> {
        match self.operators.as_slice() {
            [only] if self.kind == "node" && self.nodes == 1 => Some(only),
            _ => None,
        }
    }
}

impl Results {
    /// Tests of one node, by their operator.
    pub(super) fn by_operator(&self) -> BTreeMap<&str, Tally> {
        let mut tests: BTreeMap<&str, Vec<&Test>> = BTreeMap::new();
        for test in &self.tests {
            if let Some(operator) = test.operator() {
                tests.entry(operator).or_default().push(test);
            }
        }
        tests.into_iter().map(|(name, tests)| (name, Tally::of(tests))).collect()
    }

    /// All tests, by what kind of graph they are.
    pub(super) fn by_kind(&self) -> BTreeMap<&str, Tally> {
        let mut tests: BTreeMap<&str, Vec<&Test>> = BTreeMap::new();
        for test in &self.tests {
            tests.entry(test.graph()).or_default().push(test);
        }
        tests.into_iter().map(|(name, tests)| (name, Tally::of(tests))).collect()
    }

    pub(super) fn total(&self) -> Tally {
        Tally::of(&self.tests)
    }
}

impl Test {
    /// What kind of graph the test is.
    pub(super) fn graph(&self) -> &str {
        match self.kind.as_str() {
            "node" if self.operator().is_some() => "node, one operator",
            "node" => "node, several operators",
            other => other,
        }
    }
}

/// The results, or `None` when the text is something else.
pub(super) fn parse(text: &str) -> Option<Results> {
    let list = |text: &str| text.split(',').filter(|s| !s.is_empty()).map(str::to_owned).collect();
    let mut results = Results::default();
    for line in text.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        match columns.as_slice() {
            ["onnx", version] => results.onnx = (*version).to_owned(),
            ["opsets", oldest, newest] => results.opsets = [oldest, newest].map(|s| (*s).to_owned()),
            ["operator", name, refused] => results.supported.push(((*name).to_owned(), list(refused))),
            ["missing", name] => results.missing.push((*name).to_owned()),
            ["test", kind, name, nodes, operators, outcome, reason] => results.tests.push(Test {
                kind: (*kind).to_owned(),
                name: (*name).to_owned(),
                nodes: nodes.parse().ok()?,
                operators: list(operators),
                outcome: match *outcome {
                    "passed" => Outcome::Passed,
                    "refused" => Outcome::Refused,
                    "failed" => Outcome::Failed,
                    _ => return None,
                },
                reason: (*reason).to_owned(),
            }),
            _ => return None,
        }
    }
    (!results.tests.is_empty()).then_some(results)
}
