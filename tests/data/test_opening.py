"""What is swapped between the look and the opening gains nothing, and what is allowed is opened as ever."""

import os

import pytest

from core.data.reach import bounds, opening
from core.errors import LabError
from tests.watched import IS_LINUX


@pytest.fixture
def places(tmp_path):
    """(a folder in which the lab looks, one in which it does not), with a file and a folder of the same names."""
    for name in ("allowed", "outside"):
        (tmp_path / name / "photos" / "below").mkdir(parents=True)
        (tmp_path / name / "photos" / "a.txt").write_text(name)
    with bounds.holding([tmp_path / "allowed"]):
        yield tmp_path.resolve() / "allowed", tmp_path.resolve() / "outside"


def swap(folder, target):
    os.rename(folder, f"{folder}-before")
    os.symlink(target, folder)


@pytest.fixture
def swapped_when_opened(places, monkeypatch):
    """Between the look and the opening, allowed/photos becomes a link to outside/photos."""
    allowed, outside = places
    unhurried = os.open

    def late(path, *arguments):
        if not (allowed / "photos").is_symlink():
            swap(allowed / "photos", outside / "photos")
        return unhurried(path, *arguments)

    monkeypatch.setattr(opening.os, "open", late)
    return allowed / "photos"


def test_a_folder_that_is_swapped_for_a_link_gives_no_byte(swapped_when_opened):
    with pytest.raises(LabError, match="does not look"):
        opening.open_file(swapped_when_opened / "a.txt")


def test_a_folder_that_is_swapped_for_a_link_is_not_listed(swapped_when_opened):
    names = []
    with pytest.raises((LabError, OSError)), opening.listing(swapped_when_opened) as entries:
        names = [entry.name for entry in entries]
    assert names == []
    with pytest.raises(LabError, match="does not look"), opening.listing(swapped_when_opened / "below"):
        pass


def test_where_the_system_does_not_say_what_was_opened_the_files_are_compared(swapped_when_opened, monkeypatch):
    monkeypatch.setattr(opening, "_TELLS", False)
    with pytest.raises(LabError, match="does not look"):
        opening.open_file(swapped_when_opened / "a.txt")


def test_a_file_that_is_swapped_for_a_link_is_not_followed(places, monkeypatch):
    allowed, outside = places
    checked = bounds.check

    def slow(path):
        real = checked(path)
        swap(allowed / "photos" / "a.txt", outside / "photos" / "a.txt")
        return real

    monkeypatch.setattr(opening.bounds, "check", slow)
    with pytest.raises(OSError):
        opening.open_file(allowed / "photos" / "a.txt")


@pytest.mark.parametrize("tells", [True, False])
def test_what_is_allowed_is_opened_and_listed_as_ever(places, monkeypatch, tells):
    allowed, _ = places
    monkeypatch.setattr(opening, "_TELLS", tells and IS_LINUX)
    (allowed / "link").symlink_to(allowed / "photos")
    before = len(os.listdir("/proc/self/fd")) if IS_LINUX else 0
    for folder in (allowed / "photos", allowed / "link"):
        with opening.open_file(folder / "a.txt") as stream:
            assert stream.read() == b"allowed"
        with opening.listing(folder) as entries:
            kinds = {entry.name: (entry.is_dir(), entry.is_symlink(), entry.stat().st_size > 0) for entry in entries}
        assert kinds.keys() == {"a.txt", "below"} and kinds["a.txt"][:2] == (False, False) and kinds["below"][0]
        assert opening.is_folder(folder) and opening.is_file(folder / "a.txt") and opening.has_file(folder / "a.txt")
    with pytest.raises(FileNotFoundError):
        opening.open_file(allowed / "nothing")
    with pytest.raises(OSError), opening.listing(allowed / "photos" / "a.txt"):
        pass
    assert not IS_LINUX or len(os.listdir("/proc/self/fd")) == before, "nothing stays open"


def test_nothing_outside_is_there(places):
    _, outside = places
    assert not opening.is_folder(outside) and not opening.is_file(outside / "photos" / "a.txt")
    with pytest.raises(LabError, match="does not look"):
        opening.has_file(outside / "photos" / "a.txt")


def test_a_path_that_leads_nowhere_is_answered_with_what_it_begins_then_with_what_it_is_like(tmp_path, monkeypatch):
    for name in ("faces", "faces-2024", "Faces-old", "birds", ".faces-hidden"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    (tmp_path / "photos" / "faces.txt").write_text("no folder")

    def names(path):
        return [str(each.relative_to(tmp_path)) for each in opening.alike(tmp_path / path)]

    assert names("photos/face") == ["photos/faces", "photos/faces-2024", "photos/Faces-old"]
    assert names("photos/brids") == ["photos/birds"]
    assert names("photo/birds") == ["photos"]  # a misspelt folder above it: from there one goes on
    assert names("photos/zzz") == names("zzz/birds") == []
    assert opening.alike(tmp_path / "photos" / "face", most=1) == [tmp_path / "photos" / "faces"]
    monkeypatch.setattr(opening, "MOST_BESIDE", 0)
    assert names("photos/face") == []


def test_nothing_is_offered_outside_of_where_the_lab_looks(places):
    allowed, outside = places
    assert opening.alike(allowed / "photo") == [allowed / "photos"]
    assert opening.alike(outside / "photo") == []
