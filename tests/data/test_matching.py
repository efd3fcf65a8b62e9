"""A cell of a table means a photo, however it is written; or it is told why it means none."""

import pytest

from core.data.paths import inside
from core.data.readers.reading import folder_list
from core.data.readers.tree import list_tree
from core.data.tables.matching import Matcher
from tests.data.tables import facts, labels, table
from tests.photos import draw, problems_of, read


def test_a_table_beside_its_photos_names_them_without_suffix(tmp_path):
    photos = [f"images/{i:03d}.{'png' if i == 2 else 'jpg'}" for i in range(6)]
    scanned = read(table(tmp_path, [f"{i:03d},{'ab'[i % 2]}" for i in range(6)], *photos, header="id,label"))
    assert scanned.reader == "csv" and scanned.problems.empty
    assert labels(scanned) == {photo: "ab"[i % 2] for i, photo in enumerate(photos)}
    assert scanned.persons.state == "unknown", "the photo's name was taken for its person"
    (text,) = facts(scanned)
    assert text.startswith("6 file names in labels.csv are written with another suffix or none")
    assert facts(scanned, "table") == {"labels.csv: column 'id' names the photos: 100% of its cells match one.": False}


def test_paths_of_another_machine_are_matched_by_their_ends(tmp_path):
    rows = ["D:\\work\\faces\\0.jpg,a", "/mnt/else/faces/1.jpg,b", "\\\\server\\share\\faces\\2.jpg,a", "faces/3.jpg,b"]
    scanned = read(table(tmp_path, rows, *(f"faces/{i}.jpg" for i in range(4))))
    assert scanned.problems.empty and labels(scanned) == {f"faces/{i}.jpg": "ab"[i % 2] for i in range(4)}
    (text,) = facts(scanned)
    assert text.startswith("3 file names in labels.csv are paths of another place: matched by the end of the path (D:")
    assert not facts(scanned)[text]


def test_a_file_name_alone_in_a_folder_of_another_name_is_only_probable(tmp_path):
    scanned = read(table(tmp_path, ["/mnt/faces/0.jpg,a", "/mnt/faces/1.jpg,b"], "pictures/0.jpg", "pictures/1.jpg"))
    assert labels(scanned) == {"pictures/0.jpg": "a", "pictures/1.jpg": "b"}
    assert facts(scanned) == {
        "2 file names in labels.csv are matched by the file name alone, in a folder of another name "
        "(/mnt/faces/0.jpg is pictures/0.jpg).": True
    }


@pytest.mark.parametrize(
    ("cell", "photos"),
    [
        ("/mnt/faces/1.jpg", ["a/1.jpg", "b/1.jpg"]),  # two files end so
        ("train/1.jpg", ["test/1.jpg"]),  # another split
        ("cat/1.jpg", ["dog/1.jpg", "cat/2.jpg"]),  # the folder is there, the file is not
        ("IMG_1.jpg", ["img_1.JPG", "Img_1.jpg"]),
        ("../faces/1.jpg", ["faces/1.jpg"]),  # leads out
        ("/mnt/../../1.jpg/..", ["1.jpg"]),
        ("1", ["1.jpg", "1.png"]),
        ("2.jpg", ["1.jpg"]),
        ("train/d3a1f8c2-7.jpg", ["test/7.jpg"]),
        ("cat/d3a1f8c2-1.jpg", ["dog/1.jpg", "cat/2.jpg"]),
        ("../d3a1f8c2-1.jpg", ["1.jpg"]),
        ("/data/upload/2/d3a1f8c2-1.jpg", ["upload/3/1.jpg", "upload/2/2.jpg"]),  # no server's folder
        ("20210101-001.jpg", ["a/001.jpg"]),  # a date
    ],
)
def test_what_is_not_one_file_is_not_guessed(tmp_path, cell, photos):
    scanned = read(table(tmp_path, [f"{cell},x"], *photos), reader="csv")
    assert scanned.samples.empty and (scanned.problems["severity"] == "error").sum() == 1
    assert not facts(scanned)


def test_case_is_overlooked_where_that_is_one_file(tmp_path):
    scanned = read(
        table(tmp_path, [f"img_{i}.jpg,{'ab'[i % 2]}" for i in range(4)], *(f"IMG_{i}.JPG" for i in range(4)))
    )
    assert scanned.problems.empty and labels(scanned) == {f"IMG_{i}.JPG": "ab"[i % 2] for i in range(4)}
    assert facts(scanned) == {
        "4 file names in labels.csv match only without regard to case (img_0.jpg is IMG_0.JPG).": False
    }


def test_a_photo_that_is_named_exactly_is_no_other_rows(tmp_path):
    scanned = read(table(tmp_path, ["a/1.jpg,x", "b/1.jpg,y", "A/2.JPG,y", "a/2.jpg,x"], "a/1.jpg", "a/2.jpg"))
    assert labels(scanned) == {"a/1.jpg": "x", "a/2.jpg": "x"}
    assert set(problems_of(scanned, "missing-file")) == {"labels.csv row 3", "labels.csv row 4"}
    assert "another row may mean it too" in problems_of(scanned, "missing-file")["labels.csv row 4"]


def test_two_rows_that_could_only_loosely_mean_one_photo_are_both_told(tmp_path):
    scanned = read(table(tmp_path, ["x/1.jpg,a", "y/1.jpg,b", "2.jpg,b"], "1.jpg", "2.jpg"))
    assert labels(scanned) == {"2.jpg": "b"}
    assert set(problems_of(scanned, "missing-file")) == {"labels.csv row 2", "labels.csv row 3"}


def test_numbers_that_a_spreadsheet_shortened_are_probably_those(tmp_path):
    scanned = read(table(tmp_path, ["1,a", "2.0,b"], "x/0001.jpg", "x/0002.jpg", header="id,label"))
    assert labels(scanned) == {"x/0001.jpg": "a", "x/0002.jpg": "b"}
    assert list(facts(scanned).values()) == [True]


def test_nothing_outside_is_looked_at_more_closely_than_whether_it_is_there(tmp_path, monkeypatch):
    draw(tmp_path / "secret.jpg")
    root = tmp_path / "root"
    draw(root / "a.jpg")
    (root / "link").symlink_to(tmp_path)
    opened = []
    monkeypatch.setattr("builtins.open", lambda *args, **kwargs: opened.append(args))
    matcher = Matcher(list_tree(root))
    for cell in ("../secret.jpg", str(tmp_path / "secret.jpg"), "link/secret.jpg", "a/../../secret.jpg"):
        assert not matcher.match([(cell, "")])
    assert not opened and inside(root, "link/secret.jpg") is None


def test_names_of_an_upload_are_matched_without_their_prefix_where_that_is_one_file(tmp_path):
    """As Label Studio exports them, with columns of its own; a prefix without a letter is as good beside others. The 2
    is a project of the server, and no folder of the dataset."""
    prefixes = [f"{'0' if i == 1 else 'd'}331880{i}" for i in range(6)]
    rows = [f"/data/upload/2/{each}-cat{i}.jpg,{i},{('cat', 'dog')[i % 2]},1" for i, each in enumerate(prefixes)]
    photos = [*(f"images/cat{i}.jpg" for i in range(4)), "images/2/cat4.jpg", "images/d3318805-cat5.jpg"]
    scanned = read(table(tmp_path, rows, *photos, "images/cat5.jpg", header="image,id,choice,annotator"), reader="csv")
    assert list(scanned.attributes) == ["choice"]
    assert set(scanned.samples["sample"]) == {*photos}
    assert (
        facts(scanned)[
            "5 file names in labels.csv are matched without the prefix of an upload "
            "(/data/upload/2/d3318800-cat0.jpg is images/cat0.jpg)."
        ]
        is True
    )


def test_missing_files_by_the_thousand_are_told_in_one_line(tmp_path):
    scanned = read(table(tmp_path, ["a.jpg,x", *(f"gone{i}.jpg,y" for i in range(1500))], "a.jpg"))
    missing = problems_of(scanned, "missing-file")
    assert len(missing) == 1001
    assert missing["labels.csv"] == "500 more rows have the same kind of problem (missing-file)"


@pytest.mark.parametrize("top", ["", "skin/"])
def test_folders_that_name_classes_count_before_a_table_that_only_lists_the_photos(tmp_path, monkeypatch, top):
    """In the root, or in the one folder of a zip that holds everything."""
    photos = [f"{top}images/{each}" for each in ("site_1/1.jpg", "site_1/2.jpg", "site_2/3.jpg", "site_2/4.jpg")]
    name = f"{top}labels.csv"
    root = table(tmp_path, ["1,10", "2,20", "3,10", "4,10"], *photos, header="id,size", name=name)
    scanned = read(root)
    assert scanned.reader == "folders"
    assert facts(scanned, "table") == {f"{name} names photos, too (labels in size): it is not read.": True}
    others = [root / top / f"sizes_{number}.csv" for number in range(4)]
    for other in others:
        other.write_text((root / name).read_text())
    *_, last = facts(scanned := read(root), "table")
    assert len(facts(scanned, "table")) == 4, "a dataset with a table beside each photo had a question for each"
    assert last == f"2 more tables name photos, too: not read ({top}sizes_2.csv and {top}sizes_3.csv)."
    others[2].write_text("id,person\n1,Kim\n2,Kim\n3,Lee\n")
    others[3].write_text("id,phase\n1,TRAIN\n2,TRAIN\n3,TEST\n")
    first, second, *_ = facts(read(root), "table")
    assert first == f"{top}sizes_3.csv names photos, too, and may say which are a test (phase): it is not read."
    assert second == f"{top}sizes_2.csv names photos, too, and tells whom they show (person): it is not read."
    for other in others:
        other.write_text(others[3].read_text())
    *_, last = facts(read(root), "table")
    assert last.endswith("labels.csv), some of which may say which are a test.")
    for other in others:
        other.unlink()
    with monkeypatch.context() as patch:
        patch.setattr("core.data.tables.looked.candidates.MOST_DEEP", 0)
        assert bool(facts(read(root), "table")) == (not top), "tables below are looked at without an end"
    assert not facts(read(root, reader="folders"), "table"), "it was asked again what was answered"
    assert read(root, csv_file=name, label_column="size").reader == "csv"
    table(root, ["1,test", "2,train", "3,train", "4,train"], header="id,Dataset_type", name=name)
    (text,) = facts(read(root), "table")
    assert text == f"{name} names photos, too, and may say which are a test (Dataset_type): it is not read."
    table(root, ["1.jpg,a", "2.jpg,b", "3.jpg,a", "4.jpg,b"], name=name)
    scanned = read(root)
    assert scanned.reader == "csv" and labels(scanned) == dict(zip(photos, "abab", strict=True))
    are_no_classes = f"{name} is read: the folders site_1/ and site_2/ are taken for no classes."
    assert facts(scanned, "table") == ({are_no_classes: True} if top else {})
    assert not facts(read(root, reader="csv"), "table")


@pytest.mark.parametrize(
    ("name", "rows", "header", "said"),
    [
        ("notes.csv", ["cat/0.jpg,indoor", "dog/1.jpg,outdoor"], "image,category", "(labels in category)"),
        (
            "exported.csv",
            [f"{pet}/{n}.jpg,{'Dog' if n else pet},0.9" for pet in ("cat", "dog") for n in range(3)],
            "path,class,probability",
            "(labels in class)",
        ),
        (
            "labels.csv",
            ["cat/0.jpg,cat,Kim", "cat/1.jpg,cat,Kim", "cat/2.jpg,cat,Lee", "dog/0.jpg,dog,Max", "dog/1.jpg,dog,Max"],
            "path,label,person",
            "(labels in label), and tells whom they show (person)",
        ),
        (
            "predictions.csv",
            [f"{pet}/{n}.jpg,{n % 2},train" for pet in ("cat", "dog") for n in range(3)],
            "path,class,split",
            "(labels in class), and may say which are a test (split)",
        ),
    ],
)
def test_a_table_one_folder_down_does_not_silently_count_before_folders_of_classes(tmp_path, name, rows, header, said):
    """As in a zip: what somebody noted of two photos, or predicted of all, is no label of theirs."""
    photos = [f"pets/{pet}/{n}.jpg" for pet in ("cat", "dog") for n in range(3)]
    scanned = read(table(tmp_path, rows, *photos, header=header, name=f"pets/{name}"))
    assert scanned.reader == "folders" and labels(scanned) == {photo: photo.split("/")[1] for photo in photos}
    assert facts(scanned, "table") == {f"pets/{name} names photos, too {said}: it is not read.": True}
    assert read(tmp_path, label_column=header.split(",")[1]).reader == "csv", "its column was chosen"


SKIN = [f"{'benign' if n < 4 else 'malignant'}/{n}.jpg" for n in range(8)]
PEOPLE = [f"{20 + n // 2}/{n}.jpg" for n in range(8)]
SITES = [f"img/site_{n // 4}/{n}.jpg" for n in range(8)]
AGES = "image,age,sex", [f"{n}.jpg,{20 + n},{'fm'[n % 2]}" for n in range(8)]
WOMEN = AGES[0], [row.replace(",m", ",f") for row in AGES[1]]
ONE_PERSON = "image,age,person", [f"{n}.jpg,{20 + n},Kim" for n in range(8)]
NOTES = "image,sex,remark", ["0.jpg,f,x", "7.jpg,m,y"]
LABELS = "image,label", [f"{n}.jpg,{20 + n % 2}" for n in range(8)]
CODES = "image,label", [f"{n}.jpg,{n // 2}" for n in range(8)]
GENDERS = "path,gender,age", [f"{photo},{'fm'[n // 2 % 2]},{20 + n}" for n, photo in enumerate(PEOPLE)]
BLANK = GENDERS[0], [row.replace(",f,", ",,") if n < 2 else row for n, row in enumerate(GENDERS[1])]
TEN = [f"{20 + n // 2}/{n}.jpg" for n in range(20)]
WRONG = GENDERS[0], [f"{photo},{'fm'[not n or n // 2 % 2]},{20 + n}" for n, photo in enumerate(TEN)]
TRAIN, TEST = (LABELS[0], LABELS[1][:6]), ("image", ["6.jpg", "7.jpg"])


@pytest.mark.parametrize(
    ("photos", "tables", "reader"),
    [
        (SKIN, {"metadata.csv": AGES}, "folders"),
        (SKIN, {"metadata.csv": WOMEN}, "folders"),
        (SKIN, {"metadata.csv": ONE_PERSON}, "folders"),
        (SKIN, {"metadata.csv": AGES, "notes.csv": NOTES}, "folders"),
        (SKIN, {"labels.csv": LABELS, "notes.csv": NOTES}, "folders"),
        (PEOPLE, {"labels.csv": LABELS}, "csv"),
        (PEOPLE, {"labels.csv": GENDERS}, "csv"),
        (PEOPLE, {"labels.csv": BLANK}, "csv"),
        (TEN, {"labels.csv": WRONG}, "csv"),
        (PEOPLE, {"metadata.csv": AGES}, "folders"),
        (PEOPLE, {"labels.csv": CODES}, "folders"),
        (SKIN, {"labels.csv": ("image,label", [f"{n}.jpg,{n // 4}.0" for n in range(8)])}, "folders"),
        (SITES, {"labels.csv": ("image,label", [f"{n}.jpg,{'cat' if n < 4 else 'dog'}" for n in range(8)])}, "csv"),
        (SITES, {"train.csv": TRAIN}, "folders"),
        (SITES, {"train.csv": TRAIN, "test.csv": TEST}, "csv"),
        (SITES, {"train.csv": TRAIN, "sample_submission.csv": ("image,label", ["6.jpg,20", "7.jpg,20"])}, "csv"),
    ],
    ids=[
        "ages",
        "women",
        "one person",
        "two tables",
        "labels and notes",
        "patients",
        "people",
        "a blank",
        "a slip",
        "grades",
        "numbers",
        "codes",
        "names",
        "some",
        "a test",
        "a form",
    ],
)
def test_folders_count_before_tables_one_folder_down_unless_these_tell_other_classes(tmp_path, photos, tables, reader):
    """An age or gender is none, unless each folder is of one person, or one gender; nor do tables tell any of which
    none can be taken. It is asked in each case."""
    for name, (header, rows) in tables.items():
        table(tmp_path, rows, *(f"top/{photo}" for photo in photos), header=header, name=f"top/{name}")
    scanned = read(tmp_path)
    assert scanned.reader == reader
    assert any(facts(scanned, "table").values())


def of_photos(*folders, value):
    """(photos, four in each folder; a table's rows of these with what value(number) says)."""
    photos = [f"{folder}/{number}.jpg" for at, folder in enumerate(folders) for number in range(4 * at, 4 * at + 4)]
    return photos, [f"{photo},{value(number)}" for number, photo in enumerate(photos)]


@pytest.mark.parametrize(
    ("folders", "header", "value", "settings", "is_asked"),
    [
        (("benign", "malignant"), "image,age,sex", lambda n: f"{20 + n},{'fm'[n % 2]}", {}, True),
        (("train/benign", "train/malignant", "test/benign"), "image,age", lambda n: 20 + n, {}, True),
        (("benign", "malignant"), "image,age,person", lambda n: f"{20 + n},p{n // 2}", {}, True),
        (("benign", "malignant"), "image,age,sex", lambda n: f"{20 + n},f", {}, True),
        (("breast", "prostate"), "image,age,sex", lambda n: f"{20 + n},{'fm'[n // 4]}", {}, True),
        (("benign", "malignant"), "image,age,sex", lambda n: f"{20 + n},f", {"persons": "folder"}, False),
        (("Kim", "Lee"), "image,age,person", lambda n: f"{20 + n},p{n // 4}", {}, False),
        (("Kim", "Lee", "Max"), "image,age,sex", lambda n: f"{20 + n},{'fm'[n // 4 % 2]}", {}, True),
        (("Kim", "Lee"), "image,age", lambda n: 20 + n // 4, {}, False),
        (("female", "male"), "image,age,sex", lambda n: f"{20 + n},{'fm'[n // 4]}", {}, False),
        (("benign", "melanoma"), "image,age,dx", lambda n: f"{20 + n},{('Benign', 'Melanoma')[n // 4]}", {}, False),
        (("00", "01", "99"), "image,age,sex", lambda n: f"{20 + n},{'fm'[n % 2]}", {}, False),
        (("train", "val"), "file,age,gender", lambda n: f"{20 + n},{'fm'[n % 2]}", {}, False),
        (("benign", "malignant"), "image,age,label", lambda n: f"{20 + n},{'ab'[n % 2]}", {}, False),
    ],
    ids=[
        *("ages", "parts", "persons", "women", "bodies", "folder", "known", "people", "age", "genders", "attribute"),
        *("numbers", "splits", "labels"),
    ],
)
def test_a_table_in_the_root_is_read_and_asked_about_where_folders_may_be_the_classes(
    tmp_path, folders, header, value, settings, is_asked
):
    """Where it gives no photo a label, and the folders are no parts, no persons, and say what it does not say."""
    photos, rows = of_photos(*folders, value=value)
    scanned = read(table(tmp_path, rows, *photos, header=header, name="metadata.csv"), **settings)
    assert scanned.reader == "csv" and not scanned.samples.empty
    names = folder_list({folder.rpartition("/")[2] for folder in folders})
    said = f"metadata.csv is read: the folders {names} are taken for no classes."
    assert [text for text, asked in facts(scanned, "table").items() if asked] == [said] * is_asked
    assert not is_asked or not facts(read(tmp_path, reader="csv"), "table"), "it was asked again what was answered"
