import albumentations as A
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import LabError
from core.export.runtime.pixels import center_crop, prepare, resize

side = st.integers(1, 150)


def noise(height, width):
    return np.random.default_rng([height, width]).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(max_examples=120)
@given(side, side, side, side)
def test_resize_is_opencvs_to_the_bit(height, width, new_height, new_width):
    photo = noise(height, width)
    reference = cv2.resize(photo, (new_width, new_height), interpolation=cv2.INTER_AREA)
    assert np.array_equal(resize(photo, new_height, new_width), reference)


@pytest.mark.parametrize("times", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (2, 5), (8, 7)])
def test_whole_numbers_of_pixels_are_averaged_as_opencv_does(times):
    photo = noise(24 * times[0], 17 * times[1])
    reference = cv2.resize(photo, (17, 24), interpolation=cv2.INTER_AREA)
    assert np.array_equal(resize(photo, 24, 17), reference)


@pytest.mark.parametrize("size", [(600, 800), (301, 224), (224, 223), (3000, 40), (100, 90)])
def test_photos_of_usual_sizes(size):
    photo = noise(*size)
    assert np.array_equal(resize(photo, 224, 224), cv2.resize(photo, (224, 224), interpolation=cv2.INTER_AREA))


@settings(max_examples=50)
@given(side, side, side, side)
def test_the_middle_is_cut_out_as_albumentations_does(height, width, new_height, new_width):
    photo = noise(height, width)
    reference = A.CenterCrop(new_height, new_width, pad_if_needed=True, p=1)(image=photo)["image"]
    assert np.array_equal(center_crop(photo, new_height, new_width), reference)


def test_a_step_of_another_package_is_refused_by_name():
    with pytest.raises(LabError, match="'Posterize'") as caught:
        prepare(noise(4, 4), [{"name": "Posterize", "height": 4, "width": 4}])
    assert caught.value.kind == "step"
