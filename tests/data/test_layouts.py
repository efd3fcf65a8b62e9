import os
import sys

import pytest

from core.data.scan import detect_reader
from core.errors import LabError
from tests.photos import assert_nothing_is_skipped, draw, mask_dataset, problems_of, read


def test_mask_layout(tmp_path):
    mask_dataset(tmp_path, [("000001", "female", 45), ("000002", "male", 60)])
    (tmp_path / "images/000001_female_Asian_45/normal.jpg").rename(
        tmp_path / "images/000001_female_Asian_45/normal.JPEG"
    )
    (tmp_path / "images/000001_female_Asian_45/._normal.jpg").write_bytes(b"resource fork")
    scanned = read(tmp_path)
    assert scanned.reader == detect_reader(tmp_path) == "mask"
    assert scanned.problems.empty
    first = scanned.samples[scanned.samples["person"] == "000001"]
    assert first["mask"].tolist() == ["incorrect"] + ["mask"] * 5 + ["normal"]
    assert set(first["gender"]) == {"female"} and set(first["age"]) == {45.0} and set(first["race"]) == {"Asian"}
    assert set(first["row"]) == {2} and set(scanned.samples["row"]) == {2, 3}
    assert scanned.samples.loc[0, "path"] == str(tmp_path / scanned.samples.loc[0, "sample"])
    assert (scanned.samples["width"] == 8).all() and (scanned.samples["height"] == 6).all()
    assert_nothing_is_skipped(scanned)


def test_a_mask_row_with_a_word_for_nothing_is_nobodys(tmp_path):
    scanned = read(mask_dataset(tmp_path, [("1", "female", 45), ("NA", "male", 30), ("nan", "male", 20)]))
    assert set(scanned.samples["person"]) == {"1"}
    said = problems_of(scanned, "bad-person")
    assert list(said) == ["train.csv row 3", "train.csv row 4"]
    assert said["train.csv row 3"].startswith("the id is 'NA', which says nothing (no_label)")
    assert_nothing_is_skipped(scanned)


def test_of_two_columns_of_one_name_a_mask_table_says_which_is_read(tmp_path):
    mask_dataset(tmp_path, [("1", "female", 45), ("2", "male", 60)])
    file = tmp_path / "train.csv"
    head, *rows = file.read_text().splitlines()
    file.write_text("\n".join([f"{head},Gender,note,note", *(f"{row},male,x,y" for row in rows)]) + "\n")
    scanned = read(tmp_path)
    assert scanned.reader == "mask"
    assert scanned.samples.groupby("person")["gender"].unique().map(list).to_dict() == {"1": ["female"], "2": ["male"]}
    (fact,) = (fact for fact in scanned.facts if "times in the header" in fact.text)
    assert fact.text.startswith("train.csv: column 'gender' stands 2 times in the header; the first is read.")
    assert fact.probable


def test_mask_rows_that_are_wrong_are_told_by_number(tmp_path):
    rows = [("1", "female", 45), ("2", "other", 30), ("3", "male", "old"), ("4", "male", 130), ("5", "1", 20)]
    mask_dataset(tmp_path, [*rows, ("6", "male", 20)])
    with open(tmp_path / "train.csv", "a") as file:
        file.write("7,male,Asian,20,7_gone\n\n8,male,Asian,20,../../etc\n,male,Asian,20,6_male_Asian_20\n")
    draw(tmp_path / "images/6_male_Asian_20/mask6.jpg")
    (tmp_path / "images/6_male_Asian_20/mask5.jpg").unlink()
    draw(tmp_path / "images/nobody/normal.jpg")
    (tmp_path / "images/nobody/notes.txt").write_text("x")
    scanned = read(tmp_path)
    assert set(scanned.samples["person"]) == {"1", "6"}
    assert set(problems_of(scanned, "bad-gender")) == {"train.csv row 3", "train.csv row 6"}
    assert set(problems_of(scanned, "bad-age")) == {"train.csv row 4", "train.csv row 5"}
    assert "7 photos" in problems_of(scanned, "bad-age")["train.csv row 4"]
    assert set(problems_of(scanned, "missing-file")) == {"train.csv row 8"}
    assert set(problems_of(scanned, "outside")) == {"train.csv row 10"}  # the blank row 9 counts
    assert set(problems_of(scanned, "bad-person")) == {"train.csv row 11"}
    assert set(problems_of(scanned, "bad-name")) == {"images/6_male_Asian_20/mask6.jpg"}
    assert "no mask5" in problems_of(scanned, "incomplete")["train.csv row 7"]
    assert "1 file left out" in problems_of(scanned, "left-over")["images/nobody/"]
    assert_nothing_is_skipped(scanned)


def test_mask_reader_on_another_layout_says_which_columns_it_lacks(tmp_path):
    draw(tmp_path / "a.jpg")
    (tmp_path / "train.csv").write_text("path,label\na.jpg,cat\n")
    assert detect_reader(tmp_path) == "csv"
    with pytest.raises(LabError, match="no column age, gender, id"):
        read(tmp_path, reader="mask")


@pytest.mark.fault(16)
def test_same_person_in_two_rows_is_one_person_and_the_conflict_is_named(tmp_path):
    mask_dataset(tmp_path, [("1", "female", 45), ("1", "male", 45), ("2", "male", 30), ("2", "male", 31)])
    scanned = read(tmp_path)
    assert set(scanned.samples["person"]) == {"1", "2"}
    conflicts = problems_of(scanned, "label-conflict")
    assert list(conflicts) == ["train.csv row 2 and row 3"]
    assert "gender female and male" in conflicts["train.csv row 2 and row 3"]
    assert (scanned.problems["severity"] == "warning").all()


def test_same_folder_in_two_rows(tmp_path):
    mask_dataset(tmp_path, [("1", "female", 45), ("2", "male", 30)])
    with open(tmp_path / "train.csv", "a") as file:
        file.write("1,female,Asian,45,1_female_Asian_45\n2,female,Asian,30,2_male_Asian_30\n")
    scanned = read(tmp_path)
    assert set(scanned.samples["person"]) == {"1"} and len(scanned.samples) == 7
    assert problems_of(scanned, "duplicate")["train.csv row 2 and row 4"]
    assert "gender female and male" in problems_of(scanned, "label-conflict")["train.csv row 3 and row 5"]
    assert_nothing_is_skipped(scanned)


@pytest.mark.parametrize("folder", ["", "images/", "UTKFace/part1/"])
def test_utkface(tmp_path, folder):
    good = [
        "26_0_1_20170116174525125.jpg.chip.jpg",
        "60_1_4_20170109142408075.jpg",
        "1_1_0_20161219140623097.jpg.chip.jpg",
    ]
    bad = {
        "39_1_20170116174525125.jpg.chip.jpg": "bad-name",
        "53__0_20170116184028385.jpg": "bad-name",
        "121_0_0_20170116184028385.jpg": "bad-age",
        "20_3_0_20170116184028385.jpg": "bad-gender",
    }
    for name in [*good, *bad]:
        draw(tmp_path / folder / name)
    scanned = read(tmp_path, reader="utkface")
    samples = scanned.samples.set_index("sample")
    assert samples.loc[folder + good[0], ["gender", "age", "race"]].tolist() == ["male", 26.0, "Black"]
    assert samples.loc[folder + good[1], ["gender", "age", "race"]].tolist() == ["female", 60.0, "Others"]
    assert (scanned.samples["person"] == scanned.samples["sample"]).all()
    assert scanned.samples["mask"].isna().all()
    kinds = dict(zip(scanned.problems["sample"], scanned.problems["kind"], strict=True))
    assert kinds == {folder + name: kind for name, kind in bad.items()}
    assert_nothing_is_skipped(scanned)


@pytest.mark.parametrize(
    ("folders", "tested", "asked"),
    [
        (["train", "test"], "test/", ""),
        (["train", "test", "part3", "test"], "test/", ""),
        (["train/happy", "train/sad", "test/happy", "test/sad"], "test/", "happy/ and sad/"),
        (["happy", "sad"], "", "happy/ and sad/"),
        (["part1", "part2", "crop_part1", "UTKFace"], "", ""),
        (["female", "male"], "", ""),
        (["part1/black", "part1/asian"], "", ""),
    ],
    ids=["parts", "one folder more", "parts of classes", "classes", "UTKFace's own", "genders", "races"],
)
def test_folders_of_photos_with_names_of_utkface_are_parts_or_asked_about(tmp_path, folders, tested, asked):
    for i in range(8):
        gender = 1 - i % 2 if "female" in folders else i // 4
        photo = f"{2 + i // 4}{i % 3}_{gender}_{1 + i % 2}_2017011617452512{i}.jpg"
        draw(tmp_path / folders[i % len(folders)] / photo)
    scanned = read(tmp_path)
    assert scanned.reader == "utkface"
    aside = scanned.set_aside
    assert len(scanned.samples) + len(aside) == 8 and set(aside["split"]) == ({"test"} if tested else set())
    assert not tested or aside["sample"].str.startswith(tested).sum() == 4
    told = [fact.text for fact in scanned.facts if not fact.probable]
    assert any(f"test set, never trained on: {tested} (4 photos)" in text for text in told) == bool(tested)
    questions = [fact.text for fact in scanned.facts if fact.probable]
    assert len(questions) == bool(asked) and all(f"folders {asked} are taken for no classes" in q for q in questions)
    if asked:
        chosen = read(tmp_path, reader="folders")
        assert set(chosen.samples["label"]) == {"happy", "sad"}
        assert not any(fact.probable for fact in read(tmp_path, reader="utkface").facts)


def test_utkface_is_detected_though_some_names_are_malformed(tmp_path):
    for i in range(3):
        draw(tmp_path / f"2{i}_0_1_2017011617452512{i}.jpg.chip.jpg")
    draw(tmp_path / "39_1_20170116174525125.jpg.chip.jpg")
    (tmp_path / "README.md").write_text("about")
    assert detect_reader(tmp_path) == "utkface"


def test_folders(tmp_path):
    for path in ("cat/a.jpg", "cat/more/b.PNG", "dog/c.jpg", "stray.jpg"):
        draw(tmp_path / path)
    (tmp_path / "dog/notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / ".hidden").mkdir()
    draw(tmp_path / ".hidden/x.jpg")
    scanned = read(tmp_path)
    assert scanned.reader == detect_reader(tmp_path) == "folders"
    assert dict(zip(scanned.samples["sample"], scanned.samples["label"], strict=True)) == {
        "cat/a.jpg": "cat",
        "cat/more/b.PNG": "cat",
        "dog/c.jpg": "dog",
    }
    assert problems_of(scanned, "left-over") == {
        "./": "1 file left out, not in a class folder: stray.jpg",
        "dog/": "1 file left out, not an image: notes.txt",
    }
    assert (scanned.problems["severity"] == "warning").all()
    assert_nothing_is_skipped(scanned)


@pytest.mark.parametrize("above", ["faces/", "train/|val/", "faces/train/|faces/test/"])
def test_folders_looks_through_what_is_no_class(tmp_path, above):
    for i, folder in enumerate(above.split("|")):
        draw(tmp_path / f"{folder}cat/{i}.jpg")
        draw(tmp_path / f"{folder}dog/{i}.jpg")
    scanned = read(tmp_path)
    assert set(scanned.samples["label"]) == {"cat", "dog"}


def test_folders_person_from_a_pattern(tmp_path):
    for path in ("happy/p1_a.jpg", "happy/p2_a.jpg", "sad/p1_b.jpg", "sad/unnamed.jpg"):
        draw(tmp_path / path)
    scanned = read(tmp_path, person_pattern=r"^(p\d+)_")
    assert scanned.samples["person"].tolist() == ["p1", "p2", "p1"]
    assert set(problems_of(scanned, "bad-name")) == {"sad/unnamed.jpg"}
    assert (
        "person 'p1' has label happy and sad"
        in problems_of(scanned, "label-conflict")["happy/p1_a.jpg and sad/p1_b.jpg"]
    )
    assert_nothing_is_skipped(scanned)


def test_many_people_with_several_labels_are_told_in_few_lines(tmp_path):
    for i in range(25):
        draw(tmp_path / f"mask/p{i}_1.jpg")
        draw(tmp_path / f"plain/p{i}_2.jpg")
    scanned = read(tmp_path, person_pattern=r"^(p\d+)_")
    assert len(scanned.samples) == 50
    assert scanned.problems["problem"].tolist() == [
        "25 of 25 people have photos of several classes (mask and plain); each stays one person"
    ]
    for i in range(25, 51):
        draw(tmp_path / f"mask/p{i}_1.jpg")
        draw(tmp_path / f"mask/p{i}_2.jpg")
    scanned = read(tmp_path, person_pattern=r"^(p\d+)_")
    assert len(scanned.problems) == 21 and "5 more people" in scanned.problems["problem"].iloc[-1], "few of 51 do"


def test_images_without_any_label_are_an_error(tmp_path):
    draw(tmp_path / "a.jpg")
    draw(tmp_path / "b.jpg")
    with pytest.raises(LabError, match="2 images but nothing that names their classes"):
        detect_reader(tmp_path)


@pytest.fixture
def outside(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outside")
    draw(folder / "secret.jpg")
    return folder


@pytest.mark.fault(20)
def test_links_are_not_followed_out_and_loops_end(tmp_path, outside):
    draw(tmp_path / "cat/a.jpg")
    draw(tmp_path / "dog/b.jpg")
    (tmp_path / "cat/out.jpg").symlink_to(outside / "secret.jpg")
    (tmp_path / "bird").symlink_to(outside)
    (tmp_path / "cat/loop").symlink_to(tmp_path)
    (tmp_path / "dog/self.jpg").symlink_to(tmp_path / "dog/self.jpg")
    (tmp_path / "dog/broken.jpg").symlink_to(tmp_path / "dog/nothing.jpg")
    scanned = read(tmp_path)
    assert scanned.samples["sample"].tolist() == ["cat/a.jpg", "dog/b.jpg"]
    assert set(problems_of(scanned, "outside")) == {"cat/out.jpg", "bird"}
    assert set(problems_of(scanned, "link")) == {"cat/loop"}
    assert set(problems_of(scanned, "missing-file")) == {"dog/self.jpg", "dog/broken.jpg"}
    assert_nothing_is_skipped(scanned)


def test_a_linked_root_and_links_within_it_are_fine(tmp_path):
    draw(tmp_path / "real/cat/a.jpg")
    draw(tmp_path / "real/dog/b.jpg")
    (tmp_path / "real/cat/again.jpg").symlink_to(tmp_path / "real/cat/a.jpg")
    (tmp_path / "real/cat/b_too.jpg").symlink_to(tmp_path / "real/dog/b.jpg")
    (tmp_path / "root").symlink_to(tmp_path / "real")
    scanned = read(tmp_path / "root")
    assert scanned.samples["sample"].tolist() == ["cat/a.jpg"]
    assert set(problems_of(scanned, "duplicate")) == {"cat/a.jpg and cat/again.jpg"}
    assert "label cat and dog" in problems_of(scanned, "label-conflict")["cat/b_too.jpg and dog/b.jpg"]
    assert_nothing_is_skipped(scanned)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_in_another_encoding_is_told(tmp_path):
    draw(tmp_path / "cat/a.jpg")
    draw(tmp_path / "dog/b.jpg")
    os.rename(tmp_path / "dog/b.jpg", os.fsencode(tmp_path / "dog") + b"/" + "사진.jpg".encode("cp949"))
    scanned = read(tmp_path, reader="folders")
    assert scanned.samples["sample"].tolist() == ["cat/a.jpg"]
    assert scanned.problems["kind"].tolist() == ["bad-name"]
    scanned.problems.to_parquet(tmp_path / "problems.parquet")


def test_a_folder_that_cannot_be_listed_is_told(tmp_path, monkeypatch):
    draw(tmp_path / "cat/a.jpg")
    draw(tmp_path / "dog/b.jpg")
    listing = os.scandir

    def refuse(path):
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr("core.data.readers.tree.os.scandir", refuse)
    scanned = read(tmp_path, reader="folders")
    assert "Permission denied" in problems_of(scanned, "no-access")["dog"]
    assert_nothing_is_skipped(scanned)
    monkeypatch.setattr("core.data.readers.tree.os.scandir", lambda path: refuse("dog"))
    with pytest.raises(LabError, match="cannot be listed"):
        read(tmp_path)
