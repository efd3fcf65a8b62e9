"""How many fold jobs train at a time: settings of the lab, FACET_SLOTS over them."""

import pytest

from core import queue, slots
from core.errors import LabError
from core.slots import Slots


@pytest.fixture(autouse=True)
def cpu(monkeypatch):
    monkeypatch.delenv("FACET_SLOTS", raising=False)
    monkeypatch.setattr(queue, "gpu_count", lambda: 0)


def test_without_settings_there_is_one_slot(tmp_path):
    assert slots.read(tmp_path) == Slots(slots.DEFAULT_SLOTS)
    assert len(queue.slot_locks(tmp_path)) == slots.DEFAULT_SLOTS


def test_what_is_written_is_read_and_other_settings_stay(tmp_path):
    slots.settings_file(tmp_path).parent.mkdir()
    slots.settings_file(tmp_path).write_text('{"other": 1}')
    slots.write(tmp_path, Slots(3, 2))
    assert slots.read(tmp_path) == Slots(3, 2)
    assert '"other": 1' in slots.settings_file(tmp_path).read_text()
    assert len(queue.slot_locks(tmp_path)) == 3


def test_the_environment_wins(tmp_path, monkeypatch):
    slots.write(tmp_path, Slots(3, 2))
    monkeypatch.setenv("FACET_SLOTS", "5")
    assert slots.read(tmp_path) == Slots(5, 2)
    assert len(queue.slot_locks(tmp_path)) == 5


@pytest.mark.parametrize("text", ["{", "[]", '{"cpu_slots": 0}', '{"cpu_slots": "two"}', '{"cpu_slots": true}'])
def test_damaged_settings_are_the_default(tmp_path, text):
    slots.settings_file(tmp_path).parent.mkdir()
    slots.settings_file(tmp_path).write_text(text)
    assert slots.read(tmp_path) == Slots()


@pytest.mark.parametrize(("count", "threads"), [(0, None), (65, None), (1, 0), ("2", None), (True, None)])
def test_what_cannot_be_is_refused_by_name(tmp_path, count, threads):
    with pytest.raises(LabError, match="must be a whole number from 1 to 64"):
        slots.write(tmp_path, Slots(count, threads))


def test_cores_are_shared_unless_threads_are_set(monkeypatch):
    monkeypatch.setattr(slots, "cores", lambda: 8)
    assert [Slots(1).threads_each(), Slots(3).threads_each(), Slots(16).threads_each()] == [8, 2, 1]
    assert Slots(2, 1).threads_each() == 1
