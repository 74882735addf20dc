"""One photo in a new process, without torchvision, which takes long to import:   python -m bench.peers.cold_tuned MODEL SIZE MEAN STD PHOTO"""

import json
import sys

import torch

from bench.peers.stretch import Normalize, read, stretch

_, file, size, mean, std, photo = sys.argv
model = torch.jit.load(file)
with torch.inference_mode():
    image = Normalize(json.loads(mean), json.loads(std))(stretch(read(photo), int(size))[None])
    print(model(image).argmax(1).item())
