"""Sentences that a report says, each from the numbers: the answer, and what the numbers cannot say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.compare import verdict
from core.compare.pairs import differences, other_losses, pair
from core.data.persons import units
from core.data.yes_no import pairs
from core.report import again
from core.report.findings import Findings
from core.runs import starts
from core.stats import paired
from core.text import listed, spread

SMALL_CLASS = 20  # people, or photos where persons are unknown


def answer(findings: Findings) -> list[str]:
    """What the numbers say, the most important first."""
    top = verdict.best_of(findings.members)
    if top is None:
        return ["No fold of these runs is finished, so there is nothing to compare yet."]
    name, best = findings.names[top.id], spread(top.scores("f1", "best").values())
    of = verdict.of_which(findings.members)
    first = f"{name} has the highest mean F1{of} at the best epoch: {best}, mean ± deviation (folds)."
    if len(findings.members) == 1:
        final = spread(findings.baseline.scores("f1", "final").values())
        first = f"{name} reaches F1 {best} at the best epoch and {final} at the last, mean ± deviation (folds)."
    return [*over_all(findings), first, *(difference.sentence for difference in findings.differences)]


def over_all(findings: Findings) -> list[str]:
    """The verdict over all runs, as the Compare page begins with it; nothing for a run alone."""
    top = verdict.best_of(findings.members)
    others = findings.pairs
    if top is not None and top is not findings.baseline:
        others = [pair(member, top) for member in findings.members if member is not top]
    against_top = differences(others, within=findings.within, highest=True)
    sizes = {run_id: run_cost.size.multiply_adds for run_id, run_cost in findings.costs.items()}
    said = verdict.verdict(findings.members, top, against_top, sizes, within=findings.within)
    return [" ".join([said.headline, *said.more])] if said.headline else []


def limits(findings: Findings) -> list[str]:
    """What these numbers cannot say, from the numbers themselves."""
    folds = min((d.interval.n for d in findings.differences if d.interval), default=len(findings.baseline.done))
    lines = [paired.fold_note(folds)] if folds else []
    gaps = []
    for member in findings.members:
        best, final = (np.mean(list(member.scores("f1", which).values()) or [np.nan]) for which in ("best", "final"))
        gaps.append(best - final)
    if np.isfinite(gaps).any():
        worst = paired.signed(float(np.nanmax(gaps))).lstrip("+")
        lower = f": the last epoch's F1 is up to {worst} points lower" if float(worst) > 0 else ""
        lines.append(f"The best epoch is chosen on the validation fold itself, which flatters{lower}.")
    samples = findings.baseline.samples
    if findings.baseline.one_by_one:
        people = pd.Series(pairs.people_of_classes(samples))
    else:
        people = samples.groupby("class_name")["person"].nunique()
    if len(people) and people.min() < SMALL_CLASS:
        smallest = units(int(people.min()), findings.baseline.persons.state)
        lines.append(
            f"Class {people.idxmin()} has only {smallest}; its F1, an equal part of macro F1, rests on "
            f"{'it' if people.min() == 1 else 'them'}."
        )
    seeds = {member.config.training.seed for member in findings.members}
    if len(seeds) == 1:
        lines.append(
            f"Every run was trained with one seed ({min(seeds)}): what another seed would change is not in it."
        )
    versions = again.versions_of(findings)
    if differ := [library for library in starts.LIBRARIES if len(versions.get(library, ())) > 1]:
        lines.append(
            f"The runs were launched with different versions of {listed(differ)} (see How to reproduce): a difference "
            "between them may come from that."
        )
    lines.append(other_losses(findings.members))
    for member in findings.members:
        if unfinished := [state for state in member.states if state.state != "done"]:
            lines.append(
                f"{findings.names[member.id]}: {len(unfinished)} of {len(member.states)} folds are not finished "
                f"({', '.join(sorted({state.state for state in unfinished}))})."
            )
    if doubt := next((m.persons.warning for m in findings.members if m.persons.warning), ""):
        lines.append(f"{doubt} Where they do, scores flatter, and intervals over photos are too narrow.")
    lines.append("People outside this dataset may differ from those in it; cross-validation does not show that.")
    return [line for line in lines if line]
