"""Pillow decodes each picture once, into memory; what is done to it in each epoch are torch's operations on bytes."""

import math

import numpy
import torch
from PIL import Image
from torch.nn.functional import affine_grid, grid_sample, interpolate, pad
from torchvision.transforms import functional as transforms_functional
from torchvision import transforms

from bench import notebook

# Of stored pictures: room for the smallest crop to be sampled without gaps, as torchgraft keeps them.
MARGIN = 1.43


def decode(path, shorter=None):
    """uint8, [3, height, width], channels last in memory; where `shorter` is given no larger than takes."""
    with Image.open(path) as image:
        if shorter is not None and image.format == "JPEG":
            scale = shorter / min(image.size)
            image.draft("RGB", (math.ceil(image.width * scale), math.ceil(image.height * scale)))
        pixels = numpy.array(image.convert("RGB"))
    picture = torch.from_numpy(pixels).permute(2, 0, 1)
    if shorter is None or min(picture.shape[1:]) <= shorter:
        return picture
    scale = shorter / min(picture.shape[1:])
    return resize(picture, [round(side * scale) for side in picture.shape[1:]], antialias=True)


def resize(picture, size, antialias):
    return interpolate(picture[None], size=size, mode="bilinear", antialias=antialias)[0]


def squash(picture, size):
    """Black on both sides of the shorter side, then resized without antialiasing: what the notebook scores."""
    height, width = picture.shape[1:]
    half = abs(height - width) // 2
    return resize(pad(picture, (0, 0, half, half) if width > height else (half, half, 0, 0)), [size, size], antialias=False)


class Normalize:
    def __init__(self, mean, std):
        mean, std = torch.as_tensor(mean), torch.as_tensor(std)
        self.scale, self.shift = (1 / (255 * std)).view(1, 3, 1, 1), (mean / std).view(1, 3, 1, 1)

    def __call__(self, pixels):
        return pixels.float().mul_(self.scale).sub_(self.shift)


class CroppedPictures:
    """Random resized crops, mirrored half the time: what torchgraft's own recipe learns from."""

    def __init__(self, paths, size, mean, std):
        self.paths, self.size, self.normalize = paths, size, Normalize(mean, std)
        self.kept = [None] * len(paths)

    def batch(self, indices):
        return self.normalize(torch.stack([self.crop(self.picture(i)) for i in indices]).contiguous(memory_format=torch.channels_last))

    def picture(self, index):
        if self.kept[index] is None:
            self.kept[index] = decode(self.paths[index], round(MARGIN * self.size))
        return self.kept[index]

    def crop(self, picture):
        top, left, height, width = transforms.RandomResizedCrop.get_params(picture, (0.5, 1.0), (3 / 4, 4 / 3))
        cropped = resize(picture[:, top : top + height, left : left + width], [self.size, self.size], antialias=True)
        return cropped.flip(2) if torch.rand(1) < 0.5 else cropped


class NotebookPictures:
    """The notebook's pictures with the notebook's random numbers: squashed once, then jitter and affine on whole batches."""

    def __init__(self, paths, size, mean, std):
        self.paths, self.size, self.normalize = paths, size, Normalize(mean, std)
        self.kept = [None] * len(paths)

    def batch(self, indices, augment=True):
        pixels = torch.stack([self.picture(i) for i in indices]).contiguous(memory_format=torch.channels_last)
        return self.augment(pixels) if augment else self.normalize(pixels)

    def picture(self, index):
        if self.kept[index] is None:
            self.kept[index] = squash(decode(self.paths[index]), self.size)
        return self.kept[index]

    def augment(self, pixels):
        brightness, matrices = zip(*(self.draw() for _ in range(len(pixels))))
        brightened = (pixels.float() * torch.tensor(brightness).view(-1, 1, 1, 1)).clamp_(max=255)
        grid = affine_grid(torch.tensor(matrices).view(-1, 2, 3), list(pixels.shape), align_corners=False)
        return self.normalize(grid_sample(brightened, grid, mode="nearest", align_corners=False))

    def draw(self):
        """A picture's, in the order in which the notebook's transforms draw them."""
        _, brightness, *_ = transforms.ColorJitter.get_params((0.99, 1.01), None, None, None)
        angle, _, _, (shear, _) = transforms.RandomAffine.get_params([-10.0, 10.0], None, None, [-45.0, 45.0], [self.size, self.size])
        return brightness, transforms_functional._get_inverse_affine_matrix([0.0, 0.0], angle, [0.0, 0.0], 1.0, [shear, 0.0])


PICTURES = {"default": CroppedPictures, "notebook": NotebookPictures}


def list_paths(folders):
    items, _ = notebook.list_pictures([notebook.pathlib.Path(folder) for folder in folders])
    return [path for path, _ in items]
