import numpy as np
import pytest

from core.augment.beside import differences, drawn_beside
from core.augment.preview import draws
from core.config import TransformConfig
from tests.augment.chains import all_of_them, photo

pytestmark = pytest.mark.filterwarnings("error")
WHERE = {"seed": 3, "fold": 1, "epochs": [1, 2, 3, 4, 5], "row": 17}


def alike(pictures, others):
    return [np.array_equal(one, other) for one, other in zip(pictures, others, strict=True)]


def test_the_same_list_gives_the_very_pictures_of_training():
    transforms = all_of_them()
    assert all(alike(drawn_beside(photo(), transforms, transforms, **WHERE), draws(photo(), transforms, **WHERE)))


def test_a_transform_draws_alike_wherever_it_stands_and_at_any_strength():
    transforms = all_of_them()
    first = draws(photo(), transforms, **WHERE)
    moved = [*transforms[:2], TransformConfig(name="ToGray", p=0.0), *transforms[2:]]
    without = [t for t in moved if t.name != "ToGray"]
    grey_last = [*(t for t in transforms[:-1] if t.name != "ToGray"), TransformConfig(name="ToGray", p=0.0)]
    never = [t.model_copy(update={"p": 0.0}) if t.name == "ToGray" else t for t in transforms]
    expected = draws(photo(), never, **WHERE)
    for other in ([*without], [*grey_last, transforms[-1]]):
        assert all(alike(drawn_beside(photo(), transforms, other, **WHERE), expected))
    assert not all(alike(draws(photo(), without, **WHERE), expected)), "training itself draws by place"
    assert not all(alike(first, expected))

    resize = TransformConfig(name="Resize", params={"height": 30, "width": 30})
    normalize = TransformConfig(name="Normalize")

    def lighter(by):
        limits = {"brightness_limit": [by, by], "contrast_limit": [0, 0]}
        return TransformConfig(name="RandomBrightnessContrast", p=0.5, params=limits)

    flip, grey = TransformConfig(name="HorizontalFlip", p=0.5), np.full((30, 30, 3), 100, np.uint8)
    own = draws(grey, [resize, lighter(0.1), normalize], **WHERE)
    other = drawn_beside(grey, [resize, lighter(0.1), normalize], [resize, flip, lighter(0.2), normalize], **WHERE)
    steps = [(one.mean() - 100, two.mean() - 100) for one, two in zip(own, other, strict=True)]
    assert {(round(one), round(two)) for one, two in steps} == {(0, 0), (25, 51)}, "applied in the same epochs"


def test_what_differs_is_said_of_each_transform():
    transforms = all_of_them()
    assert differences(transforms, transforms) == []
    other = [t for t in transforms if t.name != "InvertImg"]
    other[0] = other[0].model_copy(update={"enabled": False})
    other[3] = other[3].model_copy(update={"p": 0.25})
    second = TransformConfig(name="Affine", params={"rotate": [-5, 5]})
    said = differences(transforms, [*other[:-1], second, other[-1]])
    assert said == [
        ("CenterCrop", "only here"),
        ("InvertImg", "only here"),
        (other[3].name, "probability 0.5 → 0.25"),
        ("Affine", "only there"),
    ]
