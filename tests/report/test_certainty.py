"""The section of a report about how sure runs may be believed to be."""

import shlex

import pytest

from core.answers import certainty
from core.report import certainty as section
from core.report.blocks import Bullets, Figure, Table
from core.report.findings import compare_runs
from tests.answered import made, probabilities_of, table_of
from tests.photos import draw
from tests.yes_no_runs import finished, planned


@pytest.fixture
def runs(tmp_path):
    table = table_of(tmp_path, people=36, folds=3).assign(person_known=True)
    wrong = {row: (row + 2) % 6 for row in range(0, 36, 5)}
    p = probabilities_of(table["y"].to_numpy(), 0, wrong, 0.6)
    return [made(tmp_path / "runs", table, name=name, probabilities=p) for name in ("first", "second")]


def blocks(of, kind):
    return [block for block in of.blocks if isinstance(block, kind)]


def test_a_run_alone_is_told_class_by_class_and_in_sentences(runs):
    told = section.section(compare_runs(runs[:1]))
    overview, classes, *attributes = blocks(told, Table)
    sure = certainty.load(runs[0])
    assert overview.rows[0][0] == "first" and f"{sure.before.error.mean:.3f}" in overview.rows[0][1]
    assert [row[0] for row in classes.rows] == [*sure.classes.names, "mean of all"]
    assert f"{sure.classes.lines[1].f1.mean:.3f}" in classes.rows[1][4]
    assert [table.head[0] for table in attributes] == ["gender", "age"]
    sentences, doubts = blocks(told, Bullets)
    assert any("temperature for each fold" in line for line in sentences.lines)
    assert any("36 people make all of this rough" in line for line in doubts.lines) and doubts.warn
    assert len(blocks(told, Figure)) == 1


def test_several_runs_have_a_row_each_and_what_cannot_be_read_is_named(runs):
    runs[1].predictions_file(0, "best").write_bytes(b"no parquet")
    told = section.section(compare_runs(runs))
    (overview,) = blocks(told, Table)
    assert [row[0] for row in overview.rows] == ["first"]
    (notes,) = blocks(told, Bullets)
    assert notes.warn and f"second: {runs[1].id}: folds/0/predictions_best.parquet is damaged" in notes.lines[0]


@pytest.mark.usefixtures("narrow")
def test_the_command_for_one_of_many_attributes_is_read_by_a_shell_whatever_it_is_called(tmp_path, runs_folder):
    lines = ["image,Wears a hat,Young"]
    for number in range(16):
        draw(tmp_path / f"photos/{number}.jpg", (15 * number, 80, 60))
        lines.append(f"{number}.jpg,{number % 2},{number // 2 % 2}")
    (tmp_path / "photos/labels.csv").write_text("\n".join(lines) + "\n")
    task = {"name": "attributes", "together": "each", "attributes": ["Wears a hat", "Young"]}
    run = finished(planned(tmp_path / "photos", task=task), runs_folder)
    (notes,) = blocks(section.section(compare_runs([run])), Bullets)
    command = notes.lines[0].partition("its page or with ")[2].removesuffix(".")
    assert shlex.split(command) == ["python", "-m", "core", "certainty", f"{run.id}:Wears a hat"]
