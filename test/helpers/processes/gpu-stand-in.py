"""The peers' ways on a GPU, with the CPU in its place: what each task says of itself, a line of JSON each.

    python test/helpers/processes/gpu-stand-in.py FOLDER IMAGE…
"""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[3]))

import numpy  # noqa: E402
import torch  # noqa: E402

from bench.peers import device  # noqa: E402

device.ON_GPU = True
torch.cuda.synchronize = lambda: None
torch.cuda.is_bf16_supported = lambda including_emulation: False
torch.Tensor.pin_memory = lambda self: self

from bench import notebook as recipe  # noqa: E402
from bench.peers import notebook, tuned  # noqa: E402

folder, *paths = sys.argv[1:]
classes = ["a", "b", "c"]
weights, pixels = str(pathlib.Path(folder) / "weights.pth"), str(pathlib.Path(folder) / "ready.pixels")
torch.set_num_threads(1)
torch.save(recipe.load_model("regnet_y_400mf", None, classes, seed=1).state_dict(), weights)
numpy.random.default_rng(1).integers(0, 255, (8, 40, 40, 3), dtype=numpy.uint8).tofile(pixels)
common = {"model": "regnet_y_400mf", "weights": weights, "size": 32, "batch": 4, "mean": [0.5] * 3, "std": [0.2] * 3, "threads": 1, "device": "cuda:0", "startedAt": time.time() * 1000}
ready = {"pixels": pixels, "labels": [0, 1, 2, 0, 1, 2, 0, 1], "source": 40, "classes": 3, "lr": 1e-6, "firstSteps": 2, "steps": 2}
photos = {"paths": paths, "targets": [i % 3 for i in range(len(paths))], "classes": classes}
for peer in (notebook, tuned):
    for name, params in {"train-step": ready, "score-step": ready, "predict": photos, "evaluate": photos}.items():
        task = peer.TASKS[name](**common, **params)
        print(json.dumps({"peer": peer.__name__.split(".")[-1], "task": name, **task.facts, **task.run()}), flush=True)
