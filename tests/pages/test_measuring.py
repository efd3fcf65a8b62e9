"""How the launch form measures the speed of networks: one after another, the heavy ones only when somebody asks."""

import pytest

from core.config import RunConfig, from_dict, recipes
from core.jobs import gpus, speed
from core.jobs.processes import ready
from pages.parts.launch import measuring
from pages.parts.launch.measuring import State

QUICK = recipes.load_recipe("quick")


def network(depth: int = 18, batch: int = 32, speed: str = "exact") -> RunConfig:
    data = QUICK.model_dump(mode="json")
    data["model"]["depth"], data["training"]["batch_size"], data["training"]["speed"] = depth, batch, speed
    return from_dict(data)


LIGHT, OTHER, HEAVY = network(18), network(34), network(152, batch=4096)


class Machine:
    """Stands in for the measurements of this machine. begun: in their order."""

    def __init__(self):
        self.speeds, self.begun, self.now, self.broken = {}, [], 0.0, False
        self.stopped = 0

    def known(self, config, folder=None):
        return self.speeds.get(speed.step_of(config))

    def start(self, config, folder=None):
        if self.broken:
            raise OSError("no process could be started")
        self.begun.append(config)

    def stops(self, root):
        self.stopped += 1

    def ends(self, images_per_second=100.0):
        self.speeds[speed.step_of(self.begun[-1])] = images_per_second


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(speed, "known", machine.known)
    monkeypatch.setattr(speed, "start_measuring", machine.start)
    monkeypatch.setattr(ready, "stop_measuring", machine.stops)
    monkeypatch.setattr(measuring.time, "monotonic", lambda: machine.now)
    monkeypatch.setattr(measuring.st, "session_state", {})
    return machine


def state(machine, config):
    return measuring.state_of(config, machine.known(config))


def test_light_networks_are_measured_by_themselves_one_after_another(machine):
    assert state(machine, LIGHT) is State.WAITING
    assert measuring.proceed([LIGHT, OTHER])
    assert (state(machine, LIGHT), state(machine, OTHER)) == (State.MEASURING, State.WAITING)
    assert measuring.proceed([LIGHT, OTHER]) and machine.begun == [LIGHT], "one at a time"
    machine.ends()
    assert state(machine, LIGHT) is State.KNOWN
    assert measuring.proceed([LIGHT, OTHER]) and machine.begun == [LIGHT, OTHER]
    machine.ends()
    assert not measuring.proceed([LIGHT, OTHER])


def test_a_network_is_measured_at_each_speed_that_runs_ask_for(machine):
    fast = network(18, speed="fast")
    measuring.proceed([LIGHT, fast])
    machine.ends()
    assert state(machine, fast) is State.WAITING
    assert measuring.proceed([LIGHT, fast]) and machine.begun == [LIGHT, fast]


def test_what_a_gpu_compiles_first_is_measured_when_somebody_asks_and_may_take_minutes(machine, monkeypatch):
    fast = network(18, speed="fast")
    monkeypatch.setattr(gpus, "names", lambda root: ["NVIDIA T4"])
    assert (state(machine, fast), state(machine, LIGHT)) == (State.REFUSED, State.WAITING)
    measuring.ask([fast])
    assert measuring.proceed([fast])
    machine.now += measuring.PATIENCE
    assert state(machine, fast) is State.MEASURING
    machine.now += measuring.COMPILING
    assert state(machine, fast) is State.REFUSED
    on_a_processor = fast.model_copy(update={"training": fast.training.model_copy(update={"device": "cpu"})})
    assert state(machine, on_a_processor) is State.WAITING


def test_a_heavy_network_is_measured_when_somebody_asks(machine):
    assert state(machine, HEAVY) is State.REFUSED
    assert not measuring.proceed([HEAVY])
    measuring.ask([HEAVY])
    assert state(machine, HEAVY) is State.WAITING
    assert measuring.proceed([HEAVY]) and machine.begun == [HEAVY]


def test_networks_that_somebody_asks_for_wait_for_the_one_that_is_measured(machine):
    measuring.proceed([LIGHT])
    measuring.ask([LIGHT, HEAVY])
    assert (state(machine, LIGHT), state(machine, HEAVY)) == (State.MEASURING, State.WAITING)
    assert measuring.proceed([HEAVY]) and machine.begun == [LIGHT], "another form's network counts too"
    machine.ends()
    assert measuring.proceed([HEAVY]) and machine.begun == [LIGHT, HEAVY]


def test_a_known_speed_is_measured_again_until_it_is_another_one(machine):
    machine.speeds[speed.step_of(LIGHT)] = 90.0
    assert not measuring.proceed([LIGHT])
    measuring.ask([LIGHT])
    assert measuring.proceed([LIGHT])
    assert state(machine, LIGHT) is State.MEASURING
    machine.ends(110.0)
    assert state(machine, LIGHT) is State.KNOWN


@pytest.mark.parametrize("broken", [False, True])
def test_what_was_measured_in_vain_is_not_tried_again_unasked(machine, broken):
    machine.broken = broken
    measuring.proceed([LIGHT])
    machine.now += 0 if broken else measuring.PATIENCE
    assert state(machine, LIGHT) is State.REFUSED
    assert not measuring.proceed([LIGHT])
    machine.broken = False
    measuring.ask([LIGHT])
    assert measuring.proceed([LIGHT])
    assert state(machine, LIGHT) is State.MEASURING


def test_runs_that_share_a_network_have_it_measured_once(machine):
    seeds = [LIGHT.model_copy(update={"name": f"seed {seed}"}) for seed in range(3)]
    measuring.ask(seeds)
    assert measuring.proceed(seeds)
    machine.ends()
    assert not measuring.proceed(seeds)
    assert len(machine.begun) == 1


def test_a_click_on_launch_ends_what_is_measured_and_what_is_not_launched_is_measured_anew(machine):
    measuring.proceed([LIGHT])
    measuring.give_way()
    assert machine.stopped == 1 and not measuring.is_under_way()
    assert state(machine, LIGHT) is State.WAITING
    assert measuring.proceed([LIGHT]) and machine.begun == [LIGHT, LIGHT]
    machine.ends()
    measuring.give_way()
    assert state(machine, LIGHT) is State.KNOWN and not measuring.proceed([LIGHT])
