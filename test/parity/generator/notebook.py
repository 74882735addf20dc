"""What the notebook's recipe draws and computes, by torchvision itself: bench/notebook.py is its code."""

import importlib.util
import pathlib
import struct
import zlib

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from .torchvision_without_cuda import torchvision
from torchvision import transforms
from torchvision.transforms import InterpolationMode, functional

ROOT = pathlib.Path(__file__).parents[3]
FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"
SIZE = 24
# angle, shear, brightness
PLANS = {"turned": (7.25, 0.0, 1.0), "sheared": (-3.5, 38.0, 0.9925), "other way": (9.5, -44.0, 1.0075)}


def load_notebook():
    spec = importlib.util.spec_from_file_location("notebook", ROOT / "bench" / "notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def numbers() -> dict:
    """The split, the draws of two epochs, and a head."""
    notebook = load_notebook()
    return {
        "shuffles": {n: notebook.shuffled(range(n)) for n in (1, 2, 3, 20, 769, 1025)},
        "randperm": {seed: torch.randperm(10, generator=torch.Generator().manual_seed(seed)).tolist() for seed in (0, 1999, 2**32 + 5)},
        "draws": {seed: [draws(seed, epoch) for epoch in (0, 1, 3)] for seed in (1, 1999)},
        "head": head(440, 20, 7),
    }


def draws(seed: int, epoch: int) -> list:
    """(brightness, angle, shear) of an epoch's first pictures, as a DataLoader has them drawn."""
    drawn = []

    class Recorder(torch.utils.data.Dataset):
        jitter, affine = transforms.ColorJitter(brightness=0.01), transforms.RandomAffine(degrees=10, shear=45)

        def __len__(self):
            return 130

        def __getitem__(self, index):
            brightness = self.jitter.get_params(self.jitter.brightness, None, None, None)[1]
            angle, _, _, (shear, _) = self.affine.get_params(self.affine.degrees, None, None, self.affine.shear, [SIZE, SIZE])
            drawn.append([brightness, angle, shear])
            return index

    loader = torch.utils.data.DataLoader(Recorder(), batch_size=64, num_workers=0, drop_last=True)
    torch.manual_seed(seed + epoch)
    for _ in loader:
        pass
    return [drawn[i] for i in (0, 1, 2, 63, 64, 127)]


def head(inputs: int, outputs: int, seed: int) -> dict:
    torch.manual_seed(seed)
    layer = torch.nn.Linear(inputs, outputs)
    flat = layer.weight.detach().flatten()
    return {"weight": flat[:8].tolist() + flat[-8:].tolist(), "bias": layer.bias.tolist(), "after": torch.rand(4).tolist(), "sum": flat.double().sum().item()}


def pictures() -> dict:
    """Makes small picture files of every kind, and what the notebook's transforms make of each."""
    folder = FIXTURES / "images"
    folder.mkdir(parents=True, exist_ok=True)
    make_files(folder)
    resize = transforms.Resize((SIZE, SIZE), antialias=False)
    pad = load_notebook().PadImage()
    tensors = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            image = transforms.ToTensor()(Image.open(file).convert("RGB"))
        plain = resize(pad(image))
        tensors[f"{path.name}/plain"] = plain
        tensors[f"{path.name}/squashed"] = resize(image)
        for name, (angle, shear, brightness) in PLANS.items():
            bright = functional.adjust_brightness(plain, brightness)
            tensors[f"{path.name}/{name}"] = functional.affine(bright, angle, [0, 0], 1.0, [shear, 0.0], interpolation=InterpolationMode.NEAREST, fill=[0.0])
    save_file({name: tensor.permute(1, 2, 0).contiguous() for name, tensor in tensors.items()}, FIXTURES / "images.safetensors")
    return {"size": SIZE, "plans": {name: dict(zip(("angle", "shear", "brightness"), plan)) for name, plan in PLANS.items()}, "files": [path.name for path in sorted(folder.iterdir())]}


def make_files(folder: pathlib.Path) -> None:
    def rgb(width: int, height: int, seed: int = 0) -> Image.Image:
        """Soft hills of colour with some noise."""
        y, x = np.mgrid[0:height, 0:width]
        random = np.random.RandomState(seed + 31 * width + height)
        hills = [127 + 100 * np.sin(x / (3 + c) + seed) * np.cos(y / (4 + c)) for c in range(3)]
        return Image.fromarray(np.clip(np.stack(hills, -1) + random.randint(-20, 20, (height, width, 3)), 0, 255).astype(np.uint8))

    rgb(41, 30).save(folder / "landscape.jpg", quality=90)
    rgb(30, 47).save(folder / "portrait.jpg", quality=85, progressive=True)
    rgb(33, 33).save(folder / "square-444.jpg", quality=95, subsampling=0)
    rgb(1, 1).save(folder / "one-pixel.png")
    rgb(2, 9).save(folder / "thin.png")
    rgb(31, 20).convert("L").save(folder / "grey.jpg", quality=90)
    rgb(29, 22).convert("CMYK").save(folder / "cmyk.jpg", quality=90)
    rgb(22, 27).convert("CMYK").save(folder / "cmyk.tif")
    rgb(25, 25).convert("1").save(folder / "one-bit.png")
    rgb(27, 18).convert("P", palette=Image.Palette.ADAPTIVE, colors=17).save(folder / "palette.png", transparency=3)
    alpha = Image.fromarray(np.random.RandomState(1).randint(0, 256, (26, 19), dtype=np.uint8))
    opaque = rgb(19, 26)
    opaque.putalpha(alpha)
    opaque.save(folder / "alpha.png")
    opaque.save(folder / "alpha.webp", lossless=True, exact=True)
    opaque.convert("LA").save(folder / "grey-alpha.png")
    rgb(36, 25).save(folder / "lossy.webp", quality=80)
    rgb(21, 34).save(folder / "rgb.tiff")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by the camera, which the notebook does not look at
    rgb(40, 24).save(folder / "exif.jpg", quality=90, exif=exif)
    # ... but in a TIFF, which Pillow turns as it loads it
    rgb(38, 23).save(folder / "turned.tif", tiffinfo={0x0112: 6})
    rgb(37, 21).convert("L").save(folder / "turned-grey.tif", tiffinfo={0x0112: 7}, compression="tiff_lzw")
    deep = np.random.RandomState(2).randint(0, 65536, (17, 23, 3))
    deep[:, :9] //= 256
    (folder / "grey-16.png").write_bytes(png_16(deep[:, :, :1], colour=0))
    (folder / "rgb-16.png").write_bytes(png_16(deep, colour=2))
    (folder / "grey-16-key.png").write_bytes(png_16(deep[:, :, :1], colour=0, transparent=deep[3, 3, :1]))
    (folder / "rgb-16-key.png").write_bytes(png_16(deep, colour=2, transparent=deep[3, 3]))


def png_16(samples: np.ndarray, colour: int, transparent: np.ndarray | None = None) -> bytes:
    """A PNG of 16 bits a sample, which Pillow does not write; with a colour that is transparent, if asked for."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    key = b"" if transparent is None else chunk(b"tRNS", transparent.astype(">u2").tobytes())
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)) + key + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


__all__ = ["numbers", "pictures", "torchvision"]
