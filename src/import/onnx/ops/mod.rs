//! One file per operator family: what the file says, as graph nodes.

mod activation;
mod arithmetic;
mod constant;
mod conv;
mod linear;
mod movement;
mod norm;
mod pad;
mod pool;
mod reduce;
mod resize;
mod select;
mod shape;
mod window;

use super::convert::Importer;
use super::is_standard;
use super::source::{Done, Source, unsupported};

/// An operator that can be imported.
struct Operator {
    name: &'static str,
    /// Every attribute of it in any supported operator set; others are refused instead of ignored.
    attributes: &'static [&'static str],
    import: fn(&mut Importer<'_>, &Source<'_>) -> Done,
}

const fn op(name: &'static str, attributes: &'static [&'static str], import: fn(&mut Importer<'_>, &Source<'_>) -> Done) -> Operator {
    Operator { name, attributes, import }
}

/// All operators, by name.
static OPERATORS: &[Operator] = &[
    op("Abs", &[], activation::plain),
    op("Add", &[], arithmetic::binary),
    op("ArgMax", &["axis", "keepdims", "select_last_index"], select::arg_reduce),
    op("ArgMin", &["axis", "keepdims", "select_last_index"], select::arg_reduce),
    op("AveragePool", &["auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"], pool::average),
    op("BatchNormalization", &["epsilon", "is_test", "momentum", "spatial", "training_mode"], norm::batch_norm),
    op("Cast", &["to", "saturate"], movement::cast),
    op("Clip", &["min", "max"], activation::clip),
    op("Concat", &["axis"], movement::concat),
    op("Constant", constant::ATTRIBUTES, constant::constant),
    op("ConstantOfShape", &["value"], constant::of_shape),
    op("Conv", &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"], conv::conv),
    op("CumSum", &["exclusive", "reverse"], select::cum_sum),
    op("Div", &[], arithmetic::binary),
    op("Dropout", &["ratio", "seed"], movement::dropout),
    op("Elu", &["alpha"], activation::plain),
    op("Exp", &[], activation::plain),
    op("Expand", &[], movement::expand),
    op("Flatten", &["axis"], shape::flatten),
    op("Gather", &["axis"], movement::gather),
    op("Gemm", &["alpha", "beta", "transA", "transB"], linear::gemm),
    op("GlobalAveragePool", &[], pool::global),
    op("GlobalLpPool", &["p"], pool::global),
    op("GlobalMaxPool", &[], pool::global),
    op("GroupNormalization", &["epsilon", "num_groups", "stash_type"], norm::group_norm),
    op("HardSigmoid", &["alpha", "beta"], activation::plain),
    op("HardSwish", &[], activation::plain),
    op("Hardmax", &["axis"], norm::softmax),
    op("Identity", &[], movement::identity),
    op("InstanceNormalization", &["epsilon"], norm::instance_norm),
    op("LRN", &["alpha", "beta", "bias", "size"], norm::lrn),
    op("LayerNormalization", &["axis", "epsilon", "stash_type"], norm::layer_norm),
    op("LeakyRelu", &["alpha"], activation::plain),
    op("Log", &[], activation::plain),
    op("LogSoftmax", &["axis"], norm::softmax),
    op("LpNormalization", &["axis", "p"], norm::lp_normalization),
    op("LpPool", &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "p", "pads", "strides"], pool::lp),
    op("MatMul", &[], linear::matmul),
    op("Max", &[], arithmetic::variadic),
    op("MaxPool", &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"], pool::max),
    op("Mean", &[], arithmetic::variadic),
    op("MeanVarianceNormalization", &["axes"], norm::mean_variance),
    op("Min", &[], arithmetic::variadic),
    op("Mul", &[], arithmetic::binary),
    op("Neg", &[], activation::plain),
    op("PRelu", &[], activation::prelu),
    op("Pad", &["mode", "pads", "value"], pad::pad),
    op("Pow", &[], arithmetic::binary),
    op("RMSNormalization", &["axis", "epsilon", "stash_type"], norm::layer_norm),
    op("Reciprocal", &[], activation::plain),
    op("ReduceL1", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceL2", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceLogSum", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceLogSumExp", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceMax", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceMean", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceMin", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceProd", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceSum", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceSumSquare", reduce::ATTRIBUTES, reduce::reduce),
    op("Relu", &[], activation::plain),
    op("Reshape", &["allowzero"], shape::reshape),
    op("Resize", resize::ATTRIBUTES, resize::resize),
    op("Shape", &["start", "end"], shape::shape),
    op("Sigmoid", &[], activation::plain),
    op("Slice", &["axes", "ends", "starts"], movement::slice),
    op("Softmax", &["axis"], norm::softmax),
    op("Softplus", &[], activation::plain),
    op("Split", &["axis", "num_outputs", "split"], movement::split),
    op("Sqrt", &[], activation::plain),
    op("Squeeze", &["axes"], shape::squeeze),
    op("Sub", &[], arithmetic::binary),
    op("Sum", &[], arithmetic::variadic),
    op("Tanh", &[], activation::plain),
    op("TopK", &["axis", "k", "largest", "sorted"], select::top_k),
    op("Transpose", &["perm"], shape::transpose),
    op("Unsqueeze", &["axes"], shape::unsqueeze),
    op("Upsample", &["mode", "scales"], resize::upsample),
];

/// The names of all operators that can be imported, sorted.
pub fn supported_operators() -> impl Iterator<Item = &'static str> {
    OPERATORS.iter().map(|o| o.name)
}

/// Imports one node.
pub(super) fn import(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let name = source.node.op_type.as_str();
    if !is_standard(&source.node.domain) {
        return unsupported("");
    }
    let Ok(index) = OPERATORS.binary_search_by(|o| o.name.cmp(name)) else { return unsupported("") };
    let operator = &OPERATORS[index];
    source.check_attributes(operator.attributes)?;
    (operator.import)(importer, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_sorted_for_the_search() {
        assert!(OPERATORS.windows(2).all(|w| w[0].name < w[1].name));
    }
}
