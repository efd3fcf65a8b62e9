"""A recipe written out: everything stands there, is explained, and reads back as the same configuration."""

import pytest

from core.config import from_yaml
from core.config.recipes import load_recipe
from core.config.written_out import to_explained_yaml
from core.storage import plain_yaml


@pytest.mark.parametrize("recipe", ["quick", "study", "study-adam-sgd", "study-mixup", "study-masked"])
def test_a_recipe_that_is_written_out_is_the_same_recipe_with_every_setting(recipe):
    config = load_recipe(recipe)
    text = to_explained_yaml(config)
    assert from_yaml(text) == config
    assert plain_yaml.load(text, "text") == config.model_dump(mode="json")


def test_above_a_setting_stands_what_it_is_and_for_two_phases_once():
    text = to_explained_yaml(load_recipe("study-adam-sgd"))
    lines = text.splitlines()
    assert lines[lines.index("  root: ''") - 1] == "  # Folder of the dataset."
    assert text.count("lr_head:") == 2
    comments = [line for line in lines if line.lstrip().startswith("#")]
    assert len(comments) > 30 and all(len(line) <= 120 for line in comments)


def test_a_text_that_only_quotes_keep_is_kept():
    config = load_recipe("quick").model_copy(update={"name": "yes: # 1", "description": "two\nlines\t'\"" * 30})
    assert from_yaml(to_explained_yaml(config)) == config
