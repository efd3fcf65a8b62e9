"""The one judge of whether a path below a dataset stays inside it. Opens nothing, imports no torch.

A photo behind a link that leads out is opened only by consent (data.follow_links), which stands in the path of its row
in the samples table: dataset/./sample. Any other path is judged as if nobody had agreed to anything.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.data.reach import bounds
from core.errors import LabError

_CONSENT = "/./"  # between the dataset and a sample that lies outside of it, by consent


def followed(root: Path, sample: str) -> str:
    """The path, for a samples table, of a photo behind a link out of the dataset that the user agreed to follow."""
    return f"{root}{_CONSENT}{sample}"


def _is_followed(path: str | Path, sample: str) -> bool:
    """Whether the path is one that `followed` made for this sample. A Path never is: it drops the consent."""
    return bool(sample) and ".." not in Path(sample).parts and str(path).endswith(f"{_CONSENT}{sample}")


def dataset_of(path: str | Path, sample: str) -> Path:
    """The dataset's folder, which stands in a samples table before the sample."""
    if _is_followed(path, sample):
        return Path(str(path).removesuffix(f"{_CONSENT}{sample}") or "/")
    return Path(path).parents[len(Path(sample).parts) - 1]


def moved_to(root: str | Path, path: str, sample: str) -> str:
    """The path of the same photo in a dataset that lies at root by now; the consent to follow a link goes with it."""
    return followed(Path(root), sample) if _is_followed(path, sample) else str(Path(root) / sample)


def inside(root: Path, path: str) -> str | None:
    """What root/path really is, relative to root (resolved), links resolved; None if that is not in root."""
    try:
        real = Path(os.path.realpath(root / path))
    except (OSError, ValueError):  # a NUL in the name, a loop of links that the system refuses
        return None
    if not real.is_relative_to(root):
        return None
    relative = real.relative_to(root).as_posix()
    return "" if relative == "." else relative


def file_inside(root: str | Path, path: str) -> Path:
    """The file that a dataset's path means. Raises LabError(kind 'outside') unless it lies in the dataset, and (kind
    'not-allowed') where the lab does not look."""
    home = Path(os.path.realpath(os.path.expanduser(root)))
    if not bounds.is_allowed(home):
        raise bounds.refusal(root)
    real = inside(home, path)
    if real is None:
        raise LabError(
            f"{path!r} leads out of the dataset {root}; it is not opened.",
            "Copy what it points to into the dataset.",
            kind="outside",
        )
    return home / real


def photo_file(path: str | Path, sample: str) -> Path:
    """The file of a photo in a samples table; a link that leads out of the dataset is refused, unless followed.

    path: the table's, absolute, which ends with sample: what stands before it is the dataset. Raises LabError: kind
    'outside'; 'not-allowed' where the lab does not look, consent or not.
    """
    if _is_followed(path, sample):
        return bounds.check(os.path.realpath(path))
    whole, depth = Path(path), len(Path(sample).parts)
    if not depth or whole.parts[-depth:] != Path(sample).parts:
        raise LabError(
            f"photo {sample!r} is not the file {path} of its dataset; it is not opened.",
            "Scan the dataset again.",
            kind="outside",
        )
    return file_inside(whole.parents[depth - 1], sample)


def leads_out(path: str, sample: str) -> bool:
    """Whether a link at, or on the way to, a dataset's file or folder leads out of it by now, and is not followed.

    path: absolute; sample: what it is relative to the dataset, "" for the dataset itself.
    """
    if _is_followed(path, sample):
        return False
    whole, parts = Path(path), Path(sample).parts
    if not parts or whole.parts[-len(parts) :] != parts:
        return False
    home = Path(os.path.realpath(whole.parents[len(parts) - 1]))
    return inside(home, sample) is None
