"""Tests of compare.py and its modules, without any of the engines: `python test_compare.py` with NumPy and onnx."""

import contextlib
import io
import pathlib
import sys
import tempfile
import time
import unittest
from unittest import mock

import numpy as np
import onnx
from onnx import TensorProto, helper

import compare
import compare_burn
import compare_peers
import compare_report
import compare_torch
import compare_worker
import networks

REQUIRED = ["--lookalike", "x", "--out", "y"]


def network(path, batch, size=8, outputs=1):
    """An identity as ONNX."""
    shape = [batch, 3, size, size]
    names = [f"y{i}" for i in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], [name]) for name in names], "identity",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


class Folder(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)


class Arguments(Folder):
    def refused(self, *args):
        with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit) as end:
            compare.parse([*REQUIRED, *args])
        self.assertEqual(end.exception.code, 2)
        return said.getvalue()

    def test_the_reference_is_always_among_the_peers_and_first(self):
        self.assertEqual(compare.parse(REQUIRED).peers, ["onnxruntime", "onnxruntime-nospin", "ncnn"])
        self.assertEqual(compare.parse([*REQUIRED, "--peers", "wonnx,ncnn"]).peers, ["onnxruntime", "ncnn", "wonnx"])
        self.assertEqual(compare.parse([*REQUIRED, "--peers", ""]).peers, ["onnxruntime"])

    def test_values_of_peers_keep_what_follows_the_first_equals_sign(self):
        args = compare.parse([*REQUIRED, "--unavailable", "wonnx=pip=1 failed", "--interpreter", "ncnn=/a/python"])
        self.assertEqual((args.unavailable, args.interpreter), ({"wonnx": "pip=1 failed"}, {"ncnn": "/a/python"}))

    def test_wrong_values_are_named(self):
        self.assertIn("unknown peer candle", self.refused("--peers", "ncnn,candle"))
        self.assertIn("unknown network vgg", self.refused("--networks", "vgg"))
        self.assertIn("not candle", self.refused("--interpreter", "candle=/x"))
        self.assertIn("not wonnx", self.refused("--unavailable", "wonnx"))
        self.assertIn("whole numbers", self.refused("--batches", "1,x"))
        for option in ("--rounds", "--threads", "--batches"):
            self.assertIn("at least 1", self.refused(option, "0"))

    def test_models_that_cannot_be_compared_are_refused_by_name(self):
        text = self.folder / "text.onnx"
        text.write_text("no model")
        self.assertIn("text.onnx cannot be read", self.refused("--model", str(text)))
        self.assertIn("nowhere.onnx cannot be read", self.refused("--model", "nowhere.onnx"))
        self.assertIn("1 inputs and 2 outputs", self.refused("--model", str(network(self.folder / "two.onnx", "n", outputs=2))))
        self.assertIn("fixed size", self.refused("--model", str(network(self.folder / "free.onnx", 1, size="s"))))
        same = str(network(self.folder / "mobilefacenet.onnx", 1))
        self.assertIn("two networks are called mobilefacenet", self.refused("--model", same))

    def test_a_file_that_fixes_its_batch_is_timed_at_that(self):
        fixed = compare.Model("fixed", network(self.folder / "fixed.onnx", 4))
        free = compare.Model("free", network(self.folder / "free.onnx", "n"))
        self.assertEqual((fixed.batches([1, 8]), free.batches([1, 8])), ([4], [1, 8]))
        self.assertEqual((free.input, free.shape), ("x", (3, 8, 8)))

    def test_a_copy_with_shapes_has_the_batch_in_inputs_and_outputs(self):
        free = compare.Model("free", network(self.folder / "free.onnx", "n"))
        graph = onnx.load(free.with_shapes(5, self.folder)).graph
        self.assertEqual([v.type.tensor_type.shape.dim[0].dim_value for v in (graph.input[0], graph.output[0])], [5, 5])


class Agreement(unittest.TestCase):
    def test_it_is_the_worst_row(self):
        expected = np.array([[3.0, 4.0], [1.0, 0.0]])
        found = compare.agreement(np.array([[3.0, 4.0], [0.0, 1.0]]), expected)
        self.assertEqual((found["one_minus_cosine"], found["max_abs"]), (1.0, 1.0))
        self.assertAlmostEqual(found["relative_l2"], (2 / 26) ** 0.5)

    def test_what_is_not_finite_is_no_agreement(self):
        expected = np.ones((2, 2))
        found = compare.agreement(np.array([[1.0, 1.0], [np.nan, 1.0]]), expected)
        self.assertEqual(set(found.values()), {None})


class Tool(unittest.TestCase):
    def test_a_tool_that_is_missing_or_fails_is_named(self):
        with self.assertRaisesRegex(compare_peers.Gone, "`no/tool` could not be started"):
            compare.Tool("no/tool", "f32")
        with self.assertRaisesRegex(compare_peers.Gone, "`lookalike --version` ended with [12]"):
            compare.Tool(sys.executable, "f32").run("--version", "--nothing")


class Processes(Folder):
    def start(self, code):
        return compare_peers.Paced([sys.executable, "-c", code], self.folder / "log")

    def gone(self, code):
        with self.assertRaises(compare_peers.Gone) as gone:
            process = self.start(code)
            self.addCleanup(process.close)
            process.run()
        return str(gone.exception)

    def test_it_answers_once_per_line_with_wall_and_processor_time(self):
        busy = "import sys, time\nprint('ready engine 1', flush=True)\nfor _ in sys.stdin:\n" \
            " t = time.process_time()\n while time.process_time() < t + 0.1: pass\n print('12.5', flush=True)"
        process = self.start(busy)
        self.addCleanup(process.close)
        self.assertEqual(process.said, "engine 1")
        for _ in range(2):
            wall, processor, device = process.run()
            self.assertEqual((wall, device), (12.5, None))
            if process.clock:
                self.assertTrue(95 < processor < 400, processor)
        if sys.platform == "linux":
            self.assertIsNotNone(process.clock)

    def test_an_engine_that_has_its_devices_clock_tells_both_times(self):
        code = "import sys\nprint('ready', flush=True)\nfor _ in sys.stdin: print('2.5 1.25', flush=True)"
        row = compare.Row("pytorch-cuda", "PyTorch", process=self.start(code))
        self.addCleanup(row.process.close)
        row.run(keep=False)
        row.run(keep=True)
        self.assertEqual((row.wall, row.device, row.figures()["device_ms"]), ([2.5], [1.25], 1.25))

    def test_every_end_has_a_reason(self):
        self.assertEqual(self.gone("print('refused engine 1: no')"), "engine 1: no")
        self.assertEqual(self.gone("import sys; sys.exit('error: The file is broken.')"), "The file is broken")
        self.assertEqual(self.gone("import sys; print('ready'); sys.exit(3)"), "its process ended with the exit code 3")
        self.assertEqual(self.gone("import os, sys; print('ready', flush=True); sys.stdin.readline(); os.abort()"), "its process was ended by SIGABRT")
        panic = "thread 'main' panicked at main.rs:1:\nno device.\nnote: run with `RUST_BACKTRACE=1` environment variable"
        self.assertEqual(self.gone(f"import sys; sys.exit({panic!r})"), "no device")
        self.assertEqual(self.gone("print('hello')"), "it said `hello` instead of `ready`")
        with self.assertRaisesRegex(compare_peers.Gone, "could not be started"):
            compare_peers.Paced([self.folder / "nothing"], self.folder / "log")

    def test_a_row_whose_process_dies_between_runs_has_a_reason_and_no_times(self):
        once = "import sys\nprint('ready engine 1', flush=True)\nsys.stdin.readline(); print(2.5, flush=True)\nsys.exit('gone')"
        row = compare.Row("wonnx", "wonnx", process=self.start(once))
        row.run(keep=True)
        self.assertEqual(row.wall, [2.5])
        row.run(keep=True)
        self.assertIsNone(row.process)
        self.assertEqual(row.figures()["reason"], "gone")
        self.assertNotIn("wall", row.figures())

    def test_patience_ends(self):
        with mock.patch.object(compare_peers, "PATIENCE", 0.5):
            start = time.monotonic()
            self.assertIn("no answer in 0.5 s", self.gone("import time; time.sleep(60)"))
            self.assertLess(time.monotonic() - start, 30)


class Worker(Folder):
    def command(self, engine):
        """The worker's command line, with all engines hidden from it."""
        source = self.folder / "x.npy"
        np.save(source, np.zeros((1, 3, 8, 8), np.float32))
        peer = compare_peers.PEERS[engine]
        command = compare_peers.worker(peer, sys.executable, "m.onnx", "x", source, self.folder / "y.npy", 1)
        hidden = "import runpy, sys\nfor m in ('wonnx', 'ncnn', 'onnxruntime', 'torch'): sys.modules[m] = None\n" \
            "sys.argv = sys.argv[1:]\nsys.path[0] = sys.argv[0].removesuffix('compare_worker.py')\n" \
            "runpy.run_path(sys.argv[0], run_name='__main__')"
        return [sys.executable, "-c", hidden, *command[1:]]

    def test_a_missing_package_is_named(self):
        pairs = [("wonnx", "wonnx"), ("ncnn-vulkan", "ncnn"), ("onnxruntime-nospin", "onnxruntime"), ("pytorch", "torch")]
        for engine, package in [*pairs, ("pytorch-cuda-f16", "torch")]:
            with self.assertRaisesRegex(compare_peers.Gone, f"the Python package {package} is not installed"):
                compare_peers.Paced(self.command(engine), self.folder / "log")

    def test_every_peer_has_an_engine(self):
        self.assertEqual(set(compare_peers.PEERS) - {"burn"}, set(compare_worker.ENGINES))

    def test_reasons_are_what_engines_say_without_frames(self):
        reason = compare_worker.reason
        self.assertEqual(reason(RuntimeError("/a.cc:65 f() status was false. No adapter\nframes")), "No adapter")
        self.assertEqual(reason(RuntimeError("called `Result::unwrap()` on an `Err` value: Bad(1)")), "Bad(1)")
        self.assertEqual(reason(ValueError()), "ValueError")
        self.assertEqual(len(reason(RuntimeError("x" * 1000))), 243)


class Torch(unittest.TestCase):
    def test_without_a_cuda_device_every_engine_for_one_says_so(self):
        torch, converter = mock.MagicMock(), mock.MagicMock()
        torch.cuda.is_available.return_value = False
        with mock.patch.dict(sys.modules, {"torch": torch, "onnx2torch": converter}):
            for name in ("pytorch-cuda", "pytorch-cuda-tf32", "pytorch-cuda-f16", "pytorch-cuda-compile"):
                with self.assertRaisesRegex(RuntimeError, "PyTorch finds no CUDA device"):
                    compare_worker.ENGINES[name]("m.onnx", "x", 1)
            converter.convert.assert_not_called()
            compare_torch.PyTorch("m.onnx", "x", 3)
            torch.set_num_threads.assert_called_once_with(3)

    def test_each_engine_sets_its_precision(self):
        for name in ("pytorch-cuda", "pytorch-cuda-tf32", "pytorch-cuda-f16", "pytorch-cuda-compile"):
            torch, converter = mock.MagicMock(), mock.MagicMock()
            with mock.patch.dict(sys.modules, {"torch": torch, "onnx2torch": converter}):
                engine = compare_worker.ENGINES[name]("m.onnx", "x", 1)
            backends = torch.backends
            self.assertEqual((backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32), (name.endswith("tf32"),) * 2)
            network = converter.convert.return_value.eval.return_value.to.return_value
            self.assertEqual(network.half.called, name.endswith("f16"))
            self.assertIs(backends.cudnn.benchmark, True)
            self.assertEqual((torch.compile.called, engine.target), (name.endswith("compile"), "cuda"))

    def test_runs_that_compile_and_choose_come_before_the_first_output(self):
        with mock.patch.dict(sys.modules, {"torch": mock.MagicMock(), "onnx2torch": mock.MagicMock()}):
            engine = compare_torch.PyTorch("m.onnx", "x", 1)
        with mock.patch.object(engine, "once") as once:
            engine.run("x")
            self.assertEqual(once.call_count, compare_torch.WARM_UP + 1)
            engine.run("x")
            self.assertEqual(once.call_count, compare_torch.WARM_UP + 2)


class Burn(Folder):
    def start(self, build):
        """Starts burn with a script in the place of cargo."""
        cargo = self.folder / "cargo"
        cargo.write_text(f"#!{sys.executable}\nimport os, pathlib, sys\n{build}")
        cargo.chmod(0o755)
        (self.folder / "work").mkdir()
        model = compare.Model("net", network(self.folder / "net.onnx", "n"))
        with mock.patch.dict("os.environ", {"CARGO": str(cargo)}), contextlib.redirect_stderr(io.StringIO()):
            return compare_burn.start(model, np.ones((2, 3, 8, 8), np.float32), self.folder)

    @unittest.skipIf(sys.platform == "win32", "scripts are no programs there")
    def test_the_built_program_is_started_and_its_output_read(self):
        program = f"#!{sys.executable}\nimport sys\nassert sys.argv[2] == '2,3,8,8'\nopen(sys.argv[3], 'wb').write(bytes(24))\n" \
            "print('ready burn 1 on x', flush=True)\nfor _ in sys.stdin: print(1.5, flush=True)"
        process, output = self.start(
            "assert os.environ['BURN_NETWORK'].endswith('net.onnx')\nfolder = pathlib.Path(sys.argv[sys.argv.index('--target-dir') + 1])\n"
            f"file = folder / 'release' / 'lookalike-burn'\nfile.parent.mkdir(parents=True)\nfile.write_text({program!r})\nfile.chmod(0o755)")
        self.addCleanup(process.close)
        self.assertEqual((process.said, process.run()[0], output.shape), ("burn 1 on x", 1.5, (2, 3)))

    @unittest.skipIf(sys.platform == "win32", "scripts are no programs there")
    def test_a_build_that_fails_is_a_reason(self):
        with self.assertRaisesRegex(compare_peers.Gone, "its program cannot be built: no operator Foo"):
            self.start("sys.exit('error: build script failed\\n  thread main panicked at x.rs:1:\\n  no operator Foo.')")

    def test_reasons_are_what_was_said_first(self):
        lines = ["   Compiling x\n", "error[E0308]: mismatched types\n", "error: could not compile\n"]
        self.assertEqual(compare_burn.said(lines), "error[E0308]: mismatched types")
        self.assertEqual(compare_burn.said([]), "nothing was said")

    def test_no_cargo_is_a_reason(self):
        with mock.patch.dict("os.environ", {"CARGO": "no/cargo"}), contextlib.redirect_stderr(io.StringIO()):
            with self.assertRaisesRegex(compare_peers.Gone, "`no/cargo` could not be started"):
                compare_burn.build(compare.Model("net", network(self.folder / "net.onnx", "n")), self.folder)


class Report(unittest.TestCase):
    def test_measured_and_refused_rows_are_apart(self):
        wall = {"median_ms": 2.0, "min_ms": 1.0, "max_ms": 3.0, "rounds": 3}
        ran = {"peer": "ncnn", "title": "ncnn", "note": "one picture at a time", "reason": "", "wall": wall, "processor_ms": None,
               "over_onnxruntime": 0.5, "over_nospin": None, "agreement": {"one_minus_cosine": 1e-7, "relative_l2": None, "max_abs": 0.0}}
        clocked = ran | {"title": "CUDA", "note": "", "wall": wall | {"median_ms": 12.34}, "device_ms": 1.234}
        refused = {"peer": "wonnx", "title": "wonnx", "note": "", "reason": "a | b\nc"}
        machine = {"processor": "p", "cores": 2, "system": "s", "adapters": [], "threads": 2, "precision": "f32", "date": "d",
                   "scaling_before": 1.9, "scaling_after": 1.7, "load_before": 0.1, "quiet": False}
        measured = [ran, refused]
        networks = [{"name": "net", "batches": [{"batch": 8, "rows": measured}]}]
        report = {"machine": machine, "versions": {"ncnn": "ncnn 1"}, "kernels": [], "networks": networks}
        text = compare_report.markdown(report)
        self.assertIn("| net | 8 | ncnn (one picture at a time) | 2.00 (1.00-3.00) | - | 0.50 | - | 1.0e-07 | not finite |\n", text)
        self.assertIn("| net | 8 | wonnx | a \\| b c |\n", text)
        self.assertIn("repeat the run", text)
        self.assertIn("First adapter: none", text)
        self.assertNotIn("on the device", text)
        measured.append(clocked)
        text = compare_report.markdown(report)
        self.assertIn("| processor ms | on the device, ms |", text)
        self.assertIn("| net | 8 | CUDA | 12.3 (1.00-3.00) | - | 1.23 | 0.50 |", text)
        self.assertIn("| net | 8 | ncnn (one picture at a time) | 2.00 (1.00-3.00) | - | - | 0.50 |", text)


class Networks(Folder):
    def test_the_relu6_network_is_the_same_table_without_slopes(self):
        kinds = [[node.op_type for node in onnx.load(networks.make(name, self.folder)).graph.node] for name in ("mobilefacenet", "mobilefacenet-relu6")]
        self.assertEqual([("Clip" if kind == "PRelu" else kind) for kind in kinds[0]], kinds[1])
        self.assertEqual(kinds[1].count("Clip"), 33)


if __name__ == "__main__":
    unittest.main()
