"""Torch7's binary serialisation: what File.lua writes on 64-bit Linux."""

import struct

import numpy as np

NIL, NUMBER, STRING, TABLE, TORCH, BOOLEAN, FUNCTION, OLD_FUNCTION, NEW_FUNCTION = range(9)
TYPES = {"Float": "<f4", "Double": "<f8", "Cuda": "<f4", "Long": "<i8", "Int": "<i4", "Byte": "u1", "Half": "<f2"}


class Table:
    """A Lua table: of a list, keys count from 1."""

    def __init__(self, entries):
        self.entries = dict(enumerate(entries, 1)) if isinstance(entries, list) else entries


class Module:
    """An object of a class whose fields are a table."""

    def __init__(self, name, fields):
        self.name, self.fields = name, fields


class Tensor:
    """A tensor with a storage of its own, or (`view`) sizes, strides and a start, counted from 0, in that of another."""

    def __init__(self, array, kind, view=None, storage_only=False):
        self.kind, self.view, self.storage_only = kind, view, storage_only
        self.array = None if array is None else np.ascontiguousarray(array).astype(TYPES[kind])


class Writer:
    def __init__(self, versions=True):
        self.out = bytearray()
        self.versions = versions
        self.numbers = {}
        # Objects must live as long as their identity is their name.
        self.kept = []

    def int(self, *values):
        self.out += struct.pack(f"<{len(values)}i", *values)

    def long(self, *values):
        self.out += struct.pack(f"<{len(values)}q", *values)

    def text(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        self.int(len(data))
        self.out += data

    def name(self, name):
        if self.versions:
            self.text("V 1")
        self.text(name)

    def new(self, kind, key):
        """Writes the type and the number of an object; says whether it is the first time."""
        first = key not in self.numbers
        number = self.numbers.setdefault(key, len(self.numbers) + 1)
        self.int(kind, number)
        return first

    def value(self, value):
        self.kept.append(value)
        if value is None:
            self.int(NIL)
        elif isinstance(value, bool):
            self.int(BOOLEAN, int(value))
        elif isinstance(value, (int, float)):
            self.int(NUMBER)
            self.out += struct.pack("<d", value)
        elif isinstance(value, (str, bytes)):
            self.int(STRING)
            self.text(value)
        elif isinstance(value, Table):
            self.table(value)
        elif isinstance(value, Module):
            if self.new(TORCH, id(value)):
                self.name(value.name)
                self.value(Table(value.fields))
        elif isinstance(value, Tensor):
            self.tensor(value)
        else:
            value(self)

    def table(self, table):
        if self.new(TABLE, id(table)):
            self.int(len(table.entries))
            for key, value in table.entries.items():
                self.value(key)
                self.value(value)

    def tensor(self, tensor):
        kind = tensor.kind
        if tensor.storage_only:
            return self.storage(tensor)
        if not self.new(TORCH, id(tensor)):
            return
        self.name(f"torch.{kind}Tensor")
        if tensor.view:
            owner, sizes, strides, start = tensor.view
        else:
            owner, sizes, start = tensor, tensor.array.shape, 0
            strides = [s // tensor.array.itemsize for s in tensor.array.strides]
        self.int(len(sizes))
        self.long(*sizes)
        self.long(*strides)
        self.long(start + 1)
        self.storage(owner)

    def storage(self, owner):
        if self.new(TORCH, ("storage", id(owner))):
            self.name(f"torch.{owner.kind}Storage")
            self.long(owner.array.size)
            self.out += owner.array.tobytes()
