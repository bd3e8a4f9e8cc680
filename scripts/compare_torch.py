"""PyTorch as engines of compare_worker.py, on the modules that onnx2torch makes of the ONNX file."""

import os

WARM_UP = 3  # runs before the first whose output is kept: torch.compile compiles in them, and cuDNN times its algorithms


class PyTorch:
    """Eager, in f32, on the CPU."""

    packages = ("torch", "onnx2torch")
    device = ""
    device_ms = None  # of the last run, without upload and readback, where the device has a clock
    tf32 = half = compiled = False

    def __init__(self, model, _, threads):
        # Read when the library is loaded: waiting threads that spin make a run ten times slower when the cores are not all free.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        import torch

        self.torch, self.threads = torch, threads
        self.target = self.choose()
        from onnx2torch import convert

        network = convert(str(model)).eval().to(self.target)
        if self.half:
            network = network.half().to(memory_format=torch.channels_last)
        self.network = torch.compile(network, dynamic=False) if self.compiled else network
        self.warm = False

    def choose(self):
        """Where the network runs, after settings for it."""
        self.torch.set_num_threads(self.threads)
        return "cpu"

    def run(self, x):
        for _ in range(0 if self.warm else WARM_UP):
            self.once(x)
        self.warm = True
        return self.once(x)

    def once(self, x):
        with self.torch.inference_mode():
            return self.compute(self.torch.from_numpy(x).to(self.target)).cpu().numpy()

    def compute(self, x):
        """What the network makes of a batch on its device, in f32."""
        if self.half:
            x = x.to(self.torch.float16, memory_format=self.torch.channels_last)
        return self.network(x).float()


class PyTorchCuda(PyTorch):
    """Eager, in f32, with the algorithms that cuDNN finds fastest."""

    def choose(self):
        cuda, backends = self.torch.cuda, self.torch.backends
        if not cuda.is_available():
            raise RuntimeError("PyTorch finds no CUDA device")
        backends.cudnn.benchmark = True
        # Not their successors, `fp32_precision`: torch.compile reads these, and PyTorch refuses that after the successors were set.
        backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = self.tf32
        self.device = f"{cuda.get_device_name()} (CUDA {self.torch.version.cuda}, cuDNN {backends.cudnn.version()})"
        self.events = [cuda.Event(enable_timing=True) for _ in range(2)]
        return "cuda"

    def compute(self, x):
        self.events[0].record()
        found = super().compute(x)
        self.events[1].record()
        return found

    def once(self, x):
        found = super().once(x)
        self.device_ms = self.events[0].elapsed_time(self.events[1])
        return found


class PyTorchCudaTf32(PyTorchCuda):
    """The same with products of 10 bits on tensor cores, sums in f32."""

    tf32 = True


class PyTorchCudaF16(PyTorchCuda):
    """Weights and activations in f16, the channels of a pixel side by side, as tensor cores want them."""

    half = True


class PyTorchCudaCompiled(PyTorchCuda):
    """f32 after torch.compile with its defaults, for the batch that is measured."""

    compiled = True
