"""The networks of compare.py."""

import pathlib

import onnx
from onnx import TensorProto

from compare_peers import Gone


class Model:
    """An ONNX file with one input, pictures of a fixed size, and one output."""

    def __init__(self, name, path):
        self.name, self.path = name, pathlib.Path(path)
        try:
            graph = onnx.load(self.path, load_external_data=False).graph
        except Exception as error:  # protobuf's error is of a private class
            raise ValueError(f"{path} cannot be read as ONNX ({error})") from None
        stored = {w.name for w in graph.initializer}
        inputs = [i for i in graph.input if i.name not in stored]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise ValueError(f"{path} has {len(inputs)} inputs and {len(graph.output)} outputs; only networks with one of each are compared")
        kind = inputs[0].type.tensor_type
        sizes = [d.dim_value for d in kind.shape.dim]
        if kind.elem_type != TensorProto.FLOAT or len(sizes) != 4 or not all(s > 0 for s in sizes[1:]):
            raise ValueError(f"the input of {path} is not a batch of pictures of a fixed size in f32")
        self.input, self.batch, self.shape = inputs[0].name, sizes[0], tuple(sizes[1:])

    def batches(self, wanted):
        """Those of `wanted` that the file can run: all, or the one that it fixes."""
        return [self.batch] if self.batch > 0 else wanted

    def with_shapes(self, batch, folder):
        """A copy with this batch written down, and the shape of every value."""
        path = folder / "fixed.onnx"
        try:
            model = onnx.load(self.path)
            del model.graph.value_info[:]
            for value in [*(i for i in model.graph.input if i.name == self.input), *model.graph.output]:
                value.type.tensor_type.shape.dim[0].dim_value = batch
            onnx.save(onnx.shape_inference.infer_shapes(model), path)
        except Exception as error:  # the checks of onnx raise private classes
            raise Gone(f"shapes cannot be written into the file ({error})") from None
        return path
