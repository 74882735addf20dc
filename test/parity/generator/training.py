"""Training steps of a whole model, one recipe a case; each in several layouts, thread counts and instruction sets."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

import torch

from .formula import CLASSES, build, pictures

WATCHED = ("fc.bias", "stem.0.weight", "stem.1.running_mean", "trunk_output.block3.block3-0.f.a.1.weight", "trunk_output.block4.block4-0.proj.0.weight")
CLASS_WEIGHTS = [0.5 + 0.25 * i for i in range(CLASSES)]

# What differs from the plain step: AdamW, fp32, cross entropy. test/parity/training.test.ts has the same.
# fp16 begins with a scale that overflows, so that there are steps to be skipped.
CASES = {
    "adamw, groups and decay, smoothing": {"smoothing": 0.1},
    "bf16": {"dtype": torch.bfloat16},
    "frozen running statistics": {"frozen": True},
    "frozen running statistics, label smoothing": {"frozen": True, "smoothing": 0.2},
    "frozen running statistics, class weights": {"frozen": True, "weighted": True},
    "frozen running statistics, class weights and smoothing": {"frozen": True, "weighted": True, "smoothing": 0.2},
    "frozen running statistics, clipping by norm": {"frozen": True, "clip": 0.05},
    "frozen running statistics, bf16": {"frozen": True, "dtype": torch.bfloat16},
    "fp16": {"dtype": torch.float16, "init_scale": 2.0**12, "steps": 6, "size": 64, "count": 8},
    "frozen running statistics, fp16, clipping by norm": {"frozen": True, "dtype": torch.float16, "init_scale": 2.0**20, "clip": 0.05, "steps": 6, "size": 64, "count": 8},
}


def optimizer_for(model: torch.nn.Module) -> torch.optim.Optimizer:
    head, plain, decayed = [], [], []
    for key, parameter in model.named_parameters():
        if key.startswith("fc."):
            head.append(parameter)
        else:
            (plain if key.endswith((".1.weight", ".bias")) else decayed).append(parameter)
    groups = [{"params": head, "lr": 2e-3, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}, {"params": decayed}]
    return torch.optim.AdamW(groups, lr=1e-3, weight_decay=0.02, fused=True)


def run(name, memory_format, threads, *, dtype=None, frozen=False, smoothing=0.0, weighted=False, clip=None, init_scale=None, steps=10, size=96, count=16) -> dict:
    torch.set_num_threads(threads)
    model = build(name).train().to(memory_format=memory_format)
    if frozen:
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
    optimizer = optimizer_for(model)
    scaler = torch.amp.GradScaler("cpu", enabled=init_scale is not None, init_scale=init_scale or 1.0, growth_interval=2)
    criterion = torch.nn.CrossEntropyLoss(weight=torch.tensor(CLASS_WEIGHTS) if weighted else None, label_smoothing=smoothing)
    images = pictures(count, size).contiguous(memory_format=memory_format)
    labels = torch.arange(count) % CLASSES
    losses, scales = [], []
    for _ in range(steps):
        scales.append(scaler.get_scale())
        with torch.autocast("cpu", dtype=dtype) if dtype else contextlib.nullcontext():
            loss = criterion(model(images), labels)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        if clip is not None:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    state = model.state_dict()
    return {"losses": losses, "scales": scales, "state": {key: state[key].contiguous().flatten()[:24].tolist() for key in WATCHED}}


def spread(runs: list[dict]) -> dict:
    """How far PyTorch's own runs lie apart: of the first loss, and in the parameters."""
    first, *others = runs
    losses = [abs(a - b) / first["losses"][0] for other in others for a, b in zip(first["losses"], other["losses"])]
    state = [abs(a - b) for other in others for key in first["state"] for a, b in zip(first["state"][key], other["state"][key])]
    return {"losses": max(losses), "state": max(state)}


RUNS = ((torch.channels_last, 2), (torch.contiguous_format, 2), (torch.channels_last, 1), (torch.contiguous_format, 1))


def runs(name: str, title: str) -> list[dict]:
    return [run(name, layout, threads, **CASES[title]) for layout, threads in RUNS]


def runs_on_avx2(name: str) -> dict[str, list[dict]]:
    """All cases as a processor without AVX-512 computes them."""
    env = {**os.environ, "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    command = [sys.executable, "-m", "generator.training", name]
    return json.loads(subprocess.run(command, env=env, cwd=pathlib.Path(__file__).parent.parent, check=True, capture_output=True, text=True).stdout)


def cases(name: str) -> dict:
    elsewhere = runs_on_avx2(name)
    result = {}
    for title in CASES:
        here = runs(name, title)
        result[title] = {**here[0], "spread": spread([*here, *elsewhere[title]])}
        print(name, title, result[title]["spread"], flush=True)
    return result


if __name__ == "__main__":
    print(json.dumps({title: runs(sys.argv[1], title) for title in CASES}))
