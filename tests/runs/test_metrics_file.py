"""metrics.csv: fault 30, and a full disk while it is cut."""

import os
import resource

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config.run_config import TrainingConfig
from core.errors import LabError
from core.runs.metrics_file import (
    METRIC_COLUMNS,
    append_metrics,
    cut_metrics,
    fold_scores,
    read_metrics,
    tells_objective,
)
from tests.runs.metric_rows import assert_same_table, rows


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    path = tmp_path / "metrics.csv"
    append_metrics(path, [{**row, "f1": np.float64(row["f1"])} for row in rows(1)])
    assert_same_table(read_metrics(path), pd.DataFrame(rows(1))[METRIC_COLUMNS])


@pytest.mark.fault(30)
def test_metrics_cut_at_any_byte_give_every_whole_line_and_no_duplicate_after_resume(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # thousands of files on a busy disk
    path = tmp_path / "metrics.csv"
    for epoch in (1, 2, 3):
        append_metrics(path, rows(epoch))
    whole = path.read_bytes()
    complete = pd.DataFrame([*rows(1), *rows(2), *rows(3)])[METRIC_COLUMNS]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        lines = max(0, whole[:cut].count(b"\n") - 1)
        table = read_metrics(path)
        assert_same_table(table, complete[:lines])
        if cut % 7 and whole[cut - 1 : cut + 1].count(b"\n") == 0:
            continue
        done = min(table["epoch"].max(), lines // 2) if lines else 0  # epochs whose checkpoint can be there
        cut_metrics(path, done)
        for epoch in range(done + 1, 4):
            append_metrics(path, rows(epoch))
        assert path.read_bytes() == whole
    assert os.listdir(tmp_path) == ["metrics.csv"]


def test_cut_metrics_drops_what_came_after_the_checkpoint(tmp_path):
    path = tmp_path / "metrics.csv"
    cut_metrics(path, 3)
    assert not path.exists()
    for epoch in (1, 2, 3):
        append_metrics(path, rows(epoch))
    cut_metrics(path, 2)
    assert read_metrics(path)["epoch"].tolist() == [1, 1, 2, 2]
    cut_metrics(path, 0)
    assert path.read_text() == ",".join(METRIC_COLUMNS) + "\n"


@pytest.mark.fault(5)
def test_a_full_disk_while_metrics_are_cut_keeps_the_old_file(tmp_path):
    path = tmp_path / "metrics.csv"
    for epoch in (1, 2, 3):
        append_metrics(path, rows(epoch))
    whole = path.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(LabError, match="disk full"):
            cut_metrics(path, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == whole
    assert os.listdir(tmp_path) == ["metrics.csv"]


OLD = "epoch,phase,split,loss,accuracy,f1,lr_backbone,lr_head,seconds,images_per_second\n"
OLD_ROWS = (
    "1,0,train,1.25,0.5,0.30000000000000004,0.001,0.002,0.01,900.0\n"
    "1,0,validation,1.1,0.25,0.2,0.001,0.002,0.01,900.0\n"
)


def test_a_file_of_version_0_1_0_is_read_and_continued_under_the_columns_of_today(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text(OLD + OLD_ROWS)
    table = read_metrics(path)
    assert list(table.columns) == METRIC_COLUMNS
    assert table["f1"].tolist() == [0.1 + 0.2, 0.2] and table["loss"].tolist() == [1.25, 1.1]
    assert table[["objective", "f1_present"]].isna().all(axis=None)
    append_metrics(path, rows(2))
    again = read_metrics(path)
    assert_same_table(again[:2], table)
    assert_same_table(again[2:].reset_index(drop=True), pd.DataFrame(rows(2))[METRIC_COLUMNS])
    assert path.read_text().splitlines()[0] == ",".join(METRIC_COLUMNS)
    assert os.listdir(tmp_path) == ["metrics.csv"]
    _, scores = fold_scores(again[:2])
    assert "best_f1_present" not in scores and scores["best_f1"] == 0.2
    _, scores = fold_scores(again)
    assert scores["final_f1_present"] == 0.25 and "best_f1_present" not in scores


def test_a_loss_that_is_the_objective_is_told_from_plain_cross_entropy(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text(OLD + OLD_ROWS)
    old = read_metrics(path)
    plain, smooth = TrainingConfig(label_smoothing=0.0), TrainingConfig(label_smoothing=0.1)
    focal, weighted = (TrainingConfig(label_smoothing=0.0, loss=loss) for loss in ("focal", "weighted"))
    assert not tells_objective(old, plain)
    assert all(tells_objective(old, training) for training in (smooth, focal, weighted))
    path.unlink()
    append_metrics(path, rows(1))
    assert not tells_objective(read_metrics(path), smooth)


def row(epoch, split, value):
    numbers = dict.fromkeys(METRIC_COLUMNS[3:], value)
    return {"epoch": epoch, "phase": 0, "split": split, **numbers}


@settings(max_examples=50)
@given(epochs=st.integers(0, 4), share=st.floats(0, 1), value=st.floats(allow_nan=False, allow_infinity=False))
@pytest.mark.fault(30)
def test_metrics_cut_at_any_byte_give_every_whole_line_and_no_duplicate_after_a_resume(
    tmp_path_factory, epochs, share, value
):
    path = tmp_path_factory.mktemp("cut") / "metrics.csv"
    for epoch in range(1, epochs + 1):
        append_metrics(path, [row(epoch, "train", value), row(epoch, "validation", value / 3)])
    raw = path.read_bytes() if path.exists() else b""
    cut = round(share * len(raw))
    path.write_bytes(raw[:cut])
    table = read_metrics(path)
    assert len(table) == max(0, raw[:cut].count(b"\n") - 1)
    assert list(table.columns) == METRIC_COLUMNS
    if len(table):
        assert table["loss"].iloc[0] == value  # to the bit

    kept = len(table) // 2  # the epoch of the checkpoint: both of its lines are there
    cut_metrics(path, kept)
    for epoch in range(kept + 1, epochs + 1):
        append_metrics(path, [row(epoch, "train", value), row(epoch, "validation", value / 3)])
    again = read_metrics(path)
    assert list(again["epoch"]) == [epoch for epoch in range(1, epochs + 1) for _ in range(2)]
    assert not again.duplicated(["epoch", "split"]).any()
    assert os.listdir(path.parent) in ([], ["metrics.csv"])
