"""A run trained anew on the labels as they are corrected by now: same settings, seeds, people in the same folds.

Imports no torch.
"""

from __future__ import annotations

import contextlib

from core.errors import LabError
from core.jobs import control
from core.plan.again import as_photos, read_as_before, since
from core.plan.plan import Plan
from core.runs import Run
from core.studies.grid import make_plans
from core.text import one_line

MARK = ", corrected labels"  # after the name of the run
LONGEST = 60  # letters of a name


def plan_of(run: Run) -> Plan:
    """The run's own configuration on its dataset as it is read and corrected now, with its people where they stood.

    Raises LabError: 'unchanged' where photos, labels and folds are those of the run, and whatever a plan of it raises,
    such as 'folds' where a corrected class has too few people.
    """
    config = run.config()
    before = run.samples()
    name = config.name if config.name.endswith(MARK) else one_line(config.name, LONGEST - len(MARK)) + MARK
    people = before.drop_duplicates("person").set_index("person")["fold"]
    data, scanned = read_as_before(config.data, people)
    renamed = config.model_copy(update={"name": name, "data": data})
    plan = make_plans([renamed], scanned, folder=run.dir.parent, people=people)[0]
    if not since(before, plan.samples):
        raise LabError(
            f"{config.name} was trained on these very labels.",
            "Correct a label, or leave a photo out, then retrain.",
            kind="unchanged",
        )
    return plan


def differs(run: Run, plan: Plan) -> list[str]:
    """What differs between a run and what `plan_of` made of it, and what stays although it could, a sentence each."""
    first = _first(run)
    anew = "it" if first.id == run.id else first.id
    stays = as_photos(first.config().data.persons, plan.config.data.persons, "this run", anew)
    aside = plan.set_aside.get("sample", ())  # such as by folders that an older lab did not read beside a table
    return [*since(run.samples(), plan.samples, aside), *([stays] if stays else [])]


def _first(run: Run) -> Run:
    """The run that its retrainings began with, as far as these are there and can be read: what was asked for."""
    met = {run.id}
    with contextlib.suppress(LabError):
        while (before := origin(run)) is not None and before not in met:
            older = Run(before, run.dir.parent)
            older.config()
            met.add(before)
            run = older
    return run


def launch(plan: Plan, of: Run, run_id: str | None = None) -> Run:
    """Launch what `plan_of` made, as a run that knows whose labels it has corrected. Raises LabError as a launch."""
    return control.launch(plan, run_id, of.dir.parent, retrained=of.id)


def origin(run: Run) -> str | None:
    """The id of the run that this one was retrained from; None for any other, and where run.json cannot be read."""
    try:
        value = run.info().get("retrained")
    except (OSError, ValueError, AttributeError):
        return None
    return value if isinstance(value, str) else None


def retrained_from(run_id: str, summaries: list[dict]) -> list[dict]:
    """The summaries of the runs that were retrained from a run, newest first as they are listed."""
    return [summary for summary in summaries if summary.get("retrained") == run_id]
