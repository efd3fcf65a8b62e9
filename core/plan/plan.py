"""From a configuration and a scan to exactly what will run: samples, classes, folds, steps. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from core import places
from core.config import RunConfig
from core.config.parts import MOST_ONE_BY_ONE, TaskConfig
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.data.persons import Persons, persons_of
from core.data.readers.attributes import TEST, UNLABELLED
from core.data.scan import Scan, fingerprint
from core.data.tasks import (
    CHOSEN,
    attributes_of,
    class_parts,
    label_samples,
    own_columns,
)
from core.data.values import attribute_names, yes_no_names
from core.errors import LabError, in_sentences
from core.network import weights
from core.plan.apart import Apart, set_apart
from core.plan.folds import gaps
from core.plan.transfer import check_held_out, folds_for
from core.runs import Run
from core.runs.ancestry import ancestry, check_copy, check_file

SETTING_OF = {
    "folds": "folds.count",
    "given": "folds.given",
    "task": "task.name",
    "transfer": "model.init",
    "weights": "model.init",
    "head": "model.head",
    "sampling": "training.sampling",
}
"""Kind of a LabError of make_plan -> the setting that can change it."""


@dataclass(frozen=True)
class Plan:
    """What a launch freezes. samples: labelled, with y, class_name and fold; dropped: samples outside the task."""

    config: RunConfig
    samples: pd.DataFrame
    class_names: list[str]
    dropped: int
    problems: pd.DataFrame
    left_out: int
    fingerprint: str
    ancestors: pd.DataFrame | None = None  # person, fold of everyone that the parent's line held out
    corrections: list[Correction] = field(default_factory=list)  # those that changed something, in their order
    set_aside: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"split": []}))  # as in Scan
    apart: Apart = field(default_factory=Apart)  # test photos, never trained on
    fingerprint_by_time: str = ""  # as older labs made it, so that their runs can be told to be of the same photos
    everybody: dict[str, Any] = field(default_factory=dict)  # unmeasured.record of a network that holds nobody out

    @property
    def people(self) -> int:
        return int(self.samples["person"].nunique())

    @property
    def persons(self) -> Persons:
        """How far it is known whom the photos show."""
        return persons_of(self.samples)

    @property
    def photos(self) -> int:
        return len(self.samples)

    @property
    def set_aside_note(self) -> str:
        """ "6 photos of the test set and 2 unlabelled ones are set aside, never trained on"; empty without any."""
        counts = self.set_aside["split"].value_counts()
        tested, waiting = int(counts.get(TEST, 0)), int(counts.get(UNLABELLED, 0))
        photos = [f"{tested:,} {'photo' if tested == 1 else 'photos'} of the test set"] if tested else []
        if waiting:
            photos.append(f"{waiting:,} unlabelled {'photo' if waiting == 1 else 'photos'}")
        are = "is" if tested + waiting == 1 else "are"
        return f"{' and '.join(photos)} {are} set aside, never trained on" if photos else ""

    @property
    def absences(self) -> list[str]:
        """A sentence for each fold that holds no photo of some class, or all of one."""
        return gaps(self.samples, self.class_names)

    @property
    def fold_steps(self) -> list[int]:
        """Optimizer steps of one epoch, for each fold; a last batch of one photo joins its neighbour."""
        size = self.config.training.batch_size
        trained = (self.photos - self.samples["fold"].value_counts().sort_index()).tolist()
        trained = [self.photos] if self.everybody else trained
        return [max(1, -(-n // size) - (n % size == 1)) for n in trained]

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of one epoch of one fold: the mean fold, rounded up."""
        return -(-sum(self.fold_steps) // len(self.fold_steps))

    @property
    def total_steps(self) -> int:
        """Optimizer steps of all folds and epochs."""
        return sum(self.fold_steps) * self.config.epochs

    def carrying(self, config: RunConfig) -> Plan:
        """The same plan of a configuration that agrees in `depends_on`; it takes over what was found out here: where
        the dataset and a file of first weights lie, and the attributes that were not named."""
        model = config.model.model_copy(update={"init": self.config.model.init})
        filled_in = {"data": self.config.data, "task": self.config.task, "model": model}
        return replace(self, config=config.model_copy(update=filled_in))


def depends_on(config: RunConfig) -> tuple:
    """What make_plan looks at of a configuration: a grid of thousands has few of these."""
    model = config.model
    depth = model.depth if model.parent else None  # a parent has to have the same
    first = model.init, model.init_checkpoint, model.head, depth
    return config.data, config.task, config.folds, first, config.training.sampling


def make_plan(config: RunConfig, scan: Scan, *, folder: Path | None = None, folds: pd.Series | None = None) -> Plan:
    """Label, split and check everything that can be checked before a run is frozen.

    folder: the runs, where a parent run and the dataset's label corrections are looked for; corrections are applied.
    folds: fold by person, given by a study so that its runs share folds.
    Raises LabError: kind 'problems' while bad files stand that nobody agreed to leave out; 'folds', 'given', 'classes'
    and 'task' from the split and the task; 'weights' for a file that is one fold's own; 'transfer' when the parent's
    folds cannot be inherited; 'head' and 'sampling' for what does not fit the task; 'corrections' when their file is
    broken; 'everybody' for one that is planned by everybody.make_plan.
    """
    if (everybody := config.folds.everybody) is not None:
        raise LabError(
            f"everybody: this configuration trains one network on everybody of {everybody}, without folds.",
            f"Train it by itself (python -m core everybody {everybody}"
            f"{places.runs_option(folder or places.runs_folder())}), or leave folds.everybody empty to cross-validate.",
            kind="everybody",
        )
    scan, effects = corrections.lay_over(scan, corrections.load(scan.root, folder))
    bad = scan.problems[scan.problems["severity"] == "error"] if len(scan.problems) else scan.problems
    if len(bad) and not config.data.leave_out_problems:
        first = bad.iloc[0]
        raise LabError(
            f"dataset {Path(scan.root).name}: {len(bad):,} bad {'entry' if len(bad) == 1 else 'entries'}, "
            f"first {first['where']}: {first['problem']}",
            "Mend them, or agree to leave them out (data.leave_out_problems).",
            kind="problems",
        )
    config = _with_attributes(config, scan)
    labelled, names, dropped = label_samples(scan.samples, config.task)
    labelled = labelled.reset_index(drop=True)
    if config.task.one_by_one:
        _check_one_by_one(config)
    elif config.model.head == "factored":
        _check_factors(config.task, names)
    parent = Run(config.model.parent, folder) if config.model.parent else None
    if config.model.file is not None:
        weights.check_place(config.model.file)
        check_file(config.model.file)
        check_copy(config.model.file, labelled, folder)
    if folds is None:
        labelled["fold"] = folds_for(labelled, config.folds, parent, config.model)
    else:
        labelled["fold"] = labelled["person"].map(folds).astype("int64")
    data = config.data.model_copy(update={"root": str(Path(scan.root).resolve()), "reader": scan.reader})
    config = with_whole_path(config.model_copy(update={"data": data}))
    ancestors = ancestry(parent) if parent else None
    if parent:
        check_held_out(labelled, parent)
    applied = [effect.correction for effect in effects if effect.photos]
    own = own_columns(config.task, labelled)
    return Plan(
        config,
        labelled,
        names,
        dropped,
        scan.problems,
        len(bad),
        fingerprint(labelled, own),
        ancestors,
        applied,
        scan.set_aside,
        set_apart(scan.set_aside, scan.samples, config.task, names, parent),
        fingerprint(labelled, own, by="mtime_ns"),
    )


def with_whole_path(config: RunConfig) -> RunConfig:
    """A file of first weights is named by its whole path: see weights.whole."""
    model = config.model.model_copy(update={"init": weights.whole(config.model.init)})
    return config.model_copy(update={"model": model})


def _with_attributes(config: RunConfig, scan: Scan) -> RunConfig:
    """The attribute of a dataset that has one alone need not be named; of several nobody is guessed at. Told one by
    one, all yes/no attributes are meant where none is named."""
    task = config.task
    if task.name != CHOSEN or task.attributes:
        return config
    names = yes_no_names(scan.samples) if task.one_by_one else attribute_names(scan.samples)
    if len(names) > MOST_ONE_BY_ONE:
        raise LabError(
            f"task: the photos have {len(names):,} yes/no attributes; at most {MOST_ONE_BY_ONE} are told one by one.",
            "Choose some (task.attributes).",
            "task",
        )
    if not names or (len(names) > 1 and not task.one_by_one):
        return config
    return config.model_copy(update={"task": task.model_copy(update={"attributes": names})})


def _check_one_by_one(config: RunConfig) -> None:
    """Raises LabError for what makes no sense where each photo has an answer to every attribute."""
    title = config.task.title
    if config.model.head == "factored":
        raise LabError(
            f"head: the attributes of task {title} are told one by one, each by an output of its own already.",
            "Use the joint head.",
            kind="head",
        )
    if config.training.sampling == "balanced":
        raise LabError(
            f"sampling: a photo of task {title} has an answer to each attribute, so that classes cannot be drawn "
            "equally often.",
            "Use natural sampling; the loss 'weighted' makes up for rare answers.",
            kind="sampling",
        )


def _check_factors(task: TaskConfig, names: list[str]) -> None:
    """Raises LabError(kind 'head') unless each class has one value of each of several attributes."""
    if len(attributes_of(task)) < 2:
        raise LabError(
            f"head: task {task.title} has one attribute, so there is nothing to factor.",
            "Use the joint head, or a task of several attributes.",
            kind="head",
        )
    for name, members in task.merge.items():
        parts = class_parts(task, members)
        mixed = [each for each in parts[0] if len({part[each] for part in parts}) > 1]
        if name in names and mixed:
            raise LabError(
                f"head: the merged class {name!r} has several values of {mixed[0]}, which a factored head tells apart.",
                "Use the joint head, or do not merge classes that differ in it.",
                kind="head",
            )


def with_setting_named(error: LabError) -> LabError:
    """The error with the dotted setting that can change it in its remedy, for who sees no field beside it."""
    setting = SETTING_OF.get(error.kind)
    if setting is None or setting in str(error) or f"({setting.partition('.')[0]}." in error.remedy:
        return error
    return LabError(error.message, in_sentences(error.remedy, f"The setting is {setting}."), error.kind)


def check_weights(config: RunConfig) -> None:
    """Raises LabError(kind 'weights') when the first weights are not on disk: said before anything is queued."""
    if not config.model.parent:
        weights.check_weights(config.model.depth, config.model.init)
