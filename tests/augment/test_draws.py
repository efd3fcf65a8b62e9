"""What is drawn apart and applied elsewhere has albumentations' bytes: photo by photo, and by torch for a batch."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.augment import draws, on_device
from core.augment.pipeline import Pipeline, build_transform, sample_seed, sample_seeds, split_exact, split_pipeline
from core.config import TransformConfig
from core.config.run_config import study_transforms
from core.config.transforms import TRANSFORMS
from tests.augment.chains import RANDOM, all_of_them, photo

EXACT = [name for name, entry in TRANSFORMS.items() if entry.exact]
SIZE = (40, 56)
PHOTOS = np.stack([photo(*SIZE), 255 - photo(*SIZE), np.zeros((*SIZE, 3), np.uint8), photo(*SIZE)[:, ::-1].copy()])


def assert_same(listed, images, seeds, place=0):
    """albumentations' pipeline, our draws photo by photo, and a batch through torch."""
    own = Pipeline(listed, place, images.shape[1:3])
    expected = np.stack([own(image, seed) for image, seed in zip(images, seeds, strict=True)])
    made = draws.stages(listed, place, images.shape[1:3])
    before = images.copy()
    one_by_one = [draws.apply(made, image, seed) for image, seed in zip(images, seeds, strict=True)]
    assert np.array_equal(np.stack(one_by_one), expected)
    batch = on_device.apply(made, torch.from_numpy(images), on_device.draw(made, seeds))
    assert batch.dtype == torch.uint8 and np.array_equal(batch.numpy(), expected)
    assert np.array_equal(images, before)
    return expected


def at_bounds():
    for name in EXACT:
        entry = TRANSFORMS[name]
        yield name, {}
        for key, param in entry.params.items():
            if name == "CoarseDropout" and key != "num_holes_range":
                yield name, {key: [SIZE[key == "hole_width_range"]] * 2}  # as large as the photo
            elif param.kind.endswith("range"):
                yield from (
                    (name, {key: ends}) for ends in ([param.low] * 2, [param.high] * 2, [param.low, param.high])
                )
            else:
                yield from ((name, {key: end}) for end in (param.low, 39, 40, 57, 120))


@pytest.mark.parametrize(("name", "params"), list(at_bounds()), ids=str)
def test_every_transform_that_is_drawn_apart_has_the_same_bytes_at_its_bounds(name, params):
    small = {"hole_height_range": [3, 9], "hole_width_range": [1, 20]} if name == "CoarseDropout" else {}
    transform = TransformConfig(name=name, params={**small, **params}, p=0.8)
    assert_same([transform], np.tile(PHOTOS, (6, 1, 1, 1)), list(range(24)), place=3)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(EXACT), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_in_any_order_they_have_the_bytes_of_albumentations_pipeline(names, seed):
    small = {"CoarseDropout": {"hole_height_range": [2, 9], "hole_width_range": [5, 12]}}
    small["CenterCrop"] = {"height": 20 + seed % 40, "width": 20 + seed % 70}
    listed = [TransformConfig(name=name, params=small.get(name, {}), p=0.6) for name in names]
    assert_same(listed, PHOTOS, [(seed + i) % 2**32 for i in range(4)], place=2)


def test_the_study_s_whole_pipeline_has_the_same_bytes():
    transforms = study_transforms(48)
    lead, rest = split_pipeline(transforms)
    host, exact, place, size = split_exact(transforms, "train")
    assert (host, exact, place, size) == ([], rest, 2, (48, 48))
    images = np.stack([Pipeline(lead)(photo(500, 300 + i)) for i in range(3)] * 40)
    seeds = sample_seeds(1, 2, 3, np.arange(120), np.zeros(120)).tolist()
    expected = assert_same(exact, images, seeds, place)
    assert len({image.tobytes() for image in expected}) > 80


def test_a_mixed_list_is_cut_behind_the_last_transform_that_only_albumentations_does():
    transforms = all_of_them()
    host, exact, place, size = split_exact(transforms, "train")
    after = [t for t in transforms if t.enabled and t.name != "Normalize"][2:]
    assert [*host, *exact] == after and size == (64, 64) and place == 2 + len(host)
    assert not TRANSFORMS[host[-1].name].exact and all(TRANSFORMS[t.name].exact for t in exact) and exact
    whole, before = build_transform(transforms, "train"), Pipeline(host, 2, size)
    made = draws.stages(exact, place, size)
    for seed in range(40):
        image = photo(64, 64)
        assert np.array_equal(draws.apply(made, before(image, seed), seed), whole(image, seed))


def test_photos_of_unknown_size_are_left_to_albumentations_until_something_sets_it():
    names = ["HorizontalFlip", "CenterCrop", "InvertImg", "Normalize"]
    host, exact, place, size = split_exact([TransformConfig(name=name) for name in names], "train")
    assert [[t.name for t in part] for part in (host, exact)] == [["HorizontalFlip", "CenterCrop"], ["InvertImg"]]
    assert (place, size) == (2, (400, 256))
    host, exact, _, _ = split_exact([TransformConfig(name=name) for name in names], "eval")
    assert [[t.name for t in part] for part in (host, exact)] == [["CenterCrop"], []]


def test_grey_is_opencv_s_for_every_colour():
    values = np.arange(256, dtype=np.uint8)
    green, blue = (part.ravel() for part in np.meshgrid(values, values))
    for red in range(256):
        colours = np.stack([np.full_like(green, red), green, blue], axis=1).reshape(1, 256, 256, 3)
        grey = on_device._grey(torch.from_numpy(colours), torch.tensor([True]))
        assert np.array_equal(grey[0, :, :, 0].numpy(), cv2.cvtColor(colours[0], cv2.COLOR_RGB2GRAY))


def test_many_photos_are_looked_up_part_by_part(monkeypatch):
    monkeypatch.setattr(on_device, "PIXELS", 3 * PHOTOS[0].size)
    assert_same([TransformConfig(name="RandomGamma")], np.tile(PHOTOS, (3, 1, 1, 1))[:10], list(range(10)))


words = st.integers(0, 2**31 - 1)


@given(
    seed=words, fold=st.integers(0, 19), epoch=st.integers(0, 10**4), samples=st.lists(words, min_size=1, max_size=9)
)
def test_the_seeds_of_many_samples_are_those_of_each(seed, fold, epoch, samples):
    repeats = np.arange(len(samples)) % 3
    expected = [sample_seed(seed, fold, epoch, s, int(r)) for s, r in zip(samples, repeats, strict=True)]
    assert sample_seeds(seed, fold, epoch, np.array(samples), repeats).tolist() == expected


def test_what_is_exact_is_said_of_transforms_that_exist_in_both():
    assert {TRANSFORMS[name].exact for name in EXACT} == {"table", "mirror", "cover", "grey", "crop"}
    assert len(EXACT) == 8 and set(EXACT) - {"CenterCrop"} <= set(RANDOM)
