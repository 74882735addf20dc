"""The notebook as written: the functions of bench/notebook.py, which say nothing of memory formats, precisions or threads."""

import itertools
import time

import torch

from bench import notebook
from bench.peers.protocol import serve
from bench.peers.ready_batches import read_batches

CPU = torch.device("cpu")


def open_model(name, weights, classes):
    """The whole model, its head too."""
    model = notebook.load_model(name, None, range(classes), seed=1)
    model.load_state_dict(torch.load(weights, weights_only=True))
    return model


class TrainStep:
    def __init__(self, model, weights, pixels, labels, batch, size, classes, lr, mean, std, firstSteps, steps, precision=None, **_):
        self.batches = itertools.cycle(read_batches(pixels, labels, batch, size, mean, std))
        self.model = open_model(model, weights, classes)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.batch, self.count = batch, steps
        losses = list(self.steps(firstSteps))
        self.facts = {"how": "fp32, contiguous", "precision": "fp32", "losses": losses, "pictures": len(labels) // batch * batch}

    def steps(self, count):
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        return notebook.train_one_epoch(itertools.islice(self.batches, count), self.model, self.optimizer, torch.nn.CrossEntropyLoss(), scaler, CPU)

    def run(self, **_):
        began = time.perf_counter()
        for _ in self.steps(self.count):
            pass
        return {"value": self.count * self.batch / (time.perf_counter() - began)}


TASKS = {"train-step": TrainStep}

if __name__ == "__main__":
    serve(TASKS)
