"""Datasets of any attributes, from their folder to a finished run: its mistakes, its maps and its report."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from core.answers import mistakes
from core.answers.group_scores import GroupScore
from core.answers.mistakes import Filter
from core.config.parts import DataConfig
from core.data.persons import Persons
from core.data.scan import scan
from core.data.tasks import class_names
from core.data.thumbnails import SQUARES
from core.inside import face_maps
from core.inside.face_maps import MapRequest
from core.report import faces, gather, render
from core.report import groups as report_groups
from core.report import maps as report_maps
from core.report.blocks import Bullets, Table
from core.stats.paired import Interval
from tests.answered import judged
from tests.fold_runs import make_run
from tests.tables_of_people import AGES, RACES, fairface, hair

pytestmark = pytest.mark.usefixtures("narrow")

RANGES = {"name": "attributes", "attributes": ["age_group"], "merge": {"child": ["0-2", "3-9"]}}
HAIR = {"name": "attributes", "attributes": ["hair", "smiling", "height_cm"], "limits": {"height_cm": [170]}}


def test_ranges_of_age_from_two_tables_are_ordered_groups(tmp_path):
    scanned = scan(DataConfig(root=str(fairface(tmp_path / "faces"))), threads=1)
    assert list(scanned.attributes["age_group"].counts) == AGES and scanned.attributes["age_group"].ordered
    assert list(scanned.attributes["race"].counts) == sorted(RACES), "an underscore in a value stays"
    assert scanned.attributes["service_test"].counts == {"no": 18, "yes": 36}
    assert len(scanned.samples) == 54 and scanned.problems.empty


@pytest.mark.parametrize(
    ("make", "task", "told", "value"),
    [
        (fairface, RANGES, {"gender", "race", "service_test"}, ("race", "Latino_Hispanic")),
        (hair, HAIR, {"hair", "smiling", "height_cm"}, ("height_cm", ">=170")),
    ],
)
def test_a_dataset_of_any_attributes_goes_from_its_folder_to_mistakes_maps_and_a_report(
    tmp_path, make, task, told, value
):
    run = judged(make_run(tmp_path / "runs", make(tmp_path / "photos"), reader="csv", task=task))
    names = run.info()["class_names"]
    assert names == class_names(run.config().task, run.samples()) and names[0] in ("child", "dark + smiling no + <170")
    answers = mistakes.load_answers(run)
    assert set(answers.groups) - {"age_group"} == told
    rows = mistakes.select(answers, Filter(answer="all", groups=(value,)))
    assert (answers.groups[value[0]].iloc[rows] == value[1]).all() and 0 < len(rows) < len(answers.table)
    sample = answers.table["sample"].iloc[rows[0]]
    (face,) = face_maps.held_out(run, [sample], MapRequest(layers=("layer4",))).faces
    assert face.maps.shape[0] == 1 and np.isfinite(face.maps).all() and face.held_out
    report = gather.gather([run], maps=True)
    (section,) = (part for part in report.sections if part.title == "Groups")
    (words,) = (block for block in section.blocks if isinstance(block, Bullets))
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert words.lines[0].startswith(("None of ", "Answered worse than the others: "))
    shares = {row[0]: float(row[2]) for row in table.rows}
    right = answers.table["right"].iloc[rows].mean()
    assert shares[f"{value[0]}: {value[1]}"] == pytest.approx(right, abs=5e-4)
    assert "Groups" in render.html(report) and value[1].replace(">", "&gt;") in render.html(report)


def test_a_map_of_a_report_says_in_a_word_how_far_to_trust_it(tmp_path, monkeypatch):
    monkeypatch.setattr(faces, "FACES", 1)  # two mistakes
    run = judged(make_run(tmp_path / "runs", fairface(tmp_path / "photos"), reader="csv", task=RANGES))
    report = gather.gather([run], maps=True, trust=True)
    maps = [
        of_face
        for part in report.sections
        for block in part.blocks
        for face in getattr(block, "faces", ())
        for of_face in face.maps
    ]
    beneath, overlay = [], report_maps.overlay
    monkeypatch.setattr(report_maps, "overlay", lambda photo, *of: (beneath.append(photo), overlay(photo, *of))[1])
    gather.gather([run], maps=True, photos="blurred")
    assert beneath and all(len(np.unique(photo.reshape(-1, 3), axis=0)) <= SQUARES**2 for photo in beneath)
    assert maps and {each.trust for each in maps} <= {"trust", "doubt", "no trust", "no heat"}
    assert all(each.figures for each in maps)
    named = f'<details class="trust {maps[0].trust.replace(" ", "-")}"><summary>{maps[0].trust}</summary>'
    assert named in render.html(report)
    assert f": {maps[0].trust}" in render.markdown(report) and "not measured here" not in render.markdown(report)


def test_groups_of_several_runs_are_cut_aloud_and_a_group_that_one_of_them_fails_on_is_not(monkeypatch):
    """Each run is further from the others on a group of its own than on all else."""

    def scores(failing):
        """Of 70 groups."""
        values = [f"{value:02d}" for value in range(70)]
        gaps = [-0.3 if value == failing else value / 1000 for value in range(70)]
        gaps = [Interval(gap, gap - 0.1, gap + 0.1, 0.5, 20) for gap in gaps]
        return [GroupScore("town", value, 9, 9, 0.7, 0.7, gap, 0.5) for value, gap in zip(values, gaps, strict=True)]

    of_runs = {"first": scores(0), "second": scores(1)}
    monkeypatch.setattr(report_groups.mistakes, "load_answers", lambda run, folds: run)
    monkeypatch.setattr(report_groups.group_scores, "of_answers", of_runs.__getitem__)

    def table(*names):
        persons = Persons(9, 9, 9)
        members = [SimpleNamespace(id=n, run=n, one_by_one=False, done=(0,), persons=persons) for n in names]
        findings = SimpleNamespace(members=members, names={n: n for n in names}, baseline=members[0])
        return report_groups.section(findings).blocks[1]

    together, alone = table("first", "second"), table("first")
    for drawn in (together, alone):
        assert len(drawn.rows) == report_groups.MOST and "Shown are the 60 groups furthest" in drawn.note
    assert [row[0] for row in together.rows[:3]] == ["town: 00", "town: 01", "town: 12"]
    assert together.head == ("group", "photos", "first", "second") and together.rows[0][1:] == (
        "9",
        "0.700",
        "0.700",
    )
    of_runs["second"] = [replace(each, photos=5) for each in of_runs["second"]]
    apart = table("first", "second")
    assert apart.head == ("group", "first", "second") and apart.rows[0][1:] == ("0.700 of 9", "0.700 of 5")
    assert "over each run's finished folds" in apart.note
