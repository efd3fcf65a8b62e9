"""One network on everybody of a run: how long it trains, at which learning rates, on whom, and when it is refused."""

import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.cli.launching.everybody import notes
from core.config import from_dict, to_yaml
from core.config.parts import PhaseConfig
from core.data.scan import scan
from core.errors import LabError
from core.jobs import speed
from core.plan import everybody, plan
from core.runs.metrics_file import METRIC_COLUMNS, append_metrics
from tests.answered import made, table_of
from tests.everybody_runs import ended, frozen, trained_on_everybody
from tests.held_apart import with_test

ADAM = {"optimizer": "adam", "epochs": 15}
SGD = {"optimizer": "sgd", "epochs": 50, "schedule": "cosine", "warmup_epochs": 3}


def run_of(tmp_path, best_epochs, phases=(ADAM, SGD), **config):
    folds = len(best_epochs)
    run = made(tmp_path, table_of(tmp_path, folds=folds, people=6 * folds), phases=list(phases), **config)
    return ended(run, best_epochs)


@pytest.fixture
def parent(tiny_plan, tmp_path):
    """A finished run of two folds on real photos; its folds were best after 3 and 4 of 4 epochs."""
    return ended(frozen(tiny_plan, tmp_path), (3, 4))


@pytest.mark.parametrize(
    ("best", "epochs"),
    [
        ((12, 15, 9, 14, 20), [14]),  # within the first phase: the second one is left out
        ((17, 60, 33, 15, 18), [15, 3]),
        ((16, 65, 15, 65, 65), [15, 50]),
        ((15, 15), [15]),
        ((9, 12), [11]),  # 10.5
        ((40, 43, 20, 65), [15, 27]),  # 41.5
        ((15, 16), [15, 1]),  # there is no epoch between two phases
    ],
)
def test_it_trains_for_the_median_of_the_folds_best_epochs(tmp_path, best, epochs):
    run = run_of(tmp_path, best)
    config = everybody.proposed(run)
    assert [phase.epochs for phase in config.phases] == epochs
    assert [phase.optimizer for phase in config.phases] == ["adam", "sgd"][: len(epochs)]
    assert abs(config.epochs - statistics.median(best)) <= 0.5
    assert everybody.length_of(run).best == dict(enumerate(best))


def test_up_to_its_end_every_learning_rate_is_that_of_the_folds(tmp_path):
    """The schedule ends with the training; it is not pressed into fewer epochs, which nobody measured."""
    one_cycle = {"optimizer": "adamw", "epochs": 12, "schedule": "one-cycle"}
    parent = run_of(tmp_path, (40,) * 3, (ADAM, one_cycle, SGD)).config()
    for phases, until in (((ADAM, one_cycle, SGD), 40), ((ADAM, one_cycle, SGD), 20), ((SGD,), 2)):
        parent = from_dict({**parent.model_dump(mode="json"), "phases": [dict(phase) for phase in phases]})
        length = everybody.Length({}, tuple(phase.epochs for phase in parent.phases), until)
        ours = parent.model_copy(update={"phases": everybody.phases_until(parent, length, until)})
        assert ours.epochs == until
        for epoch in range(1, until + 1):
            assert ours.phase_of(epoch) == parent.phase_of(epoch)
            phase, before = parent.phase_of(epoch)
            steps = range((epoch - 1 - before) * 7, (epoch - before) * 7)
            rates = [[c.learning_rate_factor(phase, step, 7) for step in steps] for c in (ours, parent)]
            assert rates[0] == rates[1]
        assert from_dict(ours.model_dump(mode="json")) == ours, "a warm-up longer than what is trained is none too long"


def test_a_phase_that_stopped_early_is_as_long_as_its_median_fold_trained_it(tmp_path):
    """Of numbers that were never trained nothing is counted: the second phase begins at its own first epoch, 16."""
    run = run_of(tmp_path, (24, 22, 3), training={"early_stopping": 4})
    for fold, (adam, sgd) in enumerate(((6, 13), (9, 11), (7, 5))):
        epochs = [*((epoch, 0) for epoch in range(1, adam + 1)), *((15 + epoch, 1) for epoch in range(1, sgd + 1))]
        row = dict.fromkeys(METRIC_COLUMNS, 0.5)
        rows = [{**row, "epoch": e, "phase": p, "split": s} for e, p in epochs for s in ("train", "validation")]
        append_metrics(run.metrics_file(fold), rows)
    length = everybody.length_of(run)
    assert length.best == {0: 6 + 9, 1: 9 + 7, 2: 3}
    config = everybody.proposed(run)
    assert [(phase.epochs, phase.scheduled) for phase in config.phases] == [(7, 15), (7, 50)]
    assert config.training.early_stopping is None
    assert [phase.epochs for phase in everybody.proposed(run, 9).phases] == [7, 2]
    with pytest.raises(LabError, match=r"99 epochs.*Train for 1 to 57"):
        everybody.proposed(run, 99)
    run.write_state(replace(run.fold_state(1), best_epoch=None))
    assert [phase.epochs for phase in everybody.proposed(run, 9).phases] == [7, 2], "somebody says for how long"
    with pytest.raises(LabError, match=r"fold 1 of .* does not say which epoch was its best"):
        everybody.proposed(run)


def test_everybody_is_trained_on_and_the_test_set_stays_aside(tiny_config, tmp_path):
    dataset = scan(tiny_config.data, threads=1)
    aside = dataset.samples["sample"].iloc[[0, 9, 17]].tolist()
    parent = ended(frozen(plan.make_plan(tiny_config, with_test(dataset, aside)), tmp_path), (3, 4))
    file = {"model": {"init": "file:w.pth"}}
    ours = everybody.make_plan(from_dict(everybody.proposed(parent).model_dump(mode="json") | file), tmp_path)
    assert ours.config.model.init == f"file:{Path('w.pth').absolute()}"
    pd.testing.assert_frame_equal(ours.samples.drop(columns="fold"), parent.samples().drop(columns="fold"))
    assert ours.photos == 24 - 3 and set(ours.samples["fold"]) == {-1}
    assert sorted(ours.apart.photos["sample"]) == sorted(aside)
    assert speed.seconds_of_a_fold(ours, 1.0) == 21 * 4 + 5, "nobody is validated"
    assert ours.fold_steps == [3] and ours.total_steps == 3 * 4
    run = frozen(ours, tmp_path)
    assert run.folds() == [0] and sorted(run.test_photos()["sample"]) == sorted(aside)
    assert run.info()["support"] == {}
    assert run.info()["everybody"]["f1"] == [0.8, 0.8], "kept for when the parent is deleted"


def test_what_cannot_be_trained_on_everybody_is_refused_in_words(parent, tmp_path):
    config = everybody.proposed(parent)
    values = config.model_dump(mode="json")

    def refused(match, **changes):
        with pytest.raises(LabError, match=match) as caught:
            everybody.make_plan(from_dict(values | changes), tmp_path)
        assert caught.value.remedy
        return caught.value.remedy

    remedy = refused("task.name is 'age' here and 'label' in", task={"name": "age"})
    assert f"core everybody {parent.id} --runs {tmp_path} takes them over" in remedy
    refused("folds.count is 7 here", folds=values["folds"] | {"count": 7})
    refused("early stopping watches", training=values["training"] | {"early_stopping": 3})
    refused("there is no run 'gone'", folds=values["folds"] | {"everybody": "gone"})
    refused("start from those of", model=values["model"] | {"init": f"run:{parent.id}"})
    with pytest.raises(LabError, match=f"on everybody of {parent.id}, without folds"):
        plan.make_plan(config, scan(config.data, threads=1), folder=tmp_path)
    run = trained_on_everybody(parent)
    refused("was trained on everybody itself", folds=values["folds"] | {"everybody": run.id})
    start = from_dict(values | {"model": values["model"] | {"init": f"run:{run.id}"}})
    assert everybody.make_plan(start, tmp_path).photos == 24, "one network starts from one network"
    folds = from_dict(values | {"folds": {"count": 2}, "model": values["model"] | {"init": f"run:{run.id}"}})
    with pytest.raises(LabError, match="no fold could hold out whom it never saw"):
        plan.make_plan(folds, scan(config.data, threads=1), folder=tmp_path)
    parent.write_state(replace(parent.fold_state(1), best_epoch=None))
    planned = everybody.make_plan(everybody.proposed(parent, 2), tmp_path)
    assert notes(planned, tmp_path)[1].startswith("2 epochs. everybody: fold 1 of ")
    parent.write_state(replace(parent.fold_state(1), state="cancelled"))
    refused("has not ended: of its 2 folds, fold 1 is cancelled")


def test_settings_that_differ_from_the_folds_are_named(parent):
    ours = everybody.proposed(parent, 2)
    assert everybody.changes(ours, parent) == []
    other = ours.model_copy(update={"training": ours.training.model_copy(update={"batch_size": 4, "seed": 9})})
    assert everybody.changes(other, parent) == ["training.batch_size"]
    typed, whole = (
        ours.model_copy(update={"model": ours.model.model_copy(update={"init": init})})
        for init in ("file:w.pth", f"file:{Path('w.pth').absolute()}")
    )
    assert everybody.changes(whole, parent) == ["model.init"]
    parent.config_file.write_text(to_yaml(typed))  # as an older lab froze it
    assert everybody.changes(whole, parent) == []


def test_a_schedule_is_made_for_the_epochs_that_it_says():
    phase = PhaseConfig(epochs=4, schedule="cosine", schedule_epochs=8)
    assert np.isclose(phase.learning_rate_factor(4 * 5, 5), 0.5)
    with pytest.raises(ValueError, match="schedule_epochs 3 must not be below"):
        PhaseConfig(epochs=4, schedule_epochs=3)
