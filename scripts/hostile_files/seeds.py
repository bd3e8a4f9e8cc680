"""Valid models: what damage starts from."""

from onnx import TensorProto, helper

from .build import add, floats, ints, model, network, node, value


def seeds():
    """Valid models: what damage starts from."""

    def seed(name, content, what):
        add(f"seeds/{name}.onnx", content, what)

    seed("network", network(), "The network that other files damage")
    seed(
        "resnet",
        model(
            [
                node("Sub", ["x", "mean"], ["x0"]),
                node("Mul", ["x0", "scale"], ["x1"]),
                node("Conv", ["x1", "w1"], ["c1"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
                node("BatchNormalization", ["c1", "g", "o", "m", "v"], ["b1"]),
                node("Relu", ["b1"], ["r1"]),
                node("Conv", ["r1", "w2", "o"], ["c2"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=4),
                node("Add", ["c2", "r1"], ["s"]),
                node("MaxPool", ["s"], ["p"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
                node("GlobalAveragePool", ["p"], ["gap"]),
                node("Flatten", ["gap"], ["f"]),
                node("Gemm", ["f", "fc"], ["l"], transB=1),
                node("LpNormalization", ["l"], ["y"], axis=1, p=2),
            ],
            [
                floats("mean", 1, 2, 1, 1),
                floats("scale", fill=0.5),
                floats("w1", 4, 2, 3, 3),
                floats("w2", 4, 1, 3, 3),
                *(floats(n, 4, fill=f) for n, f in (("g", 1.0), ("o", 0.1), ("m", 0.2), ("v", 2.0))),
                floats("fc", 3, 4),
            ],
        ),
        "Normalisation, batch normalisation, a residual, pooling: what the passes rewrite",
    )
    seed(
        "shapes",
        model(
            [
                node("Shape", ["x"], ["s"]),
                node("Gather", ["s", "zero"], ["n"], axis=0),
                node("Unsqueeze", ["n", "axes0"], ["n1"]),
                node("Concat", ["n1", "rest"], ["t"], axis=0),
                node("Transpose", ["x"], ["tr"], perm=[0, 2, 3, 1]),
                node("Reshape", ["tr", "t"], ["r"]),
                node("Slice", ["r", "starts", "ends", "axes2"], ["sl"]),
                node("Squeeze", ["sl", "axes2"], ["sq"]),
                node("ReduceMean", ["sq"], ["m"], axes=[1], keepdims=1),
                node("Softmax", ["m"], ["y"], axis=-1),
            ],
            [ints("zero", 0, dims=[]), ints("axes0", 0), ints("rest", -1, 2), ints("starts", 0), ints("ends", 1), ints("axes2", 2)],
            [value("x", ["batch", 2, "height", "width"])],
        ),
        "Shapes that are computed from shapes",
    )
    seed(
        "movement",
        model(
            [
                node("Pad", ["x", "pads", "value"], ["p"], mode="constant"),
                node("Resize", ["p", "", "scales"], ["r"], mode="linear", coordinate_transformation_mode="half_pixel"),
                node("Split", ["r"], ["s0", "s1"], axis=1),
                node("Expand", ["s0", "target"], ["e"]),
                node("Concat", ["e", "s1", "s1"], ["c"], axis=1),
                node("Gather", ["c", "picked"], ["g"], axis=1),
                node("AveragePool", ["g"], ["a"], kernel_shape=[2, 2], auto_pad="SAME_UPPER", strides=[2, 2]),
                node("LRN", ["a"], ["y"], size=3),
            ],
            [
                ints("pads", 0, 0, 1, 1, 0, 0, 1, 1),
                floats("value", fill=0.5),
                helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 2, 1.5]),
                ints("target", 1, 2, 1, 1),
                ints("picked", 0, 2, 1),
            ],
        ),
        "Padding, resampling, splitting, joining, picking",
    )
    seed(
        "opset7",
        model(
            [
                node("Upsample", ["x"], ["u"], scales=[1.0, 1.0, 2.0, 2.0], mode="nearest"),
                node("Slice", ["u"], ["s"], starts=[0, 0], ends=[7, 7], axes=[2, 3]),
                node("Pad", ["s"], ["p"], pads=[0, 0, 0, 0, 0, 0, 1, 1], mode="edge"),
                node("Unsqueeze", ["p"], ["q"], axes=[0]),
                node("Squeeze", ["q"], ["r"], axes=[0]),
                node("Clip", ["r"], ["k"], min=0.0, max=6.0),
                node("ReduceSum", ["k"], ["y"], axes=[2, 3], keepdims=0),
            ],
            opset=7,
        ),
        "Attributes that later operator sets made operands",
    )
    seed(
        "folding",
        model(
            [
                node("Constant", [], ["c"], value=floats("c", 2, 3)),
                node("ConstantOfShape", ["dims"], ["o"], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.25])),
                node("Add", ["c", "o"], ["a"]),
                node("Transpose", ["a"], ["t"], perm=[1, 0]),
                node("Cast", ["half"], ["h"], to=TensorProto.FLOAT),
                node("Mul", ["t", "h"], ["m"]),
                node("Flatten", ["x"], ["f"], axis=1),
                node("MatMul", ["f", "w"], ["l"]),
                node("Gemm", ["l", "t2"], ["y"], alpha=0.5),
                node("Tanh", ["m"], ["unused"]),
            ],
            [
                ints("dims", 2, 3),
                helper.make_tensor("half", TensorProto.FLOAT16, [1, 2], [1.0, 2.0]),
                floats("w", 32, 3),
                helper.make_tensor("t2", TensorProto.DOUBLE, [3, 2], [1, 2, 3, 4, 5, 6]),
            ],
        ),
        "Constants made of constants, in several element types",
    )
