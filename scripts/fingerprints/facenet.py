"""FaceNet's networks of inception blocks: NN2, and NN3 and NN4, which are NN2 at other sizes."""

import numpy as np

from .layers import FIRST, global_avg, image, l2_pool, lrn, max_pool, relu

# Name, channels of the 1x1 convolution, before and after the 3x3 one, before and after the 5x5 one, kind of pooling and the channels of
# the 1x1 convolution after it. 0 = none; a block with "halve" has a stride of 2 throughout.
BLOCKS = (
    ("3a", 64, (96, 128), (16, 32), "max", 32),
    ("3b", 64, (96, 128), (32, 64), "l2", 64),
    ("3c", 0, (128, 256), (32, 64), "halve", 0),
    ("4a", 256, (96, 192), (32, 64), "l2", 128),
    ("4b", 224, (112, 224), (32, 64), "l2", 128),
    ("4c", 192, (128, 256), (32, 64), "l2", 128),
    ("4d", 160, (144, 288), (32, 64), "l2", 128),
    ("4e", 0, (160, 256), (64, 128), "halve", 0),
    ("5a", 384, (192, 384), (48, 128), "l2", 128),
    ("5b", 384, (192, 384), (48, 128), "max", 128),
)


def conv(net, name, x, channels, kernel, stride=1):
    return relu(net.conv(name, x, channels, kernel, stride, kernel // 2, bias=True))


def inception(net, x, block, five):
    name, one, (before3, after3), (before5, after5), pool, projected = block
    stride = 2 if pool == "halve" else 1
    parts = []
    if one:
        parts.append(conv(net, f"{name}.1x1", x, one, 1))
    parts.append(conv(net, f"{name}.3x3", conv(net, f"{name}.3x3r", x, before3, 1), after3, 3, stride))
    if five:
        parts.append(conv(net, f"{name}.5x5", conv(net, f"{name}.5x5r", x, before5, 1), after5, 5, stride))
    pooled = l2_pool(x, 3, 1, 1) if pool == "l2" else max_pool(x, 3, stride, 1)
    parts.append(conv(net, f"{name}.pool", pooled, projected, 1) if projected else pooled)
    return np.concatenate(parts)


def facenet(net, size, without=()):
    """The blocks named in `without` have no 5x5 convolutions."""
    x = lrn(max_pool(conv(net, "conv1", image(3, size, size), 64, 7, 2), 3, 2, 1))
    x = lrn(conv(net, "conv2", conv(net, "conv2r", x, 64, 1), 192, 3))
    x = max_pool(x, 3, 2, 1)
    for block in BLOCKS:
        x = inception(net, x, block, block[0] not in without)
    return net.fc("fc", global_avg(x), 128)


NETWORKS = {
    # Other sources give these too.
    "facenet-nn2": (lambda net: facenet(net, 224), FIRST),
    "facenet-nn3": (lambda net: facenet(net, 160), FIRST),
    "facenet-nn4": (lambda net: facenet(net, 96, ("5a", "5b")), FIRST),
    # Only from here.
    "facenet-nn4-alt": (lambda net: facenet(net, 96, ("4e", "5a", "5b")), FIRST),
}
