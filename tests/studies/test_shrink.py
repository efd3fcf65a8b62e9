"""Promises of a smaller recipe: the same one, with fewer epochs and smaller images, and still valid."""

import pytest

from core.config import from_dict
from core.config.recipes import all_recipes, load_recipe
from core.studies.shrink import shrink


@pytest.mark.parametrize("name", list(all_recipes()))
@pytest.mark.parametrize(("size", "epochs"), [(64, 6), (17, 1), (512, 300)])
def test_every_recipe_can_be_made_smaller_and_larger(name, size, epochs):
    recipe = load_recipe(name)
    small = from_dict(shrink(recipe.model_dump(mode="json"), size=size, epochs=epochs))
    assert small.input_size == (size, size)
    assert small.epochs == max(epochs, len(recipe.phases))
    assert [t.name for t in small.transforms] == [t.name for t in recipe.transforms]


def test_phases_keep_their_shares_and_what_counts_pixels_its_size():
    recipe = load_recipe("study-adam-sgd").model_dump(mode="json")
    small = shrink(recipe, size=56, epochs=13)
    assert [phase["epochs"] for phase in small["phases"]] == [3, 10]
    holes = next(t for t in small["transforms"] if t["name"] == "CoarseDropout")["params"]
    assert holes["hole_height_range"] == [12, 12] and holes["num_holes_range"] == [4, 4]  # 50 px of 224
    crop = next(t for t in small["transforms"] if t["name"] == "CenterCrop")["params"]
    assert (crop["height"], crop["width"]) == (400, 256), "the crop is of the photo, not of the resized image"


def test_nothing_asked_changes_nothing_and_the_recipe_stays_whole():
    recipe = load_recipe("quick").model_dump(mode="json")
    assert shrink(recipe) == recipe
    shrink(recipe, size=32, epochs=3)
    assert recipe == load_recipe("quick").model_dump(mode="json")
