"""How many fold jobs train at a time: settings of the lab, FACET_SLOTS over them."""

import pytest

from core import machine
from core.errors import LabError
from core.jobs import queue, slots
from core.jobs.slots import Slots
from core.places import lab_folder
from core.storage import files, machine_settings
from tests.closed import close


@pytest.fixture(autouse=True)
def cpu(monkeypatch):
    monkeypatch.delenv("FACET_SLOTS", raising=False)
    monkeypatch.setattr(queue, "gpu_count", lambda runs=None: 0)


@pytest.mark.parametrize(("cores", "memory", "count"), [(1, 64e9, 1), (2, 8e9, 1), (2, 16e9, 2), (32, 64e9, 2)])
def test_without_settings_there_are_two_slots_where_they_have_room(tmp_path, monkeypatch, cores, memory, count):
    monkeypatch.setattr(machine, "cores", lambda: cores)
    monkeypatch.setattr(machine, "memory", lambda: memory)
    assert slots.read(tmp_path) == Slots() == Slots(count)
    assert len(queue.slot_locks(tmp_path)) == count
    assert queue.threads_of_a_slot(tmp_path) == cores // count


def test_what_is_written_is_read_and_other_settings_stay(tmp_path):
    machine_settings.settings_file(tmp_path).parent.mkdir(parents=True)
    machine_settings.settings_file(tmp_path).write_text('{"other": 1}')
    slots.write(tmp_path, Slots(3, 2))
    assert slots.read(tmp_path) == Slots(3, 2)
    assert '"other": 1' in machine_settings.settings_file(tmp_path).read_text()
    assert len(queue.slot_locks(tmp_path)) == 3


def test_the_environment_wins_and_leaves_the_setting_what_it_is(tmp_path, monkeypatch):
    slots.write(tmp_path, Slots(3, 2))
    monkeypatch.setenv("FACET_SLOTS", "5")
    assert slots.read(tmp_path) == Slots(3, 2)
    assert len(queue.slot_locks(tmp_path)) == 5


def test_the_default_is_worked_out_only_where_no_setting_says_it(tmp_path, monkeypatch):
    slots.write(tmp_path, Slots(3, 2))
    monkeypatch.setattr(slots, "default_count", lambda: pytest.fail("it was worked out"))
    assert slots.read(tmp_path) == Slots(3, 2)


@pytest.mark.parametrize("text", ["{", "[]", '{"cpu_slots": 0}', '{"cpu_slots": "two"}', '{"cpu_slots": true}'])
def test_damaged_settings_are_the_default(tmp_path, text):
    machine_settings.settings_file(tmp_path).parent.mkdir(parents=True)
    machine_settings.settings_file(tmp_path).write_text(text)
    assert slots.read(tmp_path) == Slots()


@pytest.mark.parametrize(("count", "threads"), [(0, None), (65, None), (1, 0), ("2", None), (True, None)])
def test_what_cannot_be_is_refused_by_name(tmp_path, count, threads):
    with pytest.raises(LabError, match="must be a whole number from 1 to 64"):
        slots.write(tmp_path, Slots(count, threads))


def test_cores_are_shared_unless_threads_are_set(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: 8)
    for setting, threads in ((Slots(1), 8), (Slots(3), 2), (Slots(16), 1), (Slots(2, 1), 1)):
        slots.write(tmp_path, setting)
        assert queue.threads_of_a_slot(tmp_path) == threads


def test_settings_are_of_one_machine_and_those_of_before_still_count(tmp_path, monkeypatch):
    """Several machines may share a runs folder."""
    lab_folder(tmp_path).mkdir()
    (lab_folder(tmp_path) / "settings.json").write_text('{"cpu_slots": 3, "other": 1}')
    assert slots.read(tmp_path) == Slots(3)
    slots.write(tmp_path, Slots(5))
    assert slots.read(tmp_path) == Slots(5)
    assert '"other": 1' in machine_settings.settings_file(tmp_path).read_text()
    monkeypatch.setattr(machine, "name", lambda: "another")
    assert slots.read(tmp_path) == Slots(3)


def test_settings_of_before_are_not_hidden_while_they_cannot_be_read(tmp_path, monkeypatch):
    older = lab_folder(tmp_path) / "settings.json"
    older.parent.mkdir()
    files.write_json(older, {"cpu_slots": 3, "other": 1})
    with monkeypatch.context() as patch:
        close(patch, older)
        with pytest.raises(LabError, match=rf"{older} cannot be read: Permission denied") as caught:
            slots.write(tmp_path, Slots(5))
        assert (caught.value.kind, caught.value.remedy) == ("unreadable", files.CHECK)
    slots.write(tmp_path, Slots(5))
    assert machine_settings.read(tmp_path)["other"] == 1 and slots.read(tmp_path) == Slots(5)


def test_slots_are_of_one_machine(tmp_path, monkeypatch):
    slots.write(tmp_path, Slots(1))
    _, lock = queue.take_slot(tmp_path)
    try:
        assert queue.free_slots(tmp_path) == 0
        monkeypatch.setattr(machine, "name", lambda: "another")
        slots.write(tmp_path, Slots(1))
        assert queue.free_slots(tmp_path) == 1
    finally:
        lock.release()


def test_looking_for_free_slots_makes_no_folder(tmp_path):
    """Whoever may only read can look."""
    assert queue.free_slots(tmp_path) == queue.slot_count(tmp_path)
    assert list(tmp_path.iterdir()) == []
