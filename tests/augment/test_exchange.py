import json
import os
import runpy
import sys
import warnings

import albumentations as A
import numpy as np
import pytest

from core.augment import exchange
from core.augment.pipeline import arguments, sample_seed
from core.augment.steps import build_whole
from core.config import TransformConfig
from core.config.run_config import study_transforms
from core.config.transforms import SIZED, TRANSFORMS
from core.errors import LabError
from tests.augment.chains import RANDOM, all_of_them, photo
from tests.workers import FORKS, PATIENCE

pytestmark = pytest.mark.filterwarnings("error")


PASTED = """
import numpy as np
image, seeds = np.load("image.npy"), np.load("seeds.npy").tolist()
made = [augment(image, seed) for seed in seeds]
np.savez("made.npz", pixels=made, normal=normalize(image=made[-1])["image"])
"""


def paste(folder):
    """In a process of its own, which has the libraries already and can import nothing of this lab."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "core"]:
        del sys.modules[name]
    sys.modules["core"] = None
    warnings.simplefilter("error")
    os.chdir(folder)
    runpy.run_path("pasted.py", run_name="__main__")


def test_the_exported_python_as_pasted_in_a_process_of_its_own_gives_the_pixels_of_training(tmp_path):
    """Every random transform of the table, warnings being errors, without this lab on the path."""
    transforms, image = all_of_them(), photo()
    nowhere = {"scale": [0.5, 0.5], "ratio": [10, 10]}  # no such rectangle fits
    transforms.insert(2, TransformConfig(name="Erasing", p=1.0, params=nowhere))
    seeds = [sample_seed(0, 0, 1, row) for row in range(12)]
    np.save(tmp_path / "image.npy", image)
    np.save(tmp_path / "seeds.npy", np.array(seeds))
    (tmp_path / "pasted.py").write_text(exchange.to_python(transforms) + PASTED)
    process = FORKS.Process(target=paste, args=(tmp_path,))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == 0
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
    assert imported.transforms[2].params["rotate"] == [15, 15], "albumentations turns by this angle, always"
    assert any("interpolation=2" in note for note in imported.notes)
    assert any("per_channel=False" in note for note in imported.notes)


def test_of_several_lists_the_one_that_stands_first_is_read_however_deep():
    script = """

def train():
    if True:
        normalize = A.Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        return A.Compose([A.HorizontalFlip(p=0.3)])

normalize = A.Normalize()
val = A.Compose([A.Resize(height=224, width=224)])
"""
    imported = exchange.read(script)
    assert [transform.name for transform in imported.transforms] == ["HorizontalFlip", "Normalize"]
    assert imported.transforms[1].params["mean"] == [0.5, 0.5, 0.5], "the Normalize that stands first, too"
    assert imported.notes == ["The text has 2 lists in a Compose: the first, in line 6, is read."]
    with pytest.raises(LabError, match="line 6 is not a plain call"):
        exchange.read(script.replace("A.HorizontalFlip(p=0.3)", "x"))


NOWHERE = {"x": (0, 0), "y": (0, 0)}


def settings(transform):
    """What albumentations' own description says of an image; without a shift of nothing, which has two names."""
    said = transform.to_dict()["transform"]
    return {
        key: value
        for key, value in said.items()
        if "mask" not in key and not (key.startswith("translate_") and value in (None, NOWHERE))
    }


@pytest.mark.parametrize(
    ("name", "key", "number"),
    [
        ("Affine", "rotate", 15),
        ("Affine", "scale", 0.8),
        ("Affine", "translate_percent", 0.1),
        ("RandomBrightnessContrast", "contrast_limit", 0.3),
        ("Perspective", "scale", 0.1),
        ("GridDistortion", "distort_limit", 0.3),
        ("HueSaturationValue", "hue_shift_limit", 9),
        ("ColorJitter", "brightness", 0.3),
        ("ColorJitter", "hue", 0.3),
        ("CLAHE", "clip_limit", 3),
        ("MotionBlur", "blur_limit", 9),
    ],
)
def test_one_number_in_place_of_a_range_is_read_as_albumentations_does(name, key, number):
    imported = exchange.read(f"A.Compose([A.Resize(height=64, width=64), A.{name}({key}={number})])")
    ours = getattr(A, name)(**arguments(imported.transforms[1], (64, 64)))
    assert settings(ours)[key] == settings(getattr(A, name)(**{key: number}))[key]


SIDES = {"height": 64, "width": 64}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_call_that_says_nothing_has_albumentations_own_values_or_a_note_that_names_the_key(name):
    given = SIDES if name in SIZED else {"size": (64, 64)} if TRANSFORMS[name].keeps_size else {}
    call = f"A.{name}({', '.join(f'{key}={value}' for key, value in given.items())})"
    imported = exchange.read(f"A.Compose([A.Resize(height=64, width=64), {call}])")
    theirs, ours = (
        settings(each)
        for each in (getattr(A, name)(**given), getattr(A, name)(**arguments(imported.transforms[1], (64, 64))))
    )
    notes = {note for note in imported.notes if note.startswith(f"{name}: ")}
    noted = {key for key in theirs if any(f"{name}: {key}={theirs[key]!r}" in note for note in notes)}
    assert len(notes) == len(noted)
    assert {key: ours.get(key) for key in theirs if key not in noted} == {
        key: value for key, value in theirs.items() if key not in noted
    }
    assert all(ours.get(key) != theirs[key] for key in noted), "a note of what is the same"


def test_what_a_list_leaves_to_albumentations_is_imported_as_albumentations_does_it():
    imported = exchange.read(
        "A.Compose([A.Resize(height=224, width=224), A.RandomResizedCrop(size=(224, 224)), A.Affine(rotate=15), "
        "A.CoarseDropout()])"
    )
    _, crop, affine, holes = imported.transforms
    assert crop.p == 1 and crop.params == {"scale": [0.08, 1.0], "ratio": [0.75, 4 / 3]}
    assert affine.p == 0.5
    assert affine.params == {"rotate": [15, 15], "scale": [1, 1], "translate_percent": [0, 0]}
    assert holes.params["num_holes_range"] == [1, 2]
    assert holes.params["hole_height_range"] == holes.params["hole_width_range"] == [22, 44]
    assert {
        "Affine: border_mode=0, albumentations' own where the text names none, is no setting of the lab, which uses 1.",
        "CoarseDropout: hole_height_range=(0.1, 0.2) is a share of the image: 22 to 44 pixels here.",
    } <= set(imported.notes)
    assert not any("RandomResizedCrop" in note for note in imported.notes)


def test_a_share_of_an_image_of_which_no_size_is_known_is_told():
    imported = exchange.read("A.Compose([A.CoarseDropout(hole_height_range=(0.3, 0.4))])")
    assert imported.transforms[0].params["hole_height_range"] == [50, 50]
    note = (
        "CoarseDropout: hole_height_range=(0.3, 0.4) is a share of the image, whose size no transform before it sets: "
    )
    assert f"{note}the lab uses 50 to 50 pixels." in imported.notes


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            "A.Compose([A.HorizontalFlip(p=0.3)], p=0.5)",
            "Compose: p=0.5 is no setting of the lab, which applies the list to every photo.",
        ),
        (
            json.dumps(A.to_dict(A.Compose([A.HorizontalFlip(p=0.3)], p=0.5))),
            "Compose: p=0.5 is no setting of the lab, which applies the list to every photo.",
        ),
        (
            "A.Compose([A.CenterCrop(height=64, width=64, pad_if_needed=True, p=0.5)])",
            "CenterCrop: p=0.5 is no setting of the lab, which applies it to every photo.",
        ),
        (
            "A.Compose([A.Resize(height=256, width=256, interpolation=3), "
            "A.RandomResizedCrop(size=(224, 224), scale=(0.5, 1), ratio=(1, 1))])",
            "RandomResizedCrop: size=(224, 224) is no setting of the lab, which scales back to (256, 256).",
        ),
        (
            "A.Compose([A.RandomResizedCrop(size=(224, 224), scale=(0.5, 1), ratio=(1, 1))])",
            "RandomResizedCrop: size=(224, 224) is no setting of the lab, which scales back to the size before it.",
        ),
        (
            "train = A.Compose([A.HorizontalFlip(p=0.3)])\nval = A.Compose([A.VerticalFlip(p=1)])",
            "The text has 2 lists in a Compose: the first, in line 1, is read.",
        ),
        (
            "A.Compose([A.RandomGamma(gamma_limit=120)])",
            "RandomGamma: gamma_limit=120 means 1 to 120, and the lab begins at 10.",
        ),
        (
            "A.Compose([A.Affine(translate_px=(-5, 5), border_mode=1)])",
            "Affine: translate_px=(-5, 5) is no setting of the lab, which leaves it out.",
        ),
    ],
)
def test_what_the_lab_does_otherwise_is_told(text, note):
    assert exchange.read(text).notes == [note]


def test_json_of_albumentations_without_a_shift_is_imported_without_one():
    described = A.to_dict(A.Compose([A.Affine(rotate=5, border_mode=1)]))
    imported = exchange.read(json.dumps(described))
    assert imported.transforms[0].params == {"rotate": [5, 5], "scale": [1, 1], "translate_percent": [0, 0]}
    assert imported.notes == []


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
