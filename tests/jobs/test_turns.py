"""The queue goes round by person, each in their own order, and keeps to a number at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import places
from core.jobs import control, queue, turns, worker
from core.runs import FoldState
from tests.pages.trials import make_run


@pytest.fixture
def lines(runs_folder):
    """lines("aab") -> runs of a, a and b, queued in that order with the folds that are given."""

    def make(whose, folds=1):
        runs = []
        for place, person in enumerate(whose):
            info = {} if person == "-" else {"by": person}
            run = make_run(runs_folder, f"{place}", ("queued",) * max(2, folds), info=info)
            queue.enqueue(run, list(range(folds)))
            runs.append(run)
        return runs

    return make


def claimed(root, count):
    """The runs whose jobs are claimed next, each ended at once, and named by their place."""
    names = []
    for _ in range(count):
        run, fold, lock, entry = worker.claim(root)
        run.write_state(FoldState(fold, "done"))
        entry.unlink()
        lock.release()
        names.append(run.config().name)
    return " ".join(names)


def allow(root, each):
    places.lab_file(root).parent.mkdir(parents=True, exist_ok=True)
    places.lab_file(root).write_text(f"[queue]\neach = {each}\n")


def test_persons_take_turns_and_keep_their_own_order(lines, runs_folder):
    lines("aaaabbc")
    assert [run_id[16] for _, run_id, _ in queue.entries(runs_folder)] == list("0461523")
    assert claimed(runs_folder, 7) == "0 4 6 1 5 2 3"


def test_who_had_a_turn_last_waits_for_who_came_meanwhile(lines, runs_folder):
    lines("aaa")
    assert claimed(runs_folder, 1) == "0"
    lines("bb")
    assert claimed(runs_folder, 4) == "0 1 1 2"


@pytest.mark.parametrize("whose", ["aaaa", "-a-a", "----"])
def test_one_person_waits_in_the_order_in_which_the_jobs_came(lines, runs_folder, whose):
    """Also beside runs of an older lab, of which nobody knows whose they are."""
    runs = lines(whose, folds=2)
    expected = [(run.id, fold) for run in runs for fold in (0, 1)]
    assert [entry[1:] for entry in queue.entries(runs_folder)] == expected == control.waiting(runs_folder)


def test_an_order_that_was_changed_by_hand_holds_within_ones_own(lines, runs_folder):
    a0, a1, b2, a3 = lines("aaba")
    queue.reorder(runs_folder, [a3.id, a1.id, a0.id])
    assert [run_id for _, run_id, _ in queue.entries(runs_folder)] == [a3.id, b2.id, a1.id, a0.id]


def test_what_is_held_back_takes_no_turn(lines, runs_folder):
    a0, a1, b2 = lines("aab")
    queue.hold(runs_folder, "pause", [b2.id])
    assert [run_id for _, run_id, _ in queue.entries(runs_folder)] == [a0.id, a1.id]


@pytest.mark.parametrize("content", ["", "[]", '{"a": "x"}', '{"a": 1e999}'])
def test_turns_that_are_garbage_are_counted_anew(lines, runs_folder, content):
    lines("aabb")
    (places.lab_folder(runs_folder) / "turns.json").write_text(content)
    assert claimed(runs_folder, 4) == "0 2 1 3"


def test_a_person_trains_no_more_at_a_time_than_lab_toml_says(lines, runs_folder):
    allow(runs_folder, 2)
    lines("ab", folds=3)
    held = []
    while (job := worker.claim(runs_folder)) is not None:
        held.append(job)
    assert [(run.config().name, fold) for run, fold, _, _ in held] == [("0", 0), ("1", 0), ("0", 1), ("1", 1)]
    assert not list(queue.entries(runs_folder)) and len(control.waiting(runs_folder)) == 6
    run, fold, lock, entry = held.pop(0)
    run.write_state(FoldState(fold, "running"))  # as a worker does once it has begun
    entry.unlink()
    assert worker.claim(runs_folder) is None, "what has begun is counted, too"
    run.write_state(FoldState(fold, "done"))
    lock.release()
    held.append(worker.claim(runs_folder))
    assert held[-1][:2] == (run, 2)
    for _, _, lock, _ in held:
        lock.release()


def test_no_worker_is_started_for_what_may_not_begin(lines, runs_folder, monkeypatch):
    monkeypatch.setenv("FACET_SLOTS", "4")
    allow(runs_folder, 1)
    started = []
    monkeypatch.setattr(control, "start_worker", started.append)
    lines("a", folds=3)
    _, _, lock, _ = worker.claim(runs_folder)
    control.ensure_workers(runs_folder)
    assert started == []
    lock.release()
    control.ensure_workers(runs_folder)
    assert len(started) == 1


def test_runs_of_nobody_are_kept_to_no_number(lines, runs_folder):
    allow(runs_folder, 1)
    lines("-", folds=3)
    assert len(list(queue.entries(runs_folder))) == 3


def test_a_lab_file_that_is_broken_keeps_nothing_from_training(lines, runs_folder):
    allow(runs_folder, '"many"')
    lines("a", folds=2)
    assert len(list(queue.entries(runs_folder))) == 2


@given(st.lists(st.sampled_from("ab-"), max_size=8), st.lists(st.sampled_from("abcd-"), max_size=12))
def test_going_round_is_fair_and_loses_nothing(before, whose):
    """Whatever came before: each person's jobs stay in order, and nobody is served twice while another waits."""
    jobs = [(None, person, number) for number, person in enumerate(whose)]
    last = {person: turn for turn, person in enumerate(before, 1)}
    arranged = turns.in_turn(jobs, lambda run_id: run_id.strip("-"), last)
    assert sorted(arranged, key=lambda job: job[2]) == jobs
    for person in set(whose):
        own = [number for _, run_id, number in arranged if run_id == person]
        assert own == sorted(own)
    if len(set(whose) - {"-"}) > 1:
        for place in range(len(arranged)):
            served = [run_id for _, run_id, _ in arranged[:place]]
            waiting = {run_id for _, run_id, _ in arranged[place:]}
            turns_had = [served.count(person) for person in waiting]
            assert not waiting or max(turns_had) - min(turns_had) <= 1
    else:
        assert arranged == jobs
