"""Tables that leave the lab."""

import io
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from compared import make_run, samples
from typer.testing import CliRunner

from core import cli, exports
from core.errors import LabError
from core.runs import Run


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


def test_csv_and_parquet_hold_the_same_and_no_formula(folder):
    csv = exports.metrics_csv(chosen(folder))
    text = pd.read_csv(io.BytesIO(csv))
    parquet = pd.read_parquet(io.BytesIO(exports.metrics_parquet(chosen(folder))))
    assert set(text["name"]) == {"'=cmd()", "b"} and set(parquet["name"]) == {"=cmd()", "b"}
    pd.testing.assert_frame_equal(text.drop(columns="name"), parquet.drop(columns="name"), check_dtype=False)


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


def test_without_tensorboard_the_remedy_is_to_install_it(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "has_tensorboard", lambda: False)
    with pytest.raises(LabError, match="pip install tensorboard"):
        exports.write_events(chosen(folder), tmp_path / "events")
    assert not (tmp_path / "events").exists()


@pytest.fixture
def tensorboard(monkeypatch):
    """The three classes of the optional package that are used, in its place; what was written: folder -> events."""
    written: dict[str, list] = {}

    class Writer:
        def __init__(self, logdir):
            Path(logdir).mkdir(parents=True)
            (Path(logdir) / "events.out.tfevents.1").write_bytes(b"")
            self.events = written[Path(logdir).name] = []

        def add_event(self, event):
            self.events.append(event)

        def close(self):
            pass

    summary = type("Summary", (SimpleNamespace,), {"Value": SimpleNamespace})
    for name, found in (
        ("compat.proto.event_pb2", {"Event": SimpleNamespace}),
        ("compat.proto.summary_pb2", {"Summary": summary}),
        ("summary.writer.event_file_writer", {"EventFileWriter": Writer}),
    ):
        monkeypatch.setitem(sys.modules, f"tensorboard.{name}", SimpleNamespace(**found))
    monkeypatch.setattr(exports, "has_tensorboard", lambda: True)
    return written


def test_tensorboard_gets_every_number_of_every_fold_and_split(folder, tmp_path, tensorboard):
    run = chosen(folder)[0]
    assert exports.write_events([run], tmp_path) == 10 == len(tensorboard)
    table = run.metrics(2)
    table = table[table["split"] == "validation"].set_index("epoch")
    events = tensorboard["fold2-validation"]
    assert [event.step for event in events] == list(table.index)
    for tag in exports.SCALARS:
        found = {e.step: v.simple_value for e in events for v in e.summary.value if v.tag == tag}
        assert found == table[tag].dropna().to_dict()
    times = [event.wall_time for event in events]
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
