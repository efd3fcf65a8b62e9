import itertools
import warnings
from concurrent.futures import ThreadPoolExecutor

import albumentations
import numpy as np
import pytest

from core.augment import steps
from core.config import TransformConfig
from core.config.run_config import study_transforms
from core.config.transforms import TRANSFORMS
from tests.augment.chains import RANDOM, all_of_them, photo

pytestmark = pytest.mark.filterwarnings("error")


def test_the_last_step_is_what_training_gets_and_each_step_starts_from_the_one_before():
    transforms, image = all_of_them(), photo()
    whole = steps.build_whole(transforms)
    applied = set()
    for seed in range(10):
        taken = steps.steps(image, transforms, seed)
        assert [step.name for step in taken] == [t.name for t in transforms[:-1]]
        assert np.array_equal(taken[-1].image, whole(image, seed))
        for before, step in itertools.pairwise(taken):
            if not step.applied:
                assert np.array_equal(before.image, step.image)
                assert step.drawn == ""
            applied.add((step.name, step.applied))
    assert all((name, flag) in applied for name in RANDOM for flag in (True, False))


def test_the_parameters_told_are_those_that_made_the_image():
    shift = TransformConfig(
        name="RandomBrightnessContrast", params={"brightness_limit": [0.1, 0.3], "contrast_limit": [0.0, 0.0]}
    )
    resize = TransformConfig(name="Resize", params={"height": 20, "width": 20})
    image = np.full((20, 20, 3), 100, np.uint8)
    for seed in range(5):
        step = steps.steps(image, [resize, shift], seed)[1]
        beta = float(step.drawn.split("beta ")[1])
        assert step.image.mean() == pytest.approx(100 + beta, abs=1)
        assert 0.1 * 255 - 1 <= beta <= 0.3 * 255 + 1
    holes = TransformConfig(
        name="CoarseDropout",
        params={"num_holes_range": [1, 1], "hole_height_range": [4, 4], "hole_width_range": [6, 6]},
    )
    step = steps.steps(image, [resize, holes], 3)[1]
    x, y = (int(part) for part in step.drawn.removeprefix("4 × 6 px at ").split(", "))
    assert (step.image[y : y + 4, x : x + 6] == 0).all()
    assert (step.image == 0).all(axis=2).sum() == 24


def test_walking_a_parameter_changes_that_one_only():
    transforms = study_transforms(64)
    index = next(i for i, t in enumerate(transforms) if t.name == "RandomBrightnessContrast")
    transforms[index] = TransformConfig(name="RandomBrightnessContrast", p=0.1, params={"contrast_limit": [0, 0]})
    images = steps.walk(
        np.full((400, 256, 3), 100, np.uint8), transforms, index, "brightness_limit", [-0.2, 0, 0.2], seed=5
    )
    assert [float(image.mean()) for image in images] == pytest.approx([49, 100, 151], abs=1)


def test_the_cost_has_a_line_for_each_transform_and_one_for_what_an_epoch_pays():
    costs = steps.costs(photo(), study_transforms(64), seed=1, repeats=1)
    assert [cost.name for cost in costs if cost.once] == ["CenterCrop", "Resize"]
    names = [cost.name for cost in costs if not cost.once]
    assert names == ["RandomBrightnessContrast", "HorizontalFlip", "InvertImg", "CoarseDropout", "whole"]
    assert all(cost.milliseconds > 0 for cost in costs)


@pytest.mark.parametrize("name", [name for name in TRANSFORMS if name != "Normalize"])
def test_albumentations_has_nothing_against_any_default(name):
    assert steps.own_complaint(TransformConfig(name=name)) == ""


def test_albumentations_own_words_are_passed_on():
    size = {"height": 8, "width": 8}
    beyond = TransformConfig.model_construct(name="CLAHE", p=1.0, params={"clip_limit": [0.5, 4]}, enabled=True)
    assert "must be >= 1" in steps.own_complaint(beyond)
    even = TransformConfig.model_construct(name="MotionBlur", p=1.0, params={"blur_limit": [4, 4]}, enabled=True)
    assert "must be odd" in steps.own_complaint(even)
    unknown = TransformConfig.model_construct(name="Resize", p=1.0, params={**size, "depth": 8}, enabled=True)
    assert "'depth' are not valid for transform Resize" in steps.own_complaint(unknown)


def test_what_albumentations_makes_of_a_setting_is_told_where_its_warning_is_not_heard():
    even = TransformConfig.model_construct(name="MotionBlur", p=1.0, params={"blur_limit": [4, 4]}, enabled=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert steps.own_complaint(even) == "blur_limit: 4 4 is taken as 5 5."


def test_what_another_session_warns_of_meanwhile_is_no_complaint(monkeypatch):
    """Warnings are those of all threads, and so is who hears them: asking leaves that alone."""
    made, heard_by = albumentations.Resize, []

    def resize(**settings):
        heard_by.append(warnings.filters)
        with ThreadPoolExecutor(1) as session:
            session.submit(warnings.warn, "another session's torch").result()
        return made(**settings)

    monkeypatch.setattr(albumentations, "Resize", resize)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert steps.own_complaint(TransformConfig(name="Resize")) == ""
        assert heard_by[0] is warnings.filters
