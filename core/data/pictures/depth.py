"""Photos of more than 8 bits: what each of them holds, the bits that a dataset uses, and pixels of 8 bits made of them.

A sensor of 12 bits fills a sixteenth of a 16-bit file. What is white is therefore a matter of the dataset, the same for
all its photos, or the brightness of one against the other would be lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from core.data.pictures import dicom

FULL = 16  # bits that are taken for granted where nothing else is known
LEAST = 8
_FULL_NETPBM = (("RGB", 2**FULL - 1),)  # of a tile: how its values lie in the file, and its largest value
_SWAPPED = {"L": "B", "B": "L", "N": "B"}  # Pillow's orders of bytes; N is the machine's own, which is L here


class Depth(NamedTuple):
    """What a photo of more than 8 bits a channel holds. kind: grey, colour or float; "" for all other photos.

    low, high: its smallest and largest value; of colour, as far as its high bytes tell. remarks: of dicom.py on one of
    its pictures, of any depth, with blanks between.
    """

    kind: str = ""
    low: float = 0.0
    high: float = 0.0
    remarks: str = ""

    @property
    def bits(self) -> int:
        """The bits that its values need, LEAST to FULL; 0 for values from 0 to 1 and photos of 8 bits."""
        if not self.kind or (self.kind == "float" and self.high <= 1):
            return 0
        return min(FULL, max(LEAST, int(self.high).bit_length()))


EIGHT_BITS = Depth()


def measured(image: Image.Image, deep_colour: bool) -> Depth:
    """image: decoded. deep_colour: whether its file has 16 bits a channel, of which Pillow keeps the upper 8."""
    remarks = " ".join(image.info.get(dicom.REMARKS, ()))
    if image.mode.startswith("I"):
        values = np.asarray(image)
        return Depth("grey", float(values.min()), float(values.max()), remarks)
    if image.mode == "F":
        numbers = _numbers(image)
        return Depth("float", float(numbers.min()), float(numbers.max()))
    if deep_colour:
        high = int(np.asarray(image)[..., :3].max())
        netpbm = image.format == "PPM"  # whose values come scaled and rounded, not cut to their upper byte
        return Depth("colour", 0.0, float(max(0, 257 * high - 128) if netpbm else high << 8 | 255))
    return Depth(remarks=remarks)


def dataset_bits(depths: Sequence[Depth], chosen: int | None) -> int:
    """The bits that all photos of a dataset are scaled by: those chosen, else those that they need; 0 for none."""
    needed = max((depth.bits for depth in depths), default=0)
    return chosen if chosen and needed else needed


def scaled_by(depth: Depth, bits: int) -> int:
    """The column `bits` of one photo of a dataset: 0 where its pixels are what they are without a word on bits."""
    return bits if depth.bits and bits != (LEAST if depth.kind == "float" else FULL) else 0


def rgb(image: Image.Image, bits: int) -> np.ndarray:
    """A decoded image as _as_stored makes it; where the largest value is black (DICOM), inverted after that."""
    pixels = _as_stored(image, bits)
    return 255 - pixels if image.info.get(dicom.INVERTED) else pixels


def _as_stored(image: Image.Image, bits: int) -> np.ndarray:
    """A decoded image as uint8 (height, width, 3), transparency over white.

    bits: of which the largest value is white where the image has more than 8 bits, 0 for FULL.
    """
    if image.mode.startswith("I"):  # 16-bit grey, also where Pillow holds it in 32 bits
        return _grey(_to_8_bits(np.asarray(image), bits))
    if image.mode == "F":  # 0..1 is the convention of float images
        numbers = _numbers(image)
        white = 1 if numbers.max() <= 1 else 2 ** (bits or LEAST) - 1
        return _grey(np.clip(np.rint(numbers * (255 / white)), 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        photo = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _grey(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[:, :, None], 3, axis=2)


def _numbers(image: Image.Image) -> np.ndarray:
    return np.nan_to_num(np.asarray(image), nan=0.0, posinf=0.0, neginf=0.0)


def _to_8_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """Whole numbers of any shape -> uint8: 0 is black, 2**bits - 1 is white, rounded; what lies beyond is cut."""
    white = 2 ** (bits or FULL) - 1
    return _table(white)[np.clip(values, 0, white)]


@lru_cache(maxsize=16)
def _table(white: int) -> np.ndarray:
    return ((np.arange(white + 1, dtype=np.int64) * 255 + white // 2) // white).astype(np.uint8)


def is_deep_colour(image: ImageFile) -> bool:
    """Whether a file that was opened, and not yet decoded, has 16 bits in each of several channels."""
    return image.mode in ("RGB", "RGBA") and (_raw_mode(image)[:-1].endswith(";16") or _is_deep_netpbm(image))


def _is_deep_netpbm(image: ImageFile) -> bool:
    """Whether its header says 65,535, the largest value of a file; one that says less says how deep it is itself."""
    return image.format == "PPM" and any(tile.args in _FULL_NETPBM for tile in image.tile)


def _raw_mode(image: ImageFile) -> str:
    """How the values lie in the file, by Pillow's name: RGB;16B is the upper byte first."""
    if not image.tile:
        return ""
    given = image.tile[0].args
    first = given[0] if isinstance(given, tuple) and given else given
    return first if isinstance(first, str) else ""


def scaled_colour(image: ImageFile, upper: Image.Image, bits: int) -> Image.Image:
    """An image of is_deep_colour, not yet decoded -> scaled by `bits`. upper: the same, as Pillow decodes it."""
    if not _is_deep_netpbm(image):
        return _of_two_bytes(upper, _lower_bytes(image), bits)
    image.tile = [tile._replace(args=("RGB", 2**bits - 1)) for tile in image.tile]
    image.load()
    return image


def _lower_bytes(image: ImageFile) -> Image.Image:
    """The lower byte of each value, where Pillow takes the upper one."""
    raw = _raw_mode(image)
    is_grey = raw.startswith("LA")  # of which Pillow knows one order alone: all four bytes are taken, as if for colours
    swapped = "RGBA" if is_grey else raw[:-1] + _SWAPPED[raw[-1]]
    image.tile = [
        tile._replace(args=(swapped, *tile.args[1:]) if isinstance(tile.args, tuple) else swapped)
        for tile in image.tile
    ]
    image.load()
    return Image.merge("RGBA", [image.getchannel(band) for band in (1, 1, 1, 3)]) if is_grey else image


def _of_two_bytes(upper: Image.Image, lower: Image.Image, bits: int) -> Image.Image:
    """Colour of 16 bits scaled by `bits`. An alpha channel that uses more of them than that is scaled by FULL."""
    values = np.asarray(upper).astype(np.uint16) << 8 | np.asarray(lower)
    pixels = _to_8_bits(values, bits)
    if upper.mode == "RGBA" and values[..., -1].max() >> bits:
        pixels[..., -1] = _to_8_bits(values[..., -1], FULL)
    return Image.fromarray(pixels)
