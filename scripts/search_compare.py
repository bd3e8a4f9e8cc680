"""Speed of `lookalike bench search` beside other exact searches on the same rows, in turn.

`cargo xtask search` runs it. The others are NumPy's matrix product with argpartition, Faiss' IndexFlatIP (both f32) and usearch's exact
search (f16), each with its default threads. All search the same noise (fmix32 of the number of an element). Times are medians of wall
milliseconds; the last column is the smallest share of another's results that lookalike gives too (the rest are ties within the storage).

    python3 scripts/search_compare.py --lookalike target/release/lookalike
"""

import argparse
import json
import statistics
import subprocess
import time

import numpy as np

PAUSE = 0.05  # seconds between the sides: threads of BLAS may spin on for a while
OTHERS = ["numpy", "faiss", "usearch"]


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lookalike", required=True, help="the built tool")
    p.add_argument("--rows", type=int, default=1_000_000)
    p.add_argument("--dim", type=int, default=512)
    p.add_argument("--k", type=int, default=10)
    p.add_argument("--cases", default="f16:1,i8:1,f16:64", help="storage:batch, separated by commas")
    p.add_argument("--others", default=",".join(OTHERS), help="whom to compare with, separated by commas")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    args.others = [o for o in args.others.split(",") if o]
    if unknown := set(args.others) - set(OTHERS):
        p.error(f"--others knows {', '.join(OTHERS)}, not {', '.join(sorted(unknown))}")
    return args


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


def searches(others, rows, k):
    """Name to (version, a function from probes to ids)."""
    found = {}
    if "numpy" in others:
        found["numpy"] = (f"NumPy {np.__version__}", lambda probes: top(probes @ rows.T, k))
    if "faiss" in others:
        import faiss

        flat = faiss.IndexFlatIP(rows.shape[1])
        flat.add(rows)
        found["faiss"] = (f"Faiss {faiss.__version__} IndexFlatIP", lambda probes: flat.search(probes, k)[1])
    if "usearch" in others:
        import usearch
        from usearch.index import MetricKind, search

        halves = rows.astype(np.float16)

        def exact(probes):
            keys = search(halves, probes.astype(np.float16), k, MetricKind.IP, exact=True).keys
            return np.asarray(keys).reshape(len(probes), k)

        found["usearch"] = (f"usearch {usearch.__version__} exact f16", exact)
    return found


def compare(args, others, storage, batch):
    probes = unit(noise(args.rows * args.dim, batch * args.dim).reshape(batch, args.dim))
    tool = Tool(args, storage, batch)
    times = {name: [] for name in ["lookalike", *others]}
    for _ in range(args.rounds + 1):
        milliseconds, ids = tool.search()
        times["lookalike"].append(milliseconds)
        time.sleep(PAUSE)
        found = {}
        for name, (_, search) in others.items():
            start = time.perf_counter()
            found[name] = search(probes)
            times[name].append((time.perf_counter() - start) * 1e3)
            time.sleep(PAUSE)
    tool.close()
    # The first round warms up.
    medians = {name: statistics.median(all[1:]) for name, all in times.items()}
    same = {name: len(set(ids) & set(rows[0].tolist())) / args.k for name, rows in found.items()}
    return {"storage": storage, "batch": batch, "ms": medians, "same": same}


def main():
    args = parse()
    others = searches(args.others, gallery(args.rows, args.dim), args.k)
    report = [compare(args, others, s, int(b)) for s, b in (case.split(":") for case in args.cases.split(","))]
    if args.json:
        print(json.dumps(report, indent=2))
        return
    print(f"{args.rows} rows x {args.dim}, k {args.k}; {', '.join(version for version, _ in others.values())}")
    names = list(others)
    print(f"| storage | probes | lookalike ms | {' | '.join(f'{n} ms (ratio)' for n in names)} | same results |")
    print("|---|---|---|" + "---|" * len(names) + "---|")
    for r in report:
        ours = r["ms"]["lookalike"]
        theirs = " | ".join(f"{r['ms'][n]:.1f} ({ours / r['ms'][n]:.2f})" for n in names)
        print(f"| {r['storage']} | {r['batch']} | {ours:.1f} | {theirs} | {min(r['same'].values(), default=1):.0%} |")


if __name__ == "__main__":
    main()
