"""The forms in which a package holds the network of a fold. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import LabError
from core.export.runtime.package_folder import FLOAT_FILE, INT8_FILE
from core.text import listed

ONNX, SAFETENSORS, PT2, INT8 = "onnx", "safetensors", "pt2", "int8"
FILES = {ONNX: FLOAT_FILE, SAFETENSORS: "model.safetensors", PT2: "model.pt2", INT8: INT8_FILE}
ABOUT = {  # what a form is for
    ONNX: "float32, any ONNX runtime; predict.py and the server answer with it",
    SAFETENSORS: "the weights, for torchvision's network",
    PT2: "a program of torch.export, for torch alone",
    INT8: "ONNX in whole numbers of 8 bits: a quarter of the size, and faster",
}
USUAL = (ONNX, SAFETENSORS)
SHARE = {ONNX: 1.0, SAFETENSORS: 1.0, PT2: 1.0, INT8: 0.27}  # of the bytes of the weights
CALIBRATION = 128  # training photos of a fold whose activations set the ranges of int8


def checked(formats: Sequence[str]) -> list[str]:
    """In the order of FILES, each once. Raises LabError(kind 'config') for another one, and without ONNX."""
    if others := [name for name in formats if name not in FILES]:
        raise LabError(
            f"package: there is no form {others[0]!r} of a network.", f"Choose of {listed(list(FILES))}.", kind="config"
        )
    if ONNX not in formats:
        raise LabError(
            "package: predict.py and the server of a package answer with ONNX.", f"Add {ONNX}.", kind="config"
        )
    return [name for name in FILES if name in formats]


def size_of(weights: int, formats: Sequence[str]) -> int:
    """Bytes, about, of the networks of folds whose weights together have so many."""
    return round(weights * sum(SHARE[name] for name in formats))
