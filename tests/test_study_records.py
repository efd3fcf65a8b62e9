"""Promises of launched studies: one click one study, nothing lost when cut off, pause and order, shared folds."""

import pytest
from workers import small_net, with_changes

from core import healing, jobs, queue, runs, study, study_records
from core.data import scan
from core.errors import LabError
from core.runs import Run
from core.study import StudyConfig

TINY = {"folds.count": 2, "phases.0.epochs": 1, "training.batch_size": 8}


@pytest.fixture
def seeds(tiny_plan):
    """(study, plans, scan): three runs that differ in their seed."""
    found = scan(tiny_plan.config.data)
    wanted = StudyConfig(name="seeds", recipe="quick", grid={"training.seed": [0, 1, 2]})
    plans = [with_changes(tiny_plan, training__seed=seed, name=f"seeds seed={seed}") for seed in (0, 1, 2)]
    return wanted, plans, found


def order(root):
    return list(dict.fromkeys(run_id for _, run_id, _ in queue.entries(root)))


def test_a_double_click_launches_one_study(seeds, workers):
    wanted, plans, _ = seeds
    first = study_records.launch(wanted, plans, study_id="20260101-000000-seeds-abcd")
    with pytest.raises(LabError, match="exists already") as error:
        study_records.launch(wanted, plans, study_id=first.id)
    assert error.value.kind == "exists"
    assert [s.id for s in study_records.all_studies()] == [first.id]
    assert sorted(s["id"] for s in runs.summaries()) == sorted(first.run_ids)
    assert {s["study"] for s in runs.summaries()} == {first.id}


def test_a_launch_that_was_cut_off_is_completed_on_the_same_folds(seeds, workers, monkeypatch):
    wanted, plans, found = seeds
    whole, launched = jobs.launch, []

    def dies(plan, *args, **kwargs):
        if len(launched) == 1:
            raise KeyboardInterrupt
        launched.append(plan)
        return whole(plan, *args, **kwargs)

    monkeypatch.setattr(jobs, "launch", dies)
    with pytest.raises(KeyboardInterrupt):
        study_records.launch(wanted, plans)
    monkeypatch.setattr(jobs, "launch", whole)
    (cut,) = study_records.all_studies()
    assert len(cut.runs) == 3 and len(study_records.missing(cut)) == 2
    study_records.launch_missing(cut, found)
    assert not study_records.missing(cut)
    splits = [Run(run_id).samples().set_index("person")["fold"].to_dict() for run_id in cut.run_ids]
    assert splits[0] == splits[1] == splits[2]
    assert order(workers.root) == cut.run_ids


def test_one_run_that_is_refused_does_not_stop_the_others(seeds, workers, monkeypatch):
    wanted, plans, _ = seeds
    whole = jobs.launch

    def refuses(plan, *args, **kwargs):
        if plan is plans[1]:
            raise LabError("disk full: no room.", "Free some space.", kind="disk-full")
        return whole(plan, *args, **kwargs)

    monkeypatch.setattr(jobs, "launch", refuses)
    made = study_records.launch(wanted, plans)
    assert made.refused == {made.run_ids[1]: "disk full: no room. Free some space."}
    assert study_records.load(made.id) == made
    assert [run.id for run in study_records.present(made)] == [made.run_ids[0], made.run_ids[2]]


def test_paused_nothing_begins_and_resumed_all_of_it_ends(seeds, workers):
    wanted, plans, _ = seeds
    made = study_records.launch(wanted, plans[:2])
    paused = study_records.pause(made)
    assert paused.paused and study_records.load(made.id).paused
    assert order(workers.root) == [] and workers.run(small_net) == 0
    assert {s["state"] for s in runs.summaries()} == {"queued"}
    assert study_records.paused_runs() == set(made.run_ids)
    healing.look_after()
    assert order(workers.root) == [], "looking after what was lost queues nothing of a paused study"
    back, refused = study_records.resume(paused)
    assert not back.paused and refused == [] and order(workers.root) == made.run_ids
    assert workers.run(small_net) == 0
    assert {s["state"] for s in runs.summaries()} == {"done"}


def test_a_run_that_is_moved_to_the_front_is_trained_first(seeds, workers, tiny_plan):
    wanted, plans, _ = seeds
    other = jobs.launch(with_changes(tiny_plan, name="other"))
    made = study_records.launch(wanted, plans)
    moved = study_records.move(made, made.run_ids[2], -2)
    assert moved.run_ids == [made.run_ids[i] for i in (2, 0, 1)]
    assert order(workers.root) == [other.id, *moved.run_ids], "a run outside the study keeps its place"
    assert [fold for _, run_id, fold in queue.entries(workers.root) if run_id == moved.run_ids[0]] == [0, 1]
    later = study_records.move(moved, moved.run_ids[0], 1)
    assert order(workers.root) == [other.id, *later.run_ids] and later.run_ids[1] == made.run_ids[2]


def test_cancelled_all_runs_stop_and_keep_what_they_have(seeds, workers):
    wanted, plans, _ = seeds
    made = study_records.cancel(study_records.pause(study_records.launch(wanted, plans)))
    assert {s["state"] for s in runs.summaries()} == {"cancelled"}
    assert order(workers.root) == [] and not made.paused


def test_a_run_that_joins_follows_the_folds_of_the_study(seeds, workers, tiny_plan):
    wanted, plans, found = seeds
    made = study_records.launch(wanted, plans[:1])
    config = tiny_plan.config.model_copy(
        update={"folds": tiny_plan.config.folds.model_copy(update={"seed": 77}), "name": "late"}
    )
    from core.plan import make_plan

    late = make_plan(config, found)
    run = study_records.add(made, late, found)
    split = [r.samples().set_index("person")["fold"].to_dict() for r in (Run(made.run_ids[0]), run)]
    assert split[0] == split[1] != late.samples.set_index("person")["fold"].to_dict()
    assert study_records.load(made.id).run_ids == [made.run_ids[0], run.id]
    assert run.info()["study"] == made.id
    more = config.model_copy(update={"folds": config.folds.model_copy(update={"count": 3})})
    with pytest.raises(LabError, match="has 2 folds, this run 3"):
        study_records.add(made, make_plan(more, found), found)


def test_a_damaged_record_is_named_and_hides_no_other(seeds, workers):
    wanted, plans, _ = seeds
    made = study_records.launch(wanted, plans[:1])
    bad = study_records.folder_of(workers.root) / "20200101-000000-bad-0000.json"
    bad.write_text('{"id": 3')
    assert [s.id for s in study_records.all_studies()] == [made.id]
    with pytest.raises(LabError, match=r"20200101-000000-bad-0000.*cannot be read"):
        study_records.load(bad.stem)
    with pytest.raises(LabError, match="is gone"):
        study_records.load("20200101-000000-none-0000")
    with pytest.raises(LabError, match="not a run id"):
        study_records.load("../../etc/passwd")


def test_a_deleted_record_leaves_the_runs(seeds, workers):
    wanted, plans, _ = seeds
    made = study_records.launch(wanted, plans[:1])
    study_records.delete(made)
    assert study_records.all_studies() == [] and Run(made.run_ids[0]).exists()
    assert study.ASK_ABOVE == 24


def test_folds_that_a_killed_lab_left_out_of_the_queue_are_queued_again(tiny_plan, workers, monkeypatch):
    whole = queue.enqueue

    def dies(run, folds):
        whole(run, folds[:1])
        raise KeyboardInterrupt

    monkeypatch.setattr(queue, "enqueue", dies)
    with pytest.raises(KeyboardInterrupt):
        jobs.launch(tiny_plan)
    monkeypatch.setattr(queue, "enqueue", whole)
    (summary,) = runs.summaries()
    assert jobs.waiting() == [(summary["id"], 0)]
    healing.look_after()
    assert sorted(jobs.waiting()) == [(summary["id"], 0), (summary["id"], 1)]
    healing.look_after()
    assert len(jobs.waiting()) == 2
    jobs.cancel(Run(summary["id"]))
    healing.look_after()
    assert jobs.waiting() == []
