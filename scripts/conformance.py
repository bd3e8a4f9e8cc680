"""Writes the official ONNX backend tests as files, for tests/conformance.rs. `cargo xtask conformance` prepares everything and calls this.

Each test becomes <out>/<kind>/<name>/ with model.onnx and, for every data set k, set_<k>/input_<i>.pb and set_<k>/output_<i>.pb
(TensorProto). <out>/cases.json lists the tests (tolerances, operators, names and element types of inputs and outputs) and
what attributes the standard operators have.
"""

import argparse
import json
import pathlib
import random
import shutil
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.loader import DATA_DIR, load_model_tests

FOLDER_KINDS = ("simple", "pytorch-operator", "pytorch-converted")
LIGHT_TOLERANCE = {"rtol": 1e-3, "atol": 1e-7}


class NotATensor(Exception):
    """A test feeds or expects a sequence, a map or an optional value."""


def operators(graph):
    """Every operator of a graph and its subgraphs."""
    found = set()
    for node in graph.node:
        found.add(node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}")
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                found |= operators(inner)
    return found


def tensor(value, name):
    """`value` as a message."""
    if isinstance(value, TensorProto):
        return value
    if value is None or isinstance(value, (list, dict)):
        raise NotATensor(name)
    return numpy_helper.from_array(np.asarray(value), name)


def from_file(path, info):
    if not info.type.HasField("tensor_type"):
        raise NotATensor(info.name)
    return onnx.load_tensor(str(path))


def numbered(folder, prefix):
    """The files <prefix>_0.pb, <prefix>_1.pb, ... of a folder."""
    count = len(list(folder.glob(f"{prefix}_*.pb")))
    return [folder / f"{prefix}_{i}.pb" for i in range(count)]


def fed(model, count):
    """The inputs that `count` arrays are for, in order: old files list weights among the inputs."""
    weights = {i.name for i in model.graph.initializer}
    free = [i for i in model.graph.input if i.name not in weights]
    return free if len(free) == count else list(model.graph.input)[:count]


def schemas():
    """The attributes of every standard operator, by the operator sets that changed it."""
    found = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "":
            versions = found.setdefault(schema.name, [])
            versions.append({"since": schema.since_version, "deprecated": schema.deprecated, "attributes": sorted(schema.attributes)})
    for versions in found.values():
        versions.sort(key=lambda version: version["since"])
    return dict(sorted(found.items()))


class Writer:
    def __init__(self, out):
        self.out, self.cases = out, []

    def add(self, kind, name, model, sets, rtol, atol):
        """`sets` yields a pair of lists of messages for each data set; it may raise NotATensor."""
        folder = self.out / kind / name
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        parsed = onnx.load_from_string(model) if isinstance(model, bytes) else model
        try:
            written = [self.data_set(folder, parsed, k, *pair) for k, pair in enumerate(sets())]
        except NotATensor:
            written = None
        self.cases.append({
            "kind": kind,
            "name": name,
            "rtol": rtol,
            "atol": atol,
            "operators": sorted(operators(parsed.graph)),
            "nodes": len(parsed.graph.node),
            "sets": written,
        })

    def data_set(self, folder, model, k, inputs, outputs):
        folder = folder / f"set_{k}"
        folder.mkdir()
        if len(outputs) > len(model.graph.output):
            raise SystemExit(f"{folder} has {len(outputs)} outputs, its model {len(model.graph.output)}")
        return {
            "inputs": self.tensors(folder, "input", inputs, fed(model, len(inputs))),
            "outputs": self.tensors(folder, "output", outputs, model.graph.output),
        }

    def tensors(self, folder, prefix, messages, infos):
        described = []
        for i, (message, info) in enumerate(zip(messages, infos, strict=False)):
            path = folder / f"{prefix}_{i}.pb"
            path.write_bytes(message.SerializeToString())
            described.append({
                "name": info.name,
                "type": TensorProto.DataType.Name(message.data_type).lower(),
                "file": path.relative_to(self.out).as_posix(),
            })
        return described

    def finish(self):
        self.cases.sort(key=lambda case: (case["kind"], case["name"]))
        content = {"onnx": onnx.__version__, "schemas": schemas(), "cases": self.cases}
        (self.out / "cases.json").write_text(json.dumps(content, indent=1) + "\n")


def node_tests(writer):
    for case in load_model_tests(kind="node"):
        def sets(case=case):
            for inputs, outputs in case.data_sets:
                names = [i.name for i in case.model.graph.input], [o.name for o in case.model.graph.output]
                yield tuple([tensor(v, n) for v, n in zip(values, known, strict=True)] for values, known in zip((inputs, outputs), names, strict=True))
        writer.add("node", case.name, case.model, sets, case.rtol, case.atol)


def folder_tests(writer, kind):
    for case in load_model_tests(kind=kind):
        folder = pathlib.Path(case.model_dir)
        model = onnx.load(folder / "model.onnx")
        def sets(folder=folder, model=model):
            for data in sorted(folder.glob("test_data_set*")):
                inputs = numbered(data, "input")
                yield (
                    [from_file(p, i) for p, i in zip(inputs, fed(model, len(inputs)), strict=True)],
                    [from_file(p, o) for p, o in zip(numbered(data, "output"), model.graph.output, strict=False)],
                )
        writer.add(kind, case.name, (folder / "model.onnx").read_bytes(), sets, case.rtol, case.atol)


def ramp(info):
    """What the official runner feeds these networks: a ramp from 0 to 1 over all elements."""
    shape = tuple(d.dim_value if d.HasField("dim_value") else 1 for d in info.type.tensor_type.shape.dim)
    count = np.prod(shape)
    return (np.arange(count).reshape(shape) / count).astype(np.float32)


def light_tests(writer):
    """Networks of the model zoo; their weights are made by operators in the graph, so the files are small."""
    for path in sorted((pathlib.Path(DATA_DIR) / "light").glob("*.onnx")):
        content = path.read_bytes()
        model = onnx.load_from_string(content)
        def sets(path=path, model=model):
            weights = {i.name for i in model.graph.initializer}
            inputs = [tensor(ramp(i), i.name) for i in model.graph.input if i.name not in weights]
            outputs = [path.with_name(f"{path.stem}_output_{i}.pb") for i in range(len(model.graph.output))]
            yield inputs, [from_file(p, o) for p, o in zip(outputs, model.graph.output, strict=True)]
        writer.add("light", path.stem, content, sets, **LIGHT_TOLERANCE)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True, type=pathlib.Path, help="folder for the tests; replaced")
    out = p.parse_args().out
    stamp = f"onnx {onnx.__version__}\n{pathlib.Path(__file__).read_text()}"
    complete = out / "complete.txt"
    if complete.is_file() and complete.read_text() == stamp:
        return
    print(f"writing the backend tests of onnx {onnx.__version__} to {out}", file=sys.stderr, flush=True)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    # Some tests draw their data from the global generators, and provoke overflows on purpose.
    random.seed(0)
    np.random.seed(0)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    writer = Writer(out)
    node_tests(writer)
    for kind in FOLDER_KINDS:
        folder_tests(writer, kind)
    light_tests(writer)
    writer.finish()
    complete.write_text(stamp)


if __name__ == "__main__":
    main()
