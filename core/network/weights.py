"""Where ImageNet weights lie, told without torch so that a form can say what is missing before anything is queued."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import urllib.request
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.reach import bounds
from core.errors import LabError
from core.runs import ancestry

if TYPE_CHECKING:
    from core.runs import Run

# Names and sizes (MB) of torchvision 0.29's IMAGENET1K_V1 files; the part after the hyphen starts the file's SHA-256.
IMAGENET = {
    18: ("resnet18-f37072fd.pth", 45),
    34: ("resnet34-b627a593.pth", 83),
    50: ("resnet50-0676ba61.pth", 98),
    101: ("resnet101-63fe2227.pth", 171),
    152: ("resnet152-394f9c45.pth", 230),
}

SOURCE = "https://download.pytorch.org/models"  # where torchvision's own weights enumerations point


def weights_folder() -> Path:
    """torch.hub's own checkpoint folder, from TORCH_HOME or XDG_CACHE_HOME as torch reads them."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or os.path.join(cache, "torch")
    return Path(os.path.expanduser(home)) / "hub" / "checkpoints"


def imagenet_file(depth: int) -> Path:
    return weights_folder() / IMAGENET[depth][0]


def missing_imagenet(depth: int) -> LabError:
    name, size = IMAGENET[depth]
    return LabError(
        f"weights: the ImageNet weights of ResNet-{depth} ({name}, {size} MB) are not on this machine.",
        f"Download them (python -m core weights {depth}), put the file into {weights_folder()}, or train from scratch.",
        kind="weights",
    )


def imagenet_line(depth: int) -> str:
    """Whether the ImageNet weights of a depth are here; else how large they are and where they go. One sentence."""
    name, size = IMAGENET[depth]
    path = imagenet_file(depth)
    if path.is_file():
        return f"{name} ({path.stat().st_size / 1e6:.0f} MB) is on this machine, in {path.parent}."
    return (
        f"{name} is not on this machine: a download of {size} MB (python -m core weights {depth}); without a network, "
        f"put the file into {path.parent}."
    )


def check_weights(depth: int, init: str) -> None:
    """Raises LabError(kind 'weights') when the first weights are not on disk, are another network's or one fold's."""
    if init == "imagenet" and not imagenet_file(depth).is_file():
        raise missing_imagenet(depth)
    if not init.startswith("file:"):
        return
    path = Path(os.path.expanduser(init.removeprefix("file:")))
    check_place(path)
    try:
        seen = path.stat()
    except OSError:
        seen = None
    if seen is None or not path.is_file():
        raise LabError(f"weights: there is no file {path}.", "Correct the path or train from scratch.", kind="weights")
    ancestry.check_file(path)
    if fault := _misfit(str(path), seen.st_mtime_ns, seen.st_size, depth):
        raise fault


def whole(init: str) -> str:
    """First weights as a run is frozen with them: a file by its whole path, as a worker begins in another folder."""
    return f"file:{os.path.abspath(os.path.expanduser(init[5:]))}" if init.startswith("file:") else init


def without_place(init: str, among: Collection[str] = ()) -> str:
    """First weights, a file of them by its name alone: where it lies on this machine is nobody's business elsewhere.

    among: first weights that stand beside these; of another file of this name so much more of the path tells it apart.
    """
    if not init.startswith("file:"):
        return init
    parts = Path(whole(init)[5:]).parts  # as typed, ~ and .. are places, too
    others = {Path(whole(each)[5:]).parts for each in among if each.startswith("file:")} - {parts}
    enough = (n for n in range(1, len(parts)) if all(other[-n:] != parts[-n:] for other in others))
    return f"file:{Path(*parts[-next(enough, len(parts)) :])}"


def of_launch(init: str) -> dict[str, str]:
    """{'init', 'file', 'sha256'} of the file that all folds are to start from, which may change before one begins;
    empty where there is none. Raises LabError(kind 'weights') where it cannot be read.
    """
    if not init.startswith("file:"):
        return {}
    path = Path(os.path.expanduser(init.removeprefix("file:")))
    try:
        seen = path.stat()
        digest = _digest(str(path), seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size)
    except OSError as error:
        text = f"weights: {path} cannot be read ({error.strerror or error})."
        raise LabError(text, "Check the file's rights and its disk.", kind="weights") from error
    return {"init": init, "file": path.name, "sha256": digest}


def check_held(first: dict[str, str], runs: Iterable[Run]) -> None:
    """first: as `of_launch` says of a run that will be held against others. runs: these, and those that are gone.

    Raises LabError(kind 'weights') where the file held other weights when the first of them that has it began with it.
    """
    for run in runs if first else ():
        try:
            noted = run.info().get("weights") or {}
            before = noted["sha256"] if whole(noted["init"]) == whole(first["init"]) else None
        except (LabError, OSError, ValueError, AttributeError, KeyError, TypeError):  # gone, or told no weights
            continue
        if before == first["sha256"]:
            return
        if before:
            raise LabError(
                f"weights: {first['init'].removeprefix('file:')} has changed since {run.id} was launched: its SHA-256 "
                f"starts with {first['sha256'][:8]}, not {before[:8]}. What is held against that run has to begin with "
                "the same weights.",
                "Put back the file that it was and give the other one a name of its own, or launch that run anew with "
                "all that is held against it (of a study: the whole study).",
                kind="weights",
            )


@lru_cache(maxsize=64)
def _digest(path: str, *looks: int) -> str:
    """SHA-256 in hex; remembered while the file looks the same, since all runs of a study start from one."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_place(path: Path) -> None:
    """Raises LabError(kind 'weights') for a file of first weights where the lab does not look, torch's folder apart."""
    real = os.path.realpath(path)
    if not bounds.is_allowed(real) and not Path(real).is_relative_to(os.path.realpath(weights_folder())):
        remedy = f"Put it into {weights_folder()}, or beside the datasets. {bounds.remedy()}"
        raise LabError(f"weights: {path} lies where this lab does not look; it is not opened.", remedy, "weights")


@lru_cache(maxsize=64)
def _misfit(path: str, mtime_ns: int, size: int, depth: int) -> LabError | None:
    """Why a file cannot start a ResNet of this depth; remembered while the file stays. Imports torch to read it."""
    from core.network.weights_file import check_file

    try:
        check_file(Path(path), depth)
    except LabError as error:
        if error.kind == "memory" or isinstance(error.__cause__, OSError):  # says nothing of what the file holds
            raise
        return error
    return None


def download(depth: int, progress: Callable[[int, int], object] = lambda done, total: None) -> Path:
    """Fetch torchvision's IMAGENET1K_V1 file; its SHA-256 is checked before it is put in place.

    progress(done, total): bytes, a few times a second; what it raises ends the download and leaves nothing behind.
    FACET_WEIGHTS names another place that has the same files, such as a mirror. Raises LabError: no network, a full
    disk, other bytes than torchvision's.
    """
    name, size = IMAGENET[depth]
    place = imagenet_file(depth)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".download-") as folder:
            part = Path(folder, name)
            address = f"{(os.environ.get('FACET_WEIGHTS') or SOURCE).rstrip('/')}/{name}"
            digest = _fetch(address, part, size * 1_000_000, progress)
            if not digest.startswith(name.partition("-")[2].removesuffix(".pth")):
                raise OSError("what came is not torchvision's file: its SHA-256 is another one")
            os.replace(part, place)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LabError(
            f"weights: {name} ({size} MB) could not be downloaded ({error}).",
            f"On a machine without a network, put the file into {weights_folder()}, or train from scratch.",
            kind="weights",
        ) from error
    return place


def _fetch(address: str, part: Path, about: int, progress: Callable[[int, int], object]) -> str:
    """Write what an address gives into a file; its SHA-256 in hex. about: bytes, where the server does not say."""
    digest, done = hashlib.sha256(), 0
    with urllib.request.urlopen(address, timeout=30) as answer, open(part, "wb") as file:
        total = int(answer.headers.get("Content-Length") or 0)
        while chunk := answer.read(1 << 18):
            file.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            progress(done, max(done, total or about))
        file.flush()
        os.fsync(file.fileno())
    if done < total:
        raise OSError(f"the connection ended after {done / 1e6:.0f} of {total / 1e6:.0f} MB")
    return digest.hexdigest()
