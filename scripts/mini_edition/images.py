"""Image classification: photographs, whole, cropped or mirrored, and then drawings."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from . import drawings
from .downloads import SCIKIT_IMAGE, SCIKIT_LEARN, STDLIB, Unpacked
from .edition import Samples, Source, row
from .texts import STDLIB_LICENCE, STDLIB_NOTICE

TASK = "image-classification"
SHORT_SIDE = (320, 400)
NOTE = "Scaled to 320-400 pixels on the short side, JPEG quality 85. Targets set by eye."
SCIKIT_CC0 = Source(
    "scikit-image images (CC0)",
    f"{SCIKIT_IMAGE}, skimage/data",
    "CC0-1.0",
    "scikit-image.txt",
    f"{NOTE} chelsea, coffee and camera serve three times each: whole, mirrored and cropped. horse is a silhouette, "
    "not a photograph.",
)
SCIKIT_FREE = Source(
    "scikit-image images (public domain)",
    f"{SCIKIT_IMAGE}, skimage/data",
    "LicenseRef-public-domain",
    "scikit-image.txt",
    f"{NOTE} shuttle is a crop of astronaut.",
)
GETTY = Source(
    "Getty Open Content (stdlib)",
    f"{STDLIB}, img-*/data/image.jpg",
    STDLIB_LICENCE,
    STDLIB_NOTICE,
    f"{NOTE} airplane serves twice (whole, mirrored), alps three times (whole, two crops). Nudes and photographers who "
    "died after 1936 are left out.",
)
FLICKR = Source(
    "scikit-learn photographs",
    f"{SCIKIT_LEARN}, sklearn/datasets/images",
    "CC-BY-2.0",
    "scikit-learn-CC-BY-2.0.txt",
    f"{NOTE} china.jpg by danielbuechele, flower.jpg by vultilion.",
)


@dataclass(frozen=True)
class Photograph:
    """One row. ``target``: ImageNet-1k classes, None where none is honestly right."""

    id: str
    source: Source
    file: str
    target: list[int] | int | None
    box: tuple[float, float, float, float] | None = None
    """What is kept: left, upper, right, lower as parts of the whole."""
    mirror: bool = False


CAT = [281, 282, 285]  # tabby, tiger cat, Egyptian cat
COFFEE = [504, 967, 968]  # coffee mug, espresso, cup
CANYON = [972, 975, 979]  # cliff, lakeside, valley
PHOTOGRAPHS = (
    Photograph("chelsea", SCIKIT_CC0, "chelsea.png", CAT),
    Photograph("chelsea-mirrored", SCIKIT_CC0, "chelsea.png", CAT, mirror=True),
    Photograph("chelsea-face", SCIKIT_CC0, "chelsea.png", CAT, box=(0.08, 0.0, 0.86, 1.0)),
    Photograph("coffee", SCIKIT_CC0, "coffee.png", COFFEE),
    Photograph("coffee-mirrored", SCIKIT_CC0, "coffee.png", COFFEE, mirror=True),
    Photograph("coffee-close", SCIKIT_CC0, "coffee.png", COFFEE, box=(0.1, 0.02, 0.84, 0.96)),
    Photograph("camera", SCIKIT_CC0, "camera.png", 872),
    Photograph("camera-mirrored", SCIKIT_CC0, "camera.png", 872, mirror=True),
    Photograph("camera-tripod", SCIKIT_CC0, "camera.png", 872, box=(0.36, 0.2, 0.92, 1.0)),
    Photograph("brick", SCIKIT_CC0, "brick.png", None),
    Photograph("grass", SCIKIT_CC0, "grass.png", None),
    Photograph("gravel", SCIKIT_CC0, "gravel.png", None),
    Photograph("cell", SCIKIT_CC0, "cell.png", None),
    Photograph("retina", SCIKIT_CC0, "retina.jpg", None),
    Photograph("horse", SCIKIT_CC0, "horse.png", None),
    Photograph("astronaut", SCIKIT_FREE, "astronaut.png", None),
    Photograph("shuttle", SCIKIT_FREE, "astronaut.png", 812, box=(0.67, 0.0, 0.97, 0.56)),
    Photograph("rocket", SCIKIT_FREE, "rocket.jpg", None),
    Photograph("hubble", SCIKIT_FREE, "hubble_deep_field.jpg", None),
    Photograph("text", SCIKIT_FREE, "text.png", None),
    Photograph("acanthus", GETTY, "img-acanthus-mollis", None),
    Photograph("allium", GETTY, "img-allium-oreophilum", None),
    Photograph("airplane", GETTY, "img-airplane-from-above", 895),
    Photograph("airplane-mirrored", GETTY, "img-airplane-from-above", 895, mirror=True),
    Photograph("canyon", GETTY, "img-black-canyon", CANYON),
    Photograph("alps", GETTY, "img-french-alpine-landscape", 970),
    Photograph("alps-left", GETTY, "img-french-alpine-landscape", 970, box=(0.0, 0.0, 0.55, 1.0)),
    Photograph("alps-right", GETTY, "img-french-alpine-landscape", 970, box=(0.42, 0.0, 0.97, 1.0)),
    Photograph("cat-motion", GETTY, "img-locomotion-house-cat", None),
    Photograph("pastoral", GETTY, "img-march-pastoral", None),
    Photograph("boats", GETTY, "img-nagasaki-boats", None),
    Photograph("pavilion", FLICKR, "china.jpg", None),
    Photograph("dahlia", FLICKR, "flower.jpg", None),
)


def samples(packages: Unpacked) -> Samples:
    """The rows and their JPEG files."""
    folders = {
        SCIKIT_CC0: packages[SCIKIT_IMAGE] / "skimage/data",
        SCIKIT_FREE: packages[SCIKIT_IMAGE] / "skimage/data",
        GETTY: packages[STDLIB] / "package",
        FLICKR: packages[SCIKIT_LEARN] / "sklearn/datasets/images",
    }
    rows, files = [], {}
    for item in PHOTOGRAPHS:
        path = f"{TASK}/photo-{item.id}.jpg"
        files[path] = jpeg(_scaled(_cut(_opened(folders[item.source] / item.file), item)))
        rows.append(row(f"photo-{item.id}", item.source.name, item.target, image=path))
    for name, target, image in drawings.drawings():
        path = f"{TASK}/drawing-{name}.jpg"
        files[path] = jpeg(image)
        rows.append(row(f"drawing-{name}", drawings.SOURCE.name, target, image=path))
    return Samples(TASK, (*folders, drawings.SOURCE), rows, files)


def _opened(path: Path) -> Image.Image:
    image: Image.Image = Image.open(path / "data/image.jpg" if path.is_dir() else path)
    if image.mode == "RGBA":
        # Transparent parts are white, as scikit-image itself shows them.
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _cut(image: Image.Image, item: Photograph) -> Image.Image:
    if item.box:
        left, upper, right, lower = item.box
        image = image.crop((left * image.width, upper * image.height, right * image.width, lower * image.height))
    return ImageOps.mirror(image) if item.mirror else image


def _scaled(image: Image.Image) -> Image.Image:
    short = min(image.size)
    wanted = min(max(short, SHORT_SIDE[0]), SHORT_SIDE[1])
    size = (round(image.width * wanted / short), round(image.height * wanted / short))
    return image.resize(size, Image.Resampling.LANCZOS)


def jpeg(image: Image.Image) -> bytes:
    """As the edition keeps pictures."""
    file = BytesIO()
    image.save(file, "JPEG", quality=85, optimize=True)
    return file.getvalue()
