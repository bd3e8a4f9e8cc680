"""AirFace: a deeper and wider MobileFaceNet with attention to channels and places in every block."""

import numpy as np

from .layers import FIRST, relu
from .mobilefacenet import head, trunk

ROWS = ((2, 64, 10, 2), (4, 128, 1, 2), (2, 128, 16, 1), (8, 256, 1, 2), (2, 256, 6, 1))


def attention(net, name, x):
    """Both factors are 1 + tanh where others take a sigmoid."""
    # The mean and the largest number of each channel as two places of one map, since both go through the same two layers.
    pooled = np.stack([x.mean(axis=(1, 2)), x.max(axis=(1, 2))], axis=1)[:, None]
    hidden = relu(net.conv(f"{name}.ca.fc1", pooled, len(x) // 16, 1))
    x = x * (1 + np.tanh(net.conv(f"{name}.ca.fc2", hidden, len(x), 1).sum(axis=2, keepdims=True)))
    pooled = np.stack([x.mean(axis=0), x.max(axis=0)])
    return x * (1 + np.tanh(net.conv(f"{name}.sa", pooled, 1, 7, 1, 3)))


def airface(net, length):
    return head(net, trunk(net, ROWS, attention), 1024, length)


NETWORKS = {
    # Other sources give this too.
    "airface": (lambda net: airface(net, 512), FIRST),
    # Only from here.
    "airface-128": (lambda net: airface(net, 128), FIRST),
}
