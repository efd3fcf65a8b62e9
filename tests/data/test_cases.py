"""Datasets as people have them: what each must give is one line of CASES, on the command line and on the page."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.cli import main as cli
from core.config.parts import DataConfig
from core.places import HOME
from tests.data.cases import DRAWINGS

PAGE = HOME / "pages" / "data.py"
AB_33, CAT_DOG = {"a": 3, "b": 3}, {"cat": 3, "dog": 3}


@dataclass(frozen=True)
class Case:
    """What must come out of a dataset.

    label: the classes with their photos. people: how many where all are known, else None. test, unlabelled: set aside.
    tells, asks: words that must stand in what is told (facts, problems), and in a question. bad: entries that cannot be
    used. settings: of the reading. refused: words of the error where nothing can be read.
    """

    label: dict[str, int] = field(default_factory=dict)
    people: int | None = None
    test: int = 0
    unlabelled: int = 0
    tells: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    bad: int = 0
    others: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    refused: str = ""


CASES = [
    (
        "labelled-train-flat-test",
        Case(CAT_DOG, unlabelled=2, tells=("2 photos have no label", "for prediction")),
    ),
    ("stray-picture", Case(CAT_DOG, tells=("1 picture", "assets/logo.png"))),
    (
        "three-labelled-splits",
        Case({"cat": 6, "dog": 6}, test=6, tells=("never trained on", "train/ and valid/ (12")),
    ),
    (
        "three-labelled-splits",
        Case({"cat": 9, "dog": 9}, tells=("test/",), settings={"test_set": "pool"}),
    ),
    ("split-column", Case(AB_33, test=2, tells=("split", "never trained on"))),
    ("person-is-a-folder", Case({"ill": 6, "well": 6}, asks=("6 folders", "person"))),
    ("person-is-a-folder", Case({"ill": 6, "well": 6}, people=6, settings={"persons": "folder"})),
    ("no-person-column", Case(AB_33, asks=("'id'", "person"))),
    ("no-person-column", Case(AB_33, settings={"person_column": "none"})),
    ("no-person-column", Case(AB_33, settings={"persons": "none"})),
    ("names-without-suffix", Case(AB_33, tells=("labels.csv", "images/000.jpg"))),
    ("paths-of-another-machine", Case({"a": 2, "b": 2}, tells=("3 file names", "faces/0.jpg"))),
    ("wrong-case", Case({"a": 2, "b": 2}, tells=("4 file names", "case"))),
    (
        "no-header",
        Case({"a": 2, "b": 2}, tells=("no line of column names",), asks=("'column 2' is taken for the class",)),
    ),
    (
        "words-for-nothing",
        Case({"a": 2, "b": 1}, unlabelled=3, tells=("3 photos have no label", "'nan' 1")),
    ),
    ("chinese-excel", Case({"狗": 2, "猫": 2}, asks=("gb18030", "cp949", "챔"))),
    ("chinese-excel", Case({"狗": 2, "猫": 2}, settings={"encoding": "gb18030"})),
    (
        "several-attributes",
        Case(
            others={
                "hair": {"dark": 4, "fair": 4, "red": 4},
                "smiling": {"no": 6, "yes": 6},
                "height_cm": {"min": 150.0, "max": 205.0, "photos": 12},
            },
        ),
    ),
    ("below-a-top-folder", Case({"a": 2, "b": 2}, asks=("'breed' is taken for the class",))),
    ("network-storage", Case(CAT_DOG, tells=("@eaDir",))),
    ("links", Case(refused="ollow links")),
    ("links", Case(CAT_DOG, tells=("link",), settings={"follow_links": True})),
    ("two-ways-to-write", Case({"café": 4, "thé": 3}, tells=("two ways",))),
    ("one-rare-class", Case({"common": 12, "rare": 3, "usual": 12})),
    ("twelve-bit", Case(AB_33, tells=("12 bits", "4,095 is white"))),
    ("phone", Case(AB_33, bad=2, tells=("HEIC", "lacks the end"))),
    ("phone", Case({"a": 3, "b": 4}, bad=1, tells=("HEIC", "used as"), settings={"truncated": "keep"})),
]


def parameters():
    for name, expected in CASES:
        given = "".join(f"-{key}" for key in expected.settings)
        yield pytest.param(name, expected, id=f"{name}{given}")


@pytest.fixture
def scan_json(monkeypatch, capsys, runs_folder):
    """scan_json(root, settings) -> (exit code, what the command line wrote, what it said of an error)."""

    def call(root, settings):
        words = [word for key, value in settings.items() for word in ("--set", f"data.{key}={json.dumps(value)}")]
        monkeypatch.setattr(sys, "argv", ["core", "scan", str(root), "--json", *words])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        return code, *capsys.readouterr()

    return call


def page_of(root, settings) -> tuple[str, set[str]]:
    """(all words, the settings that have a control) of the Data page for a dataset that is read so."""
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    page.query_params["root"] = str(root)
    page.query_params["view"] = "problems"
    page.session_state["groups_open"] = {"labels-data-choice"}
    page.session_state["data-choice"] = DataConfig(root=str(root), **settings).model_dump(mode="json")
    page.run()
    assert not page.exception
    words = [element.value for element in (*page.markdown, *page.caption, *page.error)]
    words += [element.proto.body for element in page.get("html")]
    controls = (*page.selectbox, *page.multiselect, *page.text_input, *page.number_input, *page.checkbox)
    settable = {control.key.rpartition(".")[2].partition("~")[0] for control in controls if control.key}
    return " ".join(words).replace("\\", "").replace("\u200b", ""), settable


@pytest.mark.parametrize(("name", "expected"), list(parameters()))
def test_what_people_have_is_understood_or_asked_about(tmp_path, monkeypatch, scan_json, name, expected):
    monkeypatch.setenv("FACET_DEMO", str(tmp_path / "demo"))
    root = tmp_path / name
    root.mkdir()
    DRAWINGS[name](root)
    code, out, err = scan_json(root, expected.settings)
    page, settable = page_of(root, expected.settings)
    if expected.refused:
        assert (code, out) == (1, "")
        assert expected.refused in err and expected.refused in page
        return
    record = json.loads(out)
    assert record["attributes"] == ({"label": expected.label} if expected.label else expected.others)
    assert record["photos"] == (sum(expected.label.values()) or 12)
    assert record["persons"] == {"known": expected.people is not None, "count": expected.people or 0}
    assert record["set_aside"] == {"test": expected.test, "unlabelled": expected.unlabelled}
    bad = [problem for problem in record["problems"] if problem["severity"] == "error"]
    assert (len(bad), code) == (expected.bad, 1 if expected.bad else 0)
    told = [fact["text"] for fact in record["facts"]] + [" ".join(problem.values()) for problem in record["problems"]]
    asked = [fact["text"] for fact in record["facts"] if fact["probable"]]
    assert not [word for word in expected.tells if word not in " ".join(told)]
    assert not [word for word in expected.asks if word not in " ".join(asked)]
    assert bool(asked) == bool(expected.asks), asked
    assert not [fact["text"] for fact in record["facts"] if fact["text"].replace("\\", "") not in page]
    named = {setting for fact in record["facts"] for setting in fact["settings"]} - {"leave_out_problems"}  # on Launch
    assert named <= settable, "each fact names settings that have a control"


def test_every_kind_of_dataset_has_its_line():
    assert {name for name, _ in CASES} == set(DRAWINGS)
    assert len(DRAWINGS) == 20
