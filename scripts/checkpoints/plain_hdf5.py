"""Rewrites an HDF5 file in the form that h5py writes by default, which lookalike reads.

    python scripts/checkpoints/plain_hdf5.py IN.h5 OUT.h5

Needs h5py. For files in the newer form of HDF5 (libver="latest", track_order=True), with filters of plug-ins, big-endian numbers or links.
"""

import sys

import h5py
import numpy as np


def little(value):
    return value.astype(value.dtype.newbyteorder("<")) if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" else value


def copy(source, target):
    for key, value in source.attrs.items():
        kind = source.attrs.get_id(key).dtype
        target.attrs.create(key, little(value), shape=np.shape(value), dtype=kind if kind.kind in "OS" else None)
    # Links are followed.
    for name in source:
        item = source[name]
        if isinstance(item, h5py.Group):
            copy(item, target.create_group(name, track_order=False))
        else:
            copied = target.create_dataset(name, data=little(item[()]))
            for key, value in item.attrs.items():
                copied.attrs[key] = value


if __name__ == "__main__":
    with h5py.File(sys.argv[1]) as source, h5py.File(sys.argv[2], "w") as target:
        copy(source, target)
