"""The list of hostile files that the tests read."""

import json


def write(folder, script, entries):
    lines = [
        f"# What each file of this folder has to give; written by scripts/checkpoints/{script}, read by tests/checkpoints/manifest.rs.",
        "# error: the variant of lookalike::Error; empty when the file has to work. phrase: a part of its sentence.",
        "",
    ]
    for e in sorted(entries, key=lambda e: e["file"]):
        lines.append("[[file]]")
        lines += [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in e.items() if v or k in ("file", "what")]
        lines.append("")
    (folder / "manifest.toml").write_text("\n".join(lines))
    print(f"{len(entries)} hostile files, {sum((folder / e['file']).stat().st_size for e in entries)} bytes")
