"""Columns and tables that say what is trained on and what is a test."""

import json

import pytest

from core.data.readers.find_tables import table_files
from core.data.tables.splits import parts_of_column, why_no_folds
from core.errors import LabError
from tests.closed import close
from tests.data.tables import facts, labels, table
from tests.photos import draw, problems_of, read

OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
EIGHT = [f"{i}.jpg" for i in range(8)]


def with_splits(root, words, header="path,label,split"):
    return table(root, [f"{i}.jpg,{'ab'[i % 2]},{word}" for i, word in enumerate(words)], *EIGHT, header=header)


def aside(scanned):
    return dict(zip(scanned.set_aside["sample"], scanned.set_aside["split"], strict=True))


def errors(scanned):
    return scanned.problems[scanned.problems["severity"] == "error"]["problem"].tolist()


@pytest.mark.parametrize(
    ("column", "train", "test"),
    [
        ("split", "train", "test"),
        ("Usage", "Training", "PublicTest"),
        ("subset", "TRAIN", "hold-out"),
        ("set", "dev", "testing"),
        ("partition", "0", "2"),
        ("fold", "train", "test"),
    ],
)
def test_rows_for_a_test_are_set_aside(tmp_path, column, train, test):
    root = with_splits(tmp_path, [train] * 6 + [test] * 2, f"path,label,{column}")
    scanned = read(root)
    assert aside(scanned) == {"6.jpg": "test", "7.jpg": "test"}
    assert labels(scanned) == {f"{i}.jpg": "ab"[i % 2] for i in range(6)} and not errors(scanned)
    sentences = facts(scanned, "split")
    assert any("never trained on" in text and f"{column} {test} (2 photos)" in text for text in sentences)
    assert any(sentences.values()) == (column == "partition"), "numbers were taken for splits without a question"
    assert len(read(root, test_set="pool").samples) == 8
    assert len(read(root, split_column="none").samples) == 8


def test_a_column_that_is_called_as_one_of_splits_and_is_none_hides_no_test_set(tmp_path):
    rows = ["frontal,train"] * 3 + ["profile,train"] * 3 + ["frontal,test", "profile,test"]
    assert aside(read(with_splits(tmp_path, rows, "path,label,subset,usage"))) == {"6.jpg": "test", "7.jpg": "test"}


def test_validation_is_cross_validated_with_the_rest_and_rows_without_a_label_wait(tmp_path):
    rows = ["0.jpg,a,train", "1.jpg,b,valid", "2.jpg,a,", "3.jpg,,test", "4.jpg,nan,train", "5.jpg,b,test"]
    rows += ["6.jpg,b,unlabelled", "7.jpg,a,train"]
    scanned = read(table(tmp_path, rows, *EIGHT, header="path,label,split"))
    assert set(labels(scanned)) == {"0.jpg", "1.jpg", "2.jpg", "7.jpg"}
    assert aside(scanned) == {"3.jpg": "unlabelled", "4.jpg": "unlabelled", "5.jpg": "test", "6.jpg": "unlabelled"}
    assert "1 photo has no label ('nan' 1): set aside as unlabelled." in facts(scanned, "unlabelled")


def test_a_misspelt_split_is_an_error_of_its_row_never_trained_on(tmp_path):
    scanned = read(with_splits(tmp_path, ["train"] * 5 + ["tset", "test", "test"]))
    assert set(labels(scanned)) == {f"{i}.jpg" for i in range(5)}
    assert problems_of(scanned, "bad-split") == {"labels.csv row 7": "the split 'tset' is none of test and train"}


@pytest.mark.parametrize("header", ["image,kind,Dataset_type", ""])
def test_a_column_of_parts_without_a_usual_name_is_asked_about_and_is_no_class(tmp_path, header):
    words = ["TRAIN", "TRAIN", "VALIDATION", "TRAIN", "TRAIN", "UNASSIGNED", "TEST", "TEST"]
    rows = [f"{i}.jpg,{'ab'[i % 2]},{word}" for i, word in enumerate(words)]
    scanned = read(
        table(
            tmp_path,
            rows if header else [",".join(row.split(",")[::-1]) for row in rows[1:]],
            *EIGHT,
            header=header or ",".join(rows[0].split(",")[::-1]),
        )
    )
    column = header.rpartition(",")[2] or "column 1"
    (fact,) = [fact for fact in scanned.facts if fact.settings == ("split_column",)]
    assert fact.probable and f"column {column!r} (TEST, TRAIN, UNASSIGNED and VALIDATION) may say" in fact.text
    assert list(scanned.attributes) == ["label"] and len(scanned.samples) == 8
    assert not facts(read(tmp_path, split_column="none"), "split"), "it was asked again what was answered"
    (tmp_path / "labels.csv").write_text((tmp_path / "labels.csv").read_text().replace("UNASSIGNED", "TRAIN"))
    assert aside(read(tmp_path, split_column=column)) == {"6.jpg": "test", "7.jpg": "test"}


@pytest.mark.parametrize(
    "words", [["red", "blue"] * 4, ["train", "red", "blue", "green"] * 2, [str(i) for i in range(8)]]
)
def test_a_column_of_other_words_is_no_split(tmp_path, words):
    scanned = read(with_splits(tmp_path, words, "path,label,set"))
    assert len(scanned.samples) == 8 and not facts(scanned, "split")
    with pytest.raises(LabError, match=r"'set' of labels\.csv names no splits"):
        read(tmp_path, split_column="set")


def test_numbers_in_a_column_fold_are_the_folds_of_the_dataset(tmp_path):
    scanned = read(with_splits(tmp_path, [0, 1, 2, 0, 1, 2, 0, 1], "path,label,fold"))
    assert scanned.samples["given_fold"].tolist() == [0, 1, 2, 0, 1, 2, 0, 1] and not aside(scanned)
    assert any("3 folds of its own" in text for text in facts(scanned, "split"))
    both = [f"{i}.jpg,{'ab'[i % 2]},{'test' if i > 5 else 'train'},{i % 3}" for i in range(8)]
    scanned = read(table(tmp_path, both, header="path,label,split,fold"))
    assert scanned.samples["given_fold"].tolist() == [0, 1, 2, 0, 1, 2] and set(aside(scanned).values()) == {"test"}


@pytest.mark.parametrize("column", ["fold", "kfold", "cv_fold", "Folds"])
@pytest.mark.parametrize("word", ["test", "holdout"])
def test_a_column_of_folds_and_a_test_sets_the_test_aside(tmp_path, column, word):
    words = [word if i == 9 else i % 5 for i in range(20)]
    photos = [f"{i}.jpg" for i in range(20)]
    rows = [f"{photo},{'ab'[i % 2]},{words[i]}" for i, photo in enumerate(photos)]
    scanned = read(table(tmp_path, rows, *photos, header=f"path,label,{column}"))
    assert aside(scanned) == {"9.jpg": "test"} and not errors(scanned)
    given = scanned.samples.set_index("sample")["given_fold"].to_dict()
    assert given == {photo: words[i] for i, photo in enumerate(photos) if i != 9}
    sentences = facts(scanned, "split")
    assert any("never trained on" in text and f"{column} {word} (1 photo)" in text for text in sentences)
    assert any("5 folds of its own" in text for text in sentences)
    everything = read(tmp_path, split_column="none").samples
    assert len(everything) == 20 and everything["given_fold"].isna().sum() == 1


def test_a_test_row_of_either_column_is_not_trained_on(tmp_path):
    parts = ["train,0", "train,1", "train,test", "test,0", "test,test", "train,1", "train,0", "train,"]
    rows = [f"{i}.jpg,{'ab'[i % 2]},{part}" for i, part in enumerate(parts)]
    scanned = read(table(tmp_path, rows, *EIGHT, header="path,label,split,fold"))
    assert aside(scanned) == {"2.jpg": "test", "3.jpg": "test", "4.jpg": "test"}
    assert scanned.samples.set_index("sample")["given_fold"].dropna().to_dict() == {
        "0.jpg": 0,
        "1.jpg": 1,
        "5.jpg": 1,
        "6.jpg": 0,
    }


def test_numbers_and_other_words_in_a_column_of_folds_are_no_folds():
    for odd in (["red"], ["test", "red"], ["-2"]):
        assert parts_of_column("fold", ["0", "1", "2", *odd]) == {}
    assert parts_of_column("group", ["0", "1", "2", "test"]) == {}
    assert parts_of_column("fold", [*map(str, range(25)), "test"]) == {}


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([0, 1, 2, 0, 1, 2, -1, -1], "-1 is neither the number of a fold nor a word such as test"),
        ([0, 1, "test", 0, 1, "nan", -1, ""], "nan and -1 are neither the number of a fold nor a word such as test"),
    ],
)
def test_a_column_of_folds_that_is_not_read_as_one_is_told(tmp_path, cells, words):
    scanned = read(with_splits(tmp_path, cells, "path,label,fold"))
    assert "given_fold" not in scanned.samples and not aside(scanned)
    assert facts(scanned, "split") == {f"labels.csv: column 'fold' is not read as the dataset's folds: {words}.": True}


def test_why_a_column_is_none_of_folds_is_told_of_no_other_column():
    assert why_no_folds("fold", [*map(str, range(25))]) == "it has 25 numbers, and no more than 20 are taken for folds"
    assert why_no_folds("group", ["0", "1", "-1"]) == why_no_folds("fold", ["left", "right", "1"]) == ""
    assert why_no_folds("fold", ["0", "1", "test"]) == ""


def test_a_column_of_many_values_is_not_looked_at_word_by_word():
    assert parts_of_column("split", [f"train{i}" for i in range(100)]) == {}


def test_two_tables_of_the_same_columns_are_one(tmp_path):
    table(tmp_path, ["0.jpg,a", "1.jpg,b"], *EIGHT, name="labels_train.csv")
    table(tmp_path, ["2.jpg,a", "3.jpg,b"], name="labels_val.csv")
    scanned = read(tmp_path)
    assert labels(scanned) == {f"{i}.jpg": "ab"[i % 2] for i in range(4)} and not aside(scanned)
    assert "The tables labels_train.csv and labels_val.csv are read as one." in facts(scanned, "table")
    table(tmp_path, ["4.jpg,a", "0.jpg,a"], name="labels_test.csv")
    scanned = read(tmp_path)
    assert aside(scanned) == {"0.jpg": "test", "4.jpg": "test"}, "a photo of the test set is trained on"
    assert set(labels(scanned)) == {"1.jpg", "2.jpg", "3.jpg"}
    assert len(read(tmp_path, csv_file="labels_train.csv").samples) == 2


@pytest.mark.parametrize(
    ("more", "test", "settings"),
    [
        ("", ["", ""], {}),
        ("", ["", ""], {"label_column": "label"}),
        ("", ["", ""], {"person_column": "none", "label_column": "label"}),
        (",sex,smiling", ["f,yes", "m,no"], {}),
        (",sex,smiling", ["f,yes", "m,no"], {"label_column": "label"}),
        (",smiling", ["yes", "no"], {}),
    ],
    ids=["names", "chosen", "no person", "genders", "genders beside a chosen label", "attributes"],
)
def test_a_competition_keeps_its_test_photos_unlabelled_and_its_form_unread(tmp_path, more, test, settings):
    """Also where its test set tells what else its trained photos have, but for the label."""
    photos = [f"train/{i}.jpg" for i in range(6)]
    rows = [f"{i},{'ab'[i % 2]},{test[i // 3]}".rstrip(",") for i in range(6)]
    table(tmp_path, rows, *photos, header=f"id,label{more}", name="train.csv")
    of_test = [f"{10 + i},{cells}".rstrip(",") for i, cells in enumerate(test)]
    table(tmp_path, of_test, "test/10.jpg", "test/11.jpg", header=f"id{more}", name="test.csv")
    table(tmp_path, ["10,a", "11,a"], header="id,label", name="sample_submission.csv")
    scanned = read(tmp_path, **settings)
    assert scanned.reader == "csv" and labels(scanned) == {f"train/{i}.jpg": "ab"[i % 2] for i in range(6)}
    assert aside(scanned) == {"test/10.jpg": "unlabelled", "test/11.jpg": "unlabelled"}
    assert "sample_submission.csv is not read: it is a form for predictions." in facts(scanned, "table")


def test_a_test_set_that_lacks_the_columns_of_the_classes_is_unlabelled_whatever_else_it_tells(tmp_path):
    rows = [f"{i}.jpg,{'fm'[i % 2]},{i % 3 == 0:d},{i % 3 == 1:d},{i % 3 == 2:d}" for i in range(6)]
    table(tmp_path, rows, *(f"{i}.jpg" for i in range(8)), header="image,sex,a,b,c", name="train.csv")
    scanned = read(table(tmp_path, ["6.jpg,f", "7.jpg,m"], header="image,sex", name="test.csv"))
    assert labels(scanned) == {f"{i}.jpg": "abc"[i % 3] for i in range(6)}
    assert aside(scanned) == {"6.jpg": "unlabelled", "7.jpg": "unlabelled"}


@pytest.mark.parametrize(
    ("folders", "name", "tested"),
    [
        (["train", "test"], "labels.csv", "test/"),
        (["data/train/images", "data/test/images"], "data/labels.csv", "test/"),
        (["train/cat", "train/dog", "test/cat", "test/dog"], "meta/labels.csv", "test/"),
        (["cat/seg_train", "cat/seg_test"], "labels.csv", "seg_test/"),
        (["train", "val"], "labels.csv", ""),
        (["train", "steam_train"], "labels.csv", ""),
        (["train", "test", "extra"], "labels.csv", "test/"),
        (["photos", "test"], "labels.csv", "test/"),
        (["fold_1/train", "fold_1/test", "fold_2/train", "fold_2/test"], "labels.csv", ""),
        (["fold_1/train", "fold_1/test", "fold_2/train", "fold_2/test", "extra"], "labels.csv", ""),
    ],
    ids=[
        *("root", "one folder down", "classes", "below", "validation", "another folder", "one folder more"),
        *("heap", "in each fold", "beside folds"),
    ],
)
def test_photos_of_a_table_without_a_column_of_splits_are_parted_by_their_folders(tmp_path, folders, name, tested):
    photos = [f"{folders[i % len(folders)]}/{i}.jpg" for i in range(8)]
    rows = [f"{photo},{'ab'[i // 4]}" for i, photo in enumerate(photos)]
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    root = table(tmp_path, rows, *photos, header="image,label", name=name)
    scanned = read(root, csv_file=name)
    of_tests = {photo: "test" for photo in photos if f"/{tested}" in f"/{photo}"} if tested else {}
    assert aside(scanned) == of_tests and len(labels(scanned)) == 8 - len(of_tests) and not errors(scanned)
    told = list(facts(scanned, "split"))
    assert len(told) == (tested != "" or "val" in folders) and all(f"{tested} (" in text for text in told)
    if tested:
        assert len(read(root, test_set="pool", csv_file=name).samples) == 8
        assert len(read(root, split_column="none", csv_file=name).samples) == 8
        in_folds = [f"{row},{i % 2 if i < 6 else ''}" for i, row in enumerate(rows)]  # where a column tells, none does
        scanned = read(table(root, in_folds, header="image,label,fold", name=name), csv_file=name)
        assert list(aside(scanned)) == [photo for photo in of_tests if photo in photos[6:]]


@pytest.mark.parametrize("cell", ["{}.jpg", "{}"])
@pytest.mark.parametrize("as_column", [True, False])
def test_a_bare_name_that_several_parts_have_is_the_photo_of_its_rows_part(tmp_path, as_column, cell):
    rows = {part: [f"{cell.format(i)},{'ab'[i % 2]}" for i in range(4)] for part in ("train", "test")}
    for part, colour in (("train", 10), ("test", 200)):
        for i in range(4):
            draw(tmp_path / f"{part}/{i}.jpg", (colour, i, i))
        if not as_column:
            table(tmp_path, rows[part], header="path,label", name=f"{part}.csv")
    if as_column:
        table(tmp_path, [f"{row},{part}" for part in rows for row in rows[part]], header="path,label,split")
    scanned = read(tmp_path)
    assert labels(scanned) == {f"train/{i}.jpg": "ab"[i % 2] for i in range(4)} and not errors(scanned)
    assert aside(scanned) == {f"test/{i}.jpg": "test" for i in range(4)}
    (text,) = [text for text in facts(scanned) if "in several folders" in text]
    assert text.startswith("8 file names stand in several folders") and f"{cell.format(0)} is t" in text


def test_tables_in_the_folders_of_their_photos(tmp_path):
    for split, numbers in (("train", range(4)), ("test", range(4, 6))):
        for i in numbers:
            draw(tmp_path / split / f"{i}.png")
        lines = [json.dumps({"file_name": f"{i}.png", "label": "ab"[i % 2]}) for i in numbers]
        (tmp_path / split / "metadata.jsonl").write_text("\n".join(lines))
    scanned = read(tmp_path)
    assert labels(scanned) == {f"train/{i}.png": "ab"[i % 2] for i in range(4)}
    assert aside(scanned) == {"test/4.png": "test", "test/5.png": "test"} and not errors(scanned)


def test_tables_that_are_no_parts_of_one_are_asked_about(tmp_path):
    table(tmp_path, ["0.jpg,a", "1.jpg,b"], *EIGHT, name="train.csv")
    table(tmp_path, ["2.jpg,a,x"], header="path,label,note", name="val.csv")
    with pytest.raises(LabError, match=r"2 CSV files \(train\.csv and val\.csv\)"):
        read(tmp_path)


BROKEN = {
    "empty": b"",
    "open quote": b'path,label\n0.jpg,"a\n1.jpg,b\n',
    "odd bytes": b"path,label\n0.jpg,a\xff\xfe\x00b\n",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("train.csv", "test.csv"),
        ("test.csv", "train.csv"),
        ("train.txt", "test.csv"),
        ("val.csv", "train.csv"),
        ("train/labels.csv", "test/labels.csv"),
        ("test/labels.csv", "train/labels.csv"),
    ],
)
def test_a_part_that_cannot_be_read_is_named_and_the_others_are_not_read_alone(tmp_path, broken, whole, content):
    for name in (broken, whole):
        (tmp_path / name).parent.mkdir(exist_ok=True)
    table(tmp_path, ["0.jpg,a", "1.jpg,b"], *EIGHT, name=whole)
    (tmp_path / broken).write_bytes(content)
    with pytest.raises(LabError, match=rf"csv: {broken} .* by its name .* as {whole} is") as refused:
        read(tmp_path)
    assert refused.value.kind == "csv" and f"To read {whole} alone, choose it by name." in refused.value.remedy
    assert len(read(tmp_path, csv_file=whole).samples) == 2


def test_a_part_without_the_right_to_read_it_is_named(tmp_path, monkeypatch):
    table(tmp_path, ["0.jpg,a", "1.jpg,b"], *EIGHT, name="test.csv")
    table(tmp_path, ["2.jpg,a", "3.jpg,b"], name="train.csv")
    close(monkeypatch, tmp_path / "train.csv")
    with pytest.raises(LabError, match=r"train\.csv: cannot be read \(Permission denied\)"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("header", "words", "why"),
    [
        ("picture,pet", ("cat", "dog"), r"csv: no column is known to hold a path; .*"),
        ("image,smiling,young", ("yes,no", "no,yes"), "its column 'image' names no photo"),
    ],
)
@pytest.mark.parametrize(("missing", "there"), [("train.csv", "test.csv"), ("test.csv", "train.csv")])
def test_a_part_of_whose_photos_none_is_there_is_named(tmp_path, missing, there, header, words, why):
    table(tmp_path, [f"{i}.jpg,{words[i % 2]}" for i in range(8)], *EIGHT, header=header, name=there)
    table(tmp_path, [f"{i}.jpg,{words[i % 2]}" for i in range(10, 18)], header=header, name=missing)
    with pytest.raises(LabError, match=rf"csv: {missing} is not read \({why}\); by its name .* as {there} is"):
        read(tmp_path)
    picture, pet, *_ = header.split(",")
    every = read(tmp_path, path_column=picture, label_column=pet)
    assert len(every.samples) + len(every.set_aside) == 8 and aside(every).keys() == {
        *(EIGHT if "test" in there else ())
    }


def test_a_competition_whose_training_table_is_cut_off_is_not_trained_on_its_form(tmp_path):
    table(tmp_path, ["6", "7"], *EIGHT, header="id", name="test.csv")
    table(tmp_path, ["6,a", "7,b"], header="id,label", name="sample_submission.csv")
    (tmp_path / "train.csv").write_bytes(b"")
    with pytest.raises(LabError, match=r"train\.csv is empty"):
        read(tmp_path)


def test_a_table_that_cannot_be_read_and_is_no_other_part_is_told(tmp_path):
    table(tmp_path, ["0.jpg,a", "1.jpg,b"], *EIGHT, name="train.csv")
    table(tmp_path, ["2.jpg,a", "3.jpg,b"], name="test.csv")
    for name in ("corrected.csv", "train_boxes.csv", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    for name in ("train.xls", "more.xls"):
        (tmp_path / name).write_bytes(OLD_WORKBOOK)
    assert {text: asked for text, asked in facts(read(tmp_path), "table").items() if "not read" in text} == {
        "corrected.csv, more.xls and train_boxes.csv are not read; the first: corrected.csv is empty.": True,
        "train.xls is not read: train.xls: is a workbook of Excel 97.": False,
    }


def test_a_table_that_cannot_be_read_beside_folders_of_classes_is_told(tmp_path):
    for folder in "ab":
        draw(tmp_path / folder / "0.jpg")
    (tmp_path / "labels.csv").write_bytes(b"")
    (tmp_path / "names.csv").write_text("path,label\n")
    (tmp_path / "labels.xls").write_bytes(OLD_WORKBOOK)
    scanned = read(tmp_path)
    assert scanned.reader == "folders"
    assert facts(scanned, "table") == {
        "labels.csv and names.csv are not read; the first: labels.csv is empty.": True,
        "labels.xls is not read: labels.xls: is a workbook of Excel 97.": False,
    }


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("labels.csv", "image,choice,by\n" + "7.jpg,cat,1\n8.jpg,dog,2\n" * 3, "its column 'image' names no photo"),
        ("labels.csv", "ImageName,Category\n7,cat\n8,dog\n", "labels.csv has ImageName and Category"),
        ("labels.csv", "image,label\n", "labels.csv has names of columns and no row"),
        ("labels.xls", "\xd0\xcf\x11\xe0", "is a workbook of Excel 97"),
    ],
    ids=["no photo", "no column", "no row", "old workbook"],
)
def test_a_table_beside_one_folder_of_photos_that_it_does_not_name_is_not_passed_over(tmp_path, name, content, words):
    """Or all photos would be of one class, images."""
    draw(tmp_path / "images/photo.jpg")
    (tmp_path / name).write_text(content, encoding="latin-1")
    with pytest.raises(
        LabError, match=rf"csv: {name} is not read \(.*{words}.*and folders name no two classes"
    ) as refused:
        read(tmp_path)
    assert refused.value.kind == "csv" and "choose the reader for folders" in refused.value.remedy
    assert set(read(tmp_path, reader="folders").samples["label"]) == {"images"}
    for path in ("cat/a.jpg", "dog/b.jpg", "c.jpg", "d.jpg"):
        draw(tmp_path / "images" / path)
    assert set(read(tmp_path, class_level=2).samples["label"]) == {"cat", "dog"}, "the class folder that was chosen"


def test_a_table_in_the_root_that_is_none_of_photos_hides_none_below(tmp_path):
    table(tmp_path, ["cat,255,0,0", "dog,0,255,0"], header="name,r,g,b", name="class_dict.csv")
    elsewhere = ["p4.jpg,1,0", "P5.jpg,0,1", "p6.jpg,0,1"]
    for part, numbers, lost in (("train", range(4), elsewhere), ("test", range(4, 6), []), ("val", range(6, 8), [])):
        photos = [f"{part}/p{i}.jpg" for i in numbers]
        table(
            tmp_path,
            [*(f"p{i}.jpg,{i % 2},{1 - i % 2}" for i in numbers), *lost],
            *photos,
            header="filename,cat,dog",
            name=f"{part}/_classes.csv",
        )
    scanned = read(tmp_path)
    trained = [*(f"train/p{i}.jpg" for i in range(4)), "val/p6.jpg", "val/p7.jpg"]
    assert labels(scanned) == dict(zip(trained, ["dog", "cat"] * 3, strict=True))
    assert aside(scanned) == {"test/p4.jpg": "test", "test/p5.jpg": "test"}, "they were taken for lost ones of train/"
    assert set(problems_of(scanned, "missing-file")) == {f"train/_classes.csv row {row}" for row in (6, 7, 8)}
    assert [asked for text, asked in facts(scanned, "table").items() if "class_dict.csv is not read" in text] == [False]
    assert {path for path, *_ in scanned.tables} <= set(table_files(str(tmp_path), follow_links=False))


@pytest.mark.parametrize(
    ("name", "moved", "words", "held_out"),
    [
        ("train/labels.csv", "val", [], 0),
        ("fold_1/train.csv", "test", [], 0),
        ("train/labels.csv", "test", ["train", "train", "test"], 2),
    ],
    ids=["validation", "a fold's list", "a column of splits"],
)
def test_a_table_of_all_photos_in_the_folder_of_one_part_finds_all(tmp_path, name, moved, words, held_out):
    """A fold is divided in its own way; where a column tells what a row is for, no folder does. A copy of a photo of
    train/ does not make all others of val/ new ones."""
    for number in range(6):
        draw(tmp_path / (moved if number % 3 == 2 else "train") / f"{number}.jpg")
    for stem in ("0", *"abcdefghi") if moved == "val" else ():
        draw(tmp_path / moved / f"{stem}.jpg")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    rows = [f"{i}.jpg,{'ab'[i % 2]},{words[i % 3] if words else ''}" for i in range(6)]
    scanned = read(table(tmp_path, rows, header="image,label,split", name=name), csv_file=name)
    assert not errors(scanned) and len(labels(scanned)) == 6 - held_out
    assert aside(scanned) == ({f"{moved}/{i}.jpg": "test" for i in (2, 5)} if held_out else {})
    assert not facts(scanned), "a name was said to stand in several folders"


@pytest.mark.parametrize("suffix", [".jpg", ""], ids=["names", "ids"])
def test_a_photo_that_its_row_says_is_to_validate_on_is_found_there_also_where_that_numbers_its_own(tmp_path, suffix):
    for photo in (*(f"train/{n}.jpg" for n in (0, 1, 3)), *(f"val/x/{n}.jpg" for n in range(3))):
        draw(tmp_path / photo)
    here = {"header": "id,label,split", "name": "train/labels.csv"}
    rows = [f"0{suffix},a,train", f"1{suffix},b,train", f"2{suffix},a,val", f"3{suffix},b,train"]
    scanned = read(table(tmp_path, rows, **here), csv_file="train/labels.csv")
    assert labels(scanned) == {"train/0.jpg": "a", "train/1.jpg": "b", "val/x/2.jpg": "a", "train/3.jpg": "b"}
    rows[3] = f"3{suffix},b,val"  # the column parts train/ itself, of which 2.jpg is lost
    scanned = read(table(tmp_path, rows, **here), csv_file="train/labels.csv")
    assert labels(scanned) == {"train/0.jpg": "a", "train/1.jpg": "b", "train/3.jpg": "b"}
    assert list(problems_of(scanned, "missing-file")) == ["train/labels.csv row 4"]
    draw(tmp_path / "test/9.jpg")
    rows[3] = f"3{suffix},b,test"  # its photo lies in train/, whatever test/ is for
    scanned = read(table(tmp_path, rows, **here), csv_file="train/labels.csv")
    assert aside(scanned) == {"train/3.jpg": "test"}


@pytest.mark.parametrize(
    ("here", "there", "name", "word", "lost"),
    [
        ("train", "test", "train/labels.csv", "train", [2]),
        ("train", "test", "labels.csv", "train", [2]),
        ("train", "val", "train/labels.csv", "test", [2]),
        ("train", "val", "train/labels.csv", "", [2]),
        ("fold_1", "fold_2", "fold_1/labels.csv", "", [2]),
        ("train/images", "val/images", "train/labels/all.csv", "", [0, 1, 2]),
    ],
    ids=["a column of splits", "in the root", "another split", "validation", "folds", "folders beside"],
)
@pytest.mark.parametrize("suffix", [".jpg", ""], ids=["names", "ids"])
def test_a_lost_photo_is_not_the_one_of_a_folder_that_numbers_its_photos_anew(
    tmp_path, here, there, name, word, lost, suffix
):
    photos = [f"{here}/{number}.jpg" for number in (0, 1, 3)]
    for photo in (*photos, *(f"{there}/{number}.jpg" for number in range(3)), "test/9.jpg"):
        draw(tmp_path / photo)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    rows = [f"{i}{suffix},{'ab'[i % 2]},{word and ('train', word)[i == 2]}" for i in range(4)]
    scanned = read(table(tmp_path, rows, header="id,label,split", name=name), csv_file=name)
    assert labels(scanned) == {f"{here}/{i}.jpg": "ab"[i % 2] for i in range(4) if i not in lost}
    assert list(problems_of(scanned, "missing-file")) == [f"{name} row {i + 2}" for i in lost] and not aside(scanned)
