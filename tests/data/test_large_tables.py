"""Tables as large, as wide and as empty as people have them: told in a few lines."""

from types import SimpleNamespace

from core.config.parts import FoldsConfig, TaskConfig
from core.data.understood import facts_of
from core.plan.ways_out import as_settings, ways_out
from tests.photos import draw, problems_of, read, samples_of

ROWS = 20_000


def table(root, header, rows, photos=12):
    for number in range(photos):
        draw(root / f"{number}.png", (number * 9, 0, 0))
    (root / "labels.csv").write_text("\n".join([header, *rows]) + "\n")
    return read(root)


def texts(scanned):
    return [fact.text for fact in facts_of(scanned)]


def test_a_column_in_which_nothing_stands_is_told(tmp_path):
    rows = [f"{number}.png,{'ab'[number % 2]},," for number in range(12)]
    assert "labels.csv: nothing stands in 2 columns: note and more." in texts(
        table(tmp_path, "file,label,note,more", rows)
    )


def test_a_label_column_in_which_nothing_stands_sets_all_photos_aside(tmp_path):
    scanned = table(tmp_path, "file,label", [f"{number}.png," for number in range(12)])
    assert scanned.samples.empty and len(scanned.set_aside) == 12
    assert "12 photos have no label (empty 12): set aside as unlabelled." in texts(scanned)


def test_rows_without_their_photo_are_told_up_to_a_thousand_and_then_counted(tmp_path):
    """A million rows take the same path: what is remembered of one is its cells, and of most faults a number."""
    scanned = table(tmp_path, "file,label", [f"{number}.png,{'ab'[number % 2]}" for number in range(ROWS)])
    assert len(scanned.samples) == 12
    assert len(scanned.problems) == 1001 and len(problems_of(scanned, "missing-file")) == 1001
    assert f"{ROWS - 12 - 1000:,} more" in " ".join(scanned.problems["problem"])


def test_five_thousand_classes_are_told_in_a_line_and_their_ways_out_in_two():
    names = [f"class {number:04d}" for number in range(5000)]
    samples = samples_of(*[(f"{name} {n}", name) for name in names for n in range(2 if name < "class 4990" else 9)])
    ways = ways_out(SimpleNamespace(samples=samples), TaskConfig(name="label"), FoldsConfig())
    assert (len(ways.rare), len(ways.others), ways.folds) == (4990, 10, 2)
    assert ways.to_merge == ways.rare and ways.merged_name == "other"
    assert as_settings(ways, TaskConfig(name="label")) == ["--set folds.count=2"], "nobody types 4,990 names"
