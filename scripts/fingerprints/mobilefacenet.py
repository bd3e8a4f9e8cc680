"""MobileFaceNet: inverted residual blocks, and a depthwise convolution over the last map in place of pooling."""

from .layers import FIRST, image

# Rows of the table: expansion of the input's channels, channels, blocks, stride of the first.
ROWS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
ROWS_Y2 = ((2, 64, 9, 2), (4, 128, 1, 2), (2, 128, 16, 1), (4, 128, 1, 2), (2, 128, 4, 1))


def linear(net, name, x, channels, kernel, stride=1, pad=0, groups=1):
    return net.bn(f"{name}.bn", net.conv(name, x, channels, kernel, stride, pad, groups))


def conv(net, name, x, channels, kernel, stride=1, pad=0, groups=1):
    return net.prelu(f"{name}.prelu", linear(net, name, x, channels, kernel, stride, pad, groups))


def bottleneck(net, name, x, wide, channels, stride, attention=None):
    y = conv(net, f"{name}.exp", x, wide, 1)
    y = conv(net, f"{name}.dw", y, wide, 3, stride, 1, wide)
    y = linear(net, f"{name}.proj", y, channels, 1)
    if attention:
        y = attention(net, name, y)
    return x + y if stride == 1 and len(x) == channels else y


def trunk(net, rows, attention=None, two_blocks=False):
    """To the last map; with `two_blocks` the second layer is two blocks."""
    x = conv(net, "conv1", image(3, 112, 112), 64, 3, 2, 1)
    if two_blocks:
        for i in range(2):
            x = bottleneck(net, f"conv2.{i}", x, 64, 64, 1)
    else:
        x = conv(net, "conv2_dw", x, 64, 3, 1, 1, 64)
    number = 0
    for expansion, channels, blocks, stride in rows:
        for i in range(blocks):
            x = bottleneck(net, f"block{number}", x, expansion * len(x), channels, stride if i == 0 else 1, attention)
            number += 1
    return x


def head(net, x, wide, length, bias=False, epsilon=1e-5):
    """`epsilon` is that of the last normalisation."""
    x = conv(net, "conv6", x, wide, 1)
    x = linear(net, "gdc", x, wide, 7, groups=wide)
    x = net.fc("fc", x, length, bias)
    net.epsilon = epsilon
    return net.bn("fc.bn", x)


def mobilefacenet(net, length):
    return head(net, trunk(net, ROWS), 512, length)


def y1(net):
    """As InsightFace trained it with MXNet: with a bias in the last layer, and MXNet's epsilons."""
    net.epsilon = 1e-3
    return head(net, trunk(net, ROWS), 512, 128, bias=True, epsilon=2e-5)


def y2(net):
    net.epsilon = 1e-3
    return head(net, trunk(net, ROWS_Y2, two_blocks=True), 512, 256, bias=True, epsilon=2e-5)


NETWORKS = {
    # Other sources give this too.
    "mobilefacenet": (lambda net: mobilefacenet(net, 128), FIRST),
    # Only from here.
    "mobilefacenet-512": (lambda net: mobilefacenet(net, 512), FIRST),
    "mobilefacenet-y1": (y1, FIRST),
    "mobilefacenet-y2": (y2, FIRST),
}
