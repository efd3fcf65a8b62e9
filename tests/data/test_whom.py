"""Persons from folders and paths: suggested where they are probable, taken where somebody says so, or none."""

import pytest

from core.errors import LabError
from tests.photos import draw, problems_of, read


@pytest.fixture
def patients(tmp_path):
    """Two classes, three people each, two photos a person in a folder of the person's own."""
    for state in ("ill", "well"):
        for person in range(3):
            for i in range(2):
                draw(tmp_path / f"{state}/{state}-p{person}/{i}.jpg")
    return tmp_path


def facts_of(scanned, kind="persons"):
    return [fact for fact in scanned.facts if fact.kind == kind]


def test_a_folder_between_class_and_photo_is_suggested_and_not_taken_silently(patients):
    scanned = read(patients)
    assert scanned.persons.state == "unknown" and set(scanned.samples["label"]) == {"ill", "well"}
    (fact,) = facts_of(scanned)
    assert fact.probable and fact.settings == ("persons",)
    assert "may be the person: 6 folders such as ill-p0, ill-p1 and 4 more hold 12 photos" in fact.text


def test_the_folder_is_the_person_when_it_is_chosen(patients):
    scanned = read(patients, persons="folder")
    assert scanned.persons.are_known and scanned.persons.people == 6
    assert scanned.samples["person"].tolist() == [sample.split("/")[1] for sample in scanned.samples["sample"]]
    (fact,) = facts_of(scanned)
    assert not fact.probable and fact.text == "The folder between class and photo is the person."


def test_one_name_in_two_classes_is_one_person_and_told(tmp_path):
    for path in ("glad/p1/a.jpg", "glad/p2/a.jpg", "sad/p1/b.jpg", "sad/b.jpg"):
        draw(tmp_path / path)
    scanned = read(tmp_path, persons="folder")
    assert dict(zip(scanned.samples["sample"], scanned.samples["person"], strict=True)) == {
        "glad/p1/a.jpg": "p1",
        "glad/p2/a.jpg": "p2",
        "sad/p1/b.jpg": "p1",
        "sad/b.jpg": "sad/b.jpg",
    }
    assert (scanned.persons.state, scanned.persons.known) == ("partly", 3)
    text = facts_of(scanned)[0].text
    assert "p1 stands in several classes" in text and "1 photo lies in no such folder" in text


def test_parts_are_no_persons(tmp_path):
    for name in ("ill", "well"):
        for part in ("train", "test"):
            for person in "ab":
                draw(tmp_path / f"{name}/{part}/{name}{part}{person}/0.jpg")
    scanned = read(tmp_path, persons="folder")
    assert set(scanned.samples["person"]) == {"illtraina", "illtrainb", "welltraina", "welltrainb"}


@pytest.mark.parametrize("path", ["{}/images/{}.jpg", "{}/{}.jpg", "{}/photo{}/only.jpg"])
def test_folders_that_say_nothing_of_persons_suggest_nothing(tmp_path, path):
    for name in ("cat", "dog"):
        for i in range(3):
            draw(tmp_path / path.format(name, i))
    assert facts_of(read(tmp_path)) == []


def test_a_pattern_on_the_whole_path(patients):
    scanned = read(patients, persons="path", person_pattern=r"^[^/]+/([^/]+)/")
    assert scanned.persons.are_known and scanned.persons.people == 6
    assert facts_of(scanned)[0].text == "The person is what the pattern ^[^/]+/([^/]+)/ finds in a photo's path."
    draw(patients / "ill/loose.jpg")
    told = problems_of(read(patients, persons="path", person_pattern=r"^[^/]+/([^/]+)/"), "bad-name")
    assert "finds nothing in its path" in told["ill/loose.jpg"]


def test_a_pattern_means_the_file_name_as_ever_unless_the_path_is_chosen(tmp_path):
    for path in ("p1/p2_a.jpg", "p3/p4_a.jpg"):
        draw(tmp_path / path)
    pattern = r"^(p\d+)[_/]"
    assert read(tmp_path, person_pattern=pattern).samples["person"].tolist() == ["p2", "p4"]
    assert read(tmp_path, person_pattern=pattern, persons="path").samples["person"].tolist() == ["p1", "p3"]


def test_a_path_without_a_pattern_and_folders_that_are_not_there_are_refused_in_words(tmp_path):
    draw(tmp_path / "cat/0.jpg")
    draw(tmp_path / "dog/0.jpg")
    with pytest.raises(LabError, match="no person pattern is given"):
        read(tmp_path, persons="path")
    with pytest.raises(LabError, match="there is no folder next to the class"):
        read(tmp_path, persons="folder")


def test_persons_of_a_table_can_be_un_chosen_and_taken_from_folders(tmp_path):
    rows = ["path,label,person"]
    for i in range(6):
        draw(tmp_path / f"p{i % 3}/{i}.jpg")
        rows.append(f"p{i % 3}/{i}.jpg,{'ab'[i % 2]},{i % 2}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    assert read(tmp_path).persons.people == 2
    unknown = read(tmp_path, persons="none")
    assert unknown.persons.state == "unknown" and unknown.persons.people == 6
    assert sorted(set(read(tmp_path, persons="folder").samples["person"])) == ["p0", "p1", "p2"]
    by_path = read(tmp_path, persons="path", person_pattern=r"^p(\d)/")
    assert by_path.persons.people == 3 and set(by_path.problems["severity"]) == {"warning"}


def test_a_pattern_that_an_unlabelled_photo_does_not_fit_is_no_reason_to_refuse_it(tmp_path):
    for path in ("train/cat/p1_0.jpg", "train/dog/p2_0.jpg", "test/4711.jpg"):
        draw(tmp_path / path)
    scanned = read(tmp_path, person_pattern=r"^(p\d)_")
    assert scanned.problems.empty and scanned.set_aside["sample"].tolist() == ["test/4711.jpg"]
