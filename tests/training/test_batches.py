import ctypes
import os
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.augment.pipeline import sample_seed
from core.data.pictures.photo import StoredPhoto, photos_of
from core.errors import LabError
from core.training import batches as training_batches
from core.training import pixel_cache
from core.training.batches import AugmentedBatches, Loader, Source, epoch_order, split_batches, to_network
from tests.workers import FORKS, PATIENCE, forked_loader

CPU = torch.device("cpu")
CLONE_NEWNS = 0x00020000  # of Linux's sched.h


@pytest.fixture(scope="module")
def source(tiny_plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pixels")
    pixels = pixel_cache.build(folder, tiny_plan.samples, tiny_plan.config.transforms)
    return Source(photos_of(tiny_plan.samples), pixels, tiny_plan.config.transforms)


def draw(source, batches, *, workers=0, epoch=1, seed=0, fold=0, stage="train"):
    loader = Loader(AugmentedBatches(source, seed, fold, stage), workers, CPU)
    try:
        return [batch.clone() for batch in loader.epoch(epoch, batches)]
    finally:
        loader.close()


def equal(first, second):
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


BATCHES = split_batches(np.arange(24), 8)


@pytest.mark.long
def test_batches_do_not_depend_on_the_number_of_loader_workers(source, monkeypatch):
    monkeypatch.setattr(training_batches, "DataLoader", forked_loader)
    alone = draw(source, BATCHES)
    loader = Loader(AugmentedBatches(source, 0, 0, "train"), 2, CPU)
    try:
        assert equal(alone, [batch.clone() for batch in loader.epoch(1, BATCHES)])
        assert equal(draw(source, BATCHES, epoch=2), [batch.clone() for batch in loader.epoch(2, BATCHES)])
    finally:
        loader.close()


def test_an_image_does_not_depend_on_its_batch_or_on_what_was_drawn_before(source):
    whole = torch.cat(draw(source, BATCHES))
    backwards = draw(source, [np.array([i]) for i in reversed(range(24))])
    assert torch.equal(whole, torch.cat(backwards[::-1]))


def test_batches_do_not_depend_on_global_generators(source):
    before = draw(source, BATCHES)
    torch.manual_seed(1)
    np.random.seed(1)
    state = torch.random.get_rng_state()
    assert equal(before, draw(source, BATCHES))
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("other", [{"epoch": 2}, {"fold": 1}, {"seed": 1}])
def test_every_epoch_fold_and_seed_draws_anew(source, other):
    assert not equal(draw(source, BATCHES), draw(source, BATCHES, **other))


def test_validation_is_never_augmented(source):
    once = draw(source, BATCHES, stage="eval")
    pixels = np.load(source.pixels)
    assert np.array_equal(torch.cat(once).numpy(), pixels)
    assert equal(once, draw(source, BATCHES, stage="eval", epoch=7, seed=3, fold=1))


def test_the_cache_and_the_files_give_the_same_pixels(source):
    from_files = Source(source.photos, None, source.transforms)
    assert equal(draw(source, BATCHES), draw(from_files, BATCHES))
    assert equal(draw(source, BATCHES, stage="eval"), draw(from_files, BATCHES, stage="eval"))


def test_an_unreadable_photo_surfaces_from_the_loader_with_its_name(source, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no photo")
    broken = Source([*source.photos[:3], StoredPhoto(str(bad), "bad.jpg", 0)], None, source.transforms)
    with pytest.raises(Exception, match=r"bad\.jpg"):
        draw(broken, [np.arange(4)])


seeds = st.integers(0, 2**31 - 1)


@given(rows=st.lists(st.integers(0, 10**6), unique=True, max_size=200), seed=seeds, epoch=st.integers(0, 10**4))
def test_the_order_of_an_epoch_is_a_function_and_loses_nobody(rows, seed, epoch):
    rows = np.array(rows, dtype=np.int64)
    order = epoch_order(rows, seed, 3, epoch)
    assert sorted(order) == sorted(rows)
    np.random.seed(epoch)
    assert np.array_equal(order, epoch_order(rows, seed, 3, epoch))


def test_another_epoch_fold_or_seed_has_another_order():
    rows = np.arange(100)
    orders = [epoch_order(rows, *which).tolist() for which in ((0, 0, 1), (0, 0, 2), (0, 1, 1), (1, 0, 1))]
    assert len({tuple(order) for order in orders}) == 4


@given(count=st.integers(1, 300), size=st.integers(2, 64))
def test_batches_keep_everything_in_order_and_none_has_a_single_sample(count, size):
    order = np.arange(count)
    batches = split_batches(order, size)
    assert np.array_equal(np.concatenate(batches), order)
    assert all(2 <= len(batch) <= size + 1 for batch in batches) or count == 1
    assert all(len(batch) == size for batch in batches[:-1])


def test_the_last_batch_of_one_joins_its_neighbour():
    assert [len(batch) for batch in split_batches(np.arange(17), 8)] == [8, 9]
    assert [len(batch) for batch in split_batches(np.arange(18), 8)] == [8, 8, 2]


@given(seed=seeds, fold=st.integers(0, 19), epoch=st.integers(1, 10**4), sample=st.integers(0, 10**7))
def test_the_seed_of_a_sample_is_a_function_within_32_bits(seed, fold, epoch, sample):
    value = sample_seed(seed, fold, epoch, sample)
    assert 0 <= value < 2**32
    assert value == sample_seed(seed, fold, epoch, sample)


def test_to_network_normalises_as_the_transform_says_and_stays_channels_last(tiny_config):
    images = torch.randint(0, 256, (2, 5, 4, 3), dtype=torch.uint8)
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.3])
    ready = to_network(images, mean * 255, std * 255)
    expected = (images.permute(0, 3, 1, 2).float() / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    assert ready.shape == (2, 3, 5, 4)
    assert torch.allclose(ready, expected, atol=1e-5)
    assert ready.is_contiguous(memory_format=torch.channels_last)


def load_with_little_shared_memory(pixels, said):
    """In a mount namespace of its own, with 1 MB of /dev/shm for batches of 3 MB. The loader's process is a fork of
    this one: another would have another /dev/shm."""
    system = ctypes.CDLL(None, use_errno=True)
    if not hasattr(system, "unshare") or system.unshare(CLONE_NEWNS):
        said.write_text(f"skip: {os.strerror(ctypes.get_errno())}")
        return
    mounted = subprocess.run(
        "mount --make-rprivate / && mount -t tmpfs -o size=1m tmpfs /dev/shm",
        shell=True,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        said.write_text(f"skip: {mounted.stderr.strip()}")
        return
    training_batches.DataLoader = partial(forked_loader, context="fork")
    loader = Loader(AugmentedBatches(Source([], pixels, []), 0, 0, "train"), 1, CPU)
    try:
        batches = [batch.shape for batch in loader.epoch(1, [np.arange(64)])]
    except LabError as error:
        said.write_text(f"{error.kind} {error}")
    else:
        said.write_text(f"batches of {batches}")


@pytest.mark.fault(45)
def test_shared_memory_too_small_for_a_batch_is_told_with_the_remedy():
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # tests may write into /dev/shm, which is hidden there
        pixels, said = Path(folder, "pixels.npy"), Path(folder, "said.txt")
        np.save(pixels, np.zeros((64, 128, 128, 3), np.uint8))
        process = FORKS.Process(target=load_with_little_shared_memory, args=(pixels, said))
        process.start()
        process.join(PATIENCE)
        assert process.exitcode == 0
        words = said.read_text()
    if words.startswith("skip:"):
        pytest.skip(f"this user may not make its shared memory small: {words}")
    assert words.startswith("shared-memory shared memory: /dev/shm has no room"), words
    assert "--shm-size" in words
