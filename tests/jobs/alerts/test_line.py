"""A run that ends, or a worker that dies, is told once, by processes beside the worker; without addresses none is."""

import math
import shutil
import subprocess
import sys

import psutil
import pytest

from core import places
from core.jobs.alerts import addresses, ends, messenger
from core.jobs.alerts.line import Line
from core.runs import FoldState
from core.runs.lists.summaries import summaries
from tests.pages.trials import make_run
from tests.workers import assert_done, launch, short, small_net, until


def wild(root):
    """What the network of a run of this name says is no number."""
    from core.training import train

    whole = train.FoldTrainer.forward

    def forward(trainer, images):
        return whole(trainer, images) * (math.nan if trainer.run.config().name == "wild" else 1)

    train.FoldTrainer.forward = forward


@pytest.mark.long
def test_real_runs_that_end_are_told_once_each_one_with_its_score_one_with_what_went_wrong(tiny_plan, workers, webhook):
    addresses.add(workers.root, f"{webhook.at}/hook")
    addresses.set_lab_address(workers.root, "https://lab.example.org")
    runs = [launch(short(tiny_plan, name=name), workers.root, folds=(0, 1)) for name in ("tame", "wild")]
    assert workers.run(small_net, wild) == 0
    for run in runs:
        until(lambda run=run: "it arrived" in run.log_tail(), f"the end of {run.id} is told")
    assert_done(runs[0], 1)
    done, diverged = sorted(webhook.bodies(), key=lambda body: body["title"])
    assert (done["event"], done["run"], done["title"]) == ("done", runs[0].id, "tame: done")
    assert done["link"] == f"https://lab.example.org/live?run={runs[0].id}"
    scores = [runs[0].written_state(fold).scores["best_f1"] for fold in (0, 1)]
    assert done["text"].startswith(f"Macro F1 {sum(scores) / 2:.3f} ± ") and done["text"].endswith(" over 2 folds.")
    assert (diverged["event"], diverged["title"]) == ("diverged", "wild: diverged")
    assert diverged["text"].startswith("Fold 0: diverged: the loss is not a number at epoch 1, step 1.")
    assert diverged["text"].endswith("1 more fold did not come to its end.")
    log = runs[0].log_tail()
    assert webhook.at not in log.replace(f"{webhook.at}/…", ""), "no more than the host stands in a log"


def test_a_worker_that_dies_is_told_of_though_other_folds_wait(runs_folder, webhook):
    """The messenger as a worker starts it; its worker is this test, which closes the line without a word."""
    addresses.add(runs_folder, f"{webhook.at}/hook")
    run = make_run(runs_folder, states=("done", "running", "queued"))
    ends.watch(run)
    process = subprocess.Popen(
        [sys.executable, "-m", "core.jobs.alerts.messenger", str(runs_folder)],
        stdin=subprocess.PIPE,
        cwd=places.HOME,
    )
    process.communicate(f"{messenger.BEGINS} {run.id} 1\n".encode())
    assert process.returncode == 0
    (body,) = webhook.bodies()
    assert (body["event"], body["title"]) == ("interrupted", "trial: interrupted")
    assert body["text"].startswith("Fold 1: The worker was stopped from outside.")
    assert body["text"].endswith(" 1 fold of it waits until a page of the lab is opened.")
    assert ends.watches(runs_folder, ends.RUNS, run.id), "its end is still to be told"


def test_where_nobody_is_named_nothing_is_started_and_nothing_kept(runs_folder, monkeypatch):
    run = make_run(runs_folder)
    monkeypatch.setattr(subprocess, "Popen", None)
    line = Line(runs_folder)
    with line.training(run, 0):
        pass
    line.ended(run)
    line.stopped()
    line.close()
    assert not addresses.folder_of(runs_folder).exists() and run.log_tail() == ""


def test_a_run_that_is_launched_while_a_page_looks_keeps_its_mark_a_deleted_one_does_not(runs_folder):
    before = summaries(runs_folder)
    run = make_run(runs_folder, states=("done", "done"))
    ends.watch(run)
    assert ends.left_over(runs_folder, before) == [] and ends.watches(runs_folder, ends.RUNS, run.id)
    shutil.rmtree(run.dir)
    assert ends.left_over(runs_folder, before) == [] and not ends.watches(runs_folder, ends.RUNS, run.id)


def test_a_line_that_cannot_work_fails_no_training_and_says_so_in_the_log(runs_folder):
    run = make_run(runs_folder)
    places.lab_file(runs_folder).write_text("[alerts]\ntoo = 1\n")
    line = Line(runs_folder)
    with line.training(run, 0):
        run.write_state(FoldState(0, "done"))
    line.ended(run)
    line.stopped()
    line.close()
    assert "nobody is told when this run ends: " in run.log_tail() and "has no 'too'" in run.log_tail()


@pytest.mark.parametrize("line", ["", "begins a 0\nends\n"])
def test_a_worker_that_leaves_in_order_is_no_news(runs_folder, line, monkeypatch):
    started = []
    monkeypatch.setattr(messenger, "_tell", lambda *words: started.append(words))
    monkeypatch.setattr(sys, "stdin", iter(line.splitlines(keepends=True)))
    messenger.serve(str(runs_folder))
    assert started == []


def test_what_told_of_a_run_is_buried_while_the_worker_goes_on(runs_folder, monkeypatch):
    """A worker may live for weeks, and end hundreds of runs."""
    started, left = [], []

    def tell(*words):
        started.append(subprocess.Popen([sys.executable, "-c", ""]))
        return started[-1]

    def lines():
        for number in range(4):
            yield f"tell run-{number}\n"
            last = psutil.Process(started[-1].pid)
            until(lambda last=last: last.status() == psutil.STATUS_ZOMBIE, "it has ended, and nobody has asked how")
            left.append(sum(psutil.pid_exists(process.pid) for process in started))

    monkeypatch.setattr(messenger, "_tell", tell)
    monkeypatch.setattr(sys, "stdin", lines())
    messenger.serve(str(runs_folder))
    assert left == [1, 1, 1, 1]
    assert not any(psutil.pid_exists(process.pid) for process in started)
