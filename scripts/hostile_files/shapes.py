"""Small files that ask for large tensors."""

from onnx import helper

from .build import I32, I63, add, floats, ints, model, node, one, value


def shapes():
    """Small files that ask for large tensors."""

    def bomb(name, content, what, error="Limits", phrase="elements", waits=""):
        add(f"shapes/{name}.onnx", content, what, error, phrase, waits)

    m20, m31 = 1 << 20, I32 - 1

    def sum_with(made):
        return [*made, node("Add", ["x", "big"], ["y"])]

    bomb(
        "expand",
        one("Expand", ["x", "s"], [ints("s", m20, m20, 1, 2, 4, 4)]),
        "Expand to 2^40 pictures",
    )
    bomb(
        "expand_most",
        one("Expand", ["one", "s"], [floats("one", 1), ints("s", I63)]),
        "Expand to 2^63-1 elements",
        "Model",
        "asks for the shape",
    )
    bomb("expand_negative", one("Expand", ["x", "s"], [ints("s", -1, 2, 4, 4)]), "Expand to -1 elements", "Model", "asks for the shape")
    bomb("expand_4_gib", one("Expand", ["x", "s"], [ints("s", 1 << 25, 2, 4, 4)]), "Expand to 4 GiB", phrase="max_tensor_bytes")
    bomb(
        "constant_of_shape",
        model(sum_with([node("ConstantOfShape", ["s"], ["big"])]), [ints("s", m20, m20)]),
        "ConstantOfShape of 2^40 elements",
    )
    bomb(
        "constant_of_shape_4_gib",
        model(sum_with([node("ConstantOfShape", ["s"], ["big"])]), [ints("s", 1 << 25, 2, 4, 4)]),
        "ConstantOfShape of 4 GiB",
        phrase="max_tensor_bytes",
    )
    many = [node("ConstantOfShape", ["s"], [f"c{i}"]) for i in range(200)]
    joined = [node("Sum", [f"c{i}" for i in range(200)], ["big"])]
    bomb(
        "constants_of_shape",
        model(sum_with(many + joined), [ints("s", 4096, 2, 4, 4)]),
        "200 constants of 512 KiB: stays within the limits, and within the folding budget",
        None,
        "",
    )
    bomb("tile", one("Tile", ["x", "s"], [ints("s", m20, m20, 1, 1)]), "Tile by 2^40", waits="Tile")
    bomb("tile_most", one("Tile", ["x", "s"], [ints("s", I63, I63, 1, 1)]), "Tile by 2^126", "*", "", waits="Tile")
    bomb("tile_negative", one("Tile", ["x", "s"], [ints("s", -1, 1, 1, 1)]), "Tile by -1", "Model", "", waits="Tile")
    chain = [node("Tile", [f"t{i}" if i else "x", "s"], [f"t{i + 1}"]) for i in range(12)] + [node("Relu", ["t12"], ["y"])]
    bomb("tile_chain", model(chain, [ints("s", 1, 1, 64, 64)]), "Twelve times 4096 times as much", waits="Tile")
    bomb("resize_scales", one("Resize", ["x", "", "s"], [helper.make_tensor("s", 1, [4], [1, 1, 1e6, 1e6])]), "Resize by 10^12")
    bomb("resize_scale_most", one("Resize", ["x", "", "s"], [helper.make_tensor("s", 1, [4], [1, 1, 3e38, 3e38])]), "Resize by 10^76")
    bomb(
        "resize_scale_nan",
        one("Resize", ["x", "", "s"], [helper.make_tensor("s", 1, [4], [1, 1, float("nan"), 1])]),
        "Resize by what is not a number",
        "Model",
        "scales",
    )
    bomb("resize_sizes", one("Resize", ["x", "", "", "s"], [ints("s", 1, 2, m31, m31)]), "Resize to 2^62 cells")
    bomb("resize_sizes_most", one("Resize", ["x", "", "", "s"], [ints("s", 1, 2, I63, I63)]), "Resize to 2^126 cells")
    bomb("resize_sizes_0", one("Resize", ["x", "", "", "s"], [ints("s", 1, 2, 0, 4)]), "Resize to nothing", "Model", "0 cells")
    chain = [node("Resize", [f"t{i}" if i else "x", "", "s"], [f"t{i + 1}"]) for i in range(10)] + [node("Relu", ["t10"], ["y"])]
    bomb("resize_chain", model(chain, [helper.make_tensor("s", 1, [4], [1, 1, 16, 16])]), "Ten times 256 times as many cells")
    long = [value("x", [1, 1, 1 << 28, 1])]
    bomb(
        "resize_rows",
        one("Resize", ["x", "", "", "s"], [ints("s", 1, 2, 1 << 27, 2)]),
        "Resize to 2^27 rows: each would be an entry of a table",
    )
    bomb(
        "resize_shrink",
        model([node("Resize", ["x", "", "", "s"], ["y"], mode="cubic", antialias=1)], [ints("s", 1, 1, 2, 1)], long, opset=18),
        "2^28 rows that become two: each sums half of them",
        waits="",
    )
    bomb(
        "resize_one_side",
        model([node("Resize", ["x", "", "", "s"], ["y"], mode="linear")], [ints("s", 1, 1, 1 << 28, 2)], long),
        "2^28 rows that stay while the columns double",
    )
    bomb("upsample", one("Upsample", opset=7, scales=[1.0, 1.0, 1e5, 1e5]), "Upsample by 10^10")
    bomb("pad", one("Pad", ["x", "p"], [ints("p", 0, 0, m31, m31, 0, 0, m31, m31)]), "Pad by 2^31-1 on all sides")
    bomb("pad_most", one("Pad", ["x", "p"], [ints("p", 0, 0, I63, 0, 0, 0, I63, 0)]), "Pad by 2^63-1 on two sides", "Model", "pads")
    bomb(
        "pad_least",
        one("Pad", ["x", "p"], [ints("p", 0, 0, -I63 - 1, 0, 0, 0, -I63 - 1, 0)]),
        "Remove 2^63 from two sides",
        "Model",
        "pads",
    )
    bomb(
        "pad_4_gib",
        one("Pad", ["x", "p"], [ints("p", 0, 0, 15_000, 15_000, 0, 0, 15_000, 15_000)]),
        "Pad by 15 000 on all sides",
        phrase="max_tensor_bytes",
    )
    scalars = [ints("a", 0, dims=[]), ints("b", 2**40, dims=[]), ints("d", 1, dims=[])]
    tail = [node("Cast", ["r"], ["f"], to=1), node("ReduceSum", ["f"], ["m"], keepdims=0), node("Add", ["x", "m"], ["y"])]
    bomb(
        "range",
        model([node("Range", ["a", "b", "d"], ["r"]), *tail], scalars),
        "Range to 2^40",
        "Model",
        "counts from 0 to 1099511627776",
        waits="Range",
    )
    scalars = [ints("a", -I63 - 1, dims=[]), ints("b", I63, dims=[]), ints("d", 1, dims=[])]
    bomb("range_most", model([node("Range", ["a", "b", "d"], ["r"]), *tail], scalars), "Range from -2^63 to 2^63-1", "*", "", waits="Range")
    scalars = [ints("a", 0, dims=[]), ints("b", 1, dims=[]), ints("d", 0, dims=[])]
    bomb("range_step_0", model([node("Range", ["a", "b", "d"], ["r"]), *tail], scalars), "Range in steps of 0", "Model", "", waits="Range")
    doubling = [node("Concat", [f"t{i}" if i else "x"] * 2, [f"t{i + 1}"], axis=3) for i in range(40)] + [node("Relu", ["t40"], ["y"])]
    bomb("concat_chain", model(doubling), "A tensor joined with itself 40 times")
    doubling = [node("Concat", [f"t{i}"] * 2, [f"t{i + 1}"], axis=0) for i in range(40)]
    doubling += [node("Cast", ["t40"], ["f"], to=1), node("ReduceSum", ["f"], ["m"], keepdims=0), node("Add", ["x", "m"], ["y"])]
    bomb("concat_chain_of_constants", model(doubling, [ints("t0", *range(64))]), "A constant joined with itself 40 times")
    outer = [node("Mul", ["row", "column"], ["m"]), node("Reshape", ["m", "flat"], ["r2"]), node("Transpose", ["r2"], ["c2"], perm=[1, 0])]
    outer += [node("Mul", ["r2", "c2"], ["big"]), node("ReduceSum", ["big"], ["n"], keepdims=0), node("Add", ["x", "n"], ["y"])]
    bomb(
        "broadcast_squares",
        model(outer, [floats("row", 1, 500), floats("column", 500, 1), ints("flat", 1, -1)]),
        "A row times a column, and the result again",
        phrase="elements",
    )
    bomb(
        "gather_many",
        model([node("Expand", ["i", "s"], ["big"]), node("Gather", ["x", "big"], ["y"], axis=3)], [ints("i", 0), ints("s", m20, 2048)]),
        "2^31 indices",
    )
    picks = [node("Gather", [f"t{i}" if i else "x", "i"], [f"t{i + 1}"], axis=1) for i in range(4)] + [node("Relu", ["t4"], ["y"])]
    bomb("gather_of_gathers", model(picks, [ints("i", *[0] * 256, dims=[16, 16])]), "Indices of indices of indices", None, "")
    picks = [node("Gather", [f"t{i}" if i else "x", "i"], [f"t{i + 1}"], axis=1) for i in range(6)] + [node("Relu", ["t6"], ["y"])]
    bomb("gather_rank_10", model(picks, [ints("i", *[0] * 256, dims=[16, 16])]), "Indices that add a dimension each time")
    bomb(
        "shape_of_shape",
        model(
            [
                node("Shape", ["x"], ["s"]),
                node("Mul", ["s", "k"], ["t"]),
                node("ConstantOfShape", ["t"], ["big"]),
                node("ReduceSum", ["big"], ["n"], keepdims=0),
                node("Add", ["x", "n"], ["y"]),
            ],
            [ints("k", m20, m20, 1, 1)],
        ),
        "A shape computed to be large",
    )
    bomb(
        "integer_overflow",
        model(
            [
                node("Mul", ["a", "a"], ["b"]),
                node("ConstantOfShape", ["b"], ["big"]),
                node("ReduceSum", ["big"], ["n"], keepdims=0),
                node("Add", ["x", "n"], ["y"]),
            ],
            [ints("a", 1 << 40)],
        ),
        "2^40 times 2^40 as a dimension",
        "*",
        "",
    )
    bomb(
        "divide_by_zero",
        model([node("Div", ["a", "z"], ["b"]), node("Reshape", ["x", "b"], ["y"])], [ints("a", 4), ints("z", 0)]),
        "An integer divided by zero",
        "Model",
        "by zero",
    )
    wide = [floats("w", 32, 2, 1, 1), node("Conv", ["x", "w"], ["y"], name="n", pads=[32768] * 4)]
    bomb("conv_pads", model(wide[1:], wide[:1]), "A convolution padded to 65540 by 65540", phrase="elements")
    transpose = [floats("w", 2, 32, 3, 3), node("ConvTranspose", ["x", "w"], ["y"], name="n", strides=[32768, 32768])]
    bomb(
        "conv_transpose",
        model(transpose[1:], transpose[:1]),
        "A transposed convolution with strides of 32768",
        "Limits",
        "",
        waits="ConvTranspose",
    )
    bomb(
        "conv_transpose_stride",
        model([node("ConvTranspose", ["x", "w"], ["y"], name="n", strides=[I63, I63])], transpose[:1]),
        "Strides of 2^63-1",
        "*",
        "",
        waits="ConvTranspose",
    )
    bomb("depth_to_space", one("DepthToSpace", blocksize=I32), "Blocks of 2^31", "*", "", waits="DepthToSpace")
    bomb("space_to_depth", one("SpaceToDepth", blocksize=0), "Blocks of 0", "Model", "", waits="SpaceToDepth")
    onehot = [ints("d", 2**40, dims=[]), helper.make_tensor("v", 1, [2], [0, 1])]
    bomb(
        "one_hot",
        model([node("ArgMax", ["x"], ["i"], axis=1), node("OneHot", ["i", "d", "v"], ["y"])], onehot),
        "2^40 classes",
        "*",
        "",
        waits="ArgMax OneHot",
    )
    bomb("top_k", model([node("TopK", ["x", "k"], ["y", "i"])], [ints("k", I63)]), "The largest 2^63-1", "*", "", waits="TopK")
    bomb(
        "grid_sample",
        model([node("GridSample", ["x", "g"], ["y"])], [floats("g", 1, 2, 2, 2)], opset=16),
        "A grid that is constant",
        None,
        "",
        waits="GridSample",
    )
    bomb(
        "matmul_outer",
        model(
            [node("Reshape", ["x", "col"], ["a"]), node("Reshape", ["x", "row"], ["b"]), node("MatMul", ["a", "b"], ["y"])],
            [ints("col", -1, 1), ints("row", 1, -1)],
            [value("x", [1, 2, 400, 400])],
        ),
        "An outer product of pictures",
        "*",
        "",
        waits="MatMul",
    )
    shared = [node("Mul", [f"t{i}" if i else "x", "s"], [f"t{i + 1}"]) for i in range(300)] + [node("Flatten", ["t300"], ["y"])]
    bomb(
        "affine_chain",
        model(shared, [floats("s", 1, fill=0.99)], [value("x", [1, 1 << 22, 1, 1])]),
        "300 factors for four million channels each",
        phrase="max_folding_bytes",
    )
    shared = [node("Conv", ["x", "w"], [f"c{i}"], kernel_shape=[3, 3]) for i in range(100)]
    shared += [node("BatchNormalization", [f"c{i}", "g", "g", "g", "g"], [f"b{i}"]) for i in range(100)] + [
        node("Sum", [f"b{i}" for i in range(100)], ["y"])
    ]
    bomb(
        "shared_weights",
        model(shared, [floats("w", 16, 2, 3, 3), floats("g", 16, fill=1.0)]),
        "100 layers with one weight: fine, it is small",
        None,
        "",
    )
