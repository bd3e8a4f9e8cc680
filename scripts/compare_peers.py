"""The engines of compare.py: which there are, and processes that run one of them once per request."""

import ctypes
import dataclasses
import pathlib
import signal
import subprocess
import threading
import time

WORKER = pathlib.Path(__file__).with_name("compare_worker.py")
PATIENCE = 600  # seconds that a process may take to start, or for one run


@dataclasses.dataclass(frozen=True)
class Peer:
    """An engine beside lookalike. `name` is that of --peers and of compare_worker.py, `title` that of the tables."""

    name: str
    title: str
    fixed_shapes: bool = False  # it is given a copy of the model with the batch and the shapes of all values written down
    one_by_one: bool = False  # pictures of a batch pass one after the other


REFERENCE = Peer("onnxruntime", "ONNX Runtime")
NO_SPINNING = Peer("onnxruntime-nospin", "ONNX Runtime, spinning off")
BURN = Peer("burn", "burn, wgpu")  # not in compare_worker.py: compare_burn.py builds a program for each network
PEERS = {peer.name: peer for peer in (
    REFERENCE,
    NO_SPINNING,
    Peer("ncnn", "ncnn", one_by_one=True),
    Peer("ncnn-vulkan", "ncnn, Vulkan, f32", one_by_one=True),
    Peer("onnxruntime-webgpu", "ONNX Runtime, WebGPU"),
    Peer("wonnx", "wonnx", fixed_shapes=True),
    BURN,
    Peer("pytorch", "PyTorch, CPU"),
    Peer("pytorch-cuda", "PyTorch, CUDA, f32"),
    Peer("pytorch-cuda-tf32", "PyTorch, CUDA, TF32"),
    Peer("pytorch-cuda-f16", "PyTorch, CUDA, f16"),
    Peer("pytorch-cuda-compile", "PyTorch, CUDA, f32, compiled"),
)}
DEFAULT = ("onnxruntime", "onnxruntime-nospin", "ncnn")


class Gone(Exception):
    """The process has no more answers. The message is the reason, one sentence without its full stop."""


class Paced:
    """A process that says `ready`, then runs a network once per line that it is sent and answers with the milliseconds."""

    def __init__(self, command, log):
        self.log = pathlib.Path(log)
        pipe = subprocess.PIPE
        try:
            with open(self.log, "wb") as errors:
                self.process = subprocess.Popen(list(map(str, command)), stdin=pipe, stdout=pipe, stderr=errors, text=True, bufsize=1)
        except OSError as error:
            raise Gone(f"`{command[0]}` could not be started: {error.strerror}") from None
        self.clock = processor_clock(self.process.pid)
        try:
            word, _, self.said = self.answer().partition(" ")
            if word != "ready":
                raise Gone(self.said or f"it said `{word}` instead of `ready`")
        except Gone:
            self.close()
            raise

    def answer(self):
        watch = threading.Timer(PATIENCE, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        in_time = watch.is_alive()
        watch.cancel()
        if line:
            return line.strip()
        code = self.process.wait()
        if not in_time:
            raise Gone(f"it gave no answer in {PATIENCE} s")
        if code < 0:
            raise Gone(f"its process was ended by {signal.Signals(-code).name}")
        raise Gone(self.last_words() or f"its process ended with the exit code {code}")

    def last_words(self):
        """What the process said last on standard error."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines()]
        lines = [line for line in lines if line and not line.startswith("note: run with `RUST_BACKTRACE")]  # what a panic says after its reason
        return lines[-1].removeprefix("error: ").rstrip(".") if lines else ""

    def run(self):
        """Wall milliseconds as the process measures them, its processor's and its device's; None for what is not known."""
        before = self.clock() if self.clock else None
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it has ended; what is missing is the answer
        answer = self.answer()
        after = self.clock() if self.clock else None
        wall, device = (*map(float, answer.split()), None)[:2]
        return wall, None if after is None else (after - before) * 1e3, device

    def close(self):
        try:
            self.process.stdin.close()
            self.process.wait(timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def processor_clock(pid):
    """A function that reads the processor seconds of all threads of a process; None where the system has no such clock."""
    clock = ctypes.c_int()
    try:
        found = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)) == 0
    except (OSError, AttributeError, TypeError):
        return None
    return (lambda: time.clock_gettime(clock.value)) if found else None


def worker(peer, interpreter, model, input_name, source, output, threads):
    """The command line that runs `peer`."""
    return [interpreter, WORKER, peer.name, model, "--input", f"{input_name}={source}", "--output", output, "--threads", threads]
