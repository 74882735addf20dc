"""The best that a Python expert would write."""

import itertools
import time

import torch
from torch.nn.functional import cross_entropy

from bench.peers import scoring
from bench.peers.device import DEVICE, ON_GPU, wait
from bench.peers.engine import WARM_UP, WORDS, Scorer, Trainer, fastest, fastest_mode, open_model, tuning
from bench.peers.images import IMAGES, list_paths
from bench.peers.protocol import serve
from bench.peers.ready_batches import read_batches


class TrainStep:
    compiled = False

    def __init__(self, model, weights, pixels, labels, batch, size, classes, lr, mean, std, firstSteps, steps, source, startedAt, precision=None, modes=None, **_):
        batches = read_batches(pixels, labels, batch, size, source, mean, std, memory_format=torch.channels_last)
        model = open_model(model, weights, classes)
        precision = precision or fastest(model, *batches[0])
        mode = fastest_mode(model, precision, *batches[0], modes) if self.compiled else None
        self.trainer = Trainer(model, lr, precision, mode)
        if ON_GPU:
            batches = [(images.to(self.trainer.dtype), labels) for images, labels in batches]
        self.batches, self.batch, self.count = itertools.cycle(batches), batch, steps
        losses = [self.trainer.step(*next(self.batches)).item()]
        first = time.time() - startedAt / 1000
        losses += [self.trainer.step(*next(self.batches)).item() for _ in range(firstSteps - 1)]
        self.facts = {
            "how": f"{self.trainer.how}{', batches ready on the GPU' if ON_GPU else ''}",
            "precision": WORDS[self.trainer.dtype],
            "losses": losses,
            "images": len(labels) // batch * batch,
            "firstStep": first,
        }
        if ON_GPU:
            self.steps(WARM_UP)

    def steps(self, count):
        for _ in range(count):
            self.trainer.step(*next(self.batches))
        wait()

    def run(self, **_):
        began = time.perf_counter()
        self.steps(self.count)
        return {"value": self.count * self.batch / (time.perf_counter() - began)}


class ScoreStep:
    """Scoring of batches that are ready: their losses and how many are right, which are read at the end."""

    compiled = False

    def __init__(self, model, weights, pixels, labels, batch, size, classes, mean, std, steps, source, modes=None, **_):
        batches = read_batches(pixels, labels, batch, size, source, mean, std, memory_format=torch.channels_last)
        self.scorer = Scorer(open_model(model, weights, classes), batches[0][0], self.compiled, modes)
        if ON_GPU:
            batches = [(images.to(self.scorer.dtype), labels) for images, labels in batches]
        self.batch, self.count, self.batches = batch, steps, batches
        losses = [self.score([each])[0] for each in batches]
        how = f"{self.scorer.how}{', batches ready on the GPU' if ON_GPU else ''}"
        self.facts = {"how": how, "precision": WORDS[self.scorer.dtype], "losses": losses, "images": len(labels) // batch * batch}

    def score(self, batches):
        losses, right = [], []
        for images, labels in batches:
            scores = self.scorer.scores(images)
            losses.append(cross_entropy(scores, labels))
            right.append((scores.argmax(1) == labels).sum())
        return torch.stack(losses).mean().item(), torch.stack(right).sum().item()

    def run(self, **_):
        began = time.perf_counter()
        self.score(itertools.islice(itertools.cycle(self.batches), self.count))
        return {"value": self.count * self.batch / (time.perf_counter() - began)}


class Load:
    """On one thread: more would take more processor time for the same images."""

    def __init__(self, folders, batch, size, mean, std, recipe, **_):
        torch.set_num_threads(1)
        self.paths, self.batch = list_paths(folders), batch
        self.open = lambda: IMAGES[recipe](self.paths, size, mean, std)
        self.facts = {"how": f"Pillow once into memory, then torch on bytes, {tuning()}", "precision": "fp32", "images": self.epoch(self.open())[0]}

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
        self.count, self.batch, self.labels = steps, batch, torch.arange(batch, device=DEVICE) % classes
        self.images = IMAGES["default"]([paths[i % len(paths)] for i in range(steps * batch)], size, mean, std)
        model = open_model(model, weights, classes)
        first = self.images.batch(range(batch)), self.labels
        precision = fastest(model, *first)
        self.trainer = Trainer(model, 1e-3, precision, fastest_mode(model, precision, *first) if self.compiled else None)
        self.run()
        self.facts = {"how": f"{self.trainer.how}, loads in turn with its steps", "precision": WORDS[self.trainer.dtype], "images": steps * batch}

    def run(self, **_):
        began, outside = time.perf_counter(), 0
        for step in range(self.count):
            loading = time.perf_counter()
            images = self.images.batch(range(step * self.batch, (step + 1) * self.batch))
            wait()
            outside += time.perf_counter() - loading
            self.trainer.step(images, self.labels).item()
        return {"value": outside / (time.perf_counter() - began)}


TASKS = {"train-step": TrainStep, "score-step": ScoreStep, "load": Load, "outside-step": OutsideStep, "predict": scoring.Predict, "evaluate": scoring.Evaluate}

if __name__ == "__main__":
    serve(TASKS)
