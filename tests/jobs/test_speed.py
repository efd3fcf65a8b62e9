import json
import os
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock
from torchvision.models import get_model_weights

from core import machine
from core.config import from_dict
from core.config.parts import FoldsConfig
from core.jobs import queue, speed
from core.places import HOME, lab_folder, machine_folder
from core.storage import locks
from core.training import device

ENDLESS = """
import sys, threading, types
from pathlib import Path
from core.jobs import speed

sys.modules["core.training.device"] = types.SimpleNamespace(limit_threads=lambda count: None)  # which imports torch

def measure(config, should_stop):
    print("a step begins", flush=True)
    threading.Event().wait()

speed.measure = measure
sys.exit(speed.answer(0, Path(sys.argv[1])))
"""


def config(**settings):
    base = {"model": {"init": "scratch"}, "training": {"batch_size": 4, "device": "cpu"}}
    base["transforms"] = [{"name": "Resize", "params": {"height": 32, "width": 32}}, {"name": "Normalize"}]
    return from_dict({**base, **settings})


def test_what_was_measured_is_known_for_the_same_work_only(runs_folder):
    assert speed.known(config()) is None
    speed.remember(config(), 41.239)
    assert speed.known(config()) == 41.24
    assert speed.known(config(name="another", phases=[{"epochs": 1}])) == 41.24
    fast = config(training={"batch_size": 4, "device": "cpu", "speed": "fast"})
    assert speed.known(fast) == 41.24, "a processor has no other speed"
    for other in (
        config(model={"depth": 34, "init": "scratch"}),
        config(training={"batch_size": 8, "device": "cpu"}),
        config(training={"batch_size": 4, "device": "cpu", "precision": "float32"}),
        config(training={"batch_size": 4, "device": "auto"}),
        config(transforms=[{"name": "Resize"}, {"name": "Normalize"}]),
    ):
        assert speed.known(other) is None
    speed.remember(config(training={"batch_size": 8, "device": "cpu"}), 50)
    speed.remember(config(), 42)
    assert speed.known(config()) == 42
    assert sorted(os.listdir(machine_folder(runs_folder))) == ["speed.json", "speed.lock"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '{"x": "y"}', "\0"])
def test_a_mangled_table_is_forgotten(runs_folder, text):
    machine_folder(runs_folder).mkdir(parents=True)
    (machine_folder(runs_folder) / "speed.json").write_text(text)
    assert speed.known(config()) is None
    speed.remember(config(), 10)
    assert speed.known(config()) == 10


def test_a_figure_that_cannot_be_kept_stops_nobody(runs_folder, tmp_path):
    (tmp_path / "file").write_text("x")
    speed.remember(config(), 10, tmp_path / "file")
    assert speed.known(config(), tmp_path / "file") is None


def test_a_measurement_trains_for_real_at_the_speed_that_is_asked_for(monkeypatch):
    told, steps = [], []

    def compiled(model, speed, place):
        told.append(speed)
        return lambda images: steps.append(len(images)) or model(images)

    monkeypatch.setattr(device, "set_speed", told.append)
    monkeypatch.setattr(device, "compiled", compiled)
    training = {"batch_size": 4, "device": "cpu", "speed": "fast"}
    rate = speed.measure(config(training=training, model={"init": "scratch", "head": "factored"}), seconds=0.2)
    assert 0.1 < rate < 1e6
    assert told == ["fast", "fast"] and set(steps) == {4} and len(steps) >= 2, "the first step warms up"


@pytest.mark.long
def test_a_measurement_leaves_in_the_middle_of_a_step_when_its_line_is_closed(runs_folder):
    """However long a step takes: nobody has to wait for it after a click on Launch."""
    command = [sys.executable, "-c", ENDLESS, str(runs_folder)]
    with subprocess.Popen(command, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write(f"{json.dumps(config().model_dump(mode='json'))}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "a step begins\n"
        process.stdin.close()
        assert process.stdout.read() == f"{speed.Outcome.TRAINING.value[1]}\n"
    assert process.returncode == speed.Outcome.TRAINING.value[0]
    assert speed.known(config()) is None
    assert not locks.is_held(machine_folder(runs_folder) / "measure.lock")


@pytest.mark.parametrize(
    ("others", "threads", "cores", "quiet"),
    [
        (0.0, 2, 2, True),
        (0.4, 2, 2, True),
        (1.0, 2, 2, False),
        (1.0, 1, 2, True),
        (1.5, 1, 2, False),
        (9.0, 4, 16, True),
    ],
)
def test_other_programs_matter_where_they_take_cores_that_a_slot_needs(others, threads, cores, quiet):
    assert speed.leaves(others, threads, cores) is quiet


def test_what_others_take_is_what_this_process_and_its_children_do_not(monkeypatch):
    spent = {"machine": 100.0, "own": 10.0, "clock": 0.0}
    monkeypatch.setattr(speed, "_busy_seconds", lambda: spent["machine"])
    monkeypatch.setattr(speed, "_own_seconds", lambda: spent["own"])
    monkeypatch.setattr(speed.time, "monotonic", lambda: spent["clock"])
    beside = speed.Beside()
    spent |= {"machine": 120.0, "own": 25.0, "clock": 10.0}
    assert beside.cores() == pytest.approx(0.5)


def test_what_is_niced_counts_beside_a_process_that_is_niced_itself(monkeypatch):
    spent = namedtuple("Spent", "user nice system")(10.0, 4.0, 1.0)
    monkeypatch.setattr(speed.psutil, "cpu_times", lambda: spent)
    for own, busy in ((0, 11.0), (10, 15.0)):
        monkeypatch.setattr(speed.psutil.Process, "nice", lambda self, own=own: own)
        assert speed._busy_seconds() == busy


def test_a_process_counts_its_own_time():
    before = speed._own_seconds()
    sum(range(3_000_000))
    assert before < speed._own_seconds() <= speed._busy_seconds()


def test_a_speed_beside_other_work_is_not_remembered(runs_folder, monkeypatch):
    monkeypatch.setattr(device, "limit_threads", lambda threads: None)
    monkeypatch.setattr(speed, "measure", lambda config, should_stop: 30.0)
    monkeypatch.setattr(speed.Beside, "cores", lambda self: machine.processors())
    assert speed.measure_when_free(config(), runs_folder) is speed.Outcome.BUSY
    assert speed.known(config()) is None


@pytest.mark.parametrize("depth", list(speed.GIGA_MULTIPLY_ADDS))
def test_multiply_adds_are_torchvisions(depth):
    theirs = get_model_weights(f"resnet{depth}").IMAGENET1K_V1.meta["_ops"]
    assert speed.GIGA_MULTIPLY_ADDS[depth] == pytest.approx(theirs, abs=0.001)


def test_a_network_that_was_never_measured_is_reckoned_from_the_one_nearest_to_it(runs_folder):
    resize = {"name": "Resize", "params": {"height": 64, "width": 64}}
    larger = config(transforms=[resize, {"name": "Normalize"}])
    assert speed.reckoned(larger) is None
    speed.remember(config(), 400)
    assert speed.reckoned(larger) == pytest.approx(100)  # four times the pixels
    huge = {"name": "Resize", "params": {"height": 512, "width": 512}}
    speed.remember(config(transforms=[huge, {"name": "Normalize"}]), 1000)
    assert speed.reckoned(larger) == pytest.approx(100), "the other one is further away"
    deeper = speed.reckoned(config(model={"depth": 34, "init": "scratch"}))
    assert deeper == pytest.approx(400 * 1.814 / 3.664)
    assert speed.reckoned(config(training={"batch_size": 4, "device": "cpu", "precision": "float32"})) is None


def test_a_figure_holds_for_the_threads_of_a_slot(runs_folder, monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: 8)
    speed.remember(config(), 80)
    monkeypatch.setenv("FACET_SLOTS", "4")
    assert queue.threads_of_a_slot(runs_folder) == 2 and speed.known(config()) is None
    used = []
    monkeypatch.setattr(device, "limit_threads", used.append)
    monkeypatch.setattr(speed, "measure", lambda config, should_stop: 30.0)
    monkeypatch.setattr(speed.Beside, "cores", lambda self: 0.0)
    assert speed.measure_when_free(config(), runs_folder) is speed.Outcome.MEASURED
    assert used == [2] and speed.known(config()) == 30
    monkeypatch.setenv("FACET_SLOTS", "1")
    assert speed.known(config()) == 80


def test_folds_beside_each_other_take_as_many_rounds_as_they_need(tiny_plan):
    alone = speed.estimate_seconds(tiny_plan, 10.0)
    assert speed.estimate_seconds(tiny_plan, 10.0, 2) == speed.estimate_seconds(tiny_plan, 10.0, 8) == alone / 2
    folds = {
        "config": tiny_plan.config.model_copy(update={"folds": FoldsConfig(count=3)}),
        "samples": tiny_plan.samples.assign(fold=np.arange(len(tiny_plan.samples)) % 3),
    }
    three = replace(tiny_plan, **folds)
    assert speed.estimate_seconds(three, 10.0, 2) == pytest.approx(speed.estimate_seconds(three, 10.0) * 2 / 3)


def test_an_estimate_counts_every_image_of_every_fold(tiny_plan):
    trained, validated = 24 * 1 * 4, 24 * 4  # two folds: each trains on half, four epochs
    assert speed.estimate_seconds(tiny_plan, 10.0) == pytest.approx((trained + validated / 3) / 10 + 5.0 * 2)
    assert speed.estimate_seconds(tiny_plan, 5.0) > speed.estimate_seconds(tiny_plan, 10.0)


FROZEN = {"epochs": 10, "lr_backbone": 0, "frozen_norm": True}
FLIPPED = [{"name": "Resize"}, {"name": "HorizontalFlip"}, {"name": "Normalize"}]


@pytest.mark.parametrize(
    ("settings", "photos", "trained", "held_out"),
    [
        ({"phases": [{"epochs": 10}]}, 24, 10, 10 / 3),
        ({"phases": [{"epochs": 10, "lr_backbone": 0}]}, 24, 10 / 3, 10 / 3),
        ({"phases": [FROZEN]}, 24, 1 / 3, 1 / 3),
        ({"phases": [FROZEN]}, 2_000_000, 10 / 3, 10 / 3),  # too many to hold what it sees of them
        ({"phases": [FROZEN, {"epochs": 5}]}, 24, 1 / 3 + 5, 1 / 3 + 5 / 3),
        ({"phases": [FROZEN], "mix": {"method": "mixup"}}, 24, 10 / 3, 1 / 3),
        ({"phases": [FROZEN], "transforms": FLIPPED}, 24, 10 / 3, 1 / 3),
    ],
)
def test_a_phase_that_trains_its_head_alone_takes_the_time_of_what_it_computes(settings, photos, trained, held_out):
    phases = speed.phases_of(config(**settings), photos)
    assert speed.passes(phases) == pytest.approx((trained, held_out))
    one = (photos * 2 / 3 * trained + photos / 3 * held_out) / 10 + 5
    assert speed.estimate_of(config(**settings, folds={"count": 3}), photos, 10.0) == pytest.approx(3 * one)


def test_nothing_is_measured_while_a_slot_trains_or_another_measurement_runs(runs_folder, monkeypatch):
    monkeypatch.setattr(speed, "measure", lambda config, should_stop: pytest.fail("it measured"))
    monkeypatch.setenv("FACET_SLOTS", "2")  # the other one is free: a figure from there would be of half a machine
    _, slot = queue.take_slot(runs_folder)
    assert speed.measure_when_free(config(), runs_folder) is speed.Outcome.TRAINING
    slot.release()
    with FileLock(machine_folder(runs_folder) / "measure.lock"):
        assert speed.measure_when_free(config(), runs_folder) is speed.Outcome.MEASURING
    assert speed.known(config()) is None


def test_a_measurement_gives_way_to_a_training_that_is_queued(runs_folder, monkeypatch):
    looks = []

    def entries(folder, *, by_itself):
        looks.append(folder)
        return iter([("entry", "run", 0)] if len(looks) > 1 else [])

    monkeypatch.setattr(queue, "entries", entries)
    assert speed.measure_when_free(config(), runs_folder) is speed.Outcome.TRAINING
    assert len(looks) == 2
    assert speed.known(config()) is None


def test_figures_are_of_one_machine_and_those_of_before_still_count(runs_folder, monkeypatch):
    lab_folder(runs_folder).mkdir()
    (lab_folder(runs_folder) / "speed.json").write_text(json.dumps({speed._key(config(), runs_folder): 30.0}))
    assert speed.known(config()) == 30
    speed.remember(config(), 40)
    assert speed.known(config()) == 40
    monkeypatch.setattr(machine, "name", lambda: "another")
    assert speed.known(config()) == 30


def test_figures_are_of_one_device(runs_folder, monkeypatch):
    auto = config(training={"batch_size": 4, "device": "auto"})
    speed.remember(auto, 40)
    monkeypatch.setattr(speed.gpus, "names", lambda root: ["NVIDIA L4"])
    assert speed.known(auto) is None
    speed.remember(auto, 400)
    assert speed.known(auto) == 400
    assert speed.known(config(training={"batch_size": 4, "device": "auto", "speed": "fast"})) is None
    monkeypatch.setattr(speed.gpus, "names", lambda root: ["NVIDIA H100"])
    assert speed.known(auto) is None


def test_a_figure_of_version_0_1_on_a_machine_with_a_gpu_still_counts(runs_folder, monkeypatch):
    auto = config(training={"batch_size": 4, "device": "auto"})
    monkeypatch.setattr(speed.gpus, "names", lambda root: ["NVIDIA L4"])
    threads = queue.threads_of_a_slot(runs_folder)
    lab_folder(runs_folder).mkdir()
    old = {f"resnet18 32x32 batch 4 auto auto {threads} threads": 300.0}
    (lab_folder(runs_folder) / "speed.json").write_text(json.dumps(old))
    assert speed.known(auto) == 300
    speed.remember(auto, 400)
    assert speed.known(auto) == 400


def test_runs_that_share_a_network_ask_once(runs_folder, monkeypatch):
    asked, real = [], speed.known
    monkeypatch.setattr(speed, "known", lambda config, folder=None: asked.append(config) or real(config, folder))
    speed.remember(config(), 41)
    rate = speed.known_once()
    assert [rate(config(name=f"run {i}", phases=[{"epochs": i + 1}])) for i in range(50)] == [41] * 50
    assert rate(config(training={"batch_size": 8, "device": "cpu"})) is None
    assert len(asked) == 2
