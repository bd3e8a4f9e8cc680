//! One file per operator family: what the file says, as graph nodes.

mod activation;
mod arithmetic;
mod cast;
mod constant;
mod conv;
mod fused;
mod gather;
mod linear;
mod logic;
mod movement;
mod norm;
mod pad;
mod pool;
mod quantized;
mod reduce;
mod resize;
mod reuse;
mod sample;
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

/// What operators of the first set could say about memory, and files of later sets sometimes still do. It changes no result.
const OLD: &[&str] = &["consumed_inputs"];

/// The same for functions of two operands, and how those were broadcast before opset 7.
const PAIR: &[&str] = &["axis", "broadcast", "consumed_inputs"];

/// All operators, by name.
static OPERATORS: &[Operator] = &[
    op("Abs", OLD, activation::plain),
    op("Acos", &[], activation::plain),
    op("Acosh", &[], activation::plain),
    op("Add", PAIR, arithmetic::binary),
    op("And", PAIR, logic::binary),
    op("ArgMax", &["axis", "keepdims", "select_last_index"], select::arg_reduce),
    op("ArgMin", &["axis", "keepdims", "select_last_index"], select::arg_reduce),
    op("Asin", &[], activation::plain),
    op("Asinh", &[], activation::plain),
    op("Atan", &[], activation::plain),
    op("Atanh", &[], activation::plain),
    op("AveragePool", &["auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"], pool::average),
    op("BatchNormalization", &["epsilon", "is_test", "momentum", "spatial", "training_mode"], norm::batch_norm),
    op("Cast", &["round_mode", "saturate", "to"], cast::cast),
    op("CastLike", &["round_mode", "saturate"], cast::cast_like),
    op("Ceil", OLD, activation::plain),
    op("Celu", &["alpha"], activation::plain),
    op("Clip", &["consumed_inputs", "max", "min"], activation::clip),
    op("Concat", &["axis"], movement::concat),
    op("Constant", constant::ATTRIBUTES, constant::constant),
    op("ConstantOfShape", &["value"], constant::of_shape),
    op("Conv", &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"], conv::conv),
    op("ConvInteger", &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"], quantized::conv_integer),
    op(
        "ConvTranspose",
        &["auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"],
        conv::transpose,
    ),
    op("Cos", &[], activation::plain),
    op("Cosh", &[], activation::plain),
    op("CumSum", &["exclusive", "reverse"], select::cum_sum),
    op("DepthToSpace", &["blocksize", "mode"], movement::blocks),
    op("DequantizeLinear", &["axis", "block_size", "output_dtype"], quantized::dequantize),
    op("Div", PAIR, arithmetic::binary),
    op("Dropout", &["is_test", "ratio", "seed"], movement::dropout),
    op("DynamicQuantizeLinear", &[], quantized::dynamic_quantize),
    op("Elu", &["alpha", "consumed_inputs"], activation::plain),
    op("Equal", PAIR, logic::binary),
    op("Erf", &[], activation::plain),
    op("Exp", OLD, activation::plain),
    op("Expand", &[], movement::expand),
    op("Flatten", &["axis"], shape::flatten),
    op("Floor", OLD, activation::plain),
    op("Gather", &["axis"], gather::gather),
    op("GatherElements", &["axis"], gather::gather),
    op("GatherND", &["batch_dims"], gather::gather),
    op("Gelu", &["approximate"], activation::plain),
    op("Gemm", &["alpha", "beta", "broadcast", "transA", "transB"], linear::gemm),
    op("GlobalAveragePool", &[], pool::global),
    op("GlobalLpPool", &["p"], pool::global),
    op("GlobalMaxPool", &[], pool::global),
    op("Greater", PAIR, logic::binary),
    op("GreaterOrEqual", &[], logic::binary),
    op("GridSample", &["align_corners", "mode", "padding_mode"], sample::grid),
    op("GroupNormalization", &["epsilon", "num_groups", "stash_type"], norm::group_norm),
    op("HardSigmoid", &["alpha", "beta", "consumed_inputs"], activation::plain),
    op("HardSwish", &[], activation::plain),
    op("Hardmax", &["axis"], norm::softmax),
    op("Identity", &[], movement::identity),
    op("InstanceNormalization", &["epsilon"], norm::instance_norm),
    op("IsInf", &["detect_negative", "detect_positive"], logic::unary),
    op("IsNaN", &[], logic::unary),
    op("LRN", &["alpha", "beta", "bias", "size"], norm::lrn),
    op("LayerNormalization", &["axis", "epsilon", "stash_type"], norm::layer_norm),
    op("LeakyRelu", &["alpha", "consumed_inputs"], activation::plain),
    op("Less", PAIR, logic::binary),
    op("LessOrEqual", &[], logic::binary),
    op("Log", OLD, activation::plain),
    op("LogSoftmax", &["axis"], norm::softmax),
    op("LpNormalization", &["axis", "p"], norm::lp_normalization),
    op("LpPool", &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "p", "pads", "strides"], pool::lp),
    op("MatMul", &[], linear::matmul),
    op("MatMulInteger", &[], quantized::matmul_integer),
    op("Max", OLD, arithmetic::variadic),
    op("MaxPool", &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"], pool::max),
    op("Mean", OLD, arithmetic::variadic),
    op("MeanVarianceNormalization", &["axes"], norm::mean_variance),
    op("Min", OLD, arithmetic::variadic),
    op("Mish", &[], activation::plain),
    op("Mod", &["fmod"], arithmetic::modulo),
    op("Mul", PAIR, arithmetic::binary),
    op("Neg", OLD, activation::plain),
    op("Not", &[], logic::unary),
    op("Or", PAIR, logic::binary),
    op("PRelu", OLD, activation::prelu),
    op("Pad", &["mode", "paddings", "pads", "value"], pad::pad),
    op("Pow", PAIR, arithmetic::binary),
    op("QLinearConv", &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"], quantized::conv),
    op("QLinearMatMul", &[], quantized::matmul),
    op("QuantizeLinear", &["axis", "block_size", "output_dtype", "precision", "saturate"], quantized::quantize),
    op("RMSNormalization", &["axis", "epsilon", "stash_type"], norm::layer_norm),
    op("Range", &[], constant::range),
    op("Reciprocal", OLD, activation::plain),
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
    op("Relu", OLD, activation::plain),
    op("Reshape", &["allowzero"], shape::reshape),
    op("Resize", resize::ATTRIBUTES, resize::resize),
    op("Round", &[], activation::plain),
    op("Selu", &["alpha", "consumed_inputs", "gamma"], activation::plain),
    op("Shape", &["start", "end"], shape::shape),
    op("Shrink", &["bias", "lambd"], activation::plain),
    op("Sigmoid", OLD, activation::plain),
    op("Sign", &[], activation::plain),
    op("Sin", &[], activation::plain),
    op("Sinh", &[], activation::plain),
    op("Size", &[], shape::size),
    op("Slice", &["axes", "ends", "starts"], movement::slice),
    op("Softmax", &["axis"], norm::softmax),
    op("Softplus", &[], activation::plain),
    op("Softsign", &[], activation::plain),
    op("SpaceToDepth", &["blocksize", "mode"], movement::blocks),
    op("Split", &["axis", "num_outputs", "split"], movement::split),
    op("Sqrt", OLD, activation::plain),
    op("Squeeze", &["axes"], shape::squeeze),
    op("Sub", PAIR, arithmetic::binary),
    op("Sum", OLD, arithmetic::variadic),
    op("Swish", &["alpha"], activation::plain),
    op("Tan", &[], activation::plain),
    op("Tanh", OLD, activation::plain),
    op("ThresholdedRelu", &["alpha"], activation::plain),
    op("Tile", &[], movement::tile),
    op("TopK", &["axis", "k", "largest", "sorted"], select::top_k),
    op("Transpose", &["perm"], shape::transpose),
    op("Unsqueeze", &["axes"], shape::unsqueeze),
    op("Upsample", &["height_scale", "mode", "scales", "width_scale"], resize::upsample),
    op("Where", &[], logic::choice),
    op("Xor", PAIR, logic::binary),
];

/// The domain of ONNX Runtime's own operators.
const MICROSOFT: &str = "com.microsoft";

/// Operators that ONNX Runtime's quantiser and optimiser write, by name.
static MICROSOFT_OPERATORS: &[Operator] = &[
    op("com.microsoft.DequantizeLinear", &["axis"], quantized::dequantize),
    op(
        "com.microsoft.FusedConv",
        &["activation", "activation_params", "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"],
        fused::conv,
    ),
    op("com.microsoft.QGemm", &["alpha", "transA", "transB"], quantized::gemm),
    op("com.microsoft.QLinearAdd", &[], quantized::binary),
    op(
        "com.microsoft.QLinearAveragePool",
        &["auto_pad", "ceil_mode", "channels_last", "count_include_pad", "kernel_shape", "pads", "strides"],
        quantized::unary,
    ),
    op("com.microsoft.QLinearConcat", &["axis"], quantized::concat),
    op(
        "com.microsoft.QLinearConv",
        &["auto_pad", "channels_last", "dilations", "group", "kernel_shape", "pads", "strides"],
        quantized::conv,
    ),
    op("com.microsoft.QLinearGlobalAveragePool", &["channels_last"], quantized::unary),
    op("com.microsoft.QLinearLeakyRelu", &["alpha"], quantized::unary),
    op("com.microsoft.QLinearMul", &[], quantized::binary),
    op("com.microsoft.QLinearReduceMean", &["axes", "keepdims"], quantized::unary),
    op("com.microsoft.QLinearSigmoid", &[], quantized::unary),
    op("com.microsoft.QLinearSoftmax", &["axis", "opset"], quantized::unary),
    op("com.microsoft.QuantizeLinear", &["axis"], quantized::quantize),
];

/// The names of all operators that can be imported: sorted, those of the standard domain first.
pub fn supported_operators() -> impl Iterator<Item = &'static str> {
    OPERATORS.iter().chain(MICROSOFT_OPERATORS).map(|o| o.name)
}

fn find(domain: &str, name: &str) -> Option<&'static Operator> {
    let (table, name) = match domain {
        domain if is_standard(domain) => (OPERATORS, name),
        MICROSOFT => (MICROSOFT_OPERATORS, &*format!("{MICROSOFT}.{name}")),
        _ => return None,
    };
    table.binary_search_by(|o| o.name.cmp(name)).ok().map(|i| &table[i])
}

/// The attributes of an operator that are read. A node with another one is refused.
pub fn supported_attributes(operator: &str) -> &'static [&'static str] {
    OPERATORS.binary_search_by(|o| o.name.cmp(operator)).map_or(&[], |i| OPERATORS[i].attributes)
}

/// Imports one node.
pub(super) fn import(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    let Some(operator) = find(&source.node.domain, &source.node.op_type) else { return unsupported("") };
    source.check_attributes(operator.attributes)?;
    (operator.import)(importer, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_sorted_for_the_search() {
        for table in [OPERATORS, MICROSOFT_OPERATORS] {
            assert!(table.windows(2).all(|w| w[0].name < w[1].name));
        }
    }
}
