"""Model files: safetensors with the graph in the header."""

import json
import struct

from .build import add


def model_files():
    """Model files: safetensors with the graph in the header."""

    def file(header, data=b"", length=None):
        text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
        return struct.pack("<Q", len(text) if length is None else length) + text + data

    def f(name, content, what, error="Model", phrase=""):
        add(f"model_files/{name}.safetensors", content, what, error, phrase)

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
    f("header_not_json", file(b'{"a":nonsense}'), "A header that is no JSON", "Model", "safetensors")
    f("header_not_utf8", file(b'{"a\xff":1}'), "A header that is no text", "Model", "safetensors")
    f("header_deep", file(b'{"a":' + b"[" * 3_000 + b"]" * 3_000 + b"}"), "A header of 3000 lists in each other", "Model", "safetensors")
    f("header_list", file(b"[1,2,3]"), "A header that is a list", "Model", "safetensors")
    f(
        "shape_list_2000",
        file(header(metadata([identity]), s=tensor([1] * 2_000, 0, 4)), bytes(4)),
        "A tensor of 2000 dimensions that nothing reads",
        None,
    )
    f(
        "shape_read_2000",
        file(header(metadata([affine]), s=tensor([1] * 2_000 + [2], 0, 8), t=tensor([2], 8, 16)), two + two),
        "A tensor of 2001 dimensions",
        "Limits",
        "max_rank",
    )
    f(
        "offsets_overlap",
        file(header(metadata([affine]), s=tensor([2], 0, 8), t=tensor([2], 4, 12)), two + two),
        "Tensors that overlap",
        "Model",
        "offset",
    )
    f(
        "offsets_backwards",
        file(header(metadata([affine]), s=tensor([2], 8, 0), t=tensor([2], 8, 16)), two + two),
        "A tensor that ends before it begins",
        "Model",
        "offset",
    )
    f(
        "offsets_beyond",
        file(header(metadata([affine]), s=tensor([2], 0, 8), t=tensor([2], 8, 16)), two),
        "A tensor that ends behind the file",
        "Model",
        "safetensors",
    )
    f(
        "offsets_most",
        file(header(metadata([affine]), s=tensor([2], 0, 8), t=tensor([2**61], 8, 2**63 + 8)), two),
        "A tensor of 2^63 bytes",
        "Model",
        "safetensors",
    )
    f(
        "offsets_hole",
        file(header(metadata([affine]), s=tensor([2], 0, 8), t=tensor([2], 16, 24)), two * 3),
        "Bytes between the tensors",
        "Model",
        "offset",
    )
    f("bytes_left", file(header(metadata([affine]), **pair), two * 3), "Bytes behind the tensors", "Model", "safetensors")
    f(
        "shape_overflow",
        file(header(metadata([affine]), s=tensor([2**40, 2**40], 0, 8), t=tensor([2], 8, 16)), two + two),
        "Dimensions whose product overflows",
        "Model",
        "safetensors",
    )
    f(
        "shape_mismatch",
        file(header(metadata([affine]), s=tensor([3], 0, 8), t=tensor([2], 8, 16)), two + two),
        "Dimensions that need more than there is",
        "Model",
        "safetensors",
    )
    f(
        "dtype_unknown",
        file(header(metadata([affine]), s=tensor([2], 0, 8, "F33"), t=tensor([2], 8, 16)), two + two),
        "A type that does not exist",
        "Model",
        "safetensors",
    )
    f(
        "dtype_unsupported",
        file(header(metadata([affine]), s=tensor([1], 0, 8, "F64"), t=tensor([2], 8, 16)), two + two),
        "A type that model files do not have",
        "Model",
        "F64",
    )
    twice = (
        b'{"__metadata__":'
        + json.dumps(metadata([affine])).encode()
        + b',"s":'
        + json.dumps(pair["s"]).encode()
        + b',"s":'
        + json.dumps(pair["s"]).encode()
        + b"}"
    )
    f("name_twice", file(twice, two), "One name twice", "Model", "`s` twice")
    meta = json.dumps(metadata([affine]))[:-1].encode()
    f("graph_twice", file(b'{"__metadata__":' + meta + b',"lookalike.graph":"{}"}}', b""), "Two graphs", "Model", "`lookalike.graph` twice")
    f("no_graph", file({"s": tensor([2], 0, 8)}, two), "Weights without a graph", "Model", "weights alone")
    f("format_2", file(header(metadata([identity]) | {"lookalike.format": "2"})), "A later format", "Unsupported", "format version")
    f(
        "graph_not_json",
        file(header(metadata([]) | {"lookalike.graph": "{"})),
        "A graph that is no JSON",
        "Model",
        "graph that cannot be read",
    )
    f(
        "graph_deep",
        file(header(metadata([]) | {"lookalike.graph": "[" * 2_000})),
        "A graph of 2000 lists in each other",
        "Model",
        "graph that cannot be read",
    )
    f(
        "graph_unknown_field",
        file(header(metadata([]) | {"lookalike.graph": json.dumps({"inputs": [], "outputs": [], "nodes": [], "more": 1})})),
        "A graph with a field too many",
        "Model",
        "unknown field",
    )
    f("graph_unknown_op", file(header(metadata([identity | {"op": "explode"}]))), "An operation that does not exist", "Model", "explode")
    f(
        "graph_cycle",
        file(header(metadata([identity | {"inputs": ["y"]}]))),
        "A node that reads its own result",
        "Model",
        "nothing before that node makes it",
    )
    f(
        "graph_tensor_missing",
        file(header(metadata([affine]), s=tensor([2], 0, 8)), two),
        "A tensor that is not there",
        "Model",
        "no tensor `t`",
    )
    f("graph_output_missing", file(header(metadata([identity], outputs=["z"]))), "An output that is not there", "Model", "no tensor `z`")
    f(
        "graph_no_input",
        file(header(metadata([identity | {"inputs": ["s"]}], inputs=[]), s=tensor([2], 0, 8)), two),
        "No input: an output that is a constant",
        None,
    )
    f(
        "graph_fixed_batch",
        file(header(metadata([identity], inputs=[{"name": "x", "dims": [1, 2]}]))),
        "A fixed batch",
        "Model",
        "fixed batch",
    )
    f(
        "graph_input_overflow",
        file(header(metadata([identity], inputs=[{"name": "x", "dims": ["b", 2**40, 2**40]}]))),
        "An input of 2^80 elements",
        "Model",
        "impossible dimensions",
    )
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
        made = conv | {
            "window": window | edit,
            "pre_affine": False,
            "epilogue": {"slope": False, "lo": None, "hi": None, "residual": False, "post_lo": None, "post_hi": None},
        }
        f(f"conv_{name}", file(header(metadata([made]), **weight), bytes(72)), f"A convolution with {edit}", "Model", phrase)
    linear = {"name": "n", "inputs": ["x", "w"], "outputs": ["y"], "op": "linear", "bias": False, "flatten_order": [2, 1, 7]}
    linear |= {"epilogue": {"slope": False, "lo": None, "hi": None, "residual": False, "post_lo": None, "post_hi": None}}
    f(
        "linear_order",
        file(header(metadata([linear]), w=tensor([1, 2], 0, 8)), two),
        "An order that is no permutation",
        "Model",
        "not a permutation",
    )
    split = {"name": "n", "inputs": ["x"], "outputs": ["y"], "op": "split", "axis": 1, "sizes": [2**63, 2**63]}
    f("split_sizes", file(header(metadata([split]))), "More sizes than parts", "Model", "1 outputs for 2 parts")
    f(
        "description_scale_0",
        file(header(metadata([identity], **{"lookalike.description": json.dumps({"name": "m", "input": {"scale": [0, 0, 0]}})}))),
        "A scale of zero",
        "Model",
        "scale of zero",
    )
    f(
        "description_inf",
        file(header(metadata([identity], **{"lookalike.description": '{"name":"m","input":{"mean":[1e39,0,0]}}'}))),
        "A mean beyond floats",
        "Model",
        "",
    )
    crop = {"name": "m", "align": {"size": [2**40, 1]}}
    f(
        "description_crop",
        file(header(metadata([identity], **{"lookalike.description": json.dumps(crop)}))),
        "A crop of 2^40 pixels",
        "Model",
        "crop",
    )
    many = [{"name": "", "inputs": ["x"], "outputs": [f"{i:x}"], "op": "identity"} for i in range(700)]
    f("nodes_700", file(header(metadata(many, outputs=["0"]))), "700 nodes: more than a limit of 500 allows, fewer than the default", None)
