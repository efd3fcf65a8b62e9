"""Label corrections: the file, what it does to samples, and the run that used it."""

import multiprocessing
import unicodedata
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.data.labels import correction_rows, corrections
from core.data.labels.corrections import Correction
from core.errors import LabError
from core.places import lab_folder
from core.storage.spreadsheet import spreadsheet_csv


def table(**changes):
    samples = pd.DataFrame(
        {
            "sample": ["a/1.jpg", "a/2.jpg", "b/1.jpg", "c/1.jpg"],
            "person": ["a", "a", "b", "c"],
            "mask": ["mask", "normal", None, "mask"],
            "gender": ["female", "male", "male", "female"],
            "age": [30.0, 30.0, np.nan, 61.5],
            "label": [None, None, None, None],
        }
    )
    return samples.assign(**changes)


def relabel(sample="a/1.jpg", attribute="gender", before="female", after="male", **more):
    return Correction(kind="relabel", sample=sample, attribute=attribute, before=before, after=after, **more)


def test_what_is_added_is_read_back_in_order_and_undone(tmp_path):
    root, runs = tmp_path / "Faces of 2024", tmp_path / "runs"
    root.mkdir()
    assert corrections.load(root, runs) == []
    first = corrections.add(root, relabel(reason='beard, "clearly"\nmale', person="a"), runs)
    second = corrections.add(root, Correction(kind="exclude-person", person="c", reason="a child"), runs)
    assert first.reason == 'beard, "clearly" male'
    assert corrections.load(root, runs) == [first, second]
    assert corrections.file(root, runs).name.startswith("faces-of-2024-")
    assert corrections.file(root, runs).parent == lab_folder(runs) / "corrections"
    assert list(root.iterdir()) == []
    assert corrections.undo(root, first.id, runs) == first
    assert corrections.undo(root, first.id, runs) is None
    assert corrections.load(root, runs) == [second]


def test_two_datasets_of_one_name_have_two_files(tmp_path):
    assert corrections.file(tmp_path / "a" / "faces", tmp_path) != corrections.file(tmp_path / "b" / "faces", tmp_path)


def test_a_second_click_writes_nothing_but_a_change_of_mind_does(tmp_path):
    first = corrections.add(tmp_path, relabel(), tmp_path)
    assert corrections.add(tmp_path, relabel(reason="other words"), tmp_path) == first
    back = corrections.add(tmp_path, relabel(before="male", after="female"), tmp_path)
    again = corrections.add(tmp_path, relabel(), tmp_path)
    assert corrections.load(tmp_path, tmp_path) == [first, back, again]


def test_what_was_said_before_and_overruled_since_is_written_again(tmp_path):
    """Of a photo, then of its person, then of the photo once more; and the other way round."""
    samples = table(gender=["female", "female", "male", "female"])
    whole = {"sample": "", "person": "a"}
    said = [relabel(person="a"), relabel(before="female | male", after="female", **whole), relabel(person="a")]
    said = [corrections.add(tmp_path, correction, tmp_path) for correction in said]
    assert corrections.load(tmp_path, tmp_path) == said
    corrected, changed = corrections.apply(samples, said)
    assert corrected["gender"].tolist() == ["male", "female", "male", "female"] and changed == said
    assert corrections.add(tmp_path, relabel(person="a"), tmp_path) == said[-1], "a second click"

    both = [relabel(**whole), relabel("a/2.jpg", before="male", after="female", person="a"), relabel(**whole)]
    corrections.add_all(tmp_path / "b", both, tmp_path)
    corrected, _ = corrections.apply(samples, corrections.load(tmp_path / "b", tmp_path))
    assert corrected["gender"].tolist() == ["male", "male", "male", "female"]

    first, second = (relabel(f"a/{n}.jpg", person="a") for n in (1, 2))
    several = corrections.add_all(tmp_path / "c", [first, second], tmp_path)
    assert corrections.add_all(tmp_path / "c", [replace(first, id="00000000"), second], tmp_path) == several

    names = [("a", "b"), ("b", "a"), ("a", "b")]  # each about the person by the name that it has by then
    for now, after in names:
        one = relabel("", attribute="person", before=now, after=after, person=now)
        corrections.add(tmp_path / "d", one, tmp_path)
    assert len(corrections.load(tmp_path / "d", tmp_path)) == 3


def test_a_relabel_changes_that_photo_and_nothing_else():
    samples = table()
    corrected, applied = corrections.apply(samples, [one := relabel()])
    assert applied == [one]
    pd.testing.assert_frame_equal(samples, table())
    pd.testing.assert_frame_equal(corrected, table(gender=["male", "male", "male", "female"]))


@pytest.mark.parametrize(
    "attribute, before, after, expected",
    [
        ("age", "61.5", "33", 33.0),
        ("mask", "mask", "incorrect", "incorrect"),
        ("label", "", "cat", "cat"),
        ("person", "c", "b", "b"),
        ("gender", "female", "", None),
    ],
)
def test_each_attribute_can_be_corrected(attribute, before, after, expected):
    corrected, applied = corrections.apply(table(), [relabel("c/1.jpg", attribute, before, after)])
    assert len(applied) == 1
    value = corrected.set_index("sample")[attribute]["c/1.jpg"]
    assert value == expected or (expected is None and pd.isna(value))
    assert corrected[attribute].dtype == table()[attribute].dtype


def test_a_person_is_relabelled_as_a_whole():
    person = Correction(kind="relabel", person="a", attribute="gender", before="female | male", after="male")
    corrected, applied = corrections.apply(table(), [person])
    assert corrected["gender"].tolist() == ["male", "male", "male", "female"]
    assert applied == [person]


def test_photos_and_people_are_left_out():
    photo = Correction(kind="exclude-photo", sample="a/1.jpg", person="a")
    person = Correction(kind="exclude-person", person="c")
    corrected, effects = corrections.effects(table(), [photo, person])
    assert corrected["sample"].tolist() == ["a/2.jpg", "b/1.jpg"]
    assert corrected.index.tolist() == [0, 1]
    assert [effect.photos for effect in effects] == [1, 1]


def test_two_people_become_one_and_later_corrections_know_them_as_one():
    merge = Correction(kind="relabel", person="a", attribute="person", before="a", after="b")
    corrected, _ = corrections.apply(table(), [merge])
    assert corrected["person"].tolist() == ["b", "b", "b", "c"]
    nobody, _ = corrections.apply(table(), [merge, Correction(kind="exclude-person", person="b")])
    assert nobody["sample"].tolist() == ["c/1.jpg"]


@pytest.mark.parametrize("name", ["a/x\u202f1.png", "IMG  1.jpg", "Anna ", "big  cat"])
def test_a_name_with_unusual_blanks_is_written_as_it_stands(tmp_path, name):
    """Another blank would make another person, whom nobody else is, and another class."""
    samples = table(person=[name, "a", "b", "c"], label=[name, "cat", "cat", "cat"])
    one = relabel("", "person", before="b", after=name, person="b", reason=f"looks the same as  {name}")
    said = [one, relabel("c/1.jpg", "label", before="cat", after=name)]
    said = [corrections.add(tmp_path, each, tmp_path) for each in said]
    assert said[0].reason == f"looks the same as {' '.join(name.split())}"
    assert corrections.load(tmp_path, tmp_path) == said
    corrected, changed = corrections.apply(samples, said)
    assert changed == said
    assert corrected["person"].tolist() == [name, "a", name, "c"]
    assert corrected["label"].tolist() == [name, "cat", "cat", name]


def test_a_name_in_composed_letters_is_the_one_that_the_dataset_has_in_letters_apart():
    composed, apart = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
    samples = table(person=["x", apart, "b", "c"], label=["cat", "cat", apart, "cat"])
    joined = [relabel(f"{name}/1.jpg", "person", before=name, after=composed) for name in "bc"]
    corrected, changed = corrections.apply(samples, joined)
    assert corrected["person"].tolist() == ["x", apart, apart, apart] and changed == joined
    later = [
        relabel("b/1.jpg", "person", before=composed, after="new"),
        relabel("", "person", before=composed, after="whole", person=composed),
        relabel("b/1.jpg", "label", before=composed, after="cat"),
        relabel("c/1.jpg", "label", before="cat", after=composed),
    ]
    corrected, changed = corrections.apply(samples, [*joined, *later])
    assert corrected["person"].tolist() == ["x", "whole", "new", "whole"] and changed == [*joined, *later]
    assert corrected["label"].tolist() == ["cat", "cat", "cat", apart]
    gone, _ = corrections.apply(samples, [*joined, Correction(kind="exclude-person", person=composed)])
    assert gone["person"].tolist() == ["x"]


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\u2028b"])
def test_a_name_with_a_line_break_is_refused(tmp_path, name):
    with pytest.raises(LabError, match="holds a line break or another control character"):
        corrections.add(tmp_path, relabel(attribute="person", before="a", after=name), tmp_path)
    assert corrections.load(tmp_path, tmp_path) == []


def test_numbers_of_more_than_six_digits_are_corrected_in_full_and_older_lists_hold():
    samples = table(**{"attribute:date": [20240131.0, 20240132.0, 1.25, np.nan]})
    assert corrections.value_text(20240131.0) == "20240131"
    new = relabel(attribute="date", before="20240131", after="20240215")
    of_person = relabel("", "date", before="20240132 | 20240215", after="20240301", person="a")
    old = relabel(attribute="date", before="2.02401e+07", after="20240215")
    old_rounded = relabel(attribute="date", before="2.02401e+07", after="2.02402e+07")
    for said, dates in (
        ([new], [20240215, 20240132]),
        ([new, of_person], [20240301, 20240301]),
        ([old], [20240215, 20240132]),
        ([old_rounded], [20240200, 20240132]),
        ([relabel(attribute="date", before="20240130", after="20240215")], []),
    ):
        corrected, changed = corrections.apply(samples, said)
        assert changed == (said if dates else [])
        assert corrected["attribute:date"].tolist()[:2] == (dates or [20240131, 20240132])
    _, (_, again) = corrections.effects(samples, [old_rounded, replace(old_rounded, id="00000000")])
    assert again.why == "its date is 20240200 already"


@pytest.mark.parametrize("name", ["x | y", "x | y | z", " | "])
def test_a_value_that_holds_what_stands_between_several_is_still_one(name):
    samples = table(person=["a", name, name, "c"], gender=["female", "male", name, "female"])
    of_person = {"sample": "", "person": name}
    merged = relabel(attribute="person", before=name, after="a", **of_person)
    also = relabel(before=f"male | {name}", after="female", **of_person)
    corrected, effects = corrections.effects(samples, [also, merged])
    assert [effect.photos for effect in effects] == [2, 2], [effect.why for effect in effects]
    assert corrected["person"].tolist() == ["a", "a", "a", "c"] and set(corrected["gender"]) == {"female"}
    _, (_, again) = corrections.effects(samples, [merged, Correction(kind="exclude-person", person=name)])
    assert again.photos == 0, "nobody is called so any more"


def test_what_the_dataset_says_otherwise_by_now_is_left_alone_and_told():
    stale = relabel("c/1.jpg", "age", "20", "30")
    mended = relabel("b/1.jpg", "gender", "female", "male")
    gone = relabel("z.jpg")
    twice = Correction(kind="exclude-photo", sample="a/1.jpg")
    corrected, effects = corrections.effects(table(), [stale, mended, gone, twice, relabel()])
    assert corrected["sample"].tolist() == ["a/2.jpg", "b/1.jpg", "c/1.jpg"]
    whys = [effect.why for effect in effects]
    assert whys == [
        "its age is 61.5 by now, no longer 20",
        "its gender is male already",
        "photo 'z.jpg' is not in the dataset",
        "",
        "another correction leaves it out already",
    ]
    assert corrections.apply(table(), [stale, mended, gone])[1] == []


HEAD = ",".join(correction_rows.COLUMNS)
GOOD = "0123abcd,2026-01-02T03:04:05+00:00,relabel,a/1.jpg,a,gender,female,male,why,anna"


@pytest.mark.parametrize(
    "text, message",
    [
        (f"{HEAD}\n{GOOD}\n{GOOD}\n", "line 3: id 0123abcd stands there twice"),
        (f"{HEAD}\n\n{GOOD},more\n", "line 3: 11 cells, not 10"),
        (f"{HEAD}\n{GOOD.replace('male,why', 'mael,why')}\n", "line 2: gender 'mael' is not female or male"),
        (f"{HEAD}\n{GOOD.replace('female,male', 'male,male')}\n", "line 2: before and after are both 'male'"),
        (f"{HEAD}\n{GOOD.replace('relabel', 'rename')}\n", "line 2: kind 'rename' is none of"),
        (f"{HEAD}\n{GOOD.replace('gender', ' ')}\n", "line 2: no attribute is named"),
        (f"{HEAD}\n{GOOD.replace('gender,female,male', 'age,30,200')}\n", "line 2: age '200' is not between 0 and 120"),
        (f"{HEAD}\n{GOOD.replace('0123abcd', 'x')}\n", "line 2: id 'x' is not eight hex digits"),
        (f"{HEAD}\n{GOOD.replace('2026', 'then')}\n", "line 2: when 'then-01-02T03:04:05+00:00' is not a time"),
        (f"{HEAD}\n0123abcd,2026-01-02,exclude-photo,,a,,,,,\n", "line 2: exclude-photo names no photo"),
        (f"{HEAD}\n0123abcd,2026-01-02,exclude-person,a/1.jpg,,,,,,\n", "line 2: exclude-person names no person"),
        (f'{HEAD}\n{GOOD}\n"0123', "line 3: unexpected end of data"),
        ("id;when\n", "line 1: its columns are id;when, not id, when"),
    ],
)
def test_a_file_broken_by_hand_names_line_and_fault_and_is_not_overwritten(tmp_path, text, message):
    path = corrections.file(tmp_path, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(LabError) as caught:
        corrections.load(tmp_path, tmp_path)
    assert message in caught.value.message and path.name in caught.value.message
    assert caught.value.kind == "corrections" and caught.value.remedy
    for change in (
        lambda: corrections.add(tmp_path, relabel(), tmp_path),
        lambda: corrections.undo(tmp_path, "0", tmp_path),
    ):
        with pytest.raises(LabError):
            change()
    assert path.read_text() == text


def test_a_file_that_is_no_text_says_where(tmp_path):
    path = corrections.file(tmp_path, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(HEAD.encode() + b"\n\xff\xfe")
    with pytest.raises(LabError, match="line 2 is not UTF-8"):
        corrections.load(tmp_path, tmp_path)


@pytest.mark.parametrize("text", ["", HEAD, f"\ufeff{HEAD}\r\n{GOOD}\r\n", f"{HEAD}\n\n{GOOD}"])
def test_what_a_spreadsheet_leaves_behind_is_still_read(tmp_path, text):
    path = corrections.file(tmp_path, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode())
    assert len(corrections.load(tmp_path, tmp_path)) == ("0123abcd" in text)


def test_nonsense_is_not_written(tmp_path):
    for wrong in (relabel(after="nobody"), relabel(attribute=""), Correction(kind="exclude-photo", person="a")):
        with pytest.raises(LabError) as caught:
            corrections.add(tmp_path, wrong, tmp_path)
        assert caught.value.kind == "corrections"
    assert not corrections.file(tmp_path, tmp_path).exists()


def test_an_export_is_taken_in_elsewhere_once(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    made = [corrections.add(here, relabel(f"={n}.jpg"), tmp_path) for n in range(3)]
    text = spreadsheet_csv(correction_rows.table(made)).decode()
    assert "'=0.jpg" in text
    assert corrections.take_in(there, text, tmp_path) == 3
    assert corrections.take_in(there, text, tmp_path) == 0
    assert corrections.load(there, tmp_path) == made


def _add_many(root, runs, name):
    for n in range(20):
        corrections.add(root, relabel(f"{name}/{n}.jpg"), runs)


def test_two_tabs_lose_nothing(tmp_path):
    context = multiprocessing.get_context("fork")
    tabs = [context.Process(target=_add_many, args=(tmp_path, tmp_path, name)) for name in "ab"]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(30)
    assert len({each.sample for each in corrections.load(tmp_path, tmp_path)}) == 40


def test_the_version_changes_with_the_file(tmp_path):
    none = corrections.version(tmp_path, tmp_path)
    made = corrections.add(tmp_path, relabel(), tmp_path)
    one = corrections.version(tmp_path, tmp_path)
    corrections.add(tmp_path, replace(made, id="00000000", sample="other.jpg"), tmp_path)
    assert len({none, one, corrections.version(tmp_path, tmp_path)}) == 3
