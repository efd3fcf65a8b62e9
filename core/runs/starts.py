"""Under what each start of a fold computed, and whether a resume was exact. Imports no torch.

folds/<k>/starts.json holds one entry a start since the fold's first epoch. A resume is bit-identical to an
uninterrupted training only on the same device, threads, precision and library versions.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

from core.config import RunConfig
from core.errors import LabError
from core.runs.run import Run
from core.storage import files
from core.storage.files import GARBAGE
from core.text import listed, number_of

LIBRARIES = ("torch", "torchvision", "albumentations", "opencv-python-headless", "pillow", "numpy")
WORDS = {"device": "on {}", "threads": "with {}", "precision": "trained in {}", "evaluation": "evaluated in {}"}


@functools.cache
def versions() -> Mapping[str, str]:
    """Asked once, before somebody may install others beside a process that goes on with these."""
    return MappingProxyType({name: version(name) for name in LIBRARIES})


def read(run: Run, fold: int) -> list[dict[str, Any]]:
    """The starts of a fold, first one first; empty where none was noted, and where that is out of reach.

    Each: epoch (epochs done before it), time, device, threads, precision, evaluation, versions.
    """
    try:
        return written(run, fold)
    except LabError:
        return []


def written(run: Run, fold: int) -> list[dict[str, Any]]:
    """The same; LabError(kind 'unreadable') where they are out of reach: a resume would be told to be exact."""
    path = run.starts_file(fold)
    try:
        starts = files.read_json(path)
        return [start for start in starts if isinstance(start["epoch"], int)]
    except (OSError, *GARBAGE) as error:
        if files.out_of_reach(error):
            what = f"{run.id}: folds/{fold}/{path.name} cannot be read ({error.strerror})."
            raise LabError(what, files.CHECK, kind="unreadable") from error
        return []


def note(run: Run, fold: int, epoch: int, facts: dict[str, Any]) -> None:
    """Add a start. epoch: epochs that its resume point holds; starts of which no epoch is left are forgotten.

    Raises LabError as `written` does.
    """
    before = [start for start in written(run, fold) if start["epoch"] < epoch] if epoch else []
    files.write_json(run.starts_file(fold), [*before, {"epoch": epoch, "time": time.time(), **facts}])


def goes_on(run: Run, fold: int) -> bool:
    """Whether the newest start of a fold went on from epochs that were done before it."""
    return any(start["epoch"] > 0 for start in read(run, fold)[-1:])


def adopt(run: Run, info: dict[str, Any]) -> None:
    """Note what run.json tells of the first start of folds that version 0.1.0 began, before it is overwritten.

    It evaluated in the precision of the training, and told a CPU by its threads alone.
    """
    if "precision" not in info:
        return
    device = str(info.get("device", ""))
    facts = {"threads": info.get("threads"), "precision": info["precision"], "evaluation": info["precision"]}
    facts |= {"versions": {k: v for k, v in (info.get("versions") or {}).items() if k in LIBRARIES}}
    facts |= {} if device.startswith("CPU") else {"device": device}
    for fold in run.folds():
        if run.last_file(fold).exists() and not run.starts_file(fold).exists():
            note(run, fold, 0, facts)


def inexact(starts: Sequence[dict[str, Any]]) -> str:
    """How the resumes of a fold differ from its first start, in words; empty where they were exact.

    "after epoch 2 with 1 thread instead of 2".
    """
    differences = []
    for start in starts[1:]:
        changes = [
            f"{words.format(_told(key, start[key]))} instead of {starts[0][key]}"
            for key, words in WORDS.items()
            if key in start and starts[0].get(key) is not None and start[key] != starts[0][key]
        ]
        old, new = starts[0].get("versions") or {}, start.get("versions") or {}
        changes += [f"with {k} {v} instead of {old[k]}" for k, v in new.items() if k in old and old[k] != v]
        if start.get("speed") == "fast":
            changes.append("with speed fast, which is never exact")
        if "weighs" in start and "weighs" not in starts[0]:
            changes.append("with a loss that weighs each photo by its label, where it weighed each class of a target")
        if changes:
            differences.append(f"after epoch {start['epoch']} {', '.join(changes)}")
    return "; ".join(differences)


def _told(key: str, value: Any) -> Any:
    return number_of(value, "thread") if key == "threads" and isinstance(value, int) else value


def weighs_photos(config: RunConfig) -> bool:
    """Whether the loss weighs each photo by its label, where that is another loss than one that weighs each class of a
    target, as labs before did: weighted, with targets of several classes."""
    training = config.training
    return training.loss == "weighted" and (training.label_smoothing > 0 or config.mix.method != "none")


def weighed_classes(run: Run) -> bool:
    """Whether a fold of it began with a weighted loss that weighed each class of a target, as labs before did."""
    try:
        config = run.config()
    except LabError:
        return False
    return weighs_photos(config) and any(_weighed_classes(run, fold, read(run, fold)) for fold in run.folds())


def _weighed_classes(run: Run, fold: int, starts: Sequence[dict[str, Any]]) -> bool:
    """Of a fold whose training would weigh photos by now. Folds that version 0.1.0 ended have noted no starts."""
    if starts:
        return "weighs" not in starts[0]
    with contextlib.suppress(OSError):
        return run.metrics_file(fold).exists() and not run.starts_file(fold).exists()
    return False


def sentence(run: Run, folds: Sequence[int]) -> str:
    """What a page says of a run whose resumes were not exact, or whose folds had two losses; empty for any other."""
    starts = {fold: read(run, fold) for fold in folds}
    return " ".join(words for words in (_resumed(starts), _of_two_losses(run, starts)) if words)


def _of_two_losses(run: Run, starts: Mapping[int, Sequence[dict[str, Any]]]) -> str:
    photos = [str(fold) for fold, of_fold in starts.items() if of_fold and "weighs" in of_fold[0]]
    if not photos:
        return ""
    classes = [str(fold) for fold, of_fold in starts.items() if _weighed_classes(run, fold, of_fold)]
    if not classes:
        return ""
    return (
        f"Its folds were not trained by one loss: that of fold{'s' * (len(classes) > 1)} {listed(classes)} weighs each "
        f"class of a target, that of fold{'s' * (len(photos) > 1)} {listed(photos)} each photo by its label. So their "
        "scores are not of one way to train: run it again where that matters."
    )


def _resumed(starts: Mapping[int, Sequence[dict[str, Any]]]) -> str:
    resumes = [f"fold {fold} {words}" for fold, of_fold in starts.items() if (words := inexact(of_fold))]
    if not resumes:
        return ""
    whose = "its result is" if len(resumes) == 1 else "their results are"
    return (
        f"Resumed under other conditions: {'; '.join(resumes)}. "
        f"So {whose} not bit-identical to a training that was never stopped; weights, predictions and scores belong "
        "together all the same."
    )
