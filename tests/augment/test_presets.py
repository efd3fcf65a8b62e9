import numpy as np
from PIL import Image

from core.augment import exchange
from core.augment.notes import notes_of
from core.augment.presets import preset_of, presets, with_preset
from core.augment.steps import own_complaint
from core.config import RunConfig
from core.config.recipes import all_recipes
from core.config.transforms import TRANSFORMS
from core.places import HOME


def test_each_preset_is_a_pipeline_that_every_recipe_trains_with():
    assert list(presets()) == ["none", "gentle", "strong"]
    for recipe in all_recipes().values():
        for name, preset in presets().items():
            listed = with_preset(recipe.transforms, name)
            RunConfig.model_validate({"transforms": [each.model_dump() for each in listed]})
            assert [t for t in listed if t.deterministic] == [t for t in recipe.transforms if t.deterministic]
            assert tuple(listed[-1 - len(preset.transforms) : -1]) == preset.transforms
            assert preset_of(listed) == name
            assert exchange.read(exchange.to_python(listed)).transforms == listed


def test_a_preset_does_the_same_at_every_size_and_says_what_for():
    for preset in presets().values():
        assert len(preset.description) > 60
        for transform in preset.transforms:
            assert own_complaint(transform) == ""
            assert {TRANSFORMS[transform.name].params[name].unit for name in transform.params} <= {"", "°", "×"}


def test_nothing_that_a_preset_draws_is_to_be_warned_of_on_photos_of_people():
    with Image.open(HOME / "pages/parts/home/faces.jpg") as row:  # drawn people, as the demo dataset has them
        side = row.height
        photos = [np.asarray(row.convert("RGB").crop((i * side, 0, (i + 1) * side, side))) for i in range(6)]
    sizes = np.array([photo.shape[1::-1] for photo in photos])
    for name in presets():
        listed = with_preset(all_recipes()["quick"].transforms, name)
        assert notes_of(listed, lambda: photos, sizes, range(4)) == {}
