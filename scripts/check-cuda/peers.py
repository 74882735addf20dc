"""Training steps and scoring in PyTorch on one device, with batches that are ready there:   python peers.py TASK, as JSON

`notebook` is bench/notebook.py's own code, `tuned` the best that a Python expert would write, `compiled` the same under
torch.compile with CUDA graphs. Each row is told as a line of JSON. With `hold` the first step is told, too, and the rest
waits for a line on stdin.
"""

import itertools
import json
import pathlib
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import torch  # noqa: E402

from bench import notebook  # noqa: E402
from bench.peers.engine import fold  # noqa: E402

WARM_UP = 6


class Notebook:
    how = "contiguous, fp16 and GradScaler on a GPU; scoring in fp32"

    def __init__(self, model, classes, task, device):
        self.device, self.loss_fn = device, torch.nn.CrossEntropyLoss()
        self.model = notebook.load_model(model, None, range(classes), seed=1).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-4)
        self.scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")
        self.steps = self.score if task == "score" else self.train

    def prepare(self, images):
        return images

    def train(self, batches):
        return list(notebook.train_one_epoch(batches, self.model, self.optimizer, self.loss_fn, self.scaler, self.device))

    def score(self, batches):
        return [notebook.score(batches, self.model, self.loss_fn, self.device)[0]]


class Tuned:
    compiled = False

    def __init__(self, model, classes, task, device):
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
        self.device, self.loss_fn = device, torch.nn.CrossEntropyLoss()
        self.model = notebook.load_model(model, None, range(classes), seed=1).to(device, memory_format=torch.channels_last)
        if task == "score":
            self.model = fold(self.model).bfloat16()
        else:
            self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-4, fused=True)
        mode = "reduce-overhead" if device.type == "cuda" else "default"
        self.forward = torch.compile(self.model, mode=mode) if self.compiled else self.model
        self.steps = self.score if task == "score" else self.train
        self.how = f"bf16, channels_last, fused Adam, cudnn.benchmark{f', torch.compile {mode}' if self.compiled else ''}"

    def prepare(self, images):
        return images.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)

    def train(self, batches):
        losses = []
        for images, labels in batches:
            self.begin()
            self.optimizer.zero_grad(set_to_none=True)
            with torch.autocast(self.device.type, dtype=torch.bfloat16):
                loss = self.loss_fn(self.forward(images), labels)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach().clone())  # a CUDA graph writes the next one over it
        return losses[:1] + losses[-1:]

    @torch.no_grad()
    def score(self, batches):
        losses, right = [], []
        for images, labels in batches:
            self.begin()
            scores = self.forward(images).float()
            losses.append(self.loss_fn(scores, labels))
            right.append((scores.argmax(1) == labels).sum())
        self.right = torch.stack(right).sum().item()
        return [torch.stack(losses).mean()]

    def begin(self):
        if self.compiled and self.device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()


class Compiled(Tuned):
    compiled = True


PEERS = {"notebook": Notebook, "tuned": Tuned, "compiled": Compiled}


def tell(**message):
    print(json.dumps(message), flush=True)


def measure(peer, row, device, size, classes, repeats, steps, started, hold):
    def wait():
        if device.type == "cuda":
            torch.cuda.synchronize()

    torch.manual_seed(1)
    runner = PEERS[peer](row["model"], classes, row["task"], device)
    batch = row["batch"]
    labels = [(torch.arange(batch, device=device) * 7 + i) % classes for i in range(2)]
    batches = [(runner.prepare(torch.randn(batch, 3, size, size, device=device)), each) for each in labels]
    coming = itertools.cycle(batches)
    losses = runner.steps(itertools.islice(coming, 1))
    wait()
    first = time.time() - started
    runner.steps(itertools.islice(coming, WARM_UP))
    wait()
    if hold:
        tell(row=row["name"], ready=first)
        sys.stdin.readline()
    speeds = []
    for _ in range(repeats):
        began = time.perf_counter()
        losses += runner.steps(itertools.islice(coming, steps))
        wait()
        speeds.append(steps * batch / (time.perf_counter() - began))
    tell(row=row["name"], speeds=speeds, first=first, losses=[float(losses[0]), float(losses[-1])], how=runner.how)


def main(peer, rows, device, size, classes, repeats, steps, startedAt, threads=None, hold=False):
    if threads:
        torch.set_num_threads(threads)
    device = torch.device("cuda" if device.startswith("cuda") else "cpu")  # the one that CUDA_VISIBLE_DEVICES shows
    for row in rows:
        try:
            measure(peer, row, device, size, classes, repeats, steps, startedAt / 1000, hold)
        except Exception as error:
            traceback.print_exc()
            tell(row=row["name"], error=f"{type(error).__name__}: {error}"[:600])
        if device.type == "cuda":
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
