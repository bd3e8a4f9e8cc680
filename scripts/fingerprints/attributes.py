"""Age, gender and race as the deepface library reads them: VGGFace, then a layer over classes. What goes into the softmax is shown."""

from .vggface import vggface


def classes(net, number):
    return net.fc("predictions", vggface(net), number)


# Only from here.
NETWORKS = {
    "age": (lambda net: classes(net, 101), (0, 1, 2, 93)),
    "gender": (lambda net: classes(net, 2), (0, 1)),
    "race": (lambda net: classes(net, 6), (0, 1, 2, 4)),
}
