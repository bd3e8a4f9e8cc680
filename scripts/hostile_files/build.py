"""What the files are put together from: protobuf fields by hand, models by the onnx package, and the list of entries."""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent.parent / "tests" / "hostile")
ENTRIES = []
I32, I63 = 2**31, 2**63 - 1


def add(path, content, what, error=None, phrase="", waits=""):
    """Writes a file and its entry. Without an error it has to work; `waits`: operators that are refused until they are supported."""
    if isinstance(content, onnx.ModelProto):
        content = content.SerializeToString(deterministic=True)
    target = OUT / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    assert len(content) < 70_000, path
    ENTRIES.append({"file": path, "what": what, "error": error or "", "phrase": phrase, "waits": waits})


# Protobuf, by hand.


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def field(number, payload, kind=2):
    """A field: a length and bytes, or (kind 0) a number."""
    key = varint(number << 3 | kind)
    return key + varint(payload) if kind == 0 else key + varint(len(payload)) + payload


OPSET13 = field(8, field(2, 13, 0))


def raw_model(graph, *more):
    return field(1, 8, 0) + field(7, graph) + OPSET13 + b"".join(more)


# ONNX, by its package.


def value(name, dims, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, dims)


def floats(name, *dims, fill=None):
    n = int(np.prod(dims, dtype=np.int64))
    data = np.arange(n, dtype=np.float32) * 0.01 - 0.1 if fill is None else np.full(n, fill, np.float32)
    return numpy_helper.from_array(data.reshape(dims), name)


def ints(name, *values, dims=None):
    return helper.make_tensor(name, TensorProto.INT64, [len(values)] if dims is None else dims, values)


def model(nodes, weights=(), inputs=None, outputs=None, opset=13, **more):
    nodes = list(nodes)
    for i, n in enumerate(nodes):
        n.name = n.name or f"node{i}"
    inputs = [value("x", [1, 2, 4, 4])] if inputs is None else inputs
    outputs = [value("y", None)] if outputs is None else outputs
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(weights))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, producer_name="hostile", **more)
    for info in made.graph.output:
        if not info.type.tensor_type.HasField("shape"):
            info.ClearField("type")
    return made


node = helper.make_node


def network(**change):
    """Conv, PRelu, Clip, Reshape, Gemm: what most files here damage in one place."""
    conv = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "group": 1} | change.pop("conv", {})
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"], name="conv", **{k: v for k, v in conv.items() if v is not None}),
        node("PRelu", ["c", "slope"], ["p"], name="prelu"),
        node("Clip", ["p", "", "six"], ["k"], name="clip"),
        node("Reshape", ["k", "shape"], ["r"], name="reshape"),
        node("Gemm", ["r", "fc", "fcb"], ["y"], name="gemm", transB=1),
    ]
    weights = [
        floats("w", 4, 2, 3, 3),
        floats("b", 4),
        floats("slope", 4, 1, 1),
        floats("six", fill=6.0),
        ints("shape", 1, -1),
        floats("fc", 3, 64),
        floats("fcb", 3),
    ]
    return model(nodes, weights, **change)


def changed(edit, **more):
    """The network after `edit` of its graph."""
    made = network(**more)
    edit(made.graph)
    return made


def one(op, inputs=("x",), weights=(), opset=13, **attributes):
    """A model of one node."""
    return model([node(op, list(inputs), ["y"], name="n", **attributes)], weights, opset=opset)
