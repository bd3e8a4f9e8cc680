"""DeepID, DeepID2 and DeepID2+: small networks on patches of a face, with filters that differ by place in the upper layers."""

import numpy as np

from .layers import FIRST, image, max_pool, relu


def deepid(net, patch, maps=(20, 40, 60, 80), feature=160):
    """The feature sees the pooled third layer and the fourth."""
    x = max_pool(relu(net.conv("conv1", image(*patch), maps[0], 4, bias=True)), 2, 2)
    x = max_pool(relu(net.conv("conv2", x, maps[1], 3, bias=True)), 2, 2)
    third = max_pool(relu(net.local("conv3", x, maps[2], 3, tile=2)), 2, 2)
    fourth = relu(net.local("conv4", third, maps[3], 2))
    return relu(net.fc("feat", np.concatenate([third.ravel(), fourth.ravel()]), feature))


NETWORKS = {
    # Other sources give these too.
    "deepid-39x31-rgb": (lambda net: deepid(net, (3, 39, 31)), FIRST),
    "deepid-39x31-gray": (lambda net: deepid(net, (1, 39, 31)), FIRST),
    "deepid-31x31-rgb": (lambda net: deepid(net, (3, 31, 31)), FIRST),
    "deepid2": (lambda net: deepid(net, (3, 55, 47)), (*FIRST, 41)),
    "deepid2-plus": (lambda net: deepid(net, (3, 55, 47), (128,) * 4, 512), (*FIRST, 299)),
    # Only from here.
    "deepid-31x31-gray": (lambda net: deepid(net, (1, 31, 31)), (*FIRST, 151)),
}
