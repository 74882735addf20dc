"""A trained model as files that start fast, each checked against PyTorch:   python -m bench.peers.export WEIGHTS MODEL CLASSES FOLDER

Without onnx and onnxruntime, which a GPU machine's Python may lack, there is no ONNX file.
"""

import importlib.util
import pathlib
import sys

import torch

from bench.peers.engine import fold, open_model

# Of the largest score: single precision, in another order.
TOLERANCE = 1e-4


def main(weights, model, classes, folder):
    torch.manual_seed(1)
    original = open_model(model, weights, int(classes)).eval()
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        expected = original(images)
        script_file = str(pathlib.Path(folder) / "model.torchscript")
        torch.jit.freeze(torch.jit.trace(fold(original), images[:1])).save(script_file)
        check("TorchScript", torch.jit.load(script_file)(images), expected)
    if all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        export_onnx(original, images, expected, str(pathlib.Path(folder) / "model.onnx"))


def export_onnx(original, images, expected, file):
    import onnx
    import onnxruntime

    axes = {"images": {0: "batch"}, "scores": {0: "batch"}}
    torch.onnx.export(original, (images,), file, input_names=["images"], output_names=["scores"], dynamic_axes=axes, dynamo=False)
    operators = {node.op_type for node in onnx.load(file).graph.node}
    assert "BatchNormalization" not in operators, "batch norm was not folded"
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    check("onnxruntime", torch.from_numpy(session.run(None, {"images": images.numpy()})[0]), expected)


def check(name, found, expected):
    apart = ((found - expected).abs().max() / expected.abs().max()).item()
    assert apart < TOLERANCE, f"{name} is {apart} from PyTorch"
    print(f"{name}: within {apart:.1e} of PyTorch")


if __name__ == "__main__":
    main(*sys.argv[1:])
