"""What a real GPU says of itself while a fold trains on it, and that it is the GPU that torch trains on."""

import os
import subprocess
import sys

import pytest
import torch

from core.places import HOME
from core.runs.create import create
from core.runs.use import used
from core.training import train
from core.training.device import card_of
from core.training.gauges import gauge as gauges
from core.training.gauges.gauge import Gauge
from core.training.gauges.nvidia import Card, Nvml
from tests.workers import until


@pytest.fixture
def nvml():
    opened = Nvml()
    yield opened
    opened.close()


def test_what_is_looked_at_is_torch_s_own_gpu(nvml):
    for index in range(torch.cuda.device_count()):
        told, card = torch.cuda.get_device_properties(index), card_of(torch.device("cuda", index))
        meter = nvml.meter(card)
        assert meter.uuid().split("-", 1)[1] == str(told.uuid) == card.uuid
        assert meter.name() == told.name
        if card.bus:  # which not every version of torch tells
            assert meter.bus().lower() == card.bus.lower()


def test_it_is_found_by_its_place_alone_too(nvml):
    card = card_of(torch.device("cuda", 0))
    if not card.bus:
        pytest.skip("this torch does not tell where a GPU is")
    assert nvml.meter(Card("", card.bus)).uuid() == nvml.meter(Card(card.uuid)).uuid()


CODE = """
import torch
from core.training.device import card_of
from core.training.gauges.nvidia import Nvml
print(Nvml().meter(card_of(torch.device("cuda", 0))).uuid())
"""


def test_a_choice_of_gpus_does_not_mislead_it():
    """The last of the machine's GPUs, chosen by its uuid, is torch's first in that process."""
    uuid = f"GPU-{torch.cuda.get_device_properties(torch.cuda.device_count() - 1).uuid}"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": uuid}
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=HOME, env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.stdout.strip() == uuid, done.stderr


def test_a_gpu_tells_use_memory_and_temperature_and_computes_when_it_does(gpu):
    sentences = []
    with Gauge(card_of(gpu), sentences.append, period=0.1) as gauge:
        held = torch.ones(256, 1024, 1024, device=gpu)  # 1 GB
        factor = torch.ones(4096, 4096, device=gpu)

        def is_seen_at_work():
            for _ in range(50):
                factor @ factor
            torch.cuda.synchronize()
            return gauge.latest.get("gpu", 0) > 0

        until(is_seen_at_work, "the GPU says that it computes")
        reading = gauge.latest
    assert 0 < reading["gpu"] <= 100 and 10 < reading["temperature"] < 120, reading
    assert held.numel() * 4 < reading["gpu_memory"] <= reading["gpu_memory_total"]
    total = torch.cuda.get_device_properties(gpu).total_memory
    assert reading["gpu_memory_total"] == pytest.approx(total, rel=0.05)
    assert sentences == []


def test_a_fold_on_a_gpu_keeps_what_it_used(plan, runs_folder, network, gpu, monkeypatch):
    monkeypatch.setattr(gauges, "PERIOD", 0.02)
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=runs_folder)
    assert train.train_fold(run, 0)
    record = used.of_folds(run.info())[0]
    assert 0 <= record["gpu"]["mean"] <= record["gpu"]["peak"] <= 100
    assert 0 < record["gpu_memory"]["mean"] <= record["gpu_memory"]["peak"] <= record["gpu_memory_total"]
    assert record["temperature"]["peak"] > 0 and record["cpu"]["peak"] > 0 and record["held"]["peak"] > 0
    assert run.info()["peak_memory"] <= record["gpu_memory"]["peak"]
    assert "not told" not in run.log_tail()
