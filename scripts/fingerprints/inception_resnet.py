"""Inception-ResNet-v1, the network by which FaceNet's method is known in practice."""

import numpy as np

from .layers import FIRST, global_avg, image, max_pool, relu


def conv(net, name, x, channels, kernel, stride=1, pad=0):
    return relu(net.bn(f"{name}.bn", net.conv(f"{name}.conv", x, channels, kernel, stride, pad)))


def chain(net, name, x, *layers):
    """Convolutions one after the other, numbered; a layer is the arguments of `conv` after its input."""
    for i, layer in enumerate(layers):
        x = conv(net, f"{name}.{i}", x, *layer)
    return x


def residual(net, name, x, scale, *branches):
    """The branches joined, brought back to the channels of `x`, scaled and added; before the ReLU."""
    return x + scale * net.conv(f"{name}.conv2d", np.concatenate(branches), len(x), 1, bias=True)


def block35(net, name, x):
    a = conv(net, f"{name}.branch0", x, 32, 1)
    b = chain(net, f"{name}.branch1", x, (32, 1), (32, 3, 1, 1))
    c = chain(net, f"{name}.branch2", x, (32, 1), (32, 3, 1, 1), (32, 3, 1, 1))
    return residual(net, name, x, 0.17, a, b, c)


def block17(net, name, x):
    a = conv(net, f"{name}.branch0", x, 128, 1)
    b = chain(net, f"{name}.branch1", x, (128, 1), (128, (1, 7), 1, (0, 3)), (128, (7, 1), 1, (3, 0)))
    return residual(net, name, x, 0.1, a, b)


def block8(net, name, x, scale):
    a = conv(net, f"{name}.branch0", x, 192, 1)
    b = chain(net, f"{name}.branch1", x, (192, 1), (192, (1, 3), 1, (0, 1)), (192, (3, 1), 1, (1, 0)))
    return residual(net, name, x, scale, a, b)


def mixed_6a(net, x):
    a = conv(net, "mixed_6a.branch0", x, 384, 3, 2)
    b = chain(net, "mixed_6a.branch1", x, (192, 1), (192, 3, 1, 1), (256, 3, 2))
    return np.concatenate([a, b, max_pool(x, 3, 2)])


def mixed_7a(net, x):
    a = chain(net, "mixed_7a.branch0", x, (256, 1), (384, 3, 2))
    b = chain(net, "mixed_7a.branch1", x, (256, 1), (256, 3, 2))
    c = chain(net, "mixed_7a.branch2", x, (256, 1), (256, 3, 1, 1), (256, 3, 2))
    return np.concatenate([a, b, c, max_pool(x, 3, 2)])


def inception_resnet(net, length):
    net.epsilon = 1e-3
    x = conv(net, "conv2d_1a", image(3, 160, 160), 32, 3, 2)
    x = conv(net, "conv2d_2a", x, 32, 3)
    x = conv(net, "conv2d_2b", x, 64, 3, 1, 1)
    x = max_pool(x, 3, 2)
    x = conv(net, "conv2d_3b", x, 80, 1)
    x = conv(net, "conv2d_4a", x, 192, 3)
    x = conv(net, "conv2d_4b", x, 256, 3, 2)
    for i in range(5):
        x = relu(block35(net, f"repeat_1.{i}", x))
    x = mixed_6a(net, x)
    for i in range(10):
        x = relu(block17(net, f"repeat_2.{i}", x))
    x = mixed_7a(net, x)
    for i in range(5):
        x = relu(block8(net, f"repeat_3.{i}", x, 0.2))
    x = block8(net, "block8", x, 1.0)
    return net.bn("last_bn", net.fc("last_linear", global_avg(x), length, bias=False))


NETWORKS = {
    # Other sources give this too.
    "inception-resnet-v1": (lambda net: inception_resnet(net, 512), FIRST),
    # Only from here.
    "inception-resnet-v1-128": (lambda net: inception_resnet(net, 128), (0, 1, 2, 55)),
}
