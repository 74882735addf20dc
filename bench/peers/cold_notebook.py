"""One photo in a new process, as the notebook would:   python -m bench.peers.cold_notebook WEIGHTS MODEL CLASSES SIZE MEAN STD PHOTO"""

import json
import sys

import torch
from PIL import Image

from bench import notebook

_, weights, name, classes, size, mean, std, photo = sys.argv
model = notebook.load_model(name, None, range(int(classes)), seed=1)
model.load_state_dict(torch.load(weights, weights_only=True))
model.eval()
with open(photo, "rb") as file, torch.no_grad():
    image = notebook.eval_transform(int(size), json.loads(mean), json.loads(std))(Image.open(file).convert("RGB"))
    print(model(image[None]).argmax(1).item())
