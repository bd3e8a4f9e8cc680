"""Protobuf fields by hand: what the files are put together from, also where no encoder would write them."""

import struct


def varint(n):
    n &= 2**64 - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def number(field, n):
    return varint(field << 3) + varint(n)


def part(field, content):
    content = content.encode() if isinstance(content, str) else bytes(content)
    return varint(field << 3 | 2) + varint(len(content)) + content


def four(field, content):
    return varint(field << 3 | 5) + content


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def doubles(values):
    return struct.pack(f"<{len(values)}d", *values)
