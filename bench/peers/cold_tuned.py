"""One photo in a new process, without torchvision, which takes long to import:   python -m bench.peers.cold_tuned MODEL SIZE MEAN STD PHOTO"""

import json
import sys

import torch

from bench.peers.squash import Normalize, read, squash

_, file, size, mean, std, photo = sys.argv
model = torch.jit.load(file)
with torch.inference_mode():
    image = Normalize(json.loads(mean), json.loads(std))(squash(read(photo), int(size))[None])
    print(model(image).argmax(1).item())
