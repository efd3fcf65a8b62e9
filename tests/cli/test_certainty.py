"""The verb `certainty`."""

import json

import numpy as np
import pytest

from core.answers import certainty
from tests.answered import made, probabilities_of, table_of


@pytest.fixture
def run(runs_folder, tmp_path):
    table = table_of(tmp_path, people=60, folds=3, photos=2).assign(person_known=True)
    wrong = {row: (row * 5 + 1) % 6 for row in range(0, 120, 4)}
    return made(runs_folder, table, probabilities=probabilities_of(table["y"].to_numpy(), 0, wrong, 0.6))


def test_what_is_printed_and_the_record_are_the_certainty_of_the_run(run, lab):
    text, record = lab("certainty", run.id, "--accuracy", "0.5"), lab("certainty", run.id, "--alpha", "0.2", "--json")
    assert text.code == record.code == 0, text.err + record.err
    for words in ("female <30", "mean of all", "temperature for each fold", "Answer from a confidence of", "Sets that"):
        assert words in text.out
    assert "note: The best epoch was chosen on the same held-out photos" in text.out
    values, sure = json.loads(record.out), certainty.load(run)
    assert values["photos"] == 120 and values["persons"] == {"known": 120, "count": 60}
    assert values["temperature"]["of_folds"]["1"] == sure.temperatures[1]
    assert values["sets"]["coverage"]["score"] == sure.sets(0.2).coverage.mean
    assert sum(row["photos"] for row in values["believable"]["as_it_says"]["bins"]) == 120
    line = values["questions"][0]["lines"][2]
    assert line["name"] == "female >=60" and line["f1"]["score"] == sure.classes.lines[2].f1.mean
    assert list(values["offsets"]["offsets"].values()) == sure.offsets.tuned.tolist()
    assert values["threshold"]["promise"] is None and values["test"] is None
    assert np.isfinite(values["threshold"]["aurc"])


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--accuracy", "1"), "--accuracy 1: not a share"),
        (("--alpha", "nan"), "--alpha nan: not a share"),
        (("--which", "worst"), "'worst' is not known"),
    ],
)
def test_what_is_no_share_is_refused(run, lab, words, error):
    refused = lab("certainty", run.id, *words)
    assert refused.code == 1 and error in refused.err and not refused.out
