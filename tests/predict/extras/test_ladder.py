"""What each step brings, from answers that are known: by scikit-learn, and in the words that people read."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from core.errors import LabError
from core.predict.extras import words
from core.predict.extras.ladder import ladder
from core.predict.extras.measured import HELD_OUT, TEST, of_runs
from core.predict.extras.ways import PLAIN
from core.predict.weights import fitted
from core.runs import FoldState
from core.stats import paired
from tests.answered import CLASSES
from tests.measured_runs import PASS, READING, made_up, runs_with_test

MOMENTS = itertools.count(1)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return runs_with_test(tmp_path_factory.mktemp("ladder"))


@pytest.fixture
def on_test(runs, monkeypatch):
    made_up(monkeypatch)
    return of_runs(runs, TEST)


def f1(y, chosen):
    return f1_score(y, chosen, labels=range(6), average="macro", zero_division=0)


def test_each_step_is_scored_as_scikit_learn_scores_it_against_the_step_before(runs, on_test):
    steps = ladder(on_test)
    y, person = runs[0].test_photos()["y"].to_numpy(), pd.factorize(runs[0].test_photos()["person"])[0]
    names = [words.name(rung, steps) for rung in steps.rungs]
    of_one = ["one fold", "all 2 folds", "+ mirrored views", "+ five crops"]
    together = ["2 runs, mean", "2 runs, weighted", "2 runs, hard vote"]
    assert names == [f"{run.id}: {name}" for run in runs for name in of_one] + together
    means = []
    for place, of_run in enumerate(on_test):
        one, all_folds, *views = steps.rungs[4 * place : 4 * place + 4]
        assert one.way.each == pytest.approx([f1(y, fold.argmax(1)) for fold in of_run.answers[PLAIN]])
        means.append(of_run.answers[PLAIN].mean(axis=0))
        assert all_folds.way.f1.mean == pytest.approx(f1(y, means[-1].argmax(1)))
        assert all_folds.over.mean == pytest.approx(all_folds.way.f1.mean - np.mean(one.way.each))
        for way, rung in zip(("flip", "crops"), views, strict=True):
            chosen = of_run.answers[way].mean(axis=0).argmax(1)
            alone = paired.bootstrap_f1_difference(person, y, chosen, means[-1].argmax(1), 6)
            assert (rung.over.mean, rung.over.low, rung.over.high) == pytest.approx((alone.mean, alone.low, alone.high))
            assert steps.rungs[rung.against] is all_folds and rung.way.f1.mean == pytest.approx(f1(y, chosen))
    mean, weighted, hard = steps.rungs[8:]
    weights = fitted(runs).weights
    assert mean.way.f1.mean == pytest.approx(f1(y, np.mean(means, axis=0).argmax(1)))
    assert weighted.way.f1.mean == pytest.approx(f1(y, np.tensordot(weights, means, 1).argmax(1)))
    assert steps.weights == pytest.approx(weights.tolist())
    ballots = np.sum([np.eye(6)[fold.argmax(1)] for each in on_test for fold in each.answers[PLAIN]], axis=0)
    clear = np.sort(ballots, axis=1)[:, -1] > np.sort(ballots, axis=1)[:, -2]
    assert clear.sum() > 20 and hard.way.f1.n == 24
    voted = np.where(clear, ballots.argmax(1), (ballots + np.mean(means, axis=0) / 10).argmax(1))
    assert hard.way.f1.mean == pytest.approx(f1(y, voted))
    assert steps.photos == 48 and steps.persons.people == 24 and steps.classes == len(CLASSES)


def test_a_step_costs_what_was_measured_reading_included(on_test):
    steps = ladder(on_test)
    per_hundred = [100 * (READING + passes * PASS) for passes in (1, 2, 4, 12)]
    assert [rung.seconds for rung in steps.rungs[:4]] == pytest.approx(per_hundred)
    assert [rung.seconds for rung in steps.rungs[8:]] == pytest.approx([100 * (READING + 4 * PASS)] * 3)
    assert steps.times(steps.rungs[1]) == pytest.approx(5 / 3) and steps.times(steps.rungs[0]) is None
    assert "up to 1.00 s of each are for reading" in words.cost(steps)


def test_several_runs_are_held_against_the_one_whose_folds_scored_higher(runs, on_test):
    def score(run, f1):
        for state in run.states():
            run.write_state(FoldState(state.fold, "done", epoch=1, best_epoch=1, scores=scores | {"best_f1": f1}))

    scores = runs[0].states()[0].scores
    for better, worse, against in ((runs[1], runs[0], 5), (runs[0], runs[1], 1)):
        score(better, 0.9)
        score(worse, 0.1)
        assert ladder([each.with_extras(["flip", "crops"]) for each in again(on_test)]).rungs[8].against == against


def again(measured):
    """The same, measured at a moment of its own: what was told of it before is not remembered."""
    moment = next(MOMENTS)
    return [replace(each, moment=moment) for each in measured]


def test_times_of_several_devices_are_told_apart(on_test):
    steps = ladder([on_test[0], replace(on_test[1], device="a slide rule")])
    assert steps.rungs[1].seconds and steps.rungs[8].seconds is None and steps.times(steps.rungs[8]) is None
    assert "measured on different devices (first on an abacus; second on a slide rule)" in words.cost(steps)
    assert words.verdicts(steps)[6].endswith("F1.")


def test_held_out_weights_are_judged_by_those_fitted_without_each_folds_people(runs, monkeypatch):
    made_up(monkeypatch)
    of_each = of_runs(runs, HELD_OUT, ["flip"])
    steps = ladder(of_each)
    names = ["one fold", "+ mirrored views"] * 2 + ["2 runs, mean", "2 runs, weighted", "2 runs, hard vote"]
    assert [rung.name for rung in steps.rungs] == names and steps.rungs[4].against in (0, 2)
    table = of_each[0].photos()
    y, fold, gain = table["y"].to_numpy(), table["fold"].to_numpy(), fitted(runs).gain
    shares = np.stack([each.answers[PLAIN][0] for each in of_each])
    nested = np.empty(len(y), dtype=int)
    for k in (0, 1):
        nested[fold == k] = np.tensordot(gain.of_folds[k], shares[:, fold == k], 1).argmax(1)
    assert steps.rungs[5].way.f1.mean == pytest.approx(f1(y, nested))
    assert steps.rungs[0].seconds == pytest.approx(100 * (READING + PASS))
    said = words.notes(steps)
    assert said[0] == words.NO_ONE_AGAINST_ALL and "fitted without each fold's people" in said[1]
    assert "had left its person out. The best epoch was chosen on the same held-out photos" in words.about(steps)


def test_runs_that_share_too_few_photos_or_see_other_persons_are_refused(tmp_path, monkeypatch):
    made_up(monkeypatch)
    first, second = runs_with_test(tmp_path, ["first", "second"], people=24)
    table = second.test_photos()
    table.assign(person=table["sample"]).to_parquet(second.test_file)
    with pytest.raises(LabError, match="do not agree on whom the photos show") as refused:
        ladder(of_runs([first, second], TEST, []))
    assert refused.value.kind == "vote"
    table.iloc[:10].to_parquet(second.test_file)
    with pytest.raises(LabError, match="share 10 test photos"):
        ladder(of_runs([first, second], TEST, []))
    table.iloc[:40].to_parquet(second.test_file)
    steps = ladder(of_runs([first, second], TEST, []))
    assert steps.photos == 40 and "8 answers are about photos that not all" in words.notes(steps)[-1]
    for fold in second.folds():
        second.predictions_file(fold, "best").unlink()
    steps = ladder(again(of_runs([first, second], TEST, [])))
    assert [rung.kind for rung in steps.rungs][-2:] == ["runs", "hard"] and not steps.weights
    assert "Weights of the runs are left out" in words.notes(steps)[-1]


@pytest.mark.parametrize(
    ("low", "high", "p", "sentence"),
    [
        (0.01, 0.03, 0.001, "2 folds bring +0.020 [+0.010, +0.030] F1 over one, and take 1.7 times as long."),
        (-0.03, -0.01, 0.001, "2 folds are worse than one: −0.020 [−0.030, −0.010] F1, and take 1.7 times as long."),
        (-0.01, 0.03, 0.2, "2 folds bring nothing shown over one: +0.010 [−0.010, +0.030] F1, and take 1.7 times as "),
        (0.001, 0.03, 0.04, "over one: +0.015 [+0.001, +0.030] F1, which does not stand the correction for 3 compar"),
    ],
)
def test_what_a_step_brings_is_said_in_a_sentence(runs, monkeypatch, low, high, p, sentence):
    from core.stats import gains

    made_up(monkeypatch)
    judged = gains.judged

    def told(*args, **options):
        ways = judged(*args, **options)
        over = paired.Interval((low + high) / 2, low, high, p, 24)
        return [gains.Way(way.f1, way.each, over if place == 1 else way.over) for place, way in enumerate(ways)]

    monkeypatch.setattr(gains, "judged", told)
    steps = ladder(again(of_runs(runs[:1], TEST)))
    assert sentence in words.verdicts(steps)[0]
    assert words.spread(steps.rungs[0]).startswith("mean of 2, 0.") and "of 24 people" in words.about(steps)
    assert "best epoch" not in words.about(steps), "no epoch was chosen on the test set"


def test_of_one_person_what_a_step_brings_has_no_interval_and_nothing_is_shown(tmp_path, monkeypatch):
    """Each draw is that person again: an interval of no width, in green, would be a promise that nobody can make."""
    made_up(monkeypatch)
    (run,) = runs_with_test(tmp_path, ["alone"])
    run.test_photos().assign(person="anna").to_parquet(run.test_file)
    steps = ladder(of_runs([run], TEST))
    brought = [rung for rung in steps.rungs if rung.over is not None and rung.over.mean]
    assert brought and not any(rung.over.known or np.isfinite(rung.over.p) for rung in brought)
    assert {rung.verdict for rung in steps.rungs[1:]} == {paired.UNDECIDED}
    said = [*words.verdicts(steps), *map(words.f1, steps.rungs), *(words.difference(rung.over) for rung in brought)]
    assert not any("nan" in each for each in said)
    assert "] F1" not in said[0] and "F1, without an interval: every draw gives the same, and take 1.7 times" in said[0]
    assert "Of 1 person there are none: every draw gives the same." in words.about(steps)
