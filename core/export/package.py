"""A run as one zip that answers photos without the lab: weights, ONNX, model card, predict.py, parity table."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import machine
from core.config import to_yaml
from core.errors import LabError
from core.export import archive, card, carried, parity
from core.export.facts import facts_of, without_places
from core.export.formats import names
from core.export.formats.cost import Cost, cost_of
from core.export.formats.names import CALIBRATION, FILES, INT8, ONNX, PT2, SAFETENSORS, USUAL
from core.export.made import check_replaced
from core.export.parity import Ask, FoldAnswers, FoldParity
from core.export.runtime.package_folder import CARD, FACTS, SUMS, PackageFolder, network_file
from core.export.temperatures import temperatures
from core.runs import Run, origins
from core.storage import files
from core.text import listed

if TYPE_CHECKING:
    from core.inside.fold_models import FoldModel

PARITY = "parity.csv"
Progress = Callable[[str, int, int], None]  # (what, done, total)


@dataclass(frozen=True)
class Packaged:
    """What went into a package. parity: a line a fold and form. notes: what whoever uses it has to know, a sentence
    each. int8: what that costs and brings, where it was asked for and held-out photos were checked."""

    folds: list[int]
    parity: list[FoldParity]
    notes: list[str] = field(default_factory=list)
    bytes: int = 0
    int8: Cost | None = None


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
    formats: Sequence[str] = USUAL,
    calibration: int = CALIBRATION,
    overwrite: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Packaged:
    """Write the package of a run as one zip, whole or not at all. What it holds is chosen as of `build`.

    Raises LabError as `build` does; kind 'exists' where out is there and not to be overwritten, 'config' where it is
    no .zip, 'read-only' where it cannot be written, 'disk-full', and in the run's own folder as check_replaced does.
    """
    if out.suffix.lower() != ".zip":
        raise LabError(f"package: {out.name} is no .zip.", "End the name in .zip.", kind="config")
    if out.exists() and not overwrite:
        raise LabError(
            f"package: {out} exists already.", "Choose another name, or say that it may be replaced.", kind="exists"
        )
    if out.resolve() == run.package_file.resolve():
        check_replaced(run, run.folds() if folds is None else folds)
    with archive.disk_in_words(out), archive.unfinished(out) as hidden:
        options: dict[str, Any] = {"folds": folds, "check": check, "calibrate": calibrate, "formats": formats}
        packaged = build(run, hidden, **options, calibration=calibration, progress=progress)
        progress("writing the zip", 0, 1)
        files.write_whole(out, lambda stream: archive.write_zip(hidden, run.id, stream), durable=False)
        progress("writing the zip", 1, 1)
        return replace(packaged, bytes=out.stat().st_size)


def build(
    run: Run,
    folder: Path,
    *,
    folds: Sequence[int] | None = None,
    check: int | None = None,
    calibrate: bool = True,
    formats: Sequence[str] = USUAL,
    calibration: int = CALIBRATION,
    progress: Progress = lambda what, done, total: None,
) -> Packaged:
    """Fill an empty folder with the package of a run.

    folds: those to take; where None, all of them, which have to be done then. check: held-out photos of each fold that
    are answered by the packaged networks and held against the run's own table; all if None.
    calibrate: divide each network's logits by its temperature, see temperatures.py. formats: of names.FILES, with ONNX.
    calibration: training photos of a fold that set the ranges of int8.
    Raises LabError: 'config' for other formats, 'unfinished' where a fold is not done and nobody named the folds,
    'fold' for one that the run lacks, 'step' where a package cannot prepare photos as the run does, 'checkpoint',
    'mixed' and 'weights' as fold_model does, 'onnx', 'pt2', 'int8', 'calibration', 'disk-full'.
    """
    from core.inside.fold_models import fold_model

    config = run.config()
    formats = names.checked(formats)
    chosen, notes = chosen_folds(run, folds)
    calibrated = temperatures(run, chosen, calibrate)
    facts = facts_of(run, config, chosen, calibrated.of_fold, formats)
    archive.check_room(run, chosen, formats, folder)
    writer = _Writer(folder, formats, facts)
    for done, fold in enumerate(chosen):
        progress(f"fold {fold} as {listed([name for name in formats if name != INT8])}", done, len(chosen))
        with fold_model(run, fold, "best", device="cpu", whole=True) as opened:
            facts["weights"][str(fold)] = writer.write(opened, calibrated.of_fold[fold])
    files.write_json(folder / FACTS, facts, durable=False)
    prepare, used = PackageFolder(folder, []), []
    if INT8 in formats:
        from core.export.formats.int8 import calibration_photos, write_int8

        for done, fold in enumerate(chosen):
            progress(f"fold {fold} in int8, calibrated on its training photos", done, len(chosen))
            photos = list(calibration_photos(prepare, run, fold, calibration).values())
            used.append(len(photos))
            place = (folder / network_file(fold)).parent
            write_int8(place / FILES[ONNX], place / FILES[INT8], np.stack(photos), writer.about(fold))
    of_folds: dict[int, FoldAnswers] = {}
    for fold in chosen:
        what = f"fold {fold} of {len(chosen)} held against the run: photos"
        networks = _opened(folder, fold, formats)
        of_fold = parity.of_fold(prepare, run, fold, networks, calibrated.of_fold[fold], check, partial(progress, what))
        sizes = {name: (folder / network_file(fold, FILES[name])).stat().st_size for name in networks}
        lines = [replace(line, bytes=sizes[line.network]) for line in of_fold.of_networks]
        of_folds[fold] = replace(of_fold, of_networks=lines)
    lines = [line for of_fold in of_folds.values() for line in of_fold.of_networks]
    cost = cost_of(prepare, run, of_folds, used) if INT8 in formats else None
    if differing := sorted({line.fold for line in lines if not line.holds}):
        notes.append(
            f"the packaged networks of fold {listed([str(fold) for fold in differing])} do not answer as the run did: "
            "see parity.csv. A run that was trained on another device can differ in the fifth digit; changed answers "
            "are more than that."
        )
    sentences = {"parity": parity.sentence(lines), "int8": cost.record() if cost else None}
    files.write_json(folder / FACTS, {**facts, **sentences}, durable=False)
    files.write_text(folder / PARITY, parity.table(lines).to_csv(index=False, lineterminator="\n"))
    made = card.Made(formats, lines, min(used, default=0), cost)
    files.write_text(folder / CARD, card.text(run, chosen, made, calibrated.words, notes))
    files.write_text(folder / "config.yaml", to_yaml(without_places(config)))
    for name, text in carried.files(carried.decoders_of(run.samples()["path"])).items():
        (folder / name).parent.mkdir(exist_ok=True)
        files.write_text(folder / name, text, durable=False)
    files.write_text(folder / SUMS, archive.sums(folder), durable=False)
    return Packaged(chosen, lines, notes, int8=cost)


class _Writer:
    """Writes the networks of a run's folds, which differ in their weights alone: each form is exported once."""

    def __init__(self, folder: Path, formats: Sequence[str], facts: dict[str, Any]):
        self.folder, self.formats, self.facts = folder, formats, facts
        self._graph: Any = None
        self._program: Any = None

    def about(self, fold: int) -> dict[str, str]:
        """What each file says of itself."""
        facts = self.facts
        classes, steps = "\n".join(facts["classes"]), str(facts["steps"])
        return {"run": facts["run"], "fold": str(fold), "classes": classes, "steps": steps}

    def write(self, opened: FoldModel, temperature: float) -> Any:
        """The forms of a fold's network that need no photos; whence its weights are, as origins.metadata tells it.

        Raises LabError(kind 'mixed') where the weights were replaced meanwhile.
        """
        from core.export import network
        from core.export.formats import program

        run, fold = opened.run, opened.fold
        place = (self.folder / network_file(fold)).parent
        place.mkdir(parents=True)
        shutil.copyfile(run.weights_file(fold, "best"), place / FILES[SAFETENSORS])
        origin = origins.of_weights(place / FILES[SAFETENSORS])
        if (origin.epoch if origin else None) != opened.epoch:
            raise LabError(
                f"{run.id}, fold {fold}: its weights were replaced while they were packaged.",
                "Let the fold finish, then package the run again.",
                kind="mixed",
            )
        if SAFETENSORS not in self.formats:
            (place / FILES[SAFETENSORS]).unlink()
        self._graph = self._graph or network.graph_of(opened)
        network.write_onnx(self._graph, opened, place / FILES[ONNX], temperature, self.about(fold))
        if PT2 in self.formats:
            self._program = self._program or program.program_of(opened)
            program.write_program(self._program, opened, place / FILES[PT2], temperature, self.about(fold))
        return origin.metadata() if origin else None


def _opened(folder: Path, fold: int, formats: Sequence[str]) -> dict[str, Ask]:
    """The forms of a fold that answer, each on all cores, read back from what was written."""
    networks: dict[str, Ask] = {ONNX: PackageFolder(folder, [fold], machine.cores()).answers}
    if PT2 in formats:
        from core.export.formats.program import opened_program

        networks[PT2] = opened_program(folder / network_file(fold, FILES[PT2]))
    if INT8 in formats:
        networks[INT8] = PackageFolder(folder, [fold], machine.cores(), int8=True).answers
    return networks


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
