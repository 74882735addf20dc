"""Makes the fixtures of the parity tests: what PyTorch and torchvision compute.

    python test/parity/generate.py [logits | gradients | initialization | training | distributed | adam | scaler | notebook | pictures | summaries] ...

It takes torch 2.13, torchvision 0.28, torchsummary 1.5 and numpy; the large models take 8 GB. Weights and pictures come
from a formula that the tests have too, so the fixtures hold results only.
"""

import json
import pathlib
import sys

import torch

from generator import distributed, models, notebook, optimizer, summaries, training
from generator.torchvision_without_cuda import torchvision

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
BOTH = ("regnet_y_400mf", "regnet_x_400mf")

MAKERS = {
    "logits": models.logits,
    "gradients": lambda: {name: models.gradients(name) for name in BOTH},
    "initialization": lambda: {name: models.initialization(name) for name in BOTH},
    "training": lambda: {name: training.cases(name) for name in BOTH},
    "distributed": lambda: distributed.cases("regnet_y_400mf"),
    "adam": optimizer.adams,
    "scaler": optimizer.scaler,
    "notebook": notebook.numbers,
    "pictures": notebook.pictures,
    "summaries": summaries.summaries,
}


def compact(value: object) -> object:
    """Floats as short as float32 allows."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: compact(part) for key, part in value.items()}
    return [compact(part) for part in value] if isinstance(value, (list, tuple)) else value


if __name__ == "__main__":
    torch.manual_seed(0)
    FIXTURES.mkdir(exist_ok=True)
    for title in sys.argv[1:] or MAKERS:
        content = {"torch": torch.__version__, "torchvision": torchvision.__version__, **MAKERS[title]()}
        (FIXTURES / f"{title}.json").write_text(json.dumps(compact(content), separators=(",", ":"), allow_nan=False) + "\n")
