"""Attributes out of range."""

from onnx import AttributeProto, helper

from .build import I32, I63, add, changed, floats, ints, model, network, node, one


def attributes():
    """Attributes out of range."""
    extremes = {"0": 0, "negative": -1, "2_to_31": I32, "most": I63, "least": -I63 - 1}
    for label, n in extremes.items():
        for name in ("kernel_shape", "strides", "dilations"):
            made = changed(lambda g: None, conv={name: [n, 3 if name == "kernel_shape" else 1]})
            add(
                f"attributes/conv_{name}_{label}.onnx",
                made,
                f"Conv with {name} = [{n}, ..]",
                "Model",
                f"`{name}`" if name != "kernel_shape" else "kernel_shape",
            )
            pool = {"kernel_shape": [2, 2]} | {name: [n, 2]}
            add(
                f"attributes/pool_{name}_{label}.onnx",
                one("MaxPool", **pool),
                f"MaxPool with {name} = [{n}, 2]",
                "Model",
                f"`{name}` = {n}",
            )
        if n != 0:
            error = ("Unsupported", "pads are negative") if n < 0 else ("Model", "`pads`")
            add(
                f"attributes/conv_pads_{label}.onnx",
                changed(lambda g: None, conv={"pads": [n, 1, 1, 1]}),
                f"Conv with a padding of {n}",
                *error,
            )
        add(
            f"attributes/conv_group_{label}.onnx",
            changed(lambda g: None, conv={"group": n}),
            f"Conv in {n} groups",
            "Model",
            f"`group` = {n}",
        )
        add(f"attributes/lrn_size_{label}.onnx", one("LRN", size=n), f"LRN over {n} channels", "Model", f"`size` = {n}")
    bad = [
        ("conv_group_3", changed(lambda g: None, conv={"group": 3}), "4 channels in 3 groups", "Model", "4 output channels in 3 groups"),
        (
            "conv_kernel_5",
            changed(lambda g: None, conv={"kernel_shape": [5, 5]}),
            "A kernel that the weights do not have",
            "Model",
            "[5, 5]",
        ),
        (
            "conv_kernel_beyond_input",
            changed(lambda g: None, conv={"pads": [0] * 4, "dilations": [9, 9]}),
            "A kernel larger than its padded input",
            "Caller",
            "does not fit",
        ),
        ("conv_strides_1", changed(lambda g: None, conv={"strides": [1]}), "One stride for two axes", "Model", "1 entries in `strides`"),
        ("conv_strides_500", changed(lambda g: None, conv={"strides": [1] * 500}), "500 strides", "Model", "500 entries"),
        (
            "conv_auto_pad_and_pads",
            changed(lambda g: None, conv={"auto_pad": "SAME_UPPER"}),
            "Both pads and auto_pad",
            "Model",
            "both pads and auto_pad",
        ),
        (
            "conv_auto_pad_unknown",
            changed(lambda g: None, conv={"auto_pad": "SIDEWAYS"}),
            "An auto_pad that does not exist",
            "Model",
            "SIDEWAYS",
        ),
        ("conv_group_float", changed(lambda g: None, conv={"group": 1.5}), "A group that is a float", "Model", "another type"),
        (
            "conv_unknown",
            changed(lambda g: None, conv={"surprise": 1}),
            "An attribute that does not exist",
            "Unsupported",
            "`surprise` is not known",
        ),
        (
            "pool_pads_32767",
            one("MaxPool", kernel_shape=[2, 2], pads=[32767] * 4),
            "More padding than kernel",
            "Model",
            "not less than its window",
        ),
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
        (
            "reshape_two_free",
            changed(lambda g: g.initializer[4].CopyFrom(ints("shape", -1, -1))),
            "Two free dimensions",
            "Model",
            "[-1, -1]",
        ),
        (
            "reshape_least",
            changed(lambda g: g.initializer[4].CopyFrom(ints("shape", 1, -I63 - 1))),
            "A dimension of -2^63",
            "Model",
            "reshapes to",
        ),
        (
            "reshape_most",
            changed(lambda g: g.initializer[4].CopyFrom(ints("shape", 1, I63))),
            "A dimension of 2^63-1",
            "Model",
            "9223372036854775807",
        ),
        (
            "reshape_product",
            changed(lambda g: g.initializer[4].CopyFrom(ints("shape", 2**40, 2**40, 0))),
            "Dimensions whose product overflows",
            "Model",
            "",
        ),
        ("split_parts", one("Split", opset=11, split=[I63, I63]), "Two parts for one output", "Model", "another number of parts"),
        ("split_num_outputs", one("Split", opset=18, num_outputs=I32), "2^31 parts for one output", "Model", "another number of parts"),
        (
            "slice_step_0",
            one("Slice", ["x", "a", "b", "c", "s"], [ints("a", 0), ints("b", I63), ints("c", 3), ints("s", 0)]),
            "A step of 0",
            "Model",
            "step of 0",
        ),
        ("gather_beyond", one("Gather", ["x", "i"], [ints("i", I63)], axis=1), "An index of 2^63-1", "Model", "picks the index"),
        ("squeeze_beyond", one("Squeeze", ["x", "i"], [ints("i", I63)]), "An axis of 2^63-1", "Model", "axes"),
        ("cast_to_most", one("Cast", to=I63), "A type of 2^63-1", "Model", "type"),
        (
            "constant_string",
            model([node("Constant", [], ["c"], value_string=b"a"), node("Add", ["x", "c"], ["y"])]),
            "A constant that is text",
            "Unsupported",
            "value_string",
        ),
        (
            "constant_nothing",
            model([node("Constant", [], ["c"]), node("Add", ["x", "c"], ["y"])]),
            "A constant without a value",
            "Model",
            "exactly one value",
        ),
        (
            "epsilon_negative",
            model([node("BatchNormalization", ["x", "g", "g", "g", "g"], ["y"], epsilon=-1.0)], [floats("g", 2)]),
            "A negative epsilon",
            "Model",
            "negative epsilon",
        ),
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
