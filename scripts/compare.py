"""Speed and agreement of lookalike beside ONNX Runtime's CPU backend, on networks with random weights.

The two sides alternate inside one run, with a pause between them: ONNX Runtime's threads keep spinning after a call and would slow
whatever comes next. Times are medians of wall milliseconds. `cargo xtask compare` prepares everything and calls this.
"""

import argparse
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
import onnxruntime as ort
from onnx import TensorProto, helper

import networks

PAUSE = 0.08  # seconds between the two sides
QUIET_SCALING = 1.7  # 2 threads over 1 thread in ONNX Runtime's matrix product; less means that other programs hold a core
LABEL_SUFFIX = " (naive)"  # a kernel row with this suffix is the baseline of the row without it


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lookalike", required=True, help="the built tool")
    p.add_argument("--out", required=True, help="folder for networks and reports")
    p.add_argument("--networks", default=",".join(networks.NETWORKS))
    p.add_argument("--batches", default="1,8")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--warm-up", type=int, default=2)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--precision", default="f32", choices=["f32", "f16"])
    p.add_argument("--no-kernels", action="store_true")
    args = p.parse_args()
    args.networks = [name for name in args.networks.split(",") if name]
    unknown = [name for name in args.networks if name not in networks.NETWORKS]
    if unknown:
        p.error(f"unknown network {', '.join(unknown)}; known are {', '.join(networks.NETWORKS)}")
    try:
        args.batches = [int(b) for b in args.batches.split(",") if b]
    except ValueError:
        p.error("--batches takes whole numbers separated by commas")
    if args.rounds < 1 or args.warm_up < 0 or args.threads < 1 or any(b < 1 for b in args.batches):
        p.error("--rounds, --threads and the batches are at least 1")
    return args


def say(text):
    print(text, file=sys.stderr, flush=True)


def session(model, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def picture_batch(batch, seed):
    return np.random.default_rng(seed).uniform(-1, 1, (batch, 3, 112, 112)).astype(np.float32)


def timed(call):
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


class Tool:
    """The lookalike program."""

    def __init__(self, path, precision):
        self.path, self.precision = path, precision

    def run(self, *args):
        done = subprocess.run([self.path, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"`lookalike {' '.join(map(str, args))}` ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def adapters(self):
        return json.loads(self.run("devices", "--json"))

    def outputs(self, model, x):
        """The embedding of the batch `x`."""
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "x.npy"
            np.save(source, x)
            self.run("run", model, "--input", f"input={source}", "--out", folder, "--precision", self.precision)
            return np.load(pathlib.Path(folder) / "embedding.npy")

    def paced(self, model, batch):
        return Paced([self.path, "bench", "network", str(model), "--batch", str(batch), "--precision", self.precision, "--paced"])


class Paced:
    """A process that says `ready`, then runs the network once per line it is sent and answers with the milliseconds."""

    def __init__(self, command):
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        if not self.answer().startswith("ready"):
            raise SystemExit(f"`{' '.join(command)}` did not say `ready`.")

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"`{' '.join(self.command)}` ended early (exit code {self.process.wait()}).")
        return line.strip()

    def milliseconds(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.answer().split()[0])

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def scaling(folder, threads):
    """How much faster `threads` threads multiply matrices than one: near `threads` on a quiet machine."""
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
        s = session(path, count)
        s.run(None, feed)
        medians.append(statistics.median(timed(lambda: s.run(None, feed)) for _ in range(9)))
        del s
        time.sleep(PAUSE)
    return medians[0] / medians[1]


def load_average():
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def summary(times):
    ordered = sorted(times)
    return {"median_ms": statistics.median(ordered), "min_ms": ordered[0], "max_ms": ordered[-1], "rounds": len(ordered)}


def measure(tool, reference, model, batch, args):
    """Alternating medians of both sides for one network and batch."""
    x = picture_batch(batch, 7)
    run_reference = lambda: timed(lambda: reference.run(None, {"input": x}))
    paced = tool.paced(model, batch)
    theirs, ours = [], []
    for turn in range(args.warm_up + args.rounds):
        keep = turn >= args.warm_up
        for run, times in ((run_reference, theirs), (paced.milliseconds, ours)):
            milliseconds = run()
            if keep:
                times.append(milliseconds)
            time.sleep(PAUSE)
    paced.close()
    theirs, ours = summary(theirs), summary(ours)
    return {"batch": batch, "onnxruntime": theirs, "lookalike": ours, "ratio": ours["median_ms"] / theirs["median_ms"]}


def agreement(tool, reference, model, batch):
    """How far the outputs are from ONNX Runtime's on the same random input."""
    x = picture_batch(batch, 100 + batch)
    expected = reference.run(None, {"input": x})[0].astype(np.float64)
    actual = tool.outputs(model, x).astype(np.float64)
    if actual.shape != expected.shape:
        raise SystemExit(f"{model.name}: the output has the shape {actual.shape}, ONNX Runtime's {expected.shape}.")
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(actual, axis=1)
    cosines = (expected * actual).sum(axis=1) / norms
    return {
        "batch": batch,
        "one_minus_cosine": float(max(0.0, 1 - cosines.min())),
        "relative_l2": float(np.linalg.norm(actual - expected) / np.linalg.norm(expected)),
        "max_abs": float(np.abs(actual - expected).max()),
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


def markdown(report):
    m = report["machine"]
    lines = [
        f"Machine: {m['processor']}, {m['cores']} cores, {m['system']}. First adapter: {m['adapters'][0] if m['adapters'] else 'none'}. "
        f"ONNX Runtime {m['onnxruntime']} on the CPU with {m['threads']} threads; weights on the GPU in {m['precision']}; {m['date']}.",
        f"Quietness: {m['threads']} threads over 1 in a matrix product {m['scaling_before']:.2f} before and {m['scaling_after']:.2f} after; "
        f"load average {m['load_before']} at the start. {'The machine was quiet.' if m['quiet'] else '**The machine was busy: repeat the run.**'}",
        "",
        "| network | batch | ONNX Runtime ms (min-max) | lookalike ms (min-max) | lookalike / ONNX Runtime |",
        "|---|---|---|---|---|",
    ]
    side = lambda s: f"{s['median_ms']:.1f} ({s['min_ms']:.1f}-{s['max_ms']:.1f})"
    for network in report["networks"]:
        for t in network["timings"]:
            lines.append(f"| {network['name']} | {t['batch']} | {side(t['onnxruntime'])} | {side(t['lookalike'])} | {t['ratio']:.2f} |")
    lines += ["", "| network | batch | 1 - cosine, worst | relative L2 | largest difference |", "|---|---|---|---|---|"]
    for network in report["networks"]:
        for a in network["agreement"]:
            lines.append(
                f"| {network['name']} | {a['batch']} | {a['one_minus_cosine']:.1e} | {a['relative_l2']:.1e} | {a['max_abs']:.1e} |")
    if report["kernels"]:
        lines += ["", "| kernel | times faster than the naive one | GFLOP/s |", "|---|---|---|"]
        for k in report["kernels"]:
            rate = f"{k['gflops']:.0f}" if k["gflops"] else ""
            lines.append(f"| {k['kernel']} | {k['naive_over_ours']:.1f} | {rate} |")
    return "\n".join(lines) + "\n"


def main():
    args = parse()
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    tool = Tool(args.lookalike, args.precision)
    adapters = tool.adapters()
    machine = {
        "date": datetime.date.today().isoformat(), "system": platform.platform(terse=True), "processor": processor(),
        "cores": os.cpu_count(), "adapters": [adapter_line(a) for a in adapters], "onnxruntime": ort.__version__,
        "threads": args.threads, "precision": args.precision, "load_before": load_average(),
    }
    say("measuring how quiet the machine is")
    machine["scaling_before"] = scaling(out, args.threads)

    results = []
    for name in args.networks:
        say(f"{name}: making the network")
        model = networks.make(name, out)
        reference = session(model, args.threads)
        say(f"{name}: comparing outputs")
        agreements = [agreement(tool, reference, model, batch) for batch in (1, 3)]
        timings = []
        for batch in args.batches:
            say(f"{name}: {args.warm_up} + {args.rounds} rounds at batch {batch}")
            timings.append(measure(tool, reference, model, batch, args))
        results.append({"name": name, "timings": timings, "agreement": agreements})
        del reference

    say("measuring how quiet the machine is")
    machine["scaling_after"] = scaling(out, args.threads)
    needed = QUIET_SCALING / 2 * args.threads if args.threads > 1 else 0
    machine["quiet"] = min(machine["scaling_before"], machine["scaling_after"]) >= needed
    kernels = []
    if not args.no_kernels:
        say("measuring kernels")
        kernels = kernel_speed_ups(tool)

    report = {"machine": machine, "networks": results, "kernels": kernels}
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    (out / "report.md").write_text(markdown(report))
    print(markdown(report))
    say(f"written: {out / 'report.json'}, {out / 'report.md'}")


if __name__ == "__main__":
    main()
