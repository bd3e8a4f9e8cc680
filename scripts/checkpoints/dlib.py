"""Writes tests/checkpoints/dlib and tests/checkpoints/hostile/dlib: small files in the layout of dlib's networks.

    python scripts/checkpoints/dlib.py

Needs nothing. The bytes are put together here, in the layout of `dlib_face_recognition_resnet_model_v1.dat`, because dlib's package builds for
a long time and has no way to write a network. The real file is compared with numbers of another program in `tests/checkpoint_layers.rs`, where
it is at hand. The output is the same every time.

net.dat     two convolutions with their affine layers and a linear layer; its numbers count up from 1 in the order of the file
"""

from manifest import ROOT, Hostile
from protobuf import floats


def integer(n):
    """A byte with the sign and the number of bytes, then the absolute value."""
    size = max(1, (abs(n).bit_length() + 7) // 8)
    return bytes([size | (0x80 if n < 0 else 0)]) + abs(n).to_bytes(size, "little")


def tag(name):
    name = name if isinstance(name, bytes) else name.encode()
    return integer(len(name)) + name


def float_(mantissa, exponent=0):
    return integer(mantissa) + integer(exponent)


class Numbers:
    """1, 2, 3 and so on."""

    def __init__(self):
        self.next = 1

    def take(self, n):
        self.next += n
        return floats([float(i) for i in range(self.next - n, self.next)])


def tensor(dims, data):
    return integer(2) + b"".join(map(integer, dims)) + data


def some(numbers, n):
    return tensor([n, 1, 1, 1], numbers.take(n))


def part(*dims):
    return integer(1) + b"".join(map(integer, dims))


def integers(*values):
    return b"".join(map(integer, values))


MULTIPLIERS = float_(1) * 3 + float_(0)
EMPTY = tensor([0, 0, 0, 0], b"")
STATE = b"110" + EMPTY * 3


def con(numbers, outputs, inputs, size, name="con_4"):
    n = outputs * inputs * size * size + outputs
    geometry = integers(outputs, size, size, 1, 1, 0, 0)
    parts = part(outputs, inputs, size, size) + part(1, outputs, 1, 1)
    return tag(name) + some(numbers, n) + geometry + parts + MULTIPLIERS


def affine(numbers, channels, name="affine_"):
    return tag(name) + some(numbers, 2 * channels) + part(1, channels, 1, 1) * 2 + integer(0)


def fc(numbers, outputs, inputs, biases=False):
    """As many rows as there are inputs, then the biases."""
    weights = tensor([inputs + biases, outputs, 1, 1], numbers.take((inputs + biases) * outputs))
    return (
        tag("fc_2")
        + integers(outputs, inputs)
        + weights
        + part(inputs, outputs, 1, 1)
        + (part(1, outputs, 1, 1) if biases else part(0, 0, 0, 0))
        + integer(0 if biases else 1)
        + MULTIPLIERS
    )


def pool(name):
    return tag(name) + integers(2, 2, 2, 2, 0, 0)


LOSS = integer(1) + tag("loss_metric_2") + float_(0xA3D70A, -28) + float_(0x99999A, -24)
INPUT = tag("input_rgb_image_sized") + float_(122) + float_(117) + float_(104) + integers(150, 150)


def network(layers, loss=LOSS, versions=None, picture=INPUT, names=2, state=STATE, expansion=1):
    """Versions from the output backwards, some of them of names; the input; the layers forwards."""
    if versions is None:
        versions = integer(2) * (len(layers) - 1) + integer(1) * names + integer(3)
    first = layers[0] + state + integer(expansion)
    return loss + versions + picture + first + b"".join(l + state for l in layers[1:])


def layers():
    n = Numbers()
    return [
        con(n, 4, 3, 3),
        affine(n, 4),
        tag("relu_"),
        pool("max_pool_2"),
        con(n, 2, 4, 1),
        affine(n, 2),
        tag("add_prev_"),
        tag("relu_"),
        pool("avg_pool_2"),
        fc(n, 3, 2),
    ]


def valid():
    out = ROOT / "dlib"
    out.mkdir(parents=True, exist_ok=True)
    (out / "net.dat").write_bytes(network(layers()))


def hostile():
    files = Hostile("dlib", "dat")
    n = Numbers()
    small = con(n, 2, 1, 1)

    def raw_con(stored, filters=(2, 1, 1, 1), biases=(1, 2, 1, 1), multipliers=MULTIPLIERS):
        return tag("con_4") + stored + integers(2, 1, 1, 1, 1, 0, 0) + part(*filters) + part(*biases) + multipliers

    four = tensor([4, 1, 1, 1], n.take(4))

    def claims(name, dims, what, phrase):
        files.add(name, network([raw_con(tensor(dims, b"\0" * 16))]), what, "Model", phrase)

    claims("size_2_to_63", [2**63 - 1, 1, 1, 1], "A dimension of 2^63-1", "claims 9223372036854775807x1x1x1 numbers")
    claims("size_product", [2**16] * 4, "A product of 2^64", "claims 65536x65536x65536x65536")
    claims("size_negative", [-4, 1, 1, 1], "A negative dimension", "negative size -4")
    claims("size_two_negative", [-2, -2, 1, 1], "Two negative dimensions", "negative size -2")
    claims("size_absent", [2**28, 1, 1, 1], "A gigabyte that is not there", "claims 268435456x1x1x1")
    files.add("number_64_bits", network([raw_con(integer(2) + b"\x08" + b"\xff" * 8)]), "A dimension of 2^64-1", "Model", "beyond 63 bits")
    files.add("number_9_bytes", network([raw_con(integer(2) + b"\x09" + b"\x01" * 9)]), "A number of nine bytes", "Model", "gives 9 bytes")
    files.add("number_0_bytes", network([raw_con(integer(2) + b"\x00")]), "A number of no bytes", "Model", "gives 0 bytes")
    files.add("number_bits", network([raw_con(integer(2) + b"\x71\x01")]), "A number with bits that mean nothing", "Model", "gives 113 bytes")
    cut = LOSS + integer(3) + tag("input_rgb_image_sized") + b"\x04\x01"
    files.add("number_cut", cut, "Ends in a number", "Model", "ends in the middle of the mean of a channel")

    files.add("filters_most", network([raw_con(four, [2**62, 2**62, 1, 1])]), "Filters of 2^124 numbers", "Limits", "max_tensor_bytes")
    files.add("biases_most", network([raw_con(four, biases=[2**62, 2**62, 1, 1])]), "Biases of 2^124 numbers", "Limits", "max_tensor_bytes")
    files.add("filters_many", network([raw_con(four, [5, 1, 1, 1])]), "More filters than numbers", "Model", "needs 20")
    files.add("filters_few", network([raw_con(four, [1, 1, 1, 1])]), "Fewer filters than numbers", "Model", "4 bytes more for the layer `conv1`")
    files.add("filters_negative", network([raw_con(four, [-2, 1, 1, 1])]), "Filters of negative size", "Model", "negative size")
    files.add("affine_many", network([tag("affine_") + four + part(1, 8, 1, 1) * 2 + integer(0)]), "Factors for more channels", "Model", "needs 32")
    linear = tag("fc_2") + integers(2, 2) + four + part(2**31, 2**31, 1, 1) + part(0, 0, 0, 0) + integer(1) + MULTIPLIERS
    files.add("linear_most", network([linear]), "A matrix of 2^62 numbers", "Limits", "max_tensor_bytes")
    linear = tag("fc_2") + integers(2, 2) + four + part(0, 2**40, 1, 1) + part(0, 0, 0, 0) + integer(1) + MULTIPLIERS
    files.add("linear_empty", network([linear]), "A matrix without rows", "Limits", "max_tensor_bytes")

    tensor_3 = integer(3) + integers(1, 1, 1, 1) + b"\0" * 4
    files.add("tensor_version", network([raw_con(tensor_3)]), "A tensor of version 3", "Unsupported", "the number 3 for the version of a tensor")
    for name, mantissa, exponent in [("infinite", 0, 32000), ("minus_infinite", 0, 32001), ("not_a_number", 0, 32002)]:
        bad = network([raw_con(four, multipliers=float_(mantissa, exponent) * 4)])
        files.add(f"multiplier_{name}", bad, "A multiplier that is not finite", "Model", f"its exponent is {exponent}")
    loss = integer(1) + tag("loss_metric_2") + float_(1, 2**40) + float_(0)
    files.add("margin_exponent", network([small], loss), "A margin of 2^(2^40)", "Model", "not finite")
    files.add("state", network([small], state=b"1x0" + EMPTY * 3), "A truth value that is a letter", "Model", "neither 0 nor 1")
    left = b"110" + tensor([2**20, 2**20, 1, 1], b"") + EMPTY * 2
    files.add("left_absent", network([small], state=left), "Gradients of four terabytes", "Model", "what training left behind")
    files.add("expansion", network([small], expansion=2), "An input that makes two pictures of one", "Unsupported", "the number 2")

    files.add("tag_long", LOSS + integer(3) + integer(2**40), "A name of 2^40 letters", "Model", "impossible length")
    files.add("tag_negative", LOSS + integer(3) + integer(-5) + b"relu_", "A name of -5 letters", "Model", "impossible length")
    files.add("tag_binary", network([tag(b"\xff\x00\x1b[")]), "A name that is no text", "Model", "no text")
    files.add("tag_empty", network([tag("")]), "A layer without a name", "Unsupported", "the layer ``")
    files.add("version_4", network([small], versions=integer(4)), "A layer of version 4", "Model", "version 4")
    files.add("version_negative", network([small], versions=integer(-2)), "A layer of version -2", "Model", "version -2")
    files.add("versions_only", LOSS + integer(2) * 5000, "5000 layers that do not follow", "Model", "ends in the middle")
    files.add("versions_names", network([small], names=5000), "5000 names for one layer")
    files.add("layers_missing", network([small], versions=integer(2) * 9 + integer(3)), "Ten layers of which one is there", "Model", "ends in")
    files.add("behind", network([small]) + b"more", "Bytes behind the network", "Model", "4 bytes more than its network")
    files.add("loss_version", network([small], integer(2) + LOSS[2:]), "A loss of version 2", "Model", "no checkpoint of a known format")

    mmod = integer(1) + tag("loss_mmod_") + integers(1, 80, 80)
    files.add("detector", mmod, "A face detector of dlib", "Unsupported", "as face detectors of dlib are")
    log = integer(1) + tag("loss_multiclass_log_") + integer(3)
    files.add("classifier", log, "A classifier of dlib", "Unsupported", "`loss_multiclass_log_`")
    predictor = integers(1, -136, -1) + float_(1, -3) * 136
    files.add("shape_predictor", predictor, "A shape predictor of dlib", "Unsupported", "is a shape predictor of dlib")
    pyramid = tag("input_rgb_image_pyramid") + float_(1) * 3
    files.add("input", network([small], picture=pyramid), "Another input", "Unsupported", "the input `input_rgb_image_pyramid`")
    files.add("training", network([small, tag("bn_con2") + four]), "A network in training", "Unsupported", "the layer `bn_con2`")
    files.add("con_6", network([con(n, 2, 1, 1, "con_6")]), "A convolution of later versions", "Unsupported", "the layer `con_6`")
    files.finish()


valid()
hostile()
