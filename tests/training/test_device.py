"""What a fold job says about the memory that it took."""

import multiprocessing
import subprocess
import sys

import pytest
import torch

from bench import train as bench_train
from core.runs.create import create
from core.training import fold_trainer
from core.training.device import forget_peak

CODE = """
import numpy as np, torch
from core.training.device import forget_peak, peak_memory
device = torch.device("cpu")
large = np.ones(40_000_000)  # 320 MB
before = peak_memory(device)
del large
forget_peak(device)
after = peak_memory(device)
assert before - after > 200e6, (before, after)
held = np.ones(10_000_000)  # 80 MB
assert peak_memory(device) - after > 60e6 and len(held), (after, peak_memory(device))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the peak of a process anew")
def test_the_peak_is_of_this_job_not_of_the_one_before():
    """In a process of its own: what other tests left free in this one would be used first."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


MAPPED = """
import sys
import numpy as np, torch
from core.training.device import forget_peak, peak_memory
device = torch.device("cpu")
forget_peak(device)
before = peak_memory(device)
mapped = np.memmap(sys.argv[1], dtype=np.uint8, mode="r")
assert int(mapped[::4096].sum()) == 0  # every page of it is in this process now
assert peak_memory(device) - before < 30e6, (before, peak_memory(device))
held = np.ones(10_000_000)  # 80 MB
assert peak_memory(device) - before > 60e6 and len(held), (before, peak_memory(device))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what is mapped")
def test_decoded_photos_that_are_mapped_from_a_file_are_no_memory_of_the_training(tmp_path):
    pixels = tmp_path / "pixels"
    with open(pixels, "wb") as stream:
        stream.truncate(150_000_000)
    done = subprocess.run([sys.executable, "-c", MAPPED, str(pixels)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


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
