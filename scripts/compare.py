"""Speed and agreement of lookalike beside other engines, on networks with random weights and on files of the user.

Every engine is a process of its own. They alternate inside one run, with a pause between them: ONNX Runtime's threads keep spinning
after a call and would slow whatever comes next. Times are medians of wall milliseconds and of the milliseconds that all threads of the
process spent on a processor. An engine that is missing or refuses a network is a row that says why. `cargo xtask compare` prepares
everything and calls this.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

import networks
import compare_burn
from compare_model import Model
from compare_peers import BURN, DEFAULT, NO_SPINNING, PEERS, REFERENCE, Gone, Paced, worker
from compare_report import markdown

PAUSE = 0.08  # seconds between two engines
QUIET_SCALING = 1.8  # 2 threads over 1 thread in ONNX Runtime's matrix product; less means that other programs hold a core
LABEL_SUFFIX = " (naive)"  # a kernel row with this suffix is the baseline of the row without it


def parse(given=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lookalike", required=True, help="the built tool")
    p.add_argument("--out", required=True, type=pathlib.Path, help="folder for networks and reports")
    p.add_argument("--networks", default=",".join(networks.NETWORKS))
    p.add_argument("--model", action="append", default=[], metavar="FILE.onnx", help="a network of yours; can be repeated")
    p.add_argument("--batches", default="1,8")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--warm-up", type=int, default=2)
    p.add_argument("--threads", type=int, default=2, help="of the engines that compute on the CPU")
    p.add_argument("--precision", default="f32", choices=["f32", "f16"])
    p.add_argument("--peers", default=",".join(DEFAULT), help=f"of {', '.join(PEERS)}; {REFERENCE.name} is always there")
    p.add_argument("--interpreter", action="append", default=[], metavar="PEER=FILE", help="a Python that has the packages of this peer")
    p.add_argument("--unavailable", action="append", default=[], metavar="PEER=REASON", help="a peer that is only named in the report")
    p.add_argument("--no-kernels", action="store_true")
    args = p.parse_args(given)
    args.networks = names(p, "network", args.networks, networks.NETWORKS)
    args.peers = names(p, "peer", args.peers, PEERS)
    args.peers = [name for name in PEERS if name in args.peers or name == REFERENCE.name]
    args.interpreter, args.unavailable = table(p, "--interpreter", args.interpreter), table(p, "--unavailable", args.unavailable)
    try:
        args.batches = [int(b) for b in args.batches.split(",") if b]
    except ValueError:
        p.error("--batches takes whole numbers separated by commas")
    if args.rounds < 1 or args.warm_up < 0 or args.threads < 1 or any(b < 1 for b in args.batches):
        p.error("--rounds, --threads and the batches are at least 1, --warm-up at least 0")
    try:
        args.model = [Model(pathlib.Path(file).stem, file) for file in args.model]
    except ValueError as error:
        p.error(str(error))
    taken = [*networks.NETWORKS, *(model.name for model in args.model)]
    if twice := next((name for name in taken if taken.count(name) > 1), None):
        p.error(f"two networks are called {twice}: rename the file of --model")
    return args


def names(p, kind, given, known):
    """The parts of a list on the command line."""
    parts = [part for part in given.split(",") if part]
    if unknown := [part for part in parts if part not in known]:
        p.error(f"unknown {kind} {', '.join(unknown)}; known are {', '.join(known)}")
    return parts


def table(p, option, given):
    """Values like PEER=TEXT."""
    pairs = [text.partition("=") for text in given]
    if bad := next((peer for peer, _, text in pairs if peer not in PEERS or not text), None):
        p.error(f"{option} takes PEER=VALUE with a peer of {', '.join(PEERS)}, not {bad}")
    return {peer: text for peer, _, text in pairs}


def say(text):
    print(text, file=sys.stderr, flush=True)


def timed(call):
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


class Tool:
    """The lookalike program."""

    def __init__(self, path, precision):
        self.path, self.precision = path, precision
        self.version = self.run("--version").strip()

    def run(self, *args):
        try:
            done = subprocess.run([self.path, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        except OSError as error:
            raise Gone(f"`{self.path}` could not be started: {error.strerror}") from None
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["nothing was said"])[-1].removeprefix("error: ").rstrip(".")
            raise Gone(f"`lookalike {args[0]}` ended with {done.returncode}: {said}")
        return done.stdout

    def adapters(self):
        return json.loads(self.run("devices", "--json"))

    def output(self, model, x):
        """What the network makes of the batch `x`."""
        with tempfile.TemporaryDirectory() as folder:
            source, results = pathlib.Path(folder) / "x.npy", pathlib.Path(folder) / "results"
            np.save(source, x)
            self.run("run", model.path, "--input", f"{model.input}={source}", "--out", results, "--precision", self.precision)
            (file,) = results.glob("*.npy")
            return np.load(file)

    def paced(self, model, batch, log):
        return Paced([self.path, "bench", "network", model, "--batch", batch, "--precision", self.precision, "--paced"], log)


def scaling(folder, threads):
    """How much faster `threads` threads multiply matrices than one: near `threads` on a quiet machine."""
    import onnxruntime

    path = pathlib.Path(folder) / "matmul.onnx"
    shape = [1024, 1024]
    info = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "matmul", [info("a"), info("b")], [info("c")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    feed = {"a": np.ones(shape, np.float32), "b": np.ones(shape, np.float32)}
    medians = []
    for count in (1, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = count
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        medians.append(statistics.median([timed(lambda: session.run(None, feed)) for _ in range(10)][1:]))
        session = None
        time.sleep(PAUSE)
    return medians[0] / medians[1]


def load_average():
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def summary(times):
    ordered = sorted(times)
    return {"median_ms": statistics.median(ordered), "min_ms": ordered[0], "max_ms": ordered[-1], "rounds": len(ordered)}


def median(times):
    return statistics.median(times) if times else None


@dataclasses.dataclass
class Row:
    """An engine on one network and batch. Without a process it is not measured, and `reason` says why."""

    peer: str
    title: str
    output: np.ndarray | None = None
    process: Paced | None = None
    versions: str = ""
    reason: str = ""
    note: str = ""
    wall: list = dataclasses.field(default_factory=list)
    processor: list = dataclasses.field(default_factory=list)
    device: list = dataclasses.field(default_factory=list)

    def run(self, keep):
        try:
            wall, processor, device = self.process.run()
        except Gone as gone:
            self.stop(str(gone))
            return
        if keep:
            self.wall.append(wall)
            self.processor += [] if processor is None else [processor]
            self.device += [] if device is None else [device]

    def stop(self, reason):
        self.reason = reason
        self.process.close()
        self.process = None

    def figures(self):
        found = {"peer": self.peer, "title": self.title, "versions": self.versions, "note": self.note, "reason": self.reason}
        if not self.reason:
            found |= {"wall": summary(self.wall), "processor_ms": median(self.processor), "device_ms": median(self.device)}
        return found


def start(peer, model, batch, x, args):
    """The row of a peer, its process ready for the first round."""
    row = Row(peer.name, peer.title, note="one picture at a time" if peer.one_by_one and batch > 1 else "")
    if peer.name in args.unavailable:
        row.reason = args.unavailable[peer.name]
        return row
    folder = args.out / "work"
    source, output = folder / "input.npy", folder / f"{peer.name}.npy"
    np.save(source, x)
    output.unlink(missing_ok=True)
    try:
        if peer == BURN:
            row.process, row.output = compare_burn.start(model, x, args.out)
            row.versions = row.process.said
            return row
        file = model.with_shapes(batch, folder) if peer.fixed_shapes else model.path
        command = worker(peer, args.interpreter.get(peer.name, sys.executable), file, model.input, source, output, args.threads)
        row.process = Paced(command, folder / f"{peer.name}.log")
        row.versions, row.output = row.process.said, np.load(output)
    except Gone as gone:
        row.reason = str(gone)
    return row


def start_ours(tool, model, batch, x, args):
    row = Row("lookalike", "lookalike", versions=tool.version)
    try:
        row.output = tool.output(model, x)
        row.process = tool.paced(model.path, batch, args.out / "work" / "lookalike.log")
    except Gone as gone:
        row.reason = str(gone)
    return row


def measure(tool, model, batch, args):
    """One network and batch: every engine in turn, rounds of one run each, and how far the outputs are from the reference's."""
    x = np.random.default_rng(7).uniform(-1, 1, (batch, *model.shape)).astype(np.float32)
    rows = [start(PEERS[name], model, batch, x, args) for name in args.peers] + [start_ours(tool, model, batch, x, args)]
    for row in rows:
        if row.process and not rows[0].reason and sizes(row.output) != sizes(rows[0].output):
            row.stop(f"its output has the shape {row.output.shape}, {REFERENCE.title}'s {rows[0].output.shape}")
    for turn in range(args.warm_up + args.rounds):
        running = [row for row in rows if row.process]
        first = turn % max(len(running), 1)  # nobody always follows the same neighbour
        for row in running[first:] + running[:first]:
            row.run(keep=turn >= args.warm_up)
            time.sleep(PAUSE)
    for row in rows:
        if row.process:
            row.process.close()
    figures = [row.figures() for row in rows]
    for row, found in zip(rows, figures):
        if row.reason:
            continue
        for field, base in (("over_onnxruntime", REFERENCE), ("over_nospin", NO_SPINNING)):
            found[field] = ratio(found, next((f for f in figures if f["peer"] == base.name and "wall" in f), None))
        found["agreement"] = agreement(row.output, rows[0].output) if not rows[0].reason else None
    return {"batch": batch, "rows": figures}


def sizes(output):
    """Pictures and numbers of each: engines differ in how they lay out the numbers."""
    return len(output), output.size


def ratio(row, base):
    return row["wall"]["median_ms"] / base["wall"]["median_ms"] if base else None


def agreement(actual, expected):
    """How far the outputs are from the reference's; None for what is not finite."""
    finite = lambda x: float(x) if np.isfinite(x) else None
    actual, expected = (y.astype(np.float64).reshape(len(y), -1) for y in (actual, expected))
    with np.errstate(all="ignore"):
        norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(actual, axis=1)
        cosines = (expected * actual).sum(axis=1) / norms
        return {
            "one_minus_cosine": finite(np.maximum(0.0, 1 - cosines.min())),
            "relative_l2": finite(np.linalg.norm(actual - expected) / np.linalg.norm(expected)),
            "max_abs": finite(np.abs(actual - expected).max()),
        }


def rows_of(value):
    """All JSON objects below `value` that have a name, wherever `bench kernels --json` puts them."""
    if isinstance(value, dict):
        if name_of(value):
            yield value
        for inner in value.values():
            yield from rows_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from rows_of(inner)


def name_of(row):
    name = row.get("name") or row.get("label")
    return name if isinstance(name, str) else None


def kernel_speed_ups(tool):
    """For every kernel that is also measured in a naive form: how many times faster it is, on the same adapter."""
    rows = {name_of(row): row for row in rows_of(json.loads(tool.run("bench", "kernels", "--json")))}
    found = []
    for name, naive in rows.items():
        ours = rows.get(name.removesuffix(LABEL_SUFFIX)) if name.endswith(LABEL_SUFFIX) else None
        for field in ("micros", "p50_us", "us", "p50_ms", "ms"):
            if ours and naive.get(field) and ours.get(field):
                found.append({"kernel": name_of(ours), "naive_over_ours": naive[field] / ours[field], "gflops": ours.get("gflops")})
                break
    return found


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def adapter_line(adapter):
    parts = [adapter.get("backend"), adapter.get("driver"), adapter.get("driver_info")]
    return f"{adapter.get('name')} ({', '.join(str(p) for p in parts if p)})"


def main():
    args = parse()
    (args.out / "work").mkdir(parents=True, exist_ok=True)
    tool = Tool(args.lookalike, args.precision)
    machine = {
        "date": datetime.date.today().isoformat(), "system": platform.platform(terse=True), "processor": processor(),
        "cores": os.cpu_count(), "adapters": [adapter_line(a) for a in tool.adapters()], "threads": args.threads,
        "precision": args.precision, "load_before": load_average(),
    }
    versions = {"lookalike": tool.version, "Python": platform.python_version(), "NumPy": np.__version__, "onnx": onnx.__version__}
    needed = QUIET_SCALING / 2 * args.threads if args.threads > 1 else 0
    say("measuring how quiet the machine is")
    machine["scaling_before"] = scaling(args.out, args.threads)
    if machine["scaling_before"] < needed:
        say(f"the machine is busy: {args.threads} threads are {machine['scaling_before']:.2f} times as fast as one, not {needed:.2f}; repeat the run")

    results = []
    models = [Model(name, networks.make(name, args.out)) for name in args.networks] + args.model
    for model in models:
        batches = []
        for batch in model.batches(args.batches):
            say(f"{model.name}: {args.warm_up} + {args.rounds} rounds at batch {batch}")
            batches.append(measure(tool, model, batch, args))
            versions |= {row["title"]: row["versions"] for row in batches[-1]["rows"] if row["versions"]}
        results.append({"name": model.name, "batches": batches})

    say("measuring how quiet the machine is")
    machine["scaling_after"] = scaling(args.out, args.threads)
    machine["quiet"] = min(machine["scaling_before"], machine["scaling_after"]) >= needed
    kernels = []
    if not args.no_kernels:
        say("measuring kernels")
        kernels = kernel_speed_ups(tool)

    report = {"machine": machine, "versions": versions, "networks": results, "kernels": kernels}
    (args.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    (args.out / "report.md").write_text(markdown(report))
    print(markdown(report))
    say(f"written: {args.out / 'report.json'}, {args.out / 'report.md'}")


if __name__ == "__main__":
    try:
        main()
    except Gone as gone:
        say(f"compare.py: {gone}.")
        sys.exit(2)
