"""What is a person's and what is one photo's, from the photos themselves."""

import pandas as pd
import pytest

from core.data.labels.whose import is_of_person


def table(**columns):
    rows = len(next(iter(columns.values())))
    return pd.DataFrame({"sample": range(rows), "person": [f"p{i // 3}" for i in range(rows)], **columns})


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("gender", ["female", "female", None, "male", "male", "male"] * 4, True),
        ("attribute:smiling", ["yes", "no", "no", "no", "yes", "yes"] * 4, False),
        ("attribute:race", ["Black"] * 3 + ["Asian"] * 36 + ["White", "White", "Asian"], True),  # one of 14 disagrees
        ("age", [30.0, 31.0, 31.0] * 8, True),
        ("age", [30.0, 41.0, 31.0] * 8, False),
        ("attribute:height", [170.0, 171.0, 170.0] * 8, False),
        ("attribute:hair", [None, "dark", None] * 8, False),
    ],
)
def test_an_attribute_is_a_persons_where_their_photos_agree(name, values, expected):
    assert is_of_person(name.removeprefix("attribute:"), table(**{name: values})) is expected


def test_nothing_is_a_persons_where_nobody_has_several_photos_or_nothing_tells_it():
    alone = pd.DataFrame({"person": list("abc"), "gender": ["female", "male", "male"]})
    assert not is_of_person("gender", alone) and not is_of_person("hair", alone)
