"""What torchsummary prints of every variant."""

import contextlib
import hashlib
import io

import torch
import torchsummary

from .models import LARGE, SMALL
from .torchvision_without_cuda import torchvision

# Other sizes, classes and batches: odd sides, and an input of 1.125 MB, where rounding must choose.
CASES = (("regnet_x_400mf", 97, 7, 3), ("regnet_y_800mf", 128, 1000, 6), ("regnet_y_400mf", 1, 1, -1), ("regnet_x_1_6gf", 33, 2, 1))


def summaries() -> dict:
    return {
        "whole": text(torchvision.models.regnet_y_400mf(num_classes=18)),
        "variants": {name: variant(name) for name in (*SMALL, *LARGE)},
        "cases": [
            {"model": name, "size": size, "classes": classes, "batchSize": batch, "sha256": sha256(text(build(name, classes), size, batch))}
            for name, size, classes, batch in CASES
        ],
    }


def variant(name: str) -> dict:
    model = build(name, 1000)
    print(name, flush=True)
    return {"sha256": sha256(text(model)), "parameters": sum(parameter.numel() for parameter in model.parameters())}


def build(name: str, classes: int) -> torch.nn.Module:
    """Without its weights: what torchsummary prints is shapes only."""
    model = getattr(torchvision.models, name)(num_classes=classes).to("meta")
    forward = model.forward
    model.forward = lambda images: forward(images.to("meta"))
    return model


def text(model: torch.nn.Module, size: int = 224, batch: int = -1) -> str:
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()) as printed:
        torchsummary.summary(model, (3, size, size), batch_size=batch, device="cpu")
    return printed.getvalue()


def sha256(printed: str) -> str:
    return hashlib.sha256(printed.encode()).hexdigest()
