"""The notebook as written: the functions of bench/notebook.py, which say nothing of memory formats, precisions or threads."""

import itertools
import pathlib
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


class Load:
    def __init__(self, folders, batch, size, mean, std, **_):
        items, _ = notebook.list_pictures([pathlib.Path(folder) for folder in folders])
        self.loader = torch.utils.data.DataLoader(notebook.Pictures(items, notebook.train_transform(size, mean, std)), batch_size=batch, drop_last=True)
        self.facts = {"how": "decoded anew in each epoch, in the training process", "precision": "fp32", "pictures": self.epoch()[0]}

    def epoch(self):
        began, count = time.process_time(), 0
        for images, _ in self.loader:
            count += len(images)
        return count, count / (time.process_time() - began)

    def run(self, **_):
        return {"first": self.epoch()[1], "later": self.epoch()[1]}


TASKS = {"train-step": TrainStep, "load": Load}

if __name__ == "__main__":
    serve(TASKS)
