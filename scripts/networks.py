"""Face networks with random weights as ONNX files, for measuring speed and agreement without anybody's weights.

The graphs are what a PyTorch exporter writes without optimisation: BatchNormalization is not folded, PRelu slopes are [C, 1, 1], the
batch is dynamic. Weights are scaled so that activations keep about unit variance, and the BatchNormalization statistics fit them.

    python networks.py OUT_DIR [NAME ...]
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SLOPE = 0.25  # mean PRelu slope
HALF = (1 + SLOPE * SLOPE) / 2  # second moment after a PRelu of unit-variance input


class Builder:
    """Appends layers to a graph and keeps count of shapes, parameters, multiply-adds and the expected variance."""

    def __init__(self, name, seed, size):
        self.name, self.random = name, np.random.default_rng(seed)
        self.nodes, self.weights = [], []
        self.parameters = self.macs = 0
        self.channels, self.size, self.variance = 3, size, 1.0 / 3  # input uniform in [-1, 1]
        self.value, self.moment = "input", 1.0 / 3  # moment: mean square, differs from the variance after a PRelu

    def constant(self, name, array, trainable=True):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype=np.float32), name))
        self.parameters += array.size if trainable else 0
        return name

    def scalar(self, name, value):
        self.weights.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(self, kind, name, inputs, **attributes):
        self.nodes.append(helper.make_node(kind, [self.value, *inputs], [name], name=name, **attributes))
        self.value = name

    def conv(self, name, channels, kernel, stride=1, pad=0, groups=1):
        fan_in = self.channels // groups * kernel * kernel
        shape = (channels, self.channels // groups, kernel, kernel)
        weight = self.random.standard_normal(shape) * np.sqrt(1 / (fan_in * self.moment))
        self.node("Conv", name, [self.constant(f"{name}.weight", weight)], kernel_shape=[kernel] * 2, strides=[stride] * 2,
                  pads=[pad] * 4, dilations=[1, 1], group=groups)
        self.channels, self.size = channels, (self.size + 2 * pad - kernel) // stride + 1
        self.macs += weight.size * self.size * self.size
        self.variance = self.moment = 1.0

    def norm(self, name, gain=1.0):
        near = lambda centre, spread: centre + spread * self.random.uniform(-1, 1, self.channels)
        self.node("BatchNormalization", name, [
            self.constant(f"{name}.weight", gain * near(1, 0.1)),
            self.constant(f"{name}.bias", near(0, 0.1)),
            self.constant(f"{name}.running_mean", near(0, 0.1), trainable=False),
            self.constant(f"{name}.running_var", self.variance * near(1, 0.1), trainable=False),
        ], epsilon=1e-5)
        self.variance = self.moment = gain * gain

    def prelu(self, name):
        slope = SLOPE + 0.1 * self.random.uniform(-1, 1, (self.channels, 1, 1))
        self.node("PRelu", name, [self.constant(f"{name}.weight", slope)])
        self.moment *= HALF

    def relu6(self, name):
        limit = lambda end, value: self.scalar(f"{name}.{end}", value)
        self.node("Clip", name, [limit("min", 0.0), limit("max", 6.0)])
        self.moment /= 2

    def linear(self, name, outputs):
        inputs = self.channels * self.size * self.size
        self.node("Flatten", f"{name}.flatten", [], axis=1)
        weight = self.random.standard_normal((outputs, inputs)) * np.sqrt(1 / (inputs * self.moment))
        bias = 0.1 * self.random.uniform(-1, 1, outputs)
        self.node("Gemm", name, [self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)], transB=1)
        self.macs += weight.size
        self.channels, self.size, self.variance, self.moment = outputs, 1, 1.0, 1.0

    def state(self):
        return self.value, self.channels, self.size, self.variance, self.moment

    def restore(self, state):
        self.value, self.channels, self.size, self.variance, self.moment = state

    def add(self, name, other):
        self.node("Add", name, [other[0]])
        self.variance = self.moment = self.variance + other[3]

    def model(self, input_size):
        self.nodes[-1].output[0] = "embedding"
        graph = helper.make_graph(
            self.nodes, self.name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, input_size, input_size])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", self.channels])],
            self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="lookalike-scripts")
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model


def iresnet50():
    """IResNet-50 of InsightFace (Deng et al., ArcFace, CVPR 2019): pre-activation blocks, 112x112 -> 512."""
    b = Builder("iresnet50", 50, 112)
    b.conv("conv1", 64, 3, 1, 1)
    b.norm("bn1")
    b.prelu("prelu")
    for stage, (blocks, channels) in enumerate(zip([3, 4, 14, 3], [64, 128, 256, 512]), 1):
        for block in range(blocks):
            name, stride, start = f"layer{stage}.{block}", 2 if block == 0 else 1, b.state()
            shortcut = start
            if block == 0:
                b.conv(f"{name}.downsample.0", channels, 1, stride)
                b.norm(f"{name}.downsample.1")
                shortcut = b.state()
                b.restore(start)
            b.norm(f"{name}.bn1")
            b.conv(f"{name}.conv1", channels, 3, 1, 1)
            b.norm(f"{name}.bn2")
            b.prelu(f"{name}.prelu")
            b.conv(f"{name}.conv2", channels, 3, stride, 1)
            b.norm(f"{name}.bn3", gain=0.5)
            b.add(f"{name}.add", shortcut)
    b.norm("bn2")
    b.linear("fc", 512)
    b.norm("features")
    return b


def mobilefacenet(activation="prelu"):
    """MobileFaceNet (Chen et al., arXiv 1804.07573), the paper's table: 112x112 -> 128."""
    b = Builder("mobilefacenet", 51, 112)

    def unit(name, channels, kernel, stride=1, pad=0, groups=1, active=True, gain=1.0):
        b.conv(name, channels, kernel, stride, pad, groups)
        b.norm(f"{name}.bn", gain)
        if active:
            getattr(b, activation)(f"{name}.{activation}")

    unit("conv1", 64, 3, 2, 1)
    unit("conv2_dw", 64, 3, 1, 1, groups=64)
    index = 0
    for expansion, channels, repeats, stride in [(2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1)]:
        for repeat in range(repeats):
            name, start, step = f"block{index}", b.state(), stride if repeat == 0 else 1
            residual = step == 1 and b.channels == channels
            wide = b.channels * expansion
            unit(f"{name}.exp", wide, 1)
            unit(f"{name}.dw", wide, 3, step, 1, groups=wide)
            unit(f"{name}.proj", channels, 1, active=False, gain=0.5 if residual else 1.0)
            if residual:
                b.add(f"{name}.add", start)
            index += 1
    unit("conv6", 512, 1)
    unit("gdc", 512, 7, groups=512, active=False)
    unit("fc", 128, 1, active=False)
    b.node("Flatten", "flatten", [], axis=1)
    return b


def mobilefacenet_relu6():
    """The same table with ReLU6, as published variants have it: engines whose PRelu is slow show what they do without."""
    return mobilefacenet("relu6")


# name -> (builder, trainable parameters, multiply-adds): the published counts of these networks, checked when a file is made
NETWORKS = {
    "iresnet50": (iresnet50, 43_590_848, 6_309_330_944),
    "mobilefacenet": (mobilefacenet, 1_003_136, 220_965_376),
    "mobilefacenet-relu6": (mobilefacenet_relu6, 1_003_136 - 7_552, 220_965_376),  # without the slopes
}


def make(name, folder):
    """Writes `folder/name.onnx` unless it is there, and returns its path."""
    path = pathlib.Path(folder) / f"{name}.onnx"
    if not path.exists():
        build, parameters, macs = NETWORKS[name]
        built = build()
        if (built.parameters, built.macs) != (parameters, macs):
            raise SystemExit(f"{name} has {built.parameters} parameters and {built.macs} multiply-adds, not {parameters} and {macs}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        onnx.save(built.model(112), partial)
        partial.rename(path)
    return path


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    for wanted in sys.argv[2:] or NETWORKS:
        print(make(wanted, sys.argv[1]))
