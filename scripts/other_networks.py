"""Networks that do not come from PyTorch: one written in ONNX Script, one laid out as converters from TensorFlow do it."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxscript import FLOAT, script
from onnxscript import opset18 as op


def build(seed):
    """Names and models."""
    yield "attention_pool-onnxscript-18", attention_pool(np.random.default_rng(seed))
    yield "mobilenet_nhwc-tensorflow_style-13", tensorflow_style(np.random.default_rng(seed + 1))


def attention_pool(r):
    """Features of a small convolutional network, weighted by a softmax over places and averaged."""
    draw = lambda *shape: r.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float32)  # noqa: E731
    stem, depthwise, point = draw(16, 3, 3, 3), draw(16, 1, 3, 3), draw(24, 16, 1, 1)
    score, head, bias = draw(1, 24, 1, 1), draw(24, 10), draw(10, 4)[:, 0].copy()

    @script(default_opset=op)
    def mish(x):
        return x * op.Tanh(op.Softplus(x))

    @script(default_opset=op)
    def network(input: FLOAT["batch", 3, 40, 56]) -> FLOAT["batch", 10]:  # noqa: F821
        x = mish(op.Conv(input, stem, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]))
        x = op.HardSwish(op.Conv(x, depthwise, kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=16))
        x = op.Selu(op.Conv(x, point, kernel_shape=[1, 1]))
        kept = op.Where(x > 0.25, x, 0.5 * x)
        logits = op.Conv(kept, score, kernel_shape=[1, 1])
        places = op.Softmax(op.Reshape(logits, op.Constant(value_ints=[0, 1, -1])), axis=2)
        features = op.Reshape(kept, op.Constant(value_ints=[0, 24, -1]))
        pooled = op.ReduceSum(features * places, op.Constant(value_ints=[2]), keepdims=0)
        spread = op.Sqrt(op.ReduceMean(pooled * pooled, op.Constant(value_ints=[1])) + 1e-6)
        return op.Erf(op.Gemm(pooled / spread, head, bias))

    return network.to_model_proto()


class Graph:
    """A graph that is written node by node, names as converters give them."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, name, value):
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, op_type, inputs, **attributes):
        name = f"StatefulPartitionedCall/model/{op_type}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [f"{name}:0"], name=name, **attributes))
        return f"{name}:0"


def tensorflow_style(r):
    """NHWC with transposes around convolutions, pads on one side, ReLU6, shapes computed from shapes."""
    g = Graph()
    draw = lambda *shape: r.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float32)  # noqa: E731
    to_nchw = lambda x: g.add("Transpose", [x], perm=[0, 3, 1, 2])  # noqa: E731
    to_nhwc = lambda x: g.add("Transpose", [x], perm=[0, 2, 3, 1])  # noqa: E731
    low, high = g.weight("relu6/min", np.float32(0)), g.weight("relu6/max", np.float32(6))

    def conv(x, weight, **attributes):
        number = len(g.nodes)
        inputs = [x, g.weight(f"kernel_{number}", weight), g.weight(f"bias_{number}", draw(weight.shape[0], 9)[:, 0].copy())]
        return g.add("Clip", [g.add("Conv", inputs, kernel_shape=weight.shape[2:], **attributes), low, high])

    # An even input and stride 2: TensorFlow's SAME pads at the bottom and on the right only.
    x = to_nhwc(conv(to_nchw("input_1"), draw(16, 3, 3, 3), strides=[2, 2], pads=[0, 0, 1, 1]))
    x = to_nhwc(conv(to_nchw(x), draw(16, 1, 3, 3), group=16, auto_pad="SAME_UPPER"))
    # ZeroPadding2D and a convolution without pads.
    padded = g.add("Pad", [x, g.weight("paddings", np.array([0, 0, 0, 0, 0, 1, 1, 0], np.int64))], mode="constant")
    x = to_nhwc(conv(to_nchw(padded), draw(24, 16, 3, 3), strides=[2, 2], auto_pad="VALID"))
    pooled = to_nhwc(g.add("MaxPool", [to_nchw(x)], kernel_shape=[3, 3], strides=[1, 1], auto_pad="SAME_UPPER"))
    x = g.add("Concat", [x, pooled], axis=-1)
    # Batch normalisation that was not folded: a multiplication and an addition over the last axis.
    x = g.add("Mul", [x, g.weight("gamma", draw(48, 2)[:, 0] + np.float32(1))])
    x = g.add("Add", [x, g.weight("beta", draw(48, 4)[:, 0].copy())])
    # resize_nearest and resize_bilinear, sizes computed from shapes.
    shape = g.add("Cast", [g.add("Shape", [x])], to=TensorProto.INT32)
    ints = lambda name, values, kind=np.int64: g.weight(name, np.array(values, kind))  # noqa: E731
    twice = g.add("Mul", [g.add("Slice", [shape, ints("one", [1]), ints("three", [3]), ints("zero", [0])]), ints("two", [2], np.int32)])
    batch = g.add("Slice", [shape, ints("begin", [0]), ints("end", [1]), ints("axis", [0])])
    sizes = g.add("Concat", [batch, ints("channels", [48], np.int32), twice], axis=0)
    sizes = g.add("Cast", [sizes], to=TensorProto.INT64)
    attributes = {"mode": "linear", "coordinate_transformation_mode": "half_pixel", "nearest_mode": "floor"}
    x = to_nhwc(g.add("Resize", [to_nchw(x), "", "", sizes], **attributes))
    # Flattening: the batch is read from the shape.
    mean = g.add("ReduceMean", [x], axes=[1, 2], keepdims=0)
    batch = g.add("Slice", [g.add("Shape", [mean]), "begin", "end", "axis"])
    flat = g.add("Reshape", [mean, g.add("Concat", [batch, ints("columns", [48])], axis=0)])
    logits = g.add("Add", [g.add("MatMul", [flat, g.weight("dense/kernel", draw(12, 48).T.copy() * 4)]), g.weight("dense/bias", draw(12, 4)[:, 0].copy())])
    g.nodes.append(helper.make_node("Softmax", [logits], ["Identity:0"], name="Identity", axis=-1))
    pictures = helper.make_tensor_value_info("input_1", TensorProto.FLOAT, ["unk__1", 64, 48, 3])
    result = helper.make_tensor_value_info("Identity:0", TensorProto.FLOAT, ["unk__2", 12])
    graph = helper.make_graph(g.nodes, "tf2onnx", [pictures], [result], g.weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
