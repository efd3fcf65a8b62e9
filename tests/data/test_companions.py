"""Tables that say one more thing of the photos of another: CelebA's identities and partition beside its attributes."""

import pytest

from core.config.parts import DataConfig
from core.data.readers import companions
from core.data.scan import scan
from tests.celeba import drawn
from tests.closed import close
from tests.data.cases import photos as photos_of
from tests.data.cases import table

FEW = ("Bald", "Smiling", "Young", "Male")


@pytest.fixture
def celeba(tmp_path):
    return drawn(tmp_path / "celeba", photos=24, people=6, attributes=FEW, side=16)


def of(root, **data):
    return scan(DataConfig(root=str(root), **data), threads=1)


def test_attributes_are_read_with_the_identities_beside_them(celeba):
    scanned = of(celeba)
    assert scanned.reader == "csv" and len(scanned.samples) == 24
    assert {name: attribute.kind for name, attribute in scanned.attributes.items()} == dict.fromkeys(FEW, "yes/no")
    assert scanned.samples["person"].nunique() == 6
    first = celeba.joinpath("list_attr_celeba.txt").read_text().splitlines()[2].split()
    row = scanned.samples.set_index("sample").loc[f"img_align_celeba/{first[0]}"]
    assert [row[f"attribute:{name}"] for name in FEW] == [{"1": "yes", "-1": "no"}[cell] for cell in first[1:]]
    assert row["person"] == "1" and scanned.samples["label"].isna().all(), "identities are persons, no classes"
    assert any("says who the photos show" in fact.text for fact in scanned.facts)


def test_without_identities_persons_are_unknown_and_can_be_refused_with_them(celeba):
    assert of(celeba, persons="none").samples["person"].nunique() == 24
    assert of(celeba, person_column="none").samples["person"].nunique() == 24
    (celeba / "identity_CelebA.txt").unlink()
    assert of(celeba).persons.state == "unknown"


def test_a_partition_sets_the_test_photos_aside(celeba):
    names = [f"{number:06d}.jpg" for number in range(1, 25)]
    lines = [f"{name} {2 if number < 4 else number % 2}" for number, name in enumerate(names)]
    (celeba / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    parted = of(celeba)
    assert sorted(parted.set_aside["sample"]) == [f"img_align_celeba/{name}" for name in names[:4]]
    assert set(parted.set_aside["split"]) == {"test"} and len(parted.samples) == 20


@pytest.mark.parametrize(
    ("name", "cells"), [("trailing comma", ","), ("surplus word", ",yes"), ("comma and word", ",,x")]
)
def test_a_row_with_more_cells_than_the_header_keeps_what_its_companion_says(tmp_path, name, cells):
    photos = [f"{number}.jpg" for number in range(8)]
    lines = [f"{photo},{'ab'[number % 2]}{cells}" for number, photo in enumerate(photos)]
    table(tmp_path, ["path,label", *lines[:2], lines[2].removesuffix(cells), *lines[3:]])
    photos_of(tmp_path, photos)
    parts = [f"{photo},{'test' if number < 2 else 'train'}" for number, photo in enumerate(photos)]
    (tmp_path / "partition.csv").write_text("\n".join(["path,partition", *parts]) + "\n")
    scanned = of(tmp_path)
    faults = scanned.problems[scanned.problems["kind"] == "bad-row"]["problem"].tolist()
    if name == "trailing comma":
        assert scanned.set_aside["sample"].tolist() == photos[:2] and set(scanned.set_aside["split"]) == {"test"}
        assert scanned.samples["sample"].tolist() == photos[2:] and not faults
    else:
        assert faults == ["the row has more cells than the header (3)"] * 7
        assert scanned.samples["sample"].tolist() == photos[2:3] and scanned.set_aside.empty


def test_a_companion_among_the_photos_is_read_or_left_out_and_never_both(tmp_path):
    photos = [f"{number}.jpg" for number in range(8)]
    table(tmp_path, ["path,label", *(f"{photo},{'ab'[number % 2]}" for number, photo in enumerate(photos))])
    photos_of(tmp_path, photos)
    (tmp_path / "identity.csv").write_text("".join(f"{photo},p{number // 2}\n" for number, photo in enumerate(photos)))
    (tmp_path / "splits.csv").write_text("0.jpg,test\n")
    scanned = of(tmp_path)
    assert scanned.samples["person"].nunique() == 4
    said = [*(fact.text for fact in scanned.facts), *scanned.problems["problem"]]
    assert [text for text in said if "identity.csv" in text] == [
        "identity.csv says who the photos show: read together with labels.csv (8 of 8 rows)."
    ]
    assert [text for text in said if "splits.csv" in text] == [
        "splits.csv may say what they are for; it is not read: it says so of 1 of the 8 photos of labels.csv.",
        "1 file left out, not an image: splits.csv",
    ]


def test_boxes_and_landmarks_are_no_other_choice_and_a_chosen_table_has_its_companions(celeba):
    boxes = ["24", "image_id x_1 y_1", *(f"{number:06d}.jpg {number} {number * 3}" for number in range(1, 25))]
    (celeba / "list_bbox_celeba.txt").write_text("\n".join(boxes) + "\n")
    assert set(of(celeba).attributes) == set(FEW)
    chosen = of(celeba, csv_file="list_attr_celeba.txt")
    assert set(chosen.attributes) == set(FEW) and chosen.samples["person"].nunique() == 6


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("identity_CelebA.txt", "identity"),
        ("list_eval_partition.csv", "partition"),
        ("labels.csv", ""),
        ("personal.csv", ""),
        ("splitting.csv", ""),
    ],
)
def test_a_companion_is_known_by_its_name(path, column):
    assert companions.says(path) == column


TEN = [f"{number}.jpg" for number in range(10)]


def labelled(root, beside, name="splits.csv"):
    """Ten photos with labels, and a table of the name beside them."""
    root.mkdir(exist_ok=True)
    photos_of(root, TEN)
    table(root, ["path,label", *(f"{photo},{'ab'[number % 2]}" for number, photo in enumerate(TEN))])
    (root / name).write_text("".join(f"{line}\n" for line in beside))
    return root


def asked(scanned):
    return {fact.text: fact.settings for fact in scanned.facts if fact.kind == "table" and fact.probable}


PARTS = ["test" if number < 3 else "train" for number in range(10)]


@pytest.mark.parametrize(
    "columns", ["path,label,split", "path,split,fold", "split,path", "fold,x,path,subset", "path,label,Partition"]
)
def test_a_wider_table_sets_the_test_photos_aside_by_the_column_that_is_called_so(tmp_path, columns):
    cells = [{"path": photo, "label": "ab"[n % 2], "fold": str(n % 5), "x": ""} for n, photo in enumerate(TEN)]
    names = columns.split(",")
    beside = [",".join(row.get(name, part) for name in names) for row, part in zip(cells, PARTS, strict=True)]
    scanned = of(labelled(tmp_path, [columns, *beside]))
    assert scanned.set_aside["sample"].tolist() == TEN[:3] and set(scanned.set_aside["split"]) == {"test"}
    assert scanned.samples["sample"].tolist() == TEN[3:] and not asked(scanned)
    assert any("splits.csv says what they are for: read together" in fact.text for fact in scanned.facts)
    assert len(of(tmp_path, split_column="none").samples) == 10


@pytest.mark.parametrize("columns", ["id,path,age,person", "person,path", "subject_id,image,id"])
def test_persons_are_told_by_the_column_that_is_called_so_though_numbers_may_be_photos(tmp_path, columns):
    cells = {"person": lambda n: n // 2, "subject_id": lambda n: n // 2, "id": str, "age": lambda n: 20 + n}
    rows = [
        ",".join(str(cells[name](n)) if name in cells else photo for name in columns.split(","))
        for n, photo in enumerate(TEN)
    ]
    labelled(tmp_path, [columns, *rows], "identities.csv")
    assert of(tmp_path).samples["person"].tolist() == [str(number // 2) for number in range(10)]


MAY = "splits.csv may say what they are for; it is not read: "


@pytest.mark.parametrize(
    ("beside", "why"),
    [
        ([], "splits.csv is empty."),
        (["path,split", '0.jpg,"test'], "splits.csv, near line 2: unexpected end of data."),
        (
            ["path,split", *(f"{photo},{part}" for photo, part in zip(TEN[:4], PARTS, strict=False))],
            "it says so of 4 of the 10 photos of labels.csv.",
        ),
        (["path,split", *(f"x{photo},test" for photo in TEN)], "no column of it names photos."),
        (["path", *TEN], "none of its columns is called as one that says so (path)."),
        (
            ["path,first,second", *(f"{photo},test,train" for photo in TEN)],
            "none of its columns is called as one that says so (path, first and second).",
        ),
    ],
    ids=["empty", "open quote", "cut off", "other photos", "one column", "odd columns"],
)
def test_a_companion_that_is_not_read_is_told_with_the_reason(tmp_path, beside, why):
    scanned = of(labelled(tmp_path, beside))
    assert asked(scanned) == {MAY + why: ("split_column",)} and len(scanned.samples) == 10
    assert not asked(of(tmp_path, split_column="none")), "somebody said that there are no splits"


@pytest.mark.parametrize("names", [{"test": "1", "train": "0"}, {"test": "A", "train": "B"}], ids=["0 1", "A B"])
def test_a_companion_whose_cells_are_no_words_of_splits_is_told_as_not_read(tmp_path, names):
    beside = [f"{photo},{names[part]}" for photo, part in zip(TEN, PARTS, strict=True)]
    scanned = of(labelled(tmp_path, ["path,split", *beside]))
    cells = f"{names['test']} and {names['train']}"
    assert asked(scanned) == {
        f"{MAY}too few of its cells ({cells}) are words such as train and test.": ("split_column",)
    }
    assert len(scanned.samples) == 10
    assert list(scanned.problems["problem"]) == ["1 file left out, not an image: splits.csv"]
    assert not any("read together" in fact.text for fact in scanned.facts) and "partition" not in scanned.attributes


def test_a_companion_of_cells_that_an_attribute_was_asked_of_stands_in_the_table(tmp_path):
    labelled(tmp_path, ["path,split", *(f"{photo},{number % 2}" for number, photo in enumerate(TEN))])
    assert of(tmp_path, attributes={"partition": "yes/no"}).attributes["partition"].kind == "yes/no"


@pytest.mark.parametrize(
    ("own", "name", "says", "setting"),
    [
        ("split", "splits.csv", "what they are for", "split_column"),
        ("id", "identity.csv", "who the photos show", "person_column"),
    ],
)
def test_a_companion_whose_meaning_a_column_of_the_table_has_is_told_as_not_read(tmp_path, own, name, says, setting):
    cells = {"splits.csv": PARTS, "identity.csv": [f"p{number // 2}" for number in range(10)]}[name]
    own_cells = {"split": ["train", "val"] * 5, "id": [f"{number // 2:04d}" for number in range(10)]}[own]
    labelled(tmp_path, ["path,what", *(f"{photo},{cell}" for photo, cell in zip(TEN, cells, strict=True))], name)
    rows = (tmp_path / "labels.csv").read_text().splitlines()
    rows = [f"{cell},{row}" for cell, row in zip([own, *own_cells], rows, strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    why = f"column '{own}' of labels.csv counts before it"
    scanned = of(tmp_path)
    assert asked(scanned) == {f"{name} may say {says}; it is not read: {why}.": (setting,)}
    assert len(scanned.samples) == 10 and not any("read together" in fact.text for fact in scanned.facts)
    assert not asked(of(tmp_path, **{setting: own})), "somebody chose the column"


def test_a_companion_says_who_the_photos_show_where_an_id_in_the_table_only_numbers_them(tmp_path):
    labelled(tmp_path, ["path,what", *(f"{photo},p{number // 2}" for number, photo in enumerate(TEN))], "identity.csv")
    rows = (tmp_path / "labels.csv").read_text().splitlines()
    numbered = [f"{cell},{row}" for cell, row in zip(["id", *(f"{n:04d}" for n in range(10))], rows, strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join(numbered) + "\n")
    scanned = of(tmp_path)
    assert scanned.samples["person"].nunique() == 5 and not asked(scanned)
    assert any("identity.csv says who the photos show: read together" in fact.text for fact in scanned.facts)


def test_a_companion_beside_a_column_that_is_called_as_one_of_splits_and_is_none_is_read(tmp_path):
    labelled(tmp_path, ["path,split", *(f"{photo},{part}" for photo, part in zip(TEN, PARTS, strict=True))])
    rows = [f"{photo},{'ab'[n % 2]},{'frontal' if n % 3 else 'profile'}" for n, photo in enumerate(TEN)]
    table(tmp_path, ["path,label,subset", *rows])
    scanned = of(tmp_path)
    assert scanned.set_aside["sample"].tolist() == TEN[:3] and not asked(scanned)


def test_columns_of_two_companions_can_be_chosen(celeba):
    lines = [f"{number:06d}.jpg {2 if number < 5 else number % 2}" for number in range(1, 25)]
    (celeba / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    scanned = of(celeba, csv_file="list_attr_celeba.txt", person_column="identity", split_column="partition")
    assert len(scanned.set_aside) == 4 and scanned.samples["person"].nunique() == 6 and not asked(scanned)


def test_of_two_companions_the_one_that_says_something_is_read(tmp_path):
    labelled(tmp_path, ["path,split", *(f"{photo},{number % 2}" for number, photo in enumerate(TEN))], "splits_1.csv")
    lines = ["path,split", *(f"{photo},{part}" for photo, part in zip(TEN, PARTS, strict=True))]
    (tmp_path / "splits_2.csv").write_text("\n".join(lines) + "\n")
    scanned = of(tmp_path)
    assert scanned.set_aside["sample"].tolist() == TEN[:3]
    assert [text.partition(" ")[0] for text in asked(scanned)] == ["splits_1.csv"]


def test_a_companion_of_persons_that_names_nobody_is_told_as_not_read(tmp_path):
    labelled(tmp_path, ["path,person", *(f"{photo},NA" for photo in TEN)], "persons.csv")
    assert asked(of(tmp_path, no_label="na")) == {
        "persons.csv may say who the photos show; it is not read: it names nobody.": ("person_column",)
    }


@pytest.mark.parametrize("folds", [3, 5])
@pytest.mark.parametrize("columns", ["path,label,fold", "path,Fold", "path,fold_index"])
def test_folds_of_a_companion_are_the_folds_of_the_dataset_and_no_test_set(tmp_path, columns, folds):
    label = ",x" if "label" in columns else ""
    rows = [f"{photo}{label},{number % folds}" for number, photo in enumerate(TEN)]
    scanned = of(labelled(tmp_path, [columns, *rows]))
    assert scanned.samples["given_fold"].tolist() == [number % folds for number in range(10)]
    assert scanned.set_aside.empty and not asked(scanned)
    assert any("(folds.given)" in fact.text for fact in scanned.facts)


@pytest.mark.parametrize("own", ["fold", "Fold", "cv_fold"])
def test_folds_of_a_companion_beside_folds_of_the_table_are_told_as_not_read(tmp_path, own):
    labelled(tmp_path, ["path,fold", *(f"{photo},{number % 5}" for number, photo in enumerate(TEN))])
    table(tmp_path, [f"path,label,{own}", *(f"{photo},{'ab'[n % 2]},{n // 2}" for n, photo in enumerate(TEN))])
    scanned = of(tmp_path)
    assert asked(scanned) == {f"{MAY}there is a column {own} already.": ("split_column",)}
    assert scanned.samples["given_fold"].tolist() == [number // 2 for number in range(10)]


@pytest.mark.parametrize("columns", ["id,path,age", "path,id"])
def test_an_id_that_differs_for_each_photo_of_a_companion_is_no_person(tmp_path, columns):
    def rows(ids):
        cells = [{"path": photo, "id": name, "age": "30"} for photo, name in zip(TEN, ids, strict=True)]
        return [columns, *(",".join(row[name] for name in columns.split(",")) for row in cells)]

    numbered = of(labelled(tmp_path / "numbered", rows([f"x{number}" for number in range(10)]), "persons.csv"))
    assert asked(numbered) == {
        "persons.csv may say who the photos show; it is not read: its column 'id' differs in each row: "
        "it numbers photos.": ("person_column",)
    }
    assert numbered.persons.state == "unknown"
    persons = of(labelled(tmp_path / "persons", rows([f"x{number // 2}" for number in range(10)]), "persons.csv"))
    assert (persons.persons.state, persons.samples["person"].nunique()) == ("known", 5) and not asked(persons)


@pytest.mark.parametrize(
    ("name", "says", "setting"),
    [
        ("list_eval_partition.txt", "what they are for", "split_column"),
        ("identity_CelebA.txt", "who the photos show", "person_column"),
    ],
)
def test_a_list_of_celeba_that_cannot_be_read_is_told(celeba, monkeypatch, name, says, setting):
    (celeba / name).write_text("000001.jpg 1\n")
    with monkeypatch.context() as patch:
        close(patch, celeba / name)
        ((text, settings),) = asked(of(celeba)).items()
    assert text.startswith(f"{name} may say {says}; it is not read: ") and "Permission denied" in text
    assert settings == (setting,)
    (celeba / name).write_bytes(b"")
    assert asked(of(celeba)) == {f"{name} may say {says}; it is not read: {name} is empty.": (setting,)}


def test_a_letter_to_the_reader_is_no_companion(tmp_path):
    labelled(tmp_path, ["The splits are those of the paper, and the persons are not told."], "readme_splits.txt")
    assert not asked(of(tmp_path))


def test_a_companion_in_another_folder_is_told(celeba):
    for name, home in (("list_attr_celeba.txt", "Anno"), ("identity_CelebA.txt", "Anno")):
        (celeba / home).mkdir(exist_ok=True)
        (celeba / name).rename(celeba / home / name)
    (celeba / "Eval").mkdir()
    lines = [f"{number:06d}.jpg {2 if number < 5 else number % 2}" for number in range(1, 25)]
    (celeba / "Eval/list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    scanned = of(celeba)
    assert scanned.samples["person"].nunique() == 6
    assert asked(scanned) == {
        "Eval/list_eval_partition.txt may say what they are for; it is not read: it lies in another folder than "
        "Anno/list_attr_celeba.txt.": ("split_column",)
    }


def test_a_second_companion_that_says_the_same_is_told(tmp_path):
    lines = ["path,person", *(f"{photo},p{number // 2}" for number, photo in enumerate(TEN))]
    labelled(tmp_path, lines, "identity.csv")
    (tmp_path / "persons.csv").write_text("\n".join(lines) + "\n")
    assert asked(of(tmp_path)) == {
        "persons.csv may say who the photos show; it is not read: there is a column identity already.": (
            "person_column",
        )
    }


def test_several_companions_that_are_not_read_are_one_question(tmp_path):
    labelled(tmp_path, [], "subjects_1.csv")
    for number in range(2, 9):
        (tmp_path / f"subjects_{number}.csv").write_bytes(b"")
    assert asked(of(tmp_path)) == {
        "subjects_1.csv, subjects_2.csv, subjects_3.csv and 5 more may say who the photos show; they are not read; "
        "the first: subjects_1.csv is empty.": ("person_column",)
    }


def test_a_companion_beside_photos_whose_names_stand_elsewhere_too_is_read(tmp_path):
    labelled(tmp_path / "photos", ["path,split", *(f"{photo},{PARTS[n]}" for n, photo in enumerate(TEN))])
    photos_of(tmp_path / "thumbnails", TEN)
    scanned = of(tmp_path, reader="csv")
    assert scanned.set_aside["sample"].tolist() == [f"photos/{photo}" for photo in TEN[:3]] and not asked(scanned)


def test_a_companion_of_tables_in_several_folders_is_told(tmp_path):
    for part in ("train", "test"):
        photos_of(tmp_path / part, TEN)
        rows = ["path,label", *(f"{photo},{'ab'[number % 2]}" for number, photo in enumerate(TEN))]
        (tmp_path / part / "labels.csv").write_text("\n".join(rows) + "\n")
    lines = ["path,person", *(f"{photo},p{number // 2}" for number, photo in enumerate(TEN))]
    (tmp_path / "train/identity.csv").write_text("\n".join(lines) + "\n")
    ((text, settings),) = asked(of(tmp_path)).items()
    assert settings == ("person_column",) and text.startswith("train/identity.csv may say who the photos show; it is")
    assert text.endswith("labels.csv lie in several folders.")


def test_tables_that_are_read_as_one_have_their_companions(tmp_path):
    lines = ["path,person", *(f"{photo},p{number // 2}" for number, photo in enumerate(TEN))]
    labelled(tmp_path, lines, "identity.csv")
    rows = (tmp_path / "labels.csv").read_text().splitlines()
    (tmp_path / "labels.csv").unlink()
    for part, cut in (("train", rows[1:8]), ("test", rows[8:])):
        (tmp_path / f"{part}.csv").write_text("\n".join([rows[0], *cut]) + "\n")
    scanned = of(tmp_path)
    assert scanned.samples["person"].tolist() == [f"p{number // 2}" for number in range(7)]
    assert scanned.set_aside["person"].tolist() == ["p3", "p4", "p4"] and set(scanned.set_aside["split"]) == {"test"}
    assert {path for path, *_ in scanned.tables} == {"train.csv", "test.csv", "identity.csv"}


@pytest.mark.parametrize("content", [b"", b"path,split\na/0.jpg,test\nb/1.jpg,train\n"], ids=["empty", "read"])
def test_a_companion_beside_folders_of_classes_is_told(tmp_path, content):
    photos_of(tmp_path, [f"{folder}/{number}.jpg" for folder in "ab" for number in range(3)])
    (tmp_path / "splits.csv").write_bytes(content)
    scanned = of(tmp_path)
    why = "folders or names tell the classes" if content else "splits.csv is empty"
    assert scanned.reader == "folders" and asked(scanned) == {f"{MAY}{why}.": ("reader", "csv_file", "split_column")}
