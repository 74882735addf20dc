"""Photos to labels: images are read by other threads while the ones before them are scored, if that is faster."""

import concurrent.futures
import time

import torch

from bench.peers.device import DEVICE, upload
from bench.peers.engine import Scorer, WORDS, open_model
from bench.peers.stretch import Normalize, read, stretch


class Photos:
    """Batches of photos, as the notebook scores them."""

    def __init__(self, size, mean, std, threads):
        self.size, self.normalize = size, Normalize(mean, std)
        self.readers = concurrent.futures.ThreadPoolExecutor(threads)
        self.ahead = True

    def batches(self, paths, batch):
        groups = [paths[i : i + batch] for i in range(0, len(paths), batch)]
        if not self.ahead:
            yield from (self.join([self.one(path) for path in group]) for group in groups)
            return
        coming = [self.readers.submit(self.one, path) for path in groups[0]]
        for following in [*groups[1:], []]:
            images = [image.result() for image in coming]
            coming = [self.readers.submit(self.one, path) for path in following]
            yield self.join(images)

    def one(self, path):
        return stretch(read(path), self.size)

    def join(self, images):
        return self.normalize(upload(torch.stack(images).contiguous(memory_format=torch.channels_last)))

    def choose(self, run):
        """Whether to read ahead, by trying both."""
        seconds = {}
        for self.ahead in (True, False):
            began = time.perf_counter()
            run()
            seconds[self.ahead] = time.perf_counter() - began
        self.ahead = min(seconds, key=seconds.get)


class Predict:
    """Photos to labels, some at a time."""

    compiled = False

    def __init__(self, model, weights, classes, paths, batch, size, mean, std, threads, **_):
        self.paths, self.batch = paths, batch
        self.photos = Photos(size, mean, std, threads)
        self.scores, self.how, self.precision = self.open(model, weights, len(classes), next(self.photos.batches(paths[:batch], batch)))
        self.labels()
        self.photos.choose(self.labels)
        self.facts = {"how": f"{self.how}, {'read ahead' if self.photos.ahead else 'read in turn'}", "precision": self.precision, "rounded": True, "images": len(paths), "labels": self.labels()}

    def open(self, model, weights, classes, images):
        scorer = Scorer(open_model(model, weights, classes), images, compiled=self.compiled)
        return scorer.scores, scorer.how, WORDS[scorer.dtype]

    def labels(self):
        return torch.cat([self.scores(images).argmax(1) for images in self.photos.batches(self.paths, self.batch)]).tolist()

    def run(self, **_):
        began = time.perf_counter()
        self.labels()
        seconds = time.perf_counter() - began
        return {"speed": len(self.paths) / seconds, "milliseconds": 1000 * seconds / len(self.paths)}


class Evaluate(Predict):
    """The mean loss and how many are right."""

    def __init__(self, targets, **params):
        self.targets = torch.tensor(targets, device=DEVICE)
        super().__init__(**params)
        del self.facts["labels"]
        self.facts["losses"] = [self.evaluate()[0]]

    def evaluate(self):
        scores = torch.cat([self.scores(images) for images in self.photos.batches(self.paths, self.batch)])
        return torch.nn.functional.cross_entropy(scores, self.targets).item(), (scores.argmax(1) == self.targets).sum().item()

    def run(self, **_):
        began = time.perf_counter()
        self.evaluate()
        return {"speed": len(self.paths) / (time.perf_counter() - began)}
