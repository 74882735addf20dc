"""The notebook's recipe in PyTorch: W. Jarrard, "A Look at Transfer Learning in Pytorch" (2022-07-12), written anew.

    python bench/notebook.py DATA [--val FOLDER] [--model NAME] [--weights FILE] [--epochs N] [--steps N] ...

DATA is a folder with a folder for each class, or one with train/ and val/ of those inside, which are merged. It prints a
JSON object a line: `split`, then `sanity`, `step` and `epoch` as training goes. Random numbers: `torch.manual_seed(seed)`
directly before the head is made, `torch.manual_seed(seed + epoch)` before each epoch, and no loader processes unless asked for.

It takes torch 2.13, torchvision 0.28, numpy, Pillow, and safetensors for such weights.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "test" / "parity"))
from generator.torchvision_without_cuda import torchvision  # noqa: E402
from torchvision.transforms import functional  # noqa: E402
from torchvision import transforms  # noqa: E402

SPLIT_SEED = 1999
EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
PRINTED = ([0.4407, 0.4332, 0.4326], [0.2520, 0.2610, 0.2906])


class PadImage:
    """Black on both sides of the shorter side, half the difference each, rounded down."""

    def __call__(self, image):
        width, height = functional.get_image_size(image)
        if width > height:
            return functional.pad(image, [0, (width - height) // 2])
        return functional.pad(image, [(height - width) // 2, 0])


class Images(torch.utils.data.Dataset):
    """Files with labels, as ImageFolder loads them."""

    def __init__(self, items, transform):
        self.items, self.transform = items, transform

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        path, label = self.items[index]
        with open(path, "rb") as file:
            return self.transform(Image.open(file).convert("RGB")), label


def resize(size):
    return transforms.Resize((size, size), antialias=False)  # torchvision's default on tensors in 2022


def train_transform(size, mean, std):
    jitter, affine = transforms.ColorJitter(brightness=0.01), transforms.RandomAffine(degrees=10, shear=45)
    return transforms.Compose([transforms.ToTensor(), PadImage(), resize(size), jitter, affine, transforms.Normalize(mean, std)])


def eval_transform(size, mean, std):
    return transforms.Compose([transforms.ToTensor(), PadImage(), resize(size), transforms.Normalize(mean, std)])


def list_images(folders):
    """(file, label) of all images, those of one class together in ImageFolder's order, and the classes."""
    classes = sorted({entry.name for folder in folders for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")})
    items = []
    for label, name in enumerate(classes):
        found = []
        for folder in folders:
            for path in (folder / name).rglob("*"):
                if path.suffix.lower() in EXTENSIONS and path.is_file():
                    inside = path.parent.relative_to(folder / name).as_posix()
                    found.append(("" if inside == "." else inside, path.name, str(folder), path))
        items += [(str(path), label) for *_, path in sorted(found)]
    return items, classes


def shuffled(items):
    indices = list(range(len(items)))
    np.random.seed(SPLIT_SEED)
    np.random.shuffle(indices)
    return indices


def split_images(data, val, train_size=0.85):
    data = pathlib.Path(data)
    merged = [data / "train", data / "val"] if (data / "train").is_dir() and (data / "val").is_dir() else [data]
    if val is not None:
        items, classes = list_images(merged[:1])
        scored, _ = list_images([pathlib.Path(val)])
        indices = shuffled(items)
        return [items[i] for i in indices], [scored[i] for i in shuffled(scored)], classes, indices
    items, classes = list_images(merged)
    indices = shuffled(items)
    count = int(np.floor(train_size * len(items)))
    return [items[i] for i in indices[:count]], [items[i] for i in indices[count:]], classes, indices


def mean_and_std(items, size, batch_size):
    """The notebook's getMeanStd: over squashed images of the training side, means over batches."""
    squashed = transforms.Compose([transforms.ToTensor(), resize(size)])
    loader = torch.utils.data.DataLoader(Images(items, squashed), batch_size=batch_size, drop_last=True)
    total, squares = 0, 0
    for images, _ in loader:
        total = total + images.mean(dim=[0, 2, 3])
        squares = squares + (images**2).mean(dim=[0, 2, 3])
    mean = total / len(loader)
    return mean, (squares / len(loader) - mean**2) ** 0.5


def load_model(name, weights, classes, seed):
    """A pretrained model with a new head for `classes`."""
    model = torchvision.models.get_model(name, weights=None)
    if weights is not None:
        if weights.endswith(".safetensors"):
            from safetensors.torch import load_file

            state = load_file(weights)
        else:
            state = torch.load(weights, weights_only=True)
        state = {key: value for key, value in state.items() if not key.startswith("fc.")}
        missing, unexpected = model.load_state_dict(state, strict=False)
        assert not unexpected and set(missing) <= {"fc.weight", "fc.bias"}, (missing, unexpected)
    torch.manual_seed(seed)
    model.fc = torch.nn.Linear(model.fc.in_features, len(classes))
    return model


def sanity_check(model, loader, device, steps):
    """One batch, many steps, on the same model."""
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-4, weight_decay=0.001)
    criterion = torch.nn.CrossEntropyLoss()
    images, labels = next(iter(loader))
    images, labels = images.to(device), labels.to(device)
    for step in range(steps):
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield step, loss.item()


def train_one_epoch(loader, model, optimizer, loss_fn, scaler, device):
    """Gives each step's loss."""
    enabled = device.type == "cuda"
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        with torch.autocast(device.type, dtype=torch.float16, enabled=enabled):
            loss = loss_fn(model(images), labels)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        yield loss.item()


@torch.no_grad()
def score(loader, model, loss_fn, device):
    """Mean of the batches' losses, and how many were right."""
    model.eval()
    losses, correct, count = [], 0, 0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        scores = model(images)
        losses.append(loss_fn(scores, labels).item())
        correct += (scores.argmax(1) == labels).sum().item()
        count += len(labels)
    model.train()
    return sum(losses) / len(losses), correct, count


def tell(**event):
    print(json.dumps(event), flush=True)


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--val", help="a folder of its own for the validation side")
    parser.add_argument("--model", default="regnet_y_16gf")
    parser.add_argument("--weights", help=".pth or .safetensors; none trains from scratch")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--steps", type=int, help="stop after so many training steps")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--lr", type=float, default=0.001)
    parser.add_argument("--patience", type=int, default=3)
    parser.add_argument("--mean-std", default="data", choices=["data", "notebook", "imagenet"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sanity-steps", type=int, default=0)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--output", help="where best_model.pth goes; nowhere unless named")
    return parser.parse_args(arguments)


def main(options):
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train_items, val_items, classes, indices = split_images(options.data, options.val)
    known = {"notebook": PRINTED, "imagenet": IMAGENET}
    mean, std = known[options.mean_std] if options.mean_std in known else mean_and_std(train_items, options.size, options.batch_size)
    tell(type="split", train=len(train_items), val=len(val_items), classes=classes, first=indices[:20], mean=torch.as_tensor(mean).tolist(), std=torch.as_tensor(std).tolist())

    common = {"batch_size": options.batch_size, "num_workers": options.workers, "drop_last": True}
    train_loader = torch.utils.data.DataLoader(Images(train_items, train_transform(options.size, mean, std)), **common)
    val_loader = torch.utils.data.DataLoader(Images(val_items, eval_transform(options.size, mean, std)), **common)
    model = load_model(options.model, options.weights, classes, options.seed).to(device)
    for step, loss in sanity_check(model, train_loader, device, options.sanity_steps):
        tell(type="sanity", step=step, loss=loss)

    loss_fn = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=options.lr)
    scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")
    best, waited, steps = float("inf"), 0, 0
    for epoch in range(options.epochs):
        torch.manual_seed(options.seed + epoch)
        began = time.perf_counter()
        for loss in train_one_epoch(train_loader, model, optimizer, loss_fn, scaler, device):
            steps += 1
            tell(type="step", epoch=epoch + 1, step=steps, loss=loss, seconds=time.perf_counter() - began)
            if steps == options.steps:
                return
        loss, correct, count = score(val_loader, model, loss_fn, device)
        improved = loss < best
        tell(type="epoch", epoch=epoch + 1, loss=loss, correct=correct, count=count, improved=improved, seconds=time.perf_counter() - began)
        best, waited = (loss, 0) if improved else (best, waited + 1)
        if improved and options.output:
            torch.save({"state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}, options.output)
        if waited >= options.patience:
            return


if __name__ == "__main__":
    main(parse())
