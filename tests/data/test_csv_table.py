import pytest
from PIL import Image

from core.config.run_config import DataConfig
from core.data.pictures.depth import EIGHT_BITS
from core.data.readers.csv_table import columns_of_tables, csv_columns, read_csv
from core.data.scan import detect_reader, scan
from core.errors import LabError
from tests.photos import assert_nothing_is_skipped, draw, problems_of, read

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "cp949"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.fault(18)
def test_encodings_and_delimiters(tmp_path, encoding, mark):
    draw(tmp_path / "사진/하나.jpg")
    draw(tmp_path / "사진/둘.jpg")
    lines = [["파일", "path", "class"], ["x", "사진/하나.jpg", "웃음"], ["y", "사진/둘.jpg", f"슬{mark}픔"]]
    text = "\r\n".join(mark.join(f'"{cell}"' if mark in cell else cell for cell in line) for line in lines)
    (tmp_path / "labels.csv").write_bytes(text.encode(encoding))
    assert csv_columns(tmp_path, "labels.csv") == lines[0]
    assert detect_reader(tmp_path) == "csv"
    scanned = read(tmp_path)
    assert scanned.problems.empty
    labels = dict(zip(scanned.samples["sample"], scanned.samples["label"], strict=True))
    assert labels == {"사진/하나.jpg": "웃음", "사진/둘.jpg": f"슬{mark}픔"}


@pytest.mark.parametrize(
    "content",
    [
        "path,label\n".encode("utf-16-le"),
        b"path,label\na.jpg,\xff\xa9\xae\xbb\xff\n",
        b"\xff\xfea",
        b"\xef\xbb\xbf\xff",
    ],
)
@pytest.mark.fault(18)
def test_an_unknown_encoding_names_the_file_and_what_was_tried(tmp_path, content):
    (tmp_path / "labels.csv").write_bytes(content)
    draw(tmp_path / "a.jpg")
    with pytest.raises(LabError, match=r"labels\.csv: its text is not in .*utf-(8|16).*encodings tried") as caught:
        csv_columns(tmp_path, "labels.csv")
    assert "UTF-8" in caught.value.remedy
    with pytest.raises(LabError, match="encodings tried"):
        read(tmp_path)  # also when the layout is to be detected


@pytest.mark.parametrize(
    "content, match", [(b"", "empty"), (b" \n\n", "empty"), (b"\npath,label\n", "first line is empty")]
)
def test_a_csv_without_a_header_is_refused(tmp_path, content, match):
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(LabError, match=match):
        columns_of_tables(tmp_path, ["labels.csv"])
    (tmp_path / "more.csv").write_text("path,label\n")
    assert columns_of_tables(tmp_path, ["labels.csv", "more.csv"]) == ["path", "label"], "its controls would vanish"


def test_an_open_quotation_mark_does_not_swallow_the_rest(tmp_path):
    (tmp_path / "labels.csv").write_text('path,label\na.jpg,"cat\nb.jpg,dog\n')
    with pytest.raises(LabError, match="near line"):
        read_csv(tmp_path / "labels.csv")


@pytest.mark.fault(15)
def test_row_numbers_are_those_of_a_spreadsheet(tmp_path):
    (tmp_path / "labels.csv").write_text('path,label\n"a\n.jpg",x\n\n\nb.jpg,y\n,\n')
    assert [row for row, _ in read_csv(tmp_path / "labels.csv").rows] == [2, 5]


def csv_dataset(root, header, *rows, photos=("a.jpg", "b.jpg", "c.jpg")):
    for name in photos:
        draw(root / name)
    (root / "labels.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return root


def test_usual_names_are_guessed_and_all_attributes_read(tmp_path):
    csv_dataset(
        tmp_path,
        "Filename,Target,Subject,Sex,Age,mask",
        "a.jpg,x,p1,F,29.5,normal",
        "b.jpg,x,p1,Female,30,mask",
        "c.jpg,y,p2,남,,incorrect_mask",
    )
    scanned = read(tmp_path)
    assert scanned.problems.empty
    table = scanned.samples
    assert table["label"].tolist() == ["x", "x", "y"] and table["person"].tolist() == ["p1", "p1", "p2"]
    assert table["gender"].tolist() == ["female", "female", "male"]
    assert table["age"].tolist()[:2] == [29.5, 30.0] and table["age"].isna().tolist() == [False, False, True]
    assert table["mask"].tolist() == ["normal", "mask", "incorrect"] and table["row"].tolist() == [2, 3, 4]


def test_columns_are_chosen_by_name(tmp_path):
    csv_dataset(tmp_path, "label,where,who,age", "x,a.jpg,p1,young", "y,b.jpg,p2,old", "z,c.jpg,p2,old")
    scanned = read(tmp_path, reader="csv", path_column="where", label_column="age", person_column="who")
    assert scanned.problems.empty
    assert scanned.samples["label"].tolist() == ["young", "old", "old"]
    assert scanned.samples["age"].isna().all()
    with pytest.raises(LabError, match=r"column 'nope' \(label\)") as caught:
        read(tmp_path, path_column="where", label_column="nope")
    assert "label, where, who, age" in caught.value.remedy
    assert read(tmp_path, reader="csv").samples["sample"].tolist() == ["a.jpg", "b.jpg", "c.jpg"]  # by what it holds
    (tmp_path / "labels.csv").write_text("label,where\nx,here\ny,there\n")
    with pytest.raises(LabError, match="hold a path"):
        read(tmp_path, reader="csv")


def test_a_word_for_nothing_is_nobody(tmp_path):
    people = {"a": "p1", "b": "p1", "c": "NA", "d": "nan", "e": "-", "f": "", "g": "p2"}
    rows = [f"{name}.jpg,{name},{person}" for name, person in people.items()]
    csv_dataset(tmp_path, "path,label,person", *rows, photos=[f"{name}.jpg" for name in people])
    scanned = read(tmp_path)
    assert scanned.samples["person"].tolist() == ["p1", "p1", "p2"]
    said = problems_of(scanned, "bad-person")
    assert list(said) == [f"labels.csv row {row}" for row in (4, 5, 6, 7)]
    assert said["labels.csv row 4"] == "the person is 'NA', which says nothing (no_label)"
    assert said["labels.csv row 7"] == "the person is empty"
    kept = read(tmp_path, no_label="nan, -")
    assert kept.samples["person"].tolist() == ["p1", "p1", "NA", "p2"], "who is called so is taken from no_label"
    assert_nothing_is_skipped(scanned)


def test_a_column_of_words_for_nothing_tells_no_persons(tmp_path):
    photos = ["a.jpg", "b.jpg", "c.jpg"]
    csv_dataset(tmp_path, "path,label,person", "a.jpg,x,NA", "b.jpg,y,", "c.jpg,y,None", photos=photos)
    scanned = read(tmp_path)
    assert scanned.samples["person"].tolist() == photos and scanned.problems.empty
    assert not scanned.samples["person_known"].any()
    assert any("names nobody: persons are unknown" in fact.text for fact in scanned.facts)


def test_rows_that_are_wrong_are_told_by_number(tmp_path):
    csv_dataset(
        tmp_path,
        "path,label,gender,age,person",
        "a.jpg,x,female,30,p1",
        "gone.jpg,x,male,30,p1",
        "b.jpg,x,unclear,30,p1",
        "c.jpg,x,male,thirty,p1",
        "d.jpg,x,1,nan,p1",
        "e.jpg,,male,121,",
        "f.jpg,x,male,30,p1,surplus",
        ",x,male,30,p1",
        "short.jpg",
        photos=[f"{name}.jpg" for name in ("a", "b", "c", "d", "e", "f", "short", "unlisted")],
    )
    scanned = read(tmp_path)
    assert scanned.samples["sample"].tolist() == ["a.jpg"]
    assert set(problems_of(scanned, "missing-file")) == {"labels.csv row 3", "labels.csv row 9"}
    assert set(problems_of(scanned, "bad-gender")) == {"labels.csv row 4", "labels.csv row 6"}
    assert set(problems_of(scanned, "bad-age")) == {"labels.csv row 5", "labels.csv row 6", "labels.csv row 7"}
    assert set(problems_of(scanned, "bad-person")) == {"labels.csv row 7"}
    assert scanned.set_aside["sample"].tolist() == ["short.jpg"]
    assert set(problems_of(scanned, "bad-row")) == {"labels.csv row 8"}
    assert problems_of(scanned, "left-over") == {"./": "1 file left out, in no row of labels.csv: unlisted.jpg"}
    assert_nothing_is_skipped(scanned)


def test_paths_that_leave_the_dataset_are_not_opened(tmp_path, monkeypatch):
    root = tmp_path / "root"
    draw(tmp_path / "secret.jpg")
    draw(root / "a.jpg")
    (root / "link").symlink_to(tmp_path)
    (root / "file_link.jpg").symlink_to(tmp_path / "secret.jpg")
    escapes = ["../secret.jpg", "x/../../secret.jpg", str(tmp_path / "secret.jpg"), "..\\secret.jpg", "link/secret.jpg"]
    escapes += ["file_link.jpg", "..", f"../{root.name}/a.jpg"]
    csv_dataset(root, "path,label", "a.jpg,x", *(f"{path},y" for path in escapes), photos=["a.jpg"])
    opened = []
    monkeypatch.setattr(
        "core.data.verify.photo_fault", lambda path, look, **_: opened.append(path) or (8, 6, None, EIGHT_BITS)
    )
    scanned = read(root)
    assert opened == [str(root / "a.jpg")]
    assert {f"labels.csv row {row}" for row in range(3, 11)} <= set(problems_of(scanned, "outside"))
    assert not scanned.problems["sample"].str.startswith("..").any()
    assert_nothing_is_skipped(scanned)


def test_where_a_path_counts_from(tmp_path):
    for name in ("root.jpg", "meta/near.jpg", "images/deep/only.jpg", "abs.jpg", "images/decomposed_é.jpg"):
        draw(tmp_path / name)
    rows = ["root.jpg", "near.jpg", "only.jpg", str(tmp_path / "abs.jpg"), "images\\decomposed_é.jpg", "../root2.jpg"]
    draw(tmp_path / "root2.jpg")
    (tmp_path / "meta/labels.csv").write_text("path,label\n" + "".join(f"{row},x\n" for row in rows), encoding="utf-8")
    scanned = scan(DataConfig(root=str(tmp_path), csv_file="meta/labels.csv"))
    assert scanned.problems.empty and len(scanned.samples) == 6
    assert scanned.samples["row"].tolist() == [5, 6, 4, 3, 2, 7]


def test_a_bare_name_that_stands_twice_is_not_guessed(tmp_path):
    csv_dataset(tmp_path, "path,label", "x.jpg,l", photos=["one/x.jpg", "two/x.jpg"])
    scanned = read(tmp_path)
    assert scanned.samples.empty
    assert problems_of(scanned, "missing-file") == {
        "labels.csv row 2": "'x.jpg' could be any of 2 photos: one/x.jpg and two/x.jpg"
    }
    assert scanned.problems["remedy"].str.startswith("Write the path of the one that is meant").any()


def test_the_same_file_in_two_rows(tmp_path):
    csv_dataset(tmp_path, "path,label", "a.jpg,x", "b.jpg,x", "./a.jpg,x", "b.jpg,y", "c.jpg,y")
    scanned = read(tmp_path)
    assert scanned.samples["sample"].tolist() == ["a.jpg", "c.jpg"]
    assert list(problems_of(scanned, "duplicate")) == ["labels.csv row 2 and row 4"]
    assert "label x and y" in problems_of(scanned, "label-conflict")["labels.csv row 3 and row 5"]
    assert_nothing_is_skipped(scanned)


def test_the_same_file_under_two_people_is_a_conflict(tmp_path):
    csv_dataset(tmp_path, "path,label,person", "a.jpg,x,p1", "a.jpg,x,p2", "b.jpg,y,p3")
    scanned = read(tmp_path)
    assert scanned.samples["sample"].tolist() == ["b.jpg"]
    assert "person p1 and p2" in problems_of(scanned, "label-conflict")["labels.csv row 2 and row 3"]


def test_the_same_person_in_two_rows_with_different_attributes(tmp_path):
    rows = ["a.jpg,p1,female,30", "b.jpg,p1,male,30", "c.jpg,p2,male,30", "d.jpg,p2,male,45", "e.jpg,p3,male,30"]
    csv_dataset(tmp_path, "path,id,gender,age", *rows, "f.jpg,p3,male,31", photos=[f"{name}.jpg" for name in "abcdef"])
    scanned = read(tmp_path)
    assert len(scanned.samples) == 6 and scanned.samples["person"].nunique() == 3
    conflicts = problems_of(scanned, "label-conflict")
    assert "person 'p1' has gender female and male" in conflicts["labels.csv row 2 and row 3"]
    assert "person 'p2' has age 30 and 45" in conflicts["labels.csv row 4 and row 5"]
    assert len(conflicts) == 2 and (scanned.problems["severity"] == "warning").all()


def test_a_guessed_column_without_one_good_value_is_set_aside_aloud(tmp_path):
    csv_dataset(tmp_path, "file,gender,age", "a.jpg,Male,20-29", "b.jpg,Female,30-39", "c.jpg,Male,more than 70")
    scanned = read(tmp_path)
    assert len(scanned.samples) == 3 and scanned.samples["age"].isna().all()
    assert "column 'age' is not used" in problems_of(scanned, "bad-age")["labels.csv"]
    scanned = read(tmp_path, reader="csv", age_column="age")
    assert scanned.samples.empty and len(problems_of(scanned, "bad-age")) == 3


def test_digits_are_no_gender(tmp_path):
    csv_dataset(tmp_path, "file,gender", "a.jpg,0", "b.jpg,1", "c.jpg,1")
    scanned = read(tmp_path)
    assert scanned.samples.empty and len(problems_of(scanned, "bad-gender")) == 3


def test_which_csv(tmp_path):
    csv_dataset(tmp_path, "path,label", "a.jpg,x", "b.jpg,y", "c.jpg,y")
    (tmp_path / "other.csv").write_text("path,label\na.jpg,y\n")
    with pytest.raises(LabError, match=r"2 CSV files \(labels\.csv and other\.csv\)"):
        read(tmp_path)
    assert len(read(tmp_path, csv_file="other.csv").samples) == 1
    with pytest.raises(LabError, match="there is no file"):
        read(tmp_path, csv_file="none.csv")
    for name in ("../labels.csv", "/etc/passwd"):
        with pytest.raises(LabError, match=r"there is no file|leads out of the dataset"):
            read(tmp_path, csv_file=name)
    (tmp_path / "labels.csv").unlink()
    (tmp_path / "other.csv").unlink()
    with pytest.raises(LabError, match="no CSV file"):
        read(tmp_path, reader="csv")


@pytest.mark.fault(23)
def test_markup_and_formulas_in_labels_stay_text(tmp_path):
    csv_dataset(tmp_path, "path,label", "a.jpg,<b>x</b>", "b.jpg,=cmd|' /C calc'!A0", "c.jpg,NaN1")
    assert read(tmp_path).samples["label"].tolist() == ["<b>x</b>", "=cmd|' /C calc'!A0", "NaN1"]


def test_a_photo_without_an_image_extension_is_read_if_the_csv_names_it(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "0001.bin", "PNG")
    csv_dataset(tmp_path, "path,label", "0001.bin,x")
    assert read(tmp_path).samples["sample"].tolist() == ["0001.bin"]


def test_a_photo_without_a_label_keeps_its_person_and_one_of_nobody_is_no_fault(tmp_path):
    rows = ["0.jpg,x,p1", "1.jpg,y,p2", "2.jpg,,p1", "3.jpg,,", "4.jpg,x,p3"]
    csv_dataset(tmp_path, "path,label,person", *rows, photos=[f"{number}.jpg" for number in range(5)])
    scanned = read(tmp_path)
    aside = scanned.set_aside.set_index("sample")
    assert aside["split"].tolist() == ["unlabelled"] * 2 and scanned.problems.empty
    assert aside["person"].to_dict() == {"2.jpg": "p1", "3.jpg": "3.jpg"}
    assert aside["person_known"].to_dict() == {"2.jpg": True, "3.jpg": False}
