import re

import pytest

from core.config import from_dict
from core.config.recipes import all_recipes, load_recipe, recipes_home, save_recipe
from core.config.run_config import WHOLE, RunConfig, with_setting, with_value
from core.config.settings import (
    differing,
    flat,
    leaves,
    name_beneath,
    phases_line,
    recipe_of,
    transforms_line,
)
from core.config.transforms import TRANSFORMS, param_title


def changed(recipe, **values):
    data = load_recipe(recipe).model_dump(mode="json")
    for key, value in values.items():
        data = with_setting(data, key.replace("__", "."), str(value))
    return from_dict(data)


def test_every_setting_is_a_plain_value_under_its_dotted_name():
    table = flat(load_recipe("study-adam-sgd"))
    assert table["model.depth"] == 18
    assert table["phases.1.optimizer"] == "sgd"
    assert table["task.age_limits"] == "30, 60"
    assert all(value is None or isinstance(value, (str, int, float, bool)) for value in table.values())


def test_transforms_are_one_line_without_what_is_switched_off():
    data = load_recipe("quick").model_dump(mode="json")
    assert "Resize 64 x 64" in transforms_line(from_dict(data))
    for transform in data["transforms"]:
        if transform["name"] == "HorizontalFlip":
            transform["enabled"] = False
    assert "HorizontalFlip" in transforms_line(load_recipe("quick"))
    assert "HorizontalFlip" not in transforms_line(from_dict(data))


def test_phases_line():
    assert phases_line(load_recipe("study-adam-sgd")) == "adam 15 + sgd 50 epochs"


@pytest.mark.parametrize("name", sorted(all_recipes()))
def test_a_recipe_is_its_own_nearest(name):
    nearest, changes = recipe_of(load_recipe(name))
    assert changes == 0
    assert differing([flat(load_recipe(nearest)), flat(load_recipe(name))])[:1] in ([], ["name"])


def test_depth_folds_and_dataset_do_not_make_another_recipe():
    assert recipe_of(changed("quick", model__depth=50, folds__count=3, data__root="/photos")) == ("quick", 0)
    assert recipe_of(changed("quick", training__batch_size=16, phases__0__epochs=2)) == ("quick", 2)


def test_a_recipe_that_is_saved_changed_or_deleted_counts_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path))
    mine = changed("quick", training__batch_size=16, phases__0__epochs=2)
    assert recipe_of(mine) == ("quick", 2)
    save_recipe("mine", mine)
    assert recipe_of(mine) == recipe_of(mine, tmp_path) == ("mine", 0)
    assert recipe_of(mine, tmp_path / "other") == ("quick", 2), "that folder's own recipes count for its runs"
    save_recipe("mine", changed("study"), replace=True)
    assert recipe_of(mine) == ("quick", 2)
    save_recipe("mine", mine, replace=True)
    (recipes_home() / "mine.yaml").unlink()
    assert recipe_of(mine) == ("quick", 2)


def test_differing_counts_what_only_one_has():
    assert differing([{"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}]) == ["b", "c"]
    assert differing([{"a": None}, {}]) == ["a"]
    assert differing([{"a": 1}]) == []


def test_leaves_are_the_keys_that_a_configuration_is_set_by():
    data = load_recipe("study-adam-sgd").model_dump(mode="json")
    for path, value in leaves(data):
        assert path and with_value(data, path, value) == data
    assert dict(leaves({"a": [{"b": 1}, {"b": [2, 3]}], "c": {}}, "x", first=1)) == {"x.a.1.b": 1, "x.a.2.b": [2, 3]}


def test_mappings_of_names_that_people_made_are_one_setting_each():
    """All that a configuration has, but for the parameters of a transform, whose names are the lab's."""
    mappings = {
        f"{part}.{name}"
        for part, of_run in RunConfig.model_fields.items()
        for name, field in getattr(of_run.annotation, "model_fields", {}).items()
        if "dict[" in str(field.annotation)
    }
    assert mappings == set(WHOLE)
    data = {"task": {"only": {}, "limits": {"waist.cm": [80]}}}
    assert dict(leaves(data, whole=WHOLE)) == {"task.only": {}, "task.limits": {"waist.cm": [80]}}
    assert name_beneath("task.limits.waist.cm") == ("task.limits", "waist.cm")
    assert name_beneath('task.limits."waist.cm"') == ("task.limits", "waist.cm")
    assert name_beneath("task.limits") == ("task.limits", "") and name_beneath("task.leave_out") == ("", "")


def test_a_control_of_a_transform_has_a_word_that_people_use():
    titles = {param_title(name) for transform in TRANSFORMS.values() for name in transform.params}
    assert not [title for title in titles if re.search(r"\b(num|std|sat|val|percent|limit|range)\b", title, re.I)]
    for name, transform in TRANSFORMS.items():
        own = [param_title(param) for param in transform.params]
        assert len(set(own)) == len(own), f"{name}: two controls of one name"
