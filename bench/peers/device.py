"""The device that a peer computes on, as bench/notebook.py takes it: the GPU that CUDA_VISIBLE_DEVICES shows, or the CPU."""

import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
ON_GPU = DEVICE.type == "cuda"


def wait():
    """Until the device has done all that it was asked for: before a clock is read."""
    if ON_GPU:
        torch.cuda.synchronize()


def upload(tensor):
    return tensor.pin_memory().to(DEVICE, non_blocking=True) if ON_GPU else tensor
