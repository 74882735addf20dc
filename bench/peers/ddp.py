"""PyTorch's DistributedDataParallel over Gloo, tuned as bench/peers/tuned.py is: one rank of those that the environment tells of."""

import itertools
import os
import time

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from bench.peers.engine import Trainer, open_model
from bench.peers.protocol import serve
from bench.peers.ready_batches import read_batches


class RankStep:
    """Steps on this rank's share of the batches: with the other ranks, and as if there were none."""

    def __init__(self, model, weights, pixels, labels, batch, size, classes, lr, mean, std, firstSteps, steps, source, precision, **_):
        rank, self.ranks, self.steps = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), steps
        shares = read_batches(pixels, labels, batch // self.ranks, size, source, mean, std, memory_format=torch.channels_last)
        self.batches = itertools.cycle(shares[rank :: self.ranks])
        self.together, self.alone = (Trainer(open_model(model, weights, classes), lr, precision) for _ in range(2))
        how = self.together.how
        if self.ranks > 1:
            distributed.init_process_group("gloo")
            # Gradients stay in their buckets; batch norm's running statistics, which training does not read, stay each rank's own.
            self.together.forward = DistributedDataParallel(self.together.model, gradient_as_bucket_view=True, broadcast_buffers=False)
            how += ", DistributedDataParallel by Gloo"
        losses = [self.mean_loss() for _ in range(firstSteps)]
        self.alone.step(*next(self.batches))
        self.facts = {"how": how, "precision": precision, "losses": losses, "images": len(labels)}

    def mean_loss(self):
        """Of all ranks."""
        loss = self.together.step(*next(self.batches))
        if self.ranks > 1:
            distributed.all_reduce(loss)
        return loss.item() / self.ranks

    def seconds_of(self, trainer):
        """Of a step."""
        began = time.perf_counter()
        for _ in range(self.steps):
            trainer.step(*next(self.batches)).item()
        return (time.perf_counter() - began) / self.steps

    def run(self, **_):
        seconds = self.seconds_of(self.together)
        return {"seconds": seconds, "alone": self.seconds_of(self.alone) if self.ranks > 1 else seconds}


if __name__ == "__main__":
    serve({"rank-step": RankStep})
