"""One engine in a process of its own, for compare.py.

    python compare_worker.py ENGINE MODEL.onnx --input NAME=X.npy --output Y.npy [--threads N]

Loads the model, runs it once on X and writes the output to Y. Then it prints `ready VERSIONS`, and for every line on standard input it
runs once more and prints the wall milliseconds, as `lookalike bench network --paced` does; an engine that has its device's clock adds the
milliseconds that the device computed. When the engine is missing or does not take the model, it prints `refused REASON` instead and ends.
What engines print by themselves goes to standard error.
"""

import argparse
import importlib.metadata
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

from compare_torch import PyTorch, PyTorchCuda, PyTorchCudaCompiled, PyTorchCudaF16, PyTorchCudaTf32


class OnnxRuntime:
    """ONNX Runtime with one provider. Its own fallback to the CPU is off, so that another provider's failure shows."""

    packages = ("onnxruntime",)
    device = ""

    def __init__(self, model, name, threads, provider="CPUExecutionProvider", spinning=True):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        if not spinning:
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if provider not in onnxruntime.get_available_providers():
            raise RuntimeError(f"this build has no {provider}")
        self.session = onnxruntime.InferenceSession(str(model), options, providers=[provider], enable_fallback=0)
        if self.session.get_providers()[0] != provider:
            raise RuntimeError(f"the session runs in {self.session.get_providers()[0]}, not in {provider}")
        self.name = name

    def run(self, x):
        return self.session.run(None, {self.name: x})[0]


class OnnxRuntimeQuiet(OnnxRuntime):
    """Its threads sleep between calls."""

    def __init__(self, model, name, threads):
        super().__init__(model, name, threads, spinning=False)


class OnnxRuntimeWebGpu(OnnxRuntime):
    """The build with Dawn inside, which chooses the adapter."""

    packages = ("onnxruntime-webgpu",)

    def __init__(self, model, name, threads):
        super().__init__(model, name, threads, provider="WebGpuExecutionProvider")


class Ncnn:
    """ncnn, from a file that pnnx makes. It takes one picture at a time."""

    packages = ("ncnn", "pnnx")
    device = ""
    vulkan = False

    def __init__(self, model, _, threads):
        # Read when the library is loaded: waiting threads that spin make a run a hundred times slower when the cores are not all free.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        import ncnn

        self.ncnn, self.net, self.model = ncnn, ncnn.Net(), pathlib.Path(model)
        self.net.opt.num_threads = threads
        if self.vulkan:
            self.use_vulkan()
        self.loaded = False

    def use_vulkan(self):
        if self.ncnn.get_gpu_count() < 1:
            raise RuntimeError("it finds no Vulkan device")
        options = self.net.opt
        options.use_vulkan_compute = True
        # By default it computes in f16, which costs two digits, and time on software adapters.
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_storage = False
        device = self.ncnn.get_default_gpu_index()
        self.net.set_vulkan_device(device)
        self.device = self.ncnn.get_gpu_info(device).device_name()

    def load(self, shape):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "model.onnx"
            shutil.copy(self.model, copy)
            sizes = ",".join(map(str, shape))
            command = [pnnx(), str(copy), f"inputshape=[{sizes}]f32", "fp16=0"]
            done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr)
            param, weights = copy.with_name("model.ncnn.param"), copy.with_name("model.ncnn.bin")
            if done.returncode or not param.exists():
                raise RuntimeError(f"pnnx does not convert the model (exit code {done.returncode})")
            if self.net.load_param(str(param)) or self.net.load_model(str(weights)):
                raise RuntimeError("it does not load what pnnx made")
        self.loaded = True

    def one(self, picture):
        extractor = self.net.create_extractor()
        # A copy that ncnn owns: layers that work in place crash on memory of NumPy.
        extractor.input("in0", self.ncnn.Mat(picture).clone())
        code, output = extractor.extract("out0")
        if code:
            raise RuntimeError(f"a run fails with the code {code}")
        return np.array(output).reshape(-1)

    def run(self, x):
        if not self.loaded:
            self.load((1, *x.shape[1:]))
        return np.stack([self.one(picture) for picture in x])


class NcnnVulkan(Ncnn):
    """ncnn on its best Vulkan device, all in f32."""

    vulkan = True


class Wonnx:
    """wonnx, which needs fixed shapes and the shape of every value in the file."""

    packages = ("wonnx",)
    device = ""

    def __init__(self, model, name, _):
        import wonnx

        self.session, self.name = wonnx.Session.from_path(str(model)), name

    def run(self, x):
        (output,) = self.session.run({self.name: x.reshape(-1)}).values()
        return np.array(output, np.float32).reshape(len(x), -1)


ENGINES = {
    "onnxruntime": OnnxRuntime,
    "onnxruntime-nospin": OnnxRuntimeQuiet,
    "onnxruntime-webgpu": OnnxRuntimeWebGpu,
    "ncnn": Ncnn,
    "ncnn-vulkan": NcnnVulkan,
    "wonnx": Wonnx,
    "pytorch": PyTorch,
    "pytorch-cuda": PyTorchCuda,
    "pytorch-cuda-tf32": PyTorchCudaTf32,
    "pytorch-cuda-f16": PyTorchCudaF16,
    "pytorch-cuda-compile": PyTorchCudaCompiled,
}


def pnnx():
    """The program inside the package, which cannot be imported without PyTorch."""
    file = "pnnx.exe" if sys.platform == "win32" else "pnnx"
    try:
        return str(importlib.metadata.distribution("pnnx").locate_file(f"pnnx/{file}"))
    except importlib.metadata.PackageNotFoundError:
        raise ModuleNotFoundError(name="pnnx") from None


def versions(engine):
    """The packages of an engine that are installed, with their versions."""
    found = []
    for package in engine.packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            pass
    return ", ".join(found)


def reason(error):
    """The first line of an error, without the frames and paths that some engines put before what they say."""
    if isinstance(error, ModuleNotFoundError):
        return f"the Python package {error.name} is not installed"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = lines[0].split(" was false. ")[-1].split("on an `Err` value: ")[-1]
    return line if len(line) <= 240 else line[:240] + "..."


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("engine", choices=ENGINES)
    p.add_argument("model")
    p.add_argument("--input", required=True)
    p.add_argument("--output", required=True)
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    name, file = args.input.rsplit("=", 1)
    x = np.load(file)

    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    said = versions(ENGINES[args.engine])
    try:
        engine = ENGINES[args.engine](args.model, name, args.threads)
        np.save(args.output, engine.run(x))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a Rust library is no Exception
        answers.write(f"refused {': '.join(filter(None, (said, reason(error))))}\n")
        return
    answers.write(f"ready {' on '.join(filter(None, (said, engine.device)))}\n")
    for _ in sys.stdin:
        start = time.perf_counter()
        engine.run(x)
        times = [(time.perf_counter() - start) * 1e3, getattr(engine, "device_ms", None)]
        answers.write(" ".join(f"{ms:.4f}" for ms in times if ms is not None) + "\n")
    answers.flush()
    os._exit(0)  # drivers' threads may outlive the interpreter and crash while it ends


if __name__ == "__main__":
    main()
