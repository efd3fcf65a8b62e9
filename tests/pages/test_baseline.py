"""What training earned: asked for on a run's page or in Compare, said on card, curves and in the report."""

import pytest

from core.figures import curves
from core.inside import first_weights
from core.report import gather
from core.report.blocks import Bullets
from core.runs import Run
from core.runs.metrics_file import read_metrics
from pages.parts.baseline import asking
from pages.parts.shared import frame
from tests.compared import make_run, samples
from tests.frozen_runs import keep
from tests.pages.app import button, captions, html, labels, page


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return samples(tmp_path_factory.mktemp("baseline"), people=60, photos=2, draw=True)


@pytest.fixture
def run(folder, table, monkeypatch):
    """Without a network: measuring it keeps what is drawn."""

    def measured(run, progress):
        progress("photos seen", 30, 120)
        return keep(run, table, 0.3)

    monkeypatch.setattr(first_weights, "measure", measured)
    return make_run(folder, table, "first", skill=0.95, run_id="20260101-000000-first-0000")


def opened(run):
    return page("live", session={f"live-baseline-{run.id}": True}, run=run.id)


def test_a_click_computes_it_and_card_curves_and_report_say_what_training_earned(run):
    at = opened(run)
    assert "Training earned" not in html(at) and not run.frozen_features_file.exists()
    button(at, "Compute the baseline").click().run()
    assert not at.exception, at.exception
    assert asking.ASKED not in at.session_state and run.frozen_features_file.is_file()
    said = [each.value.replace("\\", "") for each in at.markdown]
    (sentence,) = [words for words in said if words.startswith("Training earned +")]
    assert "95% over people" in sentence and "the last epoch over frozen ImageNet features" in sentence
    assert "Training earned +" in html(at), "on the card"
    assert "trained, last epoch" in html(at) and "an abacus" in captions(at)
    report = gather.gather([run])
    (section,) = [part for part in report.sections if part.title == "What training earned"]
    (words,) = [block for block in section.blocks if isinstance(block, Bullets)]
    assert words.lines[0].startswith("Training earned +") and words.tones == ("better",)


def test_the_curves_have_a_thin_line_that_says_what_it_is(run, table):
    metrics = read_metrics(run.metrics_file(0)).assign(fold=0)
    figure = curves.curves(metrics, "f1", run_colour="#336699", level=("frozen features", 0.05))
    (line,) = figure.layout.shapes
    assert (line.y0, line.y1, line.xref) == (0.05, 0.05, "paper")
    assert [note.text for note in figure.layout.annotations] == ["frozen features 0.050"]
    low, high = curves.score_range(metrics, (0.05,))
    assert low < 0.05 < high, "it stays in sight"


def test_compare_has_a_row_for_each_run_and_a_button_for_those_without(run, folder, table):
    other = make_run(folder, table, "second", skill=0.3, seed=2, run_id="20260102-000000-second-0000")
    keep(other, table, 0.9)
    at = page("compare", runs=f"{run.id},{other.id}")
    markup = html(at)
    assert "earned (points)" in markup and "ImageNet features" in markup
    assert "trained, last epoch" in markup and "trained, best epoch" not in markup, "nothing chose either side"
    assert "At the last epoch, whatever is chosen above" in captions(at).replace("\\", "")
    button(at, "Compute the baseline of first").click().run()
    assert not at.exception, at.exception
    drawn = html(at)
    assert drawn.count("ImageNet features") == 2 and "lab-good" in drawn and "lab-bad" in drawn
    assert not [label for label in labels(at) if label.startswith("Compute")]


def test_the_baseline_is_computed_of_the_runs_that_are_chosen_with_the_click(run, folder, table):
    ids = [run.id]
    for place, name in enumerate(("second", "third"), 2):
        ids.append(make_run(folder, table, name, skill=0.3, seed=place, run_id=f"2026010{place}-000000-{name}-0000").id)
    at = page("compare", runs=",".join(ids[:2]))
    at.multiselect(key="compare-runs").set_value(ids)
    button(at, "Compute the baseline of 2 runs").click().run()
    assert not at.exception, at.exception
    assert html(at).count("ImageNet features") == 3 and asking.ASKED not in at.session_state


def test_a_click_for_runs_that_lack_no_baseline_any_more_computes_none_of_runs_that_are_chosen_later(
    run, folder, table
):
    ids = [run.id]
    for place, name in enumerate(("second", "third"), 2):
        ids.append(make_run(folder, table, name, skill=0.3, seed=place, run_id=f"2026010{place}-000000-{name}-0000").id)
    at = page("compare", runs=",".join(ids[:2]))
    for run_id in ids[:2]:  # in another tab
        keep(Run(run_id), table, 0.3)
    button(at, "Compute the baseline of 2 runs").click().run()
    assert html(at).count("ImageNet features") == 2
    at.multiselect(key="compare-runs").set_value(ids).run()
    assert not at.exception and "Compute the baseline of third" in labels(at)
    assert not Run(ids[2]).frozen_features_file.exists()


@pytest.mark.parametrize("left", ["emptied", "gone"])
def test_a_click_as_the_runs_are_taken_away_computes_no_baseline_of_runs_that_are_chosen_later(
    run, folder, table, left
):
    other = make_run(folder, table, "second", skill=0.3, seed=2, run_id="20260102-000000-second-0000")
    at = page("compare", runs=run.id)
    if left == "emptied":
        at.multiselect(key="compare-runs").set_value([])
    else:
        run.delete()
    button(at, "Compute the baseline of first").click().run()
    at.multiselect(key="compare-runs").set_value([other.id]).run()
    assert not at.exception and "Compute the baseline of second" in labels(at)
    assert not other.frozen_features_file.exists()


@pytest.mark.parametrize("why", ["another tab computed it", "its box was closed", "the run was away"])
def test_a_click_that_the_page_of_a_run_cannot_answer_is_not_answered_later(run, folder, table, why):
    at, box, elsewhere = opened(run), f"live-baseline-{run.id}", folder.with_name("elsewhere")
    if why == "another tab computed it":
        keep(run, table, 0.3)
    elif why == "its box was closed":
        at.session_state[box] = False
    else:
        run.dir.rename(elsewhere)
    button(at, "Compute the baseline").click().run()
    assert "Compute the baseline" not in labels(at)
    if elsewhere.exists():
        elsewhere.rename(run.dir)
    run.frozen_features_file.unlink(missing_ok=True)
    at.session_state[box] = True
    at.run()
    assert not at.exception and "Compute the baseline" in labels(at)
    assert not run.frozen_features_file.exists()


def test_a_click_whose_page_was_left_before_it_began_computes_no_baseline_later(run):
    at = page("compare", runs=run.id)
    at.session_state[frame.BASELINE] = "compare-baseline"
    at.switch_page("pages/runs.py").run()
    assert ["You left the page before" in toast.value for toast in at.toast] == [True]
    at.switch_page("pages/compare.py").run()
    assert not at.exception and "Compute the baseline of first" in labels(at)
    assert not run.frozen_features_file.exists()
