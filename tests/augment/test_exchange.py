import json
import os
import subprocess
import sys

import albumentations as A
import numpy as np
import pytest

from core.augment import exchange
from core.augment.pipeline import sample_seed
from core.augment.steps import build_whole
from core.config import TransformConfig
from core.config.run_config import study_transforms
from core.errors import LabError
from tests.augment.chains import RANDOM, all_of_them, photo

pytestmark = pytest.mark.filterwarnings("error")


PASTED = """
import sys
import numpy as np
image, seeds = np.load("image.npy"), np.load("seeds.npy").tolist()
made = [augment(image, seed) for seed in seeds]
np.savez("made.npz", pixels=made, normal=normalize(image=made[-1])["image"])
assert "core" not in sys.modules
"""


def test_the_exported_python_as_pasted_in_a_fresh_process_gives_the_pixels_of_training(tmp_path):
    """Every random transform of the table, warnings being errors, without this lab on the path."""
    transforms, image = all_of_them(), photo()
    nowhere = {"scale": [0.5, 0.5], "ratio": [10, 10]}  # no such rectangle fits
    transforms.insert(2, TransformConfig(name="Erasing", p=1.0, params=nowhere))
    seeds = [sample_seed(0, 0, 1, row) for row in range(12)]
    np.save(tmp_path / "image.npy", image)
    np.save(tmp_path / "seeds.npy", np.array(seeds))
    (tmp_path / "pasted.py").write_text(exchange.to_python(transforms) + PASTED)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "pasted.py"], cwd=tmp_path, env=clean, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    made, ours = np.load(tmp_path / "made.npz"), build_whole(transforms)
    assert len({pixels.tobytes() for pixels in made["pixels"]}) == 12
    for pixels, seed in zip(made["pixels"], seeds, strict=True):
        assert np.array_equal(pixels, ours(image, seed))
    assert made["normal"].dtype == np.float32


def test_the_whole_list_as_albumentations_json_gives_the_pixels_of_training():
    transforms, image = all_of_them(), photo()
    theirs, ours = A.from_dict(json.loads(exchange.to_json(transforms))), build_whole(transforms)
    for seed in range(12):
        for place, transform in enumerate(theirs.transforms):
            transform.set_random_seed(seed + place)
        normal = A.Normalize()(image=ours(image, seed))["image"]
        assert np.array_equal(theirs(image=image)["image"], normal)


@pytest.mark.parametrize("name", RANDOM)
def test_each_transform_alone_survives_json_and_gives_the_same_pixels(name):
    holes = {"hole_height_range": [8, 9], "hole_width_range": [8, 12]} if name == "CoarseDropout" else {}
    transforms = [TransformConfig(name="Resize", params={"height": 64, "width": 64})]
    transforms += [TransformConfig(name=name, p=0.5, params=holes), TransformConfig(name="Normalize")]
    theirs = A.from_dict(json.loads(exchange.to_json(transforms)))
    ours, image = build_whole(transforms), photo()
    for seed in range(8):
        for place, transform in enumerate(theirs.transforms):
            transform.set_random_seed(seed + place)
        normal = A.Normalize()(image=ours(image, seed))["image"]
        assert np.array_equal(theirs(image=image)["image"], normal)


@pytest.mark.parametrize("kind", exchange.FORMATS)
def test_what_is_exported_is_imported_as_it_was(kind):
    for transforms in (all_of_them(), study_transforms(), study_transforms()[1:2]):
        imported = exchange.read(exchange.export(transforms, kind))
        assert imported.transforms == transforms
        assert imported.notes == []


@pytest.mark.parametrize("kind", ["json", "python"])
def test_what_is_switched_off_is_left_out_and_yaml_keeps_it(kind):
    transforms = [t.model_copy(update={"enabled": t.name != "InvertImg"}) for t in study_transforms()]
    names = [t.name for t in exchange.read(exchange.export(transforms, kind)).transforms]
    assert names == [t.name for t in transforms if t.enabled]
    assert exchange.read(exchange.to_yaml(transforms)).transforms == transforms


def test_python_written_by_a_person_is_read_without_running_it(tmp_path):
    mark = tmp_path / "ran"
    text = f"""
import albumentations as A, cv2
from albumentations import HorizontalFlip
open({str(mark)!r}, "w")
t = A.Compose([
    A.Resize(height=64, width=64, interpolation=cv2.INTER_CUBIC),
    HorizontalFlip(p=0.3),
    A.Affine(rotate=15, scale=(0.8, 1.2)),
    A.GaussNoise(std_range=(0.1, 0.2), per_channel=False),
    A.Normalize(),
])
"""
    imported = exchange.read(text)
    assert not mark.exists()
    assert [t.name for t in imported.transforms] == ["Resize", "HorizontalFlip", "Affine", "GaussNoise", "Normalize"]
    assert imported.transforms[1].p == 0.3
    assert imported.transforms[2].params["rotate"] == [-15, 15]
    assert any("interpolation=2" in note for note in imported.notes)
    assert any("per_channel=False" in note for note in imported.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\0\1\2", "is not text"),
        ("{", "not JSON"),
        ('{"a": 1}', "not what albumentations writes"),
        ('{"transform": {"__class_fullname__": "Compose", "transforms": [3]}}', "names no transform"),
        (
            '{"transform": {"__class_fullname__": "Compose", "transforms": [{"__class_fullname__": "os.system"}]}}',
            "'system' is not in the lab's table",
        ),
        ("transforms: 3", "holds no list"),
        ("transforms:\n- name: Blur\n", "unknown transform 'Blur'"),
        ("transforms:\n- name: HorizontalFlip\n  p: 7\n", "entry 1: .*less than or equal to 1"),
        ("!!python/object/apply:os.system [ls]", "not plain YAML"),
        ("A.Compose([A.Resize(64, 64)])", "without a name"),
        ("A.Compose([__import__('os').system('ls')])", "without a name|not in the lab's table"),
        ("A.Compose([x])", "not a plain call"),
        ("A.Compose(make())", "holds no Compose"),
        ("A.Compose([A.CLAHE(clip_limit=(0.5, 4))])", "CLAHE.clip_limit: 0.5 is outside 1 to 40"),
        ("A.Compose([", "not Python"),
        ("x" * 300_000, "no list of transforms"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_words(text, message):
    with pytest.raises(LabError, match=message):
        exchange.read(text)
