"""Pillow decodes each image once, into memory; what is done to it in each epoch are torch's operations on bytes."""

import math

import numpy
import torch
from PIL import Image
from torch.nn.functional import affine_grid, grid_sample
from torchvision.transforms import functional as transforms_functional
from torchvision import transforms

from bench import notebook
from bench.peers.device import DEVICE, upload
from bench.peers.stretch import Normalize, read, resize, stretch

# Of stored images: room for the smallest crop to be sampled without gaps, as torchgraft keeps them.
MARGIN = 1.43


def decode(path, shorter):
    """uint8, [3, height, width], no larger than `shorter` takes; a JPEG is not even decoded larger than that."""
    with Image.open(path) as opened:
        if opened.format == "JPEG":
            scale = shorter / min(opened.size)
            opened.draft("RGB", (math.ceil(opened.width * scale), math.ceil(opened.height * scale)))
        image = torch.from_numpy(numpy.array(opened.convert("RGB"))).permute(2, 0, 1)
    if min(image.shape[1:]) <= shorter:
        return image
    scale = shorter / min(image.shape[1:])
    return resize(image, [round(side * scale) for side in image.shape[1:]], antialias=True)


class CroppedImages:
    """Random resized crops, mirrored half the time: what torchgraft's own recipe learns from."""

    def __init__(self, paths, size, mean, std):
        self.paths, self.size, self.normalize = paths, size, Normalize(mean, std)
        self.kept = [None] * len(paths)

    def batch(self, indices):
        return self.normalize(upload(torch.stack([self.crop(self.image(i)) for i in indices]).contiguous(memory_format=torch.channels_last)))

    def image(self, index):
        if self.kept[index] is None:
            self.kept[index] = decode(self.paths[index], round(MARGIN * self.size))
        return self.kept[index]

    def crop(self, image):
        top, left, height, width = transforms.RandomResizedCrop.get_params(image, (0.5, 1.0), (3 / 4, 4 / 3))
        cropped = resize(image[:, top : top + height, left : left + width], [self.size, self.size], antialias=True)
        return cropped.flip(2) if torch.rand(1) < 0.5 else cropped


class NotebookImages:
    """The notebook's images with its random numbers: stretched once, kept on the device, then jitter and affine on whole batches."""

    def __init__(self, paths, size, mean, std):
        self.paths, self.size, self.normalize = paths, size, Normalize(mean, std)
        self.forget()

    def forget(self):
        self.kept = [None] * len(self.paths)

    def batch(self, indices, augment=True):
        pixels = torch.stack([self.image(i) for i in indices]).contiguous(memory_format=torch.channels_last)
        return self.augment(pixels) if augment else self.normalize(pixels)

    def image(self, index):
        if self.kept[index] is None:
            self.kept[index] = upload(stretch(read(self.paths[index]), self.size))
        return self.kept[index]

    def augment(self, pixels):
        brightness, matrices = zip(*(self.draw() for _ in range(len(pixels))))
        brightened = (pixels.float() * torch.tensor(brightness, device=DEVICE).view(-1, 1, 1, 1)).clamp_(max=255)
        grid = affine_grid(torch.tensor(matrices, device=DEVICE).view(-1, 2, 3), list(pixels.shape), align_corners=False)
        return self.normalize(grid_sample(brightened, grid, mode="nearest", align_corners=False))

    def draw(self):
        """An image's, in the order in which the notebook's transforms draw them."""
        _, brightness, *_ = transforms.ColorJitter.get_params((0.99, 1.01), None, None, None)
        angle, _, _, (shear, _) = transforms.RandomAffine.get_params([-10.0, 10.0], None, None, [-45.0, 45.0], [self.size, self.size])
        return brightness, transforms_functional._get_inverse_affine_matrix([0.0, 0.0], angle, [0.0, 0.0], 1.0, [shear, 0.0])


IMAGES = {"default": CroppedImages, "notebook": NotebookImages}


def list_paths(folders):
    items, _ = notebook.list_images([notebook.pathlib.Path(folder) for folder in folders])
    return [path for path, _ in items]
