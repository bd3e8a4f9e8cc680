"""Writes tests/checkpoints/caffe and tests/checkpoints/hostile/caffe: small Caffe files, and what OpenCV computes from them.

    python scripts/checkpoints/caffe.py

Needs numpy and OpenCV 4 (opencv-python-headless<5; later ones do not read Caffe files). The files are written field by field: Caffe itself is
in no package index. The output is the same every time.

net.caffemodel      layers of today, and net.npy, OpenCV's output for input.npy
other.caffemodel    the same numbers as doubles, in pieces, with a transposed matrix and layers of training in between
v1.caffemodel       layers and shapes as before 2015, and v1.npy
edges.caffemodel    a normalisation of no pictures, a scale without a summand, one slope for all channels
"""

import pathlib
import tempfile

import cv2
import numpy as np
from manifest import ROOT, Hostile
from protobuf import doubles, floats, four, number, part, varint

OUT = ROOT / "caffe"


def numbers(seed, *shape, low=-0.5, high=0.5):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


# NetParameter and its parts; field numbers of caffe.proto.


def shape(*dims):
    return part(7, part(1, b"".join(map(varint, dims))))


def blob(values, dims=None):
    return shape(*(values.shape if dims is None else dims)) + part(5, floats(values.ravel()))


def old_blob(values, dims=None):
    """With num, channels, height and width instead of a shape."""
    four_sizes = (1,) * (4 - values.ndim) + values.shape if dims is None else dims
    return b"".join(number(1 + i, n) for i, n in enumerate(four_sizes)) + part(5, floats(values.ravel()))


def other_blob(values):
    """Doubles; long ones in two pieces, the second unpacked."""
    flat = values.ravel()
    data = part(8, doubles(flat))
    if len(flat) > 8:
        data = part(8, doubles(flat[:-2])) + b"".join(varint(8 << 3 | 1) + doubles([v]) for v in flat[-2:])
    return shape(*values.shape) + data


def layer(name, kind, blobs=(), bottom="x", top=None, options=b""):
    fields = part(1, name) + part(2, kind) + part(3, bottom) + part(4, top or name)
    return part(100, fields + b"".join(part(7, b) for b in blobs) + options)


def v1_layer(name, kind, blobs=(), bottom="x", top=None):
    fields = part(2, bottom) + part(3, top or name) + part(4, name) + number(5, kind)
    return part(2, fields + b"".join(part(6, b) for b in blobs))


CONV1 = [numbers(1, 8, 2, 3, 3), numbers(2, 8)]
NORM1 = [numbers(3, 8) * 40, numbers(4, 8, low=20, high=60), np.array([40], np.float32)]
SCALE1 = [numbers(5, 8, low=0.5, high=1.5), numbers(6, 8)]
SLOPES = [numbers(7, 8, low=0.1, high=0.4)]
DECONV = [numbers(8, 8, 4, 2, 2), numbers(9, 4)]
DEPTHWISE = [numbers(10, 4, 1, 3, 3)]
SCALE2 = [numbers(11, 4, low=0.5, high=1.5), numbers(12, 4)]
NORM2 = [numbers(13, 4), numbers(14, 4, low=0.5, high=1.5), np.array([1], np.float32)]
FC1 = [numbers(15, 6, 96), numbers(16, 6)]
FC2 = [numbers(17, 5, 6)]
V1_FC1 = [numbers(18, 6, 48), numbers(19, 6)]


def net(blob, transposed=False, training=False):
    """Layers change their blobs in place, as Caffe users write it: names of blobs repeat."""
    between = layer("split", "Split", bottom="c1") if training else b""
    fc2 = [np.ascontiguousarray(FC2[0].T)] if transposed else FC2
    layers = [
        layer("data", "Data", top="data"),
        layer("conv1", "Convolution", map(blob, CONV1), "data", "c1"),
        layer("norm1", "BatchNorm", map(blob, NORM1), "c1", "c1"),
        layer("scale1", "Scale", map(blob, SCALE1), "c1", "c1"),
        layer("slopes", "PReLU", map(blob, SLOPES), "c1", "c1"),
        between,
        layer("pool", "Pooling", (), "c1", "p1"),
        layer("deconv", "Deconvolution", map(blob, DECONV), "p1", "d1"),
        layer("depthwise", "Convolution", map(blob, DEPTHWISE), "d1", "dw"),
        layer("scale2", "Scale", map(blob, SCALE2), "dw", "s2"),
        layer("norm2", "BatchNorm", map(blob, NORM2), "s2", "n2"),
        layer("relu", "ReLU", (), "n2", "n2"),
        layer("fc1", "InnerProduct", map(blob, FC1), "n2", "fc1"),
        layer("fc2", "InnerProduct", map(blob, fc2), "fc1", "fc2", part(117, number(1, 5) + number(6, 1)) if transposed else b""),
    ]
    if training:
        layers.append(layer("fc6", "MarginInnerProduct", [blob(numbers(20, 3, 5))], "fc2", "fc6"))
        layers.append(layer("loss", "SoftmaxWithLoss", (), "fc6"))
    return part(1, "net") + b"".join(layers)


def v1_net():
    layers = [
        v1_layer("data", 5),
        v1_layer("conv1", 4, map(old_blob, CONV1), "data", "c1"),
        v1_layer("relu", 18, (), "c1", "c1"),
        v1_layer("pool", 17, (), "c1", "p1"),
        v1_layer("fc1", 14, map(old_blob, V1_FC1), "p1", "fc1"),
        v1_layer("fc2", 14, map(old_blob, FC2), "fc1", "fc2"),
        v1_layer("prob", 20, (), "fc2"),
    ]
    return part(1, "v1") + b"".join(layers)


CONV1_TEXT = 'convolution_param { num_output: 8 kernel_size: 3 pad: 1 group: 2 }'
POOL_TEXT = "pooling_param { pool: MAX kernel_size: 2 stride: 2 }"
NET_TEXT = [
    ("conv1", "Convolution", "data", "c1", CONV1_TEXT),
    ("norm1", "BatchNorm", "c1", "c1", "batch_norm_param { use_global_stats: true }"),
    ("scale1", "Scale", "c1", "c1", "scale_param { bias_term: true }"),
    ("slopes", "PReLU", "c1", "c1", ""),
    ("pool", "Pooling", "c1", "p1", POOL_TEXT),
    ("deconv", "Deconvolution", "p1", "d1", "convolution_param { num_output: 4 kernel_size: 2 stride: 2 }"),
    ("depthwise", "Convolution", "d1", "dw", "convolution_param { num_output: 4 kernel_size: 3 pad: 1 group: 4 bias_term: false }"),
    ("scale2", "Scale", "dw", "s2", "scale_param { bias_term: true }"),
    ("norm2", "BatchNorm", "s2", "n2", "batch_norm_param { use_global_stats: true }"),
    ("relu", "ReLU", "n2", "n2", ""),
    ("fc1", "InnerProduct", "n2", "fc1", "inner_product_param { num_output: 6 }"),
    ("fc2", "InnerProduct", "fc1", "fc2", "inner_product_param { num_output: 5 bias_term: false }"),
]
V1_TEXT = [
    ("conv1", "Convolution", "data", "c1", CONV1_TEXT),
    ("relu", "ReLU", "c1", "c1", ""),
    ("pool", "Pooling", "c1", "p1", POOL_TEXT),
    ("fc1", "InnerProduct", "p1", "fc1", "inner_product_param { num_output: 6 }"),
    ("fc2", "InnerProduct", "fc1", "fc2", "inner_product_param { num_output: 5 bias_term: false }"),
]


def opencv(model, layers, x):
    """What OpenCV computes from a file and the layers that go with it."""
    text = 'input: "data" input_shape { dim: 1 dim: 4 dim: 6 dim: 4 }\n'
    for name, kind, bottom, top, options in layers:
        text += f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top}" {options} }}\n'
    with tempfile.TemporaryDirectory() as folder:
        prototxt = pathlib.Path(folder, "net.prototxt")
        prototxt.write_text(text)
        network = cv2.dnn.readNetFromCaffe(str(prototxt), str(model))
    network.enableFusion(False)
    network.setInput(x, "data")
    return network.forward("fc2")


def edges():
    none = [np.array([3, 4], np.float32), np.array([5, 6], np.float32), np.array([0], np.float32)]
    layers = [
        layer("norm", "BatchNorm", map(blob, none), "data", "n"),
        layer("relu", "ReLU", (), "n", "n"),
        layer("scale", "Scale", [blob(np.array([1, 2], np.float32))], "n", "s"),
        layer("slope", "PReLU", [blob(np.array([0.25], np.float32), dims=())], "s"),
    ]
    return b"".join(layers)


def valid():
    OUT.mkdir(parents=True, exist_ok=True)
    x = numbers(0, 1, 4, 6, 4, low=-1, high=1)
    np.save(OUT / "input.npy", x)
    for name, content, text in [("net", net(blob), NET_TEXT), ("v1", v1_net(), V1_TEXT)]:
        model = OUT / f"{name}.caffemodel"
        model.write_bytes(content)
        output = opencv(model, text, x)
        print(name, output)
        np.save(OUT / f"{name}.npy", output)
    (OUT / "other.caffemodel").write_bytes(net(other_blob, transposed=True, training=True))
    (OUT / "edges.caffemodel").write_bytes(edges())


def hostile():
    files = Hostile("caffe", "caffemodel")
    four_floats = part(5, floats([1, 2, 3, 4]))

    def conv(*blobs, name="conv", kind="Convolution"):
        return part(1, "hostile") + layer(name, kind, blobs)

    def sizes(name, dims, what, error, phrase):
        files.add(name, conv(shape(*dims) + four_floats), what, error, phrase)

    sizes("size_2_to_63", [2**63 - 1, 4], "A dimension of 2^63-1", "Limits", "max_tensor_bytes")
    sizes("size_2_to_63_and_0", [2**63 - 1, 2**63 - 1, 0], "An empty tensor of 2^126 columns", "Limits", "max_tensor_bytes")
    sizes("size_product", [2**16, 2**16, 2**16, 2**16], "A product of 2^64", "Limits", "max_tensor_bytes")
    sizes("size_negative", [-4, 1], "A negative dimension", "Model", "negative dimension (-4)")
    sizes("size_gigabyte", [2**14, 2**14], "A gigabyte of which sixteen bytes are there", "Model", "holds 16 bytes for the tensor")
    sizes("rank_9", [1] * 9, "Nine dimensions", "Limits", "max_rank")
    sizes("rank_3000", [1] * 3000, "3000 dimensions", "Limits", "max_rank")
    sizes("numbers_few", [5], "Four numbers for five", "Model", "needs 20")
    sizes("numbers_many", [3], "Four numbers for three", "Model", "needs 12")
    sizes("shape_cut", [], "A scalar of four numbers", "Model", "needs 4")
    old = b"".join(number(i, n) for i, n in [(1, 2**63), (2, 1), (3, 1), (4, 1)]) + four_floats
    files.add("old_size_least", conv(old), "An old shape of -2^63", "Model", "negative dimension")
    old = b"".join(number(i, 2**31 - 1) for i in range(1, 5)) + four_floats
    files.add("old_size_most", conv(old), "An old shape of 2^31-1 in four directions", "Limits", "max_tensor_bytes")
    files.add("old_size_none", conv(four_floats), "Numbers without any shape", "Model", "needs 0")
    files.add("numbers_three_bytes", conv(shape(1) + part(5, b"abc")), "Three bytes of floats", "Model", "holds 3 bytes")
    files.add("numbers_five_bytes", conv(shape(1) + part(5, b"abcde")), "Five bytes of floats", "Model", "holds 5 bytes")
    files.add("doubles_seven_bytes", conv(shape(1) + part(8, b"abcdefg")), "Seven bytes of doubles", "Model", "holds 7 bytes")
    files.add("numbers_unpacked", conv(shape(1000) + four(5, floats([1])) * 1000), "A thousand floats one by one")
    files.add("numbers_absent", conv(shape(1)), "A blob without numbers", "Model", "holds 0 bytes")
    halves = conv(shape(2) + number(10, 2) + part(12, b"\0\0\0\0"))
    files.add("halves", halves, "Halves as forks store them", "Unsupported", "raw bytes")
    not_finite = conv(shape(3) + part(5, floats([float("nan"), float("inf"), -float("inf")])))
    files.add("not_finite", not_finite, "Weights that are not finite: what they give is for the network to say")

    start = part(1, "hostile") + layer("first", "ReLU")
    cut = part(1, "conv") + part(2, "Convolution") + varint(7 << 3 | 2) + varint(500 << 20) + b"\0\0\0\0"
    files.add("blob_absent", start + part(100, cut), "A blob of 500 MiB that is not there", "Model", "ends in the middle of a field in the layer `conv`")
    cut = shape(4) + varint(5 << 3 | 2) + varint(2**64 - 1)
    files.add("numbers_2_to_64", conv(cut), "2^64-1 bytes of floats", "Model", "ends in the middle of a field in a blob of the layer `conv`")
    files.add("layer_absent", start + varint(100 << 3 | 2) + varint(2**31), "A layer of 2 GiB that is not there", "Model", "in the network")
    files.add("key_cut", start + b"\x80", "Ends in the middle of a key", "Model", "ends in the middle")
    files.add("shape_broken", conv(part(7, part(1, b"\x80")) + four_floats), "A dimension that ends early", "Model", "a shape of the layer")
    files.add("varint_long", start + number(7, 0)[:1] + b"\xff" * 12, "A number of twelve bytes", "Model", "ten bytes")
    files.add("field_0", conv(b"\0\0" + four_floats), "A field of the number 0", "Model", "number that does not exist")
    files.add("field_group", conv(shape(4) + b"\x2b" + four_floats), "A group, which protobuf gave up", "Model", "kind that does not exist")
    files.add("name_number", start + part(100, number(1, 5)), "A name that is a number", "Model", "another kind")
    files.add("name_not_utf8", start + part(100, part(1, b"\xff\xfe")), "A name that is no text", "Model", "UTF-8")
    files.add("blob_number", start + part(100, part(1, "conv") + number(7, 5)), "A blob that is a number", "Model", "another kind")
    files.add("options_broken", start + part(100, part(1, "ip") + part(117, b"\x80")), "Options that end early", "Model", "the options of the layer")
    v1 = v1_layer("conv", 4) + part(2, part(4, "conv") + part(5, b""))
    files.add("v1_type_text", v1, "A type that is text where numbers are", "Model", "another kind")

    two, three = blob(np.ones(2, np.float32)), blob(np.ones(3, np.float32))
    one = blob(np.ones(1, np.float32))
    python = layer("mystery", "Python", [two]) + layer("more", "Bias", [two])
    files.add("type_unknown", start + python, "Layers that nobody knows", "Unsupported", "`mystery` (Python), `more` (Bias)")
    files.add("type_unknown_v1", v1_layer("power", 26, [two]), "An old layer with blobs it cannot have", "Unsupported", "`power` (V1 type 26)")
    files.add("type_absent", start + part(100, part(1, "a") + part(7, two)), "A layer without a type", "Unsupported", "`a` ()")
    files.add("v0", part(2, part(2, "x") + part(1, part(1, "conv") + part(2, "conv"))), "Layers as before 2013", "Unsupported", "V0")
    files.add("blobs_three", conv(two, two, two), "Three blobs of a convolution", "Model", "3 blobs")
    files.add("blobs_two_of_slopes", conv(two, two, kind="PReLU"), "Two blobs of slopes", "Model", "instead of 1")
    files.add("norm_two", conv(two, two, kind="BatchNorm"), "A normalisation without a factor", "Model", "instead of 3")
    files.add("norm_factor", conv(two, two, two, kind="BatchNorm"), "Two factors", "Model", "instead of one")
    files.add("norm_channels", conv(two, three, one, kind="BatchNorm"), "Variances for other channels", "Model", "2 means and 3 variances")
    norm = layer("norm", "BatchNorm", [two, two, one], "x", "n")
    scale = norm + layer("scale", "Scale", [three], "n", "n")
    files.add("norm_scale", scale, "A scale for other channels", "Model", "2 means and 3 factors")
    files.add("scale_summands", conv(two, three, kind="Scale"), "Summands for other channels", "Model", "2 factors and 3 summands")
    files.add("twice", layer("a", "PReLU", [two]) * 2, "Two layers of one name", "Model", "`a.weight` twice")
    turned = layer("ip", "InnerProduct", [two], options=part(117, number(6, 1)))
    files.add("transposed_vector", turned, "A vector that should be a transposed matrix", "Model", "should have 2 dimensions")

    deep = b""
    for _ in range(2000):
        deep = part(100, deep)
    files.add("deep", start + deep, "Layers in layers in layers, two thousand levels: none is followed")
    files.add("layers_empty", part(100, b"") * 2000, "2000 layers of nothing")
    files.add("blobs_empty", part(100, part(1, "a") + part(2, "Scale") + part(7, b"") * 2000), "2000 blobs of nothing", "Model", "2000 blobs")
    files.add("bottoms_empty", part(100, part(3, b"") * 2000), "2000 names of nothing")
    files.add("onnx", number(1, 8) + part(2, "exporter") + part(7, part(1, b"")), "An ONNX file", "Model", "no checkpoint of a known format")
    files.add("onnx_without_version", part(2, b"\x0a\x01x") + part(7, b""), "An ONNX file without its version", "Model", "no checkpoint of a known format")
    files.add("graphdef", part(1, part(1, "a")) * 2 + part(2, b""), "A TensorFlow graph", "Model", "no checkpoint of a known format")
    files.finish()


valid()
hostile()
