"""What came out of a study, attribute by attribute, and several networks of one attribute scored as one."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

import streamlit as st

from core.attribute_scores import JointScore, score_together
from core.data import ATTRIBUTES
from core.errors import LabError
from core.runs import Run
from core.study_records import Study
from core.text import plain, spread
from pages.parts import attribute_view, states
from pages.parts.study_view import Moment, Row

SINGLE = ("mask", "gender", "age")  # in the order in which a joint class names them


def section(study: Study, moment: Moment) -> None:
    """Nothing until a fold of a run with several attributes, or of networks that can be joined, is done."""
    rows = {row.run.id: row for row in moment.rows}
    configs = {member.id: member.config for member in study.runs if member.id in rows}
    several = [rows[i] for i, c in configs.items() if len(ATTRIBUTES[c["task"]["name"]]) > 1 and rows[i].number("done")]
    teams = _teams(configs)
    if not several and not teams:
        return
    parts = [attribute_rows(row) for row in several]
    told = []
    for team in teams:
        tasks = tuple(configs[run_id]["task"]["name"] for run_id in team)
        joint = next((row for row in several if tuple(ATTRIBUTES[configs[row.run.id]["task"]["name"]]) == tasks), None)
        told.append(team_row([rows[run_id] for run_id in team], tasks, joint))
    body = [html for html in (*parts, *(html for html, _ in told)) if html]
    if not body:
        return
    states.heading("Attribute by attribute")
    pair = "<th class='lab-edge'>F1</th><th>accuracy</th>"
    st.html(
        '<div class="lab-scroll"><table class="lab-table"><thead><tr class="lab-group"><th></th><th></th>'
        '<th colspan="2" class="lab-edge">best epoch</th><th colspan="2" class="lab-edge">last epoch</th></tr>'
        f'<tr><th>run</th><th class="lab-left">told</th>{pair}{pair}</tr></thead><tbody>{"".join(body)}</tbody></table>'
        "</div>"
    )
    st.caption(
        "An attribute is read from the summed probability of the classes that have it. Several networks are scored on "
        "the photos that all of them hold out: a joint class has the product of their probabilities."
    )
    for fault in {fault for _, fault in told if fault}:
        st.caption(f":material/info: {plain(fault)}")


def attribute_rows(row: Row) -> str:
    """HTML rows, one an attribute; empty when the predictions are gone."""
    found = attribute_view.scores(row.run, [int(f["fold"]) for f in row.folds if f["state"] == "done"])
    if isinstance(found, str):
        return ""
    lines = []
    for place, attribute in enumerate(dict.fromkeys(score.attribute for score in found["best"])):
        cells = ""
        for kind in attribute_view.KINDS:
            own = [score for score in found[kind] if score.attribute == attribute]
            f1, right = spread(score.f1 for score in own), spread(score.accuracy for score in own)
            cells += f'<td class="lab-edge">{f1}</td><td>{right}</td>'
        name = f"{states.dot(row.colour)}{escape(row.name)}" if place == 0 else ""
        lines.append(f'<tr><td>{name}</td><td class="lab-left">{escape(attribute)}</td>{cells}</tr>')
    return "".join(lines)


def team_row(team: Sequence[Row], tasks: Sequence[str], joint: Row | None) -> tuple[str, str]:
    """(an HTML row of several networks scored as one, what went wrong). joint: a run whose classes are counted."""
    try:
        classes = tuple(joint.run.info()["class_names"]) if joint else None
        versions = tuple(
            (str(row.run.dir), tuple(int(f["fold"]) for f in row.folds if f["state"] == "done")) for row in team
        )
        found = {kind: _together(versions, kind, classes) for kind in attribute_view.KINDS}
    except (LabError, OSError, KeyError, ValueError) as error:
        return "", str(error)
    if not found["best"]:
        return "", ""
    cells = ""
    for kind in attribute_view.KINDS:
        f1, right = spread(s.f1 for s in found[kind]), spread(s.accuracy for s in found[kind])
        cells += f'<td class="lab-edge">{f1}</td><td>{right}</td>'
    count = {2: "two", 3: "three"}.get(len(team), str(len(team)))
    title = f"{' + '.join(tasks)}, {count} networks"
    return f'<tr><td>{escape(title)}</td><td class="lab-left">joint</td>{cells}</tr>', ""


@lru_cache(maxsize=64)
def _together(versions: tuple, kind: str, classes: tuple[str, ...] | None) -> list[JointScore]:
    team = [Run(Path(folder).name, Path(folder).parent) for folder, _ in versions]
    return score_together(team, kind, classes)


def _teams(configs: dict[str, dict]) -> list[list[str]]:
    """Run ids of networks of one attribute each that agree in all but their task: mask, gender, age in this order."""
    alike: dict[str, dict[str, list[str]]] = {}
    for run_id, config in configs.items():
        task = config["task"]["name"]
        if task in SINGLE:
            rest = {k: v for k, v in config.items() if k not in ("name", "description", "task")}
            rest["task"] = {k: v for k, v in config["task"].items() if k != "name"}
            alike.setdefault(json.dumps(rest, sort_keys=True, default=str), {}).setdefault(task, []).append(run_id)
    teams = []
    for by_task in alike.values():
        tasks = [task for task in SINGLE if task in by_task]
        if len(tasks) > 1:
            teams += [list(team) for team in itertools.product(*(by_task[task] for task in tasks))]
    return teams
