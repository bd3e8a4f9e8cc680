"""Fingerprints of networks: what they compute in float64 from weights that are functions of their names, and what they count.

    python fingerprints.py [NAME ...]        default: all of them

For the numbers in src/zoo that no other source gives: variants of published networks, such as deeper ones or other lengths of the
embedding. This program shares nothing with the crate: every layer is written again, in NumPy, and every network is built again from
its table of layers. Networks whose numbers other sources give too are here as well, so that the program itself is checked by them.

A line for each network: name in the registry, parameters, multiply-adds, L2 norm of the output, and the elements of it that the
registry lists, with their indices. Where the registry compares logits, so does this. Needs only numpy. All of them take some
minutes, the largest (iresnet-200, vggface) some tens of seconds.
"""

import argparse

import numpy as np
from fingerprints import (
    airface,
    attributes,
    deepid,
    facenet,
    inception_resnet,
    iresnet,
    mbf,
    mobilefacenet,
    shrinkteanet,
    sphereface,
    vggface,
)
from fingerprints.layers import Net

FAMILIES = (deepid, facenet, inception_resnet, vggface, attributes, sphereface, iresnet, mobilefacenet, mbf, airface, shrinkteanet)

# name -> (what computes the output with a `Net`, indices of the elements to show)
NETWORKS = {name: network for family in FAMILIES for name, network in family.NETWORKS.items()}


def line(name):
    build, elements = NETWORKS[name]
    net = Net()
    output = build(net).ravel()
    shown = "  ".join(f"{i}: {output[i]:.6g}" for i in elements)
    return f"{name:<27} {net.parameters:>11,} {net.macs:>14,}  {np.linalg.norm(output):<11.6g}  {shown}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help="networks to compute")
    names = parser.parse_args().name or NETWORKS
    unknown = [name for name in names if name not in NETWORKS]
    if unknown:
        parser.error(f"unknown network {', '.join(unknown)}; known are {', '.join(NETWORKS)}")
    for name in names:
        print(line(name), flush=True)


if __name__ == "__main__":
    main()
