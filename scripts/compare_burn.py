"""burn as an engine of compare.py: burn-onnx makes Rust code of a network, cargo builds a program of it (scripts/burn)."""

import os
import pathlib
import subprocess
import sys

import numpy as np

from compare_peers import Gone, Paced

PACKAGE = pathlib.Path(__file__).with_name("burn")
PROGRAM = "lookalike-burn" + (".exe" if sys.platform == "win32" else "")


def start(model, x, out):
    """The process that runs `model`, and its output on the batch `x`."""
    program = build(model, out / "burn")
    source, output = out / "work" / "input.f32", out / "work" / "burn.f32"
    x.astype("<f4").tofile(source)
    process = Paced([program, source, ",".join(map(str, x.shape)), output], out / "work" / "burn.log")
    return process, np.fromfile(output, "<f4").reshape(len(x), -1)


def build(model, folder):
    """Builds the program that runs `model`. What all networks share is built by the first one and kept in `folder`."""
    command = [os.environ.get("CARGO", "cargo"), "build", "--release", "--manifest-path", PACKAGE / "Cargo.toml", "--target-dir", folder]
    print(f"building burn and {model.name}; the first time takes tens of minutes", file=sys.stderr, flush=True)
    environment = os.environ | {"BURN_NETWORK": str(model.path.resolve())}
    lines = []
    try:
        quiet, pipe = subprocess.DEVNULL, subprocess.PIPE
        cargo = subprocess.Popen(list(map(str, command)), env=environment, stdin=quiet, stderr=pipe, text=True, errors="replace")
    except OSError as error:
        raise Gone(f"`{command[0]}` could not be started: {error.strerror}") from None
    with cargo:
        for line in cargo.stderr:
            sys.stderr.write(line)
            lines.append(line)
    if cargo.returncode:
        raise Gone(f"its program cannot be built: {said(lines)}")
    return folder / "release" / PROGRAM


def said(lines):
    """Why a build failed: what burn-onnx said when it refused the network, else the first error of the compiler."""
    lines = [line.strip() for line in lines]
    panics = [after for line, after in zip(lines, lines[1:]) if "panicked at" in line]
    errors = [line for line in lines if line.startswith("error")]
    return (panics + errors + ["nothing was said"])[0].removeprefix("error: ").rstrip(".")
