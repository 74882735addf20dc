"""Makes the fixtures of the parity tests: what PyTorch and torchvision compute.

    python test/parity/generate.py

It takes torch 2.13, torchvision 0.28 and numpy. Weights and pictures come from a formula that the tests have too
(test/parity/formula.ts), so the fixtures hold results only.
"""

import json
import math
import pathlib

import numpy as np
import torch

# torchvision's wheel is built for CUDA; on a CPU torch its own operators are missing, and RegNet needs none of them.
library = torch.library.Library("torchvision", "DEF")
for schema in (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor",
    "roi_pool(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width) -> (Tensor, Tensor)",
    "ps_roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, int sampling_ratio) -> (Tensor, Tensor)",
    "ps_roi_pool(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width) -> (Tensor, Tensor)",
    "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, SymInt groups, SymInt offset_groups, bool use_mask) -> Tensor",
    "_roi_align_backward(Tensor grad, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, SymInt batch_size, SymInt channels, SymInt height, SymInt width, int sampling_ratio, bool aligned) -> Tensor",
    "_roi_pool_backward(Tensor grad, Tensor rois, Tensor argmax, float spatial_scale, SymInt pooled_height, SymInt pooled_width, SymInt batch_size, SymInt channels, SymInt height, SymInt width) -> Tensor",
    "_ps_roi_align_backward(Tensor grad, Tensor rois, Tensor channel_mapping, float spatial_scale, SymInt pooled_height, SymInt pooled_width, int sampling_ratio, SymInt batch_size, SymInt channels, SymInt height, SymInt width) -> Tensor",
    "_ps_roi_pool_backward(Tensor grad, Tensor rois, Tensor channel_mapping, float spatial_scale, SymInt pooled_height, SymInt pooled_width, SymInt batch_size, SymInt channels, SymInt height, SymInt width) -> Tensor",
    "_deform_conv2d_backward(Tensor grad, Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, SymInt groups, SymInt offset_groups, bool use_mask) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
):
    library.define(schema)

import torchvision  # noqa: E402

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
CLASSES = 10
MODELS = ("regnet_y_400mf", "regnet_x_400mf")
MEAN, STD = 0.5, 0.25


def draw(name: str, count: int) -> np.ndarray:
    """Integers of 32 bits from a name and a place: formula.ts has the same."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return x ^ (x >> np.uint32(16))


def numbers(name: str, count: int) -> np.ndarray:
    """From −1 to 1, exact in double precision on both sides."""
    return draw(name, count).astype(np.float64) / 2**31 - 1


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    state = {}
    for name, tensor in model.state_dict().items():
        x = numbers(name, tensor.numel())
        if name.endswith("num_batches_tracked"):
            x = np.zeros(1)
        elif tensor.dim() > 1:
            x = x * math.sqrt(3 / (tensor.numel() // tensor.shape[0]))
        elif name.endswith("running_var"):
            x = 1 + 0.2 * x
        elif name.endswith("1.weight"):
            x = 1 + 0.1 * x
        else:
            x = 0.1 * x
        state[name] = torch.from_numpy(x).reshape(tensor.shape).to(tensor.dtype)
    return state


def pictures(count: int, size: int) -> torch.Tensor:
    pixels = (draw(f"pictures {size}", count * size * size * 3) >> np.uint32(24)).astype(np.uint8)
    images = torch.from_numpy(pixels).reshape(count, size, size, 3).permute(0, 3, 1, 2)
    return (images.float() / 255 - MEAN) / STD


def build(name: str) -> torch.nn.Module:
    model = getattr(torchvision.models, name)(num_classes=CLASSES)
    model.load_state_dict(weights(model))
    return model


def logits(name: str) -> dict[str, list]:
    model = build(name).eval()
    with torch.no_grad():
        return {str(size): model(pictures(2, size)).tolist() for size in (64, 224)}


def adamw_steps(name: str, memory_format: torch.memory_format, threads: int) -> dict:
    torch.set_num_threads(threads)
    model = build(name).train().to(memory_format=memory_format)
    head, plain, decayed = [], [], []
    for key, parameter in model.named_parameters():
        if key.startswith("fc."):
            head.append(parameter)
        else:
            (plain if key.endswith((".1.weight", ".bias")) else decayed).append(parameter)
    groups = [{"params": head, "lr": 2e-3, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}, {"params": decayed}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, weight_decay=0.02, fused=True)
    images = pictures(16, 96).contiguous(memory_format=memory_format)
    labels = torch.arange(16) % CLASSES
    losses = []
    for _ in range(10):
        loss = torch.nn.functional.cross_entropy(model(images), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    state = model.state_dict()
    watched = ("fc.bias", "stem.0.weight", "stem.1.running_mean", "trunk_output.block3.block3-0.f.a.1.weight", "trunk_output.block4.block4-0.proj.0.weight")
    return {"losses": losses, "state": {key: state[key].contiguous().flatten()[:24].tolist() for key in watched}}


def spread(runs: list[dict]) -> dict:
    """How far PyTorch's own runs lie apart: RegNet's fp32 gradients are noisy, and ten steps make that grow."""
    first, *others = runs
    losses = [abs(a - b) / a for run in others for a, b in zip(first["losses"], run["losses"])]
    state = [abs(a - b) for run in others for key in first["state"] for a, b in zip(first["state"][key], run["state"][key])]
    return {"losses": max(losses), "state": max(state)}


if __name__ == "__main__":
    torch.manual_seed(0)
    FIXTURES.mkdir(exist_ok=True)
    for model_name in MODELS:
        result = {"torch": torch.__version__, "torchvision": torchvision.__version__, "logits": logits(model_name)}
        runs = [adamw_steps(model_name, layout, threads) for layout, threads in ((torch.channels_last, 2), (torch.contiguous_format, 2), (torch.channels_last, 1))]
        result["adamw"] = {**runs[0], "spread": spread(runs)}
        (FIXTURES / f"{model_name}.json").write_text(json.dumps(result, indent=1) + "\n")
