"""The queue in the header: what it says, that it asks before it stops something, whose it is, and what it costs."""

import os
import re
import time
from dataclasses import replace

import pytest

from core.jobs import halt, queue
from core.runs import notes
from core.runs.lists import index
from core.storage import files
from pages.parts.dock import dock, panel
from tests.pages.app import button, html, labels, page
from tests.pages.trials import make_run
from tests.people import ANNA, BERT, acting

NOW = 2e9  # seconds since 1970


def ended(run, at):
    for state in run.states():
        run.write_state(replace(state, ended=at))
    return run


def words(queue_now):
    return " ".join(re.sub(r"<[^>]+>", " ", dock.words(queue_now)).split())


def opened(name="runs", **params):
    """A page with its queue open."""
    at = page(name, **params)
    at.session_state["dock-queue"] = True
    return at.run()


def test_no_queue_where_nothing_trains_waits_or_failed_lately(folder):
    make_run(folder)
    ended(make_run(folder, "long ago", ("failed", "done")), time.time() - dock.LATELY - 60)
    make_run(folder, "stopped by somebody", ("cancelled", "done"))
    assert "dock-words" not in html(page("settings"))


def test_one_line_says_how_many_how_far_and_how_long(folder):
    run = make_run(folder, states=("done", "running", "queued"), epochs=4)
    files.write_json(run.progress_file(1), {"epoch": 3, "split": "train", "step": 0, "steps": 8, "eta_seconds": 60.0})
    make_run(folder, "next", ("queued", "queued"))
    ended(make_run(folder, "broke", ("failed", "done")), NOW - 60)
    ended(make_run(folder, "broke long ago", ("failed", "done")), NOW - dock.LATELY - 60)
    away = ended(make_run(folder, "put away", ("interrupted", "done")), NOW - 60)
    notes.archive([away.id])
    make_run(folder, "cancelled", ("cancelled", "done"))
    with run.fold_lock(1):
        now = dock.queue_of(index.listed(), set(), NOW)
    # 1 of 3 folds is done, one has 2 of 4 epochs behind it; 60 s to its end, then 4 epochs of 2 x 3 s
    assert words(now) == "play_circle 2 active, 1 failed 50% 1 min 24 s left"
    after = dock.queue_of(index.listed(), {panel.mark(now.stopped[0])}, NOW)
    assert after.stopped == [] and after.trains == [], (
        "it was seen; what said that it trains holds no lock, and its next fold waits"
    )
    assert words(after) == "schedule 2 active nothing trains yet"


def test_what_is_paused_is_not_active_and_what_was_interrupted_did_not_fail(folder):
    held, waits = make_run(folder, "held", ("queued", "done")), make_run(folder, "next", ("queued", "queued"))
    queue.hold(folder, "a-study", [held.id])
    ended(make_run(folder, "broke", ("failed", "done")), NOW - 60)
    killed(make_run(folder, "cut off", ("running", "done")), NOW - 60)
    said = "1 paused, 1 failed, 1 interrupted"
    assert words(dock.queue_of(index.listed(), set(), NOW)) == f"schedule 1 active, {said} nothing trains yet"
    halt.stop(folder, "three fold jobs in a row broke.", "Look at the last one.")
    assert words(dock.queue_of(index.listed(), set(), NOW)) == f"schedule 1 active, {said} the queue is stopped"
    waits.delete()
    assert words(dock.queue_of(index.listed(), set(), NOW)).endswith(said)


def test_a_run_that_fails_again_is_said_again(folder):
    run = ended(make_run(folder, "broke", ("failed", "done")), NOW - 60)
    seen = {panel.mark(entry) for entry in index.listed()}
    assert not dock.queue_of(index.listed(), seen, NOW)
    ended(run, NOW)
    assert [entry.id for entry in dock.queue_of(index.listed(), seen, NOW).stopped] == [run.id]


def killed(run, started):
    """The run with the fold that its worker left behind, as it died: nobody wrote an end."""
    run.write_state(replace(run.written_state(0), state="running", started=started, ended=None))
    return run


def test_a_run_whose_worker_was_killed_is_said_and_once_seen_only_after_it_was_killed_again(folder):
    run = killed(make_run(folder, "killed", ("running", "done")), NOW - 60)
    killed(make_run(folder, "killed long ago", ("running", "done")), NOW - dock.LATELY - 60)
    now = dock.queue_of(index.listed(), set(), NOW)
    assert [entry.id for entry in now.stopped] == [run.id] and words(now).endswith("1 interrupted")
    seen = {panel.mark(entry) for entry in now.stopped}
    assert not dock.queue_of(index.listed(), seen, NOW)
    killed(run, NOW - 10)
    assert [entry.id for entry in dock.queue_of(index.listed(), seen, NOW).stopped] == [run.id]


def test_a_run_that_was_killed_after_a_day_is_as_fresh_as_the_last_that_was_heard_of_it(folder):
    run = killed(make_run(folder, "killed", ("running", "done")), NOW - 2 * dock.LATELY)
    files.write_json(run.progress_file(0), {"epoch": 3})
    os.utime(run.progress_file(0), (NOW - 60, NOW - 60))
    (stopped,) = dock.queue_of(index.listed(), set(), NOW).stopped
    assert panel.mark(stopped) == (run.id, NOW - 60)


def test_what_is_open_names_each_run_and_stops_one_only_when_asked_twice(folder):
    run = make_run(folder, "under way", ("running", "queued"))
    waits = make_run(folder, "<i>next</i>", ("queued", "queued"))
    failed = ended(make_run(folder, "broke", ("failed", "done")), time.time())
    for each in (run, waits):
        queue.enqueue(each, [state.fold for state in each.states() if state.state == "queued"])
    with run.fold_lock(0):
        at = opened()
        assert "running</span> · fold 0, the first of 2 · starting" in html(at)
        assert "2 folds" in html(at) and "diverged: &lt;i&gt;NaN&lt;/i&gt;" in html(at)
        at.button(key=f"dock-cancel-{waits.id}").click().run()
        assert "Its checkpoints are kept" in html(at)
        button(at, "Keep on").click().run()
        assert {state.state for state in waits.states()} == {"queued"} and "Stop it" not in labels(at)
        at.button(key=f"dock-cancel-{waits.id}").click().run()
        button(at, "Stop it").click().run()
        assert {state.state for state in waits.states()} == {"cancelled"}
        assert [state.state for state in run.states()] == ["running", "queued"]
        assert f"dock-open-{waits.id}" not in {each.key for each in at.button}
        button(at, "Seen").click().run()
        assert f"dock-open-{failed.id}" not in {each.key for each in at.button} and "1 active" in html(at)


@pytest.mark.parametrize(("who", "may"), [(ANNA, True), (BERT, False)], ids=["owner", "other"])
def test_whose_it_is_counts_here_too(folder, monkeypatch, who, may):
    run = make_run(folder, "hers", ("queued", "queued"), info={"by": "anna"})
    queue.enqueue(run, run.folds())
    acting(monkeypatch, who)
    at = opened()
    assert at.button(key=f"dock-cancel-{run.id}").disabled is not may
    panel._stop(run)  # a click that comes all the same
    assert {state.state for state in run.states()} == {"cancelled" if may else "queued"}


def test_the_name_of_who_launched_what_waits_is_text(folder, monkeypatch):
    run = make_run(folder, "theirs", ("queued", "queued"), info={"by": "a <b>x</b>"})
    queue.enqueue(run, run.folds())
    acting(monkeypatch, BERT)
    assert "by a &lt;b&gt;x&lt;/b&gt;" in html(opened()) and "<b>x</b>" not in html(opened())


def counted(monkeypatch):
    """Grows by one for each look through a runs folder."""
    looks, look = [], index._Folder.look
    monkeypatch.setattr(index._Folder, "look", lambda shelf: looks.append(shelf.root) or look(shelf))
    return looks


@pytest.mark.parametrize("name", ["home", "live", "compare", "look_inside", "predict", "runs"])
def test_a_page_looks_through_the_runs_once(folder, monkeypatch, name):
    make_run(folder)
    at, looks = page(name), counted(monkeypatch)
    at.run()
    assert len(looks) == 1


@pytest.mark.parametrize("name", ["data", "augment"])
def test_a_page_that_lists_no_run_looks_as_often_as_a_tick_does(folder, monkeypatch, name):
    make_run(folder, states=("queued", "queued"))
    at, looks = page(name), counted(monkeypatch)
    monkeypatch.setattr(dock, "FRESH", float("inf"))
    at.run()
    assert looks == [] and "1 active" in html(at)
    monkeypatch.setattr(dock, "FRESH", -1.0)
    at.run()
    assert len(looks) == 1
