"""What the Compare page costs: `python -m bench.comparing`. Prints each figure beside its goal.

rerun      server time of a warm rerun of the page with 12 runs x 5 folds x 200 epochs, predictions of 2,100 photos each
first      the same, opened by a server that has read none of the runs yet (torch is not asked: counts are kept)
curves     the three figures of all runs, drawn anew
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from bench.pages import row
from core.compare import cost, members
from core.config import RunConfig, from_dict
from core.figures import comparison_curves
from core.places import HOME
from core.runs import FoldState, metrics_file
from core.runs.colours import run_colour
from core.runs.create import create
from core.storage import files

RUNS, FOLDS, EPOCHS, PEOPLE, PHOTOS = 12, 5, 200, 300, 7
ATTRIBUTES = (("mask", "incorrect", "normal"), ("female", "male"), ("<30", "30-59", ">=60"))
NAMES = [" ".join(values) for values in itertools.product(*ATTRIBUTES)]


def samples() -> pd.DataFrame:
    index = np.arange(PEOPLE * PHOTOS)
    person = index // PHOTOS
    y = (person % 6) + 6 * (index % 3)
    return pd.DataFrame(
        {
            "sample": [f"{i}.jpg" for i in index],
            "path": [f"/nowhere/{i}.jpg" for i in index],
            "person": [f"p{p}" for p in person],
            "y": y,
            "class_name": [NAMES[k] for k in y],
            "fold": person % FOLDS,
        }
    )


def fabricate(folder: Path, table: pd.DataFrame, number: int) -> str:
    """A finished run as a worker leaves it."""
    config: RunConfig = from_dict(
        {
            "name": f"run {number}",
            "task": {"name": "mask-gender-age"},
            "model": {"depth": (18, 34, 50, 101)[number % 4]},
            "phases": [{"epochs": EPOCHS, "lr_head": 1e-3 / (number + 1)}],
        }
    )
    run = create(config, table, class_names=NAMES, info={"device": "cpu"}, folder=folder)
    rng = np.random.default_rng(number)
    for fold in range(FOLDS):
        held = table[table["fold"] == fold]
        shares = rng.dirichlet(np.full(len(NAMES), 0.3), len(held))
        lead = rng.random(len(held)) < 0.6
        shares[lead] = 0.2 * shares[lead] + 0.8 * np.eye(len(NAMES))[held["y"].to_numpy()[lead]]
        predicted = np.array(NAMES, dtype=object)[shares.argmax(1)]
        frame = pd.DataFrame(shares, columns=[f"p_{n}" for n in NAMES])
        frame.insert(0, "sample", held["sample"].to_numpy())
        frame.insert(1, "label", held["class_name"].to_numpy())
        frame.insert(2, "predicted", predicted)
        frame.insert(3, "loss", 1.0)
        for which in ("best", "final"):
            frame.to_parquet(run.predictions_file(fold, which), index=False)
        metrics_file.append_metrics(
            run.metrics_file(fold), [row(e, s) for e in range(1, EPOCHS + 1) for s in ("train", "validation")]
        )
        right = float((frame["label"] == frame["predicted"]).mean())
        scores = {f"{a}_{b}": right for a in ("best", "final") for b in ("loss", "accuracy", "f1")}
        state = FoldState(fold, "done", epoch=EPOCHS, best_epoch=EPOCHS, scores=scores, started=1.0, ended=2.0)
        files.write_json(run.fold_dir(fold) / "state.json", vars(state))
    run.write_summary()
    return run.id


def reruns(ids: list[str], times: int) -> tuple[float, float, float]:
    """Seconds of the first run of the page in this process, the median of warm reruns, and its processor time."""
    test = AppTest.from_file(str(HOME / "app.py"), default_timeout=300)
    test.run()
    test.switch_page("pages/compare.py")
    test.query_params["runs"] = ",".join(ids)
    spent, busy = [], []
    for _ in range(times + 2):
        started, before = time.perf_counter(), time.process_time()
        test.run()
        spent.append(time.perf_counter() - started)
        busy.append(time.process_time() - before)
        if test.exception:
            raise SystemExit(f"compare: {test.exception[0].message}")
    return spent[0], statistics.median(spent[2:]), statistics.median(busy[2:])


def draw(ids: list[str], folder: Path, times: int) -> float:
    compared, _ = members.load_all(ids, folder)
    lines = [
        comparison_curves.RunHistory(
            m.id, m.name, run_colour(n), m.run.all_metrics(), dict.fromkeys(range(FOLDS), 1680)
        )
        for n, m in enumerate(compared)
    ]
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        for metric in ("loss", "accuracy", "f1"):
            comparison_curves.run_curves(lines, metric).to_json()
        spent.append(time.perf_counter() - started)
    return statistics.median(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    times = parser.parse_args().times
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").disabled = True  # it misses a browser
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ["FACET_RUNS"] = str(folder)
        table = samples()
        ids = [fabricate(folder, table, number) for number in range(RUNS)]
        for member in members.load_all(ids, folder)[0]:
            cost.size_of(member.config, member.class_names, folder)
        first, warm, busy = reruns(ids, times)
        print(f"{'compare 12 runs x 5 folds x 200 epochs':<44}{'measured':>12}{'goal':>10}")
        print(f"{'warm rerun of the page':<44}{warm * 1000:>9.0f} ms{'500 ms':>10}")
        print(f"{'  its processor time, whatever else runs':<44}{busy * 1000:>9.0f} ms")
        print(f"{'first time in this server':<44}{first * 1000:>9.0f} ms")
        print(f"{'three figures of curves':<44}{draw(ids, folder, times) * 1000:>9.0f} ms")


if __name__ == "__main__":
    main()
