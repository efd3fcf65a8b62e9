"""The one way to decode an image: training, preview, Grad-CAM and prediction see the same pixels."""

import importlib
import io
import re
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import (
    AvifImagePlugin,  # noqa: F401  importing a plugin registers its format
    BmpImagePlugin,  # noqa: F401
    ExifTags,
    GifImagePlugin,  # noqa: F401
    Image,
    ImageChops,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,  # noqa: F401
    PpmImagePlugin,  # noqa: F401
    TiffImagePlugin,
    WebPImagePlugin,  # noqa: F401
)

from core.data.pictures import depth, dicom
from core.data.pictures.decoders import HEIC_REMEDY
from core.data.pictures.depth import Depth
from core.data.pictures.limit import check_size
from core.data.reach.opening import NOT_ALLOWED, has_file, open_file
from core.errors import LabError

MAX_PIXELS = 64_000_000  # that a JPEG is decoded to; a larger one comes at a half, a quarter or an eighth of its size
AT_ONCE = 1 << 24  # bytes
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "PPM")
HEIC_SUFFIXES = (".heic", ".heif")
# What a folder scan takes for an image. HEIC needs a package more, and is reported rather than overlooked without it;
# DICOM is told in one line for all of a folder then.
SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"}
SUFFIXES |= {".ppm", ".pgm", ".pbm", ".pnm", *HEIC_SUFFIXES}
SUFFIXES |= {*dicom.SUFFIXES} if dicom.is_installed() else set()
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
LOST = 0.01  # share of a JPEG's pixels that may hang on what is missing behind its end
DEEP_COLOUR = "deep-colour"  # in the info of an image whose file has 16 bits in each of several channels
NO_END = "no-end"  # the kind of fault of a photo that can be read all the same
OTHER_END = bytes(range(1, 255)) * 8  # pixel data that a JPEG may go on with, as good as any
REPLACE = "Replace the file by a good copy, or leave it out."
CONVERT = "Convert it to JPEG or PNG, or leave it out."
# What Pillow says of whole files of kinds that it does not know: many bands or floats in a TIFF, a JPEG of 12 bits.
_OF_OTHER_KINDS = re.compile(
    r"samples per pixel|unknown (data organization|pixel mode)|cannot handle \d+-|Unsupported BMP|decoder .* not availa"
)


def load_image(path: str | Path, bits: int) -> np.ndarray:
    """The photo as RGB, shape (height, width, 3), uint8, upright. A photo of a dataset is asked for its own pixels
    instead (pictures/photo.py), which knows the bits.

    bits: that a dataset's photos of more than 8 bits use, the same for all of them; 0 for what is usual (16).
    EXIF orientation is applied; transparency is laid over white; 16-bit photos are scaled to 8 bits; of an animation
    the first frame is taken; colour profiles are ignored. A JPEG that lacks only its end is read as far as it goes; one
    of more than MAX_PIXELS comes at half its width and height, or a quarter or an eighth of them.
    Raises LabError naming the path. Its kind: missing-file, no-access, unreadable, truncated, heic (a package is
    missing), dicom (likewise), not-allowed (where the lab does not look), or bomb (more pixels than pictures/limit.py
    allows, by its header: refused before decoding).
    """
    try:
        return _read(Path(path), partial(_pixels, bits=bits), bits)
    except LabError as fault:
        if fault.kind == NOT_ALLOWED:
            raise
        raise LabError(f"photo {path}: {fault.message}", fault.remedy, fault.kind) from fault


def photo_fault(
    path: str | Path, look: Callable[[BinaryIO], object] | None = None, *, decodes: bool = True
) -> tuple[int, int, LabError | None, Depth]:
    """Decode a photo only to find out whether it is good and how deep: (width, height, None, depth) or (0, 0, what is
    wrong, depth).

    With the fault of kind NO_END stand the width and height: whoever agrees to it can use the photo.
    look: called with the open file before it is decoded, good or bad, so that nobody has to read it twice; it leaves
    the file where it stood. decodes: False goes by the header of a photo of 8 bits, which is quick and blind to what is
    wrong with its pixels; how deep any other photo is, is known only once it is decoded.
    """
    try:
        width, height, has_end, deep = _read(
            Path(path), _looked_at, look=look, by_header=None if decodes else _header_of
        )
    except LabError as fault:
        return 0, 0, fault, depth.EIGHT_BITS
    if not has_end:
        text = f"the end of the file is missing, though {1 - LOST:.0%} of its pixels or more are there"
        remedy = "Agree to use such photos as they are (data.truncated=keep), or replace it by a good copy."
        return width, height, LabError(text, remedy, NO_END), deep
    return width, height, None, deep


def _looked_at(image: Image.Image) -> tuple[int, int, bool, Depth]:
    """Width, height, whether the file has its end, depth."""
    return *_size(image), NO_END not in image.info, depth.measured(image, DEEP_COLOUR in image.info)


def _header_of(image: Image.Image) -> tuple[int, int, bool, Depth]:
    """The same of a photo of 8 bits that is not decoded."""
    if image.format in ("JPEG", "MPO"):
        _reduce(image)
    on_its_side = _is_turned(image) and image.getexif()[ExifTags.Base.Orientation] >= 5
    if isinstance(image, TiffImagePlugin.TiffImageFile) and ExifTags.Base.Orientation in image.tag_v2:
        on_its_side = False  # Pillow tells the upright size from this tag, and turns the pixels when it loads them
    return *(image.size[::-1] if on_its_side else image.size), True, depth.EIGHT_BITS


def _read(
    path: Path,
    take: Callable[[Image.Image], Any],
    bits: int = 0,
    look: Callable[[BinaryIO], object] | None = None,
    by_header: Callable[[Image.Image], Any] | None = None,
) -> Any:
    """take(image) of an intact file. bits: for the lower bytes of colour, which are decoded only where they count.

    look: as for photo_fault. by_header: what takes a photo of 8 bits that is not decoded.
    """
    try:
        if not has_file(path):
            raise LabError("there is no such file", "Put the file there, or leave it out.", "missing-file")
        file = open_file(path)  # closed below; a failing open is told apart from a failing decoder
    except OSError as error:
        raise LabError(f"cannot be opened ({error.strerror})", "Check its permissions.", "no-access") from error
    with file:
        opened = _at_once(file)
        if look is not None:
            look(opened)
        return _decode(opened, take, bits, by_header)


def _at_once(file: BinaryIO) -> BinaryIO:
    """The same file; a JPEG of usual size in memory, since both its header and its end are looked at."""
    start = file.read(2)
    if start == b"\xff\xd8":
        data = start + file.read(AT_ONCE)
        if len(data) < AT_ONCE:
            return io.BytesIO(data)
    file.seek(0)
    return file


def decode(file: BinaryIO, bits: int) -> np.ndarray:
    """load_image for an open, seekable binary file; the messages of its LabErrors name no path."""
    return _decode(file, partial(_pixels, bits=bits), bits)


def _decode(
    file: BinaryIO,
    take: Callable[[Image.Image], Any],
    bits: int,
    by_header: Callable[[Image.Image], Any] | None = None,
) -> Any:
    try:
        if dicom.is_dicom(file):
            return take(dicom.opened(file, check_size))
        image = _open_header(file)
        is_jpeg = image.format in ("JPEG", "MPO")
        check_size(*image.size, reducible=is_jpeg)
        if by_header and not (image.mode.startswith(("I", "F")) or depth.is_deep_colour(image)):
            return by_header(image)
        if is_jpeg:
            image = _whole_jpeg(image, file)
        elif depth.is_deep_colour(image):
            image = _deep_colour(image, file, bits)
        else:
            image.load()
        return take(image)
    except (LabError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise LabError("decodes to far too many pixels", "Make it smaller, or leave it out.", "bomb") from error
    except Exception as error:  # decoders raise anything on damaged bytes
        if isinstance(error, EOFError | struct.error) or "truncated" in str(error).lower():
            raise LabError(f"the file is cut off ({error})", REPLACE, "truncated") from error
        remedy = CONVERT if _OF_OTHER_KINDS.search(str(error)) else REPLACE
        raise LabError(f"cannot be decoded ({error})", remedy, "unreadable") from error


def _open_header(file: BinaryIO) -> ImageFile.ImageFile:
    """Image.open without its size check, which depends on the process-wide Image.MAX_IMAGE_PIXELS."""
    prefix = file.read(16)
    if not prefix:
        raise LabError("the file is empty (0 bytes)", REPLACE, "truncated")
    recognised = False
    for name in FORMATS:
        factory, accept = Image.OPEN[name]
        if accept is None or accept(prefix) is not True:  # text: why this build of Pillow cannot read the format
            continue
        recognised = True
        file.seek(0)
        try:
            return factory(file, "")
        except (SyntaxError, IndexError, TypeError, struct.error) as error:
            if _OF_OTHER_KINDS.search(str(error)):
                text = f"is a {name} of a kind that is not read ({error})"
                raise LabError(text, CONVERT, "unreadable") from error
    if prefix[4:8] == b"ftyp" and prefix[8:12] in HEIC_BRANDS:
        file.seek(0)
        return _open_heic(file)
    if recognised:
        raise LabError("its header is cut off or damaged", REPLACE, "truncated")
    raise LabError("is not an image in a known format", CONVERT, "unreadable")


def _open_heic(file: BinaryIO) -> ImageFile.ImageFile:
    try:
        heif = importlib.import_module("pi_heif")
    except ImportError as error:
        raise LabError(
            "is a HEIC photo, as phones take them; the package that reads them is not installed",
            HEIC_REMEDY,
            "heic",
        ) from error
    try:
        return heif.HeifImageFile(file, "")
    except MemoryError:
        raise
    except Exception as error:  # as other decoders, it raises anything on damaged bytes
        raise LabError(f"is a HEIC photo that cannot be decoded ({error})", REPLACE, "unreadable") from error


def _whole_jpeg(image: ImageFile.ImageFile, file: BinaryIO) -> ImageFile.ImageFile:
    """The JPEG, decoded. One that only lacks its end has NO_END in its info; more missing raises LabError."""
    try:
        _reduce(image)
        image.load()
        if _jpeg_has_its_end(file):
            return image
    except OSError as error:
        if "truncated" not in str(error).lower():
            raise
    file.seek(0)
    data = file.read().rstrip(b"\0")  # a copy that stopped short may be filled up with zeros
    ends = [JpegImagePlugin.JpegImageFile(io.BytesIO(data + end + b"\xff\xd9")) for end in (b"", OTHER_END)]
    for mended in ends:
        _reduce(mended)
        mended.load()
    # Pixels that come out the same whatever follows are those that the file really holds.
    differs = ImageChops.difference(*(mended.convert("RGB") for mended in ends))
    lost = np.asarray(differs).any(axis=2).mean()
    if lost > LOST:
        raise LabError(f"the file is cut off: at least {lost:.0%} of its pixels are missing", REPLACE, "truncated")
    ends[0].info[NO_END] = True
    return ends[0]


def _deep_colour(image: ImageFile.ImageFile, file: BinaryIO, bits: int) -> ImageFile.ImageFile:
    """Colour of 16 bits, decoded to the upper bytes; where a dataset uses fewer bits, to 8 bits of these."""
    image.load()
    image.info[DEEP_COLOUR] = True
    if bits:
        file.seek(0)
        image.paste(depth.scaled_colour(_open_header(file), image, bits))
    return image


def _reduce(image: Image.Image) -> None:
    """Have a JPEG of more than MAX_PIXELS decoded at the largest reduced size that is within them."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        scale = next(scale for scale in (2, 4, 8) if width * height <= MAX_PIXELS * scale**2)
        image.draft(None, (max(1, width // scale), max(1, height // scale)))


def _jpeg_has_its_end(file: BinaryIO) -> bool:
    """Whether an end marker follows the pixel data.

    The decoder fills up quietly when a copy stopped short and the rest is zeros, or the last bytes are gone.
    """
    file.seek(0)
    data = file.read()
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xDA:  # start of the pixel data: before it a thumbnail may hold an end marker of its own
            return data.rfind(b"\xff\xd9", at) >= 0  # from behind: there it nearly always is
        at += 1 if data[at + 1] == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4])
    return True


def _pixels(image: Image.Image, bits: int = 0) -> np.ndarray:
    return depth.rgb(_upright(image), bits)


def _size(image: Image.Image) -> tuple[int, int]:
    """Width and height of _pixels(image), which are not made where nothing can go wrong in making them."""
    if image.mode == "RGB" and not image.has_transparency_data and not _is_turned(image):
        return image.size
    height, width, _ = _pixels(image).shape
    return width, height


def _is_turned(image: Image.Image) -> bool:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    except MemoryError:
        raise
    except Exception:  # damaged EXIF says nothing about orientation; the pixels are good
        return False


def _upright(image: Image.Image) -> Image.Image:
    if not _is_turned(image):
        return image
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:  # or the photo would be trained on as it lies
        raise
    except Exception:  # as above
        return image
