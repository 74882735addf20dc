"""The best that a Python expert would write."""

import itertools
import time

import torch

from bench.peers.engine import Trainer, WORDS, open_model
from bench.peers.protocol import serve
from bench.peers.ready_batches import read_batches


class TrainStep:
    compiled = False

    def __init__(self, model, weights, pixels, labels, batch, size, classes, lr, mean, std, firstSteps, steps, precision=None, **_):
        batches = read_batches(pixels, labels, batch, size, mean, std, memory_format=torch.channels_last)
        self.trainer = Trainer(open_model(model, weights, classes), lr, *batches[0], precision=precision, compiled=self.compiled)
        self.batches, self.batch, self.count = itertools.cycle(batches), batch, steps
        losses = [self.trainer.step(*next(self.batches)).item() for _ in range(firstSteps)]
        self.facts = {"how": self.trainer.how, "precision": WORDS[self.trainer.dtype], "losses": losses, "pictures": len(labels) // batch * batch}

    def run(self, **_):
        began = time.perf_counter()
        for _ in range(self.count):
            self.trainer.step(*next(self.batches))
        return {"value": self.count * self.batch / (time.perf_counter() - began)}


TASKS = {"train-step": TrainStep}

if __name__ == "__main__":
    serve(TASKS)
