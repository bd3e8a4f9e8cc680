"""MobileFaceNet as InsightFace trains it with PyTorch."""

from .layers import FIRST, image


def linear(net, name, x, channels, kernel, stride=1, pad=0, groups=1):
    return net.bn(f"{name}.layers.1", net.conv(f"{name}.layers.0", x, channels, kernel, stride, pad, groups))


def conv(net, name, x, channels, kernel, stride=1, pad=0, groups=1):
    return net.prelu(f"{name}.layers.2", linear(net, name, x, channels, kernel, stride, pad, groups))


def depthwise(net, name, x, wide, channels, stride):
    x = conv(net, f"{name}.layers.0", x, wide, 1)
    x = conv(net, f"{name}.layers.1", x, wide, 3, stride, 1, wide)
    return linear(net, f"{name}.layers.2", x, channels, 1)


def residual(net, name, x, wide, blocks):
    for i in range(blocks):
        x = x + depthwise(net, f"{name}.layers.{i}", x, wide, len(x), 1)
    return x


def mbf(net, channels, blocks):
    """Twice the channels in the last two stages. Where the second layer would be one block, it is a convolution in 64 groups."""
    x = conv(net, "layers.0", image(3, 112, 112), channels, 3, 2, 1)
    if blocks[0] == 1:
        x = conv(net, "layers.1", x, channels, 3, 1, 1, 64)
    else:
        x = residual(net, "layers.1", x, 128, blocks[0])
    x = depthwise(net, "layers.2", x, 128, channels, 2)
    x = residual(net, "layers.3", x, 128, blocks[1])
    x = depthwise(net, "layers.4", x, 256, 2 * channels, 2)
    x = residual(net, "layers.5", x, 256, blocks[2])
    x = depthwise(net, "layers.6", x, 512, 2 * channels, 2)
    x = residual(net, "layers.7", x, 256, blocks[3])
    x = conv(net, "conv_sep", x, 512, 1)
    x = linear(net, "features.layers.0", x, 512, 7, groups=512)
    return net.bn("features.layers.3", net.fc("features.layers.2", x, 512, bias=False))


NETWORKS = {
    # Other sources give this too.
    "mbf": (lambda net: mbf(net, 128, (1, 4, 6, 2)), FIRST),
    # Only from here.
    "mbf-large": (lambda net: mbf(net, 256, (2, 8, 12, 4)), FIRST),
}
