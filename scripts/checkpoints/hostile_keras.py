"""HDF5 files that are damaged, contradictory or made to hurt, and what each has to give.

Most are files of h5py with a few bytes changed.
"""

import io
import struct

import h5py
import manifest
import numpy as np

ENTRIES = []
DATASPACE, DATATYPE, LAYOUT, FILTERS, ATTRIBUTE, TABLE = 1, 3, 8, 11, 12, 17


def keras(weights, layer="fc", names=None, listed=None, **how):
    """A file of one layer; `weights`: arrays or shapes of nothing by name."""
    target = io.BytesIO()
    latest = {"libver": "latest"} if how.pop("latest", False) else {}
    with h5py.File(target, "w", **latest) as f:
        f.attrs["layer_names"] = np.array([n.encode() for n in (listed or [layer])])
        group = f.create_group(layer)
        names = [f"{layer}/{w}:0" for w in weights] if names is None else names
        group.attrs["weight_names"] = np.array([n.encode() for n in names], dtype=None if names else "S1")
        for name, value in weights.items():
            path = f"{layer}/{name}:0"
            if isinstance(value, tuple):
                group.create_dataset(path, shape=value, dtype="f4", **how)
            else:
                group.create_dataset(path, data=value, **how)
    return bytearray(target.getvalue())


def dense(**how):
    return keras({"kernel": np.ones((4, 6), np.float32), "bias": np.ones(6, np.float32)}, **how)


class View:
    """Where things are in a file."""

    def __init__(self, data):
        self.data = data

    def long(self, at):
        return struct.unpack_from("<Q", self.data, at)[0]

    def root(self):
        return self.long(64)

    def message(self, header, kind, skip=0):
        """Where the contents of a message of an object begin."""
        count, size = struct.unpack_from("<H4xI", self.data, header + 2)
        blocks = [(header + 16, size)]
        while blocks:
            at, size = blocks.pop(0)
            end = at + size
            while count and at + 8 <= end:
                found, length = struct.unpack_from("<HH", self.data, at)
                if found == kind:
                    if not skip:
                        return at + 8
                    skip -= 1
                if found == 16:
                    blocks.append((self.long(at + 8), self.long(at + 16)))
                at += 8 + length
                count -= 1
        raise KeyError(kind)

    def tree(self, group):
        return self.long(self.message(group, TABLE))

    def heap(self, group):
        return self.long(self.message(group, TABLE) + 8)

    def leaf(self, group):
        return self.long(self.tree(group) + 32)

    def child(self, group, name):
        leaf, names = self.leaf(group), self.long(self.heap(group) + 24)
        for i in range(struct.unpack_from("<H", self.data, leaf + 6)[0]):
            at = leaf + 8 + 40 * i
            start = names + self.long(at)
            if self.data[start : self.data.index(0, start)] == name:
                return self.long(at + 8)
        raise KeyError(name)

    def kernel(self):
        return self.child(self.child(self.child(self.root(), b"fc"), b"fc"), b"kernel:0")


def changed(data, *changes):
    """A file with numbers written over its bytes: places, struct codes, numbers."""
    out = bytearray(data)
    for at, code, value in changes:
        struct.pack_into("<" + code, out, at, value)
    return out


def amplified_names(data):
    """A heap of 8 KB and names in it that each begin a byte later."""
    v = View(data)
    root, names, count = v.root(), len(data), 1000
    heap = b"n" * 8191 + b"\0"
    leaf = names + len(heap)
    entries = b"".join(struct.pack("<QQ24x", i, root) for i in range(count))
    out = changed(data, (v.heap(root) + 8, "Q", len(heap)), (v.heap(root) + 24, "Q", names), (v.tree(root) + 32, "Q", leaf))
    return out + heap + b"SNOD\1\0" + struct.pack("<H", count) + entries


def string_references(text, count):
    target = io.BytesIO()
    with h5py.File(target, "w") as f:
        f.attrs.create("layer_names", [text] * count, dtype=h5py.string_dtype())
        f.create_group("fc").attrs.create("weight_names", ["w"], dtype=h5py.string_dtype())
        f["fc/w"] = np.ones(1, np.float32)
    return bytearray(target.getvalue())


def amplified_strings():
    """2500 references to one string of 8 KB."""
    data = string_references("x" * 8000, 2)
    v = View(data)
    # The message is moved behind the end of the file, with more references.
    at = v.message(v.root(), ATTRIBUTE)
    sizes = struct.unpack_from("<HHH", data, at + 2)
    version = data[at]
    padded = [(n + 7) // 8 * 8 if version == 1 else n for n in sizes]
    head = 8 + (version == 3)
    start = at + head + sum(padded)
    reference = bytes(data[start : start + 16])
    space = at + head + padded[0] + padded[1]
    message = bytearray(data[at:start]) + reference * 2500
    dims = space - at + (8 if message[space - at] == 1 else 4)
    struct.pack_into("<Q", message, dims, 2500)
    if message[space - at + 2] & 1:
        struct.pack_into("<Q", message, dims + 8, 2500)
    block = struct.pack("<HHB3x", ATTRIBUTE, len(message), 0) + message
    table = struct.pack("<HHB3xQQ", TABLE, 16, 0, v.tree(v.root()), v.heap(v.root()))
    more = len(data)
    out = changed(data, (64, "Q", more))
    return out + struct.pack("<BxHII4x", 1, 2, 1, 24 + len(block)) + table + block


def hostile(out):
    folder = out / "hostile" / "keras"
    folder.mkdir(parents=True, exist_ok=True)

    def f(name, data, what, error=None, phrase=""):
        assert len(data) < 70_000, (name, len(data))
        (folder / f"{name}.h5").write_bytes(bytes(data))
        ENTRIES.append({"file": f"{name}.h5", "what": what, "error": error or "", "phrase": phrase})

    base = dense()
    v = View(base)
    root, kernel = v.root(), v.kernel()
    far, most = 2**40, 2**63 - 1
    space, layout = v.message(kernel, DATASPACE), v.message(kernel, LAYOUT)
    f("dense", base, "A file without a fault", None)
    # The head.
    f("superblock_2", dense(latest=True)[:48], "The head of a file in the newer form", "Unsupported", "superblock of version")
    f("superblock_255", changed(base, (8, "B", 255)), "A version that does not exist", "Unsupported", "superblock of version 255")
    f("addresses_4", changed(base, (13, "B", 4)), "Addresses of 4 bytes", "Unsupported", "[4, 8]")
    f("base_512", changed(base, (24, "Q", 512)), "Addresses that count from elsewhere", "Unsupported", "do not count from the beginning")
    f("root_far", changed(base, (64, "Q", far)), "A root behind the end", "Model", "beyond its end")
    f("root_most", changed(base, (64, "Q", 2**64 - 1)), "A root nowhere", "Model", "beyond its end")
    f("root_head", changed(base, (64, "Q", 0)), "A root in the head", "Model", "no object at byte 0")
    # Object headers.
    f("header_2", changed(base, (root, "4s", b"OHDR")), "An object header of the newer form", "Unsupported", "object header of version 2")
    f("header_size", changed(base, (root + 8, "I", 2**32 - 1)), "An object header of 4 GB", "Model", "beyond its end")
    f("message_size", changed(base, (root + 18, "H", 65535)), "A message longer than its header", "Model", "ends in")
    loop = struct.pack("<HHB3xQQ", 16, 16, 0, len(base), 24)
    f(
        "continuation_loop",
        changed(base, (64, "Q", len(base) + 24)) + loop + struct.pack("<BxHII4x", 1, 65535, 1, 24) + loop,
        "A header that continues in itself",
        "Model",
        "again and again",
    )
    f("shared", changed(base, (layout - 4, "B", 2)), "A message stored elsewhere", "Unsupported", "stored elsewhere")
    # Groups.
    f("tree_letters", changed(base, (v.tree(root), "4s", b"TREX")), "A tree that is none", "Model", "a node of a group")
    f("tree_kind", changed(base, (v.tree(root) + 4, "B", 1)), "A tree of chunks for a group", "Model", "a node of a group")
    f("tree_used", changed(base, (v.tree(root) + 6, "H", 65535)), "A node of 65535 children", "Model", "")
    f(
        "tree_loop",
        changed(base, (v.tree(root) + 5, "B", 1), (v.tree(root) + 32, "Q", v.tree(root))),
        "A node that is its own child",
        "Model",
        "does not end",
    )
    f("heap_letters", changed(base, (v.heap(root), "4s", b"HEAX")), "Names that are nowhere", "Model", "names of a group")
    f("heap_size", changed(base, (v.heap(root) + 8, "Q", most)), "Names of 2^63 - 1 bytes", "Model", "beyond its end")
    f("leaf_letters", changed(base, (v.leaf(root), "4s", b"SNOX")), "A leaf that is none", "Model", "a node of a group")
    f("leaf_count", changed(base, (v.leaf(root) + 6, "H", 65535)), "A leaf of 65535 members", "Model", "beyond its end")
    f("name_far", changed(base, (v.leaf(root) + 8, "Q", most)), "A name behind all names", "Model", "does not end")
    twice = changed(base, (v.leaf(root) + 6, "H", 2), (v.leaf(root) + 48, "Q", v.long(v.leaf(root) + 8)))
    f("name_twice", twice, "Two members of one name", "Model", "two members")
    f("names_amplified", amplified_names(base), "A thousand names of 8 KB in 8 KB", "Model", "again and again")
    f("group_loop", changed(base, (v.leaf(root) + 16, "Q", root)), "A layer that is the root", "Model", "without weights")
    # Attributes.
    f("no_layers", keras({"bias": np.ones(2, np.float32)}, listed=["gone"]), "A layer that is not there", "Model", "lacks its group")
    f("no_weights", dense(names=["fc/gone:0"]), "Weights that are not there", "Model", "lacks its weights")
    f("weights_twice", dense(names=["fc/kernel:0", "fc/kernel:0"]), "Weights listed twice", "Model", "twice")
    f("weights_through_dataset", dense(names=["fc/bias:0/x"]), "A path through a dataset", "Model", "no group")
    attribute = v.message(root, ATTRIBUTE)
    f("attribute_version", changed(base, (attribute, "B", 9)), "An attribute of version 9", "Unsupported", "attribute of version 9")
    f(
        "attribute_name",
        changed(base, (attribute + 2, "H", 65535)),
        "An attribute with a name of 65535 letters",
        "Model",
        "ends in an attribute",
    )
    empty = io.BytesIO()
    with h5py.File(empty, "w") as file:
        file.create_group("layers/conv/vars")["0"] = np.ones(3, np.float32)
    f("keras_3", empty.getvalue(), "A file as Keras 3 lays it out", "Unsupported", "layer_names")
    heap = string_references("fc", 1)
    collection = heap.index(b"GCOL")
    f("strings", heap, "Names of any length", None)
    f("strings_letters", changed(heap, (collection, "4s", b"GCOX")), "A heap of strings that is none", "Model", "heap of strings")
    f("strings_size", changed(heap, (collection + 8, "Q", most)), "A heap of 2^63 - 1 bytes", "Model", "beyond its end")
    f("strings_size_8", changed(heap, (collection + 8, "Q", 8)), "A heap of 8 bytes", "Model", "of 8 bytes")
    f("strings_object", changed(heap, (collection + 24, "Q", 2**64 - 1)), "A string of 2^64 - 1 bytes in a heap", "Model", "")
    f("strings_number", changed(heap, (collection + 16, "H", 77)), "A string that is not in its heap", "Model", "")
    f("strings_amplified", amplified_strings(), "2500 references to one string of 8 KB", "Model", "again and again")
    # Datasets.
    f("dims_most", changed(base, (space + 8, "Q", most), (space + 16, "Q", most)), "Dimensions of 2^63 - 1", "Limits", "max_tensor_bytes")
    f("dims_beyond", changed(base, (space + 8, "Q", 2**64 - 1)), "Dimensions of 2^64 - 1", "Limits", "max_tensor_bytes")
    f("dims_more", changed(base, (space + 8, "Q", 5)), "Dimensions that need more than there is", "Model", "needs 120")
    f("rank_9", changed(base, (space + 1, "B", 9)), "Nine dimensions", "Limits", "max_rank")
    f("place_far", changed(base, (layout + 2, "Q", far)), "Numbers behind the end", "Model", "beyond its end")
    f("place_length", changed(base, (layout + 10, "Q", most)), "2^63 - 1 bytes of numbers", "Model", "beyond its end")
    f("place_version", changed(base, (layout, "B", 4)), "A layout of the newer form", "Unsupported", "data layout of version 4")
    f("place_class", changed(base, (layout + 1, "B", 3)), "A layout elsewhere", "Unsupported", "another class")
    f("never_written", keras({"kernel": (2, 2)}), "A dataset without numbers", "Model", "never written")
    f("big_endian", keras({"kernel": np.ones((2, 2), ">f4")}), "Numbers the other way around", "Unsupported", "little-endian")
    f("text", keras({"kernel": np.array([b"a", b"b"])}), "A dataset of strings", "Unsupported", "no little-endian number")
    # Chunks.
    ones = {"kernel": np.ones((4, 6), np.float32)}
    packed = keras(ones, chunks=(2, 3), compression="gzip")
    w = View(packed)
    tree = w.long(w.message(w.kernel(), LAYOUT) + 3)
    key = 8 + 8 * 3
    f("chunks", packed, "Compressed chunks", None)
    f("chunks_missing", changed(packed, (tree + 6, "H", 3)), "Chunks that are missing", "Model", "lacks 1 chunks")
    f("chunks_many", changed(packed, (tree + 6, "H", 60)), "Chunks too many", "Model", "")
    f("chunks_place", changed(packed, (tree + 24 + 8, "Q", 1)), "A chunk between places", "Model", "none can be")
    f("chunks_far", changed(packed, (tree + 24 + 8, "Q", 2**63)), "A chunk at 2^63", "Model", "none can be")
    f(
        "chunks_loop",
        changed(packed, (tree + 5, "B", 2), (tree + 24 + key, "Q", tree)),
        "A node that is its own child",
        "Model",
        "does not end",
    )
    f("chunk_length", changed(packed, (tree + 24, "I", 2**32 - 1)), "A chunk of 4 GB", "Model", "beyond its end")
    f("chunk_unpacked", changed(packed, (tree + 28, "I", 1)), "A chunk without its filter", "Unsupported", "without its filters")
    first = w.long(tree + 24 + key)
    f("chunk_damaged", changed(packed, (first + 4, "I", 0x55555555)), "A chunk that does not unpack", "Model", "cannot be unpacked")
    f("chunk_longer", changed(packed, (w.message(w.kernel(), LAYOUT) + 11, "I", 1)), "Chunks that unpack to more", "Model", "")
    sides = w.message(w.kernel(), LAYOUT) + 11
    f(
        "chunk_most",
        changed(packed, (sides, "I", 2**32 - 1), (sides + 4, "I", 2**32 - 1)),
        "Chunks of 2^64 elements",
        "Unsupported",
        "in chunks of",
    )
    f("chunk_0", changed(packed, (sides, "I", 0)), "Chunks of nothing", "Unsupported", "in chunks of")
    bomb = keras({"kernel": np.zeros((2048, 2048), np.float32)}, chunks=(2048, 2048), compression="gzip", compression_opts=9)
    f("unpacks_to_16_megabytes", bomb, "16 MB of zeros in 20 KB: within the default limits", None)
    b = View(bomb)
    place, side = b.message(b.kernel(), DATASPACE) + 8, b.message(b.kernel(), LAYOUT) + 11
    more = changed(bomb, (place, "Q", 2**20), (place + 8, "Q", 2**20), (side, "I", 2**20), (side + 4, "I", 2**20))
    f("unpacks_to_4_terabytes", more, "A chunk of 4 TB", "Limits", "max_tensor_bytes")
    f("lzf", keras(ones, compression="lzf"), "A filter of h5py", "Unsupported", "the filter 32000")
    # Layers.
    f("kernel_1", keras({"kernel": np.ones(3, np.float32)}), "A kernel of one axis", "Unsupported", "1 axes")
    f(
        "kernel_6",
        keras({"kernel": np.ones((1,) * 6, np.float32)}),
        "A locally connected layer of another implementation",
        "Unsupported",
        "6 axes",
    )
    local = {"kernel": np.ones((6, 4, 2), np.float32), "bias": np.ones((2, 2, 2), np.float32)}
    f("local_biases", keras(local), "Biases for other windows", "Model", "6 windows")
    f("depthwise_most", keras({"depthwise_kernel": (0, 1, 2**40, 2**40)}), "Channels beyond 2^63", "Model", "channels")
    f("depthwise_0", keras({"depthwise_kernel": (0, 1, 2**30, 2**30)}), "No weights for 2^60 channels", "Limits", "max_tensor_bytes")
    # A file that ends in each kind of part.
    for name, cut, phrase in (
        ("head", 60, "ends in"),
        ("header", root + 20, "end"),
        ("tree", v.tree(root) + 30, "end"),
        ("heap", v.heap(root) + 20, "end"),
        ("leaf", v.leaf(root) + 20, "end"),
        ("space", space + 4, "end"),
        ("numbers", v.long(layout + 2) + 10, "beyond its end"),
    ):
        f(f"cut_{name}", base[:cut], f"A file that ends in a {name}", "Model", phrase)
    manifest.write(folder, "keras_hdf5.py", ENTRIES)
