"""The optimizer and the scaler alone, on given gradients: native/check/engine_check.cc does the same."""

import json

import torch

from .formula import numbers

COUNT = 48
NAMES, MAGNITUDES = ("w0", "w1", "w2"), (1, 0.1, 3)
STEPS = 1000


def tensor(name: str, factor: float) -> torch.Tensor:
    return torch.from_numpy(numbers(name, COUNT) * factor).float()


class Problem:
    """Parameters of different magnitudes in two groups, with a decay and a learning rate each."""

    def __init__(self, kind: type[torch.optim.Optimizer], **how):
        self.parameters = [tensor(name, magnitude).requires_grad_() for name, magnitude in zip(NAMES, MAGNITUDES)]
        w0, w1, w2 = self.parameters
        groups = [{"params": [w0, w2], "weight_decay": 0.02, "scale": 1}, {"params": [w1], "weight_decay": 0.0, "scale": 2}]
        self.optimizer = kind(groups, **how)

    def set_gradients(self, step: int, scale: float, finite: bool) -> None:
        for p, (name, parameter) in enumerate(zip(NAMES, self.parameters)):
            gradient = tensor(f"{name} {step}", 10.0 ** ((step * 7 + p * 3) % 5 - 3))
            if not finite and p == 1:
                gradient[0] = float("inf")
            parameter.grad = gradient * scale

    def set_lr(self, lr: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["scale"]


def scaler_of(**options) -> torch.amp.GradScaler:
    scaler = torch.amp.GradScaler("cpu", **options)
    scaler.scale(torch.zeros(()))  # makes its tensors
    return scaler


def adam(kind: type[torch.optim.Optimizer], **how) -> dict:
    problem = Problem(kind, **how)
    scaler = scaler_of(init_scale=1024.0, growth_interval=50)
    for step in range(1, STEPS + 1):
        problem.set_gradients(step, scaler.get_scale(), step % 97 != 13)
        problem.set_lr(1e-3 * (1 + step % 10))
        scaler.step(problem.optimizer)
        scaler.update()
    result = {"scale": scaler.get_scale()}
    for name, parameter in zip(NAMES, problem.parameters):
        state = problem.optimizer.state[parameter]
        result[name] = {"value": parameter.tolist(), "exp_avg": state["exp_avg"].tolist(), "exp_avg_sq": state["exp_avg_sq"].tolist(), "step": state["step"].item()}
    return result


def distance(a: dict, b: dict) -> float:
    """Of the parameters' scale."""
    pairs = [(x, y, max(map(abs, a[name]["value"]))) for name in NAMES for x, y in zip(a[name]["value"], b[name]["value"])]
    return max(abs(x - y) / scale for x, y, scale in pairs)


def adams() -> dict:
    result = {}
    for title, kind in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        fused = adam(kind, fused=True)
        result[title] = {**fused, "foreach": distance(fused, adam(kind, foreach=True)), "single": distance(fused, adam(kind, foreach=False))}
        print(title, "foreach", result[title]["foreach"], flush=True)
    return result


SCRIPTS = (
    ((65536.0, 2.0, 0.5, 3), "ffffffffff"),
    ((65536.0, 2.0, 0.5, 3), "iififffiffffffi"),
    ((8.0, 4.0, 0.25, 1), "fififf"),
    ((1000.0, 1.5, 0.7, 2), "ffifffiiffff"),
    ((2.0**127, 2.0, 0.5, 1), "ffif"),
)
ACTIONS = (
    ["step", "update"], ["unscale", "step", "update"], ["unscale", "unscale"], ["step", "unscale"], ["step", "step"], ["unscale", "step", "step"], ["update"],
    ["step", "update", "update"], ["step", "update", "step", "update"], ["step", "update", "unscale", "step", "update"],
)


def scaler_script(options: tuple, script: str) -> list:
    init_scale, growth_factor, backoff_factor, growth_interval = options
    problem = Problem(torch.optim.Adam, fused=True)
    scaler = scaler_of(init_scale=init_scale, growth_factor=growth_factor, backoff_factor=backoff_factor, growth_interval=growth_interval)
    result = []
    for i, kind in enumerate(script):
        problem.set_gradients(i, scaler.get_scale(), kind == "f")
        problem.set_lr(1e-3)
        if i % 2:
            scaler.unscale_(problem.optimizer)
        scaler.step(problem.optimizer)
        scaler.update()
        state = scaler.state_dict()
        result.append([state["scale"], state["_growth_tracker"], problem.optimizer.state[problem.parameters[0]]["step"].item()])
    return result


def scaler_actions(actions: list[str]) -> str | None:
    problem = Problem(torch.optim.Adam, fused=True)
    scaler = scaler_of(init_scale=2.0, growth_interval=1)
    try:
        for action in actions:
            problem.set_gradients(0, scaler.get_scale(), True)
            problem.set_lr(1e-3)
            {"unscale": lambda: scaler.unscale_(problem.optimizer), "step": lambda: scaler.step(problem.optimizer), "update": scaler.update}[action]()
    except (RuntimeError, AssertionError) as error:
        return str(error)
    return None


def scaler() -> dict:
    return {
        "entries": sorted(scaler_of().state_dict()),
        "scripts": [{"options": options, "script": script, "states": scaler_script(options, script)} for options, script in SCRIPTS],
        "actions": [{"actions": actions, "error": scaler_actions(actions)} for actions in ACTIONS],
    }
