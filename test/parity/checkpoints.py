"""Writes small checkpoints with one thing of each kind beside the weights, as people save them, into a folder.

Prints, as JSON, for each file whether `torch.load(weights_only=True)` takes it.

    python checkpoints.py FOLDER
"""

import argparse
import collections
import datetime
import fractions
import json
import pathlib
import sys
import warnings

import numpy
import torch

warnings.filterwarnings("ignore")
folder = pathlib.Path(sys.argv[1])


class Configuration:
    def __init__(self):
        self.lr = 0.1


def with_attribute(tensor):
    tensor.note = "x"
    return tensor


def ordered_with_attributes():
    values = collections.OrderedDict(a=1)
    values.note = "x"
    return values


def milestones():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5, 5]).state_dict()


def shared():
    part = ["x", "y"]
    return {"a": part, "b": part, "c": (part, part)}


def circle():
    items = []
    items.append(items)
    return items


KINDS = [torch.float64, torch.float16, torch.bfloat16, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
NEWER_KINDS = [torch.float8_e5m2, torch.uint16, torch.uint32]
THINGS = {
    "nothing": lambda: None,
    "numbers": lambda: [0, -1, 255, 65_535, 2**31, -(2**40), 2**53 + 1, 2**127, 2**128 - 1, 2**2000, 0.5, True, False],
    "texts": lambda: ["", "a", "ü", "\U0001f33b", "\ufeffmark", "x" * 70_000],
    "nested": lambda: {"a": [{"b": ((1, 2, 3, 4), [], {}, ())}]},
    "shared parts": shared,
    "a list that holds itself": circle,
    "a state of numpy's generator": lambda: numpy.random.default_rng(1).bit_generator.state,
    "a state of Python's generator": lambda: __import__("random").Random(1).getstate(),
    "a state of PyTorch's generator": torch.get_rng_state,
    "keys that are numbers": lambda: {0: "a", 1.5: "b", 2**70: "c"},
    "a key that is a tuple": lambda: {(1, "a"): 1},
    "keys that are None and booleans": lambda: {None: 1, True: 2},
    "an ordered dict": lambda: collections.OrderedDict(a=1),
    "an ordered dict with attributes": ordered_with_attributes,
    "a counter": lambda: collections.Counter("aab"),
    "an empty counter": collections.Counter,
    "milestones of a schedule": milestones,
    "a size": lambda: torch.Size([1, 2]),
    "a size of a scalar": lambda: torch.Size([]),
    "a device": lambda: torch.device("cpu"),
    "a device with a number": lambda: torch.device("cuda", 1),
    "dtypes": lambda: [torch.float32, torch.bfloat16, torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn, torch.uint16],
    "a layout": lambda: torch.strided,
    "a memory format": lambda: torch.channels_last,
    "a set": lambda: {1, 2},
    "an empty set": set,
    "a frozenset": lambda: frozenset({1}),
    "bytes": lambda: b"abc\xff",
    "no bytes": lambda: b"",
    "a bytearray": lambda: bytearray(b"abc"),
    "an empty bytearray": bytearray,
    "a complex number": lambda: 1 + 2j,
    "a range": lambda: range(3),
    "a slice": lambda: slice(1, 2),
    "a default dict": lambda: collections.defaultdict(list, a=[1]),
    "a deque": lambda: collections.deque([1]),
    "a fraction": lambda: fractions.Fraction(1, 2),
    "a date": lambda: datetime.date(2020, 1, 1),
    "a path": lambda: pathlib.PurePosixPath("a"),
    "a function": lambda: print,
    "a class": lambda: Configuration,
    "an object": Configuration,
    "a namespace": lambda: argparse.Namespace(lr=0.1),
    "a number of numpy": lambda: numpy.float64(0.5),
    "an array of numpy": lambda: numpy.zeros(2),
    "a dtype of numpy": lambda: numpy.dtype("float32"),
    "a module": lambda: torch.nn.Linear(2, 2),
    "a parameter": lambda: torch.nn.Parameter(torch.ones(2)),
    "a parameter with an attribute": lambda: with_attribute(torch.nn.Parameter(torch.ones(2))),
    "a tensor with an attribute": lambda: with_attribute(torch.ones(2)),
    "a buffer": lambda: torch.nn.Buffer(torch.ones(2)),
    "a scalar": lambda: torch.tensor(1.0),
    "no elements": lambda: torch.zeros(0, 3),
    "a view": lambda: torch.arange(12.0).reshape(3, 4).t()[1:, ::2],
    "an expanded tensor": lambda: torch.ones(1, 4).expand(3, 4),
    "numbers of every kind": lambda: [torch.ones(2, dtype=kind) for kind in KINDS],
    "complex tensors": lambda: [torch.ones(2, dtype=torch.complex64), torch.ones(2, dtype=torch.complex128).conj()],
    "newer kinds of numbers": lambda: [torch.ones(2).to(kind) for kind in NEWER_KINDS],
    "a sparse tensor": lambda: torch.eye(3).to_sparse(),
    "a tensor in compressed rows": lambda: torch.eye(3).to_sparse_csr(),
    "a quantized tensor": lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
    "a tensor quantized by channel": lambda: torch.quantize_per_channel(
        torch.ones(2, 2), torch.tensor([0.1, 0.2]), torch.tensor([0, 0]), 0, torch.quint8
    ),
    "a tensor without data": lambda: torch.ones(2, device="meta"),
    "a storage": lambda: torch.ones(2).untyped_storage(),
    "a typed storage": lambda: torch.FloatStorage([1.0]),
    "a type of tensors": lambda: torch.FloatTensor,
    "a generator": lambda: torch.Generator(),
    "a state of a scaler": lambda: torch.amp.GradScaler("cpu").state_dict(),
    "a state of AdamW": lambda: torch.optim.AdamW([torch.nn.Parameter(torch.zeros(2))]).state_dict(),
}
WAYS = {
    "": {},
    ", in the old format": {"_use_new_zipfile_serialization": False},
    ", by protocol 3": {"pickle_protocol": 3},
    ", by protocol 4": {"pickle_protocol": 4},
}

ALWAYS = 2  # ways that everything is saved in; the others are for what they may change
CHANGED = {
    "nothing", "numbers", "texts", "nested", "bytes", "no bytes", "a bytearray", "a set", "an empty set", "a frozenset", "a counter",
    "an object", "a parameter",
}

taken = {}
for name, make in THINGS.items():
    for way, options in list(WAYS.items())[: None if name in CHANGED else ALWAYS]:
        path = folder / f"{len(taken)}.pth"
        model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2)).state_dict()
        try:
            torch.save({"state_dict": model, "thing": make()}, path, **options)
        except Exception:  # what cannot be saved in this way cannot be met
            continue
        try:
            torch.load(path, weights_only=True)
            accepted = True
        except Exception:
            accepted = False
        taken[path.name] = {"name": name + way, "taken": accepted}
print(json.dumps(taken))
