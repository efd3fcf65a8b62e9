"""Who launched what, as a report tells it."""

from types import SimpleNamespace

import pytest

from core.config.run_config import TaskConfig
from core.report import numbers, sections
from tests.people import ANNA, acting
from tests.yes_no_runs import told_by_few


def line(*whose):
    members = [SimpleNamespace(id=f"run{n}", info={"by": name} if name else {}) for n, name in enumerate(whose)]
    return sections._launched(SimpleNamespace(members=members, names={each.id: each.id.upper() for each in members}))


@pytest.mark.parametrize("whose", [("",), ("anna",), ("anna", "anna"), ("anna", ""), ("", "")])
def test_a_lab_of_one_person_says_nothing_of_people(whose):
    assert line(*whose) == ""


@pytest.mark.parametrize(
    ("unusable", "off_task", "words"),
    [
        (0, 0, "No file was left out."),
        (1, 0, "1 unreadable or unusable file was left out."),
        (
            2,
            1,
            "2 unreadable or unusable files were left out. 1 photo of the dataset is not used: the task mask leaves it "
            "out, or a label that it needs lacks.",
        ),
    ],
)
def test_what_a_run_did_not_use_has_its_reason(unusable, off_task, words):
    assert sections._left_out({"left_out": unusable, "dropped": off_task}, TaskConfig(name="mask")) == words


def test_where_several_people_are_it_is_told_who_launched_what(monkeypatch):
    assert line("anna", "bert", "anna") == "Launched: RUN0, RUN2 by anna; RUN1 by bert."
    acting(monkeypatch, ANNA)
    assert line("anna", "anna") == "Launched by anna."
    assert line("anna", "") == "Launched: RUN0 by anna; RUN1 by nobody known."
    assert line("", "") == ""


def test_an_attribute_that_no_finished_fold_tells_has_dashes_and_stands_last(tmp_path):
    run = told_by_few(tmp_path, fold=0)
    member = SimpleNamespace(run=run, done=(0,), config=run.config())
    table = numbers._of_attributes(member, "first")
    assert [row[0] for row in table.rows] == ["Smiling", "Young"] and table.rows[1][1:] == ("–",) * 6 + ("0",)
    assert table.note.endswith(f"mean F1 of yes {table.rows[0][2]}.")
