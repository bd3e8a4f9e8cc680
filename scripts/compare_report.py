"""The Markdown report of compare.py."""


def markdown(report):
    return "\n".join([*machine(report), *measured(report), *refused(report), *kernels(report)]) + "\n"


def machine(report):
    m = report["machine"]
    versions = "; ".join(name if text == name else f"{name}: {text}" for name, text in report["versions"].items())
    return [
        f"Machine: {m['processor']}, {m['cores']} cores, {m['system']}. First adapter: {m['adapters'][0] if m['adapters'] else 'none'}. "
        f"Engines on the CPU with {m['threads']} threads; lookalike's weights on the GPU in {m['precision']}; {m['date']}.",
        f"Versions: {versions}.",
        f"Quietness: {m['threads']} threads over 1 in a matrix product {m['scaling_before']:.2f} before and {m['scaling_after']:.2f} after; "
        f"load average {m['load_before']} at the start. {'The machine was quiet.' if m['quiet'] else '**The machine was busy: repeat the run.**'}",
    ]


def rows(report, measured):
    """Network, batch and row, of the engines that ran or of those that did not."""
    for network in report["networks"]:
        for batch in network["batches"]:
            for row in batch["rows"]:
                if ("wall" in row) == measured:
                    yield network["name"], batch["batch"], row


def measured(report):
    timed = any(row.get("device_ms") for _, _, row in rows(report, measured=True))
    titles = [
        "network", "batch", "engine", "ms (min-max)", "processor ms", *(["on the device, ms"] if timed else []),
        "over ONNX Runtime", "over it, spinning off", "1 - cosine, worst", "relative L2",
    ]
    lines = ["", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for network, batch, row in rows(report, measured=True):
        wall, title = row["wall"], row["title"] + (f" ({row['note']})" if row["note"] else "")
        far = ["-"] * 2
        if row["agreement"]:
            far = [cell(row["agreement"][name], ".1e", "not finite") for name in ("one_minus_cosine", "relative_l2")]
        cells = [
            network, batch, title, f"{ms(wall['median_ms'])} ({ms(wall['min_ms'])}-{ms(wall['max_ms'])})", ms(row["processor_ms"]),
            *([ms(row.get("device_ms"))] if timed else []), cell(row["over_onnxruntime"], ".2f"), cell(row["over_nospin"], ".2f"), *far,
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def ms(number):
    return cell(number, ".1f" if number and number >= 10 else ".2f")


def cell(number, form, missing="-"):
    return missing if number is None else format(number, form)


def refused(report):
    lines = [f"| {network} | {batch} | {row['title']} | {in_a_cell(row['reason'])} |" for network, batch, row in rows(report, measured=False)]
    return ["", "| network | batch | not measured | why |", "|---|---|---|---|", *lines] if lines else []


def in_a_cell(text):
    return " ".join(text.split()).replace("|", "\\|")


def kernels(report):
    if not report["kernels"]:
        return []
    lines = ["", "| kernel | times faster than the naive one | GFLOP/s |", "|---|---|---|"]
    for k in report["kernels"]:
        lines.append(f"| {k['kernel']} | {k['naive_over_ours']:.1f} | {cell(k['gflops'] or None, '.0f')} |")
    return lines
