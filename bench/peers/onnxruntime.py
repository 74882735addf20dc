"""onnxruntime on the exported model, batch norm folded, which was checked against PyTorch when it was made."""

import onnxruntime
import torch

from bench.peers import scoring
from bench.peers.protocol import serve


def scores_of(file, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.contiguous().numpy()})[0])


class Predict(scoring.Predict):
    def __init__(self, onnx, threads, **params):
        torch.set_num_threads(1)  # the cores are onnxruntime's
        self.onnx, self.threads = onnx, threads
        super().__init__(threads=threads, **params)

    def open(self, *_):
        return scores_of(self.onnx, self.threads), "fp32, onnxruntime's own optimizations", "fp32"


class Evaluate(Predict, scoring.Evaluate):
    pass


TASKS = {"predict": Predict, "evaluate": Evaluate}

if __name__ == "__main__":
    serve(TASKS)
