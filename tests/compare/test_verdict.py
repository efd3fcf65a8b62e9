"""What is said over all runs: every case from differences that are made up, and the folds that would decide."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.compare import pairs
from core.compare.verdict import best_of, verdict
from core.config import from_dict
from core.data.persons import Persons
from core.stats import paired

COSTS = {"r18": 1.8e9, "r34": 3.6e9, "r50": 4.1e9}


def member(name, scores=(0.7, 0.71, 0.69, 0.72, 0.7), waits=0, people=40, **config):
    """config: settings of it; each has another depth unless one is given."""
    states = [SimpleNamespace(fold=fold) for fold in range(len(scores) + waits)]
    settings = {"name": name, "model": {"depth": int(name[1:]) if name[1:].isdigit() else 18}, **config}
    samples = pd.DataFrame({"class_name": ["a", "b"] * people, "person": [f"p{row}" for row in range(2 * people)]})
    return SimpleNamespace(
        **{"id": name, "name": name, "states": states, "done": tuple(range(len(scores))), "one_by_one": False},
        **{"config": from_dict(settings), "info": {}, "samples": samples, "persons": Persons(1, 1, 1)},
        scores=lambda *_: dict(enumerate(scores)),
    )


def against(name, deltas, called, comparisons=1):
    """A run minus the best one, called as the test wants it."""
    interval = paired.corrected_paired_interval(np.array(deltas), np.zeros(len(deltas)), test_fraction=0.25)
    blank = dict.fromkeys(pairs.Difference.__dataclass_fields__)
    told = {"run": name, "deltas": tuple(deltas), "interval": interval, "verdict": called, "comparisons": comparisons}
    return pairs.Difference(**(blank | told))


@pytest.fixture
def three():
    return [member("r18"), member("r34", (0.72, 0.73, 0.7, 0.73, 0.72)), member("r50", (0.6, 0.6, 0.61, 0.6, 0.62))]


SOME = (-0.03, -0.006, -0.032, -0.008, -0.02)
CLEAR = (-0.1, -0.11, -0.1, -0.12, -0.1)


def test_the_best_is_that_of_the_highest_mean_and_none_without_a_finished_fold(three):
    assert best_of(three).id == "r34"
    assert best_of([member("a", ())]) is None
    assert verdict([three[0]], three[0], [], COSTS, within=0.01).kind == "nothing"


def test_one_that_is_better_than_all_others_is_called_the_best(three):
    all_worse = [against("r18", CLEAR, paired.WORSE), against("r50", CLEAR, paired.WORSE)]
    said = verdict(three, three[1], all_worse, COSTS, within=0.01)
    assert (said.kind, said.take, said.folds) == ("best", "r34", None)
    assert said.headline == "r34 is the best of these: better than r18 and r50."


def test_for_how_many_comparisons_it_is_corrected_is_said_where_it_could_have_decided(three):
    three_pairs = "Corrected for 3 comparisons, all pairs of these runs: the best was chosen for its score."
    for called in (paired.WORSE, paired.UNDECIDED):
        clear = [against(name, CLEAR, called, 3) for name in ("r18", "r50")]
        assert verdict(three, three[1], clear, COSTS, within=0.01).more[-1] == three_pairs
    level = [against(name, (0.03, -0.03, 0.0, 0.01, -0.02), paired.UNDECIDED, 3) for name in ("r18", "r50")]
    two = [against("r18", CLEAR, paired.WORSE, 1)]
    for others in (level, two):
        assert "orrected" not in " ".join(verdict(three, three[1], others, COSTS, within=0.01).more)


def test_where_nothing_separates_them_the_cheapest_and_what_would_decide_are_named(three):
    said = verdict(
        three,
        three[1],
        [against("r18", SOME, paired.UNDECIDED), against("r50", SOME, paired.UNDECIDED)],
        COSTS,
        within=0.01,
    )
    assert said.headline == "Nothing separates these runs yet." and said.take == "r18"
    assert said.more[0] == "Cheapest: r18." and said.contest == ("r34", "r18")
    assert said.folds == paired.folds_to_tell(np.array(SOME), 5)
    assert f"About {said.folds - 5} more folds would show r34 above r18" in said.more[1]


def test_a_difference_that_does_not_matter_asks_for_no_folds(three):
    small = tuple(d / 10 for d in SOME)
    said = verdict(three[:2], three[1], [against("r18", small, paired.UNDECIDED)], COSTS, within=0.01)
    assert said.folds is None and "lie within 1 point on average" in said.more[1]


def test_no_number_of_folds_is_promised_where_none_would_do(three):
    noisy = (-0.2, 0.17, -0.1, 0.1, -0.03)
    said = verdict(three[:2], three[1], [against("r18", noisy, paired.UNDECIDED)], COSTS, within=0.01)
    assert said.folds is None and "No number of folds up to 20 would show a difference of 1.2 points" in said.more[1]


def test_two_folds_say_no_difference_small_and_ask_for_five():
    """The difference of 16 points that was called too small for any number of folds."""
    runs = [member("r18", (0.077, 0.2)), member("r34", (0.29, 0.3))]
    apart = (-0.213, -0.1)
    assert paired.folds_to_tell(np.array(apart), 2) is None
    said = verdict(runs, runs[1], [against("r18", apart, paired.UNDECIDED)], COSTS, within=0.01)
    assert said.contest == ("r34", "r18") and said.folds == 5
    assert "2 shared folds hardly say how far folds differ: launch r34 and r18 anew in 5 folds." in said.more[1]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"data": {"max_people": 9}}, "their data settings differ (At most this many people). Launch one of them with"),
        ({"folds": {"given": True}}, "they stand on the dataset's own 5 folds. Let the lab make the folds"),
        ({"model": {"depth": 34, "init": "run:20260101-000000-p-0000"}}, "r34 follows the 5 folds of 20260101-"),
        ({"people": 6}, "class 'a' of r34 has only 6 people. Merge that class"),
        ({"model": {"depth": 18}}, "r34 and r18 differ in their labels or folds alone and would be the same run twice"),
    ],
    ids=["other data", "folds of the dataset", "folds of a parent", "few people of a class", "the same settings"],
)
def test_what_can_never_be_launched_in_that_many_folds_is_not_proposed(settings, why):
    runs = [member("r18"), member("r34", (0.72, 0.73, 0.7, 0.73, 0.72), **settings)]
    said = verdict(runs, runs[1], [against("r18", SOME, paired.UNDECIDED)], COSTS, within=0.01)
    assert (said.kind, said.contest, said.folds) == ("undecided", None, None)
    assert "if the difference stays what it is; but they cannot be launched anew in" in said.more[1]
    assert why in said.more[1] and "launch the two" not in said.more[1]


def test_what_is_the_same_is_said_with_the_cheapest_and_what_is_worse_beside_it(three):
    same = against("r18", [d / 100 for d in SOME], paired.SAME)
    said = verdict(three[:2], three[1], [same], COSTS, within=0.01)
    assert said.headline == "These runs are the same within 1 point."
    mixed = verdict(three, three[1], [same, against("r50", CLEAR, paired.WORSE)], COSTS, within=0.01)
    assert mixed.headline == "r34 and r18 are the same within 1 point; r50 is worse." and mixed.take == "r18"
    assert mixed.kind == "same"
    never_compared = replace(against("r50", SOME, paired.UNDECIDED), interval=None, deltas=())
    said = verdict(three, three[1], [same, never_compared], COSTS, within=0.01)
    assert said.headline == "r34 and r18 are the same within 1 point."
    others = [same, replace(same, run="r50")]
    said = verdict(three, three[1], others, COSTS, within=0.01)
    assert said.headline == "r18 and r50 are each the same as r34 within 1 point.", "nobody set r18 against r50"
    four = [*three, member("r101", (0.5, 0.5, 0.5, 0.5, 0.5))]
    said = verdict(four, three[1], [*others, against("r101", CLEAR, paired.WORSE)], COSTS, within=0.01)
    assert said.headline == "r18 and r50 are each the same as r34 within 1 point; r101 is worse."


def test_folds_that_are_not_finished_come_before_new_ones(three):
    unfinished = [member("r18", waits=2), three[1]]
    said = verdict(unfinished, three[1], [against("r18", SOME, paired.UNDECIDED)], COSTS, within=0.01)
    assert said.waits == (("r18", 2),) and "2 folds are not finished" in said.more[1]


def test_runs_that_share_no_folds_are_not_judged(three):
    alone = replace(against("r18", SOME, paired.UNDECIDED), interval=None, deltas=())
    said = verdict(three[:2], three[1], [alone], COSTS, within=0.01)
    assert said.kind == "unpaired" and said.take is None and math.isnan(alone.deltas_mean)
    assert said.headline == "Nothing can be set against r34 yet."


def test_a_run_that_shares_no_folds_with_the_others_is_named_to_be_launched_with_the_best(three):
    alone = replace(against("r50", SOME, paired.UNDECIDED), interval=None, deltas=())
    said = verdict(three, three[1], [against("r18", CLEAR, paired.WORSE), alone], COSTS, within=0.01)
    assert said.kind == "best" and said.apart == ("r50",) and said.folds is None
    assert "r50 cannot be set against r34." in said.more


def test_a_run_of_which_one_lucky_fold_is_done_is_not_the_one_that_all_others_are_set_against():
    """It had the highest mean, shared one fold with each, and so nothing was said of two finished runs far apart."""
    high, low = member("high", (0.8, 0.81, 0.79, 0.8, 0.8)), member("low", (0.7, 0.7, 0.69, 0.71, 0.7))
    for lucky in (member("lucky", (0.9,), waits=4), member("lucky", (0.9, 0.91), waits=3)):
        assert best_of([lucky, low, high]) is high
    assert best_of([member("few", (0.9, 0.9)), low, high]).id == "few", "it is finished: it has two folds"
    lucky = member("lucky", (0.9,), waits=4)
    differences = [against("lucky", (0.1,), paired.UNDECIDED), against("low", CLEAR, paired.WORSE)]
    said = verdict([lucky, low, high], high, differences, {}, within=0.01)
    assert (said.kind, said.top, said.apart) == ("best", "high", ("lucky",))
    assert said.headline == "high is better than low." and "lucky cannot be set against high." in said.more


def test_of_two_of_its_folds_it_is_said_that_they_do_not_tell_it_apart():
    high, low = member("high"), member("low", (0.6, 0.6, 0.6, 0.6, 0.6))
    lucky = member("lucky", (0.9, 0.81), waits=3)
    differences = [against("lucky", (0.2, 0.1), paired.UNDECIDED), against("low", CLEAR, paired.WORSE)]
    said = verdict([lucky, low, high], high, differences, {}, within=0.01)
    assert said.headline == "high and lucky are not told apart; low is worse."
    assert "3 folds are not finished; what they score may decide." in said.more


@pytest.mark.parametrize("deltas", [SOME, tuple(-delta for delta in SOME)])
def test_the_one_that_lies_above_on_what_two_runs_share_is_named_above(three, deltas):
    """Both are scored anew on the photos that both held out, where the highest mean may be the lower one."""
    said = verdict(three[:2], three[1], [against("r18", deltas, paired.UNDECIDED)], COSTS, within=0.01)
    above, below = ("r34", "r18") if deltas is SOME else ("r18", "r34")
    assert said.contest == (above, below) and said.folds == paired.folds_to_tell(np.array(SOME), 5)
    assert f"would show {above} above {below}, if the difference stays" in said.more[1]


def test_of_two_folds_too_the_one_above_is_named_first():
    runs = [member("r18", (0.077, 0.2)), member("r34", (0.29, 0.3))]
    said = verdict(runs, runs[1], [against("r18", (0.213, 0.1), paired.UNDECIDED)], COSTS, within=0.01)
    assert said.contest == ("r18", "r34") and "launch r18 and r34 anew in 5 folds." in said.more[1]


BETTER = tuple(-delta for delta in CLEAR)


def test_of_two_runs_the_one_that_is_better_on_what_they_share_is_the_best_though_its_mean_is_lower(three):
    said = verdict(three[:2], three[1], [against("r18", BETTER, paired.BETTER)], COSTS, within=0.01)
    assert (said.kind, said.top, said.take, said.contest) == ("best", "r18", "r18", None)
    assert said.headline == "r18 is the best of these: better than r34."
    assert said.more == ("r34 has the highest mean, but not on the folds and photos that they share.",)


def test_of_more_runs_the_highest_mean_that_is_beaten_is_left_out_of_what_decides(three):
    """Of the others nobody has tested which is best."""
    of_each = {"r18": (BETTER, paired.BETTER), "r50": (CLEAR, paired.WORSE)}
    said = verdict(three, three[1], [against(name, *of) for name, of in of_each.items()], COSTS, within=0.01)
    assert (said.kind, said.top, said.take, said.folds) == ("undecided", "r34", "r18", None)
    assert said.headline == "r18 is better than r34; r50 is worse."
    assert "Compare the others without r34, which is not the best of these." in said.more
    both = [against(name, BETTER, paired.BETTER) for name in ("r18", "r50")]
    said = verdict(three, three[1], both, COSTS, within=0.01)
    assert said.headline == "r18 and r50 are better than r34." and "Cheapest: r18." in said.more
    unfinished = member("r34", (0.72, 0.73), waits=3)
    said = verdict([three[0], unfinished, three[2]], unfinished, both, COSTS, within=0.01)
    assert "3 folds are not finished; what they score may decide." in said.more


def test_without_costs_nothing_is_called_the_cheapest(three):
    said = verdict(three[:2], three[1], [against("r18", SOME, paired.UNDECIDED)], {}, within=0.01)
    assert not any("Cheapest" in line for line in said.more)


@pytest.mark.parametrize("deltas", [SOME, CLEAR, (0.01, 0.02, 0.0)])
def test_the_folds_that_would_tell_are_the_first_whose_reach_is_below_the_mean(deltas):
    folds, spread, mean = len(deltas), np.std(deltas, ddof=1), abs(np.mean(deltas))

    def reach(k):
        return stats.t.ppf(0.975, k - 1) * spread * np.sqrt(k / folds) * np.sqrt(1 / k + 1 / (k - 1))

    first = next((k for k in range(folds + 1, 21) if reach(k) < mean), None)
    assert paired.folds_to_tell(np.array(deltas), folds) == first


def test_one_fold_and_no_difference_promise_nothing():
    assert paired.folds_to_tell(np.array([0.1]), 5) is None
    assert paired.folds_to_tell(np.array([0.1, -0.1, 0.0]), 3) is None
