"""Drafts of the launch form: of each person the newest are kept, however many others prepare."""

import errno
import os
from pathlib import Path

from core.config import drafts
from core.places import lab_folder
from tests.closed import close


def token(number):
    return f"20260101-000000-{number:04x}"


def test_the_drafts_of_others_take_nobodys_away(tmp_path, monkeypatch):
    monkeypatch.setattr(drafts, "MOST", 3)
    for number, person in enumerate(["anna", *["ben"] * 5, "anna"]):
        drafts.save(token(number), {"by": person}, tmp_path)
        path = lab_folder(tmp_path) / "drafts" / f"{token(number)}.json"
        os.utime(path, (path.stat().st_mtime - 100 + number,) * 2)
    assert [drafts.whose(token(number), tmp_path) for number in range(7)] == ["anna", "", "", *["ben"] * 3, "anna"]


def test_what_is_no_draft_there_is_let_go_with_those_of_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(drafts, "MOST", 1)
    place = lab_folder(tmp_path) / "drafts"
    place.mkdir(parents=True)
    for number, name in enumerate(("notes", token(1), token(2))):
        (place / f"{name}.json").write_text("{}")
        os.utime(place / f"{name}.json", (10**9 * 2 + number,) * 2)
    drafts.save(token(3), {"by": "anna"}, tmp_path)
    assert {path.stem for path in place.iterdir() if path.suffix == ".json"} == {token(2), token(3)}


def aged(place, number):
    path = place / f"{token(number)}.json"
    os.utime(path, (path.stat().st_mtime - 100 + number,) * 2)


def test_a_draft_that_is_out_of_reach_stays_and_holds_up_no_clearing_away(tmp_path, monkeypatch):
    monkeypatch.setattr(drafts, "MOST", 1)
    place = lab_folder(tmp_path) / "drafts"
    for number, person in enumerate(["ben", "anna", "anna", "ben", ""]):
        drafts.save(token(number), {"by": person}, tmp_path)
        aged(place, number)
        if number == 1:
            close(monkeypatch, place / f"{token(1)}.json")
    assert sorted(path.stem for path in place.glob("*.json")) == [token(number) for number in (1, 2, 3, 4)]


def test_a_draft_that_cannot_be_deleted_holds_up_no_clearing_away(tmp_path, monkeypatch):
    place = lab_folder(tmp_path) / "drafts"
    for number in range(3):
        drafts.save(token(number), {"by": "anna"}, tmp_path)
        aged(place, number)
    unlink = Path.unlink

    def refused(path, *args, **settings):
        if path.stem == token(1):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return unlink(path, *args, **settings)

    monkeypatch.setattr(drafts, "MOST", 1)
    monkeypatch.setattr(Path, "unlink", refused)
    drafts.save(token(3), {"by": "anna"}, tmp_path)
    assert sorted(path.stem for path in place.glob("*.json")) == [token(number) for number in (1, 3)]
