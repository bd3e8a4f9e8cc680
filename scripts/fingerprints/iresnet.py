"""IResNet, the residual network of ArcFace, with and without squeeze and excitation."""

from .layers import FIRST, global_avg, image, sigmoid


def gate(net, name, x):
    """Squeeze and excitation: a factor for each channel from the means of all."""
    g = net.conv(f"{name}.fc1", global_avg(x), len(x) // 16, 1, bias=True)
    g = net.conv(f"{name}.fc2", net.prelu(f"{name}.prelu", g), len(x), 1, bias=True)
    return x * sigmoid(g)


def block(net, name, x, channels, first, squeeze):
    stride = 2 if first else 1
    y = net.conv(f"{name}.conv1", net.bn(f"{name}.bn1", x), channels, 3, 1, 1)
    y = net.prelu(f"{name}.prelu", net.bn(f"{name}.bn2", y))
    y = net.bn(f"{name}.bn3", net.conv(f"{name}.conv2", y, channels, 3, stride, 1))
    if squeeze:
        y = gate(net, f"{name}.se", y)
    if first:
        x = net.bn(f"{name}.downsample.1", net.conv(f"{name}.downsample.0", x, channels, 1, stride))
    return x + y


def iresnet(net, blocks, squeeze=False):
    x = net.prelu("prelu", net.bn("bn1", net.conv("conv1", image(3, 112, 112), 64, 3, 1, 1)))
    for stage, (channels, count) in enumerate(zip((64, 128, 256, 512), blocks), 1):
        for i in range(count):
            x = block(net, f"layer{stage}.{i}", x, channels, i == 0, squeeze)
    return net.bn("features", net.fc("fc", net.bn("bn2", x), 512))


NETWORKS = {
    # Other sources give these too.
    "iresnet-18": (lambda net: iresnet(net, (2, 2, 2, 2)), FIRST),
    "iresnet-34": (lambda net: iresnet(net, (3, 4, 6, 3)), FIRST),
    "iresnet-50": (lambda net: iresnet(net, (3, 4, 14, 3)), FIRST),
    "iresnet-100": (lambda net: iresnet(net, (3, 13, 30, 3)), FIRST),
    "iresnet-se-18": (lambda net: iresnet(net, (2, 2, 2, 2), squeeze=True), FIRST),
    "iresnet-se-50": (lambda net: iresnet(net, (3, 4, 14, 3), squeeze=True), FIRST),
    # Only from here.
    "iresnet-90": (lambda net: iresnet(net, (3, 8, 30, 3)), FIRST),
    "iresnet-200": (lambda net: iresnet(net, (6, 26, 60, 6)), FIRST),
    "iresnet-se-34": (lambda net: iresnet(net, (3, 4, 6, 3), squeeze=True), FIRST),
    "iresnet-se-90": (lambda net: iresnet(net, (3, 8, 30, 3), squeeze=True), FIRST),
    "iresnet-se-100": (lambda net: iresnet(net, (3, 13, 30, 3), squeeze=True), FIRST),
}
