"""What came out of a study, attribute by attribute, and several networks of one attribute scored as one."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

import streamlit as st

from core.answers.attribute_scores import AttributeScore, JointScore, attributes_together, score_together
from core.config.parts import TaskConfig
from core.data.readers.attributes import ATTRIBUTES
from core.data.tasks import CHOSEN, MOST_COMBINATIONS, attributes_of
from core.errors import LabError
from core.runs import Run
from core.studies.records import Study
from core.text import plain, spread
from pages.parts.keys import glossary
from pages.parts.run.attributes import KINDS, scores_of
from pages.parts.shared import badges, theme
from pages.parts.studies.view import Row, StudyStatus

SAME_WHOEVER = ("name", "description", "task")  # of a configuration: networks of a team may differ in them
OWN_TO_TASK = ("name", "attributes", "limits")  # of a task, likewise


def section(study: Study, status: StudyStatus) -> None:
    """Nothing until a fold of a run with several attributes, or of networks that can be joined, is done."""
    rows = {row.run.id: row for row in status.rows}
    configs = {member.id: member.config for member in study.runs if member.id in rows}
    tasks_of = {run_id: TaskConfig.model_validate(config["task"]) for run_id, config in configs.items()}
    told_by = {run_id: attributes_of(task) for run_id, task in tasks_of.items() if not task.one_by_one}
    several = [rows[run_id] for run_id, names in told_by.items() if len(names) > 1 and rows[run_id].number("done")]
    body, faults = [one_network(row) for row in several], set()
    for team in _teams(configs, told_by, [row.run.id for row in several]):
        tasks = tuple(told_by[run_id][0] for run_id in team)
        are_chosen = any(tasks_of[run_id].name == CHOSEN for run_id in team)  # classes are named in another way then
        alike = [row for row in several if (tasks_of[row.run.id].name == CHOSEN) == are_chosen]
        joint = next((row for row in alike if told_by[row.run.id] == tasks), None)
        try:
            body.append(several_networks([rows[run_id] for run_id in team], tasks, joint))
        except (LabError, OSError, KeyError, ValueError) as error:
            faults.add(str(error))
    if not any(body) and not faults:
        return
    theme.heading("Joint classes and each attribute")
    pair = "<th class='lab-edge'>F1</th><th class='lab-spare'>accuracy</th>"
    st.html(
        '<div class="lab-scroll"><table class="lab-table"><thead><tr class="lab-group"><td colspan="2"></td>'
        '<th class="lab-edge">best epoch</th><td class="lab-spare"></td>'
        '<th class="lab-edge">last epoch</th><td class="lab-spare"></td></tr>'
        f'<tr><th>run</th><th class="lab-left">scored on</th>{pair}{pair}</tr></thead><tbody>{"".join(body)}</tbody>'
        "</table></div>"
    )
    st.caption(
        "An attribute is read from the summed probability of the classes that have it. Several networks are scored on "
        "the photos that all of them hold out: a joint class has the product of their probabilities. Mean ± deviation "
        "over finished folds, their number in brackets."
    )
    for fault in sorted(faults):
        st.caption(f":material/info: {plain(fault)}")


def one_network(row: Row) -> str:
    """HTML rows of one network, joint or factored: the joint classes, then each attribute."""
    attributes = scores_of(row.run, _done(row))
    if isinstance(attributes, str):
        return ""  # its predictions are gone; the matrix still tells its scores
    joint = {
        kind: [
            JointScore(int(fold["fold"]), fold["scores"][f"{kind}_accuracy"], fold["scores"][f"{kind}_f1"], 0)
            for fold in row.folds
            if fold["state"] == "done" and fold.get("scores")
        ]
        for kind in KINDS
    }
    return _lines(f"{badges.dot(row.colour)}{escape(row.name)}", joint, attributes)


def several_networks(team: Sequence[Row], tasks: Sequence[str], joint: Row | None) -> str:
    """HTML rows of networks of one attribute each, scored as one. joint: a run whose classes are counted."""
    if joint is None and math.prod(len(row.run.info()["class_names"]) for row in team) > MOST_COMBINATIONS:
        return ""
    versions = tuple((str(row.run.dir), _written(row)) for row in team)
    classes = tuple(joint.run.info()["class_names"]) if joint else None
    merge = joint.run.config().task.merge if joint else {}
    members = tuple((name, tuple(of_class)) for name, of_class in merge.items())
    scores = {kind: _together(versions, kind, classes, members) for kind in KINDS}
    if not scores["best"][0]:
        return ""
    count = {2: "two", 3: "three"}.get(len(team), str(len(team)))
    title = escape(f"{' + '.join(tasks)}, {count} networks")
    joint_scores = {kind: joint for kind, (joint, _) in scores.items()}
    return _lines(title, joint_scores, {kind: attributes for kind, (_, attributes) in scores.items()})


def _done(row: Row) -> list[int]:
    return [int(fold["fold"]) for fold in row.folds if fold["state"] == "done"]


def _written(row: Row) -> tuple[tuple[int, int], ...]:
    """(fold, time) of the predictions of finished folds: a run that is made anew under its id has new ones."""
    files = [(fold, row.run.predictions_file(fold, kind)) for fold in _done(row) for kind in KINDS]
    return tuple((fold, path.stat().st_mtime_ns if path.is_file() else 0) for fold, path in files)


def _lines(title: str, joint: dict[str, list[JointScore]], attributes: dict[str, list[AttributeScore]]) -> str:
    """title: HTML. joint, attributes: 'best' and 'final' scores, one a fold (and attribute)."""
    rows = {"joint": joint} | {
        name: {kind: [s for s in attributes[kind] if s.attribute == name] for kind in KINDS}
        for name in dict.fromkeys(s.attribute for s in attributes["best"])
    }
    lines = []
    for place, (name, scores) in enumerate(rows.items()):
        cells = "".join(
            f'<td class="lab-edge">{spread(s.f1 for s in scores[kind])}</td>'
            f'<td class="lab-spare">{spread(s.accuracy for s in scores[kind])}</td>'
            for kind in KINDS
        )
        first = title if place == 0 else ""
        what = glossary.word(name) if name == "joint" else escape(name)
        lines.append(f'<tr><td>{first}</td><td class="lab-left">{what}</td>{cells}</tr>')
    return "".join(lines)


@lru_cache(maxsize=64)
def _together(
    versions: tuple, kind: str, classes: tuple[str, ...] | None, merge: tuple[tuple[str, tuple[str, ...]], ...]
) -> tuple[list[JointScore], list[AttributeScore]]:
    team = [Run(Path(folder).name, Path(folder).parent) for folder, _ in versions]
    return score_together(team, kind, classes, dict(merge)), attributes_together(team, kind)


def _teams(configs: dict[str, dict], told_by: dict[str, tuple[str, ...]], several: Sequence[str]) -> list[list[str]]:
    """Run ids of networks of one attribute each that agree in all but their task: in the order of a run of several
    attributes that they add up to, and all of them together.

    told_by: run id -> its attributes, of runs whose attributes make one class. several: ids of those with several.
    """
    alike: dict[str, dict[str, list[str]]] = {}
    for run_id, config in configs.items():
        if len(told_by.get(run_id, ())) == 1 and told_by[run_id] != ("label",):
            rest = {key: setting for key, setting in config.items() if key not in SAME_WHOEVER}
            rest["task"] = {key: setting for key, setting in config["task"].items() if key not in OWN_TO_TASK}
            same = alike.setdefault(json.dumps(rest, sort_keys=True, default=str), {})
            same.setdefault(told_by[run_id][0], []).append(run_id)
    teams: dict[tuple[str, ...], None] = {}
    for by_attribute in alike.values():
        usual = [name for name in ATTRIBUTES if name in by_attribute]
        together = tuple([*usual, *(name for name in by_attribute if name not in usual)])
        for names in dict.fromkeys([*(told_by[run_id] for run_id in several), together]):
            if len(names) > 1 and set(names) <= set(by_attribute):
                teams |= dict.fromkeys(itertools.product(*(by_attribute[name] for name in names)))
    return [list(team) for team in teams]
