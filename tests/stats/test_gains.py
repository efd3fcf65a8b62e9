"""What a way of answering brings over another: by hand, with people drawn one by one, and by scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from core.stats import gains, paired


def answers_of(people=14, photos=3, classes=3, networks=4, seed=0):
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), photos)
    true = np.repeat(rng.integers(0, classes, people), photos)
    given = np.stack(
        [np.where(rng.random(len(true)) < 0.6, true, rng.integers(0, classes, len(true))) for _ in range(networks)]
    )
    return person, true, given


def by_sklearn(true, given):
    return f1_score(true, given, labels=range(3), average="macro", zero_division=0)


def test_scores_are_those_of_scikit_learn_and_one_network_is_worth_the_mean_of_them():
    person, true, given = answers_of()
    one, best = gains.judged(person, true, [given[:3], given[3:]], [None, 0], 3)
    each = [by_sklearn(true, alone) for alone in given]
    assert one.each == pytest.approx(each[:3]) and best.each == pytest.approx(each[3:])
    assert one.f1.mean == pytest.approx(np.mean(each[:3])) and one.over is None
    assert best.over.mean == pytest.approx(each[3] - np.mean(each[:3]))
    assert best.over.n == one.f1.n == 14


def test_the_paired_interval_is_that_of_people_drawn_one_by_one():
    person, true, given = answers_of()
    way = gains.judged(person, true, [given[:3], given[3:]], [None, 0], 3, resamples=3000)[1]
    rng, differences = np.random.default_rng(5), []
    photos = [np.flatnonzero(person == someone) for someone in range(14)]
    for _ in range(3000):
        rows = np.concatenate([photos[someone] for someone in rng.integers(0, 14, 14)])
        scores = [f1_by_hand(true[rows], alone[rows]) for alone in given]
        differences.append(scores[3] - np.mean(scores[:3]))
    low, high = np.quantile(differences, [0.025, 0.975])
    assert way.over.low == pytest.approx(low, abs=0.012) and way.over.high == pytest.approx(high, abs=0.012)
    sides = np.mean(np.array(differences) <= 0), np.mean(np.array(differences) >= 0)
    assert way.over.p == pytest.approx(min(1, 2 * min(sides)), abs=0.05)


def f1_by_hand(true, given):
    hits = [((true == c) & (given == c)).sum() for c in range(3)]
    named = [(true == c).sum() + (given == c).sum() for c in range(3)]
    return np.mean([2 * h / n if n else 0.0 for h, n in zip(hits, named, strict=True)])


def test_with_one_network_each_it_tells_what_the_others_of_the_room_tell():
    person, true, given = answers_of(networks=2)
    first, second = gains.judged(person, true, [given[:1], given[1:]], [None, 0], 3)
    assert second.over == paired.bootstrap_f1_difference(person, true, given[1], given[0], 3)
    f1 = paired.bootstrap_scores(person, true, given[0], 3)[0]
    assert (first.f1.mean, first.f1.low, first.f1.high) == pytest.approx((f1.mean, f1.low, f1.high))


def test_the_same_answers_bring_exactly_nothing_and_one_person_has_no_interval():
    person, true, given = answers_of()
    same = gains.judged(person, true, [given[:1], given[:1]], [None, 0], 3)[1]
    assert (same.over.mean, same.over.low, same.over.high, same.over.p) == (0, 0, 0, 1)
    alone, other = gains.judged(np.zeros_like(person), true, [given[:1], given[1:2]], [None, 0], 3)
    assert not alone.f1.known and not other.over.known and np.isnan(other.over.p)
    assert other.over.mean == pytest.approx(by_sklearn(true, given[1]) - by_sklearn(true, given[0])) != 0


def test_without_photos_there_is_nothing_to_judge():
    empty = np.empty(0, dtype=int)
    with pytest.raises(ValueError, match="no samples"):
        gains.judged(empty, empty, [empty[None]], [None], 3)
