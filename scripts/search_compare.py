"""Speed of `lookalike bench search` beside NumPy's matrix product and argpartition on the same rows, in turn.

Both sides search the same noise (fmix32 of the number of an element), NumPy in f32 and with its default threads. Times are medians of
wall milliseconds; the last column is the share of NumPy's results that lookalike gives too (the rest are ties within the storage).

    python3 scripts/search_compare.py --lookalike target/release/lookalike
"""

import argparse
import json
import statistics
import subprocess
import time

import numpy as np

PAUSE = 0.05  # seconds between the two sides: threads of BLAS may spin on for a while


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lookalike", required=True, help="the built tool")
    p.add_argument("--rows", type=int, default=1_000_000)
    p.add_argument("--dim", type=int, default=512)
    p.add_argument("--k", type=int, default=10)
    p.add_argument("--cases", default="f16:1,i8:1,f16:64", help="storage:batch, separated by commas")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--json", action="store_true")
    return p.parse_args()


def noise(first, count):
    """Numbers `first` and up of the noise that `bench search` makes."""
    i = np.arange(first, first + count, dtype=np.uint64)
    h = (i & np.uint64(0xFFFFFFFF)).astype(np.uint32) * np.uint32(0x9E3779B9) + (i >> np.uint64(32)).astype(np.uint32)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return ((h ^ (h >> np.uint32(16))) >> np.uint32(8)).astype(np.float32) / np.float32(8388608) - np.float32(1)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def gallery(rows, dim):
    out = np.empty((rows, dim), np.float32)
    for first in range(0, rows, 8192):
        last = min(first + 8192, rows)
        out[first:last] = unit(noise(first * dim, (last - first) * dim).reshape(-1, dim))
    return out


def top(scores, k):
    found = np.argpartition(scores, -k, axis=1)[:, -k:]
    order = np.argsort(-np.take_along_axis(scores, found, 1), axis=1)
    return np.take_along_axis(found, order, 1)


class Tool:
    """The lookalike program, searching once for every line."""

    def __init__(self, args, storage, batch):
        options = ["--rows", args.rows, "--dim", args.dim, "--k", args.k, "--storage", storage, "--batch", batch]
        command = [args.lookalike, "bench", "search", "--paced", "--quiet", *map(str, options)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"`{' '.join(command)}` did not start")

    def search(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        milliseconds, *ids = self.process.stdout.readline().split()
        return float(milliseconds), [int(i) for i in ids]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(args, rows, storage, batch):
    probes = unit(noise(args.rows * args.dim, batch * args.dim).reshape(batch, args.dim))
    tool = Tool(args, storage, batch)
    ours, theirs = [], []
    for _ in range(args.rounds + 1):
        milliseconds, ids = tool.search()
        ours.append(milliseconds)
        time.sleep(PAUSE)
        start = time.perf_counter()
        found = top(probes @ rows.T, args.k)
        theirs.append((time.perf_counter() - start) * 1e3)
        time.sleep(PAUSE)
    tool.close()
    # The first round warms up.
    ours, theirs = statistics.median(ours[1:]), statistics.median(theirs[1:])
    same = len(set(ids) & set(found[0].tolist())) / args.k
    return {"storage": storage, "batch": batch, "lookalike_ms": ours, "numpy_ms": theirs, "ratio": ours / theirs, "same": same}


def main():
    args = parse()
    rows = gallery(args.rows, args.dim)
    report = [compare(args, rows, s, int(b)) for s, b in (case.split(":") for case in args.cases.split(","))]
    if args.json:
        print(json.dumps(report, indent=2))
        return
    print(f"{args.rows} rows x {args.dim}, k {args.k}; NumPy {np.__version__} in f32")
    print("| storage | probes | NumPy ms | lookalike ms | lookalike / NumPy | same results |")
    print("|---|---|---|---|---|---|")
    for r in report:
        print(f"| {r['storage']} | {r['batch']} | {r['numpy_ms']:.1f} | {r['lookalike_ms']:.1f} | {r['ratio']:.2f} | {r['same']:.0%} |")


if __name__ == "__main__":
    main()
