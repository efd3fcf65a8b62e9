"""The verb `everybody`: one network trained on all people of a cross-validated run, to take home."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from core import places
from core.cli.options.runs import RunsOption
from core.cli.progress import tell_of_a_stop, wait_for
from core.config import run_config
from core.config.run_config import RunConfig, read_config
from core.errors import LabError, ended, in_sentences
from core.jobs import control
from core.plan import apart
from core.plan import everybody as planned
from core.plan.corrected import corrected_since
from core.plan.plan import Plan, check_weights
from core.runs import Run
from core.runs.everybody import unmeasured
from core.text import listed, number_of


def everybody(
    run_id: Annotated[str, typer.Argument(help="A finished cross-validated run.")],
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="For how long (default: the median of its folds' best epochs).")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, such as training.batch_size=64.")
    ] = None,
    folder: RunsOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until it is trained.")] = False,
) -> None:
    """Train one network on everybody of a finished run, nobody held out, with its settings. Prints the new run's id."""
    values = planned.proposed(Run(run_id, folder).require(), epochs).model_dump(mode="json")
    for setting in settings or []:
        key, equals, value = setting.partition("=")
        if not equals:
            raise LabError(f"--set {setting}: expected key=value.", "Such as --set training.seed=3.", kind="config")
        values = run_config.with_setting(values, key, value)
    launch(run_config.from_dict(values, f"everybody {run_id}"), folder, wait=wait)


def launch(config: RunConfig, folder: Path | None, *, wait: bool) -> None:
    """Of a configuration with folds.everybody: what is trained, and what is not measured, is said beside the id."""
    check_weights(config)
    plan = planned.make_plan(config, folder)
    run = control.launch(plan, folder=folder)
    print(run.id, flush=True)
    for note in notes(plan, folder):
        print(f"note: {note}", file=sys.stderr)
    if wait:
        wait_for(run)
    else:
        tell_of_a_stop(run.dir.parent, run.id)


def notes(plan: Plan, folder: Path | None) -> list[str]:
    """What is said of a training on everybody before it has begun, in sentences."""
    parent = Run(str(plan.config.folds.everybody), folder)
    said = [
        f"{plan.persons.told()}, {plan.photos:,} photos, all trained on."
        if plan.persons.are_known
        else f"{plan.photos:,} photos, all trained on.",
        _length(parent, plan.config.epochs),
        unmeasured.sentence({unmeasured.INFO: plan.everybody, "test": plan.apart.record()}, parent.id),
    ]
    if (start := plan.config.model.parent) is not None:
        said.append(planned.start_in_words(parent, Run(start, folder)))
    if parent.config().training.early_stopping is not None:
        said.append("Early stopping is off: it watches the F1 of people who are held out.")
    try:
        corrected = corrected_since(parent)
    except LabError as error:  # the list of corrections is damaged: what is trained does not ask it
        said.append(str(error))
        corrected = ""
    if corrected:
        words = f"retrain it first ({_retrained(parent)}), then train that run on everybody."
        said.append(f"{corrected} To train on the labels as they are by now, {words}")
    if others := planned.changes(plan.config, parent):
        said.append(f"What the folds reached is of other settings: {listed(others, len(others))} differ.")
    if other_loss := planned.loss_in_words(parent, plan.config):
        said.append(other_loss)
    said += apart.sentences(plan.apart.record())
    return said


def _length(parent: Run, epochs: int) -> str:
    """For how long it trains, and what the folds propose, in sentences."""
    try:
        length = planned.length_of(parent)
    except LabError as error:  # nothing could be proposed: somebody said for how many
        return in_sentences(f"{number_of(epochs, 'epoch')}.", ended(error.message))
    return f"{length.words}." if epochs == length.epochs else f"{epochs} epochs; {length.words}, were proposed."


def _retrained(parent: Run) -> str:
    """The command that trains a run anew on its labels as they are corrected by now: of its dataset where that lies
    now, in the folder of runs where that is, with the test photos of a run of version 0.1.0, which set none aside."""
    data = parent.config().data
    words = ["train", str(parent.config_file), "--folds-of", parent.id, "--data", data.root]
    if read_config(parent.config_file, parent.id).data.test_set != data.test_set:
        words += ["--set", f"data.test_set={data.test_set}"]
    return shlex.join(["python", "-m", "core", *words]) + places.runs_option(parent.dir.parent)
