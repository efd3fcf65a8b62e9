"""Pages of a lab whose folder of runs cannot be read for a while, as one on a share that is gone."""

import pytest
import streamlit as st

from pages.parts.keys.places import PAGES
from pages.parts.tab import out_of_reach
from tests.pages.app import html, listed, page
from tests.pages.trials import make_run

SAID = "is no folder of runs (Too many levels of symbolic links)"


@pytest.fixture
def runs(folder, monkeypatch):
    runs = folder / "runs"
    monkeypatch.setenv("FACET_RUNS", str(runs))
    return runs


@pytest.fixture
def gone(runs, tmp_path):
    """Takes the folder of runs away, and brings it back."""
    kept = tmp_path / "kept"

    def take(*, away):
        if away:
            runs.rename(kept)
            runs.symlink_to(runs)
        else:
            runs.unlink()
            kept.rename(runs)

    return take


def test_every_page_says_so_without_a_traceback_and_is_itself_again_once_the_folder_is_back(gone, runs):
    run = make_run(runs)
    at = page("runs")
    assert [row["id"] for row in listed(at)] == [run.id]
    gone(away=True)
    assert SAID in html(at.run()) and not at.exception
    for name, _, _ in PAGES:
        opened = page(name)
        assert SAID in html(opened), name
    gone(away=False)
    at.run()
    assert not at.exception and SAID not in html(at) and [row["id"] for row in listed(at)] == [run.id]


def test_what_ticks_draws_the_whole_page_anew_and_another_fault_stays_one(gone, runs, monkeypatch):
    runs.mkdir()
    drawn_anew = []
    monkeypatch.setattr(st, "rerun", lambda: drawn_anew.append(True))

    def tick():
        raise FileNotFoundError("of one run")

    with pytest.raises(FileNotFoundError):
        out_of_reach.noticed(tick)()
    gone(away=True)
    out_of_reach.noticed(tick)()
    assert drawn_anew == [True]
