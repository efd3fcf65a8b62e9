"""A known answer: the class of a drawn photo is the colour of one patch, so a trained network has to look there.

The right half of a photo is a face with a mask over its lower half, the left half is a wall with a poster. One of the
two patches has the colour that is the class; the other, the decoy, is as large and as bright and says nothing.
"""

import numpy as np
import pytest
from PIL import Image

from core import fold_models, regions, runs
from core.attend import attend
from core.config import from_dict
from core.data import scan
from core.fold_models import fold_model, prepare
from core.gradcam import maps_of
from core.plan import make_plan
from core.train import train_fold
from core.trust import randomised

SIDE, HALF = 64, 32  # pixels
BOXES = regions.Boxes((0.5, 0, 1, 1), (0.55, 0.1, 0.95, 0.4), (0.5, 0.5, 1, 1))
MASK, POSTER = (slice(HALF, SIDE), slice(HALF, SIDE)), (slice(0, HALF), slice(0, HALF))
CLASSES = {"amber": (225, 150, 40), "azure": (40, 150, 225)}
DECOYS = ((190, 80, 190), (90, 190, 90))


def draw(root, patch, decoy, people=60):
    """Folders layout: so many people a class, one photo each."""
    rng = np.random.default_rng(0)
    for name, colour in CLASSES.items():
        (root / name).mkdir(parents=True)
        for person in range(people):
            pixels = rng.normal(120, 12, (SIDE, SIDE, 3))
            pixels[:, HALF:] += (50, 10, -20)  # skin
            for eye in (0.6, 0.8):
                pixels[SIDE // 5 : SIDE // 4, int(eye * SIDE) : int((eye + 0.1) * SIDE)] = 30
            pixels[patch] = colour
            pixels[decoy] = DECOYS[rng.integers(2)]
            pixels += rng.normal(0, 12, pixels.shape) + rng.normal(0, 12)
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(root / name / f"{name}{person:02d}.png")


@pytest.fixture(scope="module", params=["face", "background"])
def known(request, tmp_path_factory):
    """(where the patch lies, its place, the run with a trained fold 0, the samples that this fold held out)."""
    root = tmp_path_factory.mktemp("known")
    patch, decoy = (MASK, POSTER) if request.param == "face" else (POSTER, MASK)
    draw(root / "photos", patch, decoy)
    config = from_dict(
        {
            "name": f"patch on the {request.param}",
            "data": {"root": str(root / "photos"), "reader": "folders"},
            "task": {"name": "label"},
            "folds": {"count": 5},
            "transforms": [{"name": "Resize", "params": {"height": SIDE, "width": SIDE}}, {"name": "Normalize"}],
            "model": {"depth": 18, "init": "scratch"},
            "phases": [{"optimizer": "adamw", "epochs": 5, "lr_backbone": 1e-3, "lr_head": 1e-3, "weight_decay": 0.05}],
            "training": {"batch_size": 8, "device": "cpu", "precision": "float32"},
        }
    )
    plan = make_plan(config, scan(config.data, threads=1))
    run = runs.create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=root / "runs")
    assert train_fold(run, 0)
    samples = run.samples()
    yield request.param, patch, run, samples.loc[samples["fold"] == 0, "sample"].tolist()
    fold_models.free()


@pytest.fixture(scope="module")
def found(known):
    _, _, run, held_out = known
    return attend(run, held_out, BOXES, which="final")


def test_the_last_layers_heat_lies_on_the_patch(known, found):
    _, patch, _, _ = known
    assert found.right.mean() > 0.9  # it has learned what the class is
    size = found.maps.shape[-1]
    on = np.zeros((1, size, size))
    on[0][tuple(slice(part.start * size // SIDE, part.stop * size // SIDE) for part in patch)] = 1
    share = regions.shares(found.maps.astype(np.float32), on)[:, -1, 0]
    assert on.mean() == 0.25 and np.nanmean(share) > 0.6


def test_the_alarm_fires_when_the_patch_is_in_the_background_and_only_then(known, found):
    where, _, _, _ = known
    raised = [alarm.class_name for alarm in found.alarms()]
    assert sorted(raised) == (sorted(CLASSES) if where == "background" else [])


def test_redrawn_weights_change_the_map(known):
    _, _, run, held_out = known
    with fold_model(run, 0, "final") as opened:
        inputs = prepare(run, held_out)
        maps = maps_of(opened, inputs, layers=("layer3",))
        correlation = np.nanmean(randomised(opened, inputs, maps), axis=1)
    assert (correlation < 0.5).all()
