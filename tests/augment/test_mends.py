import functools

import numpy as np
import pytest

from core.augment.mends import in_words, mend, weaker
from core.augment.notes import notes_of
from core.config import TransformConfig
from core.config.transforms import TRANSFORMS

pytestmark = pytest.mark.filterwarnings("error")
NORMALIZE = TransformConfig(name="Normalize")


def resize(height=48, width=48):
    return TransformConfig(name="Resize", params={"height": height, "width": width})


def faces(height=48, width=48, greys=(60, 120, 200)):
    noise = np.random.default_rng(0).integers(-20, 21, (height, width, 3))
    return [np.clip(value + noise, 1, 254).astype(np.uint8) for value in greys]


def measured_on(images):
    sizes = np.array([image.shape[1::-1] for image in images])
    return functools.partial(notes_of, load=lambda: images, sizes=sizes, seeds=range(3), memo={}), sizes


def at_the_ends(name):
    """Its settings all at the low bound, all at the high one, and where it does least."""
    table = TRANSFORMS[name].params
    for bound in ("low", "high", "mildest"):
        ends = {key: getattr(param, bound) for key, param in table.items()}
        yield {key: [end, end] if table[key].kind.endswith("range") else end for key, end in ends.items()}


@pytest.mark.parametrize("name", [name for name, entry in TRANSFORMS.items() if not entry.deterministic])
def test_whatever_is_said_of_a_transform_one_click_mends_it(name):
    measure, sizes = measured_on(faces())
    for params in at_the_ends(name):
        if name == "CoarseDropout":  # no hole may be larger than the picture
            params = {key: [min(value[0], 40)] * 2 for key, value in params.items()}
        listed = [resize(), TransformConfig(name=name, p=0.3, params=params), NORMALIZE]
        if 1 not in measure(listed):
            continue
        mended = mend(listed, 1, measure, sizes)
        again = notes_of(mended, lambda: faces(), sizes, range(3))  # by itself, without what was remembered
        assert again == {}
        assert (mended[0], mended[2], mended[1].p) == (listed[0], listed[2], 0.3)
        assert in_words(listed[1], mended[1])


def test_a_mend_keeps_as_much_of_the_setting_as_is_silent():
    measure, sizes = measured_on(faces())
    holes = {"num_holes_range": [4, 4], "hole_height_range": [30, 30], "hole_width_range": [30, 30]}
    listed = [resize(), TransformConfig(name="CoarseDropout", params=holes), NORMALIZE]
    mended = mend(listed, 1, measure, sizes)
    shares = [share / 10 for share in range(10)]
    silent = [share for share in shares if 1 not in measure([resize(), weaker(listed[1], share), NORMALIZE])]
    assert mended[1] == weaker(listed[1], max(silent))
    assert mended[1].enabled and 1 < mended[1].params["hole_height_range"][0] < 30
    assert "height 30 to 30 → " in in_words(listed[1], mended[1])


@pytest.mark.parametrize(
    ("photo", "crop", "size"),
    [
        ((60, 60), (400, 256), (48, 48)),  # larger than the photos: black borders
        ((120, 120), (40, 30), (48, 48)),  # cuts off nearly all
        ((50, 90), (80, 20), (48, 48)),  # both: too tall for the photos, and too narrow
        ((60, 60), (60, 60), (48, 48)),  # does nothing
        ((60, 60), (400, 256), None),  # and nothing else gives the photos one size
        ((60, 60), (60, 60), None),
    ],
)
def test_crops_and_sizes_are_mended_until_nothing_is_said(photo, crop, size):
    images = faces(*photo)
    measure, sizes = measured_on(images)
    middle = TransformConfig(name="CenterCrop", params={"height": crop[0], "width": crop[1]})
    listed = [middle, *([resize(*size)] if size else []), NORMALIZE]
    assert 0 in measure(listed)
    clicks = 0
    while notes := measure(listed):
        listed = mend(listed, min(notes), measure, sizes)
        clicks += 1
        assert clicks <= 2, "one for the crop, one for the size"
    assert notes_of(listed, lambda: images, sizes, range(3)) == {}


def test_a_size_is_mended_to_the_proportions_of_the_photos_with_as_many_pixels():
    measure, sizes = measured_on(faces(90, 60))
    listed = [resize(), NORMALIZE]
    assert "1.50 times as broad" in measure(listed)[0][0]
    mended = mend(listed, 0, measure, sizes)
    assert measure(mended) == {}
    height, width = mended[0].params["height"], mended[0].params["width"]
    assert height / width == pytest.approx(1.5, abs=0.05)
    assert height * width == pytest.approx(48 * 48, rel=0.05)
    holes = {"hole_height_range": [44, 44], "hole_width_range": [44, 44], "num_holes_range": [1, 1]}
    covered = [*listed[:1], TransformConfig(name="CoarseDropout", params=holes), NORMALIZE]
    larger = mend(covered, 0, measure, sizes)  # with as many pixels the holes would not fit any more
    assert (larger[0].params["height"], larger[0].params["width"]) == (72, 48)


def test_where_nothing_helps_that_is_the_answer():
    listed = [resize(), TransformConfig(name="InvertImg"), NORMALIZE]
    sizes = np.array([[48, 48]])
    assert mend(listed, 1, lambda transforms: {1: ["never silent"]}, sizes) is None
