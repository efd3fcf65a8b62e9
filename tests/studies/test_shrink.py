"""Promises of a smaller recipe: the same one, with fewer epochs and smaller images, and still valid."""

import pytest

from core.config import from_dict
from core.config.recipes import all_recipes, load_recipe
from core.errors import LabError
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


def test_what_stands_behind_the_resize_is_as_much_of_the_smaller_image_as_it_was():
    recipe = load_recipe("study-adam-sgd").model_dump(mode="json")
    place = next(i for i, t in enumerate(recipe["transforms"]) if t["name"] == "Resize")
    crop = {"name": "CenterCrop", "params": {"height": 256, "width": 224}}
    blurs = [{"name": "GaussianBlur", "params": {"sigma_limit": [0.2, 4.0]}}, {"name": "MotionBlur"}]
    recipe["transforms"][place]["params"] = {"height": 320, "width": 280}
    recipe["transforms"][place + 1 : place + 1] = [
        crop,
        *blurs,
        {"name": "MotionBlur", "params": {"blur_limit": [3, 45]}},
    ]
    small = from_dict(shrink(recipe, size=56))
    assert small.input_size == (64, 56), "what the network gets"
    resized, cropped, gaussian, short, long = (t.params for t in small.transforms[place : place + 5])
    assert (resized, cropped) == ({"height": 80, "width": 70}, {"height": 64, "width": 56})
    assert gaussian == {"sigma_limit": [0.1, 1.0]} and short == {"blur_limit": [3, 3]}, "no less than the lab accepts"
    assert long == {"blur_limit": [3, 11]}


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        ({"name": "MotionBlur", "params": {"blur_limit": [3, 150]}}, "150 is outside 3 to 99"),
        ({"name": "MotionBlur", "params": {"blur_limit": [4, 8]}}, "expected an odd number, found 4"),
        ({"name": "CenterCrop", "params": {"height": 4000, "width": 224}}, "4000 is outside 8 to 2048"),
    ],
)
def test_what_the_lab_refuses_is_not_made_to_fit(transform, words):
    recipe = load_recipe("quick").model_dump(mode="json")
    place = next(i for i, t in enumerate(recipe["transforms"]) if t["name"] == "Resize")
    recipe["transforms"].insert(place + 1, transform)
    with pytest.raises(LabError, match=words):
        from_dict(shrink(recipe, size=64))


def test_nothing_asked_changes_nothing_and_the_recipe_stays_whole():
    recipe = load_recipe("quick").model_dump(mode="json")
    assert shrink(recipe) == recipe
    shrink(recipe, size=32, epochs=3)
    assert recipe == load_recipe("quick").model_dump(mode="json")
