"""An image file to what a model sees, with Pillow and torch alone: what the notebook's transforms give, from bytes."""

import numpy
import torch
from PIL import Image
from torch.nn.functional import interpolate, pad

from bench.peers.device import DEVICE


def read(path):
    """uint8, [3, height, width], channels last in memory."""
    with Image.open(path) as image:
        return torch.from_numpy(numpy.array(image.convert("RGB"))).permute(2, 0, 1)


def resize(image, size, antialias):
    return interpolate(image[None], size=size, mode="bilinear", antialias=antialias)[0]


def stretch(image, size):
    """Black on both sides of the shorter side, then resized without antialiasing."""
    height, width = image.shape[1:]
    half = abs(height - width) // 2
    return resize(pad(image, (0, 0, half, half) if width > height else (half, half, 0, 0)), [size, size], antialias=False)


class Normalize:
    def __init__(self, mean, std):
        mean, std = torch.as_tensor(mean, device=DEVICE), torch.as_tensor(std, device=DEVICE)
        self.scale, self.shift = (1 / (255 * std)).view(1, 3, 1, 1), (mean / std).view(1, 3, 1, 1)

    def __call__(self, pixels):
        return pixels.float().mul_(self.scale).sub_(self.shift)
