"""The best that a Python expert would write."""

import itertools
import time

import torch

from bench.peers import scoring
from bench.peers.engine import WORDS, Trainer, allocator, fastest, open_model
from bench.peers.images import IMAGES, list_paths
from bench.peers.protocol import serve
from bench.peers.ready_batches import read_batches


class TrainStep:
    compiled = False

    def __init__(self, model, weights, pixels, labels, batch, size, classes, lr, mean, std, firstSteps, steps, precision=None, **_):
        batches = read_batches(pixels, labels, batch, size, mean, std, memory_format=torch.channels_last)
        model = open_model(model, weights, classes)
        self.trainer = Trainer(model, lr, precision or fastest(model, *batches[0]), compiled=self.compiled)
        self.batches, self.batch, self.count = itertools.cycle(batches), batch, steps
        losses = [self.trainer.step(*next(self.batches)).item() for _ in range(firstSteps)]
        self.facts = {"how": self.trainer.how, "precision": WORDS[self.trainer.dtype], "losses": losses, "images": len(labels) // batch * batch}

    def run(self, **_):
        began = time.perf_counter()
        for _ in range(self.count):
            self.trainer.step(*next(self.batches))
        return {"value": self.count * self.batch / (time.perf_counter() - began)}


class Load:
    """On one thread: more would take more processor time for the same images."""

    def __init__(self, folders, batch, size, mean, std, recipe, **_):
        torch.set_num_threads(1)
        self.paths, self.batch = list_paths(folders), batch
        self.open = lambda: IMAGES[recipe](self.paths, size, mean, std)
        self.facts = {"how": f"Pillow once into memory, then torch on bytes, {allocator()}", "precision": "fp32", "images": self.epoch(self.open())[0]}

    def epoch(self, images):
        began, order = time.process_time(), torch.randperm(len(self.paths)).tolist()
        count = sum(len(images.batch(order[i : i + self.batch])) for i in range(0, len(order) - self.batch + 1, self.batch))
        return count, count / (time.process_time() - began)

    def run(self, **_):
        images = self.open()
        return {"first": self.epoch(images)[1], "later": self.epoch(images)[1]}


class OutsideStep:
    """The share of an epoch that is not spent in its steps, from the second on."""

    compiled = False

    def __init__(self, folders, model, weights, classes, batch, size, mean, std, steps, **_):
        paths = list_paths(folders)
        self.count, self.batch, self.labels = steps, batch, torch.arange(batch) % classes
        self.images = IMAGES["default"]([paths[i % len(paths)] for i in range(steps * batch)], size, mean, std)
        model = open_model(model, weights, classes)
        self.trainer = Trainer(model, 1e-3, fastest(model, self.images.batch(range(batch)), self.labels), compiled=self.compiled)
        self.run()
        self.facts = {"how": f"{self.trainer.how}, loads in turn with its steps", "precision": WORDS[self.trainer.dtype], "images": steps * batch}

    def run(self, **_):
        began, outside = time.perf_counter(), 0
        for step in range(self.count):
            loading = time.perf_counter()
            images = self.images.batch(range(step * self.batch, (step + 1) * self.batch))
            outside += time.perf_counter() - loading
            self.trainer.step(images, self.labels).item()
        return {"value": outside / (time.perf_counter() - began)}


TASKS = {"train-step": TrainStep, "load": Load, "outside-step": OutsideStep, "predict": scoring.Predict, "evaluate": scoring.Evaluate}

if __name__ == "__main__":
    serve(TASKS)
