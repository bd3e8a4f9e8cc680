"""Exports small networks in the ways people do, and stores what ONNX Runtime computes for them, for tests/exports.rs.

`cargo xtask exports` prepares everything and calls this. Each export becomes <out>/<network>-<exporter>-<operator set>/ with model.onnx and,
for every batch, input and output arrays; <out>/exports.json lists them, <out>/operators.txt what they use.
"""

import argparse
import contextlib
import io
import json
import logging
import pathlib
import shutil
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import torch

import other_networks
import torch_networks

BATCHES = (1, 4)
# Exporter and operator set. torch.export writes 18 and newer; the older exporter is what most published files were made with.
VARIANTS = (("torchscript", 17), ("dynamo", 18), ("dynamo", 23))
SEED = 20


def torch_export(network, size, exporter, opset, path):
    example = (torch.rand(2, 3, *size) * 2 - 1,)
    options = {"input_names": ["input"], "opset_version": opset}
    if exporter == "dynamo":
        batch = torch.export.Dim("batch", min=1, max=64)
        options |= {"dynamo": True, "dynamic_shapes": ({0: batch},), "external_data": False}
    else:
        with torch.no_grad():
            outputs = network(*example)
        names = [f"output{i}" for i in range(len(outputs) if isinstance(outputs, tuple) else 1)]
        options |= {"dynamo": False, "dynamic_axes": {n: {0: "batch"} for n in ["input", *names]}, "output_names": names}
    # The exporters report their progress.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, example, str(path), **options)


def exports(out):
    """Name and network file of every export, written to `out`."""
    for number, (name, (_, size)) in enumerate(torch_networks.NETWORKS.items()):
        network = torch_networks.build(name, SEED + number)
        for exporter, opset in VARIANTS:
            folder = out / f"{name}-{exporter}-{opset}"
            folder.mkdir()
            torch_export(network, size, exporter, opset, folder / "model.onnx")
            yield folder
    for name, model in other_networks.build(SEED):
        folder = out / name
        folder.mkdir()
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, folder / "model.onnx")
        yield folder


def run(folder, seed):
    """Stores random inputs and ONNX Runtime's outputs; returns their description."""
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    names = [o.name for o in session.get_outputs()]
    batches = []
    for batch in BATCHES:
        shape = [batch, *given.shape[1:]]
        pixels = np.random.default_rng([seed, batch]).uniform(-1, 1, shape).astype(np.float32)
        results = session.run(None, {given.name: pixels})
        stored = {"batch": batch, "input": {"name": given.name, "file": f"{folder.name}/input_b{batch}.npy"}, "outputs": []}
        np.save(folder / f"input_b{batch}.npy", pixels)
        for i, (name, result) in enumerate(zip(names, results, strict=True)):
            if not np.isfinite(result).all() or result.std() < 1e-4:
                raise SystemExit(f"{folder.name}: the output {name} shows nothing (deviation {result.std():g})")
            np.save(folder / f"output_{i}_b{batch}.npy", result)
            stored["outputs"].append({"name": name, "file": f"{folder.name}/output_{i}_b{batch}.npy"})
        batches.append(stored)
    return {"name": folder.name, "model": f"{folder.name}/model.onnx", "batches": batches}


def used(folder):
    """Operators of an export with their attributes."""
    for node in onnx.load(folder / "model.onnx").graph.node:
        name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        yield name, {a.name for a in node.attribute}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True, type=pathlib.Path, help="folder for the exports; replaced")
    out = p.parse_args().out
    sources = [pathlib.Path(module.__file__).read_text() for module in (sys.modules[__name__], other_networks, torch_networks)]
    stamp = "\n".join([torch.__version__, onnx.__version__, onnxruntime.__version__, *sources])
    complete = out / "complete.txt"
    if complete.is_file() and complete.read_text() == stamp:
        return
    logging.disable(logging.WARNING)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    listed, operators = [], {}
    for folder in exports(out):
        print(f"exported {folder.name}", file=sys.stderr, flush=True)
        listed.append(run(folder, SEED))
        for name, attributes in used(folder):
            networks, known = operators.setdefault(name, (set(), set()))
            networks.add(folder.name)
            known |= attributes
    (out / "exports.json").write_text(json.dumps(listed, indent=1) + "\n")
    lines = [f"{name}({', '.join(sorted(known))}): {', '.join(sorted(networks))}\n" for name, (networks, known) in sorted(operators.items())]
    (out / "operators.txt").write_text("".join(lines))
    complete.write_text(stamp)


if __name__ == "__main__":
    main()
