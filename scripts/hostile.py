"""Writes tests/hostile: small files that are damaged, contradictory or made to hurt, and a manifest of what each has to give.

    python scripts/hostile.py [OUT_DIR]        default: tests/hostile

Needs numpy and onnx. Files that the onnx package would not write are put together from protobuf fields. The output is the same every time.
What each file is for stands in the manifest; `tests/hostile_files.rs` holds the crate to it, and `fuzz/` starts from the same files.
"""

import json
import pathlib
import struct
import sys

import numpy as np
import onnx
from onnx import AttributeProto, StringStringEntryProto, TensorProto, helper, numpy_helper

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "tests" / "hostile")
ENTRIES = []
I32, I63 = 2**31, 2**63 - 1


def add(path, content, what, error=None, phrase="", waits=""):
    """Writes a file and its entry. Without an error it has to load and prepare; `waits` is an operator that is refused until it is supported."""
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


def wire():
    """The protobuf structure."""

    def broken(name, content, what, phrase):
        add(f"wire/{name}.onnx", content, what, "Model", phrase)

    broken("varint_11_bytes", b"\x08" + b"\x80" * 10 + b"\x01", "A number of eleven bytes", "longer than ten bytes")
    broken("length_11_bytes", b"\x08\x08\x3a" + b"\xff" * 10 + b"\x01", "A length of eleven bytes", "longer than ten bytes")
    for kind in (3, 4, 6, 7):
        text = "A group begins" if kind == 3 else "A group ends" if kind == 4 else "A type of field that does not exist"
        broken(f"wire_type_{kind}", b"\x08\x08" + varint(9 << 3 | kind), f"{text} (wire type {kind})", f"wire type {kind}")
        graph = field(1, field(4, b"Relu") + varint(9 << 3 | kind))
        broken(f"wire_type_{kind}_in_a_node", raw_model(graph), f"The same in a node (wire type {kind})", f"wire type {kind}")
    broken("field_0", b"\x08\x08\x02\x00", "A field with the number 0", "number 0")
    broken("length_beyond_its_part", b"\x08\x08" + field(7, b"\x0a\x7f"), "A node that is longer than its graph", "longer than the part")
    broken("length_beyond_the_file", b"\x08\x08\x3a\xff\xff\xff\xff\x0f\x0a", "A graph of 4 GiB in a file of nine bytes", "truncated")
    broken("length_2_to_63", b"\x08\x08\x3a" + varint(2**63) + b"\x0a", "A graph of 2^63 bytes", "truncated")
    broken("length_overflow", b"\x08\x08" + field(7, b"\x0a" + varint(2**64 - 1)), "A node of 2^64-1 bytes", "longer than the part")
    broken("ends_in_a_key", network().SerializeToString(deterministic=True) + b"\x80", "Ends in the middle of a key", "truncated")
    broken("ends_in_a_fixed", network().SerializeToString(deterministic=True) + b"\x9d\x06\x00", "Ends in the middle of four bytes", "truncated")
    broken("name_not_utf8", raw_model(field(1, field(4, b"\xff\xfe"))), "An operator whose name is not text", "UTF-8")
    broken("no_graph", field(1, 8, 0) + OPSET13, "A header without a graph", "holds no graph")
    broken("wrong_type_of_a_known_field", field(1, 8, 0) + field(7, 5, 0), "The graph is a number", "invalid wire type")
    broken(
        "metadata_absent", field(1, 8, 0) + b"\x72" + varint(300 << 20) + b"\x0a\x03key", "Claims 300 MiB of metadata that are not there", "truncated"
    )
    broken("doc_absent", field(1, 8, 0) + b"\x32" + varint(2**31 - 1) + b"doc", "Claims 2 GiB of documentation that is not there", "truncated")
    tensor = field(1, 4, 0) + field(2, 1, 0) + b"\x4a" + varint(500 << 20) + b"\0\0\0\0" + b""
    broken("raw_data_absent", raw_model(b"\x2a" + varint(len(tensor)) + tensor), "A weight claims 500 MiB that are not there", "longer than the part")

    unknown = b"".join(field(n, b"later") for n in (19, 30, 100, 2**29 - 1)) + varint(31 << 3 | 5) + b"four" + varint(32 << 3 | 1) + b"eighthhh"
    add("wire/unknown_fields.onnx", unknown + network().SerializeToString(deterministic=True), "Fields of later versions are skipped")
    deep = b""
    for _ in range(3000):
        deep = field(100, deep)
    add("wire/unknown_depth.onnx", network().SerializeToString(deterministic=True) + deep, "An unknown field 3000 levels deep is skipped, not followed")
    graph = b""
    for _ in range(1000):
        graph = field(1, field(4, b"If") + field(2, b"y") + field(5, field(1, b"then_branch") + field(6, graph)))
    add("wire/subgraphs_1000_deep.onnx", raw_model(graph), "If in If in If, a thousand levels", "Model", "no output")


def counts():
    """Many of something."""
    relu = [node("Relu", ["x"], [f"r{i}"]) for i in range(700)]
    add("counts/nodes.onnx", model(relu + [node("Relu", ["x"], ["y"])]), "701 nodes: more than a limit of 500 allows, fewer than the default")
    empty = field(1, b"") * 2_000
    add("counts/empty_nodes.onnx", raw_model(empty), "2000 nodes of two bytes", "Model", "no output")
    add("counts/empty_weights.onnx", raw_model(field(5, b"") * 2_000), "2000 weights of two bytes", "Model", "without a name")
    add("counts/empty_inputs.onnx", raw_model(field(11, b"") * 2_000), "2000 inputs of two bytes", "Model", "without a name")
    add("counts/empty_operands.onnx", raw_model(field(1, field(4, b"Sum") + field(1, b"") * 2_000)), "A node of 2000 absent operands", "Model", "no output")
    attributes = field(1, field(4, b"Relu") + field(1, b"x") + field(2, b"y") + field(5, b"") * 2_000)
    x, y = (value(n, [1, 2]).SerializeToString(deterministic=True) for n in "xy")
    add("counts/empty_attributes.onnx", raw_model(attributes + field(11, x) + field(12, y)), "A node of 2000 attributes of two bytes", "Unsupported", "attribute `` is not known")
    add("counts/rank_9.onnx", one("Relu", ["w"], [floats("w", *[1] * 9)]), "A weight of nine dimensions", "Limits", "max_rank")
    add("counts/rank_3000.onnx", changed(lambda g: g.initializer[0].dims.extend([1] * 3_000)), "A weight of 3000 dimensions", "Limits", "max_rank")
    add("counts/input_rank_9.onnx", model([node("Relu", ["x"], ["y"])], inputs=[value("x", [1] * 9)]), "An input of nine dimensions", "Limits", "max_rank")
    many = model([node("Reshape", ["x", "t"], ["y"])], [ints("t", 1, 2, 4, 4, *[1] * 500)])
    add("counts/reshape_rank_504.onnx", many, "A shape of 504 dimensions", "Limits", "dimensions")
    add("counts/reshape_rank_12.onnx", model([node("Reshape", ["x", "t"], ["y"])], [ints("t", 1, 2, 4, 4, *[1] * 8)]), "A shape of 12 dimensions", "Limits", "max_rank")
    outputs = [f"s{i}" for i in range(500)]
    split = model([node("Split", ["x"], outputs, axis=1)], outputs=[value("s0", None)])
    add("counts/split_500.onnx", split, "Two channels in 500 parts", "Model", "cannot cut 2 cells")
    problems = [node(f"Operator{i}", ["x"], [f"o{i}"], name="n" * 40) for i in range(500)]
    add("counts/problems.onnx", model(problems, outputs=[value("o0", None)]), "500 different operators that do not exist", "Unsupported", "500 operators")


def payloads():
    """The content of weights."""

    def w(what, name, phrase, edit, error="Model"):
        add(f"payloads/{name}.onnx", changed(lambda g: edit(g.initializer[0])), what, error, phrase)

    def put(**fields):
        def edit(t):
            for key, v in fields.items():
                if isinstance(v, (list, tuple)):
                    t.ClearField(key)
                    getattr(t, key).extend(v)
                else:
                    setattr(t, key, v)

        return edit

    raw = bytes(288)
    w("287 bytes for 72 floats", "raw_short", "287 bytes", put(raw_data=raw[:-1]))
    w("292 bytes for 72 floats", "raw_long", "292 bytes", put(raw_data=raw + b"more"))
    w("No bytes for 72 floats", "raw_empty", "0 elements", put(raw_data=b""))
    w("raw_data and float_data", "both", "both raw_data and typed data", put(float_data=[0.0] * 72))
    w("71 floats for 72", "typed_short", "71 elements", put(raw_data=b"", float_data=[0.0] * 71))
    w("Floats in int64_data", "typed_elsewhere", "another type", put(raw_data=b"", int64_data=[0] * 72))
    w("float16 bits above 65535 in int32_data", "half_out_of_range", "beyond 16 bits", put(raw_data=b"", data_type=10, int32_data=[65536] * 72))
    w("Negative float16 bits in int32_data", "half_negative", "beyond 16 bits", put(raw_data=b"", data_type=10, int32_data=[-1] * 72))
    w("bfloat16 bits above 65535 in int32_data", "bfloat_out_of_range", "beyond 16 bits", put(raw_data=b"", data_type=16, int32_data=[1 << 20] * 72))
    w("Text", "strings", "string", put(raw_data=b"", data_type=8, string_data=[b"a"] * 72), "Unsupported")
    w("The type 0", "type_undefined", "undefined", put(data_type=0), "Unsupported")
    w("The type 99", "type_99", "type number 99", put(data_type=99), "Unsupported")
    w("The type -1", "type_negative", "type number -1", put(data_type=-1), "Unsupported")
    w("complex64", "type_complex", "complex64", put(data_type=14), "Unsupported")
    w("A part of a larger tensor", "segment", "segments", lambda t: t.segment.SetInParent(), "Unsupported")
    w("A negative dimension", "dim_negative", "negative dimension (-4)", put(dims=[-4, 2, 3, 3]))
    w("2^63-1 times 2^63-1", "dims_overflow", "max_tensor_bytes", put(dims=[I63, I63]), "Limits")
    w("2^31 times 2^31 times 0", "dims_overflow_empty", "max_tensor_bytes", put(dims=[I32, I32, 0]), "Limits")
    w("0 times 2^62 times 2^62", "dims_empty_overflow", "max_tensor_bytes", put(dims=[0, 2**62, 2**62]), "Limits")
    w("4 GiB of floats", "dims_4_gib", "max_tensor_bytes", put(dims=[1 << 30]), "Limits")
    w("2 GiB less one float, of which 288 bytes are there", "dims_2_gib", "288 bytes", put(dims=[(1 << 29) - 1]))
    huge = helper.make_tensor("u", TensorProto.UINT64, [1], [2**64 - 1])
    shape = changed(lambda g: g.initializer.append(huge))
    add("payloads/uint64_too_large.onnx", shape, "An unsigned number beyond 63 bits", "Model", "64 signed bits")
    for kind, label in ((float("nan"), "nan"), (float("inf"), "inf"), (-float("inf"), "minus_inf")):
        made = changed(lambda g: g.initializer[0].CopyFrom(floats("w", 4, 2, 3, 3, fill=kind)))
        add(f"payloads/weights_{label}.onnx", made, f"Weights that are {kind} are allowed")
    batch_norm = [
        node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3]),
        node("BatchNormalization", ["c", "g", "b", "m", "v"], ["y"]),
    ]
    parameters = [floats("w", 4, 2, 3, 3), *(floats(n, 4, fill=f) for n, f in zip("gbmv", (1, 0, float("nan"), -1)))]
    add("payloads/statistics_nan.onnx", model(batch_norm, parameters), "A variance below zero and a mean that is not a number are computed as they are")


def external():
    """Weights in other files. The test puts the files there that should not be read."""

    def w(name, entries, what, phrase, error="Model", dims=None, more=None):
        def edit(g):
            t = g.initializer[0]
            t.ClearField("raw_data")
            t.data_location = TensorProto.EXTERNAL
            t.external_data.extend(StringStringEntryProto(key=k, value=v) for k, v in entries)
            if dims:
                t.ClearField("dims")
                t.dims.extend(dims)
            if more:
                more(t)

        add(f"external/{name}.onnx", changed(edit), what, error, phrase)

    (OUT / "external").mkdir(parents=True, exist_ok=True)
    weights = numpy_helper.to_array(floats("w", 4, 2, 3, 3)).astype("<f4").tobytes()
    (OUT / "external" / "weights.bin").write_bytes(bytes(16) + weights + bytes(4))
    good = [("location", "weights.bin"), ("offset", "16"), ("length", "288")]
    w("fine", good, "Weights next to the model", "", None)
    w("checksum", good + [("checksum", "0" * 40), ("later", "x")], "Entries that are not used", "", None)
    plain = "not a plain file name"
    for name, location, what in [
        ("parent", "../secret.bin", "A file in the folder above"),
        ("parent_inside", "sub/../../secret.bin", "The folder above by a detour"),
        ("parent_windows", "..\\secret.bin", "The folder above as Windows writes it"),
        ("folder", "sub/weights.bin", "A file in a folder"),
        ("dot", "./weights.bin", "The folder itself"),
        ("absolute", "/etc/passwd", "An absolute path"),
        ("home", "~/.ssh/id_rsa", "A path in the home folder"),
        ("url", "https://example.org/weights.bin", "An address"),
        ("file_url", "file:weights.bin", "An address of a file"),
        ("drive", "C:\\Windows\\win.ini", "A drive"),
        ("drive_relative", "C:weights.bin", "A path relative to a drive's folder"),
        ("unc", "\\\\server\\share\\weights.bin", "A network share: opening it would send credentials"),
        ("verbatim", "\\\\?\\C:\\weights.bin", "A verbatim path of Windows"),
        ("stream", "weights.bin:hidden", "An alternate data stream"),
        ("device_nul", "NUL", "A device of Windows"),
        ("device_con", "con.bin", "A device of Windows with an extension"),
        ("device_com", "COM1", "A serial port of Windows"),
        ("trailing_dot", "weights.bin.", "An end that Windows leaves out"),
        ("trailing_space", "weights.bin ", "A space at the end that Windows leaves out"),
        ("nul_byte", "weights.bin\0.png", "A name with a zero byte"),
        ("line_break", "weights\n.bin", "A name with a line break"),
        ("empty", "", "An empty name"),
        ("dots", "..", "The folder above itself"),
        ("long", "a/" * 2000, "A path of 4000 bytes"),
    ]:
        w(f"location_{name}", [("location", location)], what, plain)
    w("location_missing", [("offset", "0")], "No location", "location is missing")
    w("location_twice", [("location", "weights.bin"), ("location", "../secret.bin")], "Two locations", "given twice")
    w("offset_twice", good + [("offset", "0")], "Two offsets", "given twice")
    w("symbolic_link", [("location", "symbolic_link")], "A symbolic link", "symbolic link")
    w("hard_link", [("location", "hard_link")], "A hard link, as unpacking an archive can make", "hard link")
    w("pipe", [("location", "pipe")], "A pipe: reading it would wait for ever", "not an ordinary file")
    w("directory", [("location", "sub")], "A folder", "not an ordinary file")
    w("absent", [("location", "absent.bin")], "A file that is not there", "absent.bin", "Io")
    for name, offset, length, what, phrase in [
        ("offset_beyond", "1000", "288", "Begins behind the end", "but the file has 308 bytes"),
        ("offset_one_too_far", "21", "288", "Ends one byte behind the end", "but the file has 308 bytes"),
        ("offset_2_to_64", "18446744073709551616", "288", "An offset of 65 bits", "not a decimal number"),
        ("offset_most", "18446744073709551615", "288", "An offset that overflows with the length", "but the file has 308 bytes"),
        ("offset_2_to_63", "9223372036854775808", "288", "An offset beyond signed numbers", "but the file has 308 bytes"),
        ("offset_negative", "-1", "288", "A negative offset", "not a decimal number"),
        ("offset_hexadecimal", "0x10", "288", "A hexadecimal offset", "not a decimal number"),
        ("offset_spaces", " 16", "288", "An offset with a space", "not a decimal number"),
        ("offset_plus", "+16", "288", "An offset with a sign", "not a decimal number"),
        ("length_short", "16", "287", "A length that is no multiple of the element", "its length (287)"),
        ("length_zero", "16", "0", "No length", "its length (0)"),
        ("length_most", "16", "18446744073709551615", "A length of 2^64-1", "its length (18446744073709551615)"),
        ("length_text", "16", "all", "A length that is no number", "not a decimal number"),
    ]:
        w(name, [("location", "weights.bin"), ("offset", offset), ("length", length)], what, phrase)
    w("dims_beyond", good[:2], "Dimensions that ask for more than the file has", "but the file has 308 bytes", dims=[1 << 26])
    w("dims_4_gib", good[:2], "Dimensions that ask for 4 GiB", "max_tensor_bytes", "Limits", dims=[1 << 30])
    w("both", good, "Data inside and outside", "external data", more=lambda t: setattr(t, "raw_data", bytes(288)))
    w("strings", good, "Text outside", "string", "Unsupported", more=lambda t: setattr(t, "data_type", TensorProto.STRING))


def graphs():
    """Names, order, subgraphs."""

    def g(name, what, error, phrase, edit):
        add(f"graphs/{name}.onnx", changed(edit), what, error, phrase)

    def rename(place, index, new):
        def edit(graph):
            item = getattr(graph, place)[index]
            item.name = new

        return edit

    def operand(i, j, new):
        return lambda graph: graph.node[i].input.__setitem__(j, new)

    def result(i, new):
        return lambda graph: graph.node[i].output.__setitem__(0, new)

    def swap(graph):
        nodes = [graph.node[1], graph.node[0], *graph.node[2:]]
        copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
        graph.ClearField("node")
        graph.node.extend(copies)

    circle = "`conv` -> `prelu` -> `clip` -> `reshape` -> `conv`"
    g("cycle", "Four nodes in a circle", "Model", circle, operand(0, 0, "r"))
    g("cycle_of_one", "A node that reads its own result", "Model", "`conv` -> `conv`", operand(0, 0, "c"))
    g("out_of_order", "A node before the one that it reads", "Model", "in order", swap)
    g("value_missing", "A value that nothing makes", "Model", "nothing makes", operand(1, 0, "ghost"))
    g("output_missing", "An output that nothing makes", "Model", "output `ghost`", rename("output", 0, "ghost"))
    g("no_output", "No output", "Model", "no output", lambda graph: graph.ClearField("output"))
    g("no_input", "No input", "Model", "nothing makes", lambda graph: graph.ClearField("input"))
    g("no_nodes", "An output that nothing makes, because there are no nodes", "Model", "output `y`", lambda graph: graph.ClearField("node"))
    g("output_twice", "One output twice", "Model", "`y` twice", lambda graph: graph.output.append(value("y", None)))
    g("output_unnamed", "An output without a name", "Model", "output", rename("output", 0, ""))
    g("input_twice", "One input twice", "Model", "`x` twice", lambda graph: graph.input.append(value("x", [1])))
    g("weight_twice", "One weight twice", "Model", "`w` twice", lambda graph: graph.initializer.append(floats("w", 1)))
    g("weight_unnamed", "A weight without a name", "Model", "without a name", rename("initializer", 3, ""))
    g("result_twice", "Two nodes make one value", "Model", "`c` twice", result(1, "c"))
    g("result_is_a_weight", "A node makes a value that is a weight", "Model", "`w` twice", result(0, "w"))
    g("result_is_an_input", "A node makes the input", "Model", "`x` twice", result(0, "x"))
    g("no_operator", "A node without an operator", "Unsupported", "(no operator)", lambda graph: setattr(graph.node[1], "op_type", ""))
    g("other_domain", "An operator of somebody else", "Unsupported", "com.evil.PRelu", lambda graph: setattr(graph.node[1], "domain", "com.evil"))
    g("too_many_operands", "A Conv of 200 operands", "Model", "operands", lambda graph: graph.node[0].input.extend(["b"] * 197))
    g("escape_sequences", "A name that would write to a terminal", "Model", "nothing makes", operand(1, 0, "\x1b]0;owned\x07\x1b[2J"))
    g("sparse_weight", "A sparse weight", "Unsupported", "sparse", lambda graph: graph.sparse_initializer.add())

    body = helper.make_graph([node("Relu", ["x"], ["t"])], "body", [], [value("t", None)])
    branch = node("If", ["c"], ["y"], name="choice", then_branch=body, else_branch=body)
    add("graphs/if.onnx", model([branch], [helper.make_tensor("c", TensorProto.BOOL, [], [True])]), "A choice", "Unsupported", "If (node `choice`")
    loop = node("Loop", ["m", "", "x"], ["y"], name="again", body=body)
    add("graphs/loop.onnx", model([loop], [ints("m", I63, dims=[])]), "A loop of 2^63-1 rounds", "Unsupported", "Loop (node `again`")
    scan = node("Scan", ["x"], ["y"], name="scan", body=body, num_scan_inputs=1)
    add("graphs/scan.onnx", model([scan]), "A scan", "Unsupported", "Scan (node `scan`")
    x, y, inner = value("x", [1, 2]), value("y", [1, 2]), b""
    for depth in range(70):
        attribute = field(5, field(1, b"then_branch") + field(6, inner) + field(20, AttributeProto.GRAPH, 0))
        inner = field(1, field(1, b"x") + field(2, b"y") + field(3, b"if%d" % depth) + field(4, b"If") + attribute)
    nested = raw_model(inner + field(11, x.SerializeToString()) + field(12, y.SerializeToString()))
    add("graphs/if_70_deep.onnx", nested, "70 choices inside of each other", "Unsupported", "If (node `if69`")
    known = node("Relu", ["x"], ["y"], name="n")
    known.attribute.append(helper.make_attribute("body", body))
    add("graphs/subgraph_in_relu.onnx", model([known]), "A subgraph where none belongs", "Unsupported", "attribute `body` is not known")

    itself = helper.make_function("local", "F", ["a"], ["b"], [node("F", ["a"], ["b"], domain="local")], [helper.make_opsetid("local", 1)])
    call = model([node("F", ["x"], ["y"], name="call", domain="local")], functions=[itself])
    call.opset_import.append(helper.make_opsetid("local", 1))
    add("graphs/function_calls_itself.onnx", call, "A function that calls itself", "Model", "`F` -> `F`")
    pair = [
        helper.make_function("local", n, ["a"], ["b"], [node(m, ["a"], ["b"], domain="local")], [helper.make_opsetid("local", 1)])
        for n, m in (("F", "G"), ("G", "F"))
    ]
    call = model([node("F", ["x"], ["y"], name="call", domain="local")], functions=pair)
    call.opset_import.append(helper.make_opsetid("local", 1))
    add("graphs/functions_call_each_other.onnx", call, "Two functions that call each other", "Model", "`F` -> `G` -> `F`")
    levels = [
        helper.make_function("local", f"F{i}", ["a"], ["b0"], [node(f"F{i + 1}", ["a"], [f"b{k}"], domain="local") for k in range(10)], [helper.make_opsetid("local", 1)])
        for i in range(9)
    ]
    levels.append(helper.make_function("local", "F9", ["a"], ["b"], [node("Relu", ["a"], ["b"])], [helper.make_opsetid("", 13)]))
    call = model([node("F0", ["x"], ["y"], name="call", domain="local")], functions=levels)
    call.opset_import.append(helper.make_opsetid("local", 1))
    add("graphs/function_calls_a_billion.onnx", call, "Ten functions that each call the next ten times", "Limits", "")
    refers = node("Foreign", ["a"], ["b"])
    for i in range(200):
        a = refers.attribute.add()
        a.name, a.ref_attr_name, a.type = f"a{i}", "big", AttributeProto.INTS
    copies = helper.make_function("local", "F", ["a"], ["b"], [refers], [helper.make_opsetid("", 13)], ["big"])
    call = model([node("F", ["x"], ["y"], name="call", domain="local", big=[1] * 5_000)], functions=[copies])
    call.opset_import.append(helper.make_opsetid("local", 1))
    add("graphs/function_copies_attributes.onnx", call, "200 copies of one attribute", "Unsupported", "Foreign")
    training = network()
    training.training_info.add().algorithm.CopyFrom(body)
    add("graphs/training.onnx", training, "Training information is not read")
    for name, version, phrase in (("none", None, "which ONNX operator set"), ("new", I63, "newest"), ("old", 1, "oldest"), ("negative", -1, "oldest")):
        made = network()
        made.ClearField("opset_import")
        if version is not None:
            made.opset_import.add().version = version
        add(f"graphs/opset_{name}.onnx", made, f"The operator set {version}", "Model" if version is None else "Unsupported", phrase)
    made = network()
    made.opset_import.add().version = 9
    add("graphs/opset_twice.onnx", made, "Two operator sets", "Model", "two versions")
    x = value("x", [1, I63, I63, 4])
    add("graphs/input_overflow.onnx", changed(lambda graph: graph.input[0].CopyFrom(x)), "An input of 2^126 pixels", "Model", "impossible dimensions")
    add("graphs/input_2_gib.onnx", model([node("Relu", ["x"], ["y"])], inputs=[value("x", [1, 3, 15_000, 15_000])]), "An input of 2.7 GB", "Limits", "max_tensor_bytes")
    sequence = model([node("Relu", ["x"], ["y"])], inputs=[helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [1])])
    add("graphs/input_sequence.onnx", sequence, "An input that is a list", "Unsupported", "not a tensor")


def attributes():
    """Attributes out of range."""
    extremes = {"0": 0, "negative": -1, "2_to_31": I32, "most": I63, "least": -I63 - 1}
    for label, n in extremes.items():
        for name in ("kernel_shape", "strides", "dilations"):
            made = changed(lambda g: None, conv={name: [n, 3 if name == "kernel_shape" else 1]})
            add(f"attributes/conv_{name}_{label}.onnx", made, f"Conv with {name} = [{n}, ..]", "Model", f"`{name}`" if name != "kernel_shape" else "kernel_shape")
            pool = {"kernel_shape": [2, 2]} | {name: [n, 2]}
            add(f"attributes/pool_{name}_{label}.onnx", one("MaxPool", **pool), f"MaxPool with {name} = [{n}, 2]", "Model", f"`{name}` = {n}")
        if n != 0:
            error = ("Unsupported", "pads are negative") if n < 0 else ("Model", "`pads`")
            add(f"attributes/conv_pads_{label}.onnx", changed(lambda g: None, conv={"pads": [n, 1, 1, 1]}), f"Conv with a padding of {n}", *error)
        add(f"attributes/conv_group_{label}.onnx", changed(lambda g: None, conv={"group": n}), f"Conv in {n} groups", "Model", f"`group` = {n}")
        add(f"attributes/lrn_size_{label}.onnx", one("LRN", size=n), f"LRN over {n} channels", "Model", f"`size` = {n}")
    bad = [
        ("conv_group_3", changed(lambda g: None, conv={"group": 3}), "4 channels in 3 groups", "Model", "4 output channels in 3 groups"),
        ("conv_kernel_5", changed(lambda g: None, conv={"kernel_shape": [5, 5]}), "A kernel that the weights do not have", "Model", "[5, 5]"),
        ("conv_kernel_beyond_input", changed(lambda g: None, conv={"pads": [0] * 4, "dilations": [9, 9]}), "A kernel larger than its padded input", "Caller", "does not fit"),
        ("conv_strides_1", changed(lambda g: None, conv={"strides": [1]}), "One stride for two axes", "Model", "1 entries in `strides`"),
        ("conv_strides_500", changed(lambda g: None, conv={"strides": [1] * 500}), "500 strides", "Model", "500 entries"),
        ("conv_auto_pad_and_pads", changed(lambda g: None, conv={"auto_pad": "SAME_UPPER"}), "Both pads and auto_pad", "Model", "both pads and auto_pad"),
        ("conv_auto_pad_unknown", changed(lambda g: None, conv={"auto_pad": "SIDEWAYS"}), "An auto_pad that does not exist", "Model", "SIDEWAYS"),
        ("conv_group_float", changed(lambda g: None, conv={"group": 1.5}), "A group that is a float", "Model", "another type"),
        ("conv_unknown", changed(lambda g: None, conv={"surprise": 1}), "An attribute that does not exist", "Unsupported", "`surprise` is not known"),
        ("pool_pads_32767", one("MaxPool", kernel_shape=[2, 2], pads=[32767] * 4), "More padding than kernel", "Model", "not less than its window"),
        ("pool_no_kernel", one("MaxPool"), "A pool without a kernel", "Model", "no kernel_shape"),
        ("pool_3_axes", one("MaxPool", kernel_shape=[2, 2, 2]), "A pool over three axes of a picture", "Model", "takes 5 dimensions"),
        ("softmax_axis", one("Softmax", axis=-I63 - 1), "An axis of -2^63", "Model", "axis"),
        ("softmax_axis_4", one("Softmax", axis=4), "An axis that the operand does not have", "Model", "axis 4"),
        ("flatten_axis", one("Flatten", axis=I63), "An axis of 2^63-1", "Model", "axis"),
        ("concat_no_axis", one("Concat"), "A Concat without an axis", "Model", "no axis"),
        ("transpose_twice", one("Transpose", perm=[0, 0, 1, 2]), "A permutation that is none", "Model", "not a permutation"),
        ("transpose_beyond", one("Transpose", perm=[0, 1, 2, I63]), "A permutation of 2^63-1 axes", "Model", "perm"),
        ("transpose_2000", one("Transpose", perm=list(range(2_000))), "A permutation of 2000 axes", "Model", "permut"),
        ("reduce_axis", one("ReduceMean", axes=[I63]), "An axis of 2^63-1", "Model", "axes"),
        ("reduce_axes_2000", one("ReduceMean", axes=[0] * 2_000), "2000 axes", "Model", "axes"),
        ("leaky_nan", one("LeakyRelu", alpha=float("nan")), "A slope that is not a number", "Model", "finite"),
        ("elu_inf", one("Elu", alpha=float("inf")), "A slope that is infinite", "Model", "finite"),
        ("clip_nan", one("Clip", opset=7, min=float("nan")), "A bound that is not a number", "Model", "NaN"),
        ("lrn_nan", one("LRN", size=3, alpha=float("nan")), "A factor that is not a number", "Model", "finite"),
        ("reshape_two_free", changed(lambda g: g.initializer[4].CopyFrom(ints("shape", -1, -1))), "Two free dimensions", "Model", "[-1, -1]"),
        ("reshape_least", changed(lambda g: g.initializer[4].CopyFrom(ints("shape", 1, -I63 - 1))), "A dimension of -2^63", "Model", "reshapes to"),
        ("reshape_most", changed(lambda g: g.initializer[4].CopyFrom(ints("shape", 1, I63))), "A dimension of 2^63-1", "Model", "9223372036854775807"),
        ("reshape_product", changed(lambda g: g.initializer[4].CopyFrom(ints("shape", 2**40, 2**40, 0))), "Dimensions whose product overflows", "Model", ""),
        ("split_parts", one("Split", opset=11, split=[I63, I63]), "Two parts for one output", "Model", "another number of parts"),
        ("split_num_outputs", one("Split", opset=18, num_outputs=I32), "2^31 parts for one output", "Model", "another number of parts"),
        ("slice_step_0", one("Slice", ["x", "a", "b", "c", "s"], [ints("a", 0), ints("b", I63), ints("c", 3), ints("s", 0)]), "A step of 0", "Model", "step of 0"),
        ("gather_beyond", one("Gather", ["x", "i"], [ints("i", I63)], axis=1), "An index of 2^63-1", "Model", "picks the index"),
        ("squeeze_beyond", one("Squeeze", ["x", "i"], [ints("i", I63)]), "An axis of 2^63-1", "Model", "axes"),
        ("cast_to_most", one("Cast", to=I63), "A type of 2^63-1", "Model", "type"),
        ("constant_string", model([node("Constant", [], ["c"], value_string=b"a"), node("Add", ["x", "c"], ["y"])]), "A constant that is text", "Unsupported", "value_string"),
        ("constant_nothing", model([node("Constant", [], ["c"]), node("Add", ["x", "c"], ["y"])]), "A constant without a value", "Model", "exactly one value"),
        ("epsilon_negative", model([node("BatchNormalization", ["x", "g", "g", "g", "g"], ["y"], epsilon=-1.0)], [floats("g", 2)]), "A negative epsilon", "Model", "negative epsilon"),
    ]
    for name, content, what, error, phrase in bad:
        add(f"attributes/{name}.onnx", content, what, error, phrase)
    twice = network()
    twice.graph.node[0].attribute.append(helper.make_attribute("group", 1))
    add("attributes/twice.onnx", twice, "One attribute twice", "Model", "`group` twice")
    reference = network()
    a = reference.graph.node[0].attribute.add()
    a.name, a.ref_attr_name, a.type = "strides", "outer", AttributeProto.INTS
    add("attributes/reference.onnx", reference, "An attribute of a function around it", "Unsupported", "function's attribute")


def shapes():
    """Small files that ask for large tensors."""

    def bomb(name, content, what, error="Limits", phrase="elements", waits=""):
        add(f"shapes/{name}.onnx", content, what, error, phrase, waits)

    m20, m31 = 1 << 20, I32 - 1
    sum_with = lambda made: [*made, node("Add", ["x", "big"], ["y"])]
    bomb("expand", one("Expand", ["x", "s"], [ints("s", 65536, 2, 4, 4096 * 4)][:0] + [ints("s", m20, m20, 1, 2, 4, 4)]), "Expand to 2^40 pictures")
    bomb("expand_most", one("Expand", ["one", "s"], [floats("one", 1), ints("s", I63)]), "Expand to 2^63-1 elements", "Model", "asks for the shape")
    bomb("expand_negative", one("Expand", ["x", "s"], [ints("s", -1, 2, 4, 4)]), "Expand to -1 elements", "Model", "asks for the shape")
    bomb("expand_4_gib", one("Expand", ["x", "s"], [ints("s", 1 << 25, 2, 4, 4)]), "Expand to 4 GiB", phrase="max_tensor_bytes")
    bomb("constant_of_shape", model(sum_with([node("ConstantOfShape", ["s"], ["big"])]), [ints("s", m20, m20)]), "ConstantOfShape of 2^40 elements")
    bomb("constant_of_shape_4_gib", model(sum_with([node("ConstantOfShape", ["s"], ["big"])]), [ints("s", 1 << 25, 2, 4, 4)]), "ConstantOfShape of 4 GiB", phrase="max_tensor_bytes")
    many = [node("ConstantOfShape", ["s"], [f"c{i}"]) for i in range(200)]
    joined = [node("Sum", [f"c{i}" for i in range(200)], ["big"])]
    bomb("constants_of_shape", model(sum_with(many + joined), [ints("s", 4096, 2, 4, 4)]), "200 constants of 512 KiB: stays within the limits, and within the folding budget", None, "")
    bomb("tile", one("Tile", ["x", "s"], [ints("s", m20, m20, 1, 1)]), "Tile by 2^40", waits="Tile")
    bomb("tile_most", one("Tile", ["x", "s"], [ints("s", I63, I63, 1, 1)]), "Tile by 2^126", "*", "", waits="Tile")
    bomb("tile_negative", one("Tile", ["x", "s"], [ints("s", -1, 1, 1, 1)]), "Tile by -1", "Model", "", waits="Tile")
    chain = [node("Tile", [f"t{i}" if i else "x", "s"], [f"t{i + 1}"]) for i in range(12)] + [node("Relu", ["t12"], ["y"])]
    bomb("tile_chain", model(chain, [ints("s", 1, 1, 64, 64)]), "Twelve times 4096 times as much", waits="Tile")
    bomb("resize_scales", one("Resize", ["x", "", "s"], [helper.make_tensor("s", 1, [4], [1, 1, 1e6, 1e6])]), "Resize by 10^12")
    bomb("resize_scale_most", one("Resize", ["x", "", "s"], [helper.make_tensor("s", 1, [4], [1, 1, 3e38, 3e38])]), "Resize by 10^76")
    bomb("resize_scale_nan", one("Resize", ["x", "", "s"], [helper.make_tensor("s", 1, [4], [1, 1, float("nan"), 1])]), "Resize by what is not a number", "Model", "scales")
    bomb("resize_sizes", one("Resize", ["x", "", "", "s"], [ints("s", 1, 2, m31, m31)]), "Resize to 2^62 cells")
    bomb("resize_sizes_most", one("Resize", ["x", "", "", "s"], [ints("s", 1, 2, I63, I63)]), "Resize to 2^126 cells")
    bomb("resize_sizes_0", one("Resize", ["x", "", "", "s"], [ints("s", 1, 2, 0, 4)]), "Resize to nothing", "Model", "0 cells")
    chain = [node("Resize", [f"t{i}" if i else "x", "", "s"], [f"t{i + 1}"]) for i in range(10)] + [node("Relu", ["t10"], ["y"])]
    bomb("resize_chain", model(chain, [helper.make_tensor("s", 1, [4], [1, 1, 16, 16])]), "Ten times 256 times as many cells")
    long = [value("x", [1, 1, 1 << 28, 1])]
    bomb("resize_rows", one("Resize", ["x", "", "", "s"], [ints("s", 1, 2, 1 << 27, 2)]), "Resize to 2^27 rows: each would be an entry of a table")
    bomb("resize_shrink", model([node("Resize", ["x", "", "", "s"], ["y"], mode="cubic", antialias=1)], [ints("s", 1, 1, 2, 1)], long, opset=18), "2^28 rows that become two: each sums half of them", waits="")
    bomb("resize_one_side", model([node("Resize", ["x", "", "", "s"], ["y"], mode="linear")], [ints("s", 1, 1, 1 << 28, 2)], long), "2^28 rows that stay while the columns double")
    bomb("upsample", one("Upsample", opset=7, scales=[1.0, 1.0, 1e5, 1e5]), "Upsample by 10^10")
    bomb("pad", one("Pad", ["x", "p"], [ints("p", 0, 0, m31, m31, 0, 0, m31, m31)]), "Pad by 2^31-1 on all sides")
    bomb("pad_most", one("Pad", ["x", "p"], [ints("p", 0, 0, I63, 0, 0, 0, I63, 0)]), "Pad by 2^63-1 on two sides", "Model", "pads")
    bomb("pad_least", one("Pad", ["x", "p"], [ints("p", 0, 0, -I63 - 1, 0, 0, 0, -I63 - 1, 0)]), "Remove 2^63 from two sides", "Model", "pads")
    bomb("pad_4_gib", one("Pad", ["x", "p"], [ints("p", 0, 0, 15_000, 15_000, 0, 0, 15_000, 15_000)]), "Pad by 15 000 on all sides", phrase="max_tensor_bytes")
    scalars = [ints("a", 0, dims=[]), ints("b", 2**40, dims=[]), ints("d", 1, dims=[])]
    tail = [node("Cast", ["r"], ["f"], to=1), node("ReduceSum", ["f"], ["m"], keepdims=0), node("Add", ["x", "m"], ["y"])]
    bomb("range", model([node("Range", ["a", "b", "d"], ["r"]), *tail], scalars), "Range to 2^40", "Model", "counts from 0 to 1099511627776", waits="Range")
    scalars = [ints("a", -I63 - 1, dims=[]), ints("b", I63, dims=[]), ints("d", 1, dims=[])]
    bomb("range_most", model([node("Range", ["a", "b", "d"], ["r"]), *tail], scalars), "Range from -2^63 to 2^63-1", "*", "", waits="Range")
    scalars = [ints("a", 0, dims=[]), ints("b", 1, dims=[]), ints("d", 0, dims=[])]
    bomb("range_step_0", model([node("Range", ["a", "b", "d"], ["r"]), *tail], scalars), "Range in steps of 0", "Model", "", waits="Range")
    doubling = [node("Concat", [f"t{i}" if i else "x"] * 2, [f"t{i + 1}"], axis=3) for i in range(40)] + [node("Relu", ["t40"], ["y"])]
    bomb("concat_chain", model(doubling), "A tensor joined with itself 40 times")
    doubling = [node("Concat", [f"t{i}"] * 2, [f"t{i + 1}"], axis=0) for i in range(40)]
    doubling += [node("Cast", ["t40"], ["f"], to=1), node("ReduceSum", ["f"], ["m"], keepdims=0), node("Add", ["x", "m"], ["y"])]
    bomb("concat_chain_of_constants", model(doubling, [ints("t0", *range(64))]), "A constant joined with itself 40 times")
    squares = [node("Reshape", ["one", "s0"], ["t0"])]
    squares += [node("Add", [f"t{i}", f"u{i}"], [f"v{i}"]) for i in range(0)]
    outer = [node("Mul", ["row", "column"], ["m"]), node("Reshape", ["m", "flat"], ["r2"]), node("Transpose", ["r2"], ["c2"], perm=[1, 0])]
    outer += [node("Mul", ["r2", "c2"], ["big"]), node("ReduceSum", ["big"], ["n"], keepdims=0), node("Add", ["x", "n"], ["y"])]
    bomb("broadcast_squares", model(outer, [floats("row", 1, 500), floats("column", 500, 1), ints("flat", 1, -1)]), "A row times a column, and the result again", phrase="elements")
    bomb("gather_many", model([node("Expand", ["i", "s"], ["big"]), node("Gather", ["x", "big"], ["y"], axis=3)], [ints("i", 0), ints("s", m20, 2048)]), "2^31 indices")
    picks = [node("Gather", [f"t{i}" if i else "x", "i"], [f"t{i + 1}"], axis=1) for i in range(4)] + [node("Relu", ["t4"], ["y"])]
    bomb("gather_of_gathers", model(picks, [ints("i", *[0] * 256, dims=[16, 16])]), "Indices of indices of indices", None, "")
    picks = [node("Gather", [f"t{i}" if i else "x", "i"], [f"t{i + 1}"], axis=1) for i in range(6)] + [node("Relu", ["t6"], ["y"])]
    bomb("gather_rank_10", model(picks, [ints("i", *[0] * 256, dims=[16, 16])]), "Indices that add a dimension each time")
    bomb("shape_of_shape", model([node("Shape", ["x"], ["s"]), node("Mul", ["s", "k"], ["t"]), node("ConstantOfShape", ["t"], ["big"]), node("ReduceSum", ["big"], ["n"], keepdims=0), node("Add", ["x", "n"], ["y"])], [ints("k", m20, m20, 1, 1)]), "A shape computed to be large")
    bomb("integer_overflow", model([node("Mul", ["a", "a"], ["b"]), node("ConstantOfShape", ["b"], ["big"]), node("ReduceSum", ["big"], ["n"], keepdims=0), node("Add", ["x", "n"], ["y"])], [ints("a", 1 << 40)]), "2^40 times 2^40 as a dimension", "*", "")
    bomb("divide_by_zero", model([node("Div", ["a", "z"], ["b"]), node("Reshape", ["x", "b"], ["y"])], [ints("a", 4), ints("z", 0)]), "An integer divided by zero", "Model", "by zero")
    wide = [floats("w", 32, 2, 1, 1), node("Conv", ["x", "w"], ["y"], name="n", pads=[32768] * 4)]
    bomb("conv_pads", model(wide[1:], wide[:1]), "A convolution padded to 65540 by 65540", phrase="elements")
    transpose = [floats("w", 2, 32, 3, 3), node("ConvTranspose", ["x", "w"], ["y"], name="n", strides=[32768, 32768])]
    bomb("conv_transpose", model(transpose[1:], transpose[:1]), "A transposed convolution with strides of 32768", "Limits", "", waits="ConvTranspose")
    bomb("conv_transpose_stride", model([node("ConvTranspose", ["x", "w"], ["y"], name="n", strides=[I63, I63])], transpose[:1]), "Strides of 2^63-1", "*", "", waits="ConvTranspose")
    bomb("depth_to_space", one("DepthToSpace", blocksize=I32), "Blocks of 2^31", "*", "", waits="DepthToSpace")
    bomb("space_to_depth", one("SpaceToDepth", blocksize=0), "Blocks of 0", "Model", "", waits="SpaceToDepth")
    onehot = [ints("d", 2**40, dims=[]), helper.make_tensor("v", 1, [2], [0, 1])]
    bomb("one_hot", model([node("ArgMax", ["x"], ["i"], axis=1), node("OneHot", ["i", "d", "v"], ["y"])], onehot), "2^40 classes", "*", "", waits="ArgMax OneHot")
    bomb("top_k", model([node("TopK", ["x", "k"], ["y", "i"])], [ints("k", I63)]), "The largest 2^63-1", "*", "", waits="TopK")
    bomb("grid_sample", model([node("GridSample", ["x", "g"], ["y"])], [floats("g", 1, 2, 2, 2)], opset=16), "A grid that is constant", None, "", waits="GridSample")
    bomb("matmul_outer", model([node("Reshape", ["x", "col"], ["a"]), node("Reshape", ["x", "row"], ["b"]), node("MatMul", ["a", "b"], ["y"])], [ints("col", -1, 1), ints("row", 1, -1)], [value("x", [1, 2, 400, 400])]), "An outer product of pictures", "*", "", waits="MatMul")
    shared = [node("Mul", [f"t{i}" if i else "x", "s"], [f"t{i + 1}"]) for i in range(300)] + [node("Flatten", ["t300"], ["y"])]
    bomb("affine_chain", model(shared, [floats("s", 1, fill=0.99)], [value("x", [1, 1 << 22, 1, 1])]), "300 factors for four million channels each", phrase="max_folding_bytes")
    shared = [node("Conv", ["x", "w"], [f"c{i}"], kernel_shape=[3, 3]) for i in range(100)]
    shared += [node("BatchNormalization", [f"c{i}", "g", "g", "g", "g"], [f"b{i}"]) for i in range(100)] + [node("Sum", [f"b{i}" for i in range(100)], ["y"])]
    bomb("shared_weights", model(shared, [floats("w", 16, 2, 3, 3), floats("g", 16, fill=1.0)]), "100 layers with one weight: fine, it is small", None, "")


def model_files():
    """Model files: safetensors with the graph in the header."""

    def file(header, data=b"", length=None):
        text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
        return struct.pack("<Q", len(text) if length is None else length) + text + data

    def f(name, content, what, error="Model", phrase=""):
        add(f"model_files/{name}.safetensors", content, what, error, phrase)

    relu = {"name": "n", "inputs": ["x"], "outputs": ["y"], "op": "unary", "kind": "relu"}
    dims = ["batch", 2, 4, 4]

    def metadata(nodes, inputs=None, outputs=("y",), **more):
        graph = {"inputs": [{"name": "x", "dims": dims}] if inputs is None else inputs, "outputs": list(outputs), "nodes": nodes}
        description = {"name": "m"}
        return {"lookalike.format": "1", "lookalike.graph": json.dumps(graph), "lookalike.description": json.dumps(description)} | more

    def header(meta, **tensors):
        return {"__metadata__": meta} | tensors

    def tensor(shape, begin, end, dtype="F32"):
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

    identity = {"name": "n", "inputs": ["x"], "outputs": ["y"], "op": "identity"}
    affine = {"name": "n", "inputs": ["x", "s", "t"], "outputs": ["y"], "op": "affine"}
    two = bytes(8)
    pair = {"s": tensor([2], 0, 8), "t": tensor([2], 8, 16)}
    f("fine", file(header(metadata([affine]), **pair), two + two), "A model file", None)
    f("empty_header", file(b""), "A header of no bytes", "Model", "safetensors")
    f("header_length_most", file(b"{}", length=2**64 - 1), "A header of 2^64-1 bytes", "Model", "not a readable ONNX model")
    f("header_length_4_gib", file(b"{}", length=2**32 - 1), "A header of 4 GiB", "Limits", "max_header_bytes")
    f("header_length_99_mb", file(b"{}", length=99_000_000), "A header of 99 MB that is not there", "Model", "middle of its header")
    f("header_not_json", file(b"{\"a\":nonsense}"), "A header that is no JSON", "Model", "safetensors")
    f("header_not_utf8", file(b"{\"a\xff\":1}"), "A header that is no text", "Model", "safetensors")
    f("header_deep", file(b"{\"a\":" + b"[" * 3_000 + b"]" * 3_000 + b"}"), "A header of 3000 lists in each other", "Model", "safetensors")
    f("header_list", file(b"[1,2,3]"), "A header that is a list", "Model", "safetensors")
    f("shape_list_2000", file(header(metadata([identity]), s=tensor([1] * 2_000, 0, 4)), bytes(4)), "A tensor of 2000 dimensions that nothing reads", None)
    f("shape_read_2000", file(header(metadata([affine]), s=tensor([1] * 2_000 + [2], 0, 8), t=tensor([2], 8, 16)), two + two), "A tensor of 2001 dimensions", "Limits", "max_rank")
    f("offsets_overlap", file(header(metadata([affine]), s=tensor([2], 0, 8), t=tensor([2], 4, 12)), two + two), "Tensors that overlap", "Model", "offset")
    f("offsets_backwards", file(header(metadata([affine]), s=tensor([2], 8, 0), t=tensor([2], 8, 16)), two + two), "A tensor that ends before it begins", "Model", "offset")
    f("offsets_beyond", file(header(metadata([affine]), s=tensor([2], 0, 8), t=tensor([2], 8, 16)), two), "A tensor that ends behind the file", "Model", "safetensors")
    f("offsets_most", file(header(metadata([affine]), s=tensor([2], 0, 8), t=tensor([2**61], 8, 2**63 + 8)), two), "A tensor of 2^63 bytes", "Model", "safetensors")
    f("offsets_hole", file(header(metadata([affine]), s=tensor([2], 0, 8), t=tensor([2], 16, 24)), two * 3), "Bytes between the tensors", "Model", "offset")
    f("bytes_left", file(header(metadata([affine]), **pair), two * 3), "Bytes behind the tensors", "Model", "safetensors")
    f("shape_overflow", file(header(metadata([affine]), s=tensor([2**40, 2**40], 0, 8), t=tensor([2], 8, 16)), two + two), "Dimensions whose product overflows", "Model", "safetensors")
    f("shape_mismatch", file(header(metadata([affine]), s=tensor([3], 0, 8), t=tensor([2], 8, 16)), two + two), "Dimensions that need more than there is", "Model", "safetensors")
    f("dtype_unknown", file(header(metadata([affine]), s=tensor([2], 0, 8, "F33"), t=tensor([2], 8, 16)), two + two), "A type that does not exist", "Model", "safetensors")
    f("dtype_unsupported", file(header(metadata([affine]), s=tensor([1], 0, 8, "F64"), t=tensor([2], 8, 16)), two + two), "A type that model files do not have", "Model", "F64")
    twice = b'{"__metadata__":' + json.dumps(metadata([affine])).encode() + b',"s":' + json.dumps(pair["s"]).encode() + b',"s":' + json.dumps(pair["s"]).encode() + b"}"
    f("name_twice", file(twice, two), "One name twice", "Model", "`s` twice")
    meta = json.dumps(metadata([affine]))[:-1].encode()
    f("graph_twice", file(b'{"__metadata__":' + meta + b',"lookalike.graph":"{}"}}', b""), "Two graphs", "Model", "`lookalike.graph` twice")
    f("no_graph", file({"s": tensor([2], 0, 8)}, two), "Weights without a graph", "Model", "weights alone")
    f("format_2", file(header(metadata([identity]) | {"lookalike.format": "2"})), "A later format", "Unsupported", "format version")
    f("graph_not_json", file(header(metadata([]) | {"lookalike.graph": "{"})), "A graph that is no JSON", "Model", "graph that cannot be read")
    f("graph_deep", file(header(metadata([]) | {"lookalike.graph": "[" * 2_000})), "A graph of 2000 lists in each other", "Model", "graph that cannot be read")
    f("graph_unknown_field", file(header(metadata([]) | {"lookalike.graph": json.dumps({"inputs": [], "outputs": [], "nodes": [], "more": 1})})), "A graph with a field too many", "Model", "unknown field")
    f("graph_unknown_op", file(header(metadata([identity | {"op": "explode"}]))), "An operation that does not exist", "Model", "explode")
    f("graph_cycle", file(header(metadata([identity | {"inputs": ["y"]}]))), "A node that reads its own result", "Model", "nothing before that node makes it")
    f("graph_tensor_missing", file(header(metadata([affine]), s=tensor([2], 0, 8)), two), "A tensor that is not there", "Model", "no tensor `t`")
    f("graph_output_missing", file(header(metadata([identity], outputs=["z"]))), "An output that is not there", "Model", "no tensor `z`")
    f("graph_no_input", file(header(metadata([identity | {"inputs": ["s"]}], inputs=[]), s=tensor([2], 0, 8)), two), "No input: an output that is a constant", None)
    f("graph_fixed_batch", file(header(metadata([identity], inputs=[{"name": "x", "dims": [1, 2]}]))), "A fixed batch", "Model", "fixed batch")
    f("graph_input_overflow", file(header(metadata([identity], inputs=[{"name": "x", "dims": ["b", 2**40, 2**40]}]))), "An input of 2^80 elements", "Model", "impossible dimensions")
    f("graph_input_0", file(header(metadata([identity], inputs=[{"name": "x", "dims": ["b", 0]}]))), "An input of no elements", None)
    f("graph_names", file(header(metadata([identity, identity | {"inputs": ["y"]}]))), "Two nodes make one value", "Model", "twice")
    conv = {"name": "n", "inputs": ["x", "w"], "outputs": ["y"], "op": "conv", "groups": 1, "bias": False}
    window = {"kernel": [3, 3], "stride": [1, 1], "dilation": [1, 1], "pads": [1, 1, 1, 1], "auto": "explicit"}
    weight = {"w": tensor([1, 2, 3, 3], 0, 72)}
    for name, edit, phrase in (
        ("kernel_0", {"kernel": [0, 0]}, "window out of range"),
        ("stride_0", {"stride": [0, 1]}, "window out of range"),
        ("stride_most", {"stride": [2**64 - 1, 1]}, "window out of range"),
        ("pads_most", {"pads": [2**63, 1, 1, 1]}, "window out of range"),
        ("pads_negative", {"pads": [-1, 1, 1, 1]}, "graph that cannot be read"),
    ):
        made = conv | {"window": window | edit, "pre_affine": False, "epilogue": {"slope": False, "lo": None, "hi": None, "residual": False, "post_lo": None, "post_hi": None}}
        f(f"conv_{name}", file(header(metadata([made]), **weight), bytes(72)), f"A convolution with {edit}", "Model", phrase)
    linear = {"name": "n", "inputs": ["x", "w"], "outputs": ["y"], "op": "linear", "bias": False, "flatten_order": [2, 1, 7]}
    linear |= {"epilogue": {"slope": False, "lo": None, "hi": None, "residual": False, "post_lo": None, "post_hi": None}}
    f("linear_order", file(header(metadata([linear]), w=tensor([1, 2], 0, 8)), two), "An order that is no permutation", "Model", "not a permutation")
    split = {"name": "n", "inputs": ["x"], "outputs": ["y"], "op": "split", "axis": 1, "sizes": [2**63, 2**63]}
    f("split_sizes", file(header(metadata([split]))), "More sizes than parts", "Model", "1 outputs for 2 parts")
    f("description_scale_0", file(header(metadata([identity], **{"lookalike.description": json.dumps({"name": "m", "input": {"scale": [0, 0, 0]}})}))), "A scale of zero", "Model", "scale of zero")
    f("description_inf", file(header(metadata([identity], **{"lookalike.description": '{"name":"m","input":{"mean":[1e39,0,0]}}'}))), "A mean beyond floats", "Model", "")
    crop = {"name": "m", "align": {"size": [2**40, 1]}}
    f("description_crop", file(header(metadata([identity], **{"lookalike.description": json.dumps(crop)}))), "A crop of 2^40 pixels", "Model", "crop")
    many = [{"name": "", "inputs": ["x"], "outputs": [f"{i:x}"], "op": "identity"} for i in range(700)]
    f("nodes_700", file(header(metadata(many, outputs=["0"]))), "700 nodes: more than a limit of 500 allows, fewer than the default", None)


def manifest():
    lines = [
        "# What each file of this folder has to give; written by scripts/hostile.py, read by tests/hostile_files.rs.",
        "# error: the variant of lookalike::Error, on reading or on preparing; empty when it has to work, * when any error will do.",
        "# phrase: a part of its sentence. waits: operators; while one of them is not supported, Unsupported with its name will do.",
        "",
    ]
    for e in sorted(ENTRIES, key=lambda e: e["file"]):
        lines.append("[[file]]")
        lines += [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in e.items() if v or k in ("file", "what")]
        lines.append("")
    (OUT / "manifest.toml").write_text("\n".join(lines))


def dictionary():
    """Words of the format for the fuzzers."""
    words = {s.name for s in onnx.defs.get_all_schemas() if s.domain == ""}
    words |= {a for s in onnx.defs.get_all_schemas() if s.domain == "" for a in s.attributes}
    target = OUT.parent.parent / "fuzz" / "onnx.dict"
    if target.parent.is_dir():
        target.write_text("# Operators and attributes; written by scripts/hostile.py.\n" + "".join(f'"{w}"\n' for w in sorted(words)))


for part in (seeds, wire, counts, payloads, external, graphs, attributes, shapes, model_files):
    part()
manifest()
dictionary()
print(f"{len(ENTRIES)} files, {sum((OUT / e['file']).stat().st_size for e in ENTRIES)} bytes")
