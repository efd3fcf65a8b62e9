"""Several processes change one file at the same moment: nothing that one of them wrote is lost, or told wrongly."""

import os
import signal
from functools import partial
from unittest.mock import patch

import pytest

from core.compare import cost
from core.config import recipes
from core.config.run_config import DataConfig
from core.data import recent
from core.data.labels import corrections, reviews
from core.data.labels.corrections import Correction
from core.errors import LabError
from core.jobs import slots, speed
from core.places import lab_folder, machine_folder
from core.runs import FoldState, Run, notes
from core.runs.create import create
from core.storage import files, locks, machine_settings
from core.studies import record_file
from tests.workers import FORKS, PATIENCE, until

PROCESSES, TIMES = 4, 3  # 12 changes: a run carries no more tags, and the list of recent datasets is no longer
ID = "20260101-000000-at-once-abcd"


@pytest.fixture
def run(tiny_plan, runs_folder):
    made = create(tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info={}, run_id=ID)
    for fold in made.folds():
        made.write_state(FoldState(fold, "done"))
    return made


def tag(root, number):
    notes.change_notes(Run(ID, root), add=[f"tag {number}"])


def fact(root, number):
    Run(ID, root).update_info(**{f"fact {number}": number})


def rate(root, number):
    config = Run(ID, root).config()
    training = config.training.model_copy(update={"batch_size": number + 1})
    speed.remember(config.model_copy(update={"training": training}), 1.0, root)


def network(root, number):
    with patch.object(cost, "_count", lambda *sizes: cost.Size(1, 2)):
        cost.size_of(Run(ID, root).config(), [f"class {i}" for i in range(number + 2)], root)


def dataset(root, number):
    place = root / "datasets" / str(number)
    place.mkdir(parents=True, exist_ok=True)
    recent.remember(DataConfig(root=str(place)), reader="folders", people=1, photos=1, folder=root)


def review(root, number):
    reviews.confirm(root / "data", f"photo {number}.jpg", "red", root)


def correction(root, number):
    corrections.add(root / "data", Correction(kind="exclude-photo", sample=f"photo {number}.jpg", person="p"), root)


CHANGES = {
    "tags": (tag, lambda root: notes.read_notes(Run(ID, root)).tags),
    "run.json": (fact, lambda root: [key for key in Run(ID, root).info() if key.startswith("fact ")]),
    "speeds": (rate, lambda root: files.read_json(machine_folder(root) / "speed.json")),
    "costs": (network, lambda root: files.read_json(lab_folder(root) / "costs.json")),
    "recent datasets": (dataset, recent.recent),
    "reviews": (review, lambda root: reviews.load(root / "data", root)),
    "corrections": (correction, lambda root: corrections.load(root / "data", root)),
}


def _change_often(change, root, numbers):
    """A lock is waited for as long as it takes: on a busy machine those who hold it before may need seconds."""
    os.environ |= {"FACET_RUNS": str(root), "FACET_SLOTS": "1"}
    lock_of = locks.lock
    locks.lock = lambda path, timeout=-1: lock_of(path, PATIENCE)
    (root / f".ready{numbers[0]}").touch()
    until((root / ".go").exists, "all are ready")
    for number in numbers:
        change(root, number)


@pytest.mark.parametrize("what", CHANGES)
def test_what_several_processes_write_at_once_is_all_there(run, runs_folder, what):
    change, written = CHANGES[what]
    shares = [list(range(first, PROCESSES * TIMES, PROCESSES)) for first in range(PROCESSES)]
    processes = [FORKS.Process(target=_change_often, args=(change, runs_folder, share)) for share in shares]
    for process in processes:
        process.start()
    until(lambda: len(list(runs_folder.glob(".ready*"))) == PROCESSES, "all are ready")
    (runs_folder / ".go").touch()
    for process in processes:
        process.join(PATIENCE)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    assert len(written(runs_folder)) == PROCESSES * TIMES


def test_a_setting_that_somebody_else_writes_meanwhile_stays(runs_folder):
    def other(settings):
        slots.check(1, None)  # what a page would do with what it read
        return {**(settings or {}), "other": 1}

    slots.write(runs_folder, slots.Slots(3, 2))
    files.change_json(machine_settings.settings_file(runs_folder), "the lab's settings", other)
    slots.write(runs_folder, slots.Slots(2, None))
    written = files.read_json(machine_settings.settings_file(runs_folder))
    assert written == {"cpu_slots": 2, "threads_per_slot": None, "other": 1}


def _hold(path, ready):
    lock = locks.lock(path)
    lock.acquire()
    ready.touch()
    signal.pause()


@pytest.fixture
def held_elsewhere(runs_folder, monkeypatch):
    """held_elsewhere(path): another process has the lock at this path; whoever waits for it gives up at once."""
    started = []

    def hold(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        ready = runs_folder / ".ready"
        started.append(FORKS.Process(target=_hold, args=(path, ready)))
        started[-1].start()
        until(ready.exists, "it is held")
        made = locks.lock
        monkeypatch.setattr(locks, "lock", lambda path, timeout=-1: made(path, 0.05))
        return started[-1]

    yield hold
    for process in started:
        process.kill()
        process.join(PATIENCE)


def _save_recipe(run):
    recipes.save_recipe("mine", run.config())


LOCKED = {
    "tags": (lambda root: root / ID / "summary.lock", lambda run: notes.change_notes(run, add=["new"])),
    "state": (lambda root: root / ID / "summary.lock", lambda run: run.write_state(FoldState(0, "done"))),
    "facts": (lambda root: root / ID / "summary.lock", lambda run: run.update_info(fact=1)),
    "reviews": (
        lambda root: reviews.file(root / "data", root).with_suffix(".lock"),
        lambda run: review(run.dir.parent, 1),
    ),
    "corrections": (
        lambda root: corrections.file(root / "data", root).with_suffix(".lock"),
        lambda run: correction(run.dir.parent, 1),
    ),
    "settings": (
        lambda root: machine_settings.settings_file(root).with_suffix(".lock"),
        lambda run: slots.write(run.dir.parent, slots.Slots(1)),
    ),
    "studies": (
        lambda root: record_file.folder_of(root) / ".lock",
        lambda run: record_file.change(ID, run.dir.parent, lambda record: record),
    ),
    "recipes": (lambda root: lab_folder(root) / "recipes" / ".lock", _save_recipe),
}


@pytest.mark.parametrize("what", LOCKED)
def test_a_lock_that_cannot_be_had_in_time_is_told_in_words(run, runs_folder, held_elsewhere, what):
    path, change = LOCKED[what]
    held_elsewhere(path(runs_folder))
    with pytest.raises(LabError) as caught:
        change(run)
    assert caught.value.kind == "locked"
    assert "is being written by another process" in caught.value.message and "None" not in str(caught.value)
    assert caught.value.remedy == "Try again in a moment."


@pytest.mark.parametrize("change", [partial(rate, number=1), partial(network, number=1), partial(dataset, number=1)])
def test_a_courtesy_that_cannot_be_written_is_left_out(run, runs_folder, held_elsewhere, change):
    file = {
        "rate": machine_folder(runs_folder) / "speed.json",
        "network": lab_folder(runs_folder) / "costs.json",
        "dataset": lab_folder(runs_folder) / "recent.json",
    }[change.func.__name__]
    file.parent.mkdir(parents=True, exist_ok=True)
    holder = held_elsewhere(file.with_suffix(".lock"))
    change(runs_folder)
    assert not file.exists()
    holder.kill()
    holder.join(PATIENCE)
    change(runs_folder)
    assert file.exists()  # it was the lock that left it out


def test_a_recipe_that_two_save_under_one_name_is_saved_once(run, runs_folder):
    answers = runs_folder / "answers"
    answers.mkdir()
    processes = [FORKS.Process(target=_save_mine, args=(runs_folder, number)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    until(lambda: len(list(runs_folder.glob(".ready*"))) == PROCESSES, "all are ready")
    (runs_folder / ".go").touch()
    for process in processes:
        process.join(PATIENCE)
    outcomes = sorted(path.read_text() for path in answers.iterdir())
    assert outcomes == ["exists"] * (PROCESSES - 1) + ["saved"]


def _save_mine(root, number):
    os.environ["FACET_RUNS"] = str(root)
    (root / f".ready{number}").touch()
    until((root / ".go").exists, "all are ready", every=0.001)
    try:
        recipes.save_recipe("mine", Run(ID, root).config())
        answer = "saved"
    except LabError as error:
        answer = error.kind
    (root / "answers" / str(number)).write_text(answer)
