"""Writes tests/hostile: small files that are damaged, contradictory or made to hurt, and a manifest of what each has to give.

    python scripts/hostile.py [OUT_DIR]        default: tests/hostile

Needs numpy and onnx. `hostile_files/` says what is in each; what the onnx package would not write is put together from protobuf fields.
The output is the same every time.
What each file is for stands in the manifest; `tests/hostile_files.rs` holds the crate to it, and `fuzz/` starts from the same files.
"""

import json

import onnx
from hostile_files import attributes, graphs, model_files, seeds, shapes, tensors, wire
from hostile_files.build import ENTRIES, OUT


def manifest():
    lines = [
        "# What each file of this folder has to give; written by scripts/hostile.py, read by tests/hostile_files.rs.",
        "# error: the variant of lookalike::Error, on reading or on preparing; empty when it has to work, * when any error will do.",
        "# phrase: a part of its sentence. waits: operators; while one of them is not supported, Unsupported with its name will do.",
        "",
    ]
    for e in sorted(ENTRIES, key=lambda e: e["file"]):
        lines.append("[[file]]")
        lines += [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in e.items() if v or k in ("file", "what")]
        lines.append("")
    (OUT / "manifest.toml").write_text("\n".join(lines))


def dictionary():
    """Words of the format for the fuzzers."""
    words = {s.name for s in onnx.defs.get_all_schemas() if s.domain == ""}
    words |= {a for s in onnx.defs.get_all_schemas() if s.domain == "" for a in s.attributes}
    target = OUT.parent.parent / "fuzz" / "onnx.dict"
    if target.parent.is_dir():
        target.write_text("# Operators and attributes; written by scripts/hostile.py.\n" + "".join(f'"{w}"\n' for w in sorted(words)))


for part in (
    seeds.seeds,
    wire.wire,
    wire.counts,
    tensors.payloads,
    tensors.external,
    graphs.graphs,
    attributes.attributes,
    shapes.shapes,
    model_files.model_files,
):
    part()
manifest()
dictionary()
print(f"{len(ENTRIES)} files, {sum((OUT / e['file']).stat().st_size for e in ENTRIES)} bytes")
