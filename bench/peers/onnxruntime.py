"""onnxruntime on the exported model, batch norm folded, which was checked against PyTorch when it was made."""

import numpy
import onnxruntime
import torch

from bench.peers import scoring
from bench.peers.device import DEVICE, ON_GPU
from bench.peers.protocol import Unavailable, serve

PROVIDER = "CUDAExecutionProvider" if ON_GPU else "CPUExecutionProvider"


def scores_of(file, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=[PROVIDER])
    if PROVIDER not in session.get_providers():  # it falls back to the CPU where a library of CUDA's is missing
        raise Unavailable(f"onnxruntime {onnxruntime.__version__} cannot open its {PROVIDER}")
    return on_gpu(session) if ON_GPU else lambda images: torch.from_numpy(session.run(None, {"images": images.contiguous().numpy()})[0])


def on_gpu(session):
    """Images are read where torch has them, and scores are copied back."""

    def scores(images):
        images, binding = images.contiguous(), session.io_binding()
        torch.cuda.synchronize()  # it computes on a stream of its own
        binding.bind_input("images", "cuda", 0, numpy.float32, tuple(images.shape), images.data_ptr())
        binding.bind_output("scores", "cpu")
        session.run_with_iobinding(binding)
        return torch.from_numpy(binding.copy_outputs_to_cpu()[0]).to(DEVICE)

    return scores


class Predict(scoring.Predict):
    def __init__(self, onnx, threads, **params):
        if PROVIDER not in onnxruntime.get_available_providers():
            raise Unavailable(f"onnxruntime {onnxruntime.__version__} has no {PROVIDER}: the package onnxruntime-gpu has it")
        torch.set_num_threads(1)  # the cores are onnxruntime's
        self.onnx, self.threads = onnx, threads
        super().__init__(threads=threads, **params)

    def open(self, *_):
        return scores_of(self.onnx, self.threads), f"fp32, onnxruntime's own optimizations{', CUDA' if ON_GPU else ''}", "fp32"


class Evaluate(Predict, scoring.Evaluate):
    pass


TASKS = {"predict": Predict, "evaluate": Evaluate}

if __name__ == "__main__":
    serve(TASKS)
