"""Tables that leave the lab."""

import io
import re
import shlex
import sys
import tomllib
import zipfile

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from core.cli import main as cli
from core.errors import LabError
from core.places import HOME
from core.runs import Run, exports
from core.storage.spreadsheet import FORMULA, spreadsheet_csv
from pages.parts.shared import tables
from tests.compared import make_run, samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    table = samples(root, people=30, photos=1)
    make_run(root, table, "=cmd()", run_id="20260101-000000-a-0000", epochs=3)
    make_run(root, table, "b", run_id="20260101-000001-b-0000", epochs=2, states={1: "failed"})
    return root


def chosen(folder):
    return [Run(path.name, folder) for path in sorted(folder.glob("2026*"))]


def test_tidy_metrics_hold_every_number_once(folder):
    table = exports.tidy_metrics(chosen(folder))
    assert list(table.columns) == exports.TIDY
    assert not table.duplicated(["run", "fold", "epoch", "split", "metric"]).any()
    for run in chosen(folder):
        wide = run.all_metrics()
        mine = table[table["run"] == run.id]
        assert len(mine) == len(wide) * 9
        for metric in ("loss", "f1", "seconds"):
            back = mine[mine["metric"] == metric].set_index(["fold", "epoch", "split"])["value"]
            theirs = wide.set_index(["fold", "epoch", "split"])[metric]
            np.testing.assert_array_equal(back.reindex(theirs.index), theirs)


@pytest.mark.fault(24)
def test_csv_and_parquet_hold_the_same_and_no_formula(folder):
    csv = exports.metrics_csv(chosen(folder))
    text = pd.read_csv(io.BytesIO(csv), dtype={"by": str}).fillna({"by": ""})
    parquet = pd.read_parquet(io.BytesIO(exports.metrics_parquet(chosen(folder))))
    assert set(text["name"]) == {"'=cmd()", "b"} and set(parquet["name"]) == {"=cmd()", "b"}
    pd.testing.assert_frame_equal(text.drop(columns="name"), parquet.drop(columns="name"), check_dtype=False)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
@pytest.mark.fault(24)
def test_a_table_of_the_screen_leaves_without_formulas_in_cells_columns_and_row_names(start):
    evil = f"{start}cmd|' /C calc'!A0"
    frame = pd.DataFrame({evil: [evil, "plain"], "n": [-1, 2]}, index=pd.Index([evil, "b"], name=f"{evil}2"))
    frame.loc["c"] = [f"smuggled\r{evil}", 3]
    csv = spreadsheet_csv(tables.flat(frame))
    assert b"\r" not in csv
    table = pd.read_csv(io.BytesIO(csv), keep_default_na=False)
    texts = [*table.columns, *table.iloc[:, 0], *table.iloc[:, 1]]
    assert sum(text.startswith("'") for text in texts) == 4
    assert not [text for text in texts if text.startswith(FORMULA)]
    assert table["n"].tolist() == [-1, 2, 3]


def test_no_runs_and_runs_without_epochs_give_an_empty_table(tmp_path):
    assert list(exports.tidy_metrics([]).columns) == exports.TIDY
    run = make_run(tmp_path, samples(tmp_path, people=30, photos=1), "early", run_id="20260101-000000-e-0000")
    for fold in run.folds():
        run.metrics_file(fold).unlink()
    assert len(exports.tidy_metrics([run])) == 0
    assert exports.metrics_csv([run]).decode("utf-8-sig").strip() == ",".join(exports.TIDY)


def test_a_run_that_is_gone_is_told(folder):
    with pytest.raises(LabError, match="gone"):
        exports.tidy_metrics([Run("20260101-000000-nobody-0000", folder)])


def test_without_tensorboard_the_remedy_names_an_extra_that_there_is(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # as where it is not installed: importing it is impossible
    with pytest.raises(LabError) as caught:
        exports.write_events(chosen(folder), tmp_path / "events")
    assert not (tmp_path / "events").exists()
    (extra,) = re.findall(r"pip install -e '\.\[(\w+)\]'", caught.value.remedy)
    assert extra in tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]


def test_the_command_says_which_extra_is_missing(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    done = run_cli("export", chosen(folder)[0].id, "--out", tmp_path / "events", "--runs", folder)
    assert isinstance(done.exception, LabError) and "'.[tensorboard]'" in done.exception.remedy


def test_tensorboard_gets_every_number_of_every_fold_and_split(folder, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = chosen(folder)[0]
    assert exports.write_events([run], tmp_path) == 10 == len(list(tmp_path.rglob("*tfevents*")))
    table = run.metrics(2)
    table = table[table["split"] == "validation"].set_index("epoch")
    log = EventAccumulator(str(tmp_path / run.id / "fold2-validation")).Reload()
    for tag in exports.SCALARS:
        logged = {event.step: event.value for event in log.Scalars(tag)} if tag in log.Tags()["scalars"] else {}
        assert logged == pytest.approx(table[tag].dropna().to_dict())  # TensorBoard keeps float32
    times = [event.wall_time for event in log.Scalars("loss")]
    assert np.diff(times) == pytest.approx(table["seconds"].to_numpy()[1:], abs=1e-3)
    with zipfile.ZipFile(io.BytesIO(exports.events_zip([run]))) as archive:
        assert len([name for name in archive.namelist() if "tfevents" in name]) == 10


def run_cli(*arguments):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_command_writes_by_the_file_name(folder, tmp_path, suffix):
    out = tmp_path / "deep" / f"metrics.{suffix}"
    done = run_cli("export", *(run.id for run in chosen(folder)), "--out", out, "--runs", folder)
    assert done.exit_code == 0, done.output
    table = pd.read_csv(out) if suffix == "csv" else pd.read_parquet(out)
    assert set(table["run"]) == {run.id for run in chosen(folder)}


def test_the_command_refuses_a_kind_of_file_that_it_does_not_know(folder, tmp_path):
    done = run_cli("export", chosen(folder)[0].id, "--out", tmp_path / "x.xlsx", "--runs", folder)
    assert isinstance(done.exception, LabError) and ".parquet" in str(done.exception)


def test_the_command_that_shows_logs_is_read_by_a_shell_wherever_they_lie(folder, tmp_path):
    out = tmp_path / "logs of 'b'"
    done = run_cli("export", chosen(folder)[1].id, "--out", out, "--runs", folder)
    assert done.exit_code == 0, done.output
    command = done.output.partition("look at them with: ")[2].splitlines()[0]
    assert shlex.split(command) == ["tensorboard", "--logdir", str(out)]
