"""Yes/no attributes that are told one by one: what a labelled table says of them."""

import numpy as np
import pandas as pd
import pytest

from core.config.run_config import TaskConfig
from core.data import counts
from core.data.tasks import class_names, label_as, label_samples, proposed_together
from core.data.yes_no import pairs
from core.errors import LabError

YES, NO = "yes", "no"


def samples_of(**attributes):
    photos = len(next(iter(attributes.values())))
    names = [f"{i:02d}.jpg" for i in range(photos)]
    table = {"sample": names, "path": names, "person": [f"p{i // 2}" for i in range(photos)], "bytes": 1, "mask": None}
    table |= {"gender": None, "age": np.nan, "label": None, "race": None}
    return pd.DataFrame(table | {f"attribute:{name}": values for name, values in attributes.items()})


def each(*names, **settings):
    return TaskConfig(name="attributes", attributes=list(names), together="each", **settings)


FOUR = samples_of(hat=[YES, NO, None, None], bald=[NO, None, YES, None], hair=["red", "fair", "red", "red"])


def test_photos_are_used_for_the_attributes_that_they_tell():
    table, names, dropped = label_samples(FOUR, each("bald", "hat"))
    assert names == ["bald no", "bald yes", "hat no", "hat yes"] == class_names(each("bald", "hat"), FOUR)
    assert dropped == 1, "the photo that tells neither"
    assert pairs.attributes_of(table) == ["bald", "hat"]
    assert pairs.told(table).tolist() == [[0, 1], [-1, 0], [1, -1]]
    assert table["class_name"].tolist() == ["hat", "none", "bald"] and set(table["y"]) == {0}
    assert pairs.classes(pairs.told(table)).sum(axis=1).tolist() == [2, 1, 1]
    assert pairs.of_class(table, "bald yes").tolist() == [False, False, True]


def test_counts_are_of_photos_and_people():
    table = label_samples(FOUR, each("bald", "hat"))[0]
    of_each = pairs.counts(table)
    assert of_each.loc["bald"].to_dict() == {"yes": 1, "no": 1, "not told": 1, "share": 0.5, "people yes": 1}
    assert counts.class_counts(table.assign(person_known=True), pairs.class_names(["bald", "hat"]))[
        "photos"
    ].tolist() == [1, 1, 1, 1]
    assert [name for name, _, _ in counts.thin_classes(table, 2)] == ["bald no", "bald yes", "hat no", "hat yes"]


def test_a_filter_keeps_photos_and_classes_are_pairs_whatever_the_names():
    table, names, _ = label_samples(FOUR, each("hat", only={"hair": ["red", "fair"]}))
    assert names == ["hat no", "hat yes"] and len(table) == 2
    odd = samples_of(**{"a no": [YES, NO], "a": [NO, YES]})
    table, names, _ = label_samples(odd, each("a", "a no"))
    assert names == ["a no", "a yes", "a no no", "a no yes"] and len(set(names)) == 4
    assert pairs.of_class(table, "a no").tolist() == [True, False]


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (each("hat", "hair"), "hair is not a yes/no attribute; the photos have fair, red"),
        (each("hat", only={"hair": ["fair"]}), "hat is no in every photo that tells it"),
        (each("hat", "beard"), "the dataset has no attribute 'beard'"),
        (each(), "no attribute is chosen"),
    ],
)
def test_what_cannot_be_told_one_by_one_is_named(task, words):
    with pytest.raises(LabError, match=words):
        label_samples(FOUR, task)


def test_other_photos_are_labelled_as_the_run_is():
    others = samples_of(hat=[NO, "maybe", YES]).assign(sample=["x", "y", "z"])
    task = each("bald", "hat")
    labelled, unknown, off_task = label_as(others, FOUR, task, class_names(task, FOUR))
    assert labelled["sample"].tolist() == ["x", "z"] and pairs.told(labelled).tolist() == [[-1, 0], [-1, 1]]
    assert unknown == {"hat maybe": 1} and off_task == 0


def test_a_product_has_six_attributes_and_one_by_one_128():
    names = [f"a{i}" for i in range(40)]
    assert each(*names).title == "40 yes/no attributes" and each("a", "b").title == "a, b"
    with pytest.raises(ValueError, match="a product has at most 6"):
        TaskConfig(name="attributes", attributes=names)
    with pytest.raises(ValueError, match="at most 128"):
        each(*(f"a{i}" for i in range(129)))
    with pytest.raises(ValueError, match="no classes to leave out"):
        each("a", leave_out=["a no"])
    assert TaskConfig(together="each").one_by_one is False, "a task of its own attributes has classes"


def test_more_than_a_few_yes_no_attributes_are_proposed_one_by_one():
    table = samples_of(**{name: [YES, NO] for name in "abcd"}, hair=["red", "fair"])
    assert proposed_together(list("abcd"), table) == "each"
    assert proposed_together(list("abc"), table) == "product"
    assert proposed_together(list("abc"), table, "each") == "each"
    assert proposed_together(["a", "b", "c", "d", "hair"], table, "each") == "product"
