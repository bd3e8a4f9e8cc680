//! One file per operator family: what the file says, as graph nodes.

mod activation;
mod arithmetic;
mod constant;
mod conv;
mod gather;
mod linear;
mod movement;
mod norm;
mod pad;
mod pool;
mod reduce;
mod resize;
mod sample;
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
    op("AveragePool", &["auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"], pool::average),
    op("BatchNormalization", &["epsilon", "momentum", "spatial", "training_mode"], norm::batch_norm),
    op("Cast", &["to", "saturate"], movement::cast),
    op("Clip", &["min", "max"], activation::clip),
    op("Concat", &["axis"], movement::concat),
    op("Constant", constant::ATTRIBUTES, constant::constant),
    op("ConstantOfShape", &["value"], constant::of_shape),
    op("Conv", &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"], conv::conv),
    op("DepthToSpace", &["blocksize", "mode"], movement::blocks),
    op("Div", &[], arithmetic::binary),
    op("Dropout", &["is_test", "ratio", "seed"], movement::dropout),
    op("Elu", &["alpha"], activation::plain),
    op("Exp", &[], activation::plain),
    op("Expand", &[], movement::expand),
    op("Flatten", &["axis"], shape::flatten),
    op("Gather", &["axis"], gather::gather),
    op("GatherElements", &["axis"], gather::gather),
    op("GatherND", &["batch_dims"], gather::gather),
    op("Gemm", &["alpha", "beta", "transA", "transB"], linear::gemm),
    op("GlobalAveragePool", &[], pool::global),
    op("GlobalLpPool", &["p"], pool::global),
    op("GlobalMaxPool", &[], pool::global),
    op("GridSample", &["align_corners", "mode", "padding_mode"], sample::grid),
    op("HardSigmoid", &["alpha", "beta"], activation::plain),
    op("HardSwish", &[], activation::plain),
    op("Identity", &[], movement::identity),
    op("LRN", &["alpha", "beta", "bias", "size"], norm::lrn),
    op("LeakyRelu", &["alpha"], activation::plain),
    op("Log", &[], activation::plain),
    op("LpNormalization", &["axis", "p"], norm::lp_normalization),
    op("LpPool", &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "p", "pads", "strides"], pool::lp),
    op("MatMul", &[], linear::matmul),
    op("Max", &[], arithmetic::variadic),
    op("MaxPool", &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"], pool::max),
    op("Mean", &[], arithmetic::variadic),
    op("Min", &[], arithmetic::variadic),
    op("Mul", &[], arithmetic::binary),
    op("Neg", &[], activation::plain),
    op("PRelu", &[], activation::prelu),
    op("Pad", &["mode", "paddings", "pads", "value"], pad::pad),
    op("Pow", &[], arithmetic::binary),
    op("Range", &[], constant::range),
    op("Reciprocal", &[], activation::plain),
    op("ReduceL1", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceL2", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceMax", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceMean", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceMin", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceSum", reduce::ATTRIBUTES, reduce::reduce),
    op("ReduceSumSquare", reduce::ATTRIBUTES, reduce::reduce),
    op("Relu", &[], activation::plain),
    op("Reshape", &["allowzero"], shape::reshape),
    op("Resize", resize::ATTRIBUTES, resize::resize),
    op("Shape", &["start", "end"], shape::shape),
    op("Sigmoid", &[], activation::plain),
    op("Size", &[], shape::size),
    op("Slice", &["axes", "ends", "starts"], movement::slice),
    op("Softmax", &["axis"], norm::softmax),
    op("Softplus", &[], activation::plain),
    op("SpaceToDepth", &["blocksize", "mode"], movement::blocks),
    op("Split", &["axis", "num_outputs", "split"], movement::split),
    op("Sqrt", &[], activation::plain),
    op("Squeeze", &["axes"], shape::squeeze),
    op("Sub", &[], arithmetic::binary),
    op("Sum", &[], arithmetic::variadic),
    op("Tanh", &[], activation::plain),
    op("Tile", &[], movement::tile),
    op("Transpose", &["perm"], shape::transpose),
    op("Unsqueeze", &["axes"], shape::unsqueeze),
    op("Upsample", &["height_scale", "mode", "scales", "width_scale"], resize::upsample),
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
