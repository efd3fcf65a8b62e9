"""Looks beside a fold: they end with it, change nothing of it, and stop nothing where a driver fails."""

import os
import subprocess
import sys
import threading

import pandas as pd
import pynvml
import pytest
import torch

from core import machine
from core.runs.create import create
from core.runs.use import used
from core.training import checkpoint, device, train
from core.training.gauges import gauge as gauges
from core.training.gauges.gauge import Family, Gauge
from core.training.gauges.nvidia import MISSING, Card
from tests.training.gauges.stand_in import Chip
from tests.workers import assert_same_tensors, until

UUID = "aaaaaaaa-0000-0000-0000-aaaaaaaaaaaa"
CPU = torch.device("cpu")


def gauge_threads():
    return [thread for thread in threading.enumerate() if thread.name == "gauge"]


def frozen(plan, folder):
    return create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)


@pytest.fixture
def card(monkeypatch):
    """The CPU, taken for a GPU of NVIDIA's."""
    monkeypatch.setattr(train, "card_of", lambda device: Card(UUID))
    return Card(UUID)


def test_it_looks_until_its_block_ends(nvml):
    module, sentences = nvml(Chip("GPU-" + UUID)), []
    with Gauge(Card(UUID), sentences.append, period=0.001) as gauge:
        until(lambda: gauge.totals.record().get("gpu", {}).get("looks", 0) >= 3, "three looks")
        assert gauge.latest["gpu"] == 87 and gauge.latest["temperature"] == 64
        assert gauge.latest["held"] > 1e6 and gauge.latest["cores"] == machine.cores()
    assert not gauge_threads() and module.calls[-1] == "nvmlShutdown" and sentences == []


def test_a_fold_that_ends_before_the_first_look_is_looked_at_once(nvml):
    nvml(Chip("GPU-" + UUID))
    with Gauge(Card(UUID), print, period=3600) as gauge:
        pass
    record = gauge.totals.record()
    assert record["gpu"] == {"mean": 87, "peak": 87, "looks": 1} and record["gpu_memory_total"] == 80e9


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        (
            {"nvmlInit": pynvml.NVML_ERROR_LIBRARY_NOT_FOUND},
            f"use, memory and temperature of the GPU are not told: {MISSING}.",
        ),
        (
            {"nvmlDeviceGetUtilizationRates": pynvml.NVML_ERROR_NOT_SUPPORTED},
            "not told by this driver: use of the GPU.",
        ),
    ],
)
def test_what_is_not_told_is_said_once_and_the_rest_is_looked_at(nvml, failing, sentence):
    nvml(Chip("GPU-" + UUID), fails=failing)
    sentences = []
    with Gauge(Card(UUID), sentences.append, period=0.001) as gauge:
        until(lambda: gauge.totals.record().get("held", {}).get("looks", 0) >= 3, "three looks")
    assert sentences == [sentence] and "gpu" not in gauge.totals.record()


def test_a_driver_that_breaks_is_told_of_and_stops_nothing(monkeypatch):
    sentences = []
    monkeypatch.setattr(gauges, "Nvml", lambda: 1 / 0)
    with Gauge(Card(UUID), sentences.append, period=0.001):
        pass
    assert len(sentences) == 1 and "ZeroDivisionError" in sentences[0] and not gauge_threads()


def test_a_driver_that_does_not_answer_is_not_waited_for(monkeypatch):
    answers = threading.Event()
    monkeypatch.setattr(gauges, "Nvml", answers.wait)
    monkeypatch.setattr(gauges, "PATIENCE", 0.01)
    with Gauge(Card(UUID), lambda words: None, period=0.001) as gauge:
        pass
    (thread,) = gauge_threads()
    assert thread.daemon and gauge.totals.record() == {}
    answers.set()
    thread.join(10)


BUSY = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nprint(flush=True); input()"


def test_a_family_computes_and_holds_with_those_that_it_started():
    family = Family()
    child = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        began, reading = family.asked, family.read()
        assert {os.getpid(), child.pid} <= family.members.keys()
        assert reading["cpu"] / 100 * machine.cores() * (family.asked - began) > 0.25  # told in ticks of 0.01
        own = machine.held_by(process for pid, (process, _) in family.members.items() if pid != child.pid)
        assert reading["held"] > own / 2 > 0
    finally:
        child.communicate(b"\n")
    family.read()
    assert child.pid not in family.members


def test_a_fold_tells_and_keeps_what_it_used(tiny_plan, runs_folder, network, one_thread, nvml, card, monkeypatch):
    nvml(Chip("GPU-" + UUID))
    monkeypatch.setattr(gauges, "PERIOD", 0.001)
    monkeypatch.setattr(train, "TICK", 0.0)
    run, rows = frozen(tiny_plan, runs_folder), []
    assert train.train_fold(run, 0, report=rows.append)
    readings = [row["use"] for row in rows if row["kind"] == "progress"]
    assert readings[-1]["gpu"] == 87 and readings[-1]["held"] > 1e6
    record = used.of_folds(run.info())[0]
    assert record["gpu"]["mean"] == record["gpu"]["peak"] == 87 and record["temperature"]["peak"] == 64
    assert record["gpu_memory_total"] == 80e9 and record["cpu"]["mean"] > 0 and record["held"]["peak"] > 1e6
    assert not gauge_threads()


def test_looks_change_no_bit_of_a_fold(tiny_plan, runs_folder, network, one_thread, nvml, card, monkeypatch):
    looked_at, alone = (frozen(tiny_plan, runs_folder) for _ in range(2))
    nvml(Chip("GPU-" + UUID))
    monkeypatch.setattr(gauges, "PERIOD", 0.0)
    assert train.train_fold(looked_at, 0)
    assert used.of_run(looked_at.info())["gpu"]["looks"] > 1
    monkeypatch.setattr(Gauge, "__enter__", lambda self: self)
    monkeypatch.setattr(Gauge, "__exit__", lambda *error: None)
    assert train.train_fold(alone, 0)
    assert used.KEY not in alone.info()
    assert_same_tensors(*(checkpoint.load_last(run.last_file(0), CPU) for run in (looked_at, alone)))
    pd.testing.assert_frame_equal(looked_at.predictions(0, "best"), alone.predictions(0, "best"), check_exact=True)


def test_a_fold_without_nvml_trains_and_says_so_once(tiny_plan, runs_folder, network, one_thread, nvml, card):
    nvml(fails={"nvmlInit": pynvml.NVML_ERROR_LIBRARY_NOT_FOUND})
    run = frozen(tiny_plan, runs_folder)
    assert train.train_fold(run, 0) and run.log_tail().count("are not told") == 1
    assert "held" in used.of_run(run.info())


def test_a_stopped_fold_that_goes_on_counts_both_parts(tiny_plan, runs_folder, network, one_thread, nvml, card):
    chip = Chip("GPU-" + UUID, use=10)
    nvml(chip)
    run, ended = frozen(tiny_plan, runs_folder), []
    train.train_fold(run, 0, report=lambda r: ended.append(r["kind"] == "epoch"), should_stop=lambda: sum(ended) >= 2)
    chip.use = 30
    assert train.train_fold(run, 0)
    assert used.of_folds(run.info())[0]["gpu"] == {"mean": 20, "peak": 30, "looks": 2}


def test_of_a_gpu_that_is_not_nvidia_s_the_log_says_so_once_and_of_a_cpu_nothing(tiny_plan, runs_folder):
    run = frozen(tiny_plan, runs_folder)
    assert train.gauge_of(run, 0, CPU).card is None and run.log_tail() == ""
    assert train.gauge_of(run, 0, torch.device("mps")).card is None
    assert run.log_tail().count("only NVIDIA's can be asked") == 1


def test_a_gpu_is_named_by_what_torch_tells_of_it(monkeypatch):
    tells = {"uuid": UUID, "pci_domain_id": 0, "pci_bus_id": 15, "pci_device_id": 0}
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: type("Told", (), tells))
    assert device.card_of(torch.device("cuda", 1)) == Card(UUID, "00000000:0F:00.0")
    assert device.card_of(CPU) is device.card_of(torch.device("mps")) is None
    tells.pop("pci_bus_id")
    assert device.card_of(torch.device("cuda", 1)) == Card(UUID)
    monkeypatch.setattr(torch.version, "hip", "6.4")
    assert device.card_of(torch.device("cuda", 0)) is None
