"""What pages stand on here: an empty runs folder, or an empty lab without workers, and no measurement."""

from pathlib import Path

import pytest
import streamlit as st

from core.jobs import control, speed


@pytest.fixture(autouse=True)
def nothing_measured(monkeypatch):
    """A visit of Launch that measures a network starts a process with torch, which outlives the test by ten seconds of
    the processor; test_measuring.py has what is measured when, and tests/jobs the measurement."""
    monkeypatch.setattr(speed, "start_measuring", lambda config, folder=None: None)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The runs folder; no worker is started for what waits in it."""
    monkeypatch.setenv("FACET_RUNS", str(tmp_path))
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    return tmp_path


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """An empty lab: no runs, no demo, the speed of each network known, no worker started.

    Pages are not really switched: the fixture is the list of those asked for, (name, address) each.
    """
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FACET_DEMO", str(tmp_path / "demo"))
    monkeypatch.setattr(speed, "known", lambda config, folder=None: 100.0)
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    pages = []

    def switch(page, *, query_params=None):
        pages.append((Path(page).stem, query_params))
        st.stop()

    monkeypatch.setattr(st, "switch_page", switch)
    return pages
