"""Promises of the demo dataset: same bytes for the same seed, the study's layout and imbalance, nothing half made."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from core.demo import dataset
from core.demo.dataset import draw_demo
from core.demo.people import GROUPS, SHOTS, cast, quotas
from core.errors import LabError


def contents(root: Path) -> dict[str, bytes]:
    return {str(f.relative_to(root)): f.read_bytes() for f in sorted(root.rglob("*")) if f.is_file()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    return draw_demo(tmp_path_factory.mktemp("demo") / "faces", people=2, seed=3, processes=1)


def test_same_seed_same_bytes_with_one_and_two_processes(drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "BATCH", 1)  # else two people are one, which one process draws
    again = draw_demo(tmp_path / "again", people=2, seed=3, processes=2)
    assert contents(again) == contents(drawn)


def test_layout_and_table_agree(drawn):
    with open(drawn / "train.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "gender", "race", "age", "path"]
    assert len(rows) == len({row["id"] for row in rows}) == 2
    for row in rows:
        assert row["path"] == f"{row['id']}_{row['gender']}_{row['age']}"
        folder = drawn / "images" / row["path"]
        assert {f.name for f in folder.iterdir()} == {f"{shot}.jpg" for shot in SHOTS}
        for file in folder.iterdir():
            with Image.open(file) as image:
                image.load()
                assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (384, 512))
    assert sorted(p.name for p in drawn.iterdir()) == ["images", "train.csv"]


@pytest.mark.parametrize(("people", "least"), [(24, 3), (30, 3), (60, 5), (300, 8)])
def test_every_group_has_its_people(people, least):
    counts = quotas(people)
    assert sum(counts) == people and min(counts) >= least
    tally = Counter()
    for gender, age in cast(people, seed=1):
        tally[next(i for i, (g, low, high, _) in enumerate(GROUPS) if g == gender and low <= age <= high)] += 1
    assert [tally[i] for i in range(6)] == counts


@pytest.mark.parametrize("people", [1, 5, 7, 13])
def test_few_people_still_add_up(people):
    assert len(cast(people, seed=0)) == people


def test_shares_are_the_studys():
    who = cast(300, seed=0)
    assert sum(age >= 60 for _, age in who) == pytest.approx(24, abs=3)
    assert sum(gender == "female" for gender, _ in who) == pytest.approx(186, abs=3)
    assert sum(age < 30 for _, age in who) == pytest.approx(141, abs=3)


def test_a_folder_with_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(LabError, match="already holds files"):
        draw_demo(tmp_path, people=1, processes=1)
    assert contents(tmp_path) == {"mine.txt": b"keep"}


def test_an_interrupted_draw_leaves_nothing(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_demo(tmp_path / "faces", people=1, progress=stop, processes=1)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_filled_progress_counts_people_and_another_seed_draws_others(drawn, tmp_path):
    root, seen = tmp_path / "empty", []
    root.mkdir()
    draw_demo(root, people=2, seed=0, progress=lambda done, total: seen.append((done, total)), processes=1)
    assert seen[-1] == (2, 2) and len(contents(root)) == 15
    assert not set(contents(root).values()) & set(contents(drawn).values())
