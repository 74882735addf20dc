"""What the models compute: logits of every variant, gradients, and what they begin with."""

import torch

from .formula import CLASSES, build, pictures
from .torchvision_without_cuda import torchvision

SMALL = (
    "regnet_y_400mf", "regnet_y_800mf", "regnet_y_1_6gf", "regnet_y_3_2gf", "regnet_y_8gf",
    "regnet_x_400mf", "regnet_x_800mf", "regnet_x_1_6gf", "regnet_x_3_2gf", "regnet_x_8gf", "regnet_x_16gf",
)
LARGE = ("regnet_y_16gf", "regnet_y_32gf", "regnet_y_128gf", "regnet_x_32gf")


def logits() -> dict:
    """Two pictures at 64 px, and at 224 for the two that ship or are tuned most; the large ones at 32."""
    result = {}
    for name in (*SMALL, *LARGE):
        model = build(name).eval()
        sizes = (32,) if name in LARGE else (64, 224) if name.endswith("400mf") else (64,)
        with torch.no_grad():
            result[name] = {str(size): model(pictures(2, size)).tolist() for size in sizes}
        print(name, flush=True)
        del model
    return result


def gradients(name: str) -> dict:
    """In training mode, and with the running statistics used and kept."""
    return {"batch statistics": gradients_of(name, frozen=False), "running statistics": gradients_of(name, frozen=True)}


def gradients_of(name: str, frozen: bool) -> dict:
    """Norms of all gradients and the first numbers of each, in double precision; and how far fp32 is from them."""

    def compute(dtype: torch.dtype, memory_format: torch.memory_format, threads: int) -> dict[str, tuple]:
        torch.set_num_threads(threads)
        model = build(name).train().to(dtype=dtype, memory_format=memory_format)
        if frozen:
            for module in model.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()
        images = pictures(16, 96).to(dtype).contiguous(memory_format=memory_format)
        torch.nn.functional.cross_entropy(model(images), torch.arange(16) % CLASSES).backward()
        return {key: summary(parameter.grad) for key, parameter in model.named_parameters()}

    truth = compute(torch.float64, torch.contiguous_format, 2)
    runs = [compute(torch.float32, layout, threads) for layout in (torch.channels_last, torch.contiguous_format) for threads in (1, 2)]
    distances = [distance(run[key], truth[key]) for run in runs for key in truth]
    norms = {key: norm for key, (_, norm, _) in truth.items()}
    return {"norms": norms, "first": {key: first for key, (_, _, first) in truth.items()}, "distance": max(distances)}


def summary(gradient: torch.Tensor) -> tuple[int, float, list[float]]:
    gradient = gradient.double().contiguous()
    return gradient.numel(), gradient.norm().item(), gradient.flatten()[:4].tolist()


def distance(ours: tuple, truth: tuple) -> float:
    """Of the norm, and of the first numbers relative to the gradient's root mean square or the largest of them."""
    (_, norm, first), (count, true_norm, true_first) = ours, truth
    scale = max(true_norm / count**0.5, *map(abs, true_first))
    return max(abs(norm - true_norm) / true_norm, *(abs(a - b) / scale for a, b in zip(first, true_first)))


def initialization(name: str) -> dict:
    """Of each parameter: count, mean, standard deviation, largest absolute value."""
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(num_classes=1000)
    result = {}
    for key, parameter in model.named_parameters():
        values = parameter.detach().double()
        result[key] = [values.numel(), values.mean().item(), values.std(correction=0).item(), values.abs().max().item()]
    return result
