"""One photo in a new process, without torch:   python -m bench.peers.cold_onnxruntime MODEL SIZE MEAN STD PHOTO"""

import json
import sys

import numpy
import onnxruntime
from PIL import Image


def stretch(pixels, size):
    """Black on both sides of the shorter side, then bilinear without antialiasing, as torch's interpolate."""
    height, width = pixels.shape[:2]
    half = abs(height - width) // 2
    pixels = numpy.pad(pixels, ((half, half), (0, 0), (0, 0)) if width > height else ((0, 0), (half, half), (0, 0))).astype(numpy.float32)
    (above, below, down), (left, right, along) = places(pixels.shape[0], size), places(pixels.shape[1], size)
    rows = pixels[above] * (1 - down)[:, None, None] + pixels[below] * down[:, None, None]
    return rows[:, left] * (1 - along)[None, :, None] + rows[:, right] * along[None, :, None]


def places(length, size):
    """For each output pixel: the two it lies between, and how near it is to the second."""
    at = numpy.clip((numpy.arange(size, dtype=numpy.float32) + 0.5) * (length / size) - 0.5, 0, None)
    first = numpy.minimum(at.astype(numpy.int64), length - 1)
    return first, numpy.minimum(first + 1, length - 1), at - first


_, file, size, mean, std, photo = sys.argv
session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
with Image.open(photo) as image:
    pixels = stretch(numpy.asarray(image.convert("RGB")), int(size)) / 255
normalized = ((pixels - numpy.array(json.loads(mean))) / numpy.array(json.loads(std))).transpose(2, 0, 1)[None].astype(numpy.float32)
print(int(session.run(None, {"images": normalized})[0].argmax()))
