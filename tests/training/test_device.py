"""What a fold job says about the memory that it took."""

import multiprocessing
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch

from bench import train as bench_train
from core.errors import LabError
from core.runs import starts
from core.runs.create import create
from core.training import checkpoint, fold_trainer, train
from core.training.device import (
    Stopwatch,
    compiled,
    device_name,
    exact_float32,
    forget_peak,
    peak_memory,
    pick_device,
    pick_precision,
    set_speed,
)
from tests.workers import FORKS, SmallNet, assert_same_tensors, with_changes

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")
TF32 = torch.backends.cudnn, torch.backends.cuda.matmul


def told_by(measures, *about):
    """What it tells, in a process of its own: what other tests left free in this one would be used first."""
    here, there = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=measures, args=(there, *about))
    process.start()
    there.close()
    with here:
        told = here.recv()
    process.join()
    return told


def _large_then_smaller(said):
    large = np.ones(40_000_000)  # 320 MB
    before = peak_memory(CPU)
    del large
    forget_peak(CPU)
    after = peak_memory(CPU)
    held = np.ones(10_000_000)  # 80 MB
    said.send((before, after, peak_memory(CPU)))
    del held


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the peak of a process anew")
def test_the_peak_is_of_this_job_not_of_the_one_before():
    before, after, with_more = told_by(_large_then_smaller)
    assert before - after > 200e6
    assert with_more - after > 60e6


def _mapped_then_held(said, pixels):
    forget_peak(CPU)
    before = peak_memory(CPU)
    mapped = np.memmap(pixels, dtype=np.uint8, mode="r")
    assert int(mapped[::4096].sum()) == 0  # every page of it is in this process now
    with_mapped = peak_memory(CPU)
    held = np.ones(10_000_000)  # 80 MB
    said.send((before, with_mapped, peak_memory(CPU)))
    del held


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what is mapped")
def test_decoded_photos_that_are_mapped_from_a_file_are_no_memory_of_the_training(tmp_path):
    pixels = tmp_path / "pixels"
    with open(pixels, "wb") as stream:
        stream.truncate(150_000_000)
    before, with_mapped, with_more = told_by(_mapped_then_held, pixels)
    assert with_mapped - before < 30e6
    assert with_more - before > 60e6


def test_the_peak_of_a_gpu_is_begun_anew_only_once_cuda_is_there(monkeypatch):
    """torch raises "Invalid device argument" for statistics of a GPU that nothing has used yet."""
    calls = []

    def reset(device):
        assert "init" in calls, "Invalid device argument: did you call init?"
        calls.append(str(device))

    monkeypatch.setattr(torch.cuda, "init", lambda: calls.append("init"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", reset)
    forget_peak(torch.device("cuda", 1))
    assert calls == ["init", "cuda:1"]


def test_the_bench_tells_the_peak_that_the_trainer_saw(tiny_plan, tmp_path, monkeypatch):
    """The trainer starts the counter anew after each pass: who asks the counter afterwards is told far too little."""
    counted = [5_000_000_000]
    monkeypatch.setattr(fold_trainer, "peak_memory", lambda device: counted[-1])
    monkeypatch.setattr(fold_trainer, "forget_peak", lambda device: counted.append(7))
    here, there = multiprocessing.Pipe(duplex=False)
    run = create(tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info={}, folder=tmp_path)
    monkeypatch.setattr(bench_train, "make_run", lambda *settings: run)
    bench_train.peak(tmp_path, tmp_path, 18, 4, there)
    assert here.recv() == 5_000_000_000 and counted == [5_000_000_000, 7]


@pytest.mark.parametrize(
    ("computes_in_bfloat16", "choice", "begun_in", "precision"),
    [
        (True, "auto", None, torch.bfloat16),
        (False, "auto", None, torch.float16),
        (False, "auto", "float16", torch.float16),
        (False, "auto", "float32", torch.float32),  # as a lab before began it
        (False, "bfloat16", None, torch.bfloat16),
        (True, "float16", None, torch.float16),
        (True, "float32", None, torch.float32),
    ],
)
def test_a_gpu_without_bfloat16_computes_in_float16_unless_a_fold_began_otherwise(
    monkeypatch, computes_in_bfloat16, choice, begun_in, precision
):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: computes_in_bfloat16)
    assert pick_precision(choice, CUDA, begun_in) == precision


def test_float16_scales_its_loss_and_resumes_exactly(tiny_plan, runs_folder, network, one_thread):
    plan = with_changes(tiny_plan, training__precision="float16")
    run, straight = (
        create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=runs_folder) for _ in range(2)
    )
    ended = []
    train.train_fold(run, 0, report=lambda r: ended.append(r["kind"] == "epoch"), should_stop=lambda: sum(ended) >= 2)
    last = checkpoint.load_last(run.last_file(0), CPU)
    assert last["epoch"] == 2 and last["scaler"]["scale"] == 2**16 and last["scaler"]["_growth_tracker"] == 4
    assert train.train_fold(run, 0) and train.train_fold(straight, 0)
    assert run.info()["precision"] == "float16" and starts.sentence(run, [0]) == ""
    assert_same_tensors(*(checkpoint.load_last(each.last_file(0), CPU) for each in (run, straight)))
    pd.testing.assert_frame_equal(run.predictions(0, "best"), straight.predictions(0, "best"), check_exact=True)


def test_what_is_fast_does_not_stay_for_the_next_fold_job():
    for speed in ("fast", "exact"):
        set_speed(speed)
        exact = speed == "exact"
        assert torch.are_deterministic_algorithms_enabled() == exact
        assert (torch.backends.cudnn.benchmark, torch.backends.cuda.matmul.allow_tf32) == (not exact, not exact)
    torch.use_deterministic_algorithms(False)


@pytest.fixture(params=[True, False])
def allowed(request):
    """Whether float32 may be rounded to TF32 before a test; afterwards it may as it could before."""
    before = [part.allow_tf32 for part in TF32]
    for part in TF32:
        part.allow_tf32 = request.param
    yield request.param
    for part, setting in zip(TF32, before, strict=True):
        part.allow_tf32 = setting


def test_float32_is_exact_until_the_last_who_asked_for_it_is_through(allowed):
    begun, ends = threading.Event(), threading.Event()

    def one_that_ends_first():
        with exact_float32():
            begun.set()
            ends.wait()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(one_that_ends_first)
        begun.wait()
        with exact_float32():
            ends.set()
            first.result()
            assert [part.allow_tf32 for part in TF32] == [False, False]
        assert [part.allow_tf32 for part in TF32] == [allowed, allowed]


def test_only_a_gpu_gets_a_compiled_network_and_only_where_speed_is_fast(monkeypatch):
    model, made = SmallNet(), []
    monkeypatch.setattr(torch, "compile", lambda network: made.append(network) or "compiled")
    assert [compiled(model, "exact", CUDA), compiled(model, "fast", CPU)] == [model, model] and made == []
    assert compiled(model, "fast", CUDA) == "compiled" and made == [model]


def test_a_resume_at_full_speed_is_told_to_be_inexact():
    begun = [{"epoch": epoch, "device": "A", "speed": "fast"} for epoch in (0, 3)]
    assert starts.inexact(begun) == "after epoch 3 with speed fast, which is never exact"
    assert starts.inexact(begun[:1]) == ""


def test_a_resume_with_the_weights_of_photos_is_told_where_those_of_classes_began_it():
    begun = [{"epoch": epoch, "device": "A", "weighs": "photos"} for epoch in (0, 3)]
    assert starts.inexact(begun) == ""
    del begun[0]["weighs"]
    assert starts.inexact(begun).startswith("after epoch 3 with a loss that weighs each photo by its label")


def test_folds_of_two_losses_are_told(tiny_plan, runs_folder):
    settings = {"training__loss": "weighted", "training__label_smoothing": 0.1}
    plan = with_changes(tiny_plan, **settings)
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=runs_folder)
    assert not starts.weighed_classes(run), "no fold has begun"
    starts.note(run, 0, 0, {"device": "A"})
    assert starts.weighed_classes(run) and starts.sentence(run, [0, 1]) == ""
    starts.note(run, 1, 0, {"device": "A", "weighs": "photos"})
    words = starts.sentence(run, [0, 1])
    assert "that of fold 0 weighs each class of a target, that of fold 1 each photo" in words
    run.starts_file(0).unlink()
    assert starts.sentence(run, [0, 1]) == ""
    run.metrics_file(0).write_text("epoch\n")
    assert starts.sentence(run, [0, 1]) == words, "version 0.1.0 noted no starts"
    assert not starts.weighs_photos(with_changes(plan, training__label_smoothing=0.0).config)


def test_one_thread_is_told_as_one(monkeypatch):
    for threads, words in ((1, "CPU, 1 thread"), (4, "CPU, 4 threads")):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert device_name(CPU) == words
    begun = [{"epoch": 0, "threads": 4}, {"epoch": 2, "threads": 1}]
    assert starts.inexact(begun) == "after epoch 2 with 1 thread instead of 4"


def test_an_apple_gpu_is_asked_for_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(LabError, match="no Apple GPU") as caught:
        pick_device("mps")
    assert caught.value.kind == "device"


def test_what_a_gpu_takes_is_timed_on_its_own_stream_and_not_on_the_first_one_s(monkeypatch):
    recorded = []

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self, stream=None):
            recorded.append(stream)

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: f"the stream of {device}")
    Stopwatch(torch.device("cuda", 1)).stop()
    assert recorded == ["the stream of cuda:1"] * 2


def test_a_fold_job_works_on_its_own_gpu_in_all_that_names_none(tiny_plan, runs_folder, monkeypatch):
    class Begun(Exception):
        pass

    def begin(device):
        raise Begun

    asked = []
    monkeypatch.setattr(train, "pick_device", lambda choice, slot: torch.device("cuda", slot))
    monkeypatch.setattr(torch.cuda, "set_device", asked.append)
    monkeypatch.setattr(train, "forget_peak", begin)  # the first that a GPU hears of the job
    run = create(tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info={}, folder=runs_folder)
    with pytest.raises(Begun):
        train.train_fold(run, 0, device_slot=1)
    assert asked == [torch.device("cuda", 1)]
    torch.use_deterministic_algorithms(False)
