"""How sure is it: on a run's page, computed when it is opened."""

import pytest

from core.answers import certainty
from pages.parts.run import certainty as section
from tests.answered import made, probabilities_of, table_of
from tests.pages.app import captions, html, page

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def run(folder):
    table = table_of(folder / "photos", people=60, folds=3, photos=2).assign(person_known=True)
    wrong = {row: (row * 5 + 1) % 6 for row in range(0, 120, 4)}
    return made(folder, table, probabilities=probabilities_of(table["y"].to_numpy(), 0, wrong, 0.6))


def opened(run):
    return page("live", session={f"live-sure-{run.id}": True}, run=run.id)


def test_nothing_is_computed_before_it_is_opened_and_all_of_it_then(run, monkeypatch):
    asked = []
    load = certainty.load
    monkeypatch.setattr(certainty, "load", lambda *of: asked.append(of) or load(*of))
    at = page("live", run=run.id)
    assert not asked and [box.label for box in at.expander if box.label == section.TITLE]
    at = opened(run)
    assert not at.exception and asked
    drawn, words = html(at), captions(at) + "\n".join(each.value for each in at.markdown)
    for title in ("Class by class", "Can its probabilities be believed?", "Answering only when it is sure"):
        assert title in drawn
    assert "female &lt;30" in drawn and "mean of all" in drawn and "each fold, as it says" in drawn
    for sentence in ("On average the networks are", "temperature for each fold", "No threshold can be promised"):
        assert sentence in words.replace("\\", "")
    assert "true class in the set" in drawn


def test_another_accuracy_another_set_and_the_values_of_an_attribute(run):
    at = opened(run)
    at.slider(key="live-sure-accuracy").set_value(55.0).run()
    assert "Answer from a confidence of" in "\n".join(each.value for each in at.markdown)
    at.segmented_control(key="live-sure-alpha").set_value(0.2).run()
    assert "for 80% of photos of new people" in "\n".join(each.value for each in at.markdown).replace("\\", "")
    at.segmented_control(key="live-sure-of").set_value("gender").run()
    assert "<th>gender</th>" in html(at) and "<td>female</td>" in html(at)
    at.segmented_control(key="live-sure-which").set_value("final").run()
    assert not at.exception and "was chosen on the same held-out photos" not in captions(at)


def test_names_of_classes_are_text(folder):
    names = ["<b>bold</b>", "**strong** $x$"]
    table = table_of(folder / "photos", people=18, folds=2)
    table = table.assign(y=table.index % 2, class_name=[names[row % 2] for row in table.index])
    p = probabilities_of(table["y"].to_numpy(), 0, {1: 0, 3: 0, 5: 0, 7: 0, 9: 0, 11: 0}, 0.6, classes=2)
    at = opened(made(folder, table, probabilities=p, names=names, task={"name": "label"}))
    assert "&lt;b&gt;bold&lt;/b&gt;" in html(at) and "<b>bold" not in html(at)
    words = captions(at) + "\n".join(each.value for each in at.markdown)
    assert "Fewer than 10 photos have" in words and "\\*\\*strong" in words
    assert "**strong" not in words


def test_predictions_that_are_damaged_are_told_in_words(run):
    run.predictions_file(1, "best").write_bytes(b"no parquet")
    at = opened(run)
    assert not at.exception and f"{run.id}: folds/1/predictions_best.parquet is damaged" in html(at)


def test_a_run_without_a_finished_fold_has_no_such_section(run):
    for fold in run.folds():
        run.state_file(fold).unlink()
    assert not [box for box in page("live", run=run.id).expander if box.label == section.TITLE]
