"""The hostile files of one format and the list of what each has to give, which the tests read."""

import json
import pathlib

ROOT = pathlib.Path(__file__).parent.parent.parent / "tests" / "checkpoints"


def write(folder, script, entries):
    """Writes the list of the files in `folder`. Without an error a file has to work."""
    lines = [
        f"# What each file of this folder has to give; written by scripts/checkpoints/{script}.",
        "# error: the variant of lookalike::Error; none when the file has to work. phrase: a part of its sentence.",
        "",
    ]
    for e in sorted(entries, key=lambda e: e["file"]):
        lines.append("[[file]]")
        lines += [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in e.items() if v or k in ("file", "what")]
        lines.append("")
    (folder / "manifest.toml").write_text("\n".join(lines))
    print(f"{len(entries)} hostile files, {sum((folder / e['file']).stat().st_size for e in entries)} bytes")


class Hostile:
    """The files of one kind of checkpoint."""

    def __init__(self, kind, extension):
        self.folder = ROOT / "hostile" / kind
        self.folder.mkdir(parents=True, exist_ok=True)
        self.kind, self.extension, self.entries = kind, extension, []

    def add(self, name, content, what, error="", phrase=""):
        """Writes a file and its entry. Without an error it has to work."""
        assert len(content) < 20_000, name
        file = f"{name}.{self.extension}"
        (self.folder / file).write_bytes(content)
        self.entries.append({"file": file, "what": what, "error": error, "phrase": phrase})

    def finish(self):
        write(self.folder, f"{self.kind}.py", self.entries)
