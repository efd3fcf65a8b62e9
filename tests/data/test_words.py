"""What labels say: words for nothing, and two spellings of one class."""

from core.config.run_config import DataConfig
from tests.data.tables import facts, labels, table
from tests.photos import read

SIX = [f"{i}.jpg" for i in range(6)]


def test_words_for_nothing_are_no_label(tmp_path):
    rows = [f"{i}.jpg,{label}" for i, label in enumerate(["a", "b", "nan", "NA", "", "a"])]
    scanned = read(table(tmp_path, rows, *SIX))
    assert labels(scanned) == {"0.jpg": "a", "1.jpg": "b", "5.jpg": "a"} and scanned.problems.empty
    assert scanned.set_aside[["sample", "split"]].to_numpy().tolist() == [[f"{i}.jpg", "unlabelled"] for i in (2, 3, 4)]
    assert facts(scanned, "unlabelled") == {
        "3 photos have no label (empty 1, 'NA' 1, 'nan' 1): set aside as unlabelled.": False
    }


def test_a_class_that_is_called_none_can_be_kept(tmp_path):
    rows = [f"{i}.jpg,{label}" for i, label in enumerate(["None", "None", "None", "glasses", "glasses", "NULL"])]
    scanned = read(table(tmp_path, rows, *SIX))
    assert set(labels(scanned).values()) == {"glasses"}
    ((text, probable),) = facts(scanned, "unlabelled").items()
    assert probable and "take it from no_label" in text, "a class may be lost, and nobody was asked"
    kept = read(tmp_path, no_label="nan, null")
    assert sorted(labels(kept).values()) == ["None"] * 3 + ["glasses"] * 2
    assert kept.set_aside["sample"].tolist() == ["5.jpg"]


def test_no_word_at_all_leaves_only_empty_cells_without_a_label(tmp_path):
    rows = [f"{i}.jpg,{label}" for i, label in enumerate(["-", "nan", "a", "a", "", "-"])]
    scanned = read(table(tmp_path, rows, *SIX), no_label="")
    assert set(labels(scanned).values()) == {"-", "nan", "a"} and scanned.set_aside["sample"].tolist() == ["4.jpg"]
    assert DataConfig(no_label=None).no_label == ""


def test_a_photo_without_a_label_stays_for_what_else_it_tells(tmp_path):
    rows = [f"{i}.jpg,{cells}" for i, cells in enumerate(["a,30", "nan,40", "nan,", "b,50", "b,", ""])]
    scanned = read(table(tmp_path, rows, *SIX, header="path,label,age"))
    assert scanned.samples["sample"].tolist() == ["0.jpg", "1.jpg", "3.jpg", "4.jpg"]
    assert scanned.set_aside["sample"].tolist() == ["2.jpg", "5.jpg"]
    assert scanned.samples["label"].isna().tolist() == [False, True, False, False]
    (text,) = facts(scanned, "unlabelled")
    assert text.endswith("2 set aside as unlabelled, 1 count for other attributes only.")


def test_a_column_that_is_all_empty_is_told(tmp_path):
    scanned = read(table(tmp_path, [f"{i}.jpg,,p{i % 3}" for i in range(6)], *SIX, header="path,label,person"))
    assert scanned.samples.empty and len(scanned.set_aside) == 6
    assert facts(scanned, "unlabelled") == {"6 photos have no label (empty 6): set aside as unlabelled.": False}


def test_two_spellings_are_pointed_out_and_nothing_is_merged(tmp_path):
    rows = [f"{i}.jpg,{label}" for i, label in enumerate(["1.0", "1", "Cat", "cat ", "hot dog", "Hot_dog"])]
    scanned = read(table(tmp_path, rows, *SIX))
    assert sorted(labels(scanned).values()) == ["1", "1.0", "Cat", "Hot_dog", "cat", "hot dog"]
    ((text, probable),) = facts(scanned, "values").items()
    assert probable and "1 and 1.0; Cat and cat" in text


def test_numbers_that_differ_are_two(tmp_path):
    scanned = read(
        table(tmp_path, [f"{i}.jpg,{label}" for i, label in enumerate(["1", "10", "-1", "1.5", "0", "01x"])], *SIX)
    )
    assert not facts(scanned, "values")
