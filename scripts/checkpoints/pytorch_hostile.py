"""Writes tests/checkpoints/hostile/pytorch: PyTorch files that are damaged, contradictory or made to hurt, and a manifest of what each has to give.

    python scripts/checkpoints/pytorch_hostile.py [OUT_DIR]

Needs nothing but Python. Pickles are put together instruction by instruction and archives field by field, so that anything in them can be
wrong; nothing here is ever unpickled. The output is the same every time.
"""

import json
import pathlib
import struct
import sys

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / "tests" / "checkpoints" / "hostile" / "pytorch")
ENTRIES = []


def add(name, content, what, error="Model", phrase=""):
    """Writes a file and its entry. Without an error it has to work."""
    (OUT / name).write_bytes(content)
    assert len(content) < 70_000, name
    ENTRIES.append({"file": name, "what": what, "error": error or "", "phrase": phrase})


# Pickles, instruction by instruction.


def text(s):
    s = s.encode() if isinstance(s, str) else s
    return b"X" + struct.pack("<I", len(s)) + s


def number(n):
    if 0 <= n < 256:
        return b"K" + bytes([n])
    raw = n.to_bytes(n.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def tuple_(*parts):
    return b"(" + b"".join(parts) + b"t"


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def call(function, *args):
    return function + tuple_(*args) + b"R"


def storage(key="0", count=4, kind="FloatStorage", part=b"", what="storage"):
    return tuple_(text(what), name("torch", kind), text(key), text("cpu"), number(count), part) + b"Q"


def tensor(store=None, offset=0, size=(2, 2), stride=(2, 1)):
    dims = [tuple_(*map(number, d)) for d in (size, stride)]
    hooks = call(name("collections", "OrderedDict"))
    return call(name("torch._utils", "_rebuild_tensor_v2"), store or storage(), number(offset), *dims, b"\x89", hooks)


def dict_(**items):
    return b"}(" + b"".join(text(k) + v for k, v in items.items()) + b"u"


def pickle(body, protocol=2):
    return b"\x80" + bytes([protocol]) + body + b"."


FINE = pickle(dict_(w=tensor()))
NUMBERS = struct.pack("<4f", 1, 2, 3, 4)

# Files around a pickle.


class Zip:
    """An archive whose fields can be wrong: `change` maps (entry, field) to a value."""

    def __init__(self, entries, **change):
        self.entries, self.change = entries, change

    def bytes(self):
        change = {"method": 0, "flags": 0, "claimed": None, "count": None, "directory": None, "start": None, "other": None, "size": None} | self.change
        out, central = b"", b""
        for path, data in self.entries:
            at, p = len(out), path.encode() if isinstance(path, str) else path
            last = path == self.entries[-1][0]
            size = change["claimed"] if last and change["claimed"] is not None else len(data)
            fields = (20, change["flags"], change["method"], 0, 0, 0, min(size, 2**32 - 1), min(change["size"] or size, 2**32 - 1), len(p), 0)
            local = change["other"].encode() if last and change["other"] else p
            out += b"PK\x03\x04" + struct.pack("<5H3I2H", *fields) + local + data
            start = change["start"] if last and change["start"] is not None else at
            extra = b""
            if size >= 2**32:
                extra = struct.pack("<HHQQ", 1, 16, change["size"] or size, size)
            fields = fields[:-1] + (len(extra),)
            central += b"PK\x01\x02" + struct.pack("<6H3I5H2I", 20, *fields, 0, 0, 0, 0, start) + p + extra
        count = len(self.entries) if change["count"] is None else change["count"]
        begin = len(out) if change["directory"] is None else change["directory"]
        return out + central + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, count, count, len(central), begin, 0)


def archive(structure=FINE, numbers=NUMBERS, order=b"little", **change):
    return Zip([("archive/data.pkl", structure), ("archive/byteorder", order), ("archive/data/0", numbers)], **change).bytes()


def legacy(structure=FINE, storages=((b"0", 4, NUMBERS),), keys=None, magic=0x1950A86A20F9469CFC6C, version=1001, little=b"\x88"):
    keys = b"](" + b"".join(text(k) for k, _, _ in storages) + b"e" if keys is None else keys
    heads = (number(magic), number(version), dict_(little_endian=little))
    data = b"".join(struct.pack("<Q", count % 2**64) + raw for _, count, raw in storages)
    return b"".join(map(pickle, heads)) + structure + pickle(keys) + data


def both(stem, structure, what, error="Model", phrase=""):
    add(f"{stem}.pth", archive(structure), what, error, phrase)
    storages = ((b"0", 4, NUMBERS),) if text("storage") in structure else ()
    add(f"{stem}_legacy.pth", legacy(structure, storages), f"{what}, old format", error, phrase)


def programs():
    """Pickles that want something executed."""
    ls = text("ls")
    both("fine", FINE, "A state dict", None)
    both("os_system", pickle(call(name("os", "system"), ls)), "os.system by GLOBAL", "Unsupported", "`os.system`")
    stack = b"\x8c\x05posix\x8c\x06system\x93" + ls + b"\x85R"
    both("stack_global", pickle(stack, 4), "os.system by STACK_GLOBAL", "Unsupported", "`posix.system`")
    evaluated = call(name("builtins", "eval"), text("1+1"))
    both("eval", pickle(dict_(w=evaluated)), "builtins.eval in a state dict", "Unsupported", "`builtins.eval`")
    both("getattr", pickle(call(name("builtins", "getattr"), name("torch", "Size"), text("x"))), "getattr", "Unsupported", "`builtins.getattr`")
    both("nested", pickle(call(call(name("functools", "partial"), name("os", "system")), ls)), "A call of a call", "Unsupported", "functools.partial")
    both("call_call", pickle(call(call(name("torch", "device"), ls), ls)), "A call of what an allowed call gave", "Unsupported", "no function")
    both("inst", pickle(b"(" + ls + b"ios\nsystem\n"), "os.system by INST", "Unsupported", "`os.system`")
    both("obj", pickle(b"(" + name("torch", "Size") + b"o"), "OBJ", "Unsupported", "class of its own")
    both("newobj", pickle(name("torch", "Tensor") + b")\x81"), "NEWOBJ of a tensor", "Unsupported", "in a way that state dicts do not")
    both("newobj_ex", pickle(name("torch", "Size") + b")}\x92", 4), "NEWOBJ_EX", "Unsupported", "class of its own")
    both("extension", pickle(b"\x82\x01"), "An extension code", "Unsupported", "0x82")
    both("setstate", pickle(name("collections", "OrderedDict") + dict_(__setstate__=ls) + b"b"), "BUILD on a class", "Unsupported", "sets the state")
    both("build_global", pickle(dict_(w=tensor()) + name("torch", "device") + b"b"), "BUILD with a function as state", "Unsupported", "sets the state")
    both("build_int", pickle(number(1) + b"}b"), "BUILD on a number", "Unsupported", "sets the state")
    module = call(name("torch._tensor", "_rebuild_from_type_v2"), name("torch._utils", "_rebuild_tensor_v2"), name("os", "system"), b")", b"}")
    both("subclass", pickle(module), "A tensor of the class os.system", "Unsupported", "`os.system`")
    inner = call(name("torch._tensor", "_rebuild_from_type_v2"), *[name("torch._tensor", "_rebuild_from_type_v2")] * 2, b")", b"}")
    both("subclass_nested", pickle(inner), "A tensor rebuilt by what rebuilds tensors", "Unsupported", "not known here")
    both("load_from_bytes", pickle(call(name("torch.storage", "_load_from_bytes"), text(""))), "A pickle in a pickle", "Unsupported", "_load_from_bytes")
    both("dotted", pickle(b"\x8c\x05torch\x8c\x0dSize.__init__\x93", 4), "A dotted name", "Unsupported", "`torch.Size.__init__`")
    whole = tuple_(text("module"), name("__main__", "Network"), text("network.py"), text("class Network: pass")) + b"Q"
    both("module", pickle(whole), "A whole network", "Unsupported", "`__main__.Network`")
    both("module_id", pickle(storage(what="module")), "A persistent id that is no storage", "Unsupported", "no storage")
    escape = name("os\x1b]0;owned\x07", "x" * 500)
    both("long_name", pickle(escape), "A long name with control characters", "Unsupported", "xxx...")
    both("line_without_end", pickle(b"c" + b"a" * 2000), "A name without an end", phrase="does not end")


def structures():
    """Pickles that ask for memory, or that contradict themselves."""
    # Each list holds the one before twice: 2^200 when written out.
    bomb = b"]q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(200))
    both("memo_bomb_lists", pickle(dict_(w=bomb)), "A list of 2^200 lists", phrase="no tensors by name")
    bomb = dict_(w=tensor()) + b"q\x00"
    bomb += b"".join(b"}(" + text("a") + b"h%c" % i + text("b") + b"h%cuq%c" % (i, i + 1) for i in range(60))
    both("memo_bomb_dicts", pickle(bomb), "A mapping of 2^60 tensors", phrase="same mapping in two places")
    both("cycle", pickle(b"}q\x00" + text("model") + b"h\x00s" + text("w") + tensor() + b"s"), "A mapping that holds itself", phrase="two places")
    both("deep_lists", pickle(b"]" * 20_000 + b"a" * 19_999), "20,000 lists in each other", "Unsupported", "a list")
    deep = b"".join(b"}" + text("a") for _ in range(2000)) + tensor() + b"s" * 2000
    both("deep_dicts", pickle(deep), "2000 mappings in each other", "Limits", "more than 64 deep")
    both("marks", pickle(b"(" * 30_000), "30,000 marks", phrase="more from the stack")
    both("dups", pickle(text("a") + b"2" * 30_000), "30,000 copies", "Unsupported", "no mapping")
    both("long4_gigabytes", pickle(b"\x8b\xff\xff\xff\x7f"), "A number of 2 GiB", phrase="middle of its pickle")
    both("long4_negative", pickle(b"\x8b\xff\xff\xff\xff"), "A number of -1 bytes", phrase="middle of its pickle")
    both("unicode8_2_to_63", pickle(b"\x8d" + struct.pack("<Q", 2**63), 4), "Text of 2^63 bytes", phrase="middle of its pickle")
    both("unicode8_most", pickle(b"\x8d" + b"\xff" * 8, 4), "Text of 2^64-1 bytes", phrase="middle of its pickle")
    both("bytes8_2_to_62", pickle(b"\x8e" + struct.pack("<Q", 2**62), 4), "Bytes of 2^62 bytes", phrase="middle of its pickle")
    both("bytearray8", pickle(b"\x96" + struct.pack("<Q", 2**40), 5), "A bytearray of 2^40 bytes", phrase="middle of its pickle")
    both("frame_2_to_63", pickle(b"\x95" + struct.pack("<Q", 2**63) + FINE[2:-1], 4), "A frame of 2^63 bytes, which means nothing", None)
    both("not_utf8", pickle(text(b"\xff\xfe")), "Text that is none", phrase="text that is none")
    both("memo_far", pickle(dict_(w=tensor()) + b"r\xff\xff\xff\xff"), "A place in the memo of 2^32-1", None)
    both("memo_absent", pickle(b"j\xff\xff\xff\xff"), "An object that was never made", phrase="has not made")
    both("underflow", pickle(b"0"), "An empty stack", phrase="more from the stack")
    both("tuple_below_mark", pickle(b"N(\x86"), "A tuple of what is below a mark", phrase="more from the stack")
    both("protocol_0", pickle(b"(dp0\n"), "Instructions of protocol 0", "Unsupported", "0x70")
    both("protocol_9", pickle(b"}", 9), "Protocol 9", "Unsupported", "protocol 9")
    both("odd_items", pickle(b"}(" + text("w") + b"u"), "A key without a value", phrase="without a value")
    both("number_as_dict", pickle(b"K\x01" + text("w") + tensor() + b"s"), "Items of a number", phrase="no container")
    both("key_is_tuple", pickle(b"}" + tuple_(number(1)) + tensor() + b"s"), "A tensor whose key is a tuple", phrase="no text")
    twice = b"}(" + text("w") + tensor() + text("w") + tensor() + b"u"
    both("tensor_twice", pickle(twice), "Two tensors of one name", phrase="`w` twice")
    joined = b"}(" + text("a.b") + tensor() + text("a") + dict_(b=tensor()) + b"u"
    both("tensor_twice_nested", pickle(joined), "Two tensors whose names become one", phrase="`a.b` twice")
    wrapped = b"}(" + (text("state_dict") + dict_(w=tensor())) * 2 + b"u"
    both("wrapper_twice", pickle(wrapped), "Two state dicts of one name", phrase="`state_dict` twice")
    both("empty", pickle(b"}"), "Nothing", phrase="no tensors by name")
    state = dict_(state=dict_(momentum=tensor()), param_groups=b"]")
    both("only_optimizer", pickle(dict_(epoch=number(3), trainer=state)), "An optimizer alone", phrase="no tensors by name")
    both("no_mapping", pickle(b"N"), "Nothing at all", "Unsupported", "no mapping")


def tensors():
    """Tensors that do not lie in their storages."""
    beyond = "reach beyond its storage"
    most = 2**63 - 1

    def t(stem, what, error="Model", phrase=beyond, **change):
        both(f"tensor_{stem}", pickle(dict_(w=tensor(**change))), what, error, phrase)

    t("larger", "More elements than the storage has", size=(3, 2))
    t("offset", "An offset beyond the end", offset=1)
    t("offset_most", "An offset of 2^63-1", offset=most)
    t("offset_negative", "A negative offset", offset=-1)
    t("stride_negative", "A negative stride", stride=(-2, 1), offset=2)
    t("stride_overflow", "Strides that overflow", size=(2, most), stride=(most, most))
    t("stride_sum_overflow", "Strides whose sum overflows", size=(2, 2, 2), stride=(most, most, most))
    t("size_negative", "A negative dimension", size=(-2, 2))
    t("size_negative_empty", "A negative dimension beside an empty one", size=(-2, 0), phrase="negative dimension")
    t("size_most", "An expanded tensor of 2^126 elements", "Limits", "max_tensor_bytes", size=(most, most), stride=(0, 0))
    t("expanded", "An expanded tensor of 4 TiB", "Limits", "max_tensor_bytes", size=(2**40,), stride=(0,))
    t("empty_most", "No elements in dimensions of 2^63-1", "Limits", "max_tensor_bytes", size=(0, most, most), stride=(1, 1, 1))
    t("rank_9", "Nine dimensions", "Limits", "max_rank", size=(1,) * 9, stride=(1,) * 9)
    t("rank_2000", "2000 dimensions", "Limits", "max_rank", size=(1,) * 2000, stride=(1,) * 2000)
    t("strides_missing", "Fewer strides than dimensions", phrase="more or fewer strides", stride=(1,))
    t("of_number", "A tensor of a number", phrase="no storage", store=number(1))
    t("type", "A storage of complex numbers", "Unsupported", "`torch.ComplexFloatStorage`", store=storage(kind="ComplexFloatStorage"))
    t("untyped", "A storage of bytes without a type", phrase="type it does not say", store=storage(kind="UntypedStorage"))
    t("part", "A part of a storage that is not there", phrase="takes the elements 3", store=storage(part=tuple_(text("v"), number(3), number(2))))
    part = tuple_(text("v"), number(most), number(most))
    t("part_most", "A part of a storage that overflows", phrase="takes the elements", store=storage(part=part))
    t("count_negative", "A storage of -1 elements", phrase="without saying which", store=storage(count=-1))
    many = b"".join(text(str(i)) + tensor(offset=i % 4, size=(), stride=()) for i in range(400))
    both("tensors_400", pickle(b"}(" + many + b"u"), "400 tensors in one storage", None)
    add("storage_smaller.pth", archive(numbers=NUMBERS[:-1]), "A storage smaller than its tensor", phrase="holds 15 bytes for the storage")
    add("storage_count_most.pth", archive(pickle(dict_(w=tensor(storage(count=most))))), "A storage of 2^63-1 elements", phrase="holds 16 bytes")
    add("storage_missing.pth", archive(pickle(dict_(w=tensor(storage("1"))))), "A storage that is not there", phrase="lacks the storage `1`")
    add("storage_outside.pth", archive(pickle(dict_(w=tensor(storage("../byteorder"))))), "A storage outside the folder", phrase="lacks the storage")


def archives():
    """Zip archives that are not what they say."""

    def z(stem, what, error="Model", phrase="", **change):
        add(f"zip_{stem}.pth", archive(**change), what, error, phrase)

    z("big_endian", "A big-endian archive", "Unsupported", "big-endian", order=b"big")
    z("byteorder", "A byte order that there is not", phrase="neither little nor big", order=b"middle")
    z("deflated", "A compressed entry", "Unsupported", "compressed entry", method=8)
    z("encrypted", "An encrypted entry", "Unsupported", "encrypted entry", flags=1)
    z("size_beyond", "An entry larger than the file", phrase="where it does not lie", claimed=10_000)
    z("size_4_gib", "An entry of 4 GiB and more", phrase="where it does not lie", claimed=2**32 + 5)
    z("size_most", "An entry of 2^64-1 bytes", phrase="where it does not lie", claimed=2**64 - 1)
    z("sizes_differ", "A stored entry of two sizes", phrase="stored entry", size=3)
    z("start_beyond", "An entry that begins after the end", phrase="where it does not lie", start=2**31)
    z("start_other", "An entry at the place of another", phrase="where it does not lie", start=0)
    z("name_other", "An entry of two names", phrase="where it does not lie", other="archive/data/1")
    z("count_most", "65,535 entries in a directory of three", phrase="claims 65535 entries", count=65535)
    z("count_less", "Two entries in a directory of three", phrase="lacks the storage", count=2)
    z("directory_beyond", "A directory after the end", phrase="contradicts itself", directory=2**31)
    z("directory_in_data", "A directory at the beginning", phrase="directory that is not readable", directory=0)
    entries = [("archive/data.pkl", FINE), ("archive/data/0", NUMBERS)]
    add("zip_twice.pth", Zip(entries + entries[1:]).bytes(), "Two entries of one name", phrase="twice")
    add("zip_no_structure.pth", Zip(entries[1:]).bytes(), "No data.pkl", phrase="without `data.pkl`")
    add("zip_two_folders.pth", Zip(entries + [("other/data.pkl", FINE)]).bytes(), "data.pkl in two folders", phrase="two folders")
    add("zip_script.pt", Zip(entries + [("archive/constants.pkl", FINE)]).bytes(), "A TorchScript program", "Unsupported", "TorchScript")
    add("zip_name_bytes.pth", Zip(entries + [(b"archive/\xff", b"")]).bytes(), "A name that is no text", phrase="whose name is no text")
    inner = Zip([("archive/data/0", NUMBERS)]).bytes()
    add("zip_nested.pth", Zip([("archive/data.pkl", FINE), ("archive/a.zip", inner)]).bytes(), "An archive in an archive", phrase="lacks the storage")
    # The second directory entry points into the content of the first.
    local = b"PK\x03\x04" + struct.pack("<5H3I2H", 20, 0, 0, 0, 0, 0, 16, 16, 14, 0) + b"archive/data/0" + NUMBERS
    outer = Zip([("archive/data.pkl", FINE), ("archive/outer", local), ("archive/data/0", NUMBERS)])
    at = len(Zip([("archive/data.pkl", FINE)], directory=0).bytes().split(b"PK\x01\x02")[0]) + 30 + len("archive/outer")
    outer.change["start"] = at
    add("zip_overlap.pth", outer.bytes(), "An entry within another", phrase="overlap")
    whole = archive()
    add("zip_truncated.pth", whole[:-1], "One byte less", phrase="no end of its zip directory")
    add("zip_more.pth", whole + b"\0", "One byte more", phrase="no end of its zip directory")
    add("zip_comment.pth", whole[:-2] + struct.pack("<H", 5) + b"hello", "A comment", None)
    record = b"PK\x06\x06" + struct.pack("<Q2H2I4Q", 44, 45, 45, 0, 0, 3, 3, 2**63, 2**63)
    begin = whole.index(b"PK\x01\x02")
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, len(whole) - 22, 1)
    end = b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    add("zip64_most.pth", whole[:-22] + record + locator + end, "A directory of 2^63 bytes", phrase="contradicts itself")
    record = record[:24] + struct.pack("<4Q", 2**62, 2**62, len(whole) - 22 - begin, begin)
    add("zip64_count_most.pth", whole[:-22] + record + locator + end, "2^62 entries", phrase="claims 4611686018427387904 entries")
    add("zip64_two_counts.pth", whole[:-22] + record + locator + whole[-22:], "Two numbers of entries", phrase="contradicts itself")
    record = record[:24] + struct.pack("<4Q", 3, 3, len(whole) - 22 - begin, begin)
    add("zip64.pth", whole[:-22] + record + locator + end, "A directory of 64 bits", None)


def old():
    """The old format where it is not what it says."""

    def o(stem, what, error="Model", phrase="", **change):
        add(f"legacy_{stem}.pth", legacy(**change), what, error, phrase)

    o("magic", "Another magic number", "Unsupported", "`torch.save` did not write", magic=2**70)
    o("version", "Version 1002", "Unsupported", "unknown version", version=1002)
    o("big_endian", "A big-endian machine", "Unsupported", "big-endian", little=b"\x89")
    o("no_storages", "No storages", phrase="lacks the storage `0`", storages=())
    o("count_other", "A storage of another size", phrase="5 elements in the storage", storages=((b"0", 5, NUMBERS),))
    o("count_most", "A storage of 2^64-1 elements", phrase="elements in the storage", storages=((b"0", -1, NUMBERS),))
    o("storage_cut", "A storage that ends too early", phrase="ends in the storage `0`", storages=((b"0", 4, NUMBERS[:-1]),))
    o("storage_unused", "A storage that nothing uses", phrase="which nothing uses", storages=((b"0", 4, NUMBERS), (b"1", 4, NUMBERS)))
    o("storage_twice", "A storage listed twice", phrase="`0` twice", storages=((b"0", 4, NUMBERS),) * 2)
    o("keys_dict", "Keys that are no list", phrase="in another way", keys=b"}")
    o("keys_numbers", "Keys that are numbers", phrase="in another way", keys=b"]K\x00a")
    two = pickle(dict_(a=tensor(), b=tensor(storage(kind="DoubleStorage"))))
    o("two_sizes", "A storage of two types", phrase="two sizes", structure=two)
    most = 2**63 - 1
    huge = pickle(dict_(w=tensor(storage(count=most))))
    o("storage_most", "A storage of 2^63-1 elements", phrase="ends in the storage", structure=huge, storages=((b"0", most, NUMBERS),))
    add("pickle_alone.pth", FINE, "A pickle without the rest", "Unsupported", "no")
    add("pickle_number.pth", pickle(number(7)), "A pickled number", "Unsupported", "`torch.save` did not write")
    tar = b"sys_info".ljust(257, b"\0") + b"ustar".ljust(255, b"\0")
    add("ancient.pth", tar, "A tar archive", "Unsupported", "tar archive")
    # The boundary after each part of a file.
    whole, at = legacy(), 0
    for i, part in enumerate((*map(pickle, (number(0x1950A86A20F9469CFC6C), number(1001), dict_(little_endian=b"\x88"))), FINE, pickle(b"](" + text("0") + b"e"))):
        at += len(part)
        assert whole[:at].endswith(part)
        add(f"legacy_cut_{i}.pth", whole[:at], f"The old format cut after part {i + 1}", phrase="ends in the")


def manifest():
    lines = [
        "# What each file of this folder has to give; written by scripts/checkpoints/pytorch_hostile.py, read by tests/checkpoint_pytorch.rs.",
        "# error: the variant of lookalike::Error; empty when it has to work. phrase: a part of its sentence.",
        "",
    ]
    for e in sorted(ENTRIES, key=lambda e: e["file"]):
        lines += ["[[file]]", *(f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in e.items()), ""]
    (OUT / "manifest.toml").write_text("\n".join(lines))


OUT.mkdir(parents=True, exist_ok=True)
for part in (programs, structures, tensors, archives, old):
    part()
manifest()
print(f"{len(ENTRIES)} files, {sum((OUT / e['file']).stat().st_size for e in ENTRIES)} bytes")
