"""What pages stand on here: an empty runs folder, or an empty lab without workers and measurements."""

import functools
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import local_script_runner

from core.jobs import control, speed


@pytest.fixture(scope="session", autouse=True)
def components():
    """Streamlit's test runner reads every installed package again for each app that it opens; here they stay as found.

    A tenth of a second each, for components of other packages, of which the lab has none.
    """
    with pytest.MonkeyPatch.context() as patch:
        scanned_once = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scanned_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def end_of_a_page():
    """Streamlit's test runner looks a thousand times a second whether a page is drawn, and takes turns with it so."""

    def wait(runner, timeout):
        runner._script_thread.join(timeout)
        if not runner.script_stopped():
            runner.request_stop()
            runner.join()
            raise RuntimeError(f"the page is not drawn after {timeout} s")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_script_runner, "require_widgets_deltas", wait)
        yield


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The runs folder; no worker is started for what waits in it."""
    monkeypatch.setenv("FACET_RUNS", str(tmp_path))
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    return tmp_path


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """An empty lab: no runs, no demo, nothing measured, no worker started.

    Pages are not really switched: the fixture is the list of those asked for, (name, address) each.
    """
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FACET_DEMO", str(tmp_path / "demo"))
    monkeypatch.setattr(speed, "start_measuring", lambda config, folder=None: None)
    monkeypatch.setattr(speed, "known", lambda config, folder=None: 100.0)
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    pages = []

    def switch(page, *, query_params=None):
        pages.append((Path(page).stem, query_params))
        st.stop()

    monkeypatch.setattr(st, "switch_page", switch)
    return pages
