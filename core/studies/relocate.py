"""A dataset moved: where it lies now is checked, then remembered for its runs and everything that goes by its folder.

Imports no torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from core.config.run_config import with_value
from core.data import recent
from core.data.labels import corrections, reviews
from core.data.reach import bounds
from core.data.reach.opening import is_folder
from core.data.readers.tree import list_tree
from core.errors import LabError
from core.places import runs_folder
from core.runs import Run
from core.runs.lists.summaries import summaries
from core.runs.moves import moved
from core.runs.moves.agreement import Agreement, agreement, check, photos_of
from core.runs.owners import owner
from core.storage.files import GARBAGE
from core.studies import record_file
from core.studies.record_file import Study, StudyRun
from core.text import count


@dataclass(frozen=True)
class Relocated:
    """What follows the dataset from now on. agreed: run id -> what was compared; refused: run id -> why it stays.

    studies: ids of those whose runs are all there now. corrections: of the dataset's labels. left: where it lay, if
    other photos lie there by now, so that corrections and reviews of what lies there were not taken along. undone: of
    them, at the place that is left, before, which hold at root still where it is shared with other runs, and are taken
    out there else.
    """

    root: Path
    agreed: dict[str, Agreement]
    refused: dict[str, LabError] = field(default_factory=dict)
    studies: tuple[str, ...] = ()
    corrections: int = 0
    left: str = ""
    undone: int = 0
    before: str = ""
    shared: bool = False

    def told(self) -> str:
        """What a person has to know of corrections and reviews; "" where all came along as it was."""
        if self.left:
            return (
                f"Label corrections and reviews of {self.left} were not taken along: not the same photos lie there any "
                "more, and they may be about those. Corrections of these can be downloaded there and taken in here, on "
                "the page Data."
            )
        undone = f"Label corrections and reviews that were undone or changed in {self.before}, "
        if self.undone and self.shared:
            return (
                f"{undone}but hold in {self.root} still, as other runs go by it: {count(self.undone)}. They can be "
                "undone there, too, on the page Data, under Corrections."
            )
        if self.undone:
            return (
                f"{undone}and are taken out in {self.root}, too: {count(self.undone)}. Corrections of them can be "
                "taken in again on the page Data, under Corrections, from a file that was downloaded or the "
                "corrections.csv of a run that used them."
            )
        return ""


def relocate(
    run: Run, root: str | Path, *, others: bool = False, missing: bool = False, same_sizes: bool = False
) -> Relocated:
    """The dataset of this run lies at root now; others: also for the other runs on it, as far as they agree.

    missing: agreed that some photos are not there. same_sizes: agreed to go by the sizes of photos without a hash. Both
    hold for other runs where it is about the same photos.
    Raises LabError: 'not-yours', 'missing' for no folder, 'not-allowed' where the lab does not look, and as
    agreement.check does, before anything is changed; as moved.record does, and then it can be said again.
    """
    owner.check([run.require()])
    old = run.config().data.root
    place, folder = _folder(root), run.dir.parent
    runs = [run, *(each for each in runs_on(old, folder) if each != run)] if others else [run]
    outcomes = _compared(runs, place)
    mine = outcomes.pop(run.id)
    if isinstance(mine, LabError):
        raise mine
    check(mine, place, run, missing=missing, same_sizes=same_sizes)
    return _taken_over(outcomes, old, place, folder, {run.id: mine}, missing, same_sizes)


def relocate_all(
    old: str | Path, root: str | Path, folder: Path | None = None, *, missing: bool = False, same_sizes: bool = False
) -> Relocated:
    """The dataset that lay at old lies at root now: for every run of it that agrees; why others do not is in refused.

    Raises LabError as `relocate` does where no run agrees, with kind 'gone' where there is none on that dataset.
    """
    runs_root, before = folder or runs_folder(), os.path.realpath(os.path.expanduser(old))
    place = _folder(root)
    runs = runs_on(before, runs_root)
    if not runs:
        raise LabError(
            f"no run in {runs_root} is on the dataset {before}.",
            "Name the folder that the runs know, as their pages show it.",
            kind="gone",
        )
    relocated = _taken_over(_compared(runs, place), before, place, runs_root, {}, missing, same_sizes)
    if not relocated.agreed:
        raise relocated.refused[runs[0].id]
    return relocated


def runs_on(root: str | Path, folder: Path | None = None) -> list[Run]:
    """The runs whose dataset lies at root, as far as they can be read, newest first."""
    runs_root = folder or runs_folder()
    runs = [Run(summary["id"], runs_root) for summary in summaries(runs_root)]
    return [run for run in runs if _root_of(run) == str(root)]


def _compared(runs: Sequence[Run], place: Path) -> dict[str, Agreement | LabError]:
    """Run id -> what was found of its photos; the error for a run that cannot be read."""
    outcomes: dict[str, Agreement | LabError] = {}
    before: list[tuple[pd.DataFrame, Agreement]] = []  # runs of one study share their photos
    for run in runs:
        try:
            photos = photos_of(run)
        except LabError as error:
            outcomes[run.id] = error
            continue
        outcome = next((each for table, each in before if table.equals(photos)), None)
        if outcome is None:
            outcome = agreement(photos, place)
            before.append((photos, outcome))
        outcomes[run.id] = outcome
    return outcomes


def _taken_over(
    outcomes: dict[str, Agreement | LabError],
    old: str,
    place: Path,
    folder: Path,
    mine: dict[str, Agreement],
    missing: bool,
    same_sizes: bool,
) -> Relocated:
    """Remember the new place for the run that was asked about, which agrees, and for those of outcomes that do, too."""
    agreed, refused = dict(mine), {}
    for run_id, outcome in outcomes.items():
        try:
            if isinstance(outcome, LabError):
                raise outcome
            owner.check([Run(run_id, folder)])
            check(
                outcome,
                place,
                Run(run_id, folder),  # who agreed to something has seen what it was about
                missing=missing and all(set(outcome.missing) <= set(each.missing) for each in mine.values()),
                same_sizes=same_sizes and all(set(outcome.undecided) <= set(each.undecided) for each in mine.values()),
            )
            agreed[run_id] = outcome
        except LabError as error:
            refused[run_id] = error
    if not agreed:
        return Relocated(place, agreed, refused)
    taken, left, undone, shared = 0, "", 0, False
    if old == str(place):
        taken = len(corrections.load(place, folder))
    elif _has_lists(old, folder) and _holds_others(old, place, agreed, folder):
        left = old if corrections.load(old, folder) or reviews.load(old, folder) else ""
    else:
        leave = any(run.id not in agreed for run in runs_on(old, folder))
        shared = bool(runs_on(place, folder))
        taken, undone = corrections.take_over(old, place, folder, leave=leave, shared=shared)
        undone += reviews.take_over(old, place, folder, leave=leave, shared=shared)
        recent.moved(old, str(place), folder)
    for run_id, outcome in agreed.items():
        if old != str(place) or outcome.times:  # else there is nothing to remember
            facts = {"photos": outcome.photos, "compared": outcome.compared, "missing": len(outcome.missing)}
            moved.record(Run(run_id, folder), place, facts, outcome.times)
    return Relocated(place, agreed, refused, _studies(old, place, folder), taken, left, undone, old, shared)


def _has_lists(root: str, folder: Path) -> bool:
    """Whether somebody corrected or reviewed labels of the dataset there, also if all that is undone."""
    return any(listing.exists() for listing in (corrections.file(root, folder), reviews.file(root, folder)))


def _holds_others(old: str, place: Path, run_ids: Iterable[str], folder: Path) -> bool:
    """Whether photos lie at the old place that are not those of these runs: another dataset that took it, or one that
    lies there on this machine while the runs came from another. Not so of a copy, nor of what is left without photos.
    """
    if not is_folder(old):
        return False
    compared = _compared([Run(run_id, folder) for run_id in run_ids], Path(old)).values()
    outcomes = [outcome for outcome in compared if isinstance(outcome, Agreement)]
    if any(outcome.different for outcome in outcomes):
        return True
    if all(len(outcome.missing) < outcome.photos for outcome in outcomes):
        return False
    root = Path(old).resolve()
    return any(not (root / photo).is_relative_to(place) for photo in list_tree(root).images)


def _studies(old: str, place: Path, folder: Path) -> tuple[str, ...]:
    """The studies of which no run is left at the old place launch what they lack from the new one."""
    followed = []
    for study in record_file.all_studies(folder):
        if any(_is_at(member.config, old) for member in study.runs) and all(
            _root_of(run) == str(place) for run in (Run(name, folder) for name in study.run_ids) if run.exists()
        ):
            record_file.change(study.id, folder, lambda record: _at(record, old, place))
            followed.append(study.id)
    return tuple(followed)


def where_it_lies(member: StudyRun, study: Study, folder: Path) -> StudyRun:
    """A run that is to be launched again, with its dataset where the study's other runs on it have theirs by now.

    The study stays at the old place while one of its runs does (`_studies`); once that one is deleted, nobody brings
    it along. Where the same photos lie there still, the place is as good; other photos may have taken it.
    """
    old = str((member.config.get("data") or {}).get("root") or "")
    on_it = [Run(each.id, folder) for each in study.runs if _is_at(each.config, old)]
    place_of = {run: place for run in on_it if run.exists() and (place := _root_of(run))}
    places = {*place_of.values()}
    if len(places) != 1 or old in places or _holds_the_same(old, [*place_of]):
        return member
    return replace(member, config=with_value(member.config, "data.root", places.pop()))


def _holds_the_same(root: str, runs: Sequence[Run]) -> bool:
    """Whether all photos of these runs lie at root, too, as far as they are compared."""
    outcomes = _compared(runs, Path(root)).values() if is_folder(root) else []
    return bool(outcomes) and all(
        isinstance(outcome, Agreement) and not outcome.missing and not outcome.different for outcome in outcomes
    )


def _at(study: Study, old: str, place: Path) -> Study:
    members = [
        replace(member, config=with_value(member.config, "data.root", str(place)))
        if _is_at(member.config, old)
        else member
        for member in study.runs
    ]
    return replace(study, runs=members)


def _is_at(config: dict, root: str) -> bool:
    return str((config.get("data") or {}).get("root") or "") == root


def _root_of(run: Run) -> str:
    """Where the run's dataset lies as far as it knows; "" for a run that cannot be read."""
    try:
        return run.config().data.root
    except (LabError, OSError, *GARBAGE):
        return ""


def _folder(root: str | Path) -> Path:
    if not str(root).strip():
        raise LabError("no folder is named.", "Name the folder in which the dataset lies now.", kind="missing")
    place = bounds.typed(root)
    if not place.is_dir():
        raise LabError(f"{root}: there is no such folder.", "Check the spelling.", kind="missing")
    return place
