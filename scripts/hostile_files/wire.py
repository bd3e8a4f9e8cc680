"""The protobuf structure, and many of something."""

from .build import OPSET13, add, changed, field, floats, ints, model, network, node, one, raw_model, value, varint


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
    broken(
        "ends_in_a_fixed",
        network().SerializeToString(deterministic=True) + b"\x9d\x06\x00",
        "Ends in the middle of four bytes",
        "truncated",
    )
    broken("name_not_utf8", raw_model(field(1, field(4, b"\xff\xfe"))), "An operator whose name is not text", "UTF-8")
    broken("no_graph", field(1, 8, 0) + OPSET13, "A header without a graph", "holds no graph")
    broken("wrong_type_of_a_known_field", field(1, 8, 0) + field(7, 5, 0), "The graph is a number", "invalid wire type")
    broken(
        "metadata_absent",
        field(1, 8, 0) + b"\x72" + varint(300 << 20) + b"\x0a\x03key",
        "Claims 300 MiB of metadata that are not there",
        "truncated",
    )
    broken(
        "doc_absent", field(1, 8, 0) + b"\x32" + varint(2**31 - 1) + b"doc", "Claims 2 GiB of documentation that is not there", "truncated"
    )
    tensor = field(1, 4, 0) + field(2, 1, 0) + b"\x4a" + varint(500 << 20) + b"\0\0\0\0" + b""
    broken(
        "raw_data_absent",
        raw_model(b"\x2a" + varint(len(tensor)) + tensor),
        "A weight claims 500 MiB that are not there",
        "longer than the part",
    )

    unknown = (
        b"".join(field(n, b"later") for n in (19, 30, 100, 2**29 - 1)) + varint(31 << 3 | 5) + b"four" + varint(32 << 3 | 1) + b"eighthhh"
    )
    add("wire/unknown_fields.onnx", unknown + network().SerializeToString(deterministic=True), "Fields of later versions are skipped")
    deep = b""
    for _ in range(3000):
        deep = field(100, deep)
    add(
        "wire/unknown_depth.onnx",
        network().SerializeToString(deterministic=True) + deep,
        "An unknown field 3000 levels deep is skipped, not followed",
    )
    graph = b""
    for _ in range(1000):
        graph = field(1, field(4, b"If") + field(2, b"y") + field(5, field(1, b"then_branch") + field(6, graph)))
    add("wire/subgraphs_1000_deep.onnx", raw_model(graph), "If in If in If, a thousand levels", "Model", "no output")


def counts():
    """Many of something."""
    relu = [node("Relu", ["x"], [f"r{i}"]) for i in range(700)]
    add(
        "counts/nodes.onnx",
        model(relu + [node("Relu", ["x"], ["y"])]),
        "701 nodes: more than a limit of 500 allows, fewer than the default",
    )
    empty = field(1, b"") * 2_000
    add("counts/empty_nodes.onnx", raw_model(empty), "2000 nodes of two bytes", "Model", "no output")
    add("counts/empty_weights.onnx", raw_model(field(5, b"") * 2_000), "2000 weights of two bytes", "Model", "without a name")
    add("counts/empty_inputs.onnx", raw_model(field(11, b"") * 2_000), "2000 inputs of two bytes", "Model", "without a name")
    add(
        "counts/empty_operands.onnx",
        raw_model(field(1, field(4, b"Sum") + field(1, b"") * 2_000)),
        "A node of 2000 absent operands",
        "Model",
        "no output",
    )
    attributes = field(1, field(4, b"Relu") + field(1, b"x") + field(2, b"y") + field(5, b"") * 2_000)
    x, y = (value(n, [1, 2]).SerializeToString(deterministic=True) for n in "xy")
    add(
        "counts/empty_attributes.onnx",
        raw_model(attributes + field(11, x) + field(12, y)),
        "A node of 2000 attributes of two bytes",
        "Unsupported",
        "attribute `` is not known",
    )
    add("counts/rank_9.onnx", one("Relu", ["w"], [floats("w", *[1] * 9)]), "A weight of nine dimensions", "Limits", "max_rank")
    add(
        "counts/rank_3000.onnx",
        changed(lambda g: g.initializer[0].dims.extend([1] * 3_000)),
        "A weight of 3000 dimensions",
        "Limits",
        "max_rank",
    )
    add(
        "counts/input_rank_9.onnx",
        model([node("Relu", ["x"], ["y"])], inputs=[value("x", [1] * 9)]),
        "An input of nine dimensions",
        "Limits",
        "max_rank",
    )
    many = model([node("Reshape", ["x", "t"], ["y"])], [ints("t", 1, 2, 4, 4, *[1] * 500)])
    add("counts/reshape_rank_504.onnx", many, "A shape of 504 dimensions", "Limits", "dimensions")
    add(
        "counts/reshape_rank_12.onnx",
        model([node("Reshape", ["x", "t"], ["y"])], [ints("t", 1, 2, 4, 4, *[1] * 8)]),
        "A shape of 12 dimensions",
        "Limits",
        "max_rank",
    )
    outputs = [f"s{i}" for i in range(500)]
    split = model([node("Split", ["x"], outputs, axis=1)], outputs=[value("s0", None)])
    add("counts/split_500.onnx", split, "Two channels in 500 parts", "Model", "cannot cut 2 cells")
    problems = [node(f"Operator{i}", ["x"], [f"o{i}"], name="n" * 40) for i in range(500)]
    add(
        "counts/problems.onnx",
        model(problems, outputs=[value("o0", None)]),
        "500 different operators that do not exist",
        "Unsupported",
        "500 operators",
    )
