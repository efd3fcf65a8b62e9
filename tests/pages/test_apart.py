"""The test set on a run's page: a button that says which look it is, the score once asked for, and a count."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.answers import ensemble_scores
from core.inside import fold_models
from core.runs import FoldState, Run, looks
from core.storage import files
from pages.parts.run import apart
from tests.answered import CLASSES, copied, judged, made, photo, probabilities_of, table_of
from tests.pages.app import button, html, labels, page
from tests.pages.app import captions as markdown
from tests.pages.trials import make_run


def captions(at):
    return markdown(at).replace("\\", "")  # as a person reads them


pytestmark = pytest.mark.usefixtures("folder", "narrow")


def drawn_test_photos(root, people=6):
    """Two test photos of each person, drawn, with what the scan knows of their files."""
    table = table_of(root, people=people, photos=2).drop(columns="fold").assign(person_known=True)
    table["sample"] = "test/" + table["sample"]
    for row in table.itertuples():
        photo(root / row.sample, seed=row.Index)
    paths = [root / sample for sample in table["sample"]]
    sizes = [path.stat().st_size for path in paths]
    times = [path.stat().st_mtime_ns for path in paths]
    return table.assign(path=[str(path) for path in paths], bytes=sizes, mtime_ns=times)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of two folds that can answer, with twelve test photos of six people."""
    root = tmp_path_factory.mktemp("apart")
    samples = table_of(root / "photos", people=12)
    for row in samples.itertuples():
        photo(root / "photos" / row.sample, seed=100 + row.Index)
    run = judged(made(root, samples, root=root / "photos"))
    drawn_test_photos(root / "photos").to_parquet(run.test_file, index=False)
    return run


@pytest.fixture
def run(finished, folder):
    """Its copy, which a test may score and damage."""
    yield copied(finished, folder)
    fold_models.free()


def ask(run):
    (asked,) = [label for label in labels(page("live", run=run.id)) if label.startswith("Score the test set")]
    return asked


def test_the_score_is_shown_once_asked_for_and_each_session_that_asks_is_a_look(run):
    at = page("live", run=run.id)
    assert "Test set: 12 photos of 6 people, never trained on" in html(at)
    assert "Not looked at yet. A test set that chooses between runs is no test set any more" in captions(at)
    assert "ensemble of 2 folds" not in html(at) and not run.test_looks_file.exists()
    button(at, "Score the test set (never trained on; look 1)").click().run()
    assert not at.exception
    shown = html(at)
    assert "ensemble of 2 folds" in shown and "fold 1 alone" in shown and "what the ensemble brings" in shown
    assert "Looked at once" in captions(at) and "over people of the test set" in captions(at)
    assert not [label for label in labels(at) if label.startswith("Score the test set")]
    at.run().run()
    assert html(at) == shown and len(looks.times(run)) == 1, "reruns of the page are no further looks"
    assert ask(run) == "Score the test set (never trained on; look 2)", "another session has not seen it"
    assert len(looks.times(run)) == 1
    assert files.read_json(run.test_looks_file)["looks"][0]["by"] == "page"
    other = Run("20260101-000000-other-0000", run.dir.parent)
    other.dir.mkdir()
    shutil.copy(run.test_file, other.test_file)
    looks.add(other, "command line")
    assert ask(run) == "Score the test set (never trained on; look 2 of this run, the third at these test photos)"


def test_what_cannot_be_scored_is_told_and_counts_no_look(run):
    run.weights_file(0, "best").unlink()
    at = page("live", run=run.id)
    button(at, "Score the test set (never trained on; look 1)").click().run()
    assert "best weights of fold 0 are gone" in html(at) and not run.test_looks_file.exists()
    assert ask(run).endswith("look 1)")


def test_a_score_that_cannot_be_counted_is_not_shown(run):
    run.test_looks_file.write_text("garbage")
    at = page("live", run=run.id)
    assert "test_looks.json is damaged" in html(at)
    assert not [label for label in labels(at) if label.startswith("Score the test set")]


def test_while_a_fold_is_missing_the_test_set_is_named_and_cannot_be_scored(run):
    run.write_state(FoldState(1, "failed", reason="diverged.", remedy="Lower the rate."))
    at = page("live", run=run.id)
    assert "Test set: 12 photos of 6 people" in html(at)
    assert "once every fold is done" in captions(at)
    assert not [label for label in labels(at) if label.startswith("Score the test set")]


def test_a_run_without_test_photos_says_nothing_of_them(folder):
    at = page("live", run=make_run(folder).id)
    assert "Test set" not in html(at) and "test set" not in captions(at)


def test_what_was_left_out_at_the_launch_is_said(folder):
    why = {"photos": 2, "unknown": {"<b>violet</b>": 3}, "copies": 1, "people_shared": 2}
    run = make_run(folder, info={"test": why})
    drawn_test_photos(folder / "photos", people=1).to_parquet(run.test_file, index=False)
    words = captions(page("live", run=run.id))
    assert "3 test photos are left out, of a class that the run does not tell: <b>violet</b> 3." in words
    assert "1 test photo is left out" in words and "2 people of the test set are in photos that are trained on" in words


def test_names_of_classes_are_text_in_the_matrix():
    names = ["<script>a</script>", *CLASSES[1:]]
    labels_of = np.arange(12) % 6
    shares = np.stack([probabilities_of(labels_of.tolist(), wrong={0: 1})])
    photos = table_of(Path("photos"), people=12)
    markup = apart.confusion_html(ensemble_scores.score(shares, labels_of, photos, names))
    assert "<script>" not in markup and "&lt;script&gt;" in markup
    assert markup.count("<b>2</b>") == 5 and markup.count("<b>1</b>") == 1
