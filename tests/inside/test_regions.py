"""Shares of heat by region, and their intervals over people, against counts by hand and scipy's bootstrap."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from core.config import from_dict
from core.errors import LabError
from core.inside import regions
from core.inside.regions import BACKGROUND, REGIONS, Boxes

BOXES = Boxes((0.25, 0.25, 0.75, 0.875), (0.25, 0.25, 0.75, 0.5), (0.375, 0.5, 0.625, 0.75))


def transforms(*steps):
    return from_dict({"data": {"root": "."}, "transforms": [*steps, {"name": "Normalize"}]}).transforms


def resize(side):
    return {"name": "Resize", "params": {"height": side, "width": side}}


def region_at(x, y):
    """What lies at a point of the photo, given as fractions: the definition, told apart from the code under test."""
    boxes = (BOXES.eyes_and_brows, BOXES.nose_and_mouth, BOXES.face)
    inside = [left <= x < right and top <= y < bottom for left, top, right, bottom in boxes]
    return inside.index(True) if any(inside) else BACKGROUND


def test_every_pixel_belongs_to_the_region_that_its_place_in_the_photo_has():
    masks = regions.masks(BOXES, 80, 160, transforms(resize(80)))
    assert masks.shape == (len(REGIONS), 80, 80)
    np.testing.assert_allclose(masks.sum(0), 1, atol=1e-6)
    expected = [[region_at((x + 0.5) / 80, (y + 0.5) / 80) for x in range(80)] for y in range(80)]
    np.testing.assert_array_equal(masks.argmax(0), expected)


def test_boxes_go_through_the_crop_and_what_a_crop_pads_is_background():
    """A crop of the middle 80 x 160 of a photo of 80 x 80 pads 40 rows above and below."""
    crop = {"name": "CenterCrop", "params": {"height": 160, "width": 40}}
    masks = regions.masks(BOXES, 80, 80, transforms(crop, resize(160)))
    assert (masks[BACKGROUND, :38] == 1).all() and (masks[BACKGROUND, 122:] == 1).all()
    middle = masks[:, 40:120, ::4].argmax(0)
    expected = [[region_at((20 + x + 0.5) / 80, (y + 0.5) / 80) for x in range(40)] for y in range(80)]
    assert (middle == np.array(expected)).mean() > 0.97  # a resize blurs the pixels at an edge


def test_shares_equal_sums_pixel_by_pixel():
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(3, 2, 10, 8))
    maps[1, 1] = -1
    where = regions.masks(BOXES, 40, 40, transforms({"name": "Resize", "params": {"height": 10, "width": 8}}))
    shares = regions.shares(maps, where)
    for n in range(3):
        for layer in range(2):
            sums = [
                sum(max(0, maps[n, layer, y, x]) * where[r, y, x] for y in range(10) for x in range(8))
                for r in range(4)
            ]
            if (n, layer) == (1, 1):
                assert np.isnan(shares[n, layer]).all()
            else:
                whole = np.maximum(maps[n, layer], 0).sum()
                np.testing.assert_allclose(shares[n, layer], np.array(sums) / whole, rtol=1e-6)
    np.testing.assert_allclose(regions.shares(maps, np.stack([where] * 3)), shares)


def by_people(values, people):
    """(sum, number) of each person's values."""
    frame = pd.DataFrame({"who": people, "value": values}).dropna().groupby("who")["value"].agg(["sum", "count"])
    return frame["sum"].to_numpy(), frame["count"].to_numpy()


def scipys_interval(data, statistic, seed):
    settings = {"paired": True, "vectorized": True, "n_resamples": 20_000, "method": "percentile"}
    return bootstrap(data, statistic, rng=np.random.default_rng(seed), **settings).confidence_interval


def test_the_interval_of_a_mean_is_scipys_bootstrap_over_people():
    """People with one to four photos that are alike: photos as units would make the interval too narrow."""
    rng = np.random.default_rng(1)
    people = np.repeat([f"p{i}" for i in range(30)], rng.integers(1, 5, 30))
    own = dict(zip(np.unique(people), rng.normal(0.4, 0.15, 30), strict=True))
    values = np.array([own[who] for who in people]) + rng.normal(0, 0.01, len(people))
    values[::7] = np.nan
    ours = regions.mean_over_people(values[:, None], people, draws=20_000)
    theirs = scipys_interval(by_people(values, people), lambda s, n, axis: s.sum(axis) / n.sum(axis), 2)
    assert ours.mean[0] == pytest.approx(np.nanmean(values)) and ours.people == 30
    width = theirs.high - theirs.low
    assert ours.low[0] == pytest.approx(theirs.low, abs=0.04 * width)
    assert ours.high[0] == pytest.approx(theirs.high, abs=0.04 * width)


def test_who_is_in_both_groups_is_drawn_into_both():
    rng = np.random.default_rng(3)
    people = [f"p{i}" for i in range(25)]
    level = rng.normal(0.5, 0.2, 25)
    a, b = level + 0.03 + rng.normal(0, 0.02, 25), level + rng.normal(0, 0.02, 25)
    ours = regions.difference_over_people(a[:, None], people, b[:, None], people, draws=20_000)
    theirs = scipys_interval((a, b), lambda x, y, axis: x.mean(axis) - y.mean(axis), 4)
    width = theirs.high - theirs.low
    assert (ours.low[0], ours.high[0]) == pytest.approx((theirs.low, theirs.high), abs=0.04 * width)
    apart = regions.difference_over_people(a[:, None], people, b[:, None], [f"q{i}" for i in range(25)])
    assert apart.high[0] - apart.low[0] > 4 * width  # other people: their levels do not cancel


def test_one_person_has_no_interval():
    one = regions.mean_over_people(np.array([[0.2], [0.4]]), ["p", "p"])
    assert one.mean[0] == pytest.approx(0.3) and np.isnan([one.low[0], one.high[0]]).all()
    gap = regions.difference_over_people(np.ones((2, 1)), ["p", "q"], np.zeros((1, 1)), ["r"])
    assert gap.mean[0] == 1 and np.isnan([gap.low[0], gap.high[0]]).all()


def alarms(shares, area, predicted="wall"):
    n = len(shares)
    return regions.background_alarms(shares, [predicted] * n, [f"p{i}" for i in range(n)], np.full(n, area))


def test_the_alarm_wants_most_heat_there_more_than_chance_and_surely():
    rng = np.random.default_rng(5)
    (fired,) = alarms(rng.normal(0.8, 0.05, 40), 0.3)
    assert fired.class_name == "wall" and "is decided by hair and background: 78%" in fired.sentence
    assert not alarms(rng.normal(0.4, 0.05, 40), 0.3)  # less than half
    assert not alarms(rng.normal(0.8, 0.05, 40), 0.85)  # heat that is spread evenly would lie there as well
    assert not alarms([0.2, 0.99, 0.5], 0.3)  # three people tell too little
    assert not alarms([0.9], 0.3) and not alarms([0.9, 0.95], 0.3)  # so do two, whatever they agree on
    shares = np.array([0.8, 0.8, 0.81, 0.9, 0.9, 0.91, 0.1, 0.1, 0.11])
    classes, nine = np.repeat(["wall", "hair", "face"], 3), [f"p{i}" for i in range(9)]
    both = regions.background_alarms(shares, classes, nine, np.full(9, 0.3))
    assert [alarm.class_name for alarm in both] == ["hair", "wall"]


def test_photos_of_which_half_are_mistakes_count_as_often_as_they_are_in_the_run():
    """Mistakes look at the background, the 95 % right answers at the face."""
    right = np.arange(40) % 2 == 0
    of = (
        np.where(right, 0.3, 0.9) + np.arange(40) / 1000,
        ["wall"] * 40,
        [f"p{i}" for i in range(40)],
        np.full(40, 0.2),
    )
    assert regions.background_alarms(*of)
    assert not regions.background_alarms(*of, right=right, in_run={("wall", True): 950, ("wall", False): 50})
    (fired,) = regions.background_alarms(*of, right=right, in_run={("wall", True): 100, ("wall", False): 900})
    by_hand = (100 * of[0][right].mean() + 900 * of[0][~right].mean()) / 1000
    assert fired.share.mean == pytest.approx(by_hand) and "weighed by their numbers in the run" in fired.sentence
    mistakes = [np.asarray(each)[~right] for each in of]
    (fired,) = regions.background_alarms(*mistakes, right=right[~right], in_run={("wall", True): 950})
    assert "among the 20 photos that were looked at, of which 20 are mistakes" in fired.sentence


def test_boxes_that_are_none_are_refused_and_the_preset_follows_the_photos():
    for box in ((0.5, 0, 0.5, 1), (0, 0.6, 1, 0.4), (-0.1, 0, 1, 1), (0, 0, 1, float("nan"))):
        with pytest.raises(LabError) as caught:
            Boxes(box, BOXES.eyes_and_brows, BOXES.nose_and_mouth)
        assert caught.value.kind == "regions" and "face" in caught.value.message
    assert regions.preset_for(pd.DataFrame({"width": [200, 201], "height": [200, 199]})) == "close"
    assert regions.preset_for(pd.DataFrame({"width": [384], "height": [512]})) == "portrait"
