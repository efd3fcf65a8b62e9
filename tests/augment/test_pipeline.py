import random

import albumentations as A
import cv2
import numpy as np
import pytest
import torch

from core.augment.pipeline import build_transform, normalization, split_pipeline
from core.config import TransformConfig
from core.config.run_config import study_transforms
from core.config.transforms import TRANSFORMS, default_params
from core.places import HOME

# albumentations only warns when it does not know an argument and then uses its own default.
pytestmark = pytest.mark.filterwarnings("error")
RANDOM = [name for name, entry in TRANSFORMS.items() if not entry.deterministic]


def photo(height=300, width=260, seed=0, low=1):
    """Random pixels without pure black, so that what a transform blackens can be counted."""
    return np.random.default_rng(seed).integers(low, 256, (height, width, 3), dtype=np.uint8)


def grey(value=100, height=64, width=64):
    return np.full((height, width, 3), value, dtype=np.uint8)


def apply(image, name, seed=0, p=1.0, **params):
    config = TransformConfig(name=name, p=p, params=params)
    listed = [config]
    if TRANSFORMS[name].keeps_size:
        listed.insert(
            0, TransformConfig(name="Resize", params=dict(zip(("height", "width"), image.shape, strict=False)))
        )
    return build_transform(listed, "lead" if config.deterministic else "train")(image, seed)


def at_bounds():
    """(transform, parameters) with each parameter at each bound, and all of them low, and all of them high."""
    for name, entry in TRANSFORMS.items():
        if name == "Normalize":
            continue
        ends = {
            key: [[low, low] if param.kind.endswith("range") else low for low in (param.low, param.high)]
            for key, param in entry.params.items()
        }
        yield name, {}
        for end in (0, 1):
            yield name, {key: values[end] for key, values in ends.items()}
            for key, values in ends.items():
                yield name, {key: values[end]}
        widest = {k: [p.low, p.high] for k, p in entry.params.items() if p.kind.endswith("range")}
        yield name, widest


@pytest.mark.parametrize(("name", "params"), list(at_bounds()), ids=str)
def test_every_transform_works_at_its_bounds_on_8_bit_photos(name, params):
    small = (photo(9, 300), photo(70, 50), grey(0), grey(255))
    if name in ("GaussianBlur", "MotionBlur", "GridDistortion"):  # a kernel or a grid needs its room
        small = (photo(224, 224), photo(120, 101), grey(0, 120, 120))
    for image in small if name != "CoarseDropout" else (photo(1024, 1024), photo(1025, 1300)):
        result = apply(image, name, **params)
        assert result.dtype == np.uint8
        assert result.ndim == 3
        assert result.shape[2] == 3
        assert result.flags.c_contiguous
        if name not in ("CenterCrop", "Resize"):
            assert result.shape == image.shape


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_parameter_of_the_table_is_an_argument_of_albumentations(name):
    accepted = getattr(A, name).InitSchema.model_fields.keys()
    entry = TRANSFORMS[name]
    assert entry.params.keys() | entry.fixed.keys() <= accepted
    assert not entry.params.keys() & entry.fixed.keys()


@pytest.mark.parametrize("name", TRANSFORMS)
def test_values_past_a_bound_are_refused_by_name(name):
    for key, param in TRANSFORMS[name].params.items():
        default = default_params(name)[key]
        for bad in (param.low - 1, param.high + 1):
            value = bad if param.kind in ("int", "float") else [bad, *default[1:]]
            with pytest.raises(ValueError, match=f"{name}.{key}.*outside"):
                TransformConfig(name=name, params={key: value})
        with pytest.raises(ValueError, match=f"{name}.{key}"):
            TransformConfig(name=name, params={key: "wide"})
        if param.kind.endswith("range"):
            with pytest.raises(ValueError, match="above the high end"):
                TransformConfig(name=name, params={key: [param.high, param.low]})


# What each transform does, told by other means


@pytest.mark.parametrize(("height", "width"), [(400, 256), (401, 257), (512, 384), (400, 700)])
def test_center_crop_is_the_middle(height, width):
    image = photo(height, width)
    top, left = (height - 400) // 2, (width - 256) // 2
    assert np.array_equal(apply(image, "CenterCrop", height=400, width=256), image[top : top + 400, left : left + 256])


@pytest.mark.parametrize(("height", "width"), [(100, 60), (100, 400), (500, 60), (399, 255), (1, 1)])
def test_center_crop_of_a_smaller_photo_keeps_all_of_it_on_black(height, width):
    image = photo(height, width)
    result = apply(image, "CenterCrop", height=400, width=256)
    assert result.shape == (400, 256, 3)
    inside = result[result.any(axis=2)]
    assert len(inside) == min(height, 400) * min(width, 256)
    top, left = max(0, (height - 400) // 2), max(0, (width - 256) // 2)
    kept = image[top : top + 400, left : left + 256]
    assert np.array_equal(inside, kept.reshape(-1, 3))


def test_resize_shrinks_by_the_area_mean():
    image = photo(120, 80)
    blocks = image.reshape(30, 4, 20, 4, 3).mean(axis=(1, 3))
    result = apply(image, "Resize", height=30, width=20)
    assert result.shape == (30, 20, 3)
    assert np.abs(result - blocks).max() <= 0.51


def test_horizontal_flip_mirrors():
    image = photo()
    assert np.array_equal(apply(image, "HorizontalFlip"), image[:, ::-1])


def test_invert_is_the_negative():
    image = photo(low=0)
    assert np.array_equal(apply(image, "InvertImg"), 255 - image)


def rectangles(result):
    """(height, width) of each connected black part."""
    black = (~result.any(axis=2)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(black, connectivity=4)
    parts = stats[1:]
    assert all(area == height * width for _, _, width, height, area in parts)
    return [(int(height), int(width)) for _, _, width, height, _ in parts], int(black.sum())


def test_coarse_dropout_makes_exactly_four_black_holes_of_50_by_50():
    apart = 0
    image = photo(700, 700)
    for seed in range(12):
        result = apply(image, "CoarseDropout", seed)
        black = ~result.any(axis=2)
        assert black.sum() <= 4 * 50 * 50
        if black.sum() == 4 * 50 * 50:  # no two overlap
            holes, _ = rectangles(result)
            if len(holes) == 4:  # nor touch
                assert holes == [(50, 50)] * 4
                apart += 1
        assert np.array_equal(result[~black], image[~black])
    assert apart >= 6


def test_coarse_dropout_takes_its_number_and_sizes_from_the_parameters():
    image, seen = photo(600, 600), set()
    for seed in range(30):
        ranges = {"num_holes_range": [1, 2], "hole_height_range": [8, 10], "hole_width_range": [20, 21]}
        holes, _ = rectangles(apply(image, "CoarseDropout", seed, **ranges))
        assert 1 <= len(holes) <= 2
        assert all(8 <= height <= 10 and 20 <= width <= 21 for height, width in holes)
        seen |= {len(holes), *(("height", h) for h, _ in holes), *(("width", w) for _, w in holes)}
    assert seen >= {1, 2, ("height", 8), ("height", 10), ("width", 20), ("width", 21)}


def test_brightness_adds_a_share_of_full_scale():
    for share in (-0.5, -0.2, 0.0, 0.2, 0.4):
        result = apply(
            grey(100), "RandomBrightnessContrast", brightness_limit=[share, share], contrast_limit=[0.0, 0.0]
        )
        assert abs(float(result.mean()) - np.clip(100 + 255 * share, 0, 255)) <= 1


def test_contrast_multiplies():
    image = np.concatenate([grey(40, 8, 8), grey(80, 8, 8)])
    for share in (-0.5, 0.0, 0.5, 1.0):
        result = apply(image, "RandomBrightnessContrast", brightness_limit=[0.0, 0.0], contrast_limit=[share, share])
        difference = float(result[8:].mean() - result[:8].mean())
        assert abs(difference - 40 * (1 + share)) <= 1


def test_affine_turns_scales_and_shifts_by_its_parameters():
    still = {"rotate": [0.0, 0.0], "scale": [1.0, 1.0], "translate_percent": [0.0, 0.0]}
    square = grey(0, 100, 100)
    square[40:60, 40:60] = 255
    assert np.array_equal(apply(square, "Affine", **still), square)
    larger = apply(square, "Affine", **{**still, "scale": [2.0, 2.0]})
    assert (larger[:, :, 0] > 127).sum() == pytest.approx(1600, rel=0.1)
    turned = apply(square, "Affine", **{**still, "rotate": [45.0, 45.0]})
    rows = np.flatnonzero((turned[:, :, 0] > 127).any(axis=1))
    assert rows[-1] - rows[0] == pytest.approx(20 * 2**0.5, abs=3)
    shifted = apply(square, "Affine", **{**still, "translate_percent": [0.2, 0.2]})
    rows = np.flatnonzero((shifted[:, :, 0] > 127).any(axis=1))
    assert abs(rows.mean() - 49.5) == pytest.approx(20, abs=1)
    edge = apply(grey(200), "Affine", rotate=[30.0, 30.0], scale=[0.5, 0.5])
    assert (edge == 200).all()  # what falls in from outside repeats the border


def test_normalize_is_left_to_the_device_with_the_listed_colours():
    own = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    transforms = [TransformConfig(name="Resize"), TransformConfig(name="Normalize", params=own)]
    assert normalization(transforms) == (own["mean"], own["std"])
    image = photo(224, 224)
    assert np.array_equal(build_transform(transforms, "train")(build_transform(transforms, "lead")(image)), image)
    imagenet = normalization(study_transforms())
    assert imagenet == ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@pytest.mark.parametrize("name", RANDOM)
def test_the_probability_is_that_of_the_configuration(name):
    image = photo(120, 120)
    changed = sum(not np.array_equal(apply(image, name, seed, p=0.25), image) for seed in range(200))
    assert 25 <= changed <= 75  # 50 expected; five deviations are 31
    assert all(np.array_equal(apply(image, name, seed, p=0.0), image) for seed in range(20))


# Randomness is a function of the seed


def shaken(transforms=None, stage="train"):
    return build_transform(transforms or study_transforms(), stage)


def test_the_same_seed_gives_the_same_image_whatever_came_before():
    image = photo(224, 224)
    one = shaken()
    alone = [one(image, seed) for seed in range(20)]
    other = shaken()
    for seed in reversed(range(20)):
        other(photo(60, 70, seed), seed + 7)
        assert np.array_equal(other(image, seed), alone[seed])
    assert len({result.tobytes() for result in alone}) > 10


def test_the_image_does_not_depend_on_global_generators_and_leaves_them_alone():
    image, pipeline = photo(224, 224), shaken()
    expected = pipeline(image, 5)
    for seed in range(3):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        cv2.setRNGSeed(seed)
        states = random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().tolist()
        assert np.array_equal(pipeline(image, 5), expected)
        assert np.array_equal(shaken()(image, 5), expected)
        assert states == (random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().tolist())


@pytest.mark.parametrize("name", RANDOM)
def test_each_random_transform_obeys_the_seed(name):
    image = photo(200, 200)
    results = [apply(image, name, seed, p=0.5) for seed in range(12)]
    assert all(np.array_equal(apply(image, name, seed, p=0.5), results[seed]) for seed in range(12))
    assert len({result.tobytes() for result in results}) > 1


def test_the_image_that_comes_in_is_never_written_to():
    image = photo()
    before = image.copy()
    image.flags.writeable = False  # as a memory map of the pixel cache is
    for seed in range(20):
        shaken()(image, seed)
        shaken(stage="lead")(image, seed)
    assert np.array_equal(image, before)


# Stages


def test_validation_gets_the_deterministic_transforms_only():
    image = photo(500, 400)
    cropped = image[50:450, 72:328]
    expected = cv2.resize(cropped, (224, 224), interpolation=cv2.INTER_AREA)
    lead, after = shaken(stage="lead"), shaken(stage="eval")
    for seed in (0, 1, 2):
        assert np.array_equal(after(lead(image, seed), seed), expected)
    shuffled = [study_transforms()[i] for i in (3, 4, 0, 2, 5, 1, 6)]
    lead, after = shaken(shuffled, "lead"), shaken(shuffled, "eval")
    assert np.array_equal(after(lead(image), 9), expected)


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5, 6], [0, 2, 1, 3, 5, 6], [3, 0, 1, 6], [1, 6]])
def test_the_cached_part_and_the_rest_are_together_one_pipeline(order):
    transforms = [study_transforms()[i] for i in order]
    arguments = {
        t.name: {k: tuple(v) if isinstance(v, list) else v for k, v in t.params.items()} for t in transforms[:-1]
    }
    for name in arguments:
        arguments[name] |= TRANSFORMS[name].fixed
    whole = [getattr(A, t.name)(**arguments[t.name], p=t.p) for t in transforms[:-1]]
    lead, train = shaken(transforms, "lead"), shaken(transforms, "train")
    image = photo(450, 300)
    for seed in range(30):
        expected = image
        for place, transform in enumerate(whole):
            transform.set_random_seed(seed + place)
            expected = transform(image=expected)["image"]
        assert np.array_equal(train(lead(image, seed), seed), expected)


def test_transforms_of_equal_probability_are_drawn_independently():
    """One seed for all of them would apply all or none."""
    names = ["HorizontalFlip", "InvertImg", "CoarseDropout"]
    transforms = [TransformConfig(name="Resize"), *(TransformConfig(name=name, p=0.5) for name in names)]
    image = np.tile(np.linspace(1, 100, 224).astype(np.uint8)[None, :, None], (224, 1, 3))  # dark, left below right
    pipeline, seen = shaken(transforms), []
    for seed in range(400):
        result = pipeline(image, seed)
        kept = result[:, :, 0][result.any(axis=2)]
        inverted = np.median(kept) > 128
        level = 255 - result[:, :, 0].astype(int) if inverted else result[:, :, 0].astype(int)
        flipped = np.median(level[:, :20]) > np.median(level[:, -20:])
        seen.append((flipped, inverted, not result.any(axis=2).all()))
    combinations = {combination: seen.count(combination) for combination in set(seen)}
    assert len(combinations) == 8
    assert all(20 <= count <= 85 for count in combinations.values()), combinations  # 50 expected, 6.6 the deviation


def test_switching_one_transform_off_leaves_the_draws_of_the_others_of_the_same_place():
    transforms = [t for t in study_transforms() if t.name != "RandomBrightnessContrast"]  # which blackens, too
    image = photo(224, 224)
    still = [t.model_copy(update={"p": 0.0}) if t.name == "InvertImg" else t for t in transforms]
    both = [(shaken(transforms)(image, seed), shaken(still)(image, seed)) for seed in range(12)]
    same = [np.array_equal(a, b) for a, b in both]
    assert any(same)
    assert not all(same)
    holes = [((a == 0).all(axis=2), (b == 0).all(axis=2)) for a, b in both]
    assert all(np.array_equal(a, b) for a, b in holes if a.sum() > 1000 and b.sum() > 1000)


def test_disabled_transforms_are_left_out_of_every_stage():
    off = [t.model_copy(update={"enabled": t.name in ("Resize", "Normalize")}) for t in study_transforms()]
    lead, rest = split_pipeline(off)
    assert [t.name for t in lead] == ["Resize"]
    assert rest == []
    image = photo()
    assert np.array_equal(shaken(off)(image, 1), image)


def test_an_unknown_stage_is_refused():
    with pytest.raises(ValueError, match="'lead', 'train' or 'eval', found 'test'"):
        build_transform(study_transforms(), "test")


def test_albumentations_is_the_last_version_under_its_old_licence_and_asks_nobody():
    import os

    assert A.__version__ == "2.0.8"
    assert os.environ["NO_ALBUMENTATIONS_UPDATE"] == "1"
    pinned = (HOME / "requirements.txt").read_text()
    assert "albumentations==2.0.8" in pinned
    assert "opencv-python-headless" in pinned
    assert "opencv-python=" not in pinned
