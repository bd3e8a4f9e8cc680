"""Writes small networks as Keras 2 saves them in HDF5, the tensors that reading them has to give, and files that are damaged.

    python scripts/checkpoints/keras_hdf5.py [OUT_DIR]        default: tests/checkpoints

Needs tf_keras (Keras 2) with TensorFlow, h5py, numpy and safetensors. tf_keras no longer has LocallyConnected2D, so h5py writes what Keras 2
wrote for it.
"""

import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import numpy as np
import tf_keras as keras
from hostile_keras import hostile
from safetensors.numpy import save_file
from tf_keras import layers as L
from tf_keras.src.saving.legacy import hdf5_format

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent.parent / "tests" / "checkpoints")
FOLDER = OUT / "keras"
RANDOM = np.random.default_rng(5)


def numbers(shape):
    # Exact in f16.
    return RANDOM.integers(-64, 65, shape).astype(np.float32) / 64


def randomised(model):
    """Small fractions for weights; variances are positive."""
    model.set_weights([np.abs(numbers(w.shape)) + 0.5 if "variance" in w.name else numbers(w.shape) for w in model.weights])
    return model


def oihw(w):
    return w.transpose(w.ndim - 1, w.ndim - 2, *range(w.ndim - 2))


def expected(model, prefix=""):
    """What each layer's weights are here, from the layers themselves rather than from names in the file."""
    out = {}
    for layer in model.layers:
        name, weights = prefix + layer.name, layer.get_weights()
        if isinstance(layer, keras.Model):
            out |= expected(layer, f"{name}.")
        elif isinstance(layer, L.BatchNormalization):
            parts = (["weight"] if layer.scale else []) + (["bias"] if layer.center else []) + ["running_mean", "running_var"]
            out |= {f"{name}.{p}": w for p, w in zip(parts, weights, strict=True)}
        elif isinstance(layer, L.SeparableConv2D):
            depthwise, pointwise, bias = weights
            out[f"{name}.depthwise.weight"] = depthwise.transpose(2, 3, 0, 1).reshape(-1, 1, *depthwise.shape[:2])
            out |= {f"{name}.pointwise.weight": oihw(pointwise), f"{name}.pointwise.bias": bias}
        elif isinstance(layer, L.DepthwiseConv2D):
            out[f"{name}.weight"] = weights[0].transpose(2, 3, 0, 1).reshape(-1, 1, *weights[0].shape[:2])
            out |= {f"{name}.bias": b for b in weights[1:]}
        elif isinstance(layer, L.PReLU):
            alpha = weights[0]
            if alpha.ndim == 3:
                alpha = alpha.reshape(-1) if alpha.shape[:2] == (1, 1) else alpha.transpose(2, 0, 1)
            out[f"{name}.weight"] = alpha
        elif weights:
            out[f"{name}.weight"] = oihw(weights[0])
            out |= {f"{name}.bias": b for b in weights[1:]}
    return out


def save(name, tensors):
    # Numbers in front: the format of the expectation has no order of its own.
    save_file({f"{i:03} {k}": np.ascontiguousarray(v) for i, (k, v) in enumerate(tensors.items())}, str(FOLDER / f"{name}.safetensors"))
    path = FOLDER / f"{name}.h5"
    print(f"{path.name}: {path.stat().st_size} bytes, {len(tensors)} tensors")


def all_layers():
    x = inputs = keras.Input((8, 8, 3))
    x = L.Conv2D(4, 3, strides=2, padding="same", name="conv1")(x)
    x = L.BatchNormalization(name="bn1")(x)
    x = L.PReLU(shared_axes=[1, 2], name="prelu1")(x)
    x = L.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False, name="dw")(x)
    x = L.BatchNormalization(scale=False, name="bn2")(x)
    x = L.PReLU(name="prelu2")(x)
    x = L.SeparableConv2D(3, 2, name="sep")(x)
    x = L.Flatten(name="flat")(x)
    x = L.Dense(5, name="fc1")(x)
    x = L.PReLU(name="prelu3")(x)
    return keras.Model(inputs, L.Dense(4, use_bias=False, name="fc2")(x), name="all")


def nested():
    inner = keras.Sequential(
        [keras.Input((6, 6, 2)), L.Conv2D(3, (1, 3), name="first"), L.Conv2DTranspose(2, 2, name="second")], name="trunk"
    )
    model = keras.Sequential([inner, L.GlobalAveragePooling2D(), L.Dense(3, name="head")])
    model.build((None, 6, 6, 2))
    return model


def repacked(source, target, fixed=False, dtype=None, **filters):
    """The same file with its datasets in chunks, and its lists of names as strings of one length or of any."""

    def attributes(a, b):
        for key, value in a.attrs.items():
            if "_names" not in key:
                b.attrs[key] = value
            elif fixed or not len(value):
                b.attrs[key] = np.array([n.encode() if isinstance(n, str) else n for n in value], dtype="S")
            else:
                names = [n if isinstance(n, str) else n.decode() for n in value]
                b.attrs.create(key, names, shape=(len(names),), dtype=h5py.string_dtype())

    with h5py.File(source) as a, h5py.File(target, "w") as b:
        attributes(a, b)

        def visit(path, item):
            if isinstance(item, h5py.Group):
                attributes(item, b.create_group(path))
            else:
                chunks = tuple(max(1, (n + 1) // 2) for n in item.shape)
                b.create_dataset(path, data=item[()].astype(dtype or item.dtype), chunks=chunks, **filters)

        a.visititems(visit)


def locally_connected(path):
    """What Keras 2 writes for LocallyConnected2D (implementation 1): a row of weights a window."""
    kernel, bias = numbers((6, 2 * 2 * 3, 4)), numbers((2, 3, 4))
    with h5py.File(path, "w") as f:
        f.attrs["layer_names"] = np.array([b"local"])
        f.attrs["backend"], f.attrs["keras_version"] = b"tensorflow", b"2.2.4"
        group = f.create_group("local")
        group.attrs["weight_names"] = np.array([b"local/kernel:0", b"local/bias:0"])
        group["local/kernel:0"], group["local/bias:0"] = kernel, bias
    return {"local.weight": kernel.transpose(0, 2, 1).reshape(2, 3, 4, 12), "local.bias": bias}


FOLDER.mkdir(parents=True, exist_ok=True)
model = randomised(all_layers())
model.save_weights(FOLDER / "weights.h5")
save("weights", expected(model))
model.save(FOLDER / "model.h5", include_optimizer=False)
save("model", expected(model))
model = randomised(nested())
# Lists of names are cut when they are longer than this.
hdf5_format.HDF5_OBJECT_HEADER_LIMIT = 40
model.save_weights(FOLDER / "nested.h5")
save("nested", expected(model))
for name, how in {
    "gzip": {"compression": "gzip"},
    "shuffle": {"compression": "gzip", "shuffle": True, "fletcher32": True, "dtype": "f2", "fixed": True},
    "chunks": {"dtype": "f8", "fletcher32": True},
}.items():
    repacked(FOLDER / "nested.h5", FOLDER / f"{name}.h5", **how)
    save(name, expected(model))
save("local", locally_connected(FOLDER / "local.h5"))
hostile(OUT)
