"""Names, order, subgraphs, functions."""

import onnx
from onnx import AttributeProto, TensorProto, helper

from .build import I63, add, changed, field, floats, ints, model, network, node, raw_model, value


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
    g(
        "other_domain",
        "An operator of somebody else",
        "Unsupported",
        "com.evil.PRelu",
        lambda graph: setattr(graph.node[1], "domain", "com.evil"),
    )
    g("too_many_operands", "A Conv of 200 operands", "Model", "operands", lambda graph: graph.node[0].input.extend(["b"] * 197))
    g("escape_sequences", "A name that would write to a terminal", "Model", "nothing makes", operand(1, 0, "\x1b]0;owned\x07\x1b[2J"))
    g("sparse_weight", "A sparse weight", "Unsupported", "sparse", lambda graph: graph.sparse_initializer.add())

    body = helper.make_graph([node("Relu", ["x"], ["t"])], "body", [], [value("t", None)])
    branch = node("If", ["c"], ["y"], name="choice", then_branch=body, else_branch=body)
    add(
        "graphs/if.onnx",
        model([branch], [helper.make_tensor("c", TensorProto.BOOL, [], [True])]),
        "A choice",
        "Unsupported",
        "If (node `choice`",
    )
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
        helper.make_function(
            "local",
            f"F{i}",
            ["a"],
            ["b0"],
            [node(f"F{i + 1}", ["a"], [f"b{k}"], domain="local") for k in range(10)],
            [helper.make_opsetid("local", 1)],
        )
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
    for name, version, phrase in (
        ("none", None, "which ONNX operator set"),
        ("new", I63, "newest"),
        ("old", 1, "oldest"),
        ("negative", -1, "oldest"),
    ):
        made = network()
        made.ClearField("opset_import")
        if version is not None:
            made.opset_import.add().version = version
        add(f"graphs/opset_{name}.onnx", made, f"The operator set {version}", "Model" if version is None else "Unsupported", phrase)
    made = network()
    made.opset_import.add().version = 9
    add("graphs/opset_twice.onnx", made, "Two operator sets", "Model", "two versions")
    x = value("x", [1, I63, I63, 4])
    add(
        "graphs/input_overflow.onnx",
        changed(lambda graph: graph.input[0].CopyFrom(x)),
        "An input of 2^126 pixels",
        "Model",
        "impossible dimensions",
    )
    add(
        "graphs/input_2_gib.onnx",
        model([node("Relu", ["x"], ["y"])], inputs=[value("x", [1, 3, 15_000, 15_000])]),
        "An input of 2.7 GB",
        "Limits",
        "max_tensor_bytes",
    )
    sequence = model([node("Relu", ["x"], ["y"])], inputs=[helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [1])])
    add("graphs/input_sequence.onnx", sequence, "An input that is a list", "Unsupported", "not a tensor")
