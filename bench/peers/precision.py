"""Which precision trains faster on this device, and which mode of torch.compile:

    python -m bench.peers.precision MODEL WEIGHTS CLASSES BATCH SIZE THREADS [compile]

It prints the two words that bench.peers.job takes, the mode only where it is asked for.
"""

import sys

import torch

from bench.peers.device import DEVICE
from bench.peers.engine import fastest, fastest_mode, open_model

_, name, weights, classes, batch, size, threads, *more = sys.argv
torch.set_num_threads(int(threads))
images = torch.rand(int(batch), 3, int(size), int(size), device=DEVICE).contiguous(memory_format=torch.channels_last)
labels = torch.arange(int(batch), device=DEVICE) % int(classes)
model = open_model(name, weights, int(classes))
precision = fastest(model, images, labels)
print(precision, *([fastest_mode(model, precision, images, labels)] if more else []))
