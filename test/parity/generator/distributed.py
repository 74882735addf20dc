"""Training steps of DistributedDataParallel: several ranks on the CPU, by Gloo, each with its share of one batch."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import torch
import torch.distributed as dist

from .formula import CLASSES, build, pictures
from .training import WATCHED, optimizer_for, spread

COUNT, SIZE, STEPS = 16, 64, 4

# As test/parity/distributed.test.ts has them.
CASES = {
    "frozen running statistics": {"frozen": True},
    "batch statistics of each rank": {},
}


def run(name: str, memory_format, *, frozen=False) -> dict:
    """This process's part, as rank RANK of WORLD_SIZE."""
    rank, ranks = dist.get_rank(), dist.get_world_size()
    torch.set_num_threads(1)
    model = build(name).train().to(memory_format=memory_format)
    if frozen:
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
    parallel = torch.nn.parallel.DistributedDataParallel(model)
    optimizer = optimizer_for(model)
    share = COUNT // ranks
    images = pictures(COUNT, SIZE)[rank * share : (rank + 1) * share].contiguous(memory_format=memory_format)
    labels = (torch.arange(COUNT) % CLASSES)[rank * share : (rank + 1) * share]
    losses = []
    for _ in range(STEPS):
        loss = torch.nn.functional.cross_entropy(parallel(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mean = loss.detach().double() / ranks
        dist.all_reduce(mean)
        losses.append(mean.item())
    state = model.state_dict()
    return {"losses": losses, "state": {key: state[key].contiguous().flatten()[:24].tolist() for key in WATCHED}}


def ranks(name: str, count: int, **env: str) -> dict[str, list[dict]]:
    """All cases in two memory layouts, as rank 0 has them after its steps: the buffers that the others follow are rank 0's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "generator.distributed", name]
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count), "GLOO_SOCKET_IFNAME": "lo"}
    folder = pathlib.Path(__file__).parent.parent
    envs = [{**os.environ, **env, **meeting, "RANK": str(rank)} for rank in range(count)]
    children = [subprocess.Popen(command, env=each, cwd=folder, stdout=subprocess.PIPE, text=True) for each in envs]
    outputs = [child.communicate()[0] for child in children]
    if any(child.returncode for child in children):
        raise RuntimeError("a rank failed")
    return json.loads(outputs[0])


def cases(name: str) -> dict:
    result = {}
    for count in (2, 4):
        here = ranks(name, count)
        elsewhere = ranks(name, count, ATEN_CPU_CAPABILITY="avx2", ONEDNN_MAX_CPU_ISA="AVX2")
        result[str(count)] = {title: {**runs[0], "spread": spread([*runs, *elsewhere[title]])} for title, runs in here.items()}
    return result


if __name__ == "__main__":
    dist.init_process_group("gloo")
    layouts = (torch.channels_last, torch.contiguous_format)
    print(json.dumps({title: [run(sys.argv[1], layout, **options) for layout in layouts] for title, options in CASES.items()}))
