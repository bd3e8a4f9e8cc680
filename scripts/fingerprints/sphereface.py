"""SphereFace and CosFace: plain residual networks for crops of 112x96."""

from .layers import FIRST, image


def caffe(stage, layer):
    """Names of convolution and PReLU, and whether there is a bias, as in the Caffe files; the first layer of a stage is number 1."""
    return f"conv{stage}_{layer}", f"conv{stage}_{layer}.prelu", True


def clcarwin(stage, layer):
    return f"conv{stage}_{layer}", f"relu{stage}_{layer}", True


def sequential(stage, layer):
    """As in CosFace's PyTorch port, which has no biases in its units of two layers."""
    if layer == 1:
        return f"layer{stage}.0", f"layer{stage}.1", True
    unit, part = layer // 2 + 1, layer % 2 + 1
    return f"layer{stage}.{unit}.conv{part}", f"layer{stage}.{unit}.prelu{part}", False


def sphereface(net, units, names=caffe, last="fc5"):
    """`units` of two layers in each stage, added to their input after the second PReLU."""

    def layer(stage, number, x, channels, stride=1):
        conv, prelu, bias = names(stage, number)
        return net.prelu(prelu, net.conv(conv, x, channels, 3, stride, 1, bias=bias))

    x = image(3, 112, 96)
    for stage, (channels, count) in enumerate(zip((64, 128, 256, 512), units), 1):
        x = layer(stage, 1, x, channels, 2)
        for number in range(2, 2 + 2 * count, 2):
            x = x + layer(stage, number + 1, layer(stage, number, x, channels), channels)
    return net.fc(last, x, 512)


NETWORKS = {
    # Other sources give these too.
    "sphereface-4": (lambda net: sphereface(net, (0, 0, 0, 0)), FIRST),
    "sphereface-10": (lambda net: sphereface(net, (0, 1, 2, 0)), FIRST),
    "sphereface-20": (lambda net: sphereface(net, (1, 2, 4, 1)), FIRST),
    "sphereface-20-pytorch": (lambda net: sphereface(net, (1, 2, 4, 1), clcarwin), FIRST),
    "sphereface-36": (lambda net: sphereface(net, (2, 4, 8, 2)), FIRST),
    "sphereface-64": (lambda net: sphereface(net, (3, 8, 16, 3)), FIRST),
    "sphereface-64-released": (lambda net: sphereface(net, (3, 7, 16, 3)), FIRST),
    # Only from here.
    "cosface-20": (lambda net: sphereface(net, (1, 2, 4, 1), sequential, "fc"), FIRST),
    "cosface-64-pytorch": (lambda net: sphereface(net, (3, 7, 16, 3), sequential, "fc"), FIRST),
}
