"""Weights and pictures from a formula that the tests have too: test/parity/formula.ts."""

import math

import numpy as np
import torch

from .torchvision_without_cuda import torchvision

CLASSES = 10
MEAN, STD = 0.5, 0.25


def draw(name: str, count: int) -> np.ndarray:
    """Integers of 32 bits from a name and a place."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return x ^ (x >> np.uint32(16))


def numbers(name: str, count: int) -> np.ndarray:
    """From −1 to 1, exact in double precision on both sides."""
    return draw(name, count).astype(np.float64) / 2**31 - 1


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    state = {}
    for name, tensor in model.state_dict().items():
        x = numbers(name, tensor.numel())
        if name.endswith("num_batches_tracked"):
            x = np.zeros(1)
        elif tensor.dim() > 1:
            x = x * math.sqrt(3 / (tensor.numel() // tensor.shape[0]))
        elif name.endswith("running_var"):
            x = 1 + 0.2 * x
        elif name.endswith("1.weight"):
            x = 1 + 0.1 * x
        else:
            x = 0.1 * x
        state[name] = torch.from_numpy(x).reshape(tensor.shape).to(tensor.dtype)
    return state


def pictures(count: int, size: int) -> torch.Tensor:
    pixels = (draw(f"pictures {size}", count * size * size * 3) >> np.uint32(24)).astype(np.uint8)
    images = torch.from_numpy(pixels).reshape(count, size, size, 3).permute(0, 3, 1, 2)
    return (images.float() / 255 - MEAN) / STD


def build(name: str) -> torch.nn.Module:
    model = getattr(torchvision.models, name)(num_classes=CLASSES)
    model.load_state_dict(weights(model))
    return model
