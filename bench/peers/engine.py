"""What makes PyTorch fast: channels_last, the precision that the device is fastest in, fused Adam, a compiled graph; on a GPU TF32,
cuDNN's search for algorithms, and CUDA graphs."""

import copy
import os
import pathlib
import time

import torch
import torch._inductor.config
import torch.nn.utils.fusion

from bench import notebook
from bench.peers.device import DEVICE, ON_GPU, wait

WORDS = {torch.float32: "fp32", torch.bfloat16: "bf16"}
PRECISIONS = {word: dtype for dtype, word in WORDS.items()}

# Of torch.compile; the faster is taken. On a GPU both record CUDA graphs, and the second searches for kernels, which takes minutes.
MODES = ["reduce-overhead", "max-autotune"] if ON_GPU else ["default"]
# Steps before the clock and on it, where two ways are tried: a CUDA graph is recorded in the third.
WARM_UP, TRIED = (6, 12) if ON_GPU else (1, 2)
if ON_GPU:
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")

# Where libtorch is held to AVX2, so is what torch.compile makes.
HELD_TO_AVX2 = os.environ.get("ATEN_CPU_CAPABILITY") == "avx2"
if HELD_TO_AVX2:
    torch._inductor.config.cpp.simdlen = 256


def tuning():
    """What else was done for speed; of allocators the one that is mapped, whatever was asked for."""
    if ON_GPU:
        return "cudnn.benchmark, TF32"
    maps = pathlib.Path("/proc/self/maps")
    return "jemalloc" if maps.exists() and "jemalloc" in maps.read_text() else "glibc tuned"


def has_bf16():
    if ON_GPU:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return not HELD_TO_AVX2 and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def open_model(name, weights, classes):
    """The whole model, its head too, in channels_last."""
    model = notebook.load_model(name, None, range(classes), seed=1)
    model.load_state_dict(torch.load(weights, weights_only=True))
    return model.to(DEVICE, memory_format=torch.channels_last)


class Trainer:
    """A model in training; `mode` is torch.compile's, None without it."""

    def __init__(self, model, lr, precision, mode=None):
        self.dtype, self.mode = PRECISIONS[precision], mode
        self.model, self.loss_fn = model, torch.nn.CrossEntropyLoss()
        self.forward = torch.compile(model, mode=mode) if mode else model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
        self.how = f"{WORDS[self.dtype]}, channels_last, fused Adam, {tuning()}{compiling(mode)}"

    def step(self, images, labels):
        begin_step(self.mode)
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(DEVICE.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            loss = self.loss_fn(self.forward(images), labels)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


def compiling(mode):
    """In words."""
    return "" if mode is None else ", torch.compile" if mode == "default" else f", torch.compile {mode}"


def begin_step(mode):
    """What the last step gave may be written over: CUDA graphs keep their results at fixed addresses."""
    if ON_GPU and mode:
        torch.compiler.cudagraph_mark_step_begin()


def seconds_of(step):
    """Of some steps, the first ones left out."""
    for _ in range(WARM_UP):
        step()
    wait()
    began = time.perf_counter()
    for _ in range(TRIED):
        step()
    wait()
    return time.perf_counter() - began


def quickest(ways, make):
    """Of some ways the one whose step takes the least time; `make` gives a way's step."""
    seconds = {way: seconds_of(make(way)) for way in ways}
    return min(seconds, key=seconds.get)


def trial(model, images, labels, precision, mode=None):
    """A training step of a copy."""
    trainer = Trainer(copy.deepcopy(model), 1e-3, precision, mode)
    return lambda: trainer.step(images, labels)


def fastest(model, images, labels):
    """The precision of the faster training step."""
    return quickest(PRECISIONS, lambda word: trial(model, images, labels, word)) if has_bf16() else "fp32"


def fastest_mode(model, precision, images, labels, modes=None):
    """The mode of torch.compile of the faster training step; of a single one, that one."""
    modes = modes or MODES
    return modes[0] if len(modes) == 1 else quickest(modes, lambda mode: trial(model, images, labels, precision, mode))


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
    """A model that only scores, in the faster precision, as measured on `images` before it is compiled, and compiled in the faster mode."""

    def __init__(self, model, images, compiled=False, modes=None):
        folded, modes = fold(model), modes or MODES
        self.use(folded, quickest(PRECISIONS, lambda word: self.use(folded, word, images)) if has_bf16() else "fp32")
        if compiled:
            torch._inductor.config.freezing = not ON_GPU
            model = self.forward
            self.compile(model, modes[0] if len(modes) == 1 else quickest(modes, lambda mode: self.compile(model, mode, images)))
        self.scores(images)
        self.how = f"{WORDS[self.dtype]}, channels_last, batch norm folded, {tuning()}{compiling(self.mode)}"

    def use(self, folded, precision, images=None):
        """On a GPU the weights themselves take it; on a CPU autocast's kernels are the faster ones."""
        self.dtype, self.mode = PRECISIONS[precision], None
        self.forward = copy.deepcopy(folded).to(self.dtype) if ON_GPU else folded
        return lambda: self.scores(images)

    def compile(self, model, mode, images=None):
        self.mode, self.forward = mode, torch.compile(model, mode=mode)
        return lambda: self.scores(images)

    @torch.no_grad()
    def scores(self, images):
        begin_step(self.mode)
        if ON_GPU:
            return self.forward(images.to(self.dtype)).float().clone()  # a CUDA graph writes the next ones over its own
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            return self.forward(images).float()
