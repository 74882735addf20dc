"""The notebook's whole job as an expert would write it, with bench/notebook.py's options and the same lines of JSON:

    python -m bench.peers.job DATA [--model NAME] [--weights FILE] [--epochs N] … --precision fp32|bf16 [--compile MODE]

The same split, random numbers, images and optimizer. `prepared` tells how long it took to compile, which is nobody's training.
"""

import argparse
import copy
import itertools
import time

import torch

from bench import notebook
from bench.peers.device import DEVICE
from bench.peers.engine import WARM_UP, Trainer, begin_step
from bench.peers.images import NotebookImages
from bench.peers.stretch import read, resize


def mean_and_std(paths, size, batch_size):
    """The notebook's, over batches of stretched images; the last batch that is not full is left out."""
    sums = []
    for first in range(0, len(paths) - batch_size + 1, batch_size):
        pixels = torch.stack([resize(read(path), [size, size], antialias=False) for path in paths[first : first + batch_size]]).float() / 255
        sums.append((pixels.mean(dim=[0, 2, 3]), (pixels**2).mean(dim=[0, 2, 3])))
    mean, squares = (torch.stack(part).mean(dim=0) for part in zip(*sums))
    return mean, (squares - mean**2) ** 0.5


class Side:
    """Batches of one side, in the order that stays; a last one that is not full is left out."""

    def __init__(self, items, options, mean, std):
        self.images = NotebookImages([path for path, _ in items], options.size, mean, std)
        self.labels = torch.tensor([label for _, label in items], device=DEVICE)
        self.size = options.batch_size

    def batches(self, augment):
        torch.empty((), dtype=torch.int64).random_()  # as torch's loader draws one at each epoch's start
        for first in range(0, len(self.labels) - self.size + 1, self.size):
            yield self.images.batch(range(first, first + self.size), augment), self.labels[first : first + self.size]


@torch.no_grad()
def score(trainer, side):
    trainer.model.eval()
    losses, correct, count = [], 0, 0
    for images, labels in side.batches(augment=False):
        begin_step(trainer.mode)
        with torch.autocast(DEVICE.type, dtype=torch.bfloat16, enabled=trainer.dtype == torch.bfloat16):
            scores = trainer.forward(images)
        losses.append(trainer.loss_fn(scores.float(), labels).item())
        correct += (scores.argmax(1) == labels).sum().item()
        count += len(labels)
    trainer.model.train()
    return sum(losses) / len(losses), correct, count


def prepare(model, options, train, val, own):
    """A trainer whose graphs are ready, and whose model is as it was."""
    began = time.perf_counter()
    trainer = Trainer(model, options.lr, own.precision, own.compile)
    if own.compile:
        state = copy.deepcopy(model.state_dict())
        for images, labels in itertools.islice(train.batches(augment=True), WARM_UP):
            trainer.step(images, labels)
        score(trainer, val)
        model.load_state_dict(state)
        trainer.optimizer = torch.optim.Adam(model.parameters(), lr=options.lr, fused=True)
        train.images.forget()
        val.images.forget()
    notebook.tell(type="prepared", seconds=time.perf_counter() - began, how=trainer.how)
    return trainer


def main(options, own):
    torch.set_num_threads(options.threads or torch.get_num_threads())
    train_items, val_items, classes, _ = notebook.split_images(options.data, options.val)
    mean, std = mean_and_std([path for path, _ in train_items], options.size, options.batch_size)
    notebook.tell(type="split", train=len(train_items), val=len(val_items), mean=mean.tolist(), std=std.tolist())
    train, val = Side(train_items, options, mean, std), Side(val_items, options, mean, std)
    model = notebook.load_model(options.model, options.weights, classes, options.seed).to(DEVICE, memory_format=torch.channels_last)
    trainer = prepare(model, options, train, val, own)

    best, waited, steps = float("inf"), 0, 0
    for epoch in range(options.epochs):
        torch.manual_seed(options.seed + epoch)
        began = time.perf_counter()
        for images, labels in train.batches(augment=True):
            loss, steps = trainer.step(images, labels).item(), steps + 1
            notebook.tell(type="step", epoch=epoch + 1, step=steps, loss=loss, seconds=time.perf_counter() - began)
        loss, correct, count = score(trainer, val)
        improved = loss < best
        notebook.tell(type="epoch", epoch=epoch + 1, loss=loss, correct=correct, count=count, improved=improved, seconds=time.perf_counter() - began)
        best, waited = (loss, 0) if improved else (best, waited + 1)
        if improved and options.output:
            torch.save({"state_dict": model.state_dict(), "optimizer": trainer.optimizer.state_dict()}, options.output)
        if waited >= options.patience:
            return


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--precision", required=True)
    parser.add_argument("--compile", help="a mode of torch.compile; without it nothing is compiled")
    own, others = parser.parse_known_args()
    main(notebook.parse(others), own)
