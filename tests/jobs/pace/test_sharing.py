"""How many fold jobs would fit one GPU, by what was looked at while others trained there."""

import json

import pytest

from core.engines.engine import RayEngine, ThisMachine
from core.jobs import queue
from core.jobs.pace import sharing
from core.runs.create import create
from core.runs.use import used

GB = 1e9


def record(mean=45.0, peak=6.2 * GB, total=80 * GB, looks=90, shared=1):
    entry = {"mean": mean, "peak": min(100.0, mean + 9), "looks": looks}
    memory = {"mean": peak / 2, "peak": peak, "looks": looks}
    return {"gpu": entry, "gpu_memory": memory, "gpu_memory_total": total, "sharing": shared}


@pytest.fixture
def made(tiny_plan, runs_folder):
    def made(*records):
        run = create(
            tiny_plan.config,
            tiny_plan.samples,
            class_names=tiny_plan.class_names,
            info={"device": "NVIDIA H100"},
            folder=runs_folder,
        )
        for fold, each in enumerate(records):
            used.keep(run, fold, each, goes_on=False)
        return run

    return made


@pytest.mark.parametrize(
    ("mean", "peak", "jobs"),
    [
        (96.0, 6 * GB, 1),  # it computes all the time
        (51.0, 6 * GB, 1),
        (50.0, 6 * GB, 2),
        (33.0, 6 * GB, 3),
        (33.0, 30 * GB, 2),  # of 72 GB that are given away
        (33.0, 50 * GB, 1),
        (0.0, 1.0, sharing.MOST),
    ],
)
def test_as_many_fit_as_time_and_memory_are_left_for(made, runs_folder, mean, peak, jobs):
    run = made(record(mean, peak))
    assert sharing.fit([run.id], runs_folder).jobs == jobs


def test_all_folds_count_by_their_looks_and_memory_by_the_largest(made, runs_folder):
    run = made(record(40.0, 6 * GB, looks=30), record(20.0, 9 * GB, looks=90))
    fit = sharing.fit([run.id], runs_folder)
    assert (fit.used, fit.peak, fit.memory, fit.jobs) == (25.0, 9 * GB, 80 * GB, 4)


def test_the_newest_run_that_had_a_gpu_to_itself_for_long_enough_is_asked(made, runs_folder):
    told = made(record())
    silent = [made(), made({"cpu": {"mean": 90.0, "peak": 99.0, "looks": 50}, "cores": 2.0})]
    silent += [made(record(shared=2)), made(record(looks=sharing.LOOKS - 1))]
    before = made(record())  # as the lab wrote it before it said how many share
    info = before.info()
    del info[used.KEY]["0"]["sharing"]
    before.info_file.write_text(json.dumps(info))
    damaged = made()
    damaged.info_file.write_text("{")
    runs = [*silent, before, damaged, told, made(record(10.0))]
    assert sharing.fit([run.id for run in runs], runs_folder).run == told.id
    assert sharing.fit([run.id for run in [*silent, before, damaged]], runs_folder) is None


def test_it_is_a_sentence_with_what_to_do(made, runs_folder, monkeypatch):
    monkeypatch.setattr(queue, "gpu_count", lambda runs=None: 2)
    run = made(record())
    fit = sharing.fit([run.id], runs_folder)
    words = (
        f"A fold job of {run.id} used 45% of NVIDIA H100 and at most 6.2 of 80.0 GB; 2 such fold jobs would fit one GPU"
    )
    here, there = ThisMachine(runs_folder), RayEngine(runs_folder, "ray")
    assert fit.sentence(here.to_share(fit.jobs)) == f"{words}: start the lab with FACET_SLOTS=4."
    assert fit.sentence(there.to_share(fit.jobs)) == f"{words}: start the lab with FACET_JOBS_PER_GPU=2."
    full = sharing.fit([made(record(97.0)).id], runs_folder)
    assert full.sentence("never said").endswith("of 80.0 GB; another one beside it would find too little left.")
