"""The content of weights, inside of the file and outside."""

from onnx import StringStringEntryProto, TensorProto, helper, numpy_helper

from .build import I32, I63, OUT, add, changed, floats, model, node


def payloads():
    """The content of weights."""

    def w(what, name, phrase, edit, error="Model"):
        add(f"payloads/{name}.onnx", changed(lambda g: edit(g.initializer[0])), what, error, phrase)

    def put(**fields):
        def edit(t):
            for key, v in fields.items():
                if isinstance(v, (list, tuple)):
                    t.ClearField(key)
                    getattr(t, key).extend(v)
                else:
                    setattr(t, key, v)

        return edit

    raw = bytes(288)
    w("287 bytes for 72 floats", "raw_short", "287 bytes", put(raw_data=raw[:-1]))
    w("292 bytes for 72 floats", "raw_long", "292 bytes", put(raw_data=raw + b"more"))
    w("No bytes for 72 floats", "raw_empty", "0 elements", put(raw_data=b""))
    w("raw_data and float_data", "both", "both raw_data and typed data", put(float_data=[0.0] * 72))
    w("71 floats for 72", "typed_short", "71 elements", put(raw_data=b"", float_data=[0.0] * 71))
    w("Floats in int64_data", "typed_elsewhere", "another type", put(raw_data=b"", int64_data=[0] * 72))
    w(
        "float16 bits above 65535 in int32_data",
        "half_out_of_range",
        "beyond 16 bits",
        put(raw_data=b"", data_type=10, int32_data=[65536] * 72),
    )
    w("Negative float16 bits in int32_data", "half_negative", "beyond 16 bits", put(raw_data=b"", data_type=10, int32_data=[-1] * 72))
    w(
        "bfloat16 bits above 65535 in int32_data",
        "bfloat_out_of_range",
        "beyond 16 bits",
        put(raw_data=b"", data_type=16, int32_data=[1 << 20] * 72),
    )
    w("Text", "strings", "string", put(raw_data=b"", data_type=8, string_data=[b"a"] * 72), "Unsupported")
    w("The type 0", "type_undefined", "undefined", put(data_type=0), "Unsupported")
    w("The type 99", "type_99", "type number 99", put(data_type=99), "Unsupported")
    w("The type -1", "type_negative", "type number -1", put(data_type=-1), "Unsupported")
    w("complex64", "type_complex", "complex64", put(data_type=14), "Unsupported")
    w("A part of a larger tensor", "segment", "segments", lambda t: t.segment.SetInParent(), "Unsupported")
    w("A negative dimension", "dim_negative", "negative dimension (-4)", put(dims=[-4, 2, 3, 3]))
    w("2^63-1 times 2^63-1", "dims_overflow", "max_tensor_bytes", put(dims=[I63, I63]), "Limits")
    w("2^31 times 2^31 times 0", "dims_overflow_empty", "max_tensor_bytes", put(dims=[I32, I32, 0]), "Limits")
    w("0 times 2^62 times 2^62", "dims_empty_overflow", "max_tensor_bytes", put(dims=[0, 2**62, 2**62]), "Limits")
    w("4 GiB of floats", "dims_4_gib", "max_tensor_bytes", put(dims=[1 << 30]), "Limits")
    w("2 GiB less one float, of which 288 bytes are there", "dims_2_gib", "288 bytes", put(dims=[(1 << 29) - 1]))
    huge = helper.make_tensor("u", TensorProto.UINT64, [1], [2**64 - 1])
    shape = changed(lambda g: g.initializer.append(huge))
    add("payloads/uint64_too_large.onnx", shape, "An unsigned number beyond 63 bits", "Model", "64 signed bits")
    for kind, label in ((float("nan"), "nan"), (float("inf"), "inf"), (-float("inf"), "minus_inf")):
        made = changed(lambda g, fill=kind: g.initializer[0].CopyFrom(floats("w", 4, 2, 3, 3, fill=fill)))
        add(f"payloads/weights_{label}.onnx", made, f"Weights that are {kind} are allowed")
    batch_norm = [
        node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3]),
        node("BatchNormalization", ["c", "g", "b", "m", "v"], ["y"]),
    ]
    parameters = [floats("w", 4, 2, 3, 3), *(floats(n, 4, fill=f) for n, f in zip("gbmv", (1, 0, float("nan"), -1), strict=True))]
    add(
        "payloads/statistics_nan.onnx",
        model(batch_norm, parameters),
        "A variance below zero and a mean that is not a number are computed as they are",
    )


def external():
    """Weights in other files. The test puts the files there that should not be read."""

    def w(name, entries, what, phrase, error="Model", dims=None, more=None):
        def edit(g):
            t = g.initializer[0]
            t.ClearField("raw_data")
            t.data_location = TensorProto.EXTERNAL
            t.external_data.extend(StringStringEntryProto(key=k, value=v) for k, v in entries)
            if dims:
                t.ClearField("dims")
                t.dims.extend(dims)
            if more:
                more(t)

        add(f"external/{name}.onnx", changed(edit), what, error, phrase)

    (OUT / "external").mkdir(parents=True, exist_ok=True)
    weights = numpy_helper.to_array(floats("w", 4, 2, 3, 3)).astype("<f4").tobytes()
    (OUT / "external" / "weights.bin").write_bytes(bytes(16) + weights + bytes(4))
    good = [("location", "weights.bin"), ("offset", "16"), ("length", "288")]
    w("fine", good, "Weights next to the model", "", None)
    w("checksum", good + [("checksum", "0" * 40), ("later", "x")], "Entries that are not used", "", None)
    plain = "not a plain file name"
    for name, location, what in [
        ("parent", "../secret.bin", "A file in the folder above"),
        ("parent_inside", "sub/../../secret.bin", "The folder above by a detour"),
        ("parent_windows", "..\\secret.bin", "The folder above as Windows writes it"),
        ("folder", "sub/weights.bin", "A file in a folder"),
        ("dot", "./weights.bin", "The folder itself"),
        ("absolute", "/etc/passwd", "An absolute path"),
        ("home", "~/.ssh/id_rsa", "A path in the home folder"),
        ("url", "https://example.org/weights.bin", "An address"),
        ("file_url", "file:weights.bin", "An address of a file"),
        ("drive", "C:\\Windows\\win.ini", "A drive"),
        ("drive_relative", "C:weights.bin", "A path relative to a drive's folder"),
        ("unc", "\\\\server\\share\\weights.bin", "A network share: opening it would send credentials"),
        ("verbatim", "\\\\?\\C:\\weights.bin", "A verbatim path of Windows"),
        ("stream", "weights.bin:hidden", "An alternate data stream"),
        ("device_nul", "NUL", "A device of Windows"),
        ("device_con", "con.bin", "A device of Windows with an extension"),
        ("device_com", "COM1", "A serial port of Windows"),
        ("trailing_dot", "weights.bin.", "An end that Windows leaves out"),
        ("trailing_space", "weights.bin ", "A space at the end that Windows leaves out"),
        ("nul_byte", "weights.bin\0.png", "A name with a zero byte"),
        ("line_break", "weights\n.bin", "A name with a line break"),
        ("empty", "", "An empty name"),
        ("dots", "..", "The folder above itself"),
        ("long", "a/" * 2000, "A path of 4000 bytes"),
    ]:
        w(f"location_{name}", [("location", location)], what, plain)
    w("location_missing", [("offset", "0")], "No location", "location is missing")
    w("location_twice", [("location", "weights.bin"), ("location", "../secret.bin")], "Two locations", "given twice")
    w("offset_twice", good + [("offset", "0")], "Two offsets", "given twice")
    w("symbolic_link", [("location", "symbolic_link")], "A symbolic link", "symbolic link")
    w("hard_link", [("location", "hard_link")], "A hard link, as unpacking an archive can make", "hard link")
    w("pipe", [("location", "pipe")], "A pipe: reading it would wait for ever", "not an ordinary file")
    w("directory", [("location", "sub")], "A folder", "not an ordinary file")
    w("absent", [("location", "absent.bin")], "A file that is not there", "absent.bin", "Io")
    for name, offset, length, what, phrase in [
        ("offset_beyond", "1000", "288", "Begins behind the end", "but the file has 308 bytes"),
        ("offset_one_too_far", "21", "288", "Ends one byte behind the end", "but the file has 308 bytes"),
        ("offset_2_to_64", "18446744073709551616", "288", "An offset of 65 bits", "not a decimal number"),
        ("offset_most", "18446744073709551615", "288", "An offset that overflows with the length", "but the file has 308 bytes"),
        ("offset_2_to_63", "9223372036854775808", "288", "An offset beyond signed numbers", "but the file has 308 bytes"),
        ("offset_negative", "-1", "288", "A negative offset", "not a decimal number"),
        ("offset_hexadecimal", "0x10", "288", "A hexadecimal offset", "not a decimal number"),
        ("offset_spaces", " 16", "288", "An offset with a space", "not a decimal number"),
        ("offset_plus", "+16", "288", "An offset with a sign", "not a decimal number"),
        ("length_short", "16", "287", "A length that is no multiple of the element", "its length (287)"),
        ("length_zero", "16", "0", "No length", "its length (0)"),
        ("length_most", "16", "18446744073709551615", "A length of 2^64-1", "its length (18446744073709551615)"),
        ("length_text", "16", "all", "A length that is no number", "not a decimal number"),
    ]:
        w(name, [("location", "weights.bin"), ("offset", offset), ("length", length)], what, phrase)
    w("dims_beyond", good[:2], "Dimensions that ask for more than the file has", "but the file has 308 bytes", dims=[1 << 26])
    w("dims_4_gib", good[:2], "Dimensions that ask for 4 GiB", "max_tensor_bytes", "Limits", dims=[1 << 30])
    w("both", good, "Data inside and outside", "external data", more=lambda t: setattr(t, "raw_data", bytes(288)))
    w("strings", good, "Text outside", "string", "Unsupported", more=lambda t: setattr(t, "data_type", TensorProto.STRING))
