"""What makes PyTorch fast on a CPU: channels_last, the precision that the processor is fastest in, fused Adam, a compiled graph."""

import copy
import os
import pathlib
import time

import torch
import torch._inductor.config
import torch.nn.utils.fusion

from bench import notebook

WORDS = {torch.float32: "fp32", torch.bfloat16: "bf16"}
PRECISIONS = {word: dtype for dtype, word in WORDS.items()}


# Where libtorch is held to AVX2, so is what torch.compile makes.
HELD_TO_AVX2 = os.environ.get("ATEN_CPU_CAPABILITY") == "avx2"
if HELD_TO_AVX2:
    torch._inductor.config.cpp.simdlen = 256


def allocator():
    """What is mapped, whatever was asked for."""
    maps = pathlib.Path("/proc/self/maps")
    return "jemalloc" if maps.exists() and "jemalloc" in maps.read_text() else "glibc tuned"


def processor_has_bf16():
    return not HELD_TO_AVX2 and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def open_model(name, weights, classes):
    """The whole model, its head too, in channels_last."""
    model = notebook.load_model(name, None, range(classes), seed=1)
    model.load_state_dict(torch.load(weights, weights_only=True))
    return model.to(memory_format=torch.channels_last)


class Trainer:
    """A model in training."""

    def __init__(self, model, lr, precision, compiled=False):
        self.dtype = PRECISIONS[precision]
        self.model, self.loss_fn = model, torch.nn.CrossEntropyLoss()
        self.forward = torch.compile(model) if compiled else model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
        self.how = f"{WORDS[self.dtype]}, channels_last, fused Adam, {allocator()}{', torch.compile' if compiled else ''}"

    def step(self, images, labels):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            loss = self.loss_fn(self.forward(images), labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


def fastest(model, images, labels):
    """The precision of the faster training step, tried on copies."""
    if not processor_has_bf16():
        return "fp32"
    seconds = {}
    for word in PRECISIONS:
        trainer = Trainer(copy.deepcopy(model), 1e-3, word)
        trainer.step(images, labels)
        began = time.perf_counter()
        trainer.step(images, labels)
        seconds[word] = time.perf_counter() - began
    return min(seconds, key=seconds.get)


def fold(model):
    """A copy for scoring: each convolution takes its batch norm in."""
    folded = copy.deepcopy(model).eval()
    for layer in list(folded.modules()):
        if isinstance(layer, torch.nn.Sequential):
            for i, (first, second) in enumerate(zip(list(layer), list(layer)[1:])):
                if isinstance(first, torch.nn.Conv2d) and isinstance(second, torch.nn.BatchNorm2d):
                    layer[i], layer[i + 1] = torch.nn.utils.fusion.fuse_conv_bn_eval(first, second), torch.nn.Identity()
    return folded


class Scorer:
    """A model that only scores, in the faster precision, as measured on `images` before it is compiled."""

    def __init__(self, model, images, compiled=False):
        self.dtype, self.forward = torch.float32, fold(model)
        if processor_has_bf16():
            seconds = {}
            for self.dtype in PRECISIONS.values():
                seconds[self.dtype] = self.time(images)
            self.dtype = min(seconds, key=seconds.get)
        if compiled:
            torch._inductor.config.freezing = True
            self.forward = torch.compile(self.forward)
        self.scores(images)
        self.how = f"{WORDS[self.dtype]}, channels_last, batch norm folded, {allocator()}{', torch.compile' if compiled else ''}"

    def time(self, images):
        self.scores(images)
        began = time.perf_counter()
        for _ in range(2):
            self.scores(images)
        return time.perf_counter() - began

    @torch.no_grad()
    def scores(self, images):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            return self.forward(images).float()
