"""An unpacked package: what its preprocess.json says, and the networks of its folds in onnxruntime."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.data.images import decode, load_image
from core.errors import LabError, memory_in_words
from core.export.runtime.pixels import prepare

# From 1.29 on, onnxruntime tells its makers of each network that is opened, unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
FACTS = "preprocess.json"
CARD = "README.md"
SUMS = "SHA256SUMS"
FORMAT = 1  # of preprocess.json
FLOAT_FILE, INT8_FILE = "model.onnx", "model.int8.onnx"  # of a fold's networks
ONE_BY_ONE = "yes or no"  # what preprocess.json calls answers of attributes that are told one by one
BATCH = 32  # photos in one pass
AGAIN = "Unpack the package again, all of its files."


def network_file(fold: int, name: str = FLOAT_FILE) -> str:
    """Where a fold's network lies in a package."""
    return f"folds/{fold}/{name}"


class PackageFolder:
    """The folds of a package, ready to answer. Several threads may ask at once.

    facts: preprocess.json. folds: those that are open, in their order; they answer together by the mean of their
    probabilities. classes: what they tell apart; or, where one_by_one, the attributes of which they say yes or no, by
    thresholds, (attributes,). threads: of one pass; 0 for as many as onnxruntime takes. int8: whether the networks in
    int8 answer.
    """

    def __init__(self, folder: Path, folds: Sequence[int] | None = None, threads: int = 0, *, int8: bool = False):
        """folds: those to open, all of the package if None.

        Raises LabError: kind 'package' where the folder is none, or is not whole, 'fold' for a fold that it lacks,
        'int8' for a package without such networks.
        """
        self.folder = folder
        self.facts = read_facts(folder)
        self.classes: list[str] = list(self.facts["classes"])
        self.one_by_one = self.facts.get("answers") == ONE_BY_ONE
        self.thresholds = np.array([self.facts["thresholds"][name] for name in self.classes] if self.one_by_one else [])
        self.size: tuple[int, int] = (int(self.facts["height"]), int(self.facts["width"]))
        offered = [int(fold) for fold in self.facts["folds"]]
        self.folds = offered if folds is None else list(folds)
        for fold in self.folds:
            if fold not in offered:
                raise LabError(
                    f"The package has no fold {fold}.", f"It has {', '.join(map(str, offered))}.", kind="fold"
                )
        if int8 and "int8" not in self.facts.get("networks", {}):
            raise LabError(
                "The package has no networks in int8.", "Leave --int8 out, or package the run with it.", kind="int8"
            )
        self.int8 = int8
        name = INT8_FILE if int8 else FLOAT_FILE
        self._sessions = [_session(folder / network_file(fold, name), threads) for fold in self.folds]

    def prepared(self, photo: str | Path | BinaryIO) -> np.ndarray:
        """A photo as the networks get it, uint8 (H, W, 3).

        Raises LabError as load_image does, and (kind 'memory') where there is none for it: others may be smaller.
        """
        name = f"photo {photo}" if isinstance(photo, (str, Path)) else "the photo"
        with memory_in_words(name, "Make it smaller, or ask once the machine has more to spare."):
            bits = int(self.facts["bits"])
            pixels = load_image(photo, bits) if isinstance(photo, (str, Path)) else decode(photo, bits)
            return prepare(pixels, self.facts["steps"])

    def of_folds(self, photos: np.ndarray) -> np.ndarray:
        """What each open fold answers, float32 (folds, n, classes). photos: uint8 (n, H, W, 3)."""
        return np.stack([session.run(None, {"photos": photos})[0] for session in self._sessions])

    def decided(self, shares: np.ndarray) -> np.ndarray:
        """What probabilities (..., classes) say: the index of the likeliest class, (...,); or, where one_by_one, which
        attributes are a yes, bool (..., attributes)."""
        return shares > self.thresholds if self.one_by_one else shares.argmax(axis=-1)

    def in_words(self, shares: np.ndarray) -> str:
        """The answer of a photo, probabilities (classes,): "cat 0.912", or "Smiling 0.912, Young 0.750"."""
        if not self.one_by_one:
            best = int(shares.argmax())
            return f"{self.classes[best]} {shares[best]:.3f}"
        said = [f"{self.classes[place]} {shares[place]:.3f}" for place in np.flatnonzero(self.decided(shares))]
        return ", ".join(said) or "nothing"

    @property
    def judged_classes(self) -> int:
        """Between how many classes its answers are judged."""
        return len(self.classes) * (2 if self.one_by_one else 1)

    def answers(self, photos: np.ndarray) -> np.ndarray:
        """What the open folds answer together, float32 (n, classes)."""
        return self.of_folds(photos).mean(axis=0)


def read_facts(folder: Path) -> dict[str, Any]:
    """preprocess.json. Raises LabError(kind 'package') where it is missing, damaged, or of a later format."""
    path = folder / FACTS
    try:
        facts = json.loads(path.read_text("utf-8"))
        missing = {"format", "height", "width", "bits", "steps", "classes", "folds", "run"} - set(facts)
    except FileNotFoundError:
        raise LabError(f"{folder} is no package: it has no {FACTS}.", AGAIN, kind="package") from None
    except (OSError, ValueError, TypeError) as error:
        raise LabError(f"{path} cannot be read ({error}).", AGAIN, kind="package") from error
    if missing:
        raise LabError(f"{path} says nothing of {', '.join(sorted(missing))}.", AGAIN, kind="package")
    if facts["format"] != FORMAT:
        raise LabError(
            f"{path} is of format {facts['format']}; this program reads {FORMAT}.",
            "Use the programs that came with the package.",
            kind="package",
        )
    return facts


def check_sums(folder: Path) -> None:
    """Raises LabError(kind 'package') for the first file that is not the one of SHA256SUMS."""
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except OSError as error:
        raise LabError(f"{folder / SUMS} cannot be read ({error.strerror}).", AGAIN, kind="package") from error
    for line in lines:
        digest, _, name = line.partition("  ")
        with contextlib.suppress(OSError), open(folder / name, "rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() == digest:
                continue
        raise LabError(f"{folder / name} is missing or damaged: it has another SHA-256.", AGAIN, kind="package")


def _session(path: Path, threads: int) -> Any:
    import onnxruntime

    if not path.is_file():
        raise LabError(f"{path} is missing.", AGAIN, kind="package")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except MemoryError:  # says nothing of the file
        raise
    except Exception as error:  # onnxruntime's own types, which differ from release to release
        raise LabError(f"{path} is no network that onnxruntime reads ({error}).", AGAIN, kind="package") from error
