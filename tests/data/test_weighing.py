"""Which of several tables counts, or the folders beside them, and that the others are asked about."""

from __future__ import annotations

from tests.data.tables import labels, table
from tests.photos import draw, read


def test_a_table_of_labels_is_found_below_the_root_among_a_caption_of_each_photo(tmp_path):
    draw(tmp_path / "photos/0.jpg")
    for number in range(70):
        (tmp_path / f"photos/{number}.txt").write_text("A cat that sleeps.\n")
    rows = [f"{n}.jpg,{'ab'[n % 2]}" for n in range(4)]
    scanned = read(table(tmp_path, rows, *(f"photos/{n}.jpg" for n in range(4)), name="photos/labels.csv"))
    assert labels(scanned) == {f"photos/{n}.jpg": "ab"[n % 2] for n in range(4)}
