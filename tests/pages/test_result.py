"""The card of a run that has ended: what it says, and where its buttons lead."""

from dataclasses import replace

import numpy as np
import pytest

from core.runs import FoldState
from pages.parts.run import groups
from tests.answered import CLASSES, answer, made, photo, probabilities_of, table_of
from tests.pages.app import html, labels, page
from tests.pages.trials import make_run

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def judged(folder):
    """Three of four photos of one class are taken for another; F1 of 0.6 and 0.8 in two folds."""
    root = folder / "photos"
    samples = table_of(root)
    wrong = {row: 4 for row in np.flatnonzero(samples["y"] == 1)[:3]}
    for row in wrong:
        photo(root / samples["sample"].iloc[row], row)
    run = made(folder, samples, root=root)
    answer(run, samples, probabilities_of(samples["y"], wrong=wrong))
    for fold, f1 in enumerate((0.6, 0.8)):
        scores = {f"best_{name}": f1 for name in ("f1", "accuracy", "loss")} | {"final_f1": f1 - 0.1}
        run.write_state(FoldState(fold, "done", epoch=1, best_epoch=1, scores=scores))
    return run


def test_a_finished_run_says_its_result_and_what_stands_out(judged):
    at = page("live", run=judged.id)
    markup = html(at)
    assert "macro F1</span> <b>0.700 ± 0.141 over 2 folds</b>" in markup
    assert '0.600 ± 0.141 (2) at the <span class="lab-word"' in markup
    assert f"3 of 4 {CLASSES[1]} taken for {CLASSES[4]}" in markup.replace("&lt;", "<").replace("&gt;", ">")
    assert "3 of 24 photos (12.5%)" in markup
    verbs = ["See the mistakes", "Check the labels", "Compare", "Predict", "Run again"]
    assert [label for label in labels(at) if label in verbs] == verbs


def test_home_runs_and_the_card_tell_one_f1(folder):
    """A fold that still trains is in none of them."""
    run = make_run(folder, states=("done", "done", "running"), run_id="20260101-000000-one-0000")
    scores = [state.scores["best_f1"] for state in run.states()[:2]]
    one = f"{np.mean(scores):.3f} ± {np.std(scores, ddof=1):.3f} (2)"
    with run.fold_lock(2):
        assert f"F1 {one}, finished folds" in html(page("home"))
        live = html(page("live", run=run.id))
    assert one in live and "lab-result" not in live, "it is no result while it trains"


def test_folds_that_failed_are_said_to_be_left_out(folder):
    markup = html(page("live", run=make_run(folder, states=("done", "failed")).id))
    assert "in one fold</b>" in markup and "1 of 2 folds are finished; the others are not in it." in markup
    assert "Predict" not in labels(page("live", run=make_run(folder, "b", states=("done", "failed")).id))


def test_no_number_of_the_card_or_of_the_groups_counts_a_fold_that_was_cancelled(judged):
    """It has answered as far as it came: each resume point publishes what was best until then."""
    judged.write_state(replace(judged.written_state(1), state="cancelled", epoch=2))
    markup = html(page("live", run=judged.id))
    assert "1 of 2 folds are finished; the others are not in it." in markup
    assert "2 of 12 photos (16.7%)" in markup and "of 24 photos" not in markup
    assert f"2 of 2 {CLASSES[1]} taken for {CLASSES[4]}" in markup.replace("&lt;", "<").replace("&gt;", ">")
    assert sum(group.photos for group in groups.scores_of(judged) if group.attribute == "gender") == 12
    judged.write_state(replace(judged.written_state(1), state="done", epoch=1))
    assert "3 of 24 photos (12.5%)" in html(page("live", run=judged.id))


def test_a_run_of_which_nothing_is_done_has_no_card_and_can_be_run_again(folder):
    at = page("live", run=make_run(folder, states=("failed", "failed")).id)
    assert "lab-result" not in html(at) and labels(at).count("Run again") == 1
