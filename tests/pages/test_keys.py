"""The palette, the keys and the words: what they send to the browser, and where a choice leads."""

import pytest
import streamlit as st

from core.config.run_config import DataConfig
from core.data import recent
from core.places import HOME
from pages.parts.doubts import decisions
from pages.parts.hand import hand
from pages.parts.keys import glossary, palette
from pages.parts.keys.places import KEYS, PAGES, PARTS
from tests.pages.app import html, page
from tests.pages.trials import make_run


@pytest.fixture
def heard(monkeypatch):
    """What each page sends to the browser."""
    sent = []
    monkeypatch.setattr(palette, "KEYS_ELEMENT", lambda **words: sent.append(words["data"]))
    return sent


def test_runs_are_listed_when_the_palette_opens_and_at_no_other_time(folder, heard, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    recent.remember(DataConfig(root=str(photos)), reader="folders", people=1, photos=1)
    run = make_run(folder, "utk <b>full</b>", states=("failed", "done"))
    (folder / "20260101-000000-torn-0000").mkdir()
    (folder / "20260101-000000-torn-0000" / "config.yaml").write_text("{")
    at = page("runs", run=run.id)
    assert heard[-1] == {"hand": {"id": run.id, "name": "utk <b>full</b>"}, "list": None}
    at.session_state[palette.ASKED] = 12.5
    at.run()
    listed = heard[-1]["list"]
    assert listed["asked"] == 12.5 and listed["datasets"] == [[str(photos), str(photos)]] and not listed["studies"]
    lines = {each[0]: each[1:] for each in listed["runs"]}
    assert lines[run.id][0].startswith("utk <b>full</b> · ") and lines[run.id][1] == "failed"
    assert lines["20260101-000000-torn-0000"][1] == "unreadable"
    at.run()
    assert heard[-1]["list"] is None


def test_a_choice_opens_its_page_and_one_that_the_lab_has_not_opens_nothing(folder, monkeypatch):
    opened = []
    monkeypatch.setattr(st, "switch_page", lambda path, query_params: opened.append((path, query_params)))
    for goes in (
        {"page": "compare", "params": {"run": "some-run"}},
        {"page": "../app", "params": {}},
        {"page": "nowhere"},
        {},
        {"page": "settings", "params": None},
    ):
        palette.go(goes)
    assert opened == [
        (HOME / "pages" / "compare.py", {"run": "some-run"}),
        (HOME / "pages" / "settings.py", {}),
    ]


def test_the_hand_is_emptied_from_the_palette(folder, heard):
    run = make_run(folder)
    at = page("runs", run=run.id)
    assert at.session_state[hand._RUN] == run.id
    at.session_state[palette.GOES] = {"clears": True}
    at.run()
    assert hand._RUN not in at.session_state and heard[-1]["hand"] is None


def test_every_page_and_every_key_of_it_stands_in_the_table():
    assert {name for name, _, _ in PAGES} == {path.stem for path in (HOME / "pages").glob("[!_]*.py")}
    assert set(KEYS) <= {name for name, _, _ in PAGES}
    written = "".join(path.read_text("utf-8") for path in (HOME / "pages").rglob("*.py") if path.name != "places.py")
    written = written.lower()
    assert set(PARTS) == {name for name, _, _ in PAGES}, "each says what stands on it"
    assert [name for rows in PARTS.values() for name, _ in rows if name.lower() not in written] == [], "as it is called"
    keys = " ".join(shown for shown, _ in KEYS["look_inside"]).split()
    assert {*decisions.KEYS.values(), "P", "N"} <= set(keys)


def test_a_word_is_its_own_sentence_and_is_listed_on_settings(folder):
    assert all(sentence.endswith(".") for sentence in glossary.GLOSSARY.values())
    settings = html(page("settings"))
    assert all(f"<dt>{term}</dt>" in settings for term in glossary.GLOSSARY)
    assert 'tabindex="0" data-word="macro F1">macro F1</span>' in glossary.word("macro F1")
