"""Selections of photos: found again under a name that says what is in them, and never another one's."""

import json
import os

import pytest

from core.data.chosen import selections
from core.data.chosen.selections import selection
from core.errors import LabError
from core.places import lab_folder
from core.storage import asking
from core.storage.asking import Asker


def file_of(chosen, folder):
    """Of the one person who selects."""
    (path,) = (lab_folder(folder) / "selections").glob(f"*/{chosen.name}.json")
    return path


def test_a_selection_is_found_again_by_its_name_in_its_order(tmp_path):
    chosen = selection(tmp_path / "faces", ["b, c.jpg", "ä/%2C.jpg", "a.jpg", "a.jpg"])
    assert chosen.samples == ("b, c.jpg", "ä/%2C.jpg", "a.jpg")
    selections.keep(chosen, tmp_path)
    assert selections.load(chosen.name, tmp_path) == chosen
    assert selection(tmp_path / "faces" / ".." / "faces", chosen.samples).name == chosen.name
    others = [selection(tmp_path / "faces", chosen.samples[:2]), selection(tmp_path / "pets", chosen.samples)]
    assert len({chosen.name, *(other.name for other in others)}) == 3


def test_what_is_no_selection_is_none(tmp_path):
    chosen = selection(tmp_path, ["a.jpg"])
    selections.keep(chosen, tmp_path)
    path = file_of(chosen, tmp_path)
    for name in ("", "../../etc/passwd", "0" * 16, chosen.name.upper() + "/", "x" * 5000):
        assert selections.load(name, tmp_path) is None
    for garbage in ("{", "[]", "null", json.dumps({"root": str(tmp_path), "samples": ["b.jpg"]})):
        path.write_text(garbage)
        assert selections.load(chosen.name, tmp_path) is None, garbage


def test_what_a_power_cut_left_empty_is_kept_again_once_it_is_selected(tmp_path):
    chosen = selection(tmp_path, ["a.jpg"])
    selections.keep(chosen, tmp_path)
    path = file_of(chosen, tmp_path)
    path.write_bytes(b"")
    selections.keep(chosen, tmp_path)
    assert selections.load(chosen.name, tmp_path) == chosen


def test_the_newest_are_kept_and_one_that_was_opened_counts_as_new(tmp_path, monkeypatch):
    monkeypatch.setattr(selections, "MOST", 2)
    first, second, third = (selection(tmp_path, [f"{n}.jpg"]) for n in range(3))
    place = lab_folder(tmp_path) / "selections"
    for age, each in ((300, first), (200, second)):
        selections.keep(each, tmp_path)
        path = file_of(each, tmp_path)
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    assert selections.load(first.name, tmp_path) == first
    selections.keep(third, tmp_path)
    assert {path.stem for path in place.rglob("*.json")} == {first.name, third.name}
    monkeypatch.setattr(selections, "MOST_BYTES", 1)
    selections.keep(second, tmp_path)
    assert [path.stem for path in place.rglob("*.json")] == [second.name], "the newest stays, however large"


def test_the_clicks_of_one_person_take_no_link_of_another_away(tmp_path, monkeypatch):
    monkeypatch.setattr(selections, "MOST", 20)
    clicking = "anna"
    monkeypatch.setattr(asking, "_answer", lambda: Asker(clicking, admin=False, shared=True))
    linked = selection(tmp_path / "faces", ["a.jpg", "b.jpg"])
    selections.keep(linked, tmp_path)
    clicking = "ben@example.org"
    clicks = [selection(tmp_path / "faces", [f"{number}.jpg"]) for number in range(120)]
    for each in clicks:
        selections.keep(each, tmp_path)
    assert selections.load(linked.name, tmp_path) == linked
    assert selections.load(clicks[0].name, tmp_path) is None and selections.load(clicks[-1].name, tmp_path)
    selections.keep(linked, tmp_path)
    assert len(list((lab_folder(tmp_path) / "selections").glob("*/*.json"))) == selections.MOST + 1


def test_those_of_older_labs_are_found_and_let_go_as_all_are(tmp_path):
    older, newer = selection(tmp_path, ["a.jpg"]), selection(tmp_path, ["b.jpg"])
    place = lab_folder(tmp_path) / "selections"
    place.mkdir(parents=True)
    path = place / f"{older.name}.json"
    path.write_text(json.dumps({"root": older.root, "samples": older.samples}))
    assert selections.load(older.name, tmp_path) == older
    os.utime(path, (path.stat().st_mtime - 31 * 86_400,) * 2)
    selections.keep(newer, tmp_path)
    assert not path.exists() and selections.load(newer.name, tmp_path) == newer


def test_a_folder_that_takes_nothing_says_so(tmp_path):
    lab_folder(tmp_path).write_text("a file where the folder should be")
    with pytest.raises(LabError, match="cannot be written"):
        selections.keep(selection(tmp_path, ["a.jpg"]), tmp_path)
