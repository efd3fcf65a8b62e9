"""One network trained on all people of a cross-validated run: for how many epochs, and exactly what will run.

The cross-validated run says what to expect; nothing is held out here, so nothing is measured. Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from core import places
from core.config import RunConfig
from core.config.parts import PhaseConfig
from core.config.settings import differing, flat
from core.data.content.unchanged import check_unchanged
from core.data.labels import corrections
from core.errors import LabError
from core.plan.apart import REASONS, Apart
from core.plan.plan import Plan, with_whole_path
from core.runs import Run, starts
from core.runs.ancestry import ancestry, line_of
from core.runs.everybody import unmeasured
from core.runs.lists import index
from core.text import count, listed

NAME_LENGTH = 60
OWN = "folds.everybody"
NO_MATTER = (
    *("name", "description", "training.seed", "training.early_stopping", "training.device"),
    *("training.loader_workers", "training.resume_seconds"),
)
BOTH = "best"  # weights of a network on everybody, which are those of its last epoch, too, and are never dropped
TAKEN_OVER = ("data.", "task.", "folds.")  # settings in which nothing may differ from the cross-validated run


@dataclass(frozen=True)
class Length:
    """For how long the folds of a run trained until their best epochs.

    best: fold -> epochs that it had trained by then; of `whole_length` empty. phases: epochs of each phase as the folds
    trained it, the last one as long as it was planned. epochs: the median of the folds' best, in the phase in which it
    falls.
    """

    best: dict[int, int]
    phases: tuple[int, ...]
    epochs: int

    @property
    def most(self) -> int:
        return sum(self.phases)

    @property
    def words(self) -> str:
        """ "14 epochs, the median of the folds' best epochs (12, 15, 9, 14, 20)"."""
        bests = [count(epochs) for epochs in self.best.values()]
        epochs = f"{count(self.epochs)} epoch{'s' * (self.epochs != 1)}"
        return f"{epochs}, the median of the folds' best epochs ({listed(bests, len(bests))})"


def check_parent(parent: Run) -> None:
    """Raises LabError(kind 'everybody') for a run that is gone, is itself trained on everybody, or has not ended."""
    if not parent.exists():
        raise LabError(
            f"everybody: there is no run '{parent.id}'.", "It was deleted; choose another one.", kind="everybody"
        )
    if (before := unmeasured.measured_by(parent)) is not None:
        raise LabError(
            f"everybody: {parent.id} was trained on everybody itself.",
            f"Choose the cross-validated run {before}.",
            kind="everybody",
        )
    states = parent.states()
    undone = [state for state in states if state.state != "done"]
    if undone or not states:
        which = f"fold {undone[0].fold} is {undone[0].state}" if len(undone) == 1 else f"{len(undone)} folds are not"
        raise LabError(
            f"everybody: {parent.id} has not ended: of its {len(states)} folds, {which}{' done' * (len(undone) != 1)}.",
            "Let it finish, or resume it: its folds say for how many epochs to train, and what to expect.",
            kind="everybody",
        )


def length_of(parent: Run) -> Length:
    """Of a run whose folds are done.

    A phase that was stopped early is as long as its median fold trained it. Of an even number of folds it is the mean
    of the middle two, rounded up; the later one where those stand in different phases.
    Raises LabError(kind 'everybody') where a fold does not say which epoch was its best.
    """
    config = parent.config()
    reached: list[tuple[int, int]] = []  # phase, epoch in it, of each fold's best
    best: dict[int, int] = {}
    for state in parent.states():
        if state.best_epoch is None:
            raise LabError(
                f"everybody: fold {state.fold} of {parent.id} does not say which epoch was its best.",
                "Say for how many epochs to train.",
                kind="everybody",
            )
        phase, before = config.phase_of(state.best_epoch)
        reached.append((phase, state.best_epoch - before))
        best[state.fold] = sum(_trained(parent, state.fold, config)[:phase]) + state.best_epoch - before
    phase, epoch = _middle(reached)
    of_phases = _of_phases(parent)
    of_phases[phase] = max(of_phases[phase], epoch)
    return Length(best, tuple(of_phases), sum(of_phases[:phase]) + epoch)


def whole_length(parent: Run) -> Length:
    """Until the end of the last phase: what can be chosen from where a fold does not say which epoch was its best."""
    phases = tuple(_of_phases(parent))
    return Length({}, phases, sum(phases))


def _of_phases(parent: Run) -> list[int]:
    """Epochs of each phase: as its median fold trained it, the last one as long as it was planned."""
    config = parent.config()
    trained = (_trained(parent, fold, config) for fold in parent.folds())
    phases = [math.ceil(median(epochs)) for epochs in zip(*trained, strict=True)]
    phases[-1] = config.phases[-1].epochs
    return phases


def _trained(parent: Run, fold: int, config: RunConfig) -> list[int]:
    """How many epochs a fold trained in each phase: all of them, unless phases may stop early."""
    planned = [phase.epochs for phase in config.phases]
    if config.training.early_stopping is None:
        return planned
    table = parent.metrics(fold)
    epochs = table[table["split"] == "validation"].groupby("phase")["epoch"].nunique()
    return [int(epochs.get(place, most)) for place, most in enumerate(planned)]


def _middle(reached: list[tuple[int, int]]) -> tuple[int, int]:
    places = sorted(reached)
    low, high = places[(len(places) - 1) // 2], places[len(places) // 2]
    return (high[0], math.ceil((low[1] + high[1]) / 2)) if low[0] == high[0] else high


def phases_until(config: RunConfig, length: Length, epochs: int) -> list[PhaseConfig]:
    """The phases of a cross-validated run, ended after so many epochs: up to there each learning rate is as it was.

    Raises LabError(kind 'everybody') for no epochs, and for more than the run has.
    """
    if not 1 <= epochs <= length.most:
        raise LabError(
            f"everybody: {count(epochs)} epochs were asked for.",
            f"Train for 1 to {count(length.most)}, as the folds did.",
            kind="everybody",
        )
    phases, left = [], epochs
    for phase, most in zip(config.phases, length.phases, strict=True):
        own = min(left, most)
        if not own:
            break
        cut = own < phase.epochs
        phases.append(phase.model_copy(update={"epochs": own, "schedule_epochs": phase.scheduled}) if cut else phase)
        left -= own
    return phases


def proposed(parent: Run, epochs: int | None = None) -> RunConfig:
    """The configuration that trains one network on everybody of a run: its own, ended after so many epochs.

    epochs: the median of the folds' best ones if None. Nothing watches a validation that there is none of: early
    stopping is off. Where the folds started from those of another run, it starts from `start_of`; as long as there is
    none, it names the run of the folds, from which no plan can be made. Raises LabError(kind 'everybody').
    """
    check_parent(parent)
    config = parent.config()
    try:
        length = length_of(parent)
    except LabError as error:
        if epochs is None or error.kind != "everybody":
            raise
        length = whole_length(parent)
    ending = ", everybody"
    start = start_of(parent)
    return config.model_copy(
        update={
            "model": config.model.model_copy(update=_first_weights(start)) if start else config.model,
            "name": config.name[: NAME_LENGTH - len(ending)].rstrip() + ending,
            "folds": config.folds.model_copy(update={"everybody": parent.id}),
            "phases": phases_until(config, length, length.epochs if epochs is None else epochs),
            "training": config.training.model_copy(update={"early_stopping": None}),
        }
    )


def start_of(parent: Run) -> Run | None:
    """What one network on everybody starts from where the folds of this run started from those of another: the newest
    network that was trained on everybody of that one. None where there is none, and where they started from no run."""
    model, folder = parent.config().model, parent.dir.parent
    if model.parent is None:
        return None
    for entry in index.listed(folder):
        if entry.summary.get("everybody") != model.parent or entry.state != "done":
            continue
        start = Run(entry.id, folder)
        weights = start.weights_file(unmeasured.ALONE, BOTH)
        if entry.summary.get("depth") == model.depth and weights.is_file():
            return start
    return None


def _first_weights(start: Run) -> dict[str, str]:
    return {"init": f"run:{start.id}", "init_checkpoint": BOTH}


def make_plan(config: RunConfig, folder: Path | None = None) -> Plan:
    """Exactly what will run: the frozen photos of the cross-validated run, none of them in a fold.

    Photos that were set aside as a test set stay aside: they were set aside to measure.
    config: with folds.everybody, such as `proposed` gives it; a dataset that it does not name is the run's.
    Raises LabError: 'everybody' as check_parent, and where the configuration is of other photos, classes or folds or
    wants to stop early; 'transfer' where the first weights are of a run that held people out; as check_unchanged for
    photos that are not those of the launch.
    """
    assert config.folds.everybody is not None, "a cross-validated run is planned by core.plan.plan"
    parent = Run(config.folds.everybody, folder)
    check_parent(parent)
    own = parent.config()
    if not config.data.root:
        config = config.model_copy(update={"data": own.data})
    _check_same(config, own, parent)
    if config.training.early_stopping is not None:
        raise LabError(
            "everybody: early stopping watches the F1 of people who were held out, and nobody is.",
            "Leave training.early_stopping empty.",
            kind="everybody",
        )
    apart, ancestors = _apart(parent), None
    if config.model.parent is not None:
        start = _checked_start(config, parent, Run(config.model.parent, folder))
        apart, ancestors = _without_known(apart, start), ancestry(start)
    info, samples = parent.info(), parent.samples()
    check_unchanged(samples, runs=parent.dir.parent)
    dataset = info.get("dataset") or {}
    return Plan(
        with_whole_path(config),
        samples.assign(fold=unmeasured.NOBODY),
        [str(name) for name in info["class_names"]],
        int(info.get("dropped") or 0),
        pd.DataFrame(),
        int(info.get("left_out") or 0),
        str(dataset.get("fingerprint") or ""),
        ancestors,
        corrections=corrections.read(parent.corrections_file),
        apart=apart,
        fingerprint_by_time=str(dataset.get("fingerprint_by_time") or ""),
        everybody=unmeasured.record(parent, _best_epochs(parent)),
    )


def _best_epochs(parent: Run) -> dict[int, int]:
    return {state.fold: state.best_epoch for state in parent.states() if state.best_epoch is not None}


def start_in_words(parent: Run, start: Run) -> str:
    """From what one network on everybody of a run starts, in a sentence. start: the run whose network that is."""
    of = parent.config().model.parent
    if of is None or unmeasured.measured_by(start) != of:
        return f"It starts from the network of {start.id}."
    return f"The folds started from those of {of}; it starts from {start.id}, trained on everybody of that run."


def loss_in_words(parent: Run, config: RunConfig) -> str:
    """Of a training on everybody of a run: that its loss is another one than that of the folds, which an older lab
    trained, in a sentence; empty where it is not."""
    if not (starts.weighs_photos(config) and starts.weighed_classes(parent)):
        return ""
    return (
        "The weighted loss of the folds weighed each class of a target, as older labs did; this training weighs each "
        "photo by its label: what the folds reached is of another loss."
    )


def changes(config: RunConfig, parent: Run) -> list[str]:
    """Settings in which a network on everybody learns otherwise than the folds did, for how long apart: what the folds
    reached is then of something else. That it starts from everybody where they start from folds is none, also once what
    it started from is deleted."""
    own = parent.config()
    if config.model.parent is not None and own.model.parent is not None:
        start = Run(config.model.parent, parent.dir.parent)
        if not start.exists() or unmeasured.measured_by(start) == own.model.parent:
            first = {name: getattr(own.model, name) for name in ("init", "init_checkpoint")}
            config = config.model_copy(update={"model": config.model.model_copy(update=first)})
    tables = []
    for each in (config, own):
        table = flat(with_whole_path(each))  # an older lab froze a file of first weights as it was typed
        epochs = {key for key in table if key.startswith("phases.") and key.endswith((".epochs", ".schedule_epochs"))}
        gone = {key for key in table if key.startswith("phases.") and int(key.split(".")[1]) >= len(config.phases)}
        apart = {*NO_MATTER, OWN, *epochs, *gone}
        tables.append({key: value for key, value in table.items() if key not in apart})
    return differing(tables)


def _check_same(config: RunConfig, own: RunConfig, parent: Run) -> None:
    """own: of the run whose people it is to be trained on."""
    mine, theirs = (
        {key: value for key, value in flat(each).items() if key.startswith(TAKEN_OVER) and key != OWN}
        for each in (config, own)
    )
    if others := differing([theirs, mine]):
        key = others[0]
        raise LabError(
            f"everybody: {key} is {mine.get(key)!r} here and {theirs.get(key)!r} in {parent.id}, on whose photos and "
            "classes it is to be trained.",
            f"Leave data, task and folds as they are there: python -m core everybody {parent.id}"
            f"{places.runs_option(parent.dir.parent)} takes them over.",
            kind="everybody",
        )


def _apart(parent: Run) -> Apart:
    """The test photos of a run, as it froze them."""
    photos, kept = parent.test_photos(), parent.info().get("test")
    reasons: Mapping[str, Any] = kept if isinstance(kept, Mapping) else {}
    return Apart(
        pd.DataFrame() if photos is None else photos,
        dict(reasons.get("unknown") or {}),
        *(int(reasons.get(name) or 0) for name in (*REASONS, "people_shared")),
    )


def _checked_start(config: RunConfig, parent: Run, start: Run) -> Run:
    """The run whose one network the training starts from. Raises LabError(kind 'transfer') where it has several, or
    cannot be started from."""
    if not start.exists():
        raise LabError(f"transfer: there is no run '{start.id}'.", "It was deleted; choose another one.", "transfer")
    if unmeasured.measured_by(start) is None:
        raise LabError(
            f"transfer: the folds of {parent.id} start from those of {start.id}, and one network on everybody cannot "
            "start from several.",
            f"Train {start.id} on everybody first (python -m core everybody {start.id}"
            f"{places.runs_option(parent.dir.parent)}), and train {parent.id} on everybody then, which starts from it; "
            "or start from other weights (model.init).",
            kind="transfer",
        )
    depth, state = start.config().model.depth, start.fold_state(unmeasured.ALONE).state
    if depth != config.model.depth or state != "done":
        why = f"is {state}, not done" if state != "done" else f"is a ResNet-{depth}, this one a {config.model.depth}"
        raise LabError(f"transfer: {start.id} {why}.", "Let it finish, or choose another run.", kind="transfer")
    return start


def _without_known(apart: Apart, start: Run) -> Apart:
    """Without the test photos on which the run that this one starts from, or one before it, was trained."""
    if apart.photos.empty:
        return apart
    photos, people = line_of(start)
    inherited = apart.photos["sample"].isin(photos) | apart.photos["person"].isin(people)
    rest = apart.photos[~inherited].reset_index(drop=True)
    return replace(apart, photos=rest, inherited=apart.inherited + int(inherited.sum()))
