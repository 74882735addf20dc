"""The other side of exchange.test.ts: makes files with PyTorch, and goes on from files that torchgraft made.

    python exchange.py make FOLDER        files, and what they hold as expected.json
    python exchange.py continue FILE TYPE  losses of the next ten steps of a checkpoint, as JSON
    python exchange.py look FILE          what a file holds, as JSON
"""

import json
import pathlib
import sys

import torch
from generator.formula import CLASSES, build, pictures
from generator.torchvision_without_cuda import torchvision

STEPS = 10
NAME = "regnet_y_400mf"
torch.set_num_threads(2)


def train(model: torch.nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> list[float]:
    images = pictures(8, 64).contiguous(memory_format=torch.channels_last)
    losses = []
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model(images), torch.arange(8) % CLASSES)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def fresh() -> torch.nn.Module:
    return build(NAME).train().to(memory_format=torch.channels_last)


def optimizer_for(kind: str, model: torch.nn.Module) -> torch.optim.Optimizer:
    if kind == "adam":
        return torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    head = [parameter for name, parameter in model.named_parameters() if name.startswith("fc.")]
    rest = [parameter for name, parameter in model.named_parameters() if not name.startswith("fc.")]
    return torch.optim.AdamW([{"params": head}, {"params": rest}], fused=True)


def timm_name(name: str) -> str:
    import re

    name = re.sub(r"^trunk_output\.block\d+\.block(\d+)-(\d+)\.", lambda m: f"s{m[1]}.b{int(m[2]) + 1}.", name)
    for ours, theirs in (("f.a.0", "conv1.conv"), ("f.a.1", "conv1.bn"), ("f.b.0", "conv2.conv"), ("f.b.1", "conv2.bn"), ("f.c.0", "conv3.conv"), ("f.c.1", "conv3.bn"), ("f.se.", "se."), ("proj.0", "downsample.conv"), ("proj.1", "downsample.bn")):
        name = name.replace(f".{ours}", f".{theirs}")
    return re.sub(r"^fc\.", "head.fc.", re.sub(r"^stem\.1\.", "stem.bn.", re.sub(r"^stem\.0\.", "stem.conv.", name)))


def make(folder: pathlib.Path) -> None:
    state = build(NAME).state_dict()
    torch.save(state, folder / "plain.pth")
    torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({key: value.half() if value.is_floating_point() else value for key, value in state.items()}, folder / "half.pth")
    torch.save({key: value.bfloat16() if value.is_floating_point() else value for key, value in state.items()}, folder / "bfloat16.pth")
    torch.save({key: value.double() if value.is_floating_point() else value.int() for key, value in state.items()}, folder / "double.pth")
    torch.save({f"module.{key}": value for key, value in state.items()}, folder / "parallel.pth")
    torch.save({timm_name(key): value for key, value in state.items()}, folder / "timm.pth")
    together = torch.cat([value.flatten() for value in state.values() if value.is_floating_point()])
    views, at = {}, 0
    for key, value in state.items():
        if value.is_floating_point():  # views of one storage, four-dimensional ones in another order
            view = together[at : at + value.numel()].view(value.shape)
            views[key] = view.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else view
            at += value.numel()
        else:
            views[key] = value
    torch.save(views, folder / "views.pth")
    torch.save(build(NAME), folder / "whole.pth")
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(folder / "script.pth"))
    from safetensors.torch import save_file

    save_file({key: value.contiguous() for key, value in state.items()}, folder / "python.safetensors", metadata={"format": "pt", "of": "Python"})

    model = fresh()
    optimizer = optimizer_for("adam", model)
    train(model, optimizer, 3)
    torch.save({"state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, folder / "checkpoint.pth")
    (folder / "expected.json").write_text(json.dumps({"losses": train(model, optimizer, STEPS)}))


def go_on(file: str, kind: str) -> None:
    checkpoint = torch.load(file, weights_only=True)
    model = fresh()
    model.load_state_dict(checkpoint["state_dict"])
    optimizer = optimizer_for(kind, model)
    optimizer.load_state_dict(checkpoint["optimizer"])
    for group in optimizer.param_groups:
        group["fused"] = True
    for parameter, state in optimizer.state.items():
        for key in ("exp_avg", "exp_avg_sq"):  # PyTorch's fused kernel takes no state that lies otherwise than its parameter
            state[key] = torch.empty_like(parameter).copy_(state[key])
    if "scaler" in checkpoint:
        torch.amp.GradScaler("cpu").load_state_dict(checkpoint["scaler"])
    print(json.dumps({"losses": train(model, optimizer, STEPS), "scaler": checkpoint.get("scaler")}))


def look(file: str) -> None:
    if file.endswith(".safetensors"):
        from safetensors import safe_open

        with safe_open(file, "pt") as content:
            state, metadata = {key: content.get_tensor(key) for key in content.keys()}, content.metadata()
    else:
        state, metadata = torch.load(file, weights_only=True), None
    model = torchvision.models.regnet_y_400mf(num_classes=CLASSES)
    model.load_state_dict(state)
    expected = build(NAME).state_dict()
    difference = max((state[key].double() - expected[key].double()).abs().max().item() for key in expected)
    dtypes = sorted({str(value.dtype) for value in state.values()})
    print(json.dumps({"keys": len(state), "difference": difference, "dtypes": dtypes, "metadata": metadata}))


if __name__ == "__main__":
    command, target, *rest = sys.argv[1:]
    {"make": lambda: make(pathlib.Path(target)), "continue": lambda: go_on(target, *rest), "look": lambda: look(target)}[command]()
