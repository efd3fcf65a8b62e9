"""A known answer: the class of a drawn photo is the colour of one patch, so a trained network has to look there.

The right half of a photo is a face with a mask over its lower half; the left half is a wall with a poster above. The
mask has the colour that is the class; the poster, the decoy, is as large and as bright, and its colour says nothing.
At 128 px layer4 has 4 x 4 cells, too few for regions; layer3 before it has 8 x 8 and tells them. The network is a small
ResNet: of fewer blocks a cell sees less of what lies around it, and what it looks at is told more surely.
"""

from functools import partial

import numpy as np
import pytest
import torchvision
from PIL import Image

from core.config import from_dict
from core.data.scan import scan
from core.inside import fold_models, regions
from core.inside.attend import attend
from core.inside.fold_models import fold_model, prepare
from core.inside.maps import maps_of
from core.inside.trust import MOSTLY, randomised
from core.plan.plan import make_plan
from core.runs.create import create
from core.training.train import train_fold
from tests.narrow import Narrow

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]  # its fixtures, once; they train

SIDE, HALF = 128, 64  # pixels
MASK, POSTER = (slice(HALF, SIDE), slice(HALF, SIDE)), (slice(0, HALF), slice(0, HALF))
FACE = regions.Boxes(face=(0.5, 0, 1, 1), eyes_and_brows=(0.55, 0.1, 0.95, 0.4), nose_and_mouth=(0.5, 0.5, 1, 1))
WALL = regions.Boxes(face=(0, 0, 0.5, 1), eyes_and_brows=(0.05, 0.1, 0.45, 0.4), nose_and_mouth=(0, 0.5, 0.5, 1))
CLASSES = {"amber": (225, 150, 40), "azure": (40, 150, 225)}
DECOYS = ((190, 80, 190), (90, 190, 90))


def draw(root, people=40):
    """Folders layout: so many people a class, one photo each."""
    rng = np.random.default_rng(0)
    for name, colour in CLASSES.items():
        (root / name).mkdir(parents=True)
        for person in range(people):
            pixels = rng.normal(120, 12, (SIDE, SIDE, 3))
            pixels[:, HALF:] += (50, 10, -20)  # skin
            for eye in (0.6, 0.8):
                pixels[SIDE // 5 : SIDE // 4, int(eye * SIDE) : int((eye + 0.1) * SIDE)] = 30
            pixels[MASK] = colour
            pixels[POSTER] = DECOYS[rng.integers(2)]
            pixels += rng.normal(0, 12, pixels.shape) + rng.normal(0, 12)
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(root / name / f"{name}{person:02d}.png")


@pytest.fixture(scope="module")
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torchvision.models, "resnet18", partial(Narrow, width=32, most=1))
        yield


@pytest.fixture(scope="module")
def known(small, tmp_path_factory):
    """(the run, whose fold 0 was trained; the samples that this fold held out)."""
    root = tmp_path_factory.mktemp("known")
    draw(root / "photos")
    config = from_dict(
        {
            "name": "known answer",
            "data": {"root": str(root / "photos"), "reader": "folders"},
            "task": {"name": "label"},
            "folds": {"count": 5},
            "transforms": [{"name": "Resize", "params": {"height": SIDE, "width": SIDE}}, {"name": "Normalize"}],
            "model": {"depth": 18, "init": "scratch"},
            "phases": [{"optimizer": "adamw", "epochs": 3, "lr_backbone": 1e-3, "lr_head": 1e-3, "weight_decay": 0.05}],
            "training": {"batch_size": 8, "device": "cpu", "precision": "float32"},
        }
    )
    plan = make_plan(config, scan(config.data, threads=1))
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=root / "runs")
    assert train_fold(run, 0)
    samples = run.samples()
    yield run, samples.loc[samples["fold"] == 0, "sample"].tolist()
    fold_models.free()


@pytest.fixture(scope="module")
def found(known):
    run, held_out = known
    return attend(run, held_out, FACE, which="final")


def test_the_last_layers_heat_lies_on_the_patch(found):
    assert found.right.mean() > 0.9  # it has learned what the class is
    size = found.maps.shape[-1]
    on = np.zeros((1, size, size))
    on[0][tuple(slice(part.start * size // SIDE, part.stop * size // SIDE) for part in MASK)] = 1
    share = regions.shares(found.maps.astype(np.float32), on)[:, -1, 0]
    assert on.mean() == 0.25 and np.nanmean(share) > 0.6
    assert np.isnan(found.shares[:, -1]).all() and "layer4 has 4 x 4 cells" in found.silent
    fine = regions.shares(found.maps.astype(np.float32), on)[:, -2, 0]
    named = found.shares[:, -2, regions.REGIONS.index("nose and mouth")]  # by the box of that place, at full size
    np.testing.assert_allclose(named, fine, atol=0.02)


def test_the_alarm_is_silent_while_the_patch_lies_on_the_face(known):
    run, held_out = known
    before = attend(run, held_out, FACE, layers=("layer3",), which="final")
    assert not before.silent and before.alarms() == []


def test_the_alarm_fires_for_both_classes_where_the_patch_lies_in_the_background(known):
    """The same network, and boxes that call the other half the face: what decides is behind it."""
    run, held_out = known
    behind = attend(run, held_out, WALL, layers=("layer3",), which="final")
    assert sorted(alarm.class_name for alarm in behind.alarms()) == sorted(CLASSES)


def test_redrawn_weights_change_the_map(known):
    run, held_out = known
    with fold_model(run, 0, "final") as opened:
        inputs = prepare(run, held_out[:8])
        maps = maps_of(opened, inputs, layers=("layer4",))
        correlation = np.nanmean(randomised(opened, inputs, maps, draws=10), axis=1)
    assert (correlation < MOSTLY).all()
