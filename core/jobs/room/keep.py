"""What of finished runs may be dropped to make room: in words what is lost by it, what becomes free, and doing it.

Only what finished folds left is ever touched, and never of a run that trains or waits or from whose weights an
unfinished run starts. A run keeps its scores, curves, predictions, configuration and frozen samples in any case.
Imports no torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import places
from core.errors import LabError
from core.jobs.trash import all_folds, alone
from core.runs import Run, origins
from core.runs.kept import dropped
from core.runs.lists import index
from core.runs.lists.summaries import read_summary
from core.runs.notes import check_idle
from core.runs.owners import owner
from core.storage import files, machine_settings
from core.text import size

SETTING = "keep"  # of this machine: what is kept of each run that ends


@dataclass(frozen=True)
class Choice:
    """title: what stays, as a person chooses it. loses: what cannot be done any more. weights: what is dropped."""

    name: str
    title: str
    loses: str
    weights: tuple[str, ...] = ()


ALL = Choice("all", "Keep all weights", "Nothing is lost.")
RESUME = Choice(
    "resume-points",
    "Drop resume points of finished folds",
    "Nothing is lost: a finished fold is never resumed, and its weights and answers stay.",
)
PACKAGES = Choice(
    "packages",
    "Drop packages",
    "Nothing is lost: a run is packaged again by a click while its weights are there. Where weights were dropped the "
    "package stays.",
)
BEST = Choice(
    "best",
    "Keep the best weights only",
    "The networks of the last epoch are gone: no maps by them, and no run that starts from them. Their scores and "
    "predictions stay, and so does all that the best ones do.",
    ("final",),
)
RESULTS = Choice(
    "results",
    "Keep results only",
    "No network is left: no maps, no predictions of new photos, no package, no score of a test set that was not asked "
    "for yet, and no run that starts from it. Scores, curves, mistakes, likely wrong labels, comparisons and reports "
    "stay, and so does a network that was trained on everybody, which is all that such a run has.",
    dropped.CHECKPOINTS,
)
CHOICES = {choice.name: choice for choice in (RESUME, PACKAGES, BEST, RESULTS)}
RULES = {choice.name: choice for choice in (ALL, BEST, RESULTS)}


@dataclass(frozen=True)
class Drop:
    """What a choice would take of one run. files: of its finished folds, or its package.

    weights: kinds of weights among them. unfinished: folds that are not done, which keep all they have.
    """

    run: Run
    choice: Choice
    files: tuple[Path, ...]
    weights: tuple[str, ...]
    bytes: int
    unfinished: tuple[int, ...]


def choice_of(name: str) -> Choice:
    """Raises LabError(kind 'config') for what is none of CHOICES."""
    if name not in CHOICES:
        raise LabError(f"{name!r} is nothing that can be dropped.", f"Choose {', '.join(CHOICES)}.", kind="config")
    return CHOICES[name]


@dataclass(frozen=True)
class Seen:
    """A run as one look found it, for all choices. done: finished folds -> whether the final files tell their epoch, so
    that a lost state is no reason to train anew (those of version 0.1 do not, and keep their resume point). unfinished:
    the other folds. weights: those that were dropped before. everybody: whether nobody was held out, so that the
    network itself is the result. why: what may take nothing of it now, 'gone', 'not-yours', 'busy' or 'unreadable';
    None for none."""

    run: Run
    done: dict[int, bool]
    unfinished: tuple[int, ...]
    weights: tuple[str, ...]
    everybody: bool
    why: LabError | None


def see(run: Run) -> Seen:
    """Looks at a run once."""
    states = run.states()
    done = {state.fold: _says_its_end(run, state.fold) for state in states if state.state == "done"}
    unfinished = tuple(state.fold for state in states if state.state != "done")
    weights: tuple[str, ...] = ()
    why: LabError | None = None
    try:
        weights = dropped.written(run).weights
        owner.check([run.require()])
        check_idle(run, states)
    except LabError as error:
        why = error
    everybody = bool((read_summary(run.dir) or {}).get("everybody"))
    return Seen(run, done, unfinished, weights, everybody, why)


def would_drop(seen: Seen, choice: Choice) -> Drop:
    """What a choice would take of a run, whether or not it may be taken now: see `refusals`."""
    run, taken = seen.run, dict[Path, str]()
    kinds = tuple(which for which in choice.weights if which != "best" or not seen.everybody)
    if choice is PACKAGES:  # where weights were dropped it is the last place that has networks
        taken = {} if seen.weights else {run.package_file: ""}
    else:
        for fold, says_its_end in seen.done.items():
            if says_its_end:
                taken[run.last_file(fold)] = ""
            for which in kinds:
                taken[run.weights_file(fold, which)] = which
                taken[run.features_file(fold, which)] = ""  # made of the weights, and anew by them alone
    sizes: dict[Path, int] = {}
    for path in taken:
        with contextlib.suppress(OSError):
            sizes[path] = path.lstat().st_size
    weights = tuple(which for which in kinds if any(taken[path] == which for path in sizes))
    return Drop(run, choice, tuple(sizes), weights, sum(sizes.values()), seen.unfinished)


def _says_its_end(run: Run, fold: int) -> bool:
    final = origins.of_weights(run.weights_file(fold, "final"))
    if final is None and "final" in dropped.read(run).weights:
        final = origins.of_predictions(run.predictions_file(fold, "final"))
    return final is not None


def refusals(
    seen: Sequence[Seen], choice: Choice, summaries: Sequence[dict[str, Any]] | None = None
) -> dict[str, LabError]:
    """Ids of runs of which the choice may take nothing now, each with why: `Seen.why`, or kind 'parent' for one whose
    weights an unfinished run starts from, by name. summaries: of all runs, where they were just read."""
    refused = {each.run.id: each.why for each in seen if each.why is not None}
    needed = {each.run.id for each in seen if choice.weights}
    if needed and summaries is None:
        summaries = index.summaries(seen[0].run.dir.parent)
    for summary in summaries or () if needed else ():
        parent = str(summary.get("init", "")).removeprefix("run:")
        which = (summary.get("settings") or {}).get("model.init_checkpoint", "best")
        if parent in needed and which in choice.weights and summary.get("state") != "done":
            refused[parent] = LabError(
                f"run '{parent}' is needed: '{summary['id']}' starts from its {which} weights and is not finished.",
                "Let that run finish or delete it, or leave this one out.",
                kind="parent",
            )
    return refused


def drop(ids: Sequence[str], name: str, folder: Path | None = None) -> int:
    """Drop what a choice names of finished folds of these runs; the bytes that became free. There is no way back.

    Raises LabError for one of `refusals`, before anything is touched; 'busy', 'locked' or 'read-only' for a run that
    cannot be changed, when those before it have been.
    """
    choice, root = choice_of(name), folder or places.runs_folder()
    chosen = [Run(run_id, root) for run_id in dict.fromkeys(ids)]
    if not chosen:
        return 0
    for error in refusals([see(run) for run in chosen], choice).values():
        raise error
    return sum(_drop(run, choice) for run in chosen)


def _drop(run: Run, choice: Choice) -> int:
    with alone(run.dir.parent), all_folds(run):
        dropped.written(run)  # out of reach since it was looked at, it says nothing of what may go
        plan = would_drop(see(run), choice)
        if not plan.files:
            return 0
        if plan.weights:
            dropped.note(run, plan.weights, plan.bytes)  # before they go: cut off here, what is left is used as before
        with files.written_to(run.dir, "Make the folder writable."):
            for path in plan.files:
                path.unlink(missing_ok=True)
        kept = "results only" if choice is RESULTS else "the best weights" if choice is BEST else "all weights"
        run.log(f"kept {kept}: {size(plan.bytes)} became free")
    return plan.bytes


# as a rule


def rule(root: Path) -> Choice:
    """What this machine keeps of each run that ends; ALL where nothing was chosen."""
    name: Any = machine_settings.read(root).get(SETTING)
    return RULES.get(name, ALL) if isinstance(name, str) else ALL


def rule_of(name: str) -> Choice:
    """Raises LabError(kind 'config') for what is none of RULES."""
    if name not in RULES:
        raise LabError(f"{name!r} is no rule of what is kept.", f"Choose {', '.join(RULES)}.", kind="config")
    return RULES[name]


def set_rule(root: Path, name: str) -> None:
    """Keep the rule, for runs that end from now on. Raises LabError(kind 'config') for what is none of RULES."""
    machine_settings.change(root, **{SETTING: rule_of(name).name})


def follow_rule(run: Run) -> None:
    """For whoever has just finished a fold and holds no lock of the run: where all are done, what the rule says.

    A run that an unfinished one starts from keeps its weights, and the log says so.
    """
    choice = rule(run.dir.parent)
    if choice is ALL or not run.exists() or any(state.state != "done" for state in run.states()):
        return
    try:
        drop([run.id], choice.name, run.dir.parent)
    except LabError as error:
        if error.kind != "busy":  # a worker of another fold is just leaving, and does it
            run.log(f"its weights were not dropped, as Settings say they should be: {error}")
