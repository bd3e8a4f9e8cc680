"""VGGFace: VGG-16 trained to recognise people."""

from .layers import FIRST, image, max_pool, relu, unit


def vggface(net):
    """To the ReLU of fc7."""
    x = image(3, 224, 224)
    for block, (convs, channels) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], 1):
        for i in range(1, convs + 1):
            x = relu(net.conv(f"conv{block}_{i}", x, channels, 3, 1, 1, bias=True))
        x = max_pool(x, 2, 2)
    x = relu(net.fc("fc6", x, 4096))
    return relu(net.fc("fc7", x, 4096))


def triplet(net):
    return net.fc("triplet", unit(vggface(net)), 1024, bias=False)


NETWORKS = {
    # Other sources give this too.
    "vggface": (vggface, FIRST),
    # Only from here.
    "vggface-triplet": (triplet, FIRST),
}
