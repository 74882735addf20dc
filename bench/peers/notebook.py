"""The notebook as written: the functions of bench/notebook.py, which say nothing of memory formats or threads, and of precisions that a
GPU trains in fp16 and scores in fp32."""

import itertools
import pathlib
import time

import torch

from bench import notebook
from bench.peers.device import DEVICE, ON_GPU, wait
from bench.peers.protocol import serve
from bench.peers.ready_batches import read_batches

PRECISION = "fp16" if ON_GPU else "fp32"
# Steps before those that are timed: cuDNN and the memory are chosen in the first ones.
WARM_UP = 6
HOW = "fp16 and GradScaler, contiguous" if ON_GPU else "fp32, contiguous"


def open_model(name, weights, classes):
    """The whole model, its head too."""
    model = notebook.load_model(name, None, range(classes), seed=1)
    model.load_state_dict(torch.load(weights, weights_only=True))
    return model.to(DEVICE)


class TrainStep:
    def __init__(self, model, weights, pixels, labels, batch, size, classes, lr, mean, std, firstSteps, steps, source, startedAt, **_):
        self.batches = itertools.cycle(read_batches(pixels, labels, batch, size, source, mean, std))
        self.model = open_model(model, weights, classes)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.scaler = torch.amp.GradScaler(DEVICE.type, enabled=ON_GPU)
        self.batch, self.count = batch, steps
        losses = list(self.steps(1))
        first = time.time() - startedAt / 1000
        losses += self.steps(firstSteps - 1)
        self.facts = {"how": HOW, "precision": PRECISION, "losses": losses, "images": len(labels) // batch * batch, "firstStep": first}
        if ON_GPU:
            list(self.steps(WARM_UP))

    def steps(self, count):
        coming = itertools.islice(self.batches, count)
        return notebook.train_one_epoch(coming, self.model, self.optimizer, torch.nn.CrossEntropyLoss(), self.scaler, DEVICE)

    def run(self, **_):
        began = time.perf_counter()
        for _ in self.steps(self.count):
            pass
        wait()
        return {"value": self.count * self.batch / (time.perf_counter() - began)}


class ScoreStep:
    """Scoring of batches that are ready."""

    def __init__(self, model, weights, pixels, labels, batch, size, classes, mean, std, steps, source, **_):
        batches = read_batches(pixels, labels, batch, size, source, mean, std)
        self.model = open_model(model, weights, classes)
        self.batch, self.count, self.batches = batch, steps, itertools.cycle(batches)
        losses = [self.score([each])[0] for each in batches]
        self.facts = {"how": "fp32, contiguous", "precision": "fp32", "losses": losses, "images": len(labels) // batch * batch}

    def score(self, batches):
        return notebook.score(batches, self.model, torch.nn.CrossEntropyLoss(), DEVICE)

    def run(self, **_):
        began = time.perf_counter()
        coming = list(itertools.islice(self.batches, self.count))
        self.score(coming)
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
        return [label for images, _ in self.loader for label in self.model(images.to(DEVICE)).argmax(1).tolist()]

    def run(self, **_):
        began = time.perf_counter()
        count = len(self.labels())
        seconds = time.perf_counter() - began
        return {"speed": count / seconds, "milliseconds": 1000 * seconds / count}


class Evaluate(Predict):
    def tell(self):
        return {"losses": [self.score()[0]]}

    def score(self):
        return notebook.score(self.loader, self.model, torch.nn.CrossEntropyLoss(), DEVICE)

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
        self.scaler = torch.amp.GradScaler(DEVICE.type, enabled=ON_GPU)
        self.facts = {"how": f"{HOW}, loads in turn with its steps", "precision": PRECISION, "images": steps * batch}

    def run(self, **_):
        began, timed = time.perf_counter(), Timed(self.loader)
        for _ in notebook.train_one_epoch(timed, self.model, self.optimizer, torch.nn.CrossEntropyLoss(), self.scaler, DEVICE):
            pass
        return {"value": timed.seconds / (time.perf_counter() - began)}


TASKS = {"train-step": TrainStep, "score-step": ScoreStep, "load": Load, "outside-step": OutsideStep, "predict": Predict, "evaluate": Evaluate}

if __name__ == "__main__":
    serve(TASKS)
