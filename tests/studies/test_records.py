"""Promises of launched studies: one click one study, nothing lost when cut off, pause and order, shared folds."""

import contextlib
import dataclasses
import hashlib
import itertools
import json
import os

import pytest

from core.data.scan import scan
from core.errors import LabError
from core.jobs import control, halt, queue
from core.plan import again
from core.plan.plan import make_plan
from core.runs import FoldState, Run
from core.runs.create import create
from core.runs.lists.summaries import summaries
from core.storage import files
from core.studies import grid, healing, record_file, records, stops
from core.studies.grid import StudyConfig
from tests.closed import close
from tests.workers import FORKS, PATIENCE, small_net, with_changes

TINY = {"folds.count": 2, "phases.0.epochs": 1, "training.batch_size": 8}


@pytest.fixture
def seeds(tiny_plan):
    """(study, plans, scan): three runs that differ in their seed."""
    scanned = scan(tiny_plan.config.data)
    study_config = StudyConfig(name="seeds", recipe="quick", grid={"training.seed": [0, 1, 2]})
    plans = [with_changes(tiny_plan, training__seed=seed, name=f"seeds seed={seed}") for seed in (0, 1, 2)]
    return study_config, plans, scanned


def order(root):
    return list(dict.fromkeys(run_id for _, run_id, _ in queue.entries(root)))


def test_a_double_click_launches_one_study(seeds, workers):
    study_config, plans, _ = seeds
    first = records.launch(study_config, plans, study_id="20260101-000000-seeds-abcd")
    with pytest.raises(LabError, match="exists already") as error:
        records.launch(study_config, plans, study_id=first.id)
    assert error.value.kind == "exists"
    assert [s.id for s in record_file.all_studies()] == [first.id]
    assert sorted(s["id"] for s in summaries()) == sorted(first.run_ids)
    assert {s["study"] for s in summaries()} == {first.id}


def test_runs_whose_names_make_the_same_letters_are_each_launched(seeds, workers, runs_folder):
    """Four digits of a hash are the same for two of them now and then: here for the first two, and for another run."""
    _, plans, _ = seeds
    plans = [with_changes(plan, name=name) for plan, name in zip(plans, ("얼굴", "나이", "성별"), strict=True)]
    study_id = next(
        found
        for found in (f"20260101-000000-s-{digits:04x}" for digits in itertools.count())
        if digits_of(found, 0) == digits_of(found, 1)
    )
    other = control.launch(plans[0], f"20260101-000000-run-{digits_of(study_id, 2)}")
    launched = records.launch_plans("names", "", plans, study_id)
    assert len({other.id, *launched.run_ids}) == 4
    assert {s["id"]: s["study"] for s in summaries()} == {other.id: None} | dict.fromkeys(launched.run_ids, study_id)
    assert [Run(run_id).config().name for run_id in launched.run_ids] == ["얼굴", "나이", "성별"]


def digits_of(study_id, index):
    return hashlib.sha256(f"{study_id}\n{index}".encode()).hexdigest()[:4]


def test_a_launch_that_was_cut_off_is_completed_on_the_same_folds(seeds, workers, monkeypatch):
    study_config, plans, _ = seeds
    whole, launched = control.launch, []

    def dies(plan, *args, **kwargs):
        if len(launched) == 1:
            raise KeyboardInterrupt
        launched.append(plan)
        return whole(plan, *args, **kwargs)

    monkeypatch.setattr(control, "launch", dies)
    with pytest.raises(KeyboardInterrupt):
        records.launch(study_config, plans)
    monkeypatch.setattr(control, "launch", whole)
    (cut,) = record_file.all_studies()
    assert len(cut.runs) == 3 and len(records.missing(cut)) == 2
    records.launch_missing(cut)
    assert not records.missing(cut)
    splits = [Run(run_id).samples().set_index("person")["fold"].to_dict() for run_id in cut.run_ids]
    assert splits[0] == splits[1] == splits[2]
    assert order(workers.root) == cut.run_ids


def test_a_launch_goes_on_where_the_records_go_out_of_reach_half_way(seeds, workers, monkeypatch):
    study_config, plans, _ = seeds
    whole, launched = control.launch, []

    def out_of_reach(plan, *args, **kwargs):
        launched.append(plan)
        if len(launched) == 3:
            raise LabError("It is refused.")
        run = whole(plan, *args, **kwargs)
        if len(launched) == 1:
            close(patch, record_file.folder_of(workers.root))
        return run

    with monkeypatch.context() as patch:
        patch.setattr(control, "launch", out_of_reach)
        made = records.launch(study_config, plans)
        assert made.refused == {made.run_ids[2]: "It is refused."}
    (kept,) = record_file.all_studies()
    assert kept.run_ids == made.run_ids and order(workers.root) == made.run_ids[:2]
    assert [member.id for member in records.missing(kept)] == made.run_ids[2:], "which can be launched then"


def test_a_launch_reads_the_record_no_more_often_for_more_runs(seeds, workers, monkeypatch):
    study_config, plans, _ = seeds
    whole, read = records.record_file._read, []
    monkeypatch.setattr(records.record_file, "_read", lambda path: read.append(path) or whole(path))
    records.launch(study_config, plans[:1])
    once = len(read)
    records.launch(study_config, plans)
    assert len(read) == 2 * once


def test_one_run_that_is_refused_does_not_stop_the_others(seeds, workers, monkeypatch):
    study_config, plans, _ = seeds
    whole = control.launch

    def refuses(plan, *args, **kwargs):
        if plan is plans[1]:
            raise LabError("disk full: no room.", "Free some space.", kind="disk-full")
        return whole(plan, *args, **kwargs)

    monkeypatch.setattr(control, "launch", refuses)
    made = records.launch(study_config, plans)
    assert made.refused == {made.run_ids[1]: "disk full: no room. Free some space."}
    assert records.load(made.id) == made
    assert [run.id for run in records.present(made)] == [made.run_ids[0], made.run_ids[2]]


def test_paused_nothing_begins_and_resumed_all_of_it_ends(seeds, workers):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans[:2])
    paused = records.pause(made)
    assert paused.paused and records.load(made.id).paused
    assert order(workers.root) == [] and workers.run(small_net) == 0
    assert {s["state"] for s in summaries()} == {"queued"}
    assert queue.held_runs(workers.root) == set(made.run_ids)
    healing.look_after()
    assert order(workers.root) == [], "looking after what was lost queues nothing of a paused study"
    back, refused = records.go_on(paused)
    assert not back.paused and refused == [] and order(workers.root) == made.run_ids
    assert workers.run(small_net) == 0
    assert {s["state"] for s in summaries()} == {"done"}


def test_the_end_of_a_pause_takes_up_nothing_that_was_stopped(seeds, workers):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans)
    cancelled, diverged, third = records.present(made)
    control.cancel(cancelled)
    diverged.write_state(FoldState(0, "failed", kind="diverged"))
    queue.remove(diverged, [0])
    back, refused = records.go_on(records.pause(made))
    assert not back.paused and refused == []
    assert order(workers.root) == [diverged.id, third.id]
    assert [state.state for state in cancelled.states()] == ["cancelled", "cancelled"]
    assert [state.state for state in diverged.states()] == ["failed", "queued"]


def test_stopped_folds_that_are_taken_up_in_a_paused_study_wait_with_the_others(seeds, workers):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans)
    for run in records.present(made)[:2]:
        control.cancel(run)
    paused, refused = records.resume(records.pause(made), run_ids=made.run_ids[:1])
    assert paused.paused and refused == [] and order(workers.root) == []
    states = {run.id: {state.state for state in run.states()} for run in records.present(made)}
    assert [states[run_id] for run_id in made.run_ids] == [{"queued"}, {"cancelled"}, {"queued"}]
    records.go_on(paused)
    assert order(workers.root) == [made.run_ids[0], made.run_ids[2]]


def test_in_a_paused_study_nothing_that_is_taken_up_begins_nor_a_queue_that_was_stopped(seeds, workers):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans)
    paused, first = records.pause(made), Run(made.run_ids[0])
    control.resume(first)  # by name, as on its own page; then somebody stops it
    control.cancel(first)
    halt.stop(workers.root, "three fold jobs in a row broke.", "Look at the last one.")
    paused, refused = records.resume(paused, run_ids=[first.id])
    assert paused.paused and not refused and {state.state for state in first.states()} == {"queued"}
    assert order(workers.root) == [] and first.id in queue.held_runs(workers.root)
    assert halt.stopped(workers.root) is not None
    records.go_on(paused)
    assert first.id in order(workers.root) and halt.stopped(workers.root) is None


def in_another_process(root, code, study_id):
    """Run a line on `study` (its record as that process reads it) in another process, as another page would."""
    env = {**os.environ, "FACET_RUNS": str(root)}
    process = FORKS.Process(target=_on_a_study, args=(env, code, study_id))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == 0


def _on_a_study(env, code, study_id):
    os.environ.clear()
    os.environ.update(env)
    exec(code, {"records": records, "study": records.load(study_id)})


@pytest.fixture
def once_made(workers, monkeypatch):
    """once_made(number, code): when so many runs of a launch are made, another process does something to the study;
    before the first for 0.
    """

    def arrange(number, code):
        original, made = create, []

        def act_after(count):
            if count == number:
                (record,) = record_file.all_studies()
                in_another_process(workers.root, code, record.id)

        def creates(*args, **kwargs):
            if not made:
                act_after(0)
            made.append(run := original(*args, **kwargs))
            act_after(len(made))  # made, and not in the queue yet
            return run

        monkeypatch.setattr(control, "create", creates)

    return arrange


def all_states(root):
    return {fold["state"] for summary in summaries(root) for fold in summary["folds"]}


@pytest.mark.fault(41)
def test_a_pause_in_the_middle_of_a_launch_holds_what_is_still_to_be_made(seeds, workers, once_made):
    study_config, plans, _ = seeds
    once_made(2, "records.pause(study)")
    made = records.launch(study_config, plans)
    assert made.paused and len(records.present(made)) == 3
    healing.look_after()
    assert order(workers.root) == [] and workers.run(small_net) == 0
    assert all_states(workers.root) == {"queued"}, "nothing of it trains"
    records.go_on(made)
    assert order(workers.root) == made.run_ids


@pytest.mark.fault(41)
def test_a_paused_study_that_is_deleted_does_not_train_and_its_runs_go_on_by_hand(seeds, workers):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans[:2])
    first, second = records.present(made)
    first.write_state(FoldState(0, "done"))
    queue.remove(first, [0])
    record = records.delete(records.pause(made))
    healing.look_after()
    assert order(workers.root) == [] and workers.run(small_net) == 0
    assert [state.state for state in first.states()] == ["done", "cancelled"]
    assert {(state.state, state.reason) for state in second.states()} == {("cancelled", stops.DELETED)}
    assert queue.held_runs(workers.root) == set()
    records.put_back(record)
    assert record.paused and records.load(made.id) == made, "it is paused no more: what waited is cancelled"
    records.move(made, made.run_ids[0], 1)
    records.put_back(record)
    assert records.load(made.id).run_ids == made.run_ids[::-1], "put back once; what was changed since stays"
    assert control.resume(second) == [0, 1]
    assert workers.run(small_net) == 0
    assert {state.state for state in second.states()} == {"done"} and first.fold_state(1).state == "cancelled"


@pytest.mark.fault(41)
def test_a_study_paused_and_deleted_in_the_middle_of_its_launch_does_not_train(seeds, workers, once_made):
    study_config, plans, _ = seeds
    once_made(2, "records.pause(study); records.delete(study)")
    made = records.launch(study_config, plans)
    assert record_file.all_studies() == []
    assert [run.id for run in records.present(made)] == made.run_ids[:2], "no further run is made"
    healing.look_after()
    assert order(workers.root) == [] and workers.run(small_net) == 0
    assert all_states(workers.root) == {"cancelled"}
    assert queue.held_runs(workers.root) == set()


def test_a_study_cancelled_in_the_middle_of_its_launch_stops_and_is_completed_when_asked(seeds, workers, once_made):
    study_config, plans, _ = seeds
    once_made(2, "records.cancel(study)")
    made = records.launch(study_config, plans)
    assert [member.id for member in records.missing(made)] == made.run_ids[2:]
    assert order(workers.root) == [] and all_states(workers.root) == {"cancelled"}
    completed = records.launch_missing(made)
    assert order(workers.root) == made.run_ids[2:] and completed.cancelled is None, "its end is told again"


def test_a_missing_run_and_one_that_joins_begin_with_the_weights_of_the_others(seeds, workers, tmp_path, monkeypatch):
    study_config, plans, scanned = seeds
    monkeypatch.setattr("core.network.weights._misfit", lambda *seen: None)
    first = tmp_path / "first.pth"
    first.write_bytes(b"as it was")
    made = records.launch(study_config, [with_changes(plan, model__init=f"file:{first}") for plan in plans[:2]])
    Run(made.run_ids[1]).delete()
    first.write_bytes(b"as it is ")
    after = records.launch_missing(made)
    assert f"has changed since {made.run_ids[0]} was launched" in after.refused[made.run_ids[1]]
    with pytest.raises(LabError, match=f"has changed since {made.run_ids[0]} was launched") as refused:
        records.add(made, with_changes(plans[2], model__init=f"file:{first}"), scanned)
    assert "of a study: the whole study" in refused.value.remedy, "one of its runs launched anew would not be of it"
    assert records.load(made.id).run_ids == made.run_ids
    other = first.rename(tmp_path / "other.pth")
    assert records.add(made, with_changes(plans[2], model__init=f"file:{other}"), scanned), "on purpose"


@pytest.mark.parametrize("number", [0, 1])
def test_a_run_that_is_just_joining_a_study_that_is_cancelled_stops_with_it(seeds, workers, once_made, number):
    study_config, plans, scanned = seeds
    made = records.launch(study_config, plans[:1])
    once_made(number, "records.cancel(study)")
    late = records.add(made, plans[1], scanned)
    assert order(workers.root) == [] and all_states(workers.root) == {"cancelled"}
    assert control.resume(late) == [0, 1], "as any run that was cancelled"


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("paused", [False, True])
def test_a_run_that_is_just_joining_a_study_that_is_paused_and_deleted_does_not_train_and_is_not_held(
    seeds, workers, once_made, number, paused
):
    study_config, plans, scanned = seeds
    made = records.launch(study_config, plans[:1])
    if paused:
        made = records.pause(made)
    once_made(number, "records.delete(study)" if paused else "records.pause(study); records.delete(study)")
    late = records.add(made, plans[1], scanned)
    healing.look_after()
    assert order(workers.root) == [] and workers.run(small_net) == 0
    assert all_states(workers.root) == {"cancelled"}
    assert queue.held_runs(workers.root) == set() and not queue.is_holding(workers.root, made.id)
    assert {state.reason for state in late.states()} == {stops.DELETED}


def fold_of(run):
    return run.samples().set_index("person")["fold"].to_dict()


@pytest.mark.parametrize("kept", [0, 1])
def test_missing_runs_are_launched_on_their_own_data_settings_and_the_same_folds(seeds, workers, kept):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans[:2])
    of_fewer = with_changes(plans[2], data__max_people=12, folds__seed=77).config
    fewer = scan(of_fewer.data)
    records.cancel(made)
    records.add(made, make_plan(of_fewer, fewer), fewer)
    members = records.present(records.load(made.id))
    before = [fold_of(run) for run in members]
    assert [len(folds) for folds in before] == [24, 24, 12]
    for run in members[kept:]:
        run.delete()
    records.launch_missing(made)
    assert [fold_of(run) for run in members] == before
    assert [run.config().data.max_people for run in members] == [None, None, 12]


def refuse():
    raise LabError("data: its folder is gone.")


def with_fewer_people(study):
    *others, last = study.runs
    config = {**last.config, "data": {**last.config["data"], "max_people": 12}}
    return dataclasses.replace(study, runs=[*others, dataclasses.replace(last, config=config)])


def test_of_the_missing_runs_some_are_launched_on_the_folds_of_all_even_where_none_is_left(seeds, workers, monkeypatch):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans)
    first, *others = records.present(made)
    before = fold_of(first)
    for run in (first, *others):
        run.delete()
    records.launch_missing(made, run_ids=[first.id])
    assert fold_of(first) == before and records.present(made) == [first]
    records.launch_missing(made, run_ids=[])
    assert records.present(made) == [first]
    first.delete()
    monkeypatch.setattr(again, "scan", lambda data: scan(data) if data.max_people != 12 else refuse())
    record_file.change(made.id, workers.root, with_fewer_people)  # of the last, whose data cannot be read any more
    with pytest.raises(LabError, match="its folder is gone"):
        records.launch_missing(made, run_ids=[others[-1].id])
    records.launch_missing(made, run_ids=[first.id])
    assert fold_of(first) == before and records.present(made) == [first]


def test_what_was_shown_as_missing_stands_on_the_folds_of_a_run_that_was_deleted_since(seeds, workers):
    """That one may come back from the trash."""
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans[:1])
    of_fewer = with_changes(plans[1], data__max_people=12, folds__seed=77).config
    fewer = scan(of_fewer.data)
    records.add(made, make_plan(of_fewer, fewer), fewer)
    everybody, some = records.present(records.load(made.id))
    before = fold_of(some)
    for run in (everybody, some):
        run.delete()
    records.launch_missing(made, run_ids=[some.id])
    assert fold_of(some) == before and not everybody.exists()


def test_missing_runs_of_a_paused_study_wait_with_the_others(seeds, workers):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans)
    lost = Run(made.run_ids[1])
    queue.remove(lost, lost.folds())
    lost.delete()
    records.pause(made)
    control.resume(Run(made.run_ids[2]))  # by name: it leaves the hold, and comes back to it when it is made anew
    Run(made.run_ids[2]).delete()
    made = records.launch_missing(made)
    assert not records.missing(made)
    healing.look_after()
    assert order(workers.root) == [] and workers.run(small_net) == 0
    assert all_states(workers.root) == {"queued"}
    records.go_on(made)
    assert order(workers.root) == made.run_ids


def test_one_run_of_a_paused_study_that_is_resumed_by_hand_trains_alone(seeds, workers):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans[:2])
    records.pause(made)
    assert control.resume(Run(made.run_ids[1])) == [0, 1]
    assert order(workers.root) == [made.run_ids[1]] and workers.run(small_net) == 0
    states = {summary["id"]: summary["state"] for summary in summaries()}
    assert [states[run_id] for run_id in made.run_ids] == ["queued", "done"]
    assert records.load(made.id).paused


def test_a_run_that_joins_a_paused_study_waits_with_it(seeds, workers):
    study_config, plans, scanned = seeds
    made = records.launch(study_config, plans[:1])
    records.pause(made)
    late = records.add(made, plans[1], scanned)
    assert order(workers.root) == [] and late.id in queue.held_runs(workers.root)
    records.go_on(made)
    assert order(workers.root) == [made.run_ids[0], late.id]


@pytest.mark.parametrize("paused", [False, True])
def test_a_run_that_is_refused_does_not_join_and_the_next_click_launches_it(seeds, workers, monkeypatch, paused):
    study_config, plans, scanned = seeds
    made = records.launch(study_config, plans[:1])
    if paused:
        made = records.pause(made)
        queue.let_go(Run(made.run_ids[0]))  # the pause holds nothing but what joins
    run_id, whole = "20260101-000000-late-0000", control.launch

    def refuses(*args, **kwargs):
        raise LabError("disk full: no room.", "Free some space.", kind="disk-full")

    monkeypatch.setattr(control, "launch", refuses)
    with pytest.raises(LabError, match="disk full"):
        records.add(made, plans[1], scanned, run_id=run_id)
    after = records.load(made.id)
    assert after.run_ids == made.run_ids and after.paused == paused and not records.missing(after)
    assert run_id not in queue.held_runs(workers.root)
    monkeypatch.setattr(control, "launch", whole)
    assert records.add(made, plans[1], scanned, run_id=run_id).id == run_id
    assert records.load(made.id).run_ids == [*made.run_ids, run_id]
    assert (run_id in queue.held_runs(workers.root)) == paused
    with pytest.raises(LabError, match="exists already") as error:
        records.add(made, plans[1], scanned, run_id=run_id)
    assert error.value.kind == "exists" and records.load(made.id).run_ids == [*made.run_ids, run_id]


def test_a_run_that_was_made_before_its_launch_failed_stays_in_the_study(seeds, workers, monkeypatch):
    study_config, plans, scanned = seeds
    made = records.launch(study_config, plans[:1])
    fails = lambda *args: (_ for _ in ()).throw(LabError("no room.", "Free some."))  # noqa: E731
    with monkeypatch.context() as until_then:
        until_then.setattr(queue, "enqueue", fails)
        with pytest.raises(LabError, match="no room"):
            records.add(made, plans[1], scanned)
        assert len(records.load(made.id).runs) == 1, "one that could not be queued was taken back"
    monkeypatch.setattr(control, "ensure_workers", fails)
    with pytest.raises(LabError, match="no room"):
        records.add(made, plans[1], scanned)
    after = records.load(made.id)
    assert len(after.runs) == 2 and not records.missing(after)


def test_a_run_that_was_cut_off_while_it_joined_is_launched_by_the_next_click(seeds, workers, monkeypatch):
    study_config, plans, scanned = seeds
    made = records.launch(study_config, plans[:1])
    run_id, whole = "20260101-000000-late-0000", control.launch

    def dies(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(control, "launch", dies)
    with pytest.raises(KeyboardInterrupt):
        records.add(made, plans[1], scanned, run_id=run_id)
    assert [member.id for member in records.missing(records.load(made.id))] == [run_id]
    monkeypatch.setattr(control, "launch", whole)
    records.add(made, plans[1], scanned, run_id=run_id)
    assert records.load(made.id).run_ids == [*made.run_ids, run_id] and Run(run_id).exists()


@pytest.mark.parametrize("then", ["look", "move", "delete", "resume"])
def test_a_study_that_version_0_1_paused_stays_paused(seeds, workers, then):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans[:2])
    path = records.folder_of(workers.root) / f"{made.id}.json"
    path.write_text(json.dumps({**files.read_json(path), "paused": True}))
    for run in records.present(made):
        queue.remove(run, run.folds())  # as its pause did
    old = records.load(made.id)
    assert old.paused
    if then == "move":
        old = records.move(old, old.run_ids[1], -1)
    if then == "delete":
        records.delete(old)
    if then == "resume":
        records.go_on(old)
        assert order(workers.root) == made.run_ids and not records.load(made.id).paused
        return
    healing.look_after()
    assert order(workers.root) == [] and workers.run(small_net) == 0
    assert all_states(workers.root) == {"cancelled" if then == "delete" else "queued"}
    if then != "delete":
        assert records.load(made.id).paused
        records.go_on(old)
        assert order(workers.root) == old.run_ids


def test_changes_to_a_study_that_another_page_read_before_lose_nothing(seeds, workers, monkeypatch):
    study_config, plans, scanned = seeds
    read = records.launch(study_config, plans[:2])
    added = records.add(read, plans[2], scanned).id
    records.move(read, read.run_ids[1], -1)
    assert records.load(read.id).run_ids == [read.run_ids[1], read.run_ids[0], added]
    records.pause(read)
    records.move(read, added, -1)
    assert records.load(read.id).paused
    with pytest.raises(LabError, match="not in study"):
        records.move(read, "20200101-000000-none-0000", 1)


def test_a_refusal_that_another_launch_wrote_meanwhile_stays(seeds, workers, monkeypatch):
    study_config, plans, _ = seeds
    whole = control.launch
    note = "from dataclasses import replace; records.record_file.change(study.id, records.runs_folder(), "
    note += "lambda record: replace(record, refused={'20200101-000000-other-0000': 'why'}))"

    def refuses(plan, *args, **kwargs):
        if plan is plans[1]:
            in_another_process(workers.root, note, kwargs["study"])
            raise LabError("disk full: no room.", "Free some space.", kind="disk-full")
        return whole(plan, *args, **kwargs)

    monkeypatch.setattr(control, "launch", refuses)
    made = records.launch(study_config, plans)
    assert made.refused.keys() == {made.run_ids[1], "20200101-000000-other-0000"}


def test_a_run_that_is_moved_to_the_front_is_trained_first(seeds, workers, tiny_plan):
    study_config, plans, _ = seeds
    other = control.launch(with_changes(tiny_plan, name="other"))
    made = records.launch(study_config, plans)
    moved = records.move(made, made.run_ids[2], -2)
    assert moved.run_ids == [made.run_ids[i] for i in (2, 0, 1)]
    assert order(workers.root) == [other.id, *moved.run_ids], "a run outside the study keeps its place"
    assert [fold for _, run_id, fold in queue.entries(workers.root) if run_id == moved.run_ids[0]] == [0, 1]
    later = records.move(moved, moved.run_ids[0], 1)
    assert order(workers.root) == [other.id, *later.run_ids] and later.run_ids[1] == made.run_ids[2]


def test_cancelled_all_runs_stop_and_keep_what_they_have(seeds, workers):
    study_config, plans, _ = seeds
    made = records.cancel(records.pause(records.launch(study_config, plans)))
    assert {s["state"] for s in summaries()} == {"cancelled"}
    assert order(workers.root) == [] and not made.paused


@pytest.mark.parametrize("killed", [True, False])
def test_a_page_that_looks_while_a_study_is_cancelled_lets_none_of_it_train(seeds, workers, monkeypatch, killed):
    study_config, plans, _ = seeds
    made, stop = records.launch(study_config, plans), control.stop

    def stops(run):
        if killed:
            raise KeyboardInterrupt
        healing.look_after()
        assert order(workers.root) == []
        stop(run)

    monkeypatch.setattr(control, "stop", stops)
    with pytest.raises(KeyboardInterrupt) if killed else contextlib.nullcontext():
        records.cancel(made)
    healing.look_after()
    assert order(workers.root) == [] and all_states(workers.root) == {"cancelled"}
    monkeypatch.setattr(control, "stop", stop)
    records.resume(made)
    assert order(workers.root) == made.run_ids


def test_a_run_that_joins_follows_the_folds_of_the_study(seeds, workers, tiny_plan):
    study_config, plans, scanned = seeds
    made = records.launch(study_config, plans[:1])
    config = tiny_plan.config.model_copy(
        update={"folds": tiny_plan.config.folds.model_copy(update={"seed": 77}), "name": "late"}
    )
    late = make_plan(config, scanned)
    run = records.add(made, late, scanned)
    split = [r.samples().set_index("person")["fold"].to_dict() for r in (Run(made.run_ids[0]), run)]
    assert split[0] == split[1] != late.samples.set_index("person")["fold"].to_dict()
    assert records.load(made.id).run_ids == [made.run_ids[0], run.id]
    assert run.info()["study"] == made.id
    more = config.model_copy(update={"folds": config.folds.model_copy(update={"count": 3})})
    with pytest.raises(LabError, match="has 2 folds, this run 3"):
        records.add(made, make_plan(more, scanned), scanned)


def test_a_damaged_record_is_named_and_hides_no_other(seeds, workers):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans[:1])
    bad = records.folder_of(workers.root) / "20200101-000000-bad-0000.json"
    bad.write_text('{"id": 3')
    listed, (fault,) = record_file.listed()
    assert [s.id for s in listed] == [made.id] and bad.stem in fault.message
    with pytest.raises(LabError, match=r"20200101-000000-bad-0000.*cannot be read"):
        records.load(bad.stem)
    with pytest.raises(LabError, match="is gone"):
        records.load("20200101-000000-none-0000")
    with pytest.raises(LabError, match="not a run id"):
        records.load("../../etc/passwd")


def test_only_a_damaged_record_is_said_to_be_deleted_and_that_one_where_it_lies(seeds, workers, monkeypatch):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans[:1])
    path = records.folder_of(workers.root) / f"{made.id}.json"
    with monkeypatch.context() as patch:
        close(patch, path)
        with pytest.raises(LabError, match=r"its record cannot be read \(Permission denied\)") as caught:
            records.load(made.id)
    assert caught.value.remedy == files.CHECK
    with monkeypatch.context() as patch:
        close(patch, path.parent)
        (fault,) = record_file.listed()[1]
        assert fault.message == f"Studies cannot be looked for in {path.parent} (Permission denied)."
        assert record_file.exists(made.id)
        with pytest.raises(LabError, match=r"its record cannot be read \(Permission denied\)"):
            records.load(made.id)
        draws = iter([made.id] * 100)  # no more, else a launch that never ends
        patch.setattr(records, "new_id", lambda name: next(draws))
        with pytest.raises(LabError, match=f"{path.parent} cannot be written: Permission denied.") as caught:
            records.launch(study_config, plans[:1])
    assert caught.value.remedy == files.CHECK
    path.write_text("{")
    with pytest.raises(LabError, match="its record cannot be read") as caught:
        records.load(made.id)
    assert caught.value.remedy == f"Delete {path}; the runs themselves are whole."


def test_a_deleted_record_leaves_the_runs(seeds, workers):
    study_config, plans, _ = seeds
    made = records.launch(study_config, plans[:1])
    records.delete(made)
    assert record_file.all_studies() == [] and Run(made.run_ids[0]).exists() and records.delete(made) is None
    assert grid.ASK_ABOVE == 24


def test_folds_that_a_killed_lab_left_out_of_the_queue_are_queued_again(tiny_plan, workers, monkeypatch):
    whole = queue.enqueue

    def dies(run, folds):
        whole(run, folds[:1])
        raise KeyboardInterrupt

    monkeypatch.setattr(queue, "enqueue", dies)
    with pytest.raises(KeyboardInterrupt):
        control.launch(tiny_plan)
    monkeypatch.setattr(queue, "enqueue", whole)
    (summary,) = summaries()
    assert control.waiting() == [(summary["id"], 0)]
    healing.look_after()
    assert sorted(control.waiting()) == [(summary["id"], 0), (summary["id"], 1)]
    healing.look_after()
    assert len(control.waiting()) == 2
    control.cancel(Run(summary["id"]))
    healing.look_after()
    assert control.waiting() == []
