"""What a dataset is made of; against counting by hand."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.config.run_config import TaskConfig
from core.data import counts as dataset_stats
from core.data.pictures.photo import StoredPhoto
from core.figures import dataset

LIMITS, TASK = (30, 60), TaskConfig()


@pytest.fixture
def samples():
    rng = np.random.default_rng(3)
    n = 300
    person = rng.integers(0, 60, n)
    return pd.DataFrame(
        {
            "sample": [f"{i:03d}.jpg" for i in range(n)],
            "person": [f"p{p}" for p in person],
            "mask": rng.choice(np.array(["mask", "normal", None], object), n),
            "gender": [("female", "male")[p % 2] for p in person],
            "age": [float("nan") if p % 7 == 0 else 18.0 + p for p in person],
            "label": [None] * n,
            "width": rng.choice([100, 200], n),
            "height": 100,
        }
    )


def group(age):
    return "unknown" if age != age else "<30" if age < 30 else "30-59" if age < 60 else ">=60"


def word(value):
    return value if isinstance(value, str) else "unknown"


def test_cross_tables_count_photos_and_people(samples):
    photos = dataset_stats.cross_table(samples, "gender", "age", TASK, "photos")
    expected = Counter((row.gender, group(row.age)) for row in samples.itertuples())
    assert {(r, c): photos.loc[r, c] for r in photos.index for c in photos.columns} == {
        (r, c): expected[r, c] for r in ("female", "male") for c in ("<30", "30-59", ">=60", "unknown")
    }
    people = dataset_stats.cross_table(samples, "mask", "gender", TASK, "people")
    seen = Counter((m, g) for _, m, g in {(r.person, word(r.mask), r.gender) for r in samples.itertuples()})
    assert all(people.loc[m, g] == seen[m, g] for m in people.index for g in people.columns)
    assert people.index.tolist() == ["mask", "normal", "unknown"]


def test_a_value_called_unknown_is_counted_apart_from_photos_that_tell_none(samples):
    masks = samples["mask"].replace("normal", "unknown")
    table = dataset_stats.cross_table(samples.assign(mask=masks), "mask", "gender", TASK, "photos")
    expected = Counter(mask if isinstance(mask, str) else "not told" for mask in masks)
    assert len(expected) == 3 and table.sum(axis=1).to_dict() == expected


def test_ages_people_and_sizes(samples):
    ages = {row.person: row.age for row in samples.itertuples() if row.age == row.age}
    assert sorted(dataset_stats.ages_of_people(samples)) == sorted(ages.values())
    each = Counter(Counter(samples["person"]).values())
    assert dataset_stats.photos_per_person(samples).to_dict() == dict(each)
    sizes = dataset_stats.sizes(samples)
    assert sizes["photos"].sum() == len(samples) and sizes["photos"].is_monotonic_decreasing
    assert dataset_stats.told_attributes(samples) == ["mask", "gender", "age"]


def test_class_counts_follow_class_order_and_shares_add_up(samples):
    table = samples.assign(class_name=samples["gender"], y=0)
    counts = dataset_stats.class_counts(table, ["male", "female"])
    assert counts.index.tolist() == ["male", "female"]
    assert counts["share"].sum() == pytest.approx(1)
    assert counts.loc["male", "people"] == samples[samples["gender"] == "male"]["person"].nunique()


def test_the_mean_photo_is_the_mean(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    for name, grey in (("a", 40), ("b", 200)):
        Image.new("RGB", (300, 120), (grey, 100, 0)).save(tmp_path / f"{name}.png")
    (tmp_path / "bad.jpg").write_bytes(b"")
    photos = [StoredPhoto(str(tmp_path / name), name, 0, 1) for name in ("a.png", "b.png", "bad.jpg")]
    mean = dataset_stats.mean_photo(photos)
    assert mean.shape == (96, 96, 3) and mean.dtype == np.uint8
    assert np.abs(mean.mean((0, 1)) - (120, 100, 0)).max() < 4
    assert dataset_stats.mean_photo(photos[2:]) is None


def test_few_rows_are_of_as_many_people_as_there_are(samples):
    few = dataset_stats.spread_out(samples, 40)
    assert few["person"].nunique() == 40
    assert few["sample"].tolist() == dataset_stats.spread_out(samples, 40)["sample"].tolist()
    assert len(dataset_stats.spread_out(samples, 10_000)) == len(samples)


def test_thin_classes_say_what_they_mean():
    people = {"many": 15, "three": 14, "two": 9, "one": 4}
    rows = [(y, name, f"{name}{i}") for y, (name, n) in enumerate(people.items()) for i in range(n) for _ in range(2)]
    table = pd.DataFrame(rows, columns=["y", "class_name", "person"])
    table["sample"] = [f"{i}.jpg" for i in range(len(table))]
    assert "refused" not in str(dataset_stats.thin_classes(table, 5, is_split=True))
    thin = dataset_stats.thin_classes(table, 5)
    assert "this split is refused" in str(thin)
    assert [(name, n) for name, n, _ in thin] == [("one", 4), ("two", 9), ("three", 14)]
    assert ["refused" in why for _, _, why in thin] == [True, False, False]
    assert "single person" in thin[1][2] and "two people" in thin[2][2]


def test_figures_hold_the_numbers_and_show_names_as_text(samples):
    table = samples.assign(class_name="<b>x", y=0)
    bars = dataset.class_bars(dataset_stats.class_counts(table, ["<b>x"]))
    assert list(bars.data[0].y) == [300] and bars.data[0].x[0] == "&lt;b&gt;x"
    ages = dataset.age_histogram(dataset_stats.ages_of_people(samples), LIMITS)
    assert sum(ages.data[0].y) == len(dataset_stats.ages_of_people(samples))
    assert [shape.x0 for shape in ages.layout.shapes] == [29.5, 59.5]
    heat = dataset.cross_heat(dataset_stats.cross_table(samples, "gender", "mask", TASK, "photos"), "photos")
    assert np.sum(heat.data[0].z) == 300
    assert np.sum(dataset.size_scatter(dataset_stats.sizes(samples)).data[0].customdata) == 300
    counts = dataset_stats.photos_per_person(samples)
    assert np.sum(dataset.people_bars(counts).data[0].y) == samples["person"].nunique()
