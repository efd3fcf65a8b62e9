"""DICOM pictures, read with pydicom where it is installed: one frame, as a viewer first shows it.

Source: DICOM PS3.3 C.11.1 (modality), C.11.2 (window or table of values of interest), C.7.6.3 (how pixels are stored).
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from core.data.pictures.decoders import DICOM_REMEDY
from core.data.reach.opening import open_file
from core.errors import LabError

SUFFIXES = (".dcm", ".dicom")
DAMAGED = "Replace the file by a good copy, or leave it out."
REMARKS, INVERTED = "dicom", "inverted"  # in the info of an image
WINDOW, NO_WINDOW, FRAMES = "window", "no-window", "frames"  # remarks on a picture
_MARK_AT, _MARK = 128, b"DICM"


def is_installed() -> bool:
    return importlib.util.find_spec("pydicom") is not None


def is_dicom(file: BinaryIO) -> bool:
    """Whether an open, seekable file has the mark of DICOM; it is left at its start."""
    file.seek(0)
    start = file.read(_MARK_AT + len(_MARK))
    file.seek(0)
    return start[_MARK_AT:] == _MARK


def opened(file: BinaryIO, check_size: Callable[[int, int], None]) -> Image.Image:
    """The first frame: of 8 bits where the file names a window, else of 16 bits, to be scaled as the dataset's others.

    In its info stand REMARKS, a tuple of words, and INVERTED where the largest value is black (MONOCHROME1).
    check_size(width, height): raises for more than may be decoded. Raises LabError(kind dicom) without the package.
    """
    pydicom = _package()
    try:
        data = pydicom.dcmread(file)
        width, height = int(data.Columns), int(data.Rows)
        check_size(width, height)
        frame = pydicom.pixels.pixel_array(data, index=0)
        remarks = (FRAMES,) if int(data.get("NumberOfFrames") or 1) > 1 else ()
        image, how = _colour(data, frame) if frame.ndim == 3 or _is_palette(data) else _grey(data, frame)
    except (LabError, MemoryError):
        raise
    except AttributeError as error:  # a report or a plan is DICOM, too
        raise LabError(
            f"is a DICOM file without a picture that can be read ({error})", DAMAGED, "unreadable"
        ) from error
    except Exception as error:  # whatever a damaged file, or a compression that nothing here knows, makes of it
        raise LabError(f"is a DICOM picture that cannot be decoded ({error})", DAMAGED, "unreadable") from error
    image.info[REMARKS] = (*remarks, *how)
    image.info[INVERTED] = data.get("PhotometricInterpretation") == "MONOCHROME1"
    return image


def patient(path: str | Path) -> str | None:
    """The PatientID of a DICOM file, whose pixels are not read; None where it names nobody, or is none.

    Raises LabError(kind dicom) without the package.
    """
    pydicom = _package()
    try:
        with open_file(path) as file:
            if not is_dicom(file):
                return None
            data = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["PatientID"])
        return str(data.get("PatientID") or "").strip() or None
    except MemoryError:
        raise
    except Exception:  # whatever is wrong with the file is told where it is decoded
        return None


def _package() -> Any:
    try:
        importlib.import_module("pydicom.pixels")
        return importlib.import_module("pydicom")
    except ImportError as error:
        text = "is a DICOM picture, as clinics keep them; the package that reads them is not installed"
        raise LabError(text, DICOM_REMEDY, "dicom") from error


def _is_palette(data: Any) -> bool:
    return data.get("PhotometricInterpretation") == "PALETTE COLOR"


def _colour(data: Any, frame: np.ndarray) -> tuple[Image.Image, tuple[str, ...]]:
    bits = int(data.BitsStored)
    if _is_palette(data):
        frame = importlib.import_module("pydicom.pixels").apply_color_lut(frame, data)
        bits = 8 * frame.dtype.itemsize
    return Image.fromarray((frame >> max(0, bits - 8)).astype(np.uint8)), ()


def _grey(data: Any, frame: np.ndarray) -> tuple[Image.Image, tuple[str, ...]]:
    pixels = importlib.import_module("pydicom.pixels")
    bits, signed = int(data.BitsStored), int(data.PixelRepresentation) == 1
    table = data.get("VOILUTSequence")
    if table or data.get("WindowWidth") not in (None, ""):
        values = pixels.apply_modality_lut(frame, data)
        low, high = 0.0, 2.0 ** int(table[0].LUTDescriptor[2]) - 1 if table else 0.0
        if not table:  # what is as dark, and as light, as the window makes anything
            low, high = pixels.apply_voi_lut(np.array([-1e12, 1e12]), data).astype(float)
        seen = (pixels.apply_voi_lut(values, data).astype(float) - low) / (high - low)
        return Image.fromarray(np.rint(255 * seen.clip(0, 1)).astype(np.uint8)), (WINDOW,)
    stored = frame.astype(np.int64) + (2 ** (bits - 1) if signed else 0)
    if bits <= 8:
        return Image.fromarray((stored << 8 - bits).astype(np.uint8)), (NO_WINDOW,)
    return Image.fromarray((stored >> max(0, bits - 16)).astype(np.uint16)), (NO_WINDOW,)
