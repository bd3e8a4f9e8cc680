"""ShrinkTeaNet: its teacher and one of its students are networks of other families."""

from .iresnet import NETWORKS as IRESNET
from .mobilefacenet import NETWORKS as MOBILEFACENET

# Only from here.
NETWORKS = {
    "shrinkteanet-teacher": IRESNET["iresnet-90"],
    "shrinkteanet-mobilefacenet": MOBILEFACENET["mobilefacenet-512"],
}
