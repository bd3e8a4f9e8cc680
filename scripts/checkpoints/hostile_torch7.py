"""Files in Torch7's serialisation that are damaged, contradictory or made to hurt, and what each has to give."""

import struct

import manifest
import numpy as np
from torch7_wire import FUNCTION, NEW_FUNCTION, OLD_FUNCTION, TABLE, TORCH, Module, Table, Tensor, Writer

ENTRIES = []


def floats(*shape):
    return Tensor(np.ones(shape, np.float32), "Float")


def linear(weight=None, **more):
    return Module("nn.Linear", {"weight": weight or floats(2, 3), **more})


def net(*modules):
    return Module("nn.Sequential", {"modules": Table(list(modules))})


def raw(*parts):
    """A value put together by hand: ints, pairs of struct codes and numbers, bytes."""

    def write(writer):
        for part in parts:
            if isinstance(part, int):
                writer.int(part)
            elif isinstance(part, tuple):
                writer.out += struct.pack("<" + part[0], *part[1:])
            elif part is None or callable(part) or isinstance(part, (Module, Table, Tensor)):
                writer.value(part)
            else:
                writer.out += part

    return write


def text(data):
    return struct.pack("<i", len(data)) + data


def tensor(sizes, strides, offset, storage, number=900, rank=None):
    """A FloatTensor of any sizes over any storage."""
    head = [TORCH, number, text(b"V 1"), text(b"torch.FloatTensor"), len(sizes) if rank is None else rank]
    longs = [("q", n) for n in (*sizes, *strides, offset)]
    return raw(*head, *longs, storage)


def storage(size, data=b"", number=901, kind=b"torch.FloatStorage"):
    return raw(TORCH, number, text(b"V 1"), text(kind), ("q", size), data)


def written(root, **options):
    writer = Writer(**options)
    writer.value(root)
    return bytes(writer.out)


def hostile(out):
    folder = out / "hostile" / "torch7"
    folder.mkdir(parents=True, exist_ok=True)

    def f(name, content, what, error=None, phrase=""):
        data = content if isinstance(content, bytes) else written(content)
        assert len(data) < 70_000, name
        (folder / f"{name}.t7").write_bytes(data)
        ENTRIES.append({"file": f"{name}.t7", "what": what, "error": error or "", "phrase": phrase})

    four = np.ones(4, np.float32).tobytes()
    # References and circles.
    loop = net()
    loop.fields["modules"] = Table([loop, linear()])
    f("circle", loop, "A container that holds itself", None)
    pending = raw(TORCH, 900, text(b"V 1"), text(b"torch.FloatTensor"), 1, ("q", 2), ("q", 1), ("q", 1), TORCH, 900)
    f("tensor_is_its_storage", net(linear(pending)), "A tensor whose storage is itself", "Model", "whose storage is none")
    table = Table({})
    table.entries["weight"] = table
    f("weight_is_a_table", net(Module("nn.Linear", {"weight": table})), "A weight that is a table", "Model", "is no tensor")
    f("storage_is_a_table", net(linear(tensor([2], [1], 1, Table({})))), "A storage that is a table", "Model", "whose storage is none")
    f("storage_is_nil", net(linear(tensor([2], [1], 1, None))), "A tensor without a storage", "Model", "no numbers")
    f("module_is_a_number", net(linear(), 3.0, Table({})), "Modules that are none", "Model", "is no module")
    fields_pending = raw(TORCH, 1, text(b"V 1"), text(b"nn.Linear"), TORCH, 1)
    f("fields_are_the_object", fields_pending, "An object that is its own fields", "Model", "lacks `weight`")
    # Depth.
    deep = b"".join(struct.pack("<iii", TABLE, i + 1, 1) + struct.pack("<id", 1, 1.0) for i in range(400))
    f("tables_deep", deep, "400 tables in each other", "Limits", "in each other")
    objects = b"".join(struct.pack("<ii", TORCH, i + 1) + text(b"V 1") + text(b"nn.A") for i in range(400))
    f("objects_deep", objects, "400 objects in each other", "Limits", "in each other")
    chain = [net(linear())]
    for _ in range(300):
        chain.append(net(chain[-1]))
    f(
        "modules_deep",
        Table({"others": Table(chain), "model": chain[-1]}),
        "300 containers in each other, by reference",
        "Limits",
        "modules in each other",
    )
    # Sizes.
    big = 2**63 - 1
    f("storage_2_63", net(linear(tensor([4], [1], 1, storage(big, four)))), "A storage of 2^63 - 1 numbers", "Model", "storage of")
    f("storage_2_61", net(linear(tensor([4], [1], 1, storage(2**61, four)))), "A storage of 2^63 bytes", "Model", "ends in the numbers")
    f("storage_negative", net(linear(tensor([4], [1], 1, storage(-4, four)))), "A storage of -4 numbers", "Model", "storage of -4")
    f(
        "storage_small",
        net(linear(tensor([2, 3], [3, 1], 1, storage(4, four)))),
        "A storage smaller than its tensor",
        "Model",
        "reaches out",
    )
    f("sizes_2_63", net(linear(tensor([big, big], [big, 1], 1, storage(4, four)))), "Sizes of 2^63 - 1", "Model", "reaches out")
    f(
        "sizes_repeat",
        net(linear(tensor([big, big], [0, 0], 1, storage(4, four)))),
        "Sizes of 2^63 - 1 over one number",
        "Limits",
        "max_tensor_bytes",
    )
    f(
        "sizes_repeat_gigabytes",
        net(linear(tensor([2**29 + 1], [0], 1, storage(4, four)))),
        "2 GiB and 4 bytes of one number",
        "Limits",
        "max_tensor_bytes",
    )
    f("size_negative", net(linear(tensor([-2, -2], [1, 1], 1, storage(4, four)))), "Negative sizes", "Model", "a size of -2")
    f("stride_negative", net(linear(tensor([2, 2], [-1, 1], 3, storage(4, four)))), "A negative stride", "Model", "a stride of -1")
    f("stride_2_63", net(linear(tensor([2, 2], [big, 1], 1, storage(4, four)))), "A stride of 2^63 - 1", "Model", "reaches out")
    f("offset_0", net(linear(tensor([4], [1], 0, storage(4, four)))), "A tensor that begins before its storage", "Model", "begins at 0")
    f("offset_least", net(linear(tensor([4], [1], -(2**63), storage(4, four)))), "A tensor that begins at -2^63", "Model", "reaches out")
    f("offset_behind", net(linear(tensor([4], [1], 2, storage(4, four)))), "A tensor that begins too late", "Model", "begins at 2")
    f("rank_negative", net(linear(tensor([], [], 1, None, rank=-1))), "A tensor of -1 dimensions", "Model", "-1 dimensions")
    f("rank_2_31", net(linear(tensor([], [], 1, None, rank=2**31 - 1))), "A tensor of 2^31 - 1 dimensions", "Limits", "max_rank")
    f("rank_9", net(linear(tensor([1] * 9, [1] * 9, 1, storage(4, four)))), "A tensor of 9 dimensions", "Limits", "max_rank")
    f("table_2_31", raw(TABLE, 1, 2**31 - 1, 1, ("d", 1.0)), "A table of 2^31 - 1 entries", "Model", "known format")
    f("table_inside_2_31", net(raw(TABLE, 50, 2**31 - 1, 1, ("d", 1.0))), "A table of 2^31 - 1 entries in a network", "Model", "ends in")
    f("table_negative", net(raw(TABLE, 50, -1)), "A table of -1 entries", "Model", "-1 entries")
    f("string_2_31", net(raw(2, 2**31 - 1)), "A string of 2^31 - 1 letters", "Model", "ends in a string")
    f("string_negative", net(raw(2, -1)), "A string of -1 letters", "Model", "a length of -1")
    # Types and classes.
    f("type_9", net(raw(9)), "A type that does not exist", "Model", "the type 9")
    f("type_negative", net(raw(-1)), "A negative type", "Model", "the type -1")
    code = b"\x1bLJ\x02"
    old = raw(FUNCTION, text(code), Table({}))
    f("function", net(linear(), old), "A function without a number", "Unsupported", "holds a function")
    for name, kind in (("function_numbered_old", OLD_FUNCTION), ("function_numbered", NEW_FUNCTION)):
        hook = raw(kind, 800, text(code), Table({"name": "_ENV"}))
        f(name, net(Module("nn.Linear", {"weight": floats(2, 3), "hook": hook})), "A function that can be skipped", None)
    f("function_cut", net(raw(NEW_FUNCTION, 800, 2**31 - 1)), "A function of 2^31 - 1 bytes", "Model", "ends in a function")
    f("class_unknown", net(Module("nn.Magic", {"weight": floats(2)})), "An unknown class with a weight", "Unsupported", "`nn.Magic`")
    f("class_unknown_bias", net(Module("nn.Add", {"bias": floats(2)})), "An unknown class with a bias", "Unsupported", "`nn.Add`")
    f("class_no_letters", raw(TORCH, 1, text(b"V 1"), text(b"\xff\xfe\xfd"), None), "A class whose name is no text", "Model", "no letters")
    f("class_tds", net(Module("tds.Hash", {})), "A class of another package with a layout of its own", "Unsupported", "tds.Hash")
    f("class_torch", net(Module("torch.Timer", {})), "An object of Torch that is no tensor", "Unsupported", "torch.Timer")
    f(
        "class_bits",
        net(linear(raw(TORCH, 800, text(b"V 1"), text(b"torch.BitTensor")))),
        "A tensor of an unknown type",
        "Unsupported",
        "torch.BitTensor",
    )
    # Layers that contradict themselves.
    flat = {"weight": floats(4, 18), "kW": 3, "kH": 3, "nInputPlane": 2}
    conv = "nn.SpatialConvolutionMM"
    f("filters", net(Module(conv, flat)), "A matrix of filters", None)
    f("filters_0", net(Module(conv, flat | {"kW": 0})), "A window of 0", "Model", "window")
    f("filters_most", net(Module(conv, flat | {"kW": 2**40, "kH": 2**40})), "A window of 2^80", "Model", "window")
    f("filters_nan", net(Module(conv, flat | {"kW": float("nan")})), "A window that is not a number", "Model", "window")
    f("filters_5", net(Module(conv, flat | {"kW": 5})), "A window that does not go with the rows", "Model", "window")
    f("filters_planes", net(Module(conv, flat | {"nInputPlane": 3})), "Inputs that do not go with the rows", "Model", "nInputPlane")
    f("filters_rank", net(Module(conv, flat | {"weight": floats(72)})), "Filters of one axis", "Model", "1 axes")
    f("conv_without_weight", net(Module("nn.SpatialConvolution", {})), "A convolution without filters", "Model", "lacks `0.weight`")
    norm = {"running_mean": floats(2), "running_std": Tensor(np.array([1, 0], np.float32), "Float")}
    f("deviation_0", net(Module("nn.BatchNormalization", norm)), "An inverse deviation of 0", "Model", "no inverse deviations")
    f(
        "norm_without_variance",
        net(Module("nn.BatchNormalization", {"running_mean": floats(2)})),
        "A normalisation without variances",
        "Model",
        "lacks",
    )
    sums = {"weight": Tensor(np.array([2], np.float32), "Float")}
    f(
        "sums_learned",
        net(Module("nn.SpatialSubSampling", sums)),
        "Factors of a layer that is pooling only when they are 1",
        "Unsupported",
        "other than 1",
    )
    f("nothing", net(Module("nn.ReLU", {})), "A network without parameters", "Model", "without parameters")
    f("two_networks", Table({"a": linear(), "b": linear()}), "Two networks without a name", "Unsupported", "several")
    f("no_network", Table({"a": 1.0}), "A table without a network", "Unsupported", "no network")
    f("as_text", b"4\n1\n3\nV 1\n13\nnn.Sequential\n3\n2\n0\n", "A network saved as text", "Unsupported", "as text")
    # One entry for each kind of field that the file can end in.
    whole = written(net(Module("nn.Linear", {"weight": floats(2, 3), "train": True, "momentum": 0.1})))
    places = {
        "number_of_object": (6, "the number of an object"),
        "class": (whole.index(b"nn.Sequential") + 5, "the name of a class"),
        "version": (17, None),
        "table_size": (whole.index(b"nn.Sequential") + 13 + 9, "the size of a table"),
        "key": (whole.index(b"modules") + 2, "a string"),
        "index": (whole.index(b"modules") + 7 + 12 + 6, "a number"),
        "dimensions": (whole.index(b"torch.FloatTensor") + 17 + 2, "the number of dimensions"),
        "sizes": (whole.index(b"torch.FloatTensor") + 17 + 4 + 9, "the sizes of a tensor"),
        "strides": (whole.index(b"torch.FloatTensor") + 17 + 4 + 17, "the strides of a tensor"),
        "offset": (whole.index(b"torch.FloatTensor") + 17 + 4 + 33, "the place of a tensor"),
        "storage_size": (whole.index(b"torch.FloatStorage") + 18 + 3, "the size of a storage"),
        "numbers": (whole.index(b"torch.FloatStorage") + 18 + 8 + 5, "the numbers of a storage"),
        "truth": (whole.index(b"train") + 5 + 5, "a truth value"),
        "type": (whole.index(b"train") + 5 + 2, "a type"),
    }
    for name, (cut, phrase) in places.items():
        if phrase and cut > 16:
            f(f"cut_{name}", whole[:cut], f"A file that ends in {phrase}", "Model", f"ends in {phrase}")
    f("cut_version", whole[:17], "A file that ends in the name of its class", "Model", "ends in the name of a class")
    manifest.write(folder, "torch7.py", ENTRIES)
