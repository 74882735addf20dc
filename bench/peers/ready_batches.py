"""Images of the right size, uint8, one after another in a file: as batches that leave nothing to load."""

import numpy
import torch

from bench.peers.device import DEVICE


def read_batches(pixels, labels, batch, size, source, mean, std, memory_format=torch.contiguous_format):
    """The middle of each image, normalized once and on the device: what a loader would have made is not timed."""
    first, end = (source - size) // 2, (source + size) // 2
    images = torch.from_numpy(numpy.fromfile(pixels, dtype=numpy.uint8).reshape(-1, source, source, 3))
    pixels = images[:, first:end, first:end].permute(0, 3, 1, 2)
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in (mean, std))
    images = ((pixels.float() / 255 - mean) / std).to(DEVICE)
    labels = torch.tensor(labels, device=DEVICE)
    count = len(labels) // batch
    return [(images[i * batch : (i + 1) * batch].contiguous(memory_format=memory_format), labels[i * batch : (i + 1) * batch]) for i in range(count)]
