//! Sentences of refusals without the names of one file, so that equal reasons can be counted.

/// The reason in `sentence` why a model of the one operator `operator` is refused. Empty when the operator itself is what is missing.
pub(super) fn of_operator(sentence: &str, operator: &str) -> String {
    if let Some((_, rest)) = sentence.split_once(&format!(": {operator} (node")) {
        let whole = rest.split_once("). Export the model without").map_or(rest, |(body, _)| body);
        // The label of the node is in backticks; a reason follows it.
        return whole.split_once("`: ").map_or_else(String::new, |(_, reason)| anonymous(reason));
    }
    anonymous(first_sentence(sentence))
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
    out + &rest
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
    fn names_of_one_file_are_left_out() {
        let text = "The input `x` of the model `model.onnx` takes elements of type int64, but only floats are. Export it again.";
        assert_eq!(of_operator(text, "Add"), "The input takes elements of type int64, but only floats are");
        let text = "The node `y` needs `mode` = 3 (`z`). No.";
        assert_eq!(of_operator(text, "Add"), "The node needs `mode` = 3");
    }
}
