"""The Compare page without a browser: its states, its address, its words."""

import gc
import math
import re
import shutil
import weakref
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.compare import cost, members
from core.config import to_yaml
from core.data.chosen import selections
from core.errors import LabError
from core.figures import comparison_curves
from core.runs import Run, metrics_file, notes, starts
from core.storage import parquet
from core.studies import record_file
from core.text import plain
from pages.parts.compare import decide, flips, load, pick, tables
from pages.parts.shared import frame
from tests.answered import copied
from tests.compared import make_run, metric_rows, samples
from tests.fold_runs import draw_faces
from tests.fold_runs import make_run as made_run
from tests.pages.app import button, captions, html, labels, page

pytestmark = pytest.mark.usefixtures("folder")

EVIL = "<b>evil</b> **bold** :smile:"
IDS = [f"2026010{n}-000000-resnet-000{n}" for n in range(3)]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Three runs of three depths: their folder, and the samples."""
    root = tmp_path_factory.mktemp("compared")
    table = samples(root, people=60, photos=2, draw=True)
    for n, depth in enumerate((18, 34, 50)):
        config = {"model": {"depth": depth}}
        make_run(root, table, f"ResNet-{depth}", skill=0.5 + 0.2 * n, seed=n, run_id=IDS[n], config=config)
    return root, table


@pytest.fixture
def study(compared, folder):
    """The samples of the three runs, of which a test has copies that it may damage; the photos are shared."""
    root, table = compared
    for name in IDS:
        copied(Run(name, root), folder)
    return table.copy()


def test_no_run_yet_says_what_to_do():
    at = page("compare")
    assert "Two finished runs can be compared here" in at.info[0].value and "Launch" in labels(at)


def test_with_nothing_chosen_the_two_newest_that_are_not_archived_are_one_click_away(study):
    notes.archive([IDS[1]])
    at = page("compare")
    next(b for b in at.button if b.label == "Compare the two newest").click().run()
    assert at.query_params["runs"] == f"{IDS[0]},{IDS[2]}"
    assert "than ResNet-18 (F1 " in html(at)


def test_runs_in_the_address_are_compared_with_the_first_beneath_a_verdict_and_a_rerun_draws_nothing_again(
    study, monkeypatch
):
    """What it costs is bench.comparing's; here, that what was read and drawn once is kept."""
    at = page("compare", runs=",".join(IDS))
    markup = html(at)
    assert markup.count("cmp-says lab-") == 2 and "than ResNet-18 (F1 +" in markup
    assert "2.0 times as much per image" in markup and "5 shared folds" in markup
    assert "5 folds cannot carry small p-values" in captions(at)
    assert ">Depth</td>" in markup and "model.depth" in markup and "baseline</span>" in markup
    headline = re.search(r'cmp-verdict lab-(\w+)" role="status"><b>([^<]+)</b>', markup)
    assert headline.groups() == ("quiet", "Nothing separates these runs yet.")
    assert headline.start() < markup.index("cmp-says lab-")
    further = int(
        re.search(r"Cheapest: ResNet-18. About (\d+) more folds would show ResNet-50 above ResNet-18", markup)[1]
    )
    assert f"2 new runs as a study, with the same settings and seeds: {2 * (5 + further)} fold jobs" in captions(at)

    again = []

    def watched(name, real):
        return lambda *given, **options: again.append(name) or real(*given, **options)

    sources = {parquet: "read", metrics_file: "read_metrics", comparison_curves: "run_curves", cost: "size_of"}
    for owner, name in sources.items():
        monkeypatch.setattr(owner, name, watched(name, getattr(owner, name)))
    at.run()
    assert not at.exception and again == []
    grown = metric_rows(7, 0.5, 0.5, np.random.default_rng(0))[-2:]
    metrics_file.append_metrics(Run(IDS[0]).metrics_file(0), grown)
    again.clear()
    at.run()
    assert {"read_metrics", "run_curves"} <= set(again)  # the watch sees what is read


def test_runs_that_are_more_than_are_compared_at_once_are_left_out_in_words(study, monkeypatch):
    monkeypatch.setattr(pick, "MOST", 2)
    said = "At most 2 runs are compared at once"
    at = page("compare", runs=",".join(IDS))
    assert said in captions(at) and at.multiselect(key="compare-runs").value == IDS[:2]
    at.multiselect(key="compare-runs").set_value(IDS[1:]).run()
    assert said not in captions(at) and at.query_params["runs"] == ",".join(IDS[1:])
    assert pick.handed_on([*IDS, "more"]) == ",".join(IDS)


def test_baseline_region_score_and_epoch_are_in_the_address_and_change_it(study):
    at = page("compare", runs=",".join(IDS), baseline=IDS[2], within="90", metric="accuracy", which="final")
    assert "ResNet-18 is the same as ResNet-50 within 90 points (accuracy -" in html(at)
    at.selectbox(key="compare-ask-baseline").select(IDS[1]).run()
    assert at.query_params["baseline"] == IDS[1] and "as ResNet-34 within 90" in html(at)
    at.number_input(key="compare-ask-within").set_value(0.5).run()
    assert at.query_params["within"] == "0.5" and "within 90" not in html(at)
    at.segmented_control(key="compare-ask-metric").set_value("f1").run()
    assert "metric" not in at.query_params and "(F1 " in html(at)  # what stands first needs no word
    assert at.query_params["which"] == "final"


def test_a_click_that_brings_an_older_address_undoes_nothing(study):
    """A browser sends its address with each click; until the answer to one click is there, it is the old one."""
    at = page("compare", runs=",".join(IDS))
    at.segmented_control(key="compare-ask-metric").set_value("accuracy").run()
    at.number_input(key="compare-ask-within").set_value(3.0).run()
    at.toggle(key="compare-ask-folds").set_value(True)
    at.query_params.clear()
    at.query_params["runs"] = ",".join(IDS)
    at.run()
    address = {key: at.query_params[key] for key in ("metric", "within", "folds")}
    words = {key: value if isinstance(value, str) else value[0] for key, value in address.items()}
    assert words == {"metric": "accuracy", "within": "3", "folds": "1"}
    assert "(accuracy " in html(at)


def test_a_run_taken_out_of_the_box_leaves_the_address_and_one_alone_is_shown_and_asks_for_a_second(study):
    at = page("compare", runs=",".join(IDS), baseline=IDS[0])
    at.multiselect(key="compare-runs").set_value(IDS[1:]).run()
    assert at.query_params["runs"] == ",".join(IDS[1:]) and "baseline" not in at.query_params
    at.multiselect(key="compare-runs").set_value(IDS[:1]).run()
    assert "Choose a second run" in at.info[0].value and "0.5" in html(at)
    at.multiselect(key="compare-runs").set_value([]).run()
    assert "runs" not in at.query_params and "Choose two or more runs above" in at.info[0].value


def test_nonsense_in_the_address_is_ignored_and_a_bad_or_deleted_run_is_named_while_the_others_are_compared(study):
    nonsense = {"x": "nonsense", "show": "1", "within": "nan", "smooth": "x", "cost": "y", "flip": "z", "side": "w"}
    at = page("compare", runs=",".join([IDS[0], "../../etc/passwd", "20260101-gone", IDS[1]]), **nonsense)
    assert "than ResNet-18 (F1 " in html(at)
    assert "is not a run id" in html(at) and "is gone" in html(at)


def test_a_run_deleted_while_it_is_compared_is_named(study, folder):
    at = page("compare", runs=",".join(IDS))
    shutil.rmtree(folder / IDS[1])
    at.run()
    assert not at.exception and f"run '{IDS[1]}' is gone" in html(at).replace("&#x27;", "'")
    assert "ResNet-50 is" in html(at)
    shutil.rmtree(folder / IDS[0])  # the baseline: the next one takes its place
    at.run()
    assert not at.exception and "Choose a second run" in at.info[0].value


def test_pairs_of_earlier_questions_are_given_back_by_their_bytes_and_runs_with_them(study, folder, monkeypatch):
    load._PAIRS.forget()
    members.FROZEN.forget()
    runs = [members.load(run_id) for run_id in IDS]
    load.pairs_of(runs[0], runs[1:], "f1", "best")
    size = load._PAIRS.held
    monkeypatch.setattr(load._PAIRS, "most", 2.5 * size)
    for metric in members.METRICS:
        for which in members.WHICH:
            newest = load.pairs_of(runs[0], runs[1:], metric, which)
            assert load.pairs_of(runs[0], runs[1:], metric, which) is newest
            assert 0 < size <= load._PAIRS.held <= 2.5 * size
    assert len(load.classes(runs, "best")[0]) == len(IDS)
    samples = weakref.ref(runs[0].samples)
    del runs, newest
    load._PAIRS.forget()
    members.FROZEN.forget()
    gc.collect()
    assert samples() is None, "what was computed of the runs holds their photos"


@pytest.mark.parametrize("place", ["costs", "pairs", "classes"])
def test_a_run_that_goes_while_the_page_is_drawn_is_named(study, folder, monkeypatch, place):
    """Between any two reads of one drawing of the page, from another window."""
    real = getattr(load, place)

    def slow(*arguments):
        shutil.rmtree(folder / IDS[1], ignore_errors=True)
        return real(*arguments)

    monkeypatch.setattr(load, place, slow)
    at = page("compare", runs=",".join(IDS))
    at.run()
    assert not at.exception and "is gone" in html(at) and "ResNet-50 is" in html(at)


def test_numbers_that_are_none_leave_gaps_and_are_said(study, folder):
    """A diverged epoch in the lines of a fold, and a fold whose best score is no number."""
    run = Run(IDS[1], folder)
    lines = run.metrics_file(2).read_text().splitlines()
    cells = lines[3].split(",")
    lines[3] = ",".join([*cells[:3], "nan", "nan", "nan", *cells[6:]])
    run.metrics_file(2).write_text("\n".join(lines) + "\n")
    state = run.fold_state(4)
    run.write_state(replace(state, scores={**state.scores, "best_f1": math.nan}))
    markup = html(page("compare", runs=",".join(IDS), show="gap", smooth="0.9", folds="1", x="time"))
    assert "Fold 4 has no finite F1 in one of the two and is left out." in markup and "4 shared folds" in markup
    assert not re.search(r"\bnan\b", markup)


def test_missing_folds_other_folds_and_other_classes_are_said(study, folder):
    ours, theirs = (
        table.assign(gender=table["class_name"].str.split().str[0])
        for table in (study, samples(folder, people=60, photos=2, seed=4))
    )
    half = make_run(folder, ours, "half", states={0: "failed", 3: "running"})
    other = make_run(folder, theirs, "other", skill=0.1)
    names = ["blue", "green"]
    table = samples(folder, people=20, classes=names)
    colours = make_run(folder, table, "colours", classes=names, config={"task": {"name": "label"}})
    at = page("compare", runs=",".join([IDS[0], half.id, other.id, colours.id]))
    markup, said = html(at), captions(at).replace("\\", "")
    assert "not ranked with the others, half (3 of 5 folds) and other (other photos, labels or folds). Bars:" in said
    assert "Fold 0 of half is failed and left out." in markup and "Fold 3 of half is interrupted" in markup
    assert "so there is no paired test" in markup and "cannot be tested against" in markup
    assert "do not tell the same classes" in markup
    assert len(re.findall(r"<td[^>]*>\d\.\d{3} of \d+</td>", markup)) == 4, "two groups of two runs"
    assert "over each run's finished folds" in said


def test_a_run_on_other_folds_is_launched_beside_the_best_by_a_button(study, folder):
    weighted = {"training": {"loss": "weighted"}}
    config = weighted | {"model": {"depth": 34}}
    other = make_run(folder, samples(folder, people=60, photos=2, seed=4), "other", skill=0.1, config=config)
    better = make_run(folder, study, "better", skill=0.99, seed=9, config=weighted)
    for fold in better.folds():
        starts.note(better, fold, 0, {"weighs": "photos"})
    at = page("compare", runs=",".join([IDS[0], better.id, other.id]))
    assert "other cannot be set against better" in html(at)
    assert (html(at) + captions(at)).count("The weighted loss of other weighed each class of a target") == 1
    assert "2 new runs as a study, with the same settings and seeds: 10 fold jobs" in captions(at)
    assert "Queue them" in labels(at)


def test_runs_that_only_wait_are_a_page_without_scores(folder):
    table = samples(folder, people=30)
    ids = [make_run(folder, table, f"r{n}", states={f: "queued" for f in range(5)}, seed=n).id for n in range(2)]
    at = page("compare", runs=",".join(ids))
    assert "share no finished fold yet" in html(at) and "Nothing can be paired" in captions(at)


@pytest.fixture
def opened(monkeypatch) -> list[dict]:
    """The addresses to which a page turned, instead of turning there."""
    addresses = []

    def switch(page, *, query_params):
        addresses.append(query_params)
        st.stop()

    monkeypatch.setattr(st, "switch_page", switch)
    return addresses


def flipped(at):
    return re.findall(r'href="(look_inside[^"]+)"', html(at))


def test_flips_show_both_answers_and_lead_to_the_maps_of_both_those_of_one_side_all_at_once(study, opened):
    at = page("compare", runs=",".join(IDS[:2]))
    markup = html(at)
    assert at.segmented_control(key="compare-ask-side").options[0].startswith(r"only ResNet\-34 right \(")
    assert f'href="look_inside?run={IDS[1]}&amp;runs={IDS[1]},{IDS[0]}&amp;samples=' in markup
    assert markup.count("<figure") + markup.count('alt="photo"') == min(12, markup.count("✓")) and re.search(
        r", \d+ % sure, true class (under )?\d+ %<", markup
    )
    assert len(flipped(at)) > 1 and "which=" not in "".join(flipped(at))
    select = at.button(key="flips-select")
    select.click().run()
    assert not at.exception
    (link,) = opened
    assert (link["run"], link["runs"], link["selected"]) == (IDS[1], f"{IDS[1]},{IDS[0]}", "1")
    kept = selections.load(link["selection"])
    a, b = (pd.concat([Run(run_id).predictions(fold) for fold in range(5)]).set_index("sample") for run_id in IDS[:2])
    only_run = (b["predicted"] == b["label"]) & (a["predicted"] != a["label"]).reindex(b.index)
    assert set(kept.samples) == set(b.index[only_run]) and len(kept.samples) > 1
    assert select.label == f"Select all {len(kept.samples)} in Look inside"
    assert kept.root == Run(IDS[1]).config().data.root
    at.run().segmented_control(key="compare-ask-side").set_value("baseline").run()
    assert at.query_params["side"] == "baseline"


def test_flips_of_the_last_epoch_lead_to_the_answers_of_the_last_epoch(study, opened):
    at = page("compare", runs=",".join(IDS[:2]), which="final")
    assert len(flipped(at)) > 1 and all("&amp;which=final" in link for link in flipped(at))
    at.button(key="flips-select").click().run()
    assert not at.exception and opened[0]["which"] == "final"


def report_form():
    import streamlit as st

    from pages.parts.shared import exports

    exports._form(tuple(st.session_state["ids"]), (), "A report", 1.0)


def test_the_form_of_a_report_blurs_people_or_leaves_them_out_and_offers_it_until_more_was_asked_of_its_runs(study):
    at = AppTest.from_function(report_form, default_timeout=60)
    at.session_state["ids"] = IDS[:2]
    at.run()
    assert "The file shows photos of people as they are." in captions(at)
    at.checkbox(key="report-maps").uncheck()
    at.segmented_control(key="report-photos").set_value("blurred").run()
    assert "The photo cannot be made of them." in captions(at)
    at.button(key="report-write").click().run()
    _, page, *_ = at.session_state["report-made"]
    assert not at.exception and b"Photos are blurred" in page and b"data:image/jpeg" in page
    at.segmented_control(key="report-photos").set_value("none").run()
    assert "holds no photos and no maps" in captions(at) and at.checkbox(key="report-maps").disabled
    at.button(key="report-write").click().run()
    assert b"data:image/jpeg" not in at.session_state["report-made"][1]
    assert len(at.run().get("download_button")) == 2
    run = Run(IDS[1])
    for made in (run.frozen_features_file, run.test_predictions_file, run.test_looks_file, run.extras_file("held-out")):
        made.write_bytes(b"made since")
        assert not at.run().get("download_button"), made.name
        made.unlink()
    assert len(at.run().get("download_button")) == 2


def test_the_flips_that_are_selected_are_those_that_the_button_told_or_that_were_chosen_with_the_click(study, opened):
    at = page("compare", runs=",".join(IDS[:2]))
    told = at.button(key="flips-select").label
    answered = Run(IDS[1]).predictions_file(0, "best")
    away = answered.rename(answered.with_name("away"))  # another process trains the fold anew, say
    at.button(key="flips-select").click().run()
    away.rename(answered)
    assert not at.exception
    only_run = selections.load(opened[0]["selection"]).samples
    assert told == f"Select all {len(only_run)} in Look inside"
    at.run()
    at.segmented_control(key="compare-ask-side").set_value("baseline")
    at.button(key="flips-select").click().run()
    assert not at.exception
    only_baseline = selections.load(opened[1]["selection"]).samples
    assert only_baseline and not {*only_run} & {*only_baseline}


def test_of_many_runs_what_is_claimed_stands_first_and_the_rest_can_be_unfolded():
    def said(n, verdict="undecided", warning=""):
        return SimpleNamespace(verdict=verdict, warning=warning, sentence=f"sentence {n}.", notes=())

    few = tables.sentences([said(n) for n in range(4)])
    assert "<details" not in few and few.count("sentence") == 4
    many = [said(0), said(1, warning="other folds"), said(2), said(3, "better"), said(4), said(5, "same")]
    unfolded, folded = tables.sentences(many).split("<details")
    assert all(f"sentence {n}." in unfolded for n in (1, 3, 5)) and "3 other runs are not shown" in folded
    assert all(f"sentence {n}." in folded for n in (0, 2, 4))


def test_samples_in_the_link_are_quoted():
    link = flips.maps_link("a", "b", ["x, y/1.jpg", "é&=.jpg"])
    assert link == "look_inside?run=a&runs=a,b&samples=x%252C%20y%2F1.jpg,%C3%A9%26%3D.jpg&first=2"


def test_names_are_text_never_markup_and_a_photo_that_is_gone_is_a_word_in_its_place(folder):
    table = samples(folder, people=30)
    ids = [make_run(folder, table, f"{EVIL} {n}", seed=n).id for n in range(2)]
    markup = html(page("compare", runs=",".join(ids)))
    assert "<b>evil</b>" not in markup and "&lt;b&gt;evil&lt;/b&gt;" in markup
    assert "cmp-missing" in markup


def test_at_most_twelve_runs_are_compared(monkeypatch):
    monkeypatch.setattr(pick.st, "query_params", {"runs": ",".join(f"r{n}" for n in range(40))})
    assert len(pick.read_address().runs) == 12


def test_the_best_is_told_over_all_pairs_also_where_it_is_the_baseline(study, folder):
    best = make_run(folder, study, "ResNet-101", skill=0.999, seed=7, config={"model": {"depth": 101}})
    for baseline, words in ((best.id, "ResNet-18 is worse than ResNet-101"), (IDS[0], "ResNet-101 is better than")):
        markup = html(page("compare", runs=",".join([*IDS, best.id]), baseline=baseline))
        assert "Corrected for 6 comparisons, all pairs of these runs" in markup
        assert re.search(rf"{words}[^<]*corrected for 3 comparisons\)", re.sub(r"</?b>", "", markup))


def test_what_would_decide_is_launched_on_the_same_folds_and_once(folder):
    root = draw_faces(folder / "faces")
    two = [members.load(made_run(folder, root, kept=(), label_smoothing=each, folds=2).id) for each in (0.0, 0.1)]
    decide._launch(two, 2, "20260101-000000-decide-0000")
    (record,) = record_file.all_studies(folder)
    launched = [Run(run_id) for run_id in record.run_ids]
    assert [run.config().folds.count for run in launched] == [2, 2]
    first, second = (run.samples().set_index("sample")["fold"] for run in launched)
    assert first.equals(second) and all(state.state == "queued" for run in launched for state in run.states())
    assert all(run.config().name.startswith(record.name) for run in launched)
    with pytest.raises(LabError) as refused:
        decide._launch(two, 2, "20260101-000000-decide-0000")
    assert refused.value.kind == "exists"


def test_what_is_queued_is_what_the_button_was_drawn_for(study, folder, opened, monkeypatch):
    """A run of the contest stopped since: the verdict is another one by now, and its page would queue nothing."""
    launched = []
    monkeypatch.setattr(decide, "_launch", lambda runs, folds, study_id: launched.append((runs, folds, study_id)))
    at = page("compare", runs=",".join(IDS))
    jobs = int(re.search(r"2 new runs as a study[^:]*: (\d+) fold jobs", captions(at))[1])
    run = Run(IDS[2], folder)
    run.write_state(replace(run.fold_state(4), state="failed", reason="The disk was full.", remedy="Make room."))
    button(at, "Queue them").click().run()
    assert not at.exception
    ((runs, folds, study_id),) = launched
    assert [run.id for run in runs] == [IDS[2], IDS[0]] and 2 * folds == jobs
    assert opened == [{"study": study_id}]


def test_a_run_that_was_deleted_since_is_named_and_nothing_is_queued(study, folder, opened):
    at = page("compare", runs=",".join(IDS))
    shutil.rmtree(folder / IDS[0])
    button(at, "Queue them").click().run()
    said = html(at).replace("&#x27;", "'").count(f"run '{IDS[0]}' is gone")
    assert not at.exception and said == 2, "of what was to be queued, and of what is compared"
    assert not opened and record_file.all_studies(folder) == []


def test_only_the_runs_for_which_the_button_was_drawn_are_resumed(study, folder, monkeypatch):
    resumed = []
    monkeypatch.setattr(decide.control, "resume", lambda run: resumed.append(run.id) or [0])
    half = make_run(folder, study, "half", states={0: "failed"})
    at = page("compare", runs=f"{IDS[0]},{half.id}")
    other = Run(IDS[0], folder)
    other.write_state(replace(other.fold_state(4), state="cancelled"))  # on purpose, by somebody
    button(at, "Resume the unfinished folds").click().run()
    assert not at.exception and resumed == [half.id]
    assert [toast.value for toast in at.toast] == ["Queued, each fold from its last checkpoint."]


def test_a_click_that_was_not_answered_before_the_page_was_left_does_nothing_later(study, monkeypatch):
    resumed = []
    monkeypatch.setattr(decide.control, "resume", lambda run: resumed.append(run.id) or [0])
    at = page("compare", runs=",".join(IDS))
    at.session_state[frame.DECIDED] = (decide._go_on, IDS)
    at.switch_page("pages/runs.py").run()
    assert ["You left the page before" in toast.value for toast in at.toast] == [True]
    at.switch_page("pages/compare.py").run()
    assert not at.exception and resumed == []


@pytest.mark.parametrize("other", [{"max_people": 10}, {"root": "others"}], ids=["fewer people", "another folder"])
def test_runs_of_other_data_are_not_launched_anew_together(folder, other):
    """Else every one of them would be trained on the photos of the first, under a configuration that says otherwise."""
    root = draw_faces(folder / "faces")
    elsewhere = draw_faces(folder / other["root"]) if "root" in other else root
    gender = {"name": "gender"}
    first = made_run(folder, root, kept=(), folds=2, task=gender)
    second = made_run(folder, elsewhere, kept=(), folds=2, task=gender, max_people=other.get("max_people"))
    with pytest.raises(LabError) as refused:
        decide._launch([members.load(run.id) for run in (first, second)], 2, "20260101-000000-decide-0000")
    said = "At most this many people" if "max_people" in other else "Folder"
    assert refused.value.kind == "data" and f"their data settings differ ({said})." in refused.value.message
    assert record_file.all_studies(folder) == [] and {path.name for path in folder.glob("2*")} == {first.id, second.id}


def test_runs_are_launched_anew_together_unless_one_trains_still_or_their_data_differ_which_is_said(study, folder):
    """A run that trains still would be trained twice; which folds would decide is not known before its own are there.
    A run of version 0.1.0 knew of no test set: that it pools one which the dataset does not have keeps nobody."""
    first, last = Run(IDS[0], folder), Run(IDS[-1], folder)
    config = last.config()
    pools = config.model_copy(update={"data": config.data.model_copy(update={"test_set": "pool"})})
    last.config_file.write_text(to_yaml(pools))
    at = page("compare", runs=",".join(IDS))

    def offered(at):
        return "compare-decide-go" in [each.key for each in at.button]

    of_one_split = plain("all on the split of ResNet-50")
    assert offered(at) and "data.test_set" not in html(at) and of_one_split not in captions(at)
    done = first.fold_state(4)
    for state in ("queued", "running"):
        first.write_state(replace(done, state=state))
        with first.fold_lock(4):
            at.run()
        assert not offered(at)
        assert plain("so nothing is launched anew yet: ResNet-18.") in captions(at)
    first.write_state(done)
    of_another = pools.model_copy(update={"folds": config.folds.model_copy(update={"seed": 4})})
    last.config_file.write_text(to_yaml(of_another))
    assert of_one_split in captions(at.run())
    first.update_info(test={"photos": 4})
    at.run()
    assert not at.exception and not offered(at) and "data.test_set" in html(at)
    assert "cannot be launched anew in" in html(at) and "their data settings differ (Test set" in html(at)


def test_a_run_of_which_no_fold_is_done_yet_is_not_launched_anew_beside_another(study, folder):
    run = Run(IDS[1], folder)
    for state in run.states():
        run.write_state(replace(state, state="queued"))
    at = page("compare", runs=",".join(IDS[:2]))
    assert "Nothing can be set against ResNet-18 yet." in html(at)
    assert "compare-decide-go" not in [each.key for each in at.button]
    assert plain("so nothing is launched anew yet: ResNet-34.") in captions(at)


def test_runs_of_other_splits_are_launched_anew_on_the_split_of_the_first(folder):
    root = draw_faces(folder / "faces")
    two = [
        members.load(made_run(folder, root, kept=(), folds=2, split=split, depth=depth).id)
        for split, depth in ((3, 18), (4, 34))
    ]
    same = members.load(made_run(folder, root, kept=(), folds=2, split=4).id)
    with pytest.raises(LabError, match="differ in their labels or folds alone and would be the same run twice"):
        decide._launch([two[0], same], 2, "20260101-000000-decide-0000")
    decide._launch(two, 2, "20260101-000000-decide-0000")
    (record,) = record_file.all_studies(folder)
    launched = [Run(run_id) for run_id in record.run_ids]
    assert [run.config().folds.seed for run in launched] == [3, 3]
    first, second = (run.samples().set_index("sample")["fold"] for run in launched)
    assert first.equals(second)
    assert first.equals(two[0].samples.set_index("sample")["fold"].reindex(first.index))
