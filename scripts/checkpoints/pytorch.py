"""Writes tests/checkpoints/pytorch: small files by PyTorch itself in all the ways people save weights, and the values in each.

    python scripts/checkpoints/pytorch.py [OUT_DIR]        default: tests/checkpoints/pytorch

Needs torch and numpy (scripts/requirements-exports.txt). NAME.pth has its tensors in NAME.json: type, shape, and values row by row as
doubles that read back as they were. Storages of the old format are named by their addresses, so those files differ from run to run.
"""

import collections
import json
import pathlib
import sys

import numpy as np
import torch
from torch import nn

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / "tests" / "checkpoints" / "pytorch")
OLD = {"_use_new_zipfile_serialization": False}


def write(name, content, tensors, **options):
    """`tensors`: names and tensors as they have to come out."""
    torch.save(content, OUT / f"{name}.pth", **options)
    expected = {
        n: {"type": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "values": " ".join(map(repr, t.detach().double().flatten().tolist()))}
        for n, t in tensors.items()
    }
    (OUT / f"{name}.json").write_text(json.dumps(expected) + "\n")


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, bias=False)
        self.bn = nn.BatchNorm2d(3)
        self.prelu = nn.PReLU(3)
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(self.prelu(self.bn(self.conv(x))).mean((2, 3)))


def views():
    """Tensors that look into storages in every way, shared ones among them."""
    base = torch.arange(60, dtype=torch.float32) * 0.25 - 3
    return {
        "transposed": base[:12].reshape(3, 4).t(),
        "permuted": base[:24].reshape(2, 3, 4).permute(2, 0, 1),
        "offset": base[7:13],
        "steps": base[1:40:3],
        "expanded": base[5:8].reshape(3, 1).expand(3, 4),
        "overlapping": base.as_strided((3, 4), (2, 1), 3),
        "column": base.reshape(6, 10)[:, 4:5],
        "channels_last": torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last),
        "scalar": base[9],
        "none": base[60:].reshape(0, 3),
        "whole": base,
    }


def types():
    """One tensor of every type."""
    numbers = torch.tensor([0.0, 1.0, -1.5, 3.14159265358979, 65504.0, 1e-7, -2e-5, 0.1])
    whole = torch.tensor([0, 1, 2, 100, 127])
    return {
        "float64": numbers.double() * 1.5,
        "float32": numbers,
        "float16": numbers.half(),
        "bfloat16": numbers.bfloat16(),
        "int64": whole * -(2**40),
        "int32": (whole * -(2**24)).int(),
        "int16": (whole * -200).short(),
        "int8": (-whole).to(torch.int8),
        "uint8": (whole * 2).to(torch.uint8),
        "bool": whole > 1,
        "uint16": (whole * 500).to(torch.uint16),
        "uint32": (whole * 2**25).to(torch.uint32),
    }


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(5)
    network = Network()
    # Training moves the statistics away from 0 and 1, and gives the optimizer a state.
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    network(torch.randn(4, 2, 5, 5)).sum().backward()
    optimizer.step()
    state, looks = network.state_dict(), views()
    for suffix, options in (("zip", {}), ("legacy", OLD)):
        write(f"network_{suffix}", state, state, **options)
        write(f"views_{suffix}", looks, looks, **options)
        # The types of unsigned numbers are newer than the old format, which has no storage class for them.
        made = types() if not options else {n: t for n, t in types().items() if n not in ("uint16", "uint32")}
        write(f"types_{suffix}", made, made, **options)
    for protocol in (3, 4, 5):
        write(f"protocol_{protocol}", state, state, pickle_protocol=protocol)
    write("protocol_4_legacy", state, state, pickle_protocol=4, **OLD)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 3, 5])
    parallel = collections.OrderedDict((f"module.{n}", t) for n, t in state.items())
    wrapped = {
        "epoch": 7,
        "arch": "tiny",
        "best_acc": np.float64(0.75),
        "best_loss": torch.tensor(0.5),
        "optimizer": optimizer.state_dict(),
        "scheduler": {k: v for k, v in scheduler.state_dict().items() if not callable(v)},
        "state_dict": parallel,
    }
    write("wrapped_zip", wrapped, parallel)
    write("wrapped_legacy", wrapped, parallel, **OLD)
    write("wrapped_twice", {"net": {"model_state_dict": state}, "opt": optimizer.state_dict()}, state)
    marked = nn.Parameter(torch.randn(2, 2), requires_grad=False)
    marked.note = "of a training loop"
    plain = torch.randn(3)
    plain.note = "likewise"
    parameters = {"a": nn.Parameter(torch.randn(2, 3)), "marked": marked, "tensor": plain, "buffer": nn.Buffer(torch.randn(2))}
    write("parameters", parameters, parameters)
    nested = {"stem": {"conv": {"weight": torch.randn(2, 2)}, "scale": torch.randn(2)}, "head": {0: torch.randn(3), "count": 3}}
    flat = {
        "stem.conv.weight": nested["stem"]["conv"]["weight"],
        "stem.scale": nested["stem"]["scale"],
        "head.0": nested["head"][0],
    }
    write("nested", nested, flat)
    # What has to be refused, for `tests/checkpoint_pytorch.rs` alone.
    torch.save(network, OUT / "refused_module_zip.pth")
    torch.save(optimizer.state_dict(), OUT / "refused_optimizer.pth")
    torch.save(plain.data, OUT / "refused_tensor.pth")
    torch.save([plain.data], OUT / "refused_list.pth")
    torch.save({"a": plain.data.to(torch.complex64)}, OUT / "refused_complex.pth")
    torch.save({"a": plain.data.to_sparse()}, OUT / "refused_sparse.pth")
    torch.jit.script(nn.PReLU(2)).save(str(OUT / "refused_script.pt"))
    files = sorted(OUT.iterdir())
    print(f"torch {torch.__version__}: {len(files)} files, {sum(f.stat().st_size for f in files)} bytes")


main()
