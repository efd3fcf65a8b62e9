"""Whether corrected labels helped: both runs on the same photos and labels, and the sentence says which."""

import pytest
from sklearn.metrics import f1_score

from core.compare import members, pairs, relabelled
from core.runs import starts
from core.stats import paired
from tests.compared import CLASSES, make_run, samples

WEIGHTED = {"training": {"loss": "weighted"}}  # with the smoothing that is usual


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A run, and a far better one of other labels: one photo of every fold of another class, two left out."""
    folder = tmp_path_factory.mktemp("relabelled")
    table = samples(folder, people=120, photos=1)
    before = make_run(folder, table, "first", skill=0.1, run_id="20260101-000000-first-0000", config=WEIGHTED)
    mended = table.drop(index=[57, 58]).reset_index(drop=True)
    for fold in range(5):
        row = mended.index[mended["fold"] == fold][0]
        mended.loc[row, "class_name"] = next(name for name in CLASSES if name != mended.loc[row, "class_name"])
    mended["y"] = mended["class_name"].map(CLASSES.index)
    after = make_run(folder, mended, "second", skill=0.97, run_id="20260102-000000-second-0000", config=WEIGHTED)
    after.update_info(retrained=before.id)
    for fold in after.folds():
        starts.note(after, fold, 0, {"weighs": "photos"})
    return [members.load(run.id, folder) for run in (before, after)]


def test_both_are_scored_on_the_same_labels(both):
    before, after = both
    assert relabelled.pair_of(both[::-1]) == (before, after)
    assert relabelled.pair_of(both[:1]) is relabelled.pair_of(both[1:]) is None
    change = relabelled.corrected(before, after)
    assert (change.relabelled, change.gone, change.new) == (5, 2, 0)
    assert [row.photos for row in change.rows] == [113, 118, 118]
    tables = [members.out_of_fold(run, "best").set_index("sample").sort_index() for run in both]
    stayed = tables[1].index[tables[1]["label"] == tables[0].loc[tables[1].index, "label"]]
    ways = [(stayed, tables[0]["label"]), (tables[1].index, tables[0]["label"]), (tables[1].index, tables[1]["label"])]
    options = {"labels": CLASSES, "average": "macro", "zero_division": 0}
    for row, (photos, labels) in zip(change.rows, ways, strict=True):
        expected = [f1_score(labels[photos], table.loc[photos, "predicted"], **options) for table in tables]
        assert (row.before, row.after) == pytest.approx(tuple(expected), abs=1e-12)
    words = relabelled.what_it_is_scored_on(change, before, after)
    assert "5 photos of another class, 2 left out" in words and "cannot be subtracted" in words
    assert pairs.other_losses([after, before]).startswith(
        "The weighted loss of first weighed each class of a target, that of second weighs each photo"
    )
    assert pairs.other_losses([before, before]) == pairs.other_losses([after, after]) == ""


def test_the_headline_is_about_the_photos_whose_label_stayed(both):
    before, after = both
    (difference,) = pairs.differences([pairs.pair(after, before)])
    assert difference.verdict == paired.BETTER
    assert relabelled.headline(difference) == "The corrected labels helped."
    (other_way,) = pairs.differences([pairs.pair(before, after)])
    assert relabelled.headline(other_way) == "The corrected labels made it worse."
    (alone,) = pairs.differences([pairs.pair(before, before)])
    assert relabelled.headline(alone) == "The corrected labels changed nothing that matters."
