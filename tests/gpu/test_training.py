"""A fold on a GPU: the batches are those of a CPU, no step waits, and whatever stops it, it ends the same."""

import math
import signal

import numpy as np
import pandas as pd
import pytest
import torch

from core.augment import draws, on_device
from core.augment.pipeline import Pipeline, sample_seeds, split_exact
from core.config.run_config import study_transforms
from core.data.pictures.photo import photos_of
from core.runs import starts
from core.runs.create import create
from core.training import checkpoint, fold_trainer, resident, train
from core.training.batches import AugmentedBatches, Loader, Source, split_batches
from core.training.device import Stopwatch
from core.training.gpu import graphed
from tests.augment.chains import all_of_them, photo
from tests.workers import (
    assert_done,
    assert_same_result,
    assert_same_tensors,
    die_renaming,
    launch,
    resume,
    small_net,
    with_changes,
)

CPU = torch.device("cpu")


def frozen(plan, folder):
    return create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)


def trainer_of(plan, folder, gpu):
    run = frozen(plan, folder)
    pixels = train.prepare_pixels(run, run.config(), lambda row: None, lambda: False)
    return train.FoldTrainer(run, 0, gpu, pixels)


# the same batches


def test_the_study_s_pipeline_has_albumentations_bytes_on_a_gpu(gpu):
    host, exact, place, size = split_exact(study_transforms(224), "train")
    assert not host
    images = np.stack([photo(*size), 255 - photo(*size)] * 64)
    seeds = sample_seeds(1, 2, 3, np.arange(128), np.zeros(128)).tolist()
    made, own = draws.stages(exact, place, size), Pipeline(exact, place, size)
    drawn = [{key: value.to(gpu) for key, value in stage.items()} for stage in on_device.draw(made, seeds)]
    batch = on_device.apply(made, torch.from_numpy(images).to(gpu), drawn).cpu().numpy()
    assert np.array_equal(batch, np.stack([own(image, seed) for image, seed in zip(images, seeds, strict=True)]))


@pytest.mark.parametrize("share", [0.25, 0])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("transforms", [study_transforms(32), all_of_them(32)], ids=["study", "all"])
def test_batches_are_those_of_a_cpu_resident_or_from_loader_processes(
    plan, runs_folder, network, gpu, share, workers, transforms
):
    listed = [t.model_dump(mode="json") for t in transforms]
    settings = {"training__photos_on_device": share, "training__loader_workers": workers}
    trainer = trainer_of(with_changes(plan, transforms=listed, **settings), runs_folder, gpu)
    source = Source(photos_of(plan.samples), None, transforms)
    batches = split_batches(trainer.train_rows, 5)
    host = Loader(AugmentedBatches(source, 0, 0, "train"), 0, CPU)
    try:
        for epoch in (1, 2):
            pairs = zip(trainer.train_loader.epoch(epoch, batches), host.epoch(epoch, batches), strict=True)
            for on_gpu, on_cpu in pairs:
                assert on_gpu.device.type == "cuda" and torch.equal(on_gpu.cpu(), on_cpu)
    finally:
        trainer.close()
        host.close()


# steps that the GPU repeats by itself


def _trained(plan, folder, gpu, monkeypatch, *, repeated):
    monkeypatch.setattr(fold_trainer, "repeats_steps", lambda *_: repeated)
    trainer = trainer_of(plan, folder, gpu)
    clock = train.Clock(trainer, lambda row: None, lambda: False)
    lines = []
    try:
        for epoch in range(1, trainer.config.epochs + 1):
            phase, _ = trainer.config.phase_of(epoch)
            if phase != trainer.phase:
                trainer.start_phase(phase)
            clock.start_epoch(epoch, phase)
            lines += [trainer.train_epoch(epoch, clock.tick).scores(), trainer.evaluate(clock.tick).scores()]
        recorded = len(trainer.repeated.recorded) if trainer.repeated else None
    finally:
        trainer.close()
    return trainer, lines, recorded


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"mix__method": "both"}, {"model__head": "factored"}, {"training__loss": "focal"}],
    ids=["plain", "mixed", "factored", "focal"],
)
def test_a_resnet_whose_steps_are_repeated_ends_as_one_whose_steps_are_launched(
    plan, factored_plan, runs_folder, gpu, monkeypatch, optimizer, changes
):
    phases = [
        {"optimizer": optimizer, "epochs": 2, "lr_backbone": 1e-3, "lr_head": 1e-2, "schedule": "cosine"},
        {"optimizer": "sgd", "epochs": 2, "lr_backbone": 1e-3, "lr_head": 1e-3},
    ]
    chosen = factored_plan if "model__head" in changes else plan
    chosen = with_changes(chosen, phases=phases, training__device="cuda", training__batch_size=2, **changes)
    alike = [_trained(chosen, runs_folder, gpu, monkeypatch, repeated=repeated) for repeated in (True, False)]
    (repeated, its_lines, recorded), (launched, lines, nothing) = alike
    assert recorded and nothing is None
    assert its_lines == lines
    assert_same_tensors(repeated.model.state_dict(), launched.model.state_dict())
    assert_same_tensors(repeated.optimizer_state(), launched.optimizer_state())


def test_without_room_for_a_second_step_none_is_repeated(plan, runs_folder, gpu, monkeypatch):
    plan = with_changes(plan, training__batch_size=2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device=None: (1 << 20, 1 << 36))
    _, _, recorded = _trained(plan, runs_folder, gpu, monkeypatch, repeated=True)
    assert recorded == 0


def test_whoever_shares_a_gpu_leaves_the_others_room_to_do_the_same(plan, runs_folder, gpu, monkeypatch):
    step = graphed.Graphed(
        lambda inputs, targets: (inputs + targets,), torch.optim.SGD([torch.zeros(1)], 0.1), gpu, sharing=3
    )
    alone = graphed.Graphed(lambda inputs, targets: (inputs + targets,), torch.optim.SGD([torch.zeros(1)], 0.1), gpu)
    for each, records in ((step, False), (alone, True)):
        each._most = 1 << 30
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device=None: (4 << 30, 80 << 30))
        for _ in range(graphed.BEFORE + 1):
            each(torch.zeros(2, device=gpu), torch.zeros(2, device=gpu))
        assert bool(each.recorded) is records


def test_how_long_a_pass_took_is_the_gpu_s_time_and_not_that_of_asking_it(plan, runs_folder, network, gpu):
    trainer = trainer_of(plan, runs_folder, gpu)
    trainer.close()
    done = trainer.new_pass()
    torch.cuda._sleep(200_000_000)  # cycles: a tenth of a second on a GPU of 2 GHz
    done.watch.stop()
    assert done.seconds > 0.02


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one GPU alone cannot be taken for another")
def test_what_a_second_gpu_takes_is_not_the_time_of_the_first(gpu):
    second = torch.device("cuda", 1)
    watch = Stopwatch(second)
    with torch.cuda.device(second):
        torch.cuda._sleep(200_000_000)
    watch.stop()
    assert watch.seconds() > 0.02


# no wait


@pytest.mark.parametrize("mixing", ["none", "both"])
@pytest.mark.parametrize("precision", ["auto", "float16"])
def test_no_step_of_an_epoch_waits_for_the_gpu(plan, runs_folder, network, gpu, mixing, precision):
    listed = [t.model_dump(mode="json") for t in study_transforms(32)]
    settings = {"transforms": listed, "mix__method": mixing, "training__precision": precision}
    trainer = trainer_of(with_changes(plan, **settings), runs_folder, gpu)
    clock = train.Clock(trainer, lambda row: None, lambda: False)
    trainer.start_phase(0)
    clock.start_epoch(1, 0)
    trainer.train_epoch(1, clock.tick)  # libraries choose and allocate in the first one
    trainer.evaluate(clock.tick)
    torch.cuda.synchronize()
    clock.start_epoch(2, 0)
    torch.cuda.set_sync_debug_mode("error")
    try:
        trained = trainer.train_epoch(2, clock.tick)
        validated = trainer.evaluate(clock.tick)
        held = checkpoint.snapshot(trainer.model.state_dict())
        arrival = checkpoint.Arrival(gpu)
    finally:
        torch.cuda.set_sync_debug_mode("default")
        trainer.close()
    arrival.wait()
    assert_same_tensors(held, {key: value.cpu() for key, value in trainer.model.state_dict().items()})
    assert all(math.isfinite(done.scores()["loss"]) for done in (trained, validated))


# the same end


@pytest.mark.parametrize("seconds", [0, 3600])
def test_killed_and_resumed_on_a_gpu_equals_never_stopped(workers, plan, network, seconds):
    plan = with_changes(plan, training__resume_seconds=seconds)
    straight = launch(plan, workers.root)
    assert workers.run(small_net) == 0
    assert_done(straight)
    run = launch(plan, workers.root)
    for name, after in (("last.pt", False), ("last.pt", True), ("final.safetensors", False)):
        resume(run)
        assert workers.run(small_net, die_renaming(name, after=after)) == -signal.SIGKILL
    resume(run)
    assert workers.run(small_net) == 0
    assert_same_result(run, straight)
    assert starts.sentence(run, [0]) == ""


def test_a_resnet_killed_and_resumed_in_its_repeated_steps_equals_never_stopped(workers, plan):
    plan = with_changes(plan, training__batch_size=2)
    straight = launch(plan, workers.root)
    assert workers.run() == 0
    assert_done(straight)
    run = launch(plan, workers.root)
    for name, after in (("last.pt", False), ("last.pt", True)):
        resume(run)
        assert workers.run(die_renaming(name, after=after)) == -signal.SIGKILL
    resume(run)
    assert workers.run() == 0
    assert_same_result(run, straight)


def test_two_jobs_in_a_row_end_as_in_processes_of_their_own(workers, plan, network):
    together, apart = (launch(plan, workers.root, folds=()) for _ in range(2))
    resume(together, folds=(0, 1))
    assert workers.run(small_net) == 0
    for fold in (0, 1):
        resume(apart, folds=(fold,))
        assert workers.run(small_net) == 0
    for fold in (0, 1):
        assert_same_result(together, apart, fold)


def test_float16_on_a_gpu_resumes_exactly(plan, runs_folder, network, gpu):
    plan = with_changes(plan, training__precision="float16")
    run, straight = (frozen(plan, runs_folder) for _ in range(2))
    ended = []
    train.train_fold(run, 0, report=lambda r: ended.append(r["kind"] == "epoch"), should_stop=lambda: sum(ended) >= 2)
    assert train.train_fold(run, 0) and train.train_fold(straight, 0)
    assert_same_tensors(*(checkpoint.load_last(each.last_file(0), CPU) for each in (run, straight)))
    pd.testing.assert_frame_equal(run.predictions(0, "best"), straight.predictions(0, "best"), check_exact=True)
    assert np.isfinite(run.metrics(0)["loss"]).all()


def test_the_fast_way_learns_and_leaves_nothing_for_the_next_job(plan, runs_folder, network, gpu):
    fast, exact = (frozen(with_changes(plan, training__speed=speed), runs_folder) for speed in ("fast", "exact"))
    assert train.train_fold(fast, 0) and train.train_fold(exact, 0)
    assert np.isfinite(fast.metrics(0)["loss"]).all()
    assert not torch.backends.cudnn.benchmark and torch.are_deterministic_algorithms_enabled()


# no room


def _a_millionth(root):
    torch.cuda.set_per_process_memory_fraction(1e-6)


def test_a_batch_that_does_not_fit_is_told_in_a_sentence(workers, plan):
    run = launch(plan, workers.root)
    resume(run)
    workers.run(small_net, _a_millionth)
    state = run.fold_state(0)
    assert (state.state, state.kind) == ("failed", "memory")
    assert state.reason == "memory: batch size 8 does not fit." and state.remedy == "Try batch size 4."


def test_photos_that_do_not_fit_are_not_put_there(plan, runs_folder, network, gpu, monkeypatch):
    monkeypatch.setattr(resident, "free_memory", lambda device: 1000)
    trainer = trainer_of(plan, runs_folder, gpu)
    assert trainer.train_loader.dataset.photos is None and trainer.train_loader.workers > 0
    trainer.close()
