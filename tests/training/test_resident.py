"""Photos that live on a device: the same batches, the same training, and no place taken that is not there."""

import os
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from core.augment.pipeline import build_transform, sample_seed, split_pipeline
from core.config import TransformConfig
from core.config.run_config import study_transforms
from core.data.pictures.photo import photos_of
from core.runs.create import create
from core.training import batches, checkpoint, pixel_cache, resident, train
from core.training.batches import AugmentedBatches, Loader, Source, split_batches
from tests.augment.chains import all_of_them
from tests.workers import assert_same_tensors, with_changes

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
LATE = [TransformConfig(name=name) for name in ("HorizontalFlip", "CenterCrop", "InvertImg", "Normalize")]
LISTS = {"study": study_transforms(32), "all": all_of_them(32), "late": LATE}
BATCHES = split_batches(np.random.default_rng(0).integers(0, 24, 30), 8)  # some photos more than once


@pytest.fixture
def source(tiny_plan, tmp_path, request):
    transforms = LISTS[request.param]
    pixels = None
    if pixel_cache.cacheable(transforms):
        pixels = pixel_cache.build(tmp_path, tiny_plan.samples, transforms)
    return Source(photos_of(tiny_plan.samples), pixels, transforms)


def by_albumentations(source, stage):
    lead, after = (build_transform(source.transforms, part) for part in ("lead", stage))
    seen, epoch = [0] * 24, []
    for batch in BATCHES:
        images = []
        for i in batch.tolist():
            images.append(after(lead(source.photos[i].pixels()), sample_seed(7, 1, 3, i, seen[i])))
            seen[i] += 1
        epoch.append(torch.from_numpy(np.stack(images)))
    return epoch


def fed(dataset, workers=0):
    loader = Loader(dataset, workers, CPU)
    try:
        return [batch.clone() for batch in loader.epoch(3, BATCHES)]
    finally:
        loader.close()


@pytest.mark.parametrize("source", LISTS, indirect=True)
@pytest.mark.parametrize("stage", ["train", "eval"])
def test_batches_are_albumentations_whoever_makes_them(source, stage):
    expected = by_albumentations(source, stage)
    ways = {"processor": AugmentedBatches(source, 7, 1, stage), "device": resident.DrawnBatches(source, 7, 1, stage)}
    if source.pixels is not None and (source.transforms is LISTS["study"] or stage == "eval"):
        photos = resident.photos_on(CPU, source.pixels, 0.9)
        ways["resident"] = resident.DrawnBatches(source, 7, 1, stage, photos)
    for way, dataset in ways.items():
        assert all(torch.equal(a, b) for a, b in zip(fed(dataset), expected, strict=True)), way


@pytest.mark.parametrize("source", ["all"], indirect=True)
def test_what_goes_to_a_loader_process_arrives_unopened_and_draws_the_same(source):
    dataset = resident.DrawnBatches(source, 7, 1, "train")
    here = fed(dataset)
    there = pickle.loads(pickle.dumps(dataset))
    assert there._opened is None
    assert all(torch.equal(a, b) for a, b in zip(fed(there), here, strict=True))


def finished(plan, folder):
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)
    assert train.train_fold(run, 0)
    return run


def assert_equal(a, b):
    for which in ("best", "final"):
        pd.testing.assert_frame_equal(a.predictions(0, which), b.predictions(0, which), check_exact=True)
    assert_same_tensors(*(checkpoint.load_last(run.last_file(0), CPU) for run in (a, b)))
    rows = [run.metrics(0).drop(columns=["seconds", "images_per_second"]) for run in (a, b)]
    pd.testing.assert_frame_equal(*rows, check_exact=True)


def albumentations_alone(transforms, stage):
    """split_exact that leaves everything to albumentations, as labs before did."""
    _, rest = split_pipeline(transforms)
    return [t for t in rest if stage == "train" or t.deterministic], [], 0, None


@pytest.mark.parametrize("listed", ["study", "all"])
def test_training_is_bit_identical_on_every_path(tiny_plan, runs_folder, network, monkeypatch, listed):
    transforms = [t.model_dump(mode="json") for t in LISTS[listed]]
    plan = with_changes(tiny_plan, transforms=transforms, training__sampling="balanced", mix__method="both")
    with monkeypatch.context() as before:
        before.setattr(batches, "split_exact", albumentations_alone)
        expected = finished(plan, runs_folder)
    assert_equal(finished(plan, runs_folder), expected)
    monkeypatch.setattr(resident, "augments", lambda device: True)
    with_photos = []
    made = resident.DrawnBatches.__init__

    def init(self, *arguments):
        made(self, *arguments)
        with_photos.append((self.stage, self.photos is not None))

    monkeypatch.setattr(resident.DrawnBatches, "__init__", init)
    assert_equal(finished(plan, runs_folder), expected)
    none_there = with_changes(plan, training__photos_on_device=0)
    assert_equal(finished(none_there, runs_folder), expected)
    assert with_photos == [("train", listed == "study"), ("eval", True), ("train", False), ("eval", False)]


def test_photos_stay_for_the_next_fold_job_and_make_room_for_others(tmp_path, monkeypatch):
    files = [tmp_path / "a.npy", tmp_path / "b.npy"]
    for value, file in enumerate(files):
        np.save(file, np.full((5, 4, 6, 3), value, np.uint8))
    monkeypatch.setattr(resident, "CHUNK", 100)  # less than two photos
    first = resident.photos_on(CPU, files[0], 0.5)
    assert torch.equal(first, torch.from_numpy(np.load(files[0])))
    assert resident.photos_on(CPU, files[0], 0.5) is first
    assert resident.photos_on(CPU, files[1], 0.5).unique().tolist() == [1]
    assert resident._held[1] is not first
    monkeypatch.setattr(resident, "free_memory", lambda device: 2 * 5 * 4 * 6 * 3)
    assert resident.photos_on(CPU, files[0], 0.5) is not None
    assert resident.photos_on(CPU, files[1], 0.49) is None and resident._held is None


def test_photos_that_the_next_fold_job_asks_for_are_found_where_they_are(tiny_plan, tmp_path):
    """Whoever asks for stored pixels marks them as used, so that others are dropped first: they are the same photos."""
    transforms = LISTS["study"]
    pixels = pixel_cache.build(tmp_path, tiny_plan.samples, transforms)
    os.utime(pixels, (0, 0))
    first = resident.photos_on(CPU, pixels, 0.5)
    assert pixel_cache.build(tmp_path, tiny_plan.samples, transforms) == pixels and pixels.stat().st_mtime > 0
    assert resident.photos_on(CPU, pixels, 0.5) is first
    made_anew = tmp_path / "made anew.npy"
    np.save(made_anew, 1 - np.load(pixels))
    made_anew.replace(pixels)
    assert torch.equal(resident.photos_on(CPU, pixels, 0.5), torch.from_numpy(np.load(pixels)))


def test_the_photos_of_a_gpu_are_counted_in_what_is_free_there(monkeypatch):
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (123, 456))
    assert resident.free_memory(torch.device("cuda", 0)) == 123 and emptied


def is_held_after(settings, source):
    resident.feed(settings, source, 0, "train", CPU).close()
    return resident._held is not None


@pytest.mark.parametrize("source", ["study"], indirect=True)
def test_photos_of_the_run_before_are_given_back_where_the_next_asks_for_none(tiny_plan, source, monkeypatch):
    settings, emptied = tiny_plan.config.training, []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(resident._held))
    resident.photos_on(CPU, source.pixels, 0.5)
    assert not is_held_after(settings, source), "of a processor, which augments from the file"
    assert emptied == [None]
    monkeypatch.setattr(resident, "augments", lambda device: True)
    resident.photos_on(CPU, source.pixels, 0.5)
    assert not is_held_after(settings, replace(source, pixels=None)), "without decoded photos"
    assert is_held_after(settings, source)
    assert is_held_after(settings, replace(source, transforms=LISTS["all"])), "validation will ask for them"
