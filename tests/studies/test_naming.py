import pytest

from core.config import recipes, settings
from core.config.run_config import from_dict, with_value
from core.studies.naming import LONGEST, name_from


def flat(**changes):
    config = recipes.load_recipe("quick").model_dump(mode="json")
    for key, value in changes.items():
        config = with_value(config, key.replace("__", "."), value, "")
    return settings.flat(from_dict(config, "quick"))


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("depths r18", {"model__depth": 34}, "depths r34"),
        ("depths r18", {"training__label_smoothing": 0.2}, "depths r18 label_smoothing=0.2"),
        ("mixing none", {"mix__method": "mixup", "training__seed": 3}, "mixing mixup seed=3"),
        ("same", {}, "same 3"),
        ("same 2", {}, "same 2 2"),
    ],
)
def test_a_name_tells_what_differs_and_is_free(name, changes, expected):
    assert name_from(name, flat(), flat(**changes), {"same", "same 2", "depths r18", "mixing none"}) == expected


def test_a_name_is_never_too_long_and_says_how_much_more_differs():
    changes = {"training__batch_size": 7, "training__seed": 1, "training__label_smoothing": 0.3, "model__depth": 50}
    name = name_from("x" * 40, flat(), flat(**changes), set())
    assert len(name) <= LONGEST
    assert name_from("a", flat(), flat(**changes), set()).endswith("+1")
    assert len(name_from("x" * 60, flat(), flat(), {"x" * 60})) == LONGEST
