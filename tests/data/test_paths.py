"""Nothing below a dataset leads out of it: not a CSV's name, not a link, not a file that became one since the scan."""

import string
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from core.config.run_config import DataConfig
from core.data import duplicates, thumbnails
from core.data.content.unchanged import changes
from core.data.paths import file_inside, inside, photo_file
from core.data.pictures.photo import photo_of
from core.data.readers.csv_table import csv_columns
from core.data.readers.layouts import READERS
from core.data.readers.tree import list_tree
from core.data.scan import scan
from core.errors import LabError
from core.places import HOME
from core.report import faces
from core.report.findings import SHOWN
from pages.parts.data import problems
from pages.parts.data.view import View
from pages.parts.look_inside import mistakes
from tests.photos import draw, read

REPORT = SimpleNamespace(photos=SHOWN)  # of a report, what decides about a photo

DATA = HOME / "pages" / "data.py"


@pytest.fixture
def secret(tmp_path):
    """A folder beside the dataset, with a table and a photo that nobody who was given the dataset may see."""
    folder = tmp_path / "outside"
    draw(folder / "secret.jpg")
    (folder / "secret.csv").write_text("path,label,patient_name\na.jpg,x,y\n")
    return folder


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "set"
    for name in ("a", "b", "c"):
        draw(folder / "cat" / f"{name}.jpg")
        draw(folder / "dog" / f"{name}.jpg", (20, 30, 40))
    return folder.resolve()


def ways_out(root, secret):
    """Names that lead from the dataset to the secret table: upwards, absolute, by a link to it, by a linked folder."""
    (root / "link.csv").symlink_to(secret / "secret.csv")
    (root / "linked").symlink_to(secret)
    (root / "second.csv").symlink_to(root / "link.csv")
    there = "../outside/secret.csv"
    upwards = [there, f"cat/../{there}", there.replace("/", "\\"), "..", "../.."]
    return [*upwards, str(secret / "secret.csv"), "link.csv", "linked/secret.csv", "second.csv", "bad\0name.csv"]


def words(name):
    """What is said of a way out: a link is there, whatever it leads to."""
    return "there is no file" if "\0" in name else "leads out of the dataset"


def test_a_csv_outside_is_opened_by_no_door(root, secret):
    for name in ways_out(root, secret):
        with pytest.raises(LabError, match=words(name)):
            csv_columns(root, name)
        with pytest.raises(LabError, match=words(name)):
            scan(DataConfig(root=str(root), reader="csv", csv_file=name), threads=1)
        with pytest.raises(LabError):
            file_inside(root, name.replace("\\", "/"))


def test_the_form_of_the_data_page_shows_nothing_of_a_csv_outside(root, secret, tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    (root / "own.csv").write_text("path,label\ncat/a.jpg,x\n")
    for name in ways_out(root, secret):
        if "\0" in name:
            continue
        page = AppTest.from_file(str(DATA), default_timeout=60)
        page.session_state["data-choice"] = DataConfig(root=str(root), reader="csv", csv_file=name).model_dump()
        page.run()
        assert not page.exception
        text = "".join(str(element.proto) for element in (*page.selectbox, *page.markdown, *page.get("html")))
        assert "patient_name" not in text and words(name) in text


def test_the_table_of_the_mask_layout_is_not_read_through_a_link(root, secret):
    (secret / "train.csv").write_text("id,gender,race,age,path\nsecret person,male,x,30,p\n")
    (root / "images").mkdir()
    (root / "train.csv").symlink_to(secret / "train.csv")
    with pytest.raises(LabError, match=r"train\.csv leads out of the dataset .*not opened.*Copy the file"):
        READERS["mask"](list_tree(root), DataConfig(root=str(root)))


def test_a_folders_problem_shows_only_photos_of_the_dataset(root, secret, tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    (root / "cat" / "out.jpg").symlink_to(secret / "secret.jpg")
    (root / "cat" / "notes.txt").write_text("left over")
    scanned = read(root)
    view = View(scanned, scanned, [])
    assert "cat/out.jpg" in set(scanned.problems["sample"])
    assert not problems.tiles_of(view, "cat/out.jpg")
    assert [tile.photo.sample for tile in problems.tiles_of(view, "cat")] == ["cat/a.jpg", "cat/b.jpg", "cat/c.jpg"]
    names = [tile.photo.sample for tile in problems.tiles_of(view, ".")]
    assert names == []


@pytest.mark.fault(20)
def test_a_photo_that_became_a_link_outside_is_shown_by_nobody(root, secret, tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    samples = read(root).samples
    photo = photo_of(samples.iloc[0])
    path = photo.path
    thumbnails.thumbnail(photo)  # even one that was remembered is not shown for what is there now
    Path(path).unlink()
    Path(path).symlink_to(secret / "secret.jpg")
    with pytest.raises(LabError, match="leads out of the dataset"):
        thumbnails.thumbnail(photo)
    (error, good) = thumbnails.thumbnails([photo, photo_of(samples.iloc[1])])
    assert error.kind == "outside" and isinstance(good, bytes)
    assert mistakes.thumbnail(photo, 50) == ("", "the photo lies outside its dataset")
    assert duplicates.signatures([photo]).decoded.tolist() == [False]
    face = faces._face(REPORT, photo, (), (), {})
    assert not face.jpeg and "leads out" in face.missing


def test_a_followed_photo_is_opened_by_every_door_and_only_by_consent(root, secret, tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    (root / "cat" / "out.jpg").symlink_to(secret / "secret.jpg")
    samples = read(root, follow_links=True).samples.set_index("sample", drop=False)
    assert len(samples) == 7
    photo = photo_of(samples.loc["cat/out.jpg"])
    path, sample = photo.path, photo.sample
    assert photo_file(path, sample) == secret / "secret.jpg"
    assert isinstance(thumbnails.thumbnail(photo), bytes)
    assert duplicates.signatures([photo]).decoded.tolist() == [True]
    assert faces._face(REPORT, photo, (), (), {}).jpeg
    assert changes(samples) == []
    plain = str(root / sample)  # as in a table that was made without consent
    with pytest.raises(LabError, match="leads out of the dataset"):
        photo_file(plain, sample)
    without_consent = samples.assign(path=[str(root / name) for name in samples["sample"]])
    assert list(map(str, changes(without_consent))) == ["cat/out.jpg (a link that leads out of the dataset)"]


def test_consent_holds_for_photos_that_were_links_when_it_was_given(root, secret):
    samples = read(root, follow_links=True).samples
    (root / "cat" / "a.jpg").unlink()
    (root / "cat" / "a.jpg").symlink_to(secret / "secret.jpg")
    with pytest.raises(LabError, match="leads out of the dataset"):
        photo_file(samples["path"][0], samples["sample"][0])
    assert list(map(str, changes(samples))) == ["cat/a.jpg (a link that leads out of the dataset)"]


@pytest.mark.parametrize("sample", ["../outside/secret.jpg", "", "b.jpg", "cat/../../outside/secret.jpg"])
def test_consent_reaches_no_further_than_its_own_sample(root, secret, sample):
    for path in (f"{root}/./cat/a.jpg", f"{root}/./{sample}" if ".." in sample else f"{root}/./"):
        with pytest.raises(LabError, match="it is not opened"):
            photo_file(path, sample)


def test_a_table_behind_a_link_stays_closed_also_where_photos_are_followed(root, secret):
    for name in ways_out(root, secret):
        with pytest.raises(LabError, match=words(name)):
            scan(DataConfig(root=str(root), reader="csv", csv_file=name, follow_links=True), threads=1)


def test_a_linked_root_and_a_link_within_are_the_datasets_own(root, tmp_path):
    (tmp_path / "moved").symlink_to(root)
    (root / "dog" / "again.jpg").symlink_to(root / "cat" / "a.jpg")
    assert photo_file(tmp_path / "moved" / "dog" / "again.jpg", "dog/again.jpg") == root / "cat" / "a.jpg"
    assert file_inside(tmp_path / "moved", "cat/b.jpg") == root / "cat" / "b.jpg"


@pytest.mark.parametrize("sample", ["", "b.jpg", "../set/cat/a.jpg", "elsewhere/cat/a.jpg"])
def test_a_row_whose_path_is_not_its_sample_is_refused(root, sample):
    with pytest.raises(LabError, match="it is not opened"):
        photo_file(root / "cat" / "a.jpg", sample)


PARTS = some.sampled_from(["..", ".", "cat", "dog", "a.jpg", "loop", "out", "", "/", "\0", "~", "outside", "x" * 300])


@given(parts=some.lists(PARTS | some.text(string.printable, max_size=5), max_size=8), absolute=some.booleans())
def test_whatever_is_spelt_stays_inside_or_is_refused(tmp_path_factory, parts, absolute):
    home = tmp_path_factory.getbasetemp() / "fuzzed"
    if not home.exists():
        draw(home / "set" / "cat" / "a.jpg")
        draw(home / "outside" / "secret.jpg")
        (home / "set" / "out").symlink_to(home / "outside")
        (home / "set" / "loop").symlink_to(home / "set")
    root = (home / "set").resolve()
    path = "/" * absolute + "/".join(parts)
    real = inside(root, path)
    if real is not None:
        assert (root / real).resolve().is_relative_to(root)
