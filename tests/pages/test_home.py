"""Home, run without a browser: what it is, how to begin, what trains and waits, what ended."""

import base64
import re
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.config.recipes import load_recipe
from core.data import recent
from core.jobs import control, elsewhere, queue, speed
from core.jobs.pace import ahead
from core.jobs.pace.ahead import Times
from core.network import room
from core.runs import FoldState, Run, notes
from core.runs.lists import index
from core.runs.lists.curves import f1_curve
from core.storage import files, locks
from core.studies import record_file
from core.studies.record_file import Study, StudyRun
from core.text import size
from pages.parts.dataset import demo
from pages.parts.dock import waits
from pages.parts.home import demo_run, lines
from pages.parts.shared.frame import ICON
from tests.pages.app import button, html, labels, page
from tests.pages.trials import make_run, spared

STUDY = "20260301-000000-depths-0000"


@pytest.fixture
def small_demo(opened, tmp_path, monkeypatch):
    """A dataset in the demo's layout where the demo would be: five people of each class, seven small photos each."""
    demo = tmp_path / "demo"
    lines = ["id,gender,race,age,path"]
    groups = [(gender, age) for gender in ("female", "male") for age in (22, 45, 70)] * 5
    for number, (gender, age) in enumerate(groups):
        name = f"{number:06d}_{gender}_{age}"
        lines.append(f"{number:06d},{gender},synthetic,{age},{name}")
        place = demo / "images" / name
        place.mkdir(parents=True)
        for shot in ("mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal"):
            shade = np.full((12, 9, 3), number, np.uint8)
            Image.fromarray(shade).save(place / f"{shot}.jpg")
    (demo / "train.csv").write_text("\n".join(lines) + "\n")
    return opened


def study_of(folder, states=("done", "done")):
    runs = [
        make_run(folder, f"depths r{depth}", states, run_id=f"20260301-00000{depth}-r-0000", info={"study": STUDY})
        for depth in (1, 2)
    ]
    members = [StudyRun(run.id, run.config().name, run.config().model_dump(mode="json")) for run in runs]
    with record_file.locked(folder):
        record_file.write(Study(STUDY, "depths", "Does depth help?", 1.0, {}, members), folder)
    return runs


def test_a_newcomer_reads_what_it_is_and_finds_two_ways_to_begin(opened):
    at = page("home")
    markup = html(at)
    assert "Facet Lab" in markup and "Train an image classifier" in markup and markup.count("<figure") >= 10
    assert "Train on the demo (about" in " ".join(labels(at)) and "Choose a folder" in labels(at)
    assert at.file_uploader and "Launch" in labels(at)


def test_a_path_that_is_typed_opens_its_dataset(opened, tmp_path):
    at = page("home")
    at.text_input(key="home-own.path").set_value(f" {tmp_path} ").run()
    assert not at.exception and opened == [("data", {"root": str(tmp_path)})]


def test_the_time_of_the_demo_is_what_all_its_folds_take_here_and_untold_where_nothing_was_measured(
    opened, monkeypatch
):
    monkeypatch.setattr(queue, "slot_count", lambda root: 2)
    epochs = load_recipe("quick").epochs
    a_fold = epochs * (240 + 60 / 3) / 100 + 5  # 300 people, 100 images a second, a third for a held-out one
    assert demo_run.seconds_of_it() == pytest.approx(3 * a_fold), "five folds, two at a time"
    assert demo_run.label() == f"Train on the demo (about {round(3 * a_fold / 60)} min)"
    monkeypatch.setattr(speed, "known", lambda config, folder=None: None)
    assert demo_run.label() == "Train on the demo"


def test_the_button_of_the_demo_says_what_stays_on_the_disk_and_what_is_before_it(folder, monkeypatch):
    monkeypatch.setenv("FACET_SLOTS", "1")
    config = load_recipe("quick")
    weights = size(room.of_fold(config).kept * config.folds.count)
    assert f"{weights} of weights stay on the disk." in demo_run.how_long(None)
    run = make_run(folder, "patient", states=("done", "queued"))

    def said():
        return next(each for each in page("home").button if each.key == "home-demo").help

    assert "It starts after 1 fold job." in said(), "one whose time nobody knows"
    run.write_state(replace(run.states()[0], seconds=300.0))
    queue.enqueue(run, [1])
    looks = []
    real = ahead._jobs
    monkeypatch.setattr(ahead, "_jobs", lambda *given: looks.append(given) or real(*given))
    assert f"It starts in about 5 min, 1 fold job before it. {weights} of weights stay on the disk." in said()
    assert len(looks) == 1, "what waits beneath is from the same look at the queue"


def test_one_click_trains_on_the_demo_once_and_opens_live(small_demo, tmp_path):
    at = page("home")
    first = next(each for each in at.button if each.key == "home-demo")
    first.click().run()
    assert not at.exception
    ((name, address),) = small_demo
    run = Run(address["run"], tmp_path / "runs")
    assert name == "live" and run.config().name == "quick" and len(run.states()) == 5
    assert run.config().data.root == str(tmp_path / "demo") and len(run.samples()) == 30
    assert demo_run.ASKED not in at.session_state


def test_what_stands_against_the_demo_is_said_and_nothing_is_asked_for_any_longer(small_demo, tmp_path, monkeypatch):
    (tmp_path / "demo" / "train.csv").write_text("id,gender,race,age,path\n")
    at = page("home")
    next(each for each in at.button if each.key == "home-demo").click().run()
    assert "lab-fault" in html(at) and small_demo == []
    assert demo_run.ASKED not in at.session_state
    assert not next(each for each in at.button if each.key == "home-demo").disabled


def test_a_drawing_that_is_cancelled_or_fails_leaves_the_button_as_it_was(opened, monkeypatch):
    monkeypatch.setattr(demo, "start", lambda: None)  # as if it had ended at once, with nothing drawn
    monkeypatch.setattr(demo, "failure", lambda: "no room on the disk")
    at = page("home")
    next(each for each in at.button if each.key == "home-demo").click().run()
    assert not next(each for each in at.button if each.key == "home-demo").disabled
    assert at.error[0].value == "no room on the disk" and demo_run.ASKED not in at.session_state
    at.run()
    assert not at.error, "it is said once"


def test_runs_are_sorted_into_training_waiting_stopped_and_ended(folder):
    training = make_run(folder, "training", states=("running", "queued"))
    make_run(folder, "waiting", states=("queued", "queued"))
    make_run(folder, "stopped", states=("done", "failed"))
    make_run(folder, "first", run_id="20260101-000000-first-0000")
    make_run(folder, "finished")
    with training.fold_lock(0):
        markup = html(page("home"))
    titles = ("Training now", "Waiting", "Stopped before the end", "Last result", "Finished lately")
    order = [markup.index(f">{title}</div>") for title in titles]
    assert order == sorted(order)


def _stopped_ones():
    """That part of Home as a page of its own: Streamlit's test runner clicks in vain on an app's first page."""
    from core.runs.lists.summaries import summaries
    from pages.parts.home import ended

    ended.stopped(summaries())


def test_a_run_that_would_fail_again_can_be_changed_at_home_and_any_other_goes_on(opened, tmp_path, monkeypatch):
    folder = tmp_path / "runs"
    diverged = make_run(folder, "diverged", states=("queued", "queued"))
    cancelled = make_run(folder, "cancelled", states=("cancelled", "cancelled"))
    for fold in (0, 1):
        diverged.write_state(FoldState(fold, "failed", reason="it diverged.", remedy="Lower it.", kind="diverged"))
    at = page("home")
    assert labels(at).count("Run again") == 1 and labels(at).count("Resume") == 2
    types = {each.key: each.proto.type for each in at.button if each.label == "Resume"}
    assert types == {f"resume-{diverged.id}": "tertiary", f"resume-{cancelled.id}": "secondary"}
    monkeypatch.setattr(st, "page_link", lambda *page, **options: None)  # to pages of the app
    alone = AppTest.from_function(_stopped_ones, default_timeout=60).run()
    button(alone, "Run again").click().run()
    assert not alone.exception and opened == [("launch", {"from": diverged.id})]


def _last_result():
    from core.runs.lists.summaries import summaries
    from pages.parts.hand import hand
    from pages.parts.home import ended

    hand.begin()
    ended.last_result(summaries())


def test_the_last_result_is_the_card_that_live_shows_also_while_another_run_is_in_hand(opened, tmp_path, monkeypatch):
    run = make_run(tmp_path / "runs", states=("done",) * 3)
    home, live = html(page("home")), html(page("live", run=run.id))
    card = live[live.index('<div class="lab-result"') :].split("</div></div>")[0]
    assert "over 3 folds" in card and card in home
    assert "Finished lately" not in home
    held = make_run(tmp_path / "runs", "before", run_id="20260101-000000-before-0000")
    monkeypatch.setattr(st, "page_link", lambda *page, **options: None)  # to pages of the app
    alone = AppTest.from_function(_last_result, default_timeout=60)
    alone.query_params["run"] = held.id
    button(alone.run(), "Compare").click().run()
    assert not alone.exception and opened == [("compare", {"run": run.id, "runs": run.id})]


def test_the_runs_of_a_study_are_one_line_that_leads_to_it(folder, monkeypatch):
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    study_of(folder)
    make_run(folder, "alone", run_id="20260401-000000-alone-0000")
    at = page("home")
    markup = html(at)
    links = [each.proto.label for each in at.main if each.type == "page_link"]
    assert "2 finished runs" in markup and "highest mean" in markup
    assert links.count("depths") >= 1 and "depths r1" not in links[1:] and "Does depth help?" in markup


def test_no_run_of_a_study_is_the_highest_where_they_tell_different_classes(folder, monkeypatch):
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    study_of(folder)[0].update_info(class_names=["a", "b", "c"])
    make_run(folder, "alone", run_id="20260401-000000-alone-0000")
    markup = html(page("home"))
    assert "2 finished runs" in markup and "highest mean" not in markup
    assert "its runs tell different classes: none has the highest F1" in markup


def test_runs_of_a_study_that_are_archived_are_done_all_the_same(folder):
    make_run(folder, "further", run_id="20260401-000000-further-0000")
    notes.archive([run.id for run in study_of(folder)])
    markup = html(page("home"))
    assert "2 of 2 runs done · Does depth help?" in markup


def test_runs_of_a_study_that_wait_are_one_line_with_their_folds(folder):
    study_of(folder, states=("queued", "queued", "queued"))
    markup = html(page("home"))
    assert "6 folds of 2 runs" in markup


def test_a_finished_run_without_curves_stands_in_the_list_too(folder):
    make_run(folder, "newer", run_id="20260201-000000-newer-0000")
    old = make_run(folder, "old", run_id="20260101-000000-old-0000")
    for fold in old.folds():
        old.metrics_file(fold).unlink()
    assert "Finished lately" in html(page("home"))


def test_the_small_curve_is_the_one_of_the_list_of_runs(folder):
    run = spared(spared(make_run(folder, epochs=30), 0, range(7, 16)), 1, range(12, 16))
    (entry,) = index.listed(folder)
    drawn = lines.small_curve(entry.summary)
    picture = base64.b64decode(re.search(r"base64,([^\"]+)", drawn)[1]).decode()
    points = re.search(r'points="([^"]+)"', picture)[1].split()
    assert len(points) == len(f1_curve(entry)) == 21 and run.id == entry.id
    assert points[6].startswith(f"{3 + 15 / 29 * 114:.1f},"), "epoch 16 stands where it would without a gap"


def test_what_waits_says_when_it_starts_and_how_long_it_takes():
    assert waits.when([Times(130, 430)]) == "starts in about 2 min, then 5 min"
    assert waits.when([Times(0, 12), Times(12, 40)]) == "starts next, then 40 s"
    assert waits.when([Times(0, 12), None]) == waits.when([]) == ""


def test_a_time_that_nobody_knows_is_said_to_be_so(folder):
    make_run(folder, "patient", states=("done", "queued"))
    assert "fold 1 · when it starts is not known yet" in html(page("home"))


def test_on_a_cluster_it_is_said_why_nobody_knows_a_time(folder, monkeypatch):
    monkeypatch.setenv("FACET_ENGINE", "ray")
    run = make_run(folder, "patient", states=("queued", "queued"))
    queue.enqueue(run, [0, 1])
    words = "2 folds · when it starts is not known yet: "
    assert f"{words}the cluster has not said lately how many folds it trains at a time" in html(page("home"))
    elsewhere.report_file(folder).parent.mkdir(parents=True, exist_ok=True)
    files.write_json(elsewhere.report_file(folder), {"address": "ray", "when": 1e12, "places": 10, "nodes": []})
    with locks.held(elsewhere.writer_lock(folder), "the writer"):
        at = page("home")
        assert f"{words}how long a fold takes on the cluster shows once one of its run has ended there" in html(at)
        assert "10 folds at a time on a cluster" in html(at)
        run.write_state(FoldState(0, "done", epoch=4, seconds=300.0))
        queue.remove(run, [0])
        assert "fold 1 · starts next, then 5 min" in html(page("home"))


def test_times_of_what_waits_stand_beside_it(folder, monkeypatch):
    monkeypatch.setenv("FACET_SLOTS", "1")
    run = make_run(folder, "patient", states=("done", "queued"))
    run.write_state(replace(run.states()[0], seconds=300.0))
    queue.enqueue(run, [1])
    assert "fold 1 · starts next, then 5 min" in html(page("home"))


def test_older_ones_lead_to_the_list_of_runs(folder, monkeypatch):
    for number in range(9):
        make_run(folder, f"run {number}", run_id=f"2026010{number + 1}-000000-run-0000")
    assert "2 older" in labels(page("home")), "one is the card, six are listed"


def test_datasets_and_machine_stand_at_the_end(folder):
    data = load_recipe("quick").data.model_copy(update={"root": str(folder)})
    recent.remember(data, reader="folders", people=7, photos=21, folder=folder)
    make_run(folder)
    markup = html(page("home"))
    assert "21 photos of 7 people" in markup and "GB free for runs" in markup


def test_what_home_watches_stands_in_the_tab_with_a_ring(folder, monkeypatch):
    told = []
    monkeypatch.setattr("pages.parts.shared.frame.st.set_page_config", lambda **words: told.append(words))
    run = make_run(folder, "utk", states=("done", "running"))
    with run.fold_lock(1):
        page("home")
    (watched,) = [words for words in told if "· utk ·" in words["page_title"]]
    assert watched["page_title"].startswith("75% · utk") and watched["page_icon"].startswith("<svg")
    assert watched["page_icon"] != ICON
