"""Columns of a table that are attributes: their kinds by their values, what is none, and what a person says."""

import pytest

from core.config.parts import TaskConfig
from core.data.scan import fingerprint
from core.data.tables.columns import kind_of
from core.data.tasks import own_columns
from core.errors import LabError
from tests.photos import draw, problems_of, read


def table(root, header, rows, name="labels.csv"):
    for row in rows:
        draw(root / str(row[0]))
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    (root / name).write_text("\n".join(lines) + "\n")
    return root


def several(root):
    hair = ["dark", "fair", "red"]
    rows = [(f"{i}.jpg", hair[i % 3], i % 2, 150 + 5 * i) for i in range(12)]
    return table(root, "image,hair,smiling,height_cm", rows)


def test_columns_that_no_usual_name_tells_are_proposed_as_attributes(tmp_path):
    scanned = read(several(tmp_path))
    assert scanned.reader == "csv" and scanned.problems.empty
    assert {name: attribute.kind for name, attribute in scanned.attributes.items()} == {
        "hair": "categories",
        "smiling": "yes/no",
        "height_cm": "number",
    }
    assert scanned.attributes["hair"].counts == {"dark": 4, "fair": 4, "red": 4}
    assert scanned.attributes["smiling"].counts == {"no": 6, "yes": 6}
    assert (scanned.attributes["height_cm"].low, scanned.attributes["height_cm"].high) == (150, 205)
    (fact,) = scanned.facts
    assert fact.text == "labels.csv: 3 columns are attributes, proposed: hair, smiling, height_cm."
    assert fact.settings == ("attributes",)


def test_numbers_that_are_all_different_are_a_number_unless_they_only_count_which_is_told(tmp_path):
    rows = [(f"{i}.jpg", "ab"[i % 2], 150 + 7 * i, 1 + i, 900 - i) for i in range(20)]
    scanned = read(table(tmp_path, "image,label,height,order,photo_id", rows))
    assert {name: each.kind for name, each in scanned.attributes.items()} == {"label": "categories", "height": "number"}
    (fact,) = [fact for fact in scanned.facts if fact.kind == "values"]
    assert fact.text.startswith("order: 20 numbers, each once") and fact.settings == ("attributes",)
    chosen = read(tmp_path, attributes={"order": "number"})
    assert (chosen.attributes["order"].low, chosen.attributes["order"].high) == (1, 20)


def test_a_person_says_which_columns_are_attributes_and_of_what_kind(tmp_path):
    several(tmp_path)
    scanned = read(tmp_path, attributes={"height_cm": "categories", "smiling": "auto"})
    assert {name: attribute.kind for name, attribute in scanned.attributes.items()} == {
        "smiling": "yes/no",
        "height_cm": "categories",
    }
    with pytest.raises(LabError, match=r"column 'eyes' \(attributes\) stands 0 times") as caught:
        read(tmp_path, attributes={"eyes": "auto"})
    assert "hair" in caught.value.remedy
    with pytest.raises(LabError, match="another attribute"):
        read(tmp_path, reader="csv", attributes={})


def test_a_cell_of_another_kind_is_told_by_its_row(tmp_path):
    table(tmp_path, "image,size,open", [("a.jpg", "12,5", "yes"), ("b.jpg", "tall", "maybe"), ("c.jpg", "", "no")])
    (tmp_path / "labels.csv").write_text('image,size,open\na.jpg,"12,5",yes\nb.jpg,tall,maybe\nc.jpg,n/a,no\n')
    scanned = read(tmp_path, attributes={"size": "number", "open": "yes/no"})
    assert problems_of(scanned, "bad-value") == {"labels.csv row 3": "open: 'maybe' is neither yes nor no"}
    assert scanned.samples["attribute:size"].tolist()[0] == 12.5
    assert scanned.samples["attribute:size"].isna().tolist() == [False, True]
    both = scanned.problems["problem"].tolist()
    assert "size: 'tall' is not a number" in both


def prices(root, *cells, **data):
    rows = "".join(f'{number}.jpg,{"ab"[number % 2]},"{cell}"\n' for number, cell in enumerate(cells))
    for number in range(len(cells)):
        draw(root / f"{number}.jpg", (40 * number, 0, 0))
    (root / "labels.csv").write_text(f"image,label,price\n{rows}")
    scanned = read(root, **data)
    said = {fact.text: fact.probable for fact in scanned.facts if fact.kind == "values" and "is read as" in fact.text}
    return scanned.samples["attribute:price"].tolist(), said


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,250", "950", "12,400", "-3,100"], [1250, 950, 12400, -3100]),
        (["1,250", "1,250,000", "2,100"], [1250, 1250000, 2100]),
        (["1,250.5", "2,100", "3,999"], [1250.5, 2100, 3999]),
        (["1,250", "950.5", "2,100"], [1250, 950.5, 2100]),
        (["1,250", "125000", "2,100"], [1250, 125000, 2100]),
    ],
)
def test_a_comma_between_thousands_is_no_decimal_comma_where_the_column_tells_it(tmp_path, cells, numbers):
    read_as, said = prices(tmp_path, *cells)
    assert read_as == numbers
    assert list(said.values()) == [False] and f"{cells[0]!r} is read as {numbers[0]}." in next(iter(said))


def test_a_cell_of_words_beside_thousands_is_told_and_no_example(tmp_path):
    read_as, said = prices(tmp_path, "high, or so", "1,250", "950", attributes={"price": "number"})
    assert read_as == [1250, 950] and said == {"price: commas part thousands, '1,250' is read as 1250.": False}


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,25", "2,5", "1,250", "950"], [1.25, 2.5, 1.25, 950]),
        (["0,125", "1,250", "2"], [0.125, 1.25, 2]),
        (["1250,125", "1,250", "2"], [1250.125, 1.25, 2]),
    ],
)
def test_a_column_with_another_comma_has_decimal_commas(tmp_path, cells, numbers):
    assert prices(tmp_path, *cells) == (numbers, {})


def test_commas_that_could_be_either_are_decimal_and_asked_about(tmp_path):
    read_as, said = prices(tmp_path, "1,250", "2,100", "3,999")
    assert read_as == [1.25, 2.1, 3.999]
    text = "price: '1,250' is read as 1.25, with a decimal comma; if it means 1250, write it so in labels.csv."
    assert said == {text: True}


@pytest.mark.parametrize(
    "cells, kind",
    [
        (["1", "0"] * 10, "yes/no"),
        (["1", "-1"] * 10, "yes/no"),
        (["Yes", "no"] * 10, "yes/no"),
        (["True", "FALSE"] * 10, "yes/no"),
        (["1.0", "0.0"] * 10, "yes/no"),
        (["1", "2"] * 10, "categories"),
        (["1", "2", "3", "4", "5"] * 4, "categories"),
        ([str(number % 13 * 1.5) for number in range(40)], "number"),
        (["1,5", "2,25", "2,5"] * 3, "categories"),
        (["same"] * 20, None),
        ([f"photo of {number}" for number in range(20)], None),
        ([str(number) for number in range(20)], None),
        ([f"word {number}" for number in range(60)] * 3, None),
        ([], None),
    ],
)
def test_the_kind_of_a_column_by_its_values(cells, kind):
    assert kind_of("column", cells, len(cells)) == kind


def test_numbers_that_stand_once_each_under_a_name_of_ids_are_no_attribute():
    numbers = [str(7 * number * number) for number in range(20)]
    assert kind_of("subject_id", numbers, 20) is None and kind_of("height", numbers, 20) == "number"


def test_a_one_hot_table_is_a_label_and_says_so(tmp_path):
    """A row that names no class has no label; one that says something of some of them alone makes them no classes."""
    rows = [(f"{i}.jpg", int(i % 3 == 0), int(i % 3 == 1), int(i % 3 == 2)) for i in range(9)]
    scanned = read(table(tmp_path, "filename, cat, dog, owl", rows, "_classes.csv"))
    assert scanned.samples["label"].tolist() == ["cat", "dog", "owl"] * 3
    assert list(scanned.attributes) == ["label"]
    (fact,) = scanned.facts
    assert fact.kind == "classes" and "exactly one of the 3 columns cat, dog, owl is 1 in each row" in fact.text
    scanned = read(table(tmp_path, "filename, cat, dog, owl", [*rows, ("9.jpg", "", "", "")], "_classes.csv"))
    assert len(scanned.samples) == 9 and scanned.set_aside["sample"].tolist() == ["9.jpg"]
    assert [fact.text for fact in scanned.facts if fact.kind == "unlabelled"] == [
        "1 photo has no label (empty 1): set aside as unlabelled."
    ]
    for odd in ((1, "", ""), (1, 1, 0), (0, 0, 0)):
        scanned = read(table(tmp_path, "filename, cat, dog, owl", [*rows, ("9.jpg", *odd)], "_classes.csv"))
        assert list(scanned.attributes) == ["cat", "dog", "owl"]


def test_columns_of_yes_and_no_that_overlap_are_an_attribute_each(tmp_path):
    rows = [(f"{i}.jpg", (-1) ** i, (-1) ** (i // 2)) for i in range(8)]
    scanned = read(table(tmp_path, "image_id,Smiling,Young", rows))
    assert {name: attribute.counts for name, attribute in scanned.attributes.items()} == {
        "Smiling": {"no": 4, "yes": 4},
        "Young": {"no": 4, "yes": 4},
    }
    assert [fact.kind for fact in scanned.facts] == ["table", "table"]


def test_ranges_of_age_are_an_attribute_in_their_order(tmp_path):
    ages = ["3-9", "0-2", "20-29", "more than 70", "10-19"]
    rows = [(f"{i}.jpg", ages[i % 5], ["Male", "Female"][i % 2], ["Asian", "Black"][i // 10]) for i in range(20)]
    scanned = read(table(tmp_path, "file,age,gender,race", rows))
    assert scanned.problems.empty
    group = scanned.attributes["age_group"]
    assert list(group.counts) == ["0-2", "3-9", "10-19", "20-29", "more than 70"] and group.ordered
    assert scanned.attributes["gender"].counts == {"female": 10, "male": 10}
    assert not scanned.attributes["race"].ordered


def test_values_that_are_probably_one_are_pointed_out(tmp_path):
    rows = [(f"{i}.jpg", ["Cat", "cat", "dog"][i % 3]) for i in range(12)]
    facts = read(table(tmp_path, "image,kind,size", [(*row, 5 * i + i % 2) for i, row in enumerate(rows)])).facts
    (asked,) = [fact.text for fact in facts if fact.probable]
    assert asked == "kind: The labels 'Cat' (4) and 'cat' (4) are probably one class; they count as 2."


def test_folders_stay_classes_whatever_a_table_tells_besides(tmp_path):
    rows = [(f"{['cat', 'dog'][i % 2]}/{i}.jpg", ["old", "new"][i // 4]) for i in range(8)]
    scanned = read(table(tmp_path, "file,camera", rows))
    assert scanned.reader == "folders" and set(scanned.samples["label"]) == {"cat", "dog"}


def test_an_attribute_may_have_the_name_of_a_column_of_the_table_of_samples(tmp_path):
    rows = [(f"{i}.jpg", ["wide", "narrow"][i % 2], ["a", "b", "c"][i % 3]) for i in range(12)]
    scanned = read(table(tmp_path, "file,width,row", rows))
    assert scanned.samples["width"].tolist() == [8] * 12
    assert scanned.attributes["width"].counts == {"narrow": 6, "wide": 6}


def test_the_fingerprint_holds_the_attributes_that_make_classes_and_no_others(tmp_path):
    several(tmp_path)
    before = read(tmp_path).samples
    text = (tmp_path / "labels.csv").read_text().replace("0.jpg,dark", "0.jpg,red")
    (tmp_path / "labels.csv").write_text(text)
    after = read(tmp_path).samples
    assert fingerprint(before) == fingerprint(after)
    for attributes, same in ((["hair"], False), (["smiling"], True)):
        columns = own_columns(TaskConfig(name="attributes", attributes=attributes), before)
        assert (fingerprint(before, columns) == fingerprint(after, columns)) is same


def test_one_photo_named_twice_with_other_attributes_is_a_conflict(tmp_path):
    several(tmp_path)
    text = (tmp_path / "labels.csv").read_text() + "0.jpg,red,0,150\n"
    (tmp_path / "labels.csv").write_text(text)
    conflicts = problems_of(read(tmp_path), "label-conflict")
    assert conflicts == {"labels.csv row 2 and row 14": "the same photo has hair dark and red"}
