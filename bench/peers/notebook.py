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
        self.facts = {"how": "fp32, contiguous", "precision": "fp32", "losses": losses, "images": len(labels) // batch * batch}

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
        items, _ = notebook.list_images([pathlib.Path(folder) for folder in folders])
        self.loader = torch.utils.data.DataLoader(notebook.Images(items, notebook.train_transform(size, mean, std)), batch_size=batch, drop_last=True)
        self.facts = {"how": "decoded anew in each epoch, in the training process", "precision": "fp32", "images": self.epoch()[0]}

    def epoch(self):
        began, count = time.process_time(), 0
        for images, _ in self.loader:
            count += len(images)
        return count, count / (time.process_time() - began)

    def run(self, **_):
        return {"first": self.epoch()[1], "later": self.epoch()[1]}


class Predict:
    """Photos to labels, some at a time."""

    def __init__(self, model, weights, classes, paths, batch, size, mean, std, targets=None, **_):
        self.model = open_model(model, weights, len(classes)).eval()
        items = list(zip(paths, targets or [0] * len(paths)))
        self.loader = torch.utils.data.DataLoader(notebook.Images(items, notebook.eval_transform(size, mean, std)), batch_size=batch, drop_last=True)
        self.facts = {"how": "fp32, contiguous", "precision": "fp32", "images": len(paths), **self.tell()}

    def tell(self):
        return {"labels": self.labels()}

    @torch.no_grad()
    def labels(self):
        return [label for images, _ in self.loader for label in self.model(images).argmax(1).tolist()]

    def run(self, **_):
        began = time.perf_counter()
        count = len(self.labels())
        seconds = time.perf_counter() - began
        return {"speed": count / seconds, "milliseconds": 1000 * seconds / count}


class Evaluate(Predict):
    def tell(self):
        return {"losses": [self.score()[0]]}

    def score(self):
        return notebook.score(self.loader, self.model, torch.nn.CrossEntropyLoss(), CPU)

    def run(self, **_):
        began = time.perf_counter()
        _, _, count = self.score()
        return {"speed": count / (time.perf_counter() - began)}


class Timed:
    """A loader that knows how long it was waited for."""

    def __init__(self, loader):
        self.loader, self.seconds = loader, 0

    def __iter__(self):
        batches = iter(self.loader)
        while True:
            began = time.perf_counter()
            batch = next(batches, None)
            self.seconds += time.perf_counter() - began
            if batch is None:
                return
            yield batch


class OutsideStep:
    """The share of an epoch that the training loop waits for its loader."""

    def __init__(self, folders, model, weights, classes, batch, size, mean, std, steps, **_):
        items, _ = notebook.list_images([pathlib.Path(folder) for folder in folders])
        images = notebook.Images([items[i % len(items)] for i in range(steps * batch)], notebook.train_transform(size, mean, std))
        self.loader = torch.utils.data.DataLoader(images, batch_size=batch, drop_last=True)
        self.model = open_model(model, weights, classes)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.facts = {"how": "fp32, contiguous, loads in turn with its steps", "precision": "fp32", "images": steps * batch}

    def run(self, **_):
        began, timed = time.perf_counter(), Timed(self.loader)
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        for _ in notebook.train_one_epoch(timed, self.model, self.optimizer, torch.nn.CrossEntropyLoss(), scaler, CPU):
            pass
        return {"value": timed.seconds / (time.perf_counter() - began)}


TASKS = {"train-step": TrainStep, "load": Load, "outside-step": OutsideStep, "predict": Predict, "evaluate": Evaluate}

if __name__ == "__main__":
    serve(TASKS)
