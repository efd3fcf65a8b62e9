"""What a node sends lands beside what the lab knows of other folds meanwhile."""

import errno

import pytest

from core.engines import taken
from core.engines.parcel import Parcel
from core.errors import LabError
from core.jobs import fold_job
from core.runs.create import create
from core.runs.use import used
from core.storage import files
from tests.closed import close


def entry(mean):
    return {"gpu": {"mean": mean, "peak": mean, "looks": 1}}


def test_what_a_fold_used_on_a_node_does_not_touch_what_others_used(tiny_plan, runs_folder):
    plan = tiny_plan
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=runs_folder)
    used.keep(run, 1, entry(20), goes_on=False)  # since the node was sent the run, which had another record then
    facts = {"device": "NVIDIA T4", used.KEY: {"0": entry(80), "1": entry(5)}}
    for _ in range(2):  # a parcel may come twice
        taken.write(run, Parcel(run.id, 0, 1, facts=facts))
        assert used.of_folds(run.info()) == {0: entry(80), 1: entry(20)}
    taken.write(run, Parcel(run.id, 0, 1, facts={"device": "NVIDIA L4"}))
    assert used.of_folds(run.info())[0] == entry(80) and run.info()["device"] == "NVIDIA L4"


def test_what_a_node_sends_is_not_written_beside_a_state_that_is_out_of_reach(tiny_plan, runs_folder, monkeypatch):
    run = create(tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info={}, folder=runs_folder)
    begun = fold_job.begin(run, 0, {"desk": "one"})
    parcel = Parcel(run.id, 0, 1, state={"epoch": 2, "best_epoch": 1, "scores": {"best_f1": 0.5}}, log="epoch 2\n")
    for end in ("", "over"):
        before = run.written_state(0)
        parcel.end, parcel.state = end, {**parcel.state, **({"state": "done"} if end else {})}
        with monkeypatch.context() as patch:
            close(patch, run.state_file(0), errno.EIO)
            for _ in range(2):
                with pytest.raises(OSError, match="Input/output error"):
                    taken.write(run, parcel)
        assert run.written_state(0) == before
        taken.write(run, parcel)
        state = run.written_state(0)
        assert (state.state, state.epoch, state.reason) == ("done" if end else "running", 2, "")
        assert (state.worker, state.started) == (begun.worker, begun.started)
    assert run.log_tail().count("epoch 2") == 2, "once for each parcel"


def test_attempts_that_cannot_be_read_are_not_begun_anew_at_one(tiny_plan, runs_folder, monkeypatch):
    run = create(tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info={}, folder=runs_folder)
    assert taken.note_attempt(run, 0, 1, {"name": "node 0"})
    with monkeypatch.context() as patch:
        close(patch, run.attempts_file(0), errno.EIO)
        with pytest.raises(LabError, match=r"attempts\.json cannot be read \(Input/output error\)") as caught:
            taken.note_attempt(run, 0, 1, {"name": "node 1"})
        assert (caught.value.kind, caught.value.remedy) == (taken.OUT_OF_REACH, files.CHECK)
        assert taken.attempts(run, 0) == [], "pages show the run all the same"
    taken.note_attempt(run, 0, 2, {"name": "node 1"})
    assert [(entry["attempt"], entry["name"]) for entry in taken.attempts(run, 0)] == [(1, "node 0"), (2, "node 1")]
