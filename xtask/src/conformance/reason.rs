//! Sentences of refusals without the names of one file, so that equal reasons can be counted.

use std::collections::{BTreeMap, BTreeSet};

/// The reason in `sentence` why a model of the one operator `operator` is refused. Empty when the operator itself is what is missing.
pub(super) fn of_operator(sentence: &str, operator: &str) -> String {
    if let Some((_, rest)) = sentence.split_once(&format!(": {operator} (node")) {
        let whole = rest.split_once("). Export the model without").map_or(rest, |(body, _)| body);
        // The label of the node is in backticks; a reason follows it.
        return whole.split_once("`: ").map_or_else(String::new, |(_, reason)| anonymous(reason));
    }
    anonymous(first_sentence(sentence))
}

/// Reasons with their counts, those that differ in an element type only as one: the types are listed.
pub(super) fn merged(reasons: impl IntoIterator<Item = String>) -> Vec<(String, usize)> {
    let mut groups: BTreeMap<(String, String), (BTreeSet<String>, usize)> = BTreeMap::new();
    for reason in reasons {
        let (before, word, after) = element_type(&reason);
        let (words, count) = groups.entry((before, after)).or_default();
        words.extend(word);
        *count += 1;
    }
    let join = |words: BTreeSet<String>| words.into_iter().collect::<Vec<_>>().join(", ");
    groups.into_iter().map(|((before, after), (words, count))| (format!("{before}{}{after}", join(words)), count)).collect()
}

/// A reason before, at and after the element type it speaks of.
fn element_type(reason: &str) -> (String, Option<String>, String) {
    for marker in ["of type ", "casts to "] {
        if let Some((before, rest)) = reason.split_once(marker) {
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            return (format!("{before}{marker}"), Some(word.to_owned()), after.to_owned());
        }
    }
    (reason.to_owned(), None, String::new())
}

/// Up to the first full stop that ends a sentence.
fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

/// Leaves out the names of the file, and of values, nodes, inputs, outputs and tensors.
fn anonymous(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.replace(" of the model `model.onnx`", "").replace("The model `model.onnx`", "The model");
    while let Some((before, name, after)) = quoted(&rest) {
        let (before, name, after) = (before.to_owned(), name.to_owned(), after.to_owned());
        let named = ["node", "value", "input", "output", "tensor"].iter().any(|noun| before.to_lowercase().ends_with(&format!("{noun} ")));
        if let (Some(clean), Some(closed)) = (before.strip_suffix(" ("), after.strip_prefix(')')) {
            out += clean;
            rest = closed.to_owned();
        } else if named {
            out += before.trim_end();
            rest = after;
        } else {
            out += &format!("{before}`{name}`");
            rest = after;
        }
    }
    out += &rest;
    // Shape inference ends its sentences with the shapes it met.
    let shapes = out.find(" (operands: ").map(|from| (from, out[from..].find(')').map_or(out.len(), |to| from + to + 1)));
    if let Some((from, to)) = shapes {
        out.replace_range(from..to, "");
    }
    out
}

/// What is before, inside and after the first pair of backticks.
fn quoted(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (name, after) = rest.split_once('`')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_an_operator_is_cut_out() {
        let text = "The model `model.onnx` uses 1 operator in a way that is not supported: Conv (node `y`: its weight (`W`) is not a constant). \
                    Export the model without them (cut post-processing off behind the network), or with other options.";
        assert_eq!(of_operator(text, "Conv"), "its weight is not a constant");
        let text = "The model `model.onnx` uses 1 operator that is not supported: Erf (node `y`). Export the model without them (cut).";
        assert_eq!(of_operator(text, "Erf"), "");
    }

    #[test]
    fn reasons_that_differ_in_a_type_are_one() {
        let reasons = ["it casts to int4", "it is odd", "it casts to int2", "it is odd"].map(String::from);
        assert_eq!(merged(reasons), [("it casts to int2, int4".to_owned(), 2), ("it is odd".to_owned(), 2)]);
    }

    #[test]
    fn names_of_one_file_are_left_out() {
        let text = "The input `x` of the model `model.onnx` takes elements of type int64, but only floats are. Export it again.";
        assert_eq!(of_operator(text, "Add"), "The input takes elements of type int64, but only floats are");
        let text = "The Gather node takes data (operands: 5x4, 3). No.";
        assert_eq!(of_operator(text, "Gather"), "The Gather node takes data");
        let text = "The node `y` needs `mode` = 3 (`z`). No.";
        assert_eq!(of_operator(text, "Add"), "The node needs `mode` = 3");
    }
}
