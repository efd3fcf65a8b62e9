"""A run as one zip that answers photos without the lab: weights, ONNX, model card, predict.py, parity table."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from core import __version__, machine
from core.config import RunConfig, to_yaml
from core.data.tasks import class_parts
from core.errors import LabError
from core.export import card, carried, parity
from core.export.parity import FoldParity
from core.export.runtime.package_folder import CARD, FACTS, FORMAT, SUMS, PackageFolder, network_file
from core.export.steps import decoded_in_words, steps_of
from core.export.temperatures import temperatures
from core.runs import Run, origins
from core.storage import files
from core.text import listed

WEIGHTS, NETWORK = "model.safetensors", "model.onnx"
PARITY = "parity.csv"
COPIES = 4  # of the weights: as they are and as ONNX, in the folder and in the zip
Progress = Callable[[str, int, int], None]  # (what, done, total)


@dataclass(frozen=True)
class Packaged:
    """What went into a package. notes: what whoever uses it has to know, a sentence each."""

    folds: list[int]
    parity: list[FoldParity]
    notes: list[str] = field(default_factory=list)
    bytes: int = 0


def offered_folds(run: Run) -> list[int]:
    """The folds that are done, which a package holds unless others are named."""
    return [state.fold for state in run.states() if state.state == "done"]


def package(
    run: Run,
    out: Path,
    *,
    folds: Sequence[int] | None = None,
    check: int | None = None,
    calibrate: bool = True,
    overwrite: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Packaged:
    """Write the package of a run as one zip, whole or not at all. folds, check, calibrate, progress: as of `build`.

    Raises LabError as `build` does; kind 'exists' where out is there and not to be overwritten, 'config' where it is
    no .zip, 'read-only' where it cannot be written, 'disk-full'.
    """
    if out.suffix.lower() != ".zip":
        raise LabError(f"package: {out.name} is no .zip.", "End the name in .zip.", kind="config")
    if out.exists() and not overwrite:
        raise LabError(
            f"package: {out} exists already.", "Choose another name, or say that it may be replaced.", kind="exists"
        )
    hidden = out.parent / f".{out.stem}.{secrets.token_hex(4)}.new"
    with _disk_in_words(out):
        try:
            hidden.mkdir(parents=True)
            packaged = build(run, hidden, folds=folds, check=check, calibrate=calibrate, progress=progress)
            progress("writing the zip", 0, 1)
            files.write_whole(out, lambda stream: _zip(hidden, run.id, stream), durable=False)
            progress("writing the zip", 1, 1)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
        return Packaged(packaged.folds, packaged.parity, packaged.notes, out.stat().st_size)


def build(
    run: Run,
    folder: Path,
    *,
    folds: Sequence[int] | None = None,
    check: int | None = None,
    calibrate: bool = True,
    progress: Progress = lambda what, done, total: None,
) -> Packaged:
    """Fill an empty folder with the package of a run.

    folds: those to take; where None, all of them, which have to be done then. check: held-out photos of each fold that
    are answered by the packaged network and held against the run's own table; all if None.
    calibrate: divide each network's logits by its temperature, see temperatures.py.
    Raises LabError: 'unfinished' where a fold is not done and nobody named the folds, 'fold' for one that the run
    lacks, 'step' where a package cannot prepare photos as the run does, 'task' for a kind of answer that it cannot
    give, 'checkpoint', 'mixed' and 'weights' as fold_model does, 'onnx', 'disk-full'.
    """
    from core.export.network import graph_of, write_onnx
    from core.inside.fold_models import fold_model

    config, info = run.config(), run.info()
    check_task(config)
    chosen, notes = chosen_folds(run, folds)
    steps = steps_of(config)
    _check_room(run, chosen, folder)
    calibrated = temperatures(run, chosen, calibrate)
    height, width = config.input_size
    names = [str(name) for name in info["class_names"]]
    bits = run.bits()
    decoded = decoded_in_words(bits)
    facts: dict[str, Any] = {
        "format": FORMAT,
        "lab": __version__,
        "run": run.id,
        "name": config.name,
        "network": f"resnet{config.model.depth}",
        "head": config.model.head,
        "height": height,
        "width": width,
        "input": "photos: uint8 (n, height, width, 3), RGB, after the steps",
        "output": "probabilities: float32 (n, classes)",
        "decode": decoded,
        "bits": bits,
        "steps": steps,
        "in_the_network": _in_the_network(config, calibrated.of_fold),
        "classes": names,
        "attributes": dict(zip(names, class_parts(config.task, names), strict=True)),
        "folds": chosen,
        "weights": {},
    }
    folds_parity: list[FoldParity] = []
    graph = None  # of the run: folds differ in their weights alone
    for done, fold in enumerate(chosen):
        progress(f"fold {fold} as ONNX", done, len(chosen))
        place = (folder / network_file(fold)).parent
        place.mkdir(parents=True)
        with fold_model(run, fold, "best", device="cpu") as opened:
            shutil.copyfile(run.weights_file(fold, "best"), place / WEIGHTS)
            origin = origins.of_weights(place / WEIGHTS)
            if (origin.epoch if origin else None) != opened.epoch:
                raise LabError(
                    f"{run.id}, fold {fold}: its weights were replaced while they were packaged.",
                    "Let the fold finish, then package the run again.",
                    kind="mixed",
                )
            facts["weights"][str(fold)] = origin.metadata() if origin else None
            graph = graph or graph_of(opened)
            about = {"run": run.id, "fold": str(fold), "classes": "\n".join(names), "steps": str(steps)}
            write_onnx(graph, opened, place / NETWORK, calibrated.of_fold[fold], about)
    files.write_json(folder / FACTS, facts, durable=False)
    for fold in chosen:
        opened_fold = PackageFolder(folder, [fold], machine.cores())
        what = f"fold {fold} of {len(chosen)} held against the run: photos"
        of_fold = parity.of_fold(opened_fold, run, calibrated.of_fold[fold], check, partial(progress, what))
        folds_parity.append(of_fold)
    differing = [str(fold.fold) for fold in folds_parity if not fold.holds]
    if differing:
        notes.append(
            f"the packaged networks of fold {listed(differing)} do not answer as the run did: see parity.csv. A run "
            "that was trained on another device can differ in the fifth digit; changed answers are more than that."
        )
    files.write_json(folder / FACTS, {**facts, "parity": parity.sentence(folds_parity)}, durable=False)
    files.write_text(folder / PARITY, parity.table(folds_parity).to_csv(index=False, lineterminator="\n"))
    files.write_text(folder / CARD, card.text(run, chosen, calibrated.words, folds_parity, notes))
    files.write_text(folder / "config.yaml", to_yaml(_without_places(config)))
    for name, text in carried.files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        files.write_text(folder / name, text, durable=False)
    files.write_text(folder / SUMS, _sums(folder), durable=False)
    return Packaged(chosen, folds_parity, notes)


def chosen_folds(run: Run, folds: Sequence[int] | None) -> tuple[list[int], list[str]]:
    """The folds to take, and what has to be said of them."""
    states = {state.fold: state for state in run.require().states()}
    done = [fold for fold, state in states.items() if state.state == "done"]
    if folds is None:
        if len(done) < len(states):
            lacking = [str(fold) for fold in states if fold not in done]
            named = f"Name the folds to take: {', '.join(map(str, done))}." if done else "Let a fold finish first."
            raise LabError(
                f"{run.id}: {len(lacking)} of {len(states)} folds "
                f"{'is' if len(lacking) == 1 else 'are'} not done: {listed(lacking)}.",
                f"{named} Or resume the run and wait.",
                kind="unfinished",
            )
        return done, []
    chosen = sorted(set(folds))
    for fold in chosen:
        if fold not in states:
            raise LabError(f"{run.id} has no fold {fold}.", f"It has {', '.join(map(str, states))}.", kind="fold")
    if not chosen:
        raise LabError("package: no fold is chosen.", "Choose at least one.", kind="fold")
    notes = []
    if len(chosen) < len(states):
        notes.append(f"{len(chosen)} of the {len(states)} folds of the run are in this package.")
    for fold in chosen:
        if states[fold].state != "done":
            notes.append(
                f"fold {fold} is {states[fold].state} after epoch {states[fold].epoch}: its best weights so far."
            )
    return chosen, notes


def check_task(config: RunConfig) -> None:
    """Raises LabError(kind 'task') for answers that a package cannot give."""
    if config.task.one_by_one:
        raise LabError(
            "package: this run tells yes/no attributes one by one, and a package answers with one class of several.",
            "Ask the lab itself, one attribute at a time: python -m core predict RUN:ATTRIBUTE.",
            kind="task",
        )


def _check_room(run: Run, folds: Sequence[int], folder: Path) -> None:
    """Raises LabError(kind 'disk-full') where the disk cannot hold the package while it is made."""
    needed = 0
    for fold in folds:
        with contextlib.suppress(OSError):  # opening it says what is wrong with it
            needed += COPIES * run.weights_file(fold, "best").stat().st_size
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise LabError(
            f"disk full: the package needs {needed / 1e6:,.0f} MB in {folder.parent} while it is made, and "
            f"{free / 1e6:,.0f} MB are free.",
            "Free some, choose fewer folds, or write it to another disk.",
            kind="disk-full",
        )


def _in_the_network(config: RunConfig, of_fold: dict[int, float]) -> dict[str, Any]:
    from core.augment.pipeline import normalization

    mean, std = normalization(config.transforms)
    return {
        "divided_by": 255,
        "mean": mean,
        "std": std,
        "temperature": {str(fold): value for fold, value in of_fold.items()},
        "softmax": True,
    }


def _without_places(config: RunConfig) -> RunConfig:
    """The configuration without where things lay on this machine, which is nobody's business elsewhere."""
    data = config.data.model_copy(update={"root": Path(config.data.root).name})
    init = config.model.init
    if init.startswith("file:"):
        init = f"file:{Path(init.removeprefix('file:')).name}"
    return config.model_copy(update={"data": data, "model": config.model.model_copy(update={"init": init})})


def _sums(folder: Path) -> str:
    """As sha256sum writes them, of every file below a folder."""
    lines = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SUMS):
        with open(path, "rb") as stream:
            lines.append(f"{hashlib.file_digest(stream, 'sha256').hexdigest()}  {path.relative_to(folder).as_posix()}")
    return "\n".join(lines) + "\n"


def _zip(folder: Path, name: str, stream: BinaryIO) -> None:
    """Every file below `folder`, under one folder `name`; networks as they are, since they do not get smaller."""
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            kind = zipfile.ZIP_STORED if path.name in (WEIGHTS, NETWORK) else zipfile.ZIP_DEFLATED
            archive.write(path, f"{name}/{path.relative_to(folder).as_posix()}", kind)


@contextlib.contextmanager
def _disk_in_words(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if files.disk_full(error):
            raise LabError(
                f"disk full: no room for {out.name} in {out.parent}.",
                "Free some, choose fewer folds, or write it to another disk.",
                kind="disk-full",
            ) from error
        raise LabError(
            f"{error.filename or out} cannot be written: {error.strerror or error}.",
            "Choose another file.",
            kind="read-only",
        ) from error
