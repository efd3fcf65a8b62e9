import numpy as np
import pytest

from core.augment.effects import effects, face_bands, warnings_of
from core.config import TransformConfig
from core.errors import LabError

pytestmark = pytest.mark.filterwarnings("error")


def grey(value=120, height=64, width=64):
    noise = np.random.default_rng(0).integers(-5, 6, (height, width, 3))
    return np.clip(value + noise, 1, 254).astype(np.uint8)


def effect_of(image, name, seeds=range(4), **params):
    resize = TransformConfig(name="Resize", params={"height": image.shape[0], "width": image.shape[1]})
    return effects(lambda: [image], [resize, TransformConfig(name=name, p=0.1, params=params)], list(seeds))[0]


def test_the_face_is_an_ellipse_in_three_bands():
    bands = face_bands(200, 100)
    assert (bands > 0).mean() == pytest.approx(np.pi / 4 * 0.6 * 0.8, rel=0.02)
    rows = [np.flatnonzero((bands == r).any(axis=1)) for r in (1, 2, 3)]
    assert rows[0][0] == pytest.approx(20, abs=2)
    assert rows[2][-1] == pytest.approx(179, abs=2)
    assert rows[0][-1] + 1 == rows[1][0]


def test_the_share_that_holes_take_is_counted_from_the_pixels():
    image = grey()
    sizes = {"num_holes_range": [3, 3], "hole_height_range": [16, 16], "hole_width_range": [16, 16]}
    effect = effect_of(image, "CoarseDropout", **sizes)
    from core.augment.steps import steps

    resize = TransformConfig(name="Resize", params={"height": 64, "width": 64})
    holes = TransformConfig(name="CoarseDropout", params=sizes)
    face = face_bands(64, 64) > 0
    shares = [(steps(image, [resize, holes], seed)[1].image == 0).all(axis=2)[face].mean() for seed in range(4)]
    assert effect.removed == pytest.approx(np.mean(shares))
    assert effect.changed == 1


def test_a_hole_over_everything_destroys_and_says_where():
    sizes = {"num_holes_range": [1, 1], "hole_height_range": [64, 64], "hole_width_range": [64, 64]}
    effect = effect_of(grey(), "CoarseDropout", **sizes)
    assert effect.removed == 1
    assert any("takes 100% of the face away" in text for text in warnings_of(effect))
    of_photo = " ".join(warnings_of(effect, "photo"))
    assert "takes 100% of the photo's middle away" in of_photo and " third (" in of_photo and "face" not in of_photo


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("RandomBrightnessContrast", {"brightness_limit": [0, 0], "contrast_limit": [0, 0]}),
        ("Affine", {"rotate": [0, 0], "scale": [1, 1], "translate_percent": [0, 0]}),
        ("GaussNoise", {"std_range": [0, 0]}),
        ("Sharpen", {"alpha": [0, 0]}),
    ],
)
def test_a_transform_that_does_nothing_is_named(name, params):
    assert warnings_of(effect_of(grey(), name, **params)) == [f"{name} does nothing with these settings."]


def test_a_flip_of_a_face_is_harmless():
    assert warnings_of(effect_of(grey(), "HorizontalFlip")) == []


def test_inverting_turns_dark_faces_light_and_leaves_middle_grey_alone():
    assert any("turns faces of mean grey 40 into 215" in text for text in warnings_of(effect_of(grey(40), "InvertImg")))
    assert warnings_of(effect_of(grey(127), "InvertImg")) == []


def test_a_crop_that_cuts_off_more_than_a_third_is_named():
    crop = TransformConfig(name="CenterCrop", params={"height": 50, "width": 50})
    measured = effects(lambda: [grey(height=100, width=100)], [crop, TransformConfig(name="Normalize")], [0])
    assert [effect.name for effect in measured] == ["CenterCrop"]
    assert measured[0].cut == pytest.approx(0.75, abs=0.05)
    assert any("more than a third" in text for text in warnings_of(measured[0]))
    assert not warnings_of(effect_of(grey(), "RandomResizedCrop", scale=[0.95, 1.0], ratio=[1, 1]))
    assert effect_of(grey(), "RandomResizedCrop", scale=[0.2, 0.2], ratio=[1, 1]).cut == pytest.approx(0.8, abs=0.08)


def test_clipped_to_white_counts_as_removed():
    effect = effect_of(grey(200), "RandomBrightnessContrast", brightness_limit=[1, 1], contrast_limit=[0, 0])
    assert effect.removed == 1
    assert set(effect.bands.values()) == {1.0}


def test_dark_and_light_faces_are_told_apart():
    resize = TransformConfig(name="Resize", params={"height": 64, "width": 64})
    images = [grey(value) for value in (60, 70, 120, 130, 190, 200)]
    inverted = effects(lambda: images, [resize, TransformConfig(name="InvertImg")], [0])[0]
    assert inverted.dark == pytest.approx((65, 190), abs=2)
    assert inverted.light == pytest.approx((195, 60), abs=2)
    assert any("turns dark faces light and light faces dark" in text for text in warnings_of(inverted))
    assert any("turns dark photos light and light photos dark" in text for text in warnings_of(inverted, "photo"))
    lighter = TransformConfig(name="RandomBrightnessContrast", params={"brightness_limit": [0.1, 0.1]})
    assert warnings_of(effects(lambda: images, [resize, lighter], [0])[0]) == []


def test_the_face_of_a_padded_photo_is_where_the_photo_is():
    """The black border around a photo that is smaller than the crop is no part of the face."""
    crop = TransformConfig(name="CenterCrop", params={"height": 128, "width": 96})
    resize = TransformConfig(name="Resize", params={"height": 128, "width": 192})
    holes = {"num_holes_range": [1, 1], "hole_height_range": [128, 128], "hole_width_range": [192, 192]}
    image = grey(200, 64, 64)
    measured = effects(lambda: [image], [crop, resize, TransformConfig(name="CoarseDropout", params=holes)], [0])
    assert [effect.name for effect in measured] == ["CenterCrop", "CoarseDropout"]
    assert (measured[0].removed, measured[0].cut) == (0, 0)
    for effect in measured:
        assert effect.before == pytest.approx([200], abs=1)
    assert measured[1].removed == 1
    assert measured[1].after == pytest.approx([0])


def test_where_pixels_are_taken_is_where_they_are_taken():
    resize = TransformConfig(name="Resize", params={"height": 60, "width": 60})
    holes = TransformConfig(
        name="CoarseDropout",
        params={"num_holes_range": [1, 1], "hole_height_range": [20, 20], "hole_width_range": [10, 10]},
    )
    image = grey(120, 60, 60)
    effect = effects(lambda: [image], [resize, holes], [5])[0]
    from core.augment.steps import steps

    black = (steps(image, [resize, holes], 5)[1].image == 0).all(axis=2)
    assert black.sum() == 200
    assert np.array_equal(effect.where == 1, black)
    assert effect.mean.shape == (96, 96, 3)


def test_only_what_changed_is_measured_again():
    resize = TransformConfig(name="Resize", params={"height": 48, "width": 48})
    transforms = [resize, *(TransformConfig(name=name) for name in ("InvertImg", "HorizontalFlip", "Normalize"))]
    memo, image = {}, grey()
    first = effects(lambda: [image], transforms, [0, 1], memo)
    likelier = [t.model_copy(update={"p": 0.9}) for t in transforms]
    again = effects(lambda: pytest.fail("measured again"), likelier, [0, 1], memo)
    assert [effect.changed for effect in again] == [effect.changed for effect in first]
    smaller = [transforms[0].model_copy(update={"params": {"height": 24, "width": 24}}), *transforms[1:]]
    assert len(effects(lambda: [image], smaller, [0, 1], memo)) == 2
    assert len(memo) == 4


def test_a_crop_of_a_very_large_photo_is_measured_alike():
    crop = TransformConfig(name="CenterCrop", params={"height": 800, "width": 1600})
    ramp = np.linspace(20, 220, 2400).astype(np.uint8)
    image = np.repeat(np.repeat(ramp[None, :, None], 2000, axis=0), 3, axis=2)
    small = crop.model_copy(update={"params": {"height": 200, "width": 400}})
    (large,) = effects(lambda: [image], [crop], [0])
    (quarter,) = effects(lambda: [np.ascontiguousarray(image[::4, ::4])], [small], [0])
    assert large.cut == pytest.approx(1 - 800 * 1600 / (2000 * 2400), abs=0.03)
    assert large.removed == pytest.approx(quarter.removed, abs=0.03)
    assert large.grey == pytest.approx(quarter.grey, abs=3)


def test_a_lack_of_memory_is_a_sentence():
    def no_memory():
        raise MemoryError

    with pytest.raises(LabError, match="effects of transforms: there is not enough memory") as caught:
        effects(no_memory, [TransformConfig(name="HorizontalFlip"), TransformConfig(name="Normalize")], [0], {})
    assert caught.value.kind == "memory"
