"""What was understood of a dataset: the facts that a person sees first, and the record for scripts."""

import json
from dataclasses import replace

import pytest

from core.config.parts import DataConfig
from core.data.readers.reading import Fact
from core.data.understood import as_record, attribute_counts, examples, facts_of
from tests.photos import draw, mask_dataset, read

FIELDS = ["kind", "text", "settings", "probable"]


def pets(root, **each):
    """each: class -> photos."""
    for name, photos in each.items():
        for number in range(photos):
            draw(root / name / f"{number}.png")
    return root


def texts(scanned, kind):
    return [fact.text for fact in facts_of(scanned) if fact.kind == kind]


def test_folders_are_told_with_their_classes_persons_and_what_is_left_out(tmp_path):
    draw(pets(tmp_path, cat=3, dog=2) / "logo.png")
    scanned = read(tmp_path)
    assert [fact.text for fact in facts_of(scanned)] == [
        "Read as folders: 5 photos, 8 × 6 px.",
        "2 classes: cat 3, dog 2.",
        "Persons are unknown: photos of one person may stand in several folds.",
        "Left out: 1 picture not in a class folder: logo.png.",
        "1 warning.",
    ]


def test_people_and_what_they_are_labelled_with_are_counted(tmp_path):
    scanned = read(mask_dataset(tmp_path, [("001", "female", 20), ("002", "male", 52)]))
    assert texts(scanned, "persons") == ["Persons: 2 people, 7 photos each."]
    assert texts(scanned, "values") == [
        "mask: mask 10, incorrect 2, normal 2.",
        "gender: female 7, male 7.",
        "age: 20 to 52 years.",
        "race: Asian 14.",
    ]
    assert attribute_counts(scanned.samples)["age"] == {"min": 20.0, "max": 52.0, "photos": 14}


def test_an_attribute_that_some_photos_lack_says_for_how_many(tmp_path):
    pets(tmp_path, cat=2, dog=2)
    (tmp_path / "table.csv").write_text(
        "path,label,age\ncat/0.png,cat,4\ncat/1.png,cat,\ndog/0.png,dog,7\ndog/1.png,dog,7\n"
    )
    assert texts(read(tmp_path), "values") == ["age: 4 to 7 years; unknown for 1 photo."]


def test_a_long_list_of_classes_is_cut_and_counted(tmp_path):
    scanned = read(pets(tmp_path, **{f"c{number:02d}": 1 + number % 3 for number in range(40)}))
    assert texts(scanned, "classes") == ["40 classes of 1 to 3 photos: c00 1, c01 2, c02 3 and 37 more."]
    assert len(as_record(scanned)["attributes"]["label"]) == 40


def test_one_class_alone_is_a_question(tmp_path):
    first = facts_of(read(pets(tmp_path, images=3)))[0]
    assert (first.text, first.probable) == ("1 class: images 3. A classifier needs two.", True)


def test_what_is_only_probable_stands_first_and_other_kinds_before_the_problems(tmp_path):
    scanned = read(pets(tmp_path, cat=1, dog=1))
    asked = Fact("persons", "The folder may be the person.", ("person_pattern",), probable=True)
    scanned = replace(scanned, facts=(Fact("links", "2 links were followed."), asked))
    kinds = [fact.kind for fact in facts_of(scanned)]
    assert facts_of(scanned)[0] == asked
    assert kinds == ["persons", "layout", "classes", "persons", "links", "problems"]


def test_what_is_set_aside_is_counted_and_told_once(tmp_path):
    scanned = read(pets(tmp_path, cat=4, dog=4))
    rows = scanned.samples.iloc[:3].assign(split=["test", "unlabelled", "test"])
    scanned = replace(scanned, samples=scanned.samples.iloc[3:].reset_index(drop=True), set_aside=rows)
    record = as_record(scanned)
    assert (record["photos"], record["set_aside"]) == (5, {"test": 2, "unlabelled": 1})
    assert texts(scanned, "split") == ["2 photos set aside as test set: never trained or validated on."]
    assert texts(scanned, "unlabelled") == ["1 photo without a label set aside for prediction."]
    said = Fact("split", "test/ is the test set: 2 photos.", ())
    assert texts(replace(scanned, facts=(said,)), "split") == [said.text]


def test_a_name_from_a_file_stays_on_its_line_and_is_cut(tmp_path):
    scanned = read(pets(tmp_path, **{"two\nlines\x1b[31m": 1, "long" * 20: 1}))
    (told,) = texts(scanned, "classes")
    assert told.startswith(f"2 classes: {('long' * 20)[:39]}… 1, two lines [31m 1")
    assert told.isprintable()


@pytest.mark.parametrize("most", [1, 3, 10])
def test_examples_are_of_as_many_classes_as_there_are(tmp_path, most):
    scanned = read(pets(tmp_path, bee=2, cat=5, dog=1))
    chosen = examples(scanned, most)
    assert len(chosen) == min(most, 8)
    assert len({name for name, _ in chosen}) == min(most, 3)
    assert all(row["sample"].startswith(name) for name, row in chosen)
    assert len({row["sample"] for _, row in chosen}) == len(chosen)


def test_examples_of_a_table_are_named_by_its_attributes(tmp_path):
    for number in range(8):
        draw(tmp_path / f"{number}.png", (number, 0, 0))
    rows = [f"{number}.png,{('dark', 'fair')[number % 2]},{number // 4},{150 + number}" for number in range(8)]
    (tmp_path / "labels.csv").write_text("\n".join(["image,hair,smiling,height_cm", *rows, ""]))
    chosen = examples(read(tmp_path), 4)
    assert {name for name, _ in chosen} == {"dark", "fair", "dark smiling", "fair smiling"}


def test_nothing_that_can_be_trained_on_is_told_too(tmp_path):
    (pets(tmp_path, cat=1) / "cat" / "0.png").write_bytes(b"nothing")
    scanned = read(tmp_path)
    assert [fact.text for fact in facts_of(scanned)] == [
        "Read as folders: no photo that can be trained on.",
        "1 bad entry.",
    ]
    record = as_record(scanned)
    assert (record["persons"], record["attributes"]) == ({"known": False, "count": 0}, {})
    assert examples(scanned, 4) == []


def test_the_record_is_plain_json_and_its_settings_are_settings(tmp_path):
    draw(pets(tmp_path, cat=1, dog=1) / "logo.png")
    record = as_record(read(tmp_path))
    assert json.loads(json.dumps(record)) == record
    for fact in record["facts"]:
        assert list(fact) == FIELDS
        assert set(fact["settings"]) <= set(DataConfig.model_fields)
