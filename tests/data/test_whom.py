"""Persons from folders and paths: suggested where they are probable, taken where somebody says so, or none."""

import pytest

from core.data.readers.named.people import is_person, may_be_person
from core.errors import LabError
from tests.data.tables import facts, table
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


SURE = ["patient00001", "sub-012", "sub-ADNI002S0295", "Subject 3", "person_07", "Volunteer-1", "PATIENT_ID_4"]
MAYBE = ["PID7", "case-1", "control_02", "sub_1", "Patient (3)"]
OTHERWISE = ["subway1", "patients", "Patients 2023", "case_a", "sub-type2", "showcase_1", "12", "person_07_left"]


def test_folders_that_are_called_as_persons_or_may_be():
    assert [name for name in SURE + MAYBE + OTHERWISE if is_person(name)] == [*SURE, "Patient (3)"]
    assert [name for name in SURE + MAYBE + OTHERWISE if may_be_person(name)] == SURE + MAYBE


LAYOUTS = {  # path -> (known people, whether they are asked about); s: state, n: of 6, t: of 2, one photo each
    "{s}/patient{n:02d}/{t}.jpg": (6, False),
    "top/train/{s}/Subject {n}/study{t}/0.jpg": (6, False),
    "{s}/sub-{n:03d}/ses-0{t}/0.jpg": (6, False),
    "{s}/{who}_{n}/{t}.jpg": (6, False),  # patients and controls
    "{s}/patient_{few}/{n}{t}.jpg": (3, True),
    "patient_{n}/{by_t}/0.jpg": (6, False),
    "{s}/case_{n}/{t}.jpg": (0, True),
    "{s}/patient_1/{n}{t}.jpg": (0, False),
    "person_{n}/{t}.jpg": (0, False),
    "case_{few}/{n}{t}.jpg": (0, False),
}


@pytest.mark.parametrize("path", LAYOUTS)
def test_folders_that_are_called_as_persons_are_them_where_that_is_sure_and_no_classes(tmp_path, path):
    """Few are asked about, and others that may be."""
    for n in range(6):
        for t in range(2):
            s, who = (("ill", "patient"), ("well", "control"))[n % 2]
            draw(tmp_path / path.format(s=s, who=who, n=n, t=t, few=n // 2, by_t=("ill", "well")[t]))
    scanned = read(tmp_path)
    assert len(scanned.samples) == 12
    people, is_asked = LAYOUTS[path]
    assert (scanned.persons.people if scanned.persons.are_known else scanned.persons.known) == people
    told = [fact.probable for fact in facts_of(scanned) if "By their names the folders " in fact.text]
    assert told == ([is_asked] if people or is_asked else [])
    of_classes = [text for text, probable in facts(scanned, "classes").items() if probable]
    counted = path.startswith(("person", "case"))
    assert len(of_classes) == (counted or path.startswith("patient")), of_classes
    if counted:
        assert "may be persons, no classes" in of_classes[0]
    elif of_classes:
        assert "by their names are persons: they are taken for the classes" in of_classes[0]


def test_one_name_in_several_places_is_one_person_until_somebody_says_otherwise(tmp_path):
    """In capitals or not; which is asked about, with the pattern that tells them apart. So is one of a test set."""
    photos = [f"pool/{s}/{p}atient_{n}/0.jpg" for s, p in (("ill", "P"), ("well", "p")) for n in range(5)]
    for path in photos:
        draw(tmp_path / path)
    scanned = read(tmp_path)
    assert scanned.persons.are_known and scanned.persons.people == 5
    (fact,) = facts_of(scanned)
    assert fact.probable and fact.settings == ("persons", "person_pattern")
    assert "in several places, such as pool/ill/ and pool/well/, and count as one person each" in fact.text
    pattern = fact.text.rpartition(": ")[2]
    assert read(tmp_path, persons="path", person_pattern=pattern).persons.people == 10
    (fact,) = facts_of(read(tmp_path, persons="named"))
    assert not fact.probable and "count as one person each" in fact.text


@pytest.mark.parametrize(
    ("name", "settings", "people", "asked"),
    [
        ("case", {"persons": "named"}, 6, 0),
        ("patient", {"persons": "none"}, 0, 0),
        ("patient", {"person_pattern": r"^(\d)"}, 2, 0),
        ("patient", {"person_column": "none"}, 0, 1),
    ],
)
def test_what_somebody_says_of_persons_counts_before_what_folders_are_called_as(
    tmp_path, name, settings, people, asked
):
    for n in range(6):
        for i in range(2):
            draw(tmp_path / f"{('ill', 'well')[n % 2]}/{name}_{n}/{i}.jpg")
    scanned = read(tmp_path, **settings)
    assert (scanned.persons.people if scanned.persons.are_known else scanned.persons.known) == people
    assert sum(fact.probable for fact in facts_of(scanned)) == asked
    if settings == {"persons": "named"}:
        with pytest.raises(LabError, match="or each of them is a class of its own"):
            read(tmp_path, **settings, class_level=2)


@pytest.mark.parametrize("header", ["path,sex", "path,label,person", "path,label"])
def test_folders_of_patients_beside_a_table_are_the_persons_where_it_names_none(tmp_path, header):
    """And are not asked about as classes, unless they hold several persons each. Not where each is a class."""
    photos = [f"top/train/patient{n:05d}/study1/{i}.jpg" for n in range(6) for i in "01"]
    rows = [f"{photo},{'fm'[n // 2 % 2]},k{n // 4}" for n, photo in enumerate(photos)]
    if header == "path,sex":
        rows = [row.rpartition(",")[0] for row in rows]
    if header == "path,label":
        rows = [f"{photo},anna{n // 2}" for n, photo in enumerate(photos)]
    scanned = read(table(tmp_path, rows, *photos, header=header, name="top/labels.csv"))
    assert scanned.reader == "csv"
    people = {"path,sex": ("known", 6), "path,label,person": ("known", 3), "path,label": ("unknown", 12)}[header]
    assert (scanned.persons.state, scanned.persons.people) == people
    assert any("patient00000/" in text for text in facts(scanned, "table")) == (header == "path,label")
