"""Processes that draw: the same draws as in this process, whatever becomes of them, and none outlives who asks them."""

import os
import signal
import sys

import numpy as np
import psutil
import pytest
import torch

from core.config.run_config import study_transforms
from core.data.pictures.photo import photos_of
from core.training import pixel_cache, resident
from core.training.batches import Loader, Source, split_batches
from core.training.gpu import drawers
from tests.workers import FORKS, until

CPU = torch.device("cpu")
BATCHES = split_batches(np.random.default_rng(0).integers(0, 24, 40), 4)


@pytest.fixture
def source(tiny_plan, tmp_path):
    transforms = study_transforms(32)
    return Source(photos_of(tiny_plan.samples), pixel_cache.build(tmp_path, tiny_plan.samples, transforms), transforms)


@pytest.fixture
def apart():
    made = drawers.Drawers(2)
    yield made
    for process in made.processes:  # it may not be up yet, which takes a second of the processor
        process.kill()
    made.close()


@pytest.fixture(scope="module")
def shared():
    """A drawer that is up, for tests that leave it as it is."""
    made = drawers.Drawers(1)
    all_up(made)
    yield made
    assert made.is_whole()
    made.close()


def fed(source, apart=None, threads=1, midway=lambda: None):
    photos = resident.photos_on(CPU, source.pixels, 0.9)
    loader = Loader(resident.DrawnBatches(source, 7, 1, "train", photos, apart), 0, CPU, threads=threads)
    batches = []
    try:
        for batch in loader.epoch(3, BATCHES):
            batches.append(batch.clone())
            midway()
    finally:
        loader.close()
    return batches


def all_up(apart):
    apart.start()
    return until(apart.is_up, "the drawers came up")


def same(batches, others):
    return all(torch.equal(a, b) for a, b in zip(batches, others, strict=True))


def test_they_draw_what_a_thread_draws_before_they_are_up_and_after_and_are_done_without_once_killed(
    source, apart, capfd
):
    expected = fed(source)
    assert apart.processes == [] and not apart.is_up(), "before something is to be drawn there is none"
    assert same(fed(source, apart, threads=2), expected)
    assert len(apart.processes) == 2
    all_up(apart)
    asked = []
    whole = apart.draw
    apart.draw = lambda *request: asked.append(whole(*request)) or asked[-1]
    assert same(fed(source, apart, threads=2), expected)
    assert len(asked) == len(BATCHES) and None not in asked
    assert apart.is_whole()
    for killed in (1, 2):
        assert same(fed(source, apart, threads=2, midway=[*apart.processes][killed - 1].kill), expected)
        assert not apart.is_whole()
        assert capfd.readouterr().err.count("ended (code -9)") == 1
    assert asked[-1] is None


@pytest.mark.parametrize(("epoch", "reused"), [(3, 3), (4, 0)])
def test_batches_that_were_begun_before_their_epoch_are_its_own(source, shared, monkeypatch, epoch, reused):
    photos = resident.photos_on(CPU, source.pixels, 0.9)
    loader = Loader(resident.DrawnBatches(source, 7, 1, "train", photos, shared), 0, CPU, threads=2)
    asked, whole = [], shared.draw
    monkeypatch.setattr(shared, "draw", lambda *request: asked.append(request) or whole(*request))
    try:
        loader.begin(epoch, BATCHES)
        until(lambda: len(asked) == 3, "the first batches are drawn")
        assert same([batch.clone() for batch in loader.epoch(3, BATCHES)], fed(source))
    finally:
        loader.close()
    assert len(asked) == 3 + len(BATCHES) - reused


def test_one_that_cannot_start_is_done_without(source, monkeypatch, capfd):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    made = drawers.Drawers(2)
    all_up(made)
    assert same(fed(source, made, threads=2), fed(source))
    assert capfd.readouterr().err.count("ended (code 1)") == 2


def test_they_load_no_torch_and_wait_for_work_without_working(shared):
    for process in map(psutil.Process, (process.pid for process in shared.processes)):
        assert not [each.path for each in process.memory_maps() if "libtorch" in each.path]


def _ask_and_wait(said):
    made = drawers.held(1)
    all_up(made)
    said.send([process.pid for process in made.processes])
    signal.pause()


def test_none_outlives_a_parent_that_was_killed():
    here, there = FORKS.Pipe(duplex=False)
    parent = FORKS.Process(target=_ask_and_wait, args=(there,))
    parent.start()
    drawing = [psutil.Process(pid) for pid in here.recv()]
    os.kill(parent.pid, signal.SIGKILL)
    parent.join()
    _, left = psutil.wait_procs(drawing, timeout=60)
    assert not left


def test_the_next_fold_job_has_the_same_ones_and_new_ones_where_one_died():
    try:
        first = drawers.held(1)
        assert drawers.held(1) is first
        all_up(first)
        first.processes[0].kill()
        first.processes[0].wait()
        second = drawers.held(1)
        assert second is not first and second.is_whole()
    finally:
        drawers.forget()


def test_what_a_drawer_is_told_of_a_pipeline_is_all_that_it_has_to_know():
    assert drawers.listed(study_transforms(32), "train") == drawers.listed(study_transforms(32), "train")
