"""YAML from strangers: no alias, no tag, no end of it; what the lab writes it reads again."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from core.augment import exchange
from core.config import RunConfig, TransformConfig, run_config
from core.config.recipes import all_recipes
from core.errors import LabError
from core.storage import plain_yaml
from core.studies import grid

LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
DOORS = [
    lambda text: run_config.from_yaml(text, "import.yaml"),
    lambda text: grid.from_yaml(text, "import.yaml"),
    lambda text: exchange.read(text, "import.yaml"),
]
TINY_LAUGH = """name: trial
description: &words one sentence
data: {root: *words}
"""


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, "line 1: .*anchor '&a0'"),
        (TINY_LAUGH, "line 2: .*anchor '&words'.*write the value out"),
        ("name: trial\n\ngrid: *nothing\n", r"line 3: .*alias '\*nothing'"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", "line 2: .*tag"),
        ("a: [" + "1, " * 30_000 + "1]", "more than 20,000 values"),
        ("a: " + "x" * 300_000, "30.,... characters"),
        ("[" * 50_000, "too deep"),
        ("a: 2024-13-45", "not plain YAML"),
        ("a: 1\n\tb: 2", "line 2: not plain YAML"),
        ("a: 1\nb: !!bool x", "line 2: .*no bool"),
        ("name: !!timestamp 99", "line 1: .*no timestamp"),
        ("a: !!int ''", "line 1: .*no int"),
        ("folds: {count: 0x" + "f" * 5_000 + "}", "line 1: .*number this large"),
        ("? 0x" + "f" * 5_000 + "\n: 1", "line 1: .*number this large"),
    ],
)
@pytest.mark.fault(26)
def test_every_door_refuses_what_is_no_plain_configuration(door, text, words):
    with pytest.raises(LabError, match=words) as refusal:
        door(text)
    assert "import.yaml" in refusal.value.message and len(refusal.value.message) < 300


def test_a_text_is_read_once_and_each_who_asks_has_a_value_of_his_own(monkeypatch):
    text = "mine: [1, {deep: [2]}]\nwritten: for this test"
    first = plain_yaml.load(text, "own")
    first["mine"][1]["deep"].append(3)
    monkeypatch.setattr(plain_yaml.yaml, "load", lambda *of: pytest.fail("it is read a second time"))
    assert plain_yaml.load(text, "own") == {"mine": [1, {"deep": [2]}], "written": "for this test"}


LENIENT = [
    "a:\tb",
    "a: \t[1]",
    "[x?, {y?z: 1}]",
    "!",
    "- ! ",
    "\n\ufeffa",
    "a: |#\n b",
    "a: >2-#\n  b",
    "a: \x07",
    "a: [1",
]


@pytest.mark.parametrize("scanner", ["libyaml", "PyYAML"])
def test_either_scanner_reads_and_refuses_the_same(monkeypatch, scanner):
    """libyaml's takes a sixth of the time; what it alone would read, or read in another way, is not left to it."""

    def outcome(read, text):
        try:
            return read(text)
        except yaml.YAMLError as error:
            return type(error), getattr(error, "problem", None) or str(error)

    quick = scanner == "libyaml" and yaml.__with_libyaml__
    monkeypatch.setattr(plain_yaml.yaml, "__with_libyaml__", quick)
    for text in LENIENT:
        assert outcome(plain_yaml._read, text) == outcome(yaml.safe_load, text), repr(text)
    if quick:
        monkeypatch.setattr(plain_yaml, "_Plain", None)
    assert plain_yaml._read("a: {b: [1, 'two', 한글]}") == {"a": {"b": [1, "two", "한글"]}}


def test_a_file_of_any_length_is_read_no_further_than_needed(tmp_path):
    with open(tmp_path / "long.yaml", "wb") as stream:
        stream.truncate(1 << 40)  # a tebibyte that takes no room on disk
    with pytest.raises(LabError, match="characters are more than"):
        run_config.read_config(tmp_path / "long.yaml", "long.yaml")


def test_what_the_lab_writes_it_reads_also_where_one_list_stands_twice():
    sides = [8, 8]
    shared = TransformConfig(name="CoarseDropout", params={"hole_height_range": sides, "hole_width_range": sides})
    text = plain_yaml.dump({"a": sides, "b": sides})
    assert plain_yaml.load(text, "own") == {"a": [8, 8], "b": [8, 8]} and "&" not in text
    for recipe in all_recipes().values():
        assert run_config.from_yaml(run_config.to_yaml(recipe)) == recipe
    transforms = [TransformConfig(name="Resize"), shared, TransformConfig(name="Normalize")]
    assert exchange.read(exchange.to_yaml(transforms)).transforms == transforms
    assert run_config.from_yaml(run_config.to_yaml(RunConfig(transforms=transforms))).transforms == transforms


def test_a_grid_without_end_is_refused_before_it_is_made():
    study = grid.from_yaml("name: big\ngrid:\n" + "".join(f"  training.k{n}: {list(range(50))}\n" for n in range(40)))
    with pytest.raises(LabError, match="at most 10,000"):
        grid.expand(study)


@pytest.mark.parametrize("name", ["[Resize]", "{Resize: 1}", "null", "3", "!!binary aGVsbG8="])
def test_a_transform_whose_name_is_no_word_is_named(name):
    with pytest.raises(LabError, match="transform"):
        run_config.from_yaml(f"transforms: [{{name: {name}}}]", "import.yaml")


@pytest.mark.parametrize("setting", ["count", "seed"])
def test_a_number_of_any_length_that_comes_another_way_is_refused_too(setting):
    with pytest.raises(LabError, match=f"folds.{setting}: .*number without end"):
        run_config.from_dict({"folds": {setting: 16**5_000}})
    with pytest.raises(LabError, match=r"Resize\.height: a number without end is outside"):
        run_config.from_dict({"transforms": [{"name": "Resize", "params": {"height": 16**5_000}}]})


KINDS = "bool int float timestamp binary null str seq map set omap pairs"
TAGS = ["", "", "", *(f"!!{kind} " for kind in KINDS.split())]
WORDS = ["x", "''", "-", "0x_", "0b", "99", "1:60", "2024-13-45", "1e999", ".nan", "[Resize]"]
WORDS += ["{name: [a]}", "[[a, b]]", "0x" + "f" * 300, "1" * 5_000]
NAMES = [
    "name",
    "transforms",
    "folds",
    "phases",
    "training",
    "model",
    "grid",
    "data",
    "schema_version",
    "[a]",
    "a",
    "<<",
]
PLACES = ["{}", "[{}]", "{{name: {}}}", "[{{name: {}}}]", "[{{name: Resize, params: {}}}]", "{{count: {}}}"]
ENTRY = some.builds(
    lambda name, place, tag, word: f"{name}: {place.format(tag + word)}\n",
    *(some.sampled_from(parts) for parts in (NAMES, PLACES, TAGS, WORDS)),
)


@given(some.lists(ENTRY, min_size=1, max_size=3).map("".join))
@pytest.mark.fault(26)
def test_any_tag_on_any_value_is_a_value_or_a_refusal(text):
    for door in DOORS:
        try:
            door(text)
        except LabError as refusal:
            assert refusal.message


LEAF = some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text()
NESTED = some.recursive(
    LEAF, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4), max_leaves=12
)


@given(NESTED)
def test_values_come_back_as_they_were(value):
    text = plain_yaml.dump({"value": value})
    assert plain_yaml.load(text, "own") == yaml.safe_load(text)


@given(some.text(max_size=200) | some.text("&*!<>[]{}:-?|,#\n\t 'ax1", max_size=60))
def test_any_text_is_a_value_or_a_refusal(text):
    for door in DOORS:
        try:
            door(text)
        except LabError as refusal:
            assert refusal.message
