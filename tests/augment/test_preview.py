"""What the previewer draws is what the trainer feeds, byte for byte."""

import numpy as np
import pytest
import torch

from core.augment import preview
from core.augment.pipeline import sample_seed
from core.augment.steps import steps
from core.config import TransformConfig
from core.config.run_config import MixConfig, study_transforms
from core.data.images import load_image
from core.data.pictures.photo import photos_of
from core.errors import LabError
from core.runs.create import create
from core.training import batch_view, batches
from core.training.batches import AugmentedBatches, Loader, Source
from core.training.device import pick_device
from core.training.train import FoldTrainer, prepare_pixels
from tests.workers import forked_loader

HARD = [
    TransformConfig(name="CenterCrop", params={"height": 44, "width": 40}),
    TransformConfig(name="Resize", params={"height": 32, "width": 32}),
    TransformConfig(name="RandomResizedCrop", p=0.5),
    TransformConfig(name="Affine", p=0.5),
    TransformConfig(name="GaussNoise", p=0.5),
    TransformConfig(name="InvertImg", p=0.5),
    TransformConfig(name="CoarseDropout", p=0.5, params={"hole_height_range": [4, 8], "hole_width_range": [4, 8]}),
    TransformConfig(name="ColorJitter", p=0.5),
    TransformConfig(name="Normalize"),
]


def with_transforms(plan, transforms, **training):
    config = plan.config.model_copy(
        update={"transforms": transforms, "training": plan.config.training.model_copy(update=training)}
    )
    return config


def trainer_of(plan, config, folder, fold, cached):
    run = create(config, plan.samples, class_names=plan.class_names, info={}, folder=folder)
    pixels = prepare_pixels(run, config, lambda *_: None, lambda: False) if cached else None
    assert (pixels is not None) == cached
    return FoldTrainer(run, fold, pick_device("cpu"), pixels)


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize(("transforms", "seed", "fold"), [(HARD, 3, 1), (study_transforms(32), 0, 0)])
def test_the_previewer_draws_what_the_trainer_feeds(tiny_plan, tmp_path, transforms, seed, fold, cached):
    """Every training sample of two epochs, taken from the trainer's own loader."""
    config = with_transforms(tiny_plan, transforms, seed=seed)
    trainer = trainer_of(tiny_plan, config, tmp_path, fold, cached)
    try:
        compared = 0
        for epoch in (1, 7):
            batches = trainer.batches(epoch)
            for rows, fed in zip(batches, trainer.train_loader.epoch(epoch, batches), strict=True):
                for row, image in zip(rows.tolist(), fed.numpy(), strict=True):
                    photo = load_image(trainer.samples["path"].iloc[row], 0)
                    args = {"seed": seed, "fold": fold, "epochs": [epoch], "row": row}
                    drawn = preview.draws(photo, config.transforms, **args)[0]
                    assert drawn.tobytes() == image.tobytes()
                    assert drawn.shape == image.shape
                    last = steps(photo, config.transforms, sample_seed(seed, fold, epoch, row))[-1]
                    assert last.image.tobytes() == image.tobytes()
                    compared += 1
        assert compared == 2 * len(trainer.train_rows)
    finally:
        trainer.close()


def test_loader_processes_feed_the_same(tiny_plan, monkeypatch):
    monkeypatch.setattr(batches, "DataLoader", forked_loader)
    rows = np.arange(4)
    source = Source(photos_of(tiny_plan.samples), None, HARD)
    loader = Loader(AugmentedBatches(source, 5, 0, "train"), 1, torch.device("cpu"))
    try:
        fed = next(iter(loader.epoch(2, [rows]))).numpy()
    finally:
        loader.close()
    for row in rows:
        photo = load_image(tiny_plan.samples["path"].iloc[row], 0)
        drawn = preview.draws(photo, HARD, seed=5, fold=0, epochs=[2], row=int(row))[0]
        assert drawn.tobytes() == fed[row].tobytes()


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
@pytest.mark.parametrize("method", ["none", "mixup", "cutmix", "both"])
def test_a_batch_is_that_of_the_trainer_with_its_mixed_labels(tiny_plan, tmp_path, method, sampling):
    config = with_transforms(tiny_plan, study_transforms(32), seed=1, batch_size=5, sampling=sampling)
    config = config.model_copy(update={"mix": MixConfig(method=method, alpha=0.8)})
    trainer = trainer_of(tiny_plan, config, tmp_path, 0, False)
    try:
        batches = trainer.batches(3)
        for step, fed in enumerate(trainer.train_loader.epoch(3, batches)):
            view = batch_view.batch(config, trainer.samples, 3, fold=0, epoch=3, step=step)
            labels = trainer.labels[torch.from_numpy(batches[step])]
            inputs, targets = trainer.mixer(trainer.prepare(fed), labels, trainer.step_seed(3, step))
            assert view.rows.tolist() == batches[step].tolist()
            assert view.steps == len(batches)
            eaten_by_it = (inputs.permute(0, 2, 3, 1) * trainer.std + trainer.mean).numpy()
            exact = np.abs(eaten_by_it % 1 - 0.5) > 1e-3  # what lies between two bytes may be rounded to either
            assert exact.mean() > 0.9
            assert (view.images[exact] == np.rint(eaten_by_it).astype(np.uint8)[exact]).all()
            if method in ("none", "cutmix"):
                assert exact.all()
            expected = targets if targets.ndim == 2 else torch.nn.functional.one_hot(targets, 3)
            assert np.allclose(view.targets, expected.numpy(), atol=1e-6)
            assert view.mixed == (method != "none")
            assert np.allclose(view.targets.sum(1), 1, atol=1e-5)
    finally:
        trainer.close()
    with pytest.raises(LabError, match=f"an epoch has {len(batches)} steps"):
        batch_view.batch(config, trainer.samples, 3, fold=0, epoch=3, step=len(batches))


def test_shares_are_told_largest_first():
    names = ["a", "b", "c"]
    assert batch_view.shares_in_words(np.array([0.3, 0.7, 0.0]), names) == "b 70%, a 30%"
    assert batch_view.shares_in_words(np.array([0.0, 0.0, 1.0]), names) == "c"


def test_a_crop_larger_than_photos_and_a_resize_that_broadens_are_told_in_numbers():
    sizes = np.array([200, 512]), np.array([200, 768])
    crop, resize = study_transforms(224)[:2]
    (effect,) = preview.crop_effects([crop, resize], *sizes)
    assert (effect.padded, effect.crop) == (0.5, (256, 400))
    assert effect.black == pytest.approx(1 - 200 * 200 / (256 * 400))
    ((index, stretch, photo),) = preview.stretches([crop, resize], *sizes)
    assert (index, photo) == (1, (256, 400))
    assert stretch == pytest.approx(400 / 256)
    assert preview.stretches([resize], *sizes)[0][1] == pytest.approx(np.median([1, 768 / 512]))


def crops(transforms, width, height):
    fitted = preview.fit_crops(transforms, np.array(width), np.array(height))
    return fitted and [(t.name, t.enabled, t.params.get("width"), t.params.get("height")) for t in fitted[:2]]


def test_a_crop_is_fitted_to_photos_that_are_smaller_and_left_alone_otherwise():
    listed = study_transforms(224)
    assert preview.fit_crops(listed, np.array([400] * 9), np.array([500] * 9)) is None
    assert preview.fit_crops(listed, np.array([400] * 99 + [100]), np.array([500] * 100)) is None, "one in a hundred"
    assert crops(listed, [200] * 9, [200] * 9) == [("CenterCrop", True, 200, 200), ("Resize", True, 224, 224)]
    assert crops(listed, [300] * 9, [360] * 9) == [("CenterCrop", True, 256, 360), ("Resize", True, 224, 224)]
    fitted = preview.fit_crops(listed, np.array([200] * 9), np.array([200] * 9))
    assert not preview.crop_effects(fitted, np.array([200] * 9), np.array([200] * 9))[0].padded


def test_photos_of_all_sizes_are_taken_whole_unless_the_crop_alone_gives_them_one_size():
    width, height = np.linspace(60, 900, 100), np.linspace(60, 900, 100)
    listed = study_transforms(224)
    assert crops(listed, width, height)[0][:2] == ("CenterCrop", False)
    without_resize = [listed[0], *listed[2:]]
    assert preview.fit_crops(without_resize, width, height) is None
