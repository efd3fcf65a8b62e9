"""Being told by the browser: only where somebody asked, of what was active before, in plain words."""

import re

import pytest

from core.runs import FoldState
from pages.parts.bell import bell
from pages.parts.bell.favicon import favicon
from tests.pages.app import page
from tests.pages.trials import make_run

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def heard(monkeypatch):
    """What each page sends to the browser."""
    sent = []
    monkeypatch.setattr(bell, "_LISTEN", lambda **words: sent.append(words["data"]))
    return sent


def test_nobody_looks_at_runs_for_whoever_did_not_ask(folder, heard):
    run = make_run(folder, states=("running", "queued"))
    with run.fold_lock(0):
        page("runs")
    assert heard == [{"wished": False, "runs": []}]


def test_a_run_that_ends_is_told_on_any_page_and_one_that_ended_before_is_not(folder, heard):
    make_run(folder, "before")
    run = make_run(folder, "utk", states=("done", "running"))
    with run.fold_lock(1):
        at = page("runs")
        at.session_state[bell.WISHED] = True
        at.run()
    assert heard[-1]["wished"] and heard[-1]["runs"] == [
        {"id": run.id, "active": True, "title": "", "body": "", "address": f"live?run={run.id}"}
    ]
    run.write_state(FoldState(1, "done", epoch=4, best_epoch=4, scores=run.states()[0].scores))
    at.run()
    (ended,) = heard[-1]["runs"]
    assert not ended["active"] and ended["title"] == "utk: done" and ended["body"].startswith("macro F1 0.")
    run.write_state(FoldState(1, "failed", reason="disk full.\nhere"))
    at.run()
    (failed,) = heard[-1]["runs"]
    assert failed["title"] == "utk: failed" and failed["body"] == "disk full. here"


def test_the_ring_fills_with_the_share_and_is_whole_at_the_end():
    arcs = [float(re.search(r'dasharray="([\d.]+)', favicon("running", percent))[1]) for percent in (0, 25, 50, 100)]
    assert arcs[0] == 0 and arcs == sorted(arcs) and arcs[2] == pytest.approx(arcs[3] / 2, abs=0.1)
    assert favicon("done", 0) != favicon("failed", 0) and "<path" in favicon("done", 0)
    assert re.search(r'dasharray="([\d.]+)', favicon("failed", 10))[1] == str(arcs[3])
