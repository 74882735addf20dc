"""Which precision trains faster on this processor:   python -m bench.peers.precision MODEL WEIGHTS CLASSES BATCH SIZE THREADS"""

import sys

import torch

from bench.peers.engine import fastest, open_model

_, name, weights, classes, batch, size, threads = sys.argv
torch.set_num_threads(int(threads))
images = torch.rand(int(batch), 3, int(size), int(size)).contiguous(memory_format=torch.channels_last)
print(fastest(open_model(name, weights, int(classes)), images, torch.arange(int(batch)) % int(classes)))
