"""The hostile files of one format and the list of what each has to give."""

import json
import pathlib

ROOT = pathlib.Path(__file__).parent.parent.parent / "tests" / "checkpoints"


class Hostile:
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
        lines = [
            f"# What each file of this folder has to give; written by scripts/checkpoints/{self.kind}.py.",
            "# error: the variant of lookalike::Error; none when the file has to work. phrase: a part of its sentence.",
            "",
        ]
        for entry in sorted(self.entries, key=lambda e: e["file"]):
            lines.append("[[file]]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in entry.items() if value]
            lines.append("")
        (self.folder / "manifest.toml").write_text("\n".join(lines))
