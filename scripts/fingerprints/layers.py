"""Layers in float64, with weights that are functions of their names.

Maps are arrays of channels, rows and columns, without a batch; after the last map there are vectors.
Weights are uniform numbers scaled by the inputs of an output. Everything else stays near what would change nothing: 1 for factors and
variances, 0 for biases and means, 0.25 for the slopes of a PReLU.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

FIRST = (0, 1, 2, 3)  # elements of the output that are shown of most networks


def fnv1a(name):
    """32 bits of an ASCII string."""
    state = 2166136261
    for byte in name.encode("ascii"):
        state = (state ^ byte) * 16777619 % 2**32
    return state


def values(name, shape, first=0):
    """Numbers of [-1, 1) by the name of a tensor and the index in it, row by row; `first` is the index of the first one."""
    # Multiplications of 32-bit arrays drop what does not fit, as they have to.
    h = np.arange(first, first + int(np.prod(shape)), dtype=np.uint32)
    h *= np.uint32(0x9E3779B9)
    h += np.uint32(fnv1a(name))
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return (h / 2.0**31 - 1.0).reshape(shape)


def image(channels, height, width):
    """What is fed."""
    return values("input", (channels, height, width))


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def unit(x):
    """Scaled to a norm of 1."""
    return x / np.linalg.norm(x)


def global_avg(x):
    """The mean of each channel, as a map of one place."""
    return x.mean(axis=(1, 2), keepdims=True)


def windows(x, kernel, stride, pad, filler):
    """Squares of a map, as two more axes at the end."""
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)), constant_values=filler)
    return sliding_window_view(x, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]


def max_pool(x, kernel, stride=1, pad=0):
    return windows(x, kernel, stride, pad, -np.inf).max(axis=(3, 4))


def l2_pool(x, kernel, stride=1, pad=0):
    """The root of the sum of squares."""
    return np.sqrt((windows(x, kernel, stride, pad, 0.0) ** 2).sum(axis=(3, 4)))


def lrn(x, size=5, alpha=1e-4, beta=0.75):
    """Local response normalisation over the channels around each; alpha is divided by their number."""
    side = size // 2
    squares = np.pad(x * x, ((side, side), (0, 0), (0, 0)))
    total = sum(squares[i : i + len(x)] for i in range(size))
    return x / (1 + alpha / size * total) ** beta


def by_channel(numbers, x):
    """One number a channel, in a shape that goes with `x`."""
    return numbers.reshape(-1, *[1] * (x.ndim - 1))


class Net:
    """Layers with weights; counts their trainable numbers and multiply-adds."""

    def __init__(self):
        self.parameters = self.macs = 0
        self.epsilon = 1e-5  # of batch normalisation

    def weight(self, name, shape, fan_in):
        self.parameters += int(np.prod(shape))
        return values(f"{name}.weight", shape) * np.sqrt(3 / fan_in)

    def bias(self, name, shape):
        self.parameters += int(np.prod(shape))
        return 0.1 * values(f"{name}.bias", shape)

    def conv(self, name, x, channels, kernel, stride=1, pad=0, groups=1, bias=False):
        """`kernel` and `pad` are one number, or one for rows and one for columns."""
        height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        above, left = pad if isinstance(pad, tuple) else (pad, pad)
        inputs = len(x) // groups  # of an output
        x = np.pad(x, ((0, 0), (above, above), (left, left)))
        rows, columns = (x.shape[1] - height) // stride + 1, (x.shape[2] - width) // stride + 1
        x = x.reshape(groups, inputs, *x.shape[1:])
        weight = self.weight(name, (channels, inputs, height, width), inputs * height * width)
        self.macs += weight.size * rows * columns
        # A matrix for each place of the kernel and each group.
        weight = np.ascontiguousarray(weight.reshape(groups, channels // groups, inputs, height, width).transpose(3, 4, 0, 1, 2))
        y = np.zeros((groups, channels // groups, rows * columns))
        for i, j in np.ndindex(height, width):
            seen = x[:, :, i : i + stride * (rows - 1) + 1 : stride, j : j + stride * (columns - 1) + 1 : stride]
            y += weight[i, j] @ seen.reshape(groups, inputs, rows * columns)
        y = y.reshape(channels, rows, columns)
        return y + by_channel(self.bias(name, (channels,)), y) if bias else y

    def local(self, name, x, channels, kernel, tile=1):
        """A convolution with filters and biases of its own for every tile of `tile` x `tile` outputs."""
        inputs, fan_in = len(x), len(x) * kernel * kernel
        rows, columns = x.shape[1] - kernel + 1, x.shape[2] - kernel + 1
        tiles = (-(-rows // tile), -(-columns // tile))  # rounded up
        weight = self.weight(name, (*tiles, channels, inputs, kernel, kernel), fan_in)
        bias = self.bias(name, (*tiles, channels))
        self.macs += channels * fan_in * rows * columns
        y = np.empty((channels, rows, columns))
        for i, j in np.ndindex(rows, columns):
            at = (i // tile, j // tile)
            y[:, i, j] = np.tensordot(weight[at], x[:, i : i + kernel, j : j + kernel], axes=3) + bias[at]
        return y

    def fc(self, name, x, outputs, bias=True):
        """A fully connected layer; maps are read as channels, rows, columns."""
        x = x.ravel()
        y = np.empty(outputs)
        step = max(1, 2**24 // x.size)  # rows of the matrix at a time: the largest has 103 million numbers
        for start in range(0, outputs, step):
            rows = min(step, outputs - start)
            y[start : start + rows] = values(f"{name}.weight", (rows, x.size), start * x.size) @ x
        y *= np.sqrt(3 / x.size)
        self.parameters += outputs * x.size
        self.macs += outputs * x.size
        return y + self.bias(name, (outputs,)) if bias else y

    def bn(self, name, x):
        """Batch normalisation with its stored mean and variance, which are not trainable."""
        channels = (len(x),)
        factor = 1 + 0.1 * values(f"{name}.weight", channels)
        mean = 0.1 * values(f"{name}.running_mean", channels)
        variance = 1 + 0.1 * values(f"{name}.running_var", channels)
        self.parameters += len(x)
        shift = self.bias(name, channels)
        return by_channel(factor / np.sqrt(variance + self.epsilon), x) * (x - by_channel(mean, x)) + by_channel(shift, x)

    def prelu(self, name, x):
        self.parameters += len(x)
        slope = 0.25 + 0.1 * values(f"{name}.weight", (len(x),))
        return np.where(x > 0, x, by_channel(slope, x) * x)
