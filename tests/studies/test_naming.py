import itertools

import pytest

from core.config import recipes, settings
from core.config.run_config import from_dict, with_value
from core.studies.naming import LONGEST, name_from, own_name, run_names, value_word


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


LONG = "how much does smoothing help with labels that are wrong"
SMOOTHING = [0.0, 0.05, 0.1, 0.15, 0.001]


@pytest.mark.parametrize("study", ["s", LONG, "x" * 60, f"{LONG[:-6]}   wrong"])
@pytest.mark.parametrize("depths", [[18], [18, 34, 101]])
def test_runs_of_a_grid_are_told_apart_by_whole_values(study, depths):
    grid = {"model.depth": depths, "training.label_smoothing": SMOOTHING, "phases.0.lr_head": [0.0006, 1e-05]}
    names = list(run_names(study, grid))
    assert len(set(names)) == len(names) == len(depths) * 10 and max(map(len, names)) <= LONGEST
    words = itertools.product(depths, SMOOTHING, grid["phases.0.lr_head"])
    for name, (depth, smoothing, rate) in zip(names, words, strict=True):
        assert name.endswith(f" r{depth} label_smoothing={smoothing} lr_head={rate}")
        assert own_name(name, study) == f"r{depth} label_smoothing={smoothing} lr_head={rate}"
    assert len({name.partition(" r")[0] for name in names}) == 1, "all of them begin alike"


def test_values_that_are_too_long_by_themselves_are_left_out_whole_and_the_names_numbered():
    rates = [0.1234567890123456, 0.1234567890123457]
    grid = {f"phases.{phase}.{rate}": rates for phase in (0, 1) for rate in ("lr_head", "lr_backbone")}
    names = list(run_names("rates", {"model.depth": [18], **grid}))
    assert len(set(names)) == len(names) == 16 and max(map(len, names)) <= LONGEST
    whole = {f"{rate}={value}" for rate in ("lr_head", "lr_backbone") for value in rates}
    for name in names:
        words, _, number = name.partition(" …")
        assert words.split(" ")[-1] in whole, name
        assert number == "" or int(number) > 1
    transforms = [[{"name": "Resize", "params": {"height": size, "width": size}}] for size in (32, 64)]
    assert list(run_names("sizes", {"transforms": transforms})) == ["sizes …", "sizes … 2"]


def test_runs_whose_values_have_the_same_words_are_numbered():
    first = ["run:20260101-000000-one-2478", "run:20260102-000000-two-2478"]
    assert list(run_names("on", {"model.init": first})) == ["on from run 2478", "on from run 2478 2"]
    name = "x" * 46
    numbered = list(run_names(name, {"model.init": first}))
    assert numbered == [f"{name} from run 2478", f"{name[:43]}… from run 2478 2"]
    assert [own_name(each, name) for each in numbered] == ["from run 2478", "from run 2478 2"]


def test_a_name_that_somebody_gave_is_told_whole():
    assert value_word("task.limits.waist.cm", [80]) == "waist.cm=[80]"
    assert value_word("task.merge.<1.5", "a, b") == "<1.5=a, b"


def test_what_only_begins_like_a_name_of_the_study_stays():
    names = ["sizes …", "sizes … 2", "sizes", "other… r18"]
    assert [own_name(name, "sizes") for name in names] == ["…", "… 2", "sizes", "other… r18"]
