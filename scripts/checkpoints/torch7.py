"""Writes small networks as Torch7 saves them, the tensors that reading them has to give, and files that are damaged or made to hurt.

    python scripts/checkpoints/torch7.py [OUT_DIR]        default: tests/checkpoints

Needs numpy, safetensors and, for the check with a reader that shares nothing with this writer, torchfile. The output is the same every time.
The network has the layers of OpenFace's: convolutions with biases and normalisations, as matrices and as filters, nn.Inception around
an nn.DepthConcat with branches in the order 3x3, 5x5, pool, 1x1, pooling by norms, and a linear layer.
"""

import pathlib
import sys

import numpy as np
from hostile_torch7 import hostile
from safetensors.numpy import save_file
from torch7_wire import Module, Table, Tensor, Writer

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent.parent / "tests" / "checkpoints")


class Network:
    """Modules, and the tensors that they should be read as, in the order of layers."""

    def __init__(self, seed, kind="Float"):
        self.random = np.random.default_rng(seed)
        self.kind = kind
        self.expected = {}

    def numbers(self, *shape):
        # Exact in f16.
        return self.random.integers(-64, 65, shape).astype(np.float32) / 64

    def tensor(self, array):
        return Tensor(array, self.kind)

    def conv(self, path, inputs, outputs, k, stride=1, matrix=False, bias=True, package="nn"):
        weight = self.numbers(outputs, inputs, k, k)
        self.expected[f"{path}.weight"] = weight
        fields = {"nInputPlane": inputs, "nOutputPlane": outputs, "kW": k, "kH": k, "dW": stride, "dH": stride}
        fields |= {"padW": k // 2, "padH": k // 2}
        fields["weight"] = self.tensor(weight.reshape(outputs, -1) if matrix else weight)
        fields["gradWeight"] = self.tensor(np.zeros(1, np.float32))
        if bias:
            self.expected[f"{path}.bias"] = self.numbers(outputs)
            fields["bias"] = self.tensor(self.expected[f"{path}.bias"])
        return Module(f"{package}.SpatialConvolution" + ("MM" if matrix and package == "nn" else ""), fields)

    def bn(self, path, channels, old=False, affine=True, spatial=True):
        mean, variance = self.numbers(channels), np.abs(self.numbers(channels)) + 0.5
        weight = self.numbers(channels) if affine else np.ones(channels, np.float32)
        bias = self.numbers(channels) if affine else np.zeros(channels, np.float32)
        self.expected |= {f"{path}.weight": weight, f"{path}.bias": bias, f"{path}.running_mean": mean}
        fields = {"eps": 1e-5, "affine": affine, "train": False, "running_mean": self.tensor(mean)}
        if affine:
            fields |= {"weight": self.tensor(weight), "bias": self.tensor(bias)}
        if old:
            stored = (1 / np.sqrt(variance.astype(np.float64) + 1e-5)).astype(np.float32)
            fields["running_std"] = self.tensor(stored)
            variance = (1 / stored.astype(np.float64) ** 2 - 1e-5).astype(np.float32)
        else:
            fields["running_var"] = self.tensor(variance)
        self.expected[f"{path}.running_var"] = variance
        return Module("nn.SpatialBatchNormalization" if spatial else "nn.BatchNormalization", fields)

    def linear(self, path, inputs, outputs, bias=True):
        self.expected[f"{path}.weight"] = self.numbers(outputs, inputs)
        fields = {"weight": self.tensor(self.expected[f"{path}.weight"])}
        if bias:
            self.expected[f"{path}.bias"] = self.numbers(outputs)
            fields["bias"] = self.tensor(self.expected[f"{path}.bias"])
        return Module("nn.Linear", fields)

    def prelu(self, path, channels):
        self.expected[f"{path}.weight"] = self.numbers(channels or 1)
        return Module("nn.PReLU", {"nOutputPlane": channels, "weight": self.tensor(self.expected[f"{path}.weight"])})


def plain(name, **fields):
    return Module(f"nn.{name}", {"train": False, **fields})


def container(name, modules, **fields):
    return Module(f"nn.{name}", {"modules": Table(modules), **fields})


def lp_pooling(network, channels):
    """Pooling by norms holds a layer with parameters that are not learned."""
    ones, zeros = network.tensor(np.ones(channels, np.float32)), network.tensor(np.zeros(channels, np.float32))
    sums = Module("nn.SpatialSubSampling", {"kW": 3, "kH": 3, "dW": 3, "dH": 3, "weight": ones, "bias": zeros})
    return container("SpatialLPPooling", [plain("Square"), sums, plain("Sqrt")], kW=3, kH=3)


def inception(n, path, inputs):
    """3x3, 5x5, pool, 1x1, each with a normalisation after every convolution."""

    def branch(i, *layers):
        made = []
        for layer in layers:
            if isinstance(layer, Module):
                made.append(layer)
            else:
                into, out, k, matrix = layer
                place = f"{path}.{i}"
                made += [n.conv(f"{place}.{len(made)}", into, out, k, matrix=matrix), n.bn(f"{place}.{len(made) + 1}", out), plain("ReLU")]
        return container("Sequential", made)

    branches = [
        branch(0, (inputs, 2, 1, False), (2, 3, 3, True)),
        branch(1, (inputs, 2, 1, True), (2, 3, 5, False)),
        branch(2, lp_pooling(n, inputs), (inputs, 2, 1, False)),
        branch(3, (inputs, 2, 1, False)),
    ]
    concat = container("DepthConcat", branches, dimension=2)
    # The same module under two names, as nn.Decorator keeps it.
    return Module("nn.Inception", {"module": concat, "modules": Table([concat]), "inputSize": inputs})


def openface(n, old=False):
    layers = [
        n.conv("0", 3, 4, 7, stride=2),
        n.bn("1", 4, old=old),
        plain("ReLU"),
        plain("SpatialMaxPooling", kW=3, kH=3, indices=Tensor(np.zeros((1, 2), np.int64), "Long")),
        plain("SpatialCrossMapLRN", size=5, alpha=1e-4),
    ]
    layers.append(inception(n, "5.0", 4))
    layers += [
        plain("SpatialAveragePooling", kW=3, kH=3),
        plain("View", numElements=10, size=Tensor(np.array([10]), "Long", storage_only=True)),
    ]
    layers += [n.linear("8", 10, 6), plain("Normalize", p=2, eps=1e-10)]
    return container("Sequential", layers, train=False)


def other_layers(n):
    layers = [
        n.conv("0", 2, 3, 3, bias=False, package="cudnn"),
        n.prelu("1", 3),
        n.bn("2", 3, affine=False),
        container(
            "ConcatTable", [plain("Identity"), container("Sequential", [n.conv("3.1.0", 3, 3, 3, matrix=True), n.prelu("3.1.1", 0)])]
        ),
        plain("CAddTable"),
        n.linear("5", 12, 4, bias=False),
        n.bn("6", 4, old=True, spatial=False),
    ]
    return container("Sequential", layers)


def views():
    """Tensors that share one storage, turned, repeated and from its middle; a network in a table, beside other things."""
    base = np.arange(40, dtype=np.float32)
    storage = Tensor(base, "Float")
    turned = Tensor(None, "Float", view=(storage, (4, 3), (1, 4), 2))
    repeated = Tensor(None, "Float", view=(storage, (4,), (0,), 39))
    middle = Tensor(None, "Float", view=(storage, (3, 4), (4, 1), 20))
    layers = [Module("nn.Linear", {"weight": turned, "bias": repeated}), Module("nn.Linear", {"weight": middle})]
    network = container("Sequential", layers, _type="torch.FloatTensor")
    network.fields["parent"] = network
    expected = {
        "0.weight": np.ascontiguousarray(base[2:14].reshape(3, 4).T),
        "0.bias": np.full(4, 39, np.float32),
        "1.weight": base[20:32].reshape(3, 4).copy(),
    }
    return Table({"epoch": 12.0, "model": network, "criterion": plain("MSECriterion"), "best": True, "none": None}), expected


def check(path, expected):
    """What an independent reader finds in the order of a walk."""
    import torchfile

    found = []

    def walk(module):
        if hasattr(module, "torch_typename"):
            name = module.torch_typename().decode()
            if name.endswith("SubSampling"):
                return
            for part in ("weight", "bias", "running_mean", "running_var", "running_std"):
                value = module[part]
                if isinstance(value, np.ndarray) and value.size:
                    found.append(value)
            for child in module["modules"] or []:
                walk(child)

    root = torchfile.load(str(path))
    walk(root[b"model"] if isinstance(root, dict) else root)

    def counts(v):
        # Normalisations without factors are read with ones and zeros.
        return not (v.ndim == 1 and (np.all(v == 1) or np.all(v == 0)))

    found, numbers = list(filter(counts, found)), list(filter(counts, expected.values()))
    same = [np.array_equal(a.reshape(-1).astype(np.float32), b.reshape(-1)) for a, b in zip(found, numbers, strict=True)]
    return same.count(True), same.count(False)


def write(name, root, expected, deviations=0, **options):
    folder = OUT / "torch7"
    folder.mkdir(parents=True, exist_ok=True)
    writer = Writer(**options)
    writer.value(root)
    path = folder / f"{name}.t7"
    path.write_bytes(bytes(writer.out))
    # Numbers in front: the format of the expectation has no order of its own.
    save_file({f"{i:03} {k}": v for i, (k, v) in enumerate(expected.items())}, str(folder / f"{name}.safetensors"))
    same, other = check(path, expected)
    assert other == deviations, f"{other} of the tensors that torchfile finds are not those expected"
    size = path.stat().st_size
    print(f"{path.name}: {size} bytes, {len(expected)} tensors; torchfile finds {same} of them and {other} inverse deviations")


n = Network(1)
write("openface", openface(n), n.expected)
n = Network(2, "Double")
write("old", openface(n, old=True), n.expected, deviations=1, versions=False)
n = Network(3, "Cuda")
write("other_layers", other_layers(n), n.expected, deviations=1)
root, expected = views()
write("views", root, expected)
hostile(OUT)
