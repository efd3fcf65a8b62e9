"""What the pages cost: `python -m bench.pages`. Prints each figure beside its goal.

first step   from the click's callback (jobs.launch) to the worker's first training step, in a fresh process
rerun        server time of a warm rerun of each page, with 100 runs in the folder
tick         one tick of the Live page, 10 folds x 200 epochs, each metrics file grown by a line before it
list         summaries.summaries over 10,000 run folders
redraw       Augmentation: 16 draws at 224 px drawn again (also alone: bench.previewer)

What grows with a dataset (Data with 20,000 photos, a scan of 18,900) takes minutes: --large, or bench.data alone.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from bench import data as large
from bench import previewer
from core.config import recipes, run_config
from core.data.scan import scan
from core.demo.dataset import draw_demo
from core.jobs import control, speed
from core.places import HOME
from core.plan.plan import make_plan
from core.runs import FoldState, Run, metrics_file
from core.runs.colours import run_colour
from core.runs.create import create
from core.runs.lists.summaries import summaries
from core.storage import files

NAMES = [f"class {i}" for i in range(6)]


def samples(folds: int, photos: int = 60) -> pd.DataFrame:
    index = np.arange(photos)
    return pd.DataFrame(
        {
            "sample": [f"{i}.jpg" for i in index],
            "path": [f"/nowhere/{i}.jpg" for i in index],
            "person": [str(i) for i in index],
            **{"mask": None, "gender": None, "age": np.nan, "label": NAMES[0]},
            **{"bytes": 1, "mtime_ns": 1, "width": 64, "height": 64},
            "y": index % 6,
            "class_name": [NAMES[i % 6] for i in index],
            "fold": index % folds,
        }
    )


def row(epoch: int, split: str) -> dict:
    rng = np.random.default_rng([epoch, len(split)])
    score = 1 - 0.8 * np.exp(-epoch / 40) + rng.normal(0, 0.01)
    scores = {"loss": float(2 - score), "accuracy": float(score), "f1": float(score)}
    rates = {"lr_backbone": 1e-5, "lr_head": 6e-4}
    timing = {"seconds": 1.0, "images_per_second": 100.0}
    return {"epoch": epoch, "phase": 0, "split": split, **scores, **rates, **timing}


def fabricate(folder: Path, name: str, folds: int, epochs: int, state: str) -> Run:
    """A run folder as a worker leaves it, through the same functions."""
    made = create(run_config.RunConfig(name=name), samples(folds), class_names=NAMES, info={}, folder=folder)
    scores = {f"{a}_{b}": 0.7 for a in ("best", "final") for b in ("loss", "accuracy", "f1")}
    for fold in range(folds):
        rows = [row(e, split) for e in range(1, epochs + 1) for split in ("train", "validation")]
        metrics_file.append_metrics(made.metrics_file(fold), rows)
        files.write_json(
            made.fold_dir(fold) / "state.json",
            vars(FoldState(fold, state, epoch=epochs, best_epoch=epochs, scores=scores, started=1.0, ended=2.0)),
        )
    made.write_summary()
    return made


def first_step(folder: Path) -> tuple[float, float]:
    """Seconds from the launch to the first step, and from a cancel in that step until no fold job is left."""
    root = draw_demo(folder / "demo", people=40)
    config = recipes.load_recipe("quick").model_copy(update={"data": run_config.DataConfig(root=str(root))})
    plan = make_plan(config, scan(config.data))
    started = time.perf_counter()
    run = control.launch(plan, folder=folder / "launched")
    while run.progress(0).get("split") != "train":
        if time.perf_counter() - started > 120:
            raise SystemExit(f"the worker never took a step:\n{run.log_tail()}")
        time.sleep(0.01)
    spent = time.perf_counter() - started
    cancelled = time.perf_counter()
    control.cancel(run)
    return spent, time.perf_counter() - cancelled


def rerun(page: str, query: dict[str, str], times: int) -> float:
    """Median seconds of a warm rerun."""
    test = AppTest.from_file(str(HOME / "app.py"), default_timeout=120)
    test.run()
    if page != "home":
        test.switch_page(f"pages/{page}.py")
    for key, value in query.items():
        test.query_params[key] = value
    test.run()
    test.run()
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        test.run()
        spent.append(time.perf_counter() - started)
    if test.exception:
        raise SystemExit(f"{page}: {test.exception[0].message}")
    if page == "launch" and test.button(key="launch-button").disabled:
        raise SystemExit("launch: the form is not ready, so this was not a rerun of the whole page")
    return statistics.median(spent)


def tick(folder: Path, times: int) -> float:
    """Median seconds of what a tick of Live computes: look, read the new lines, draw the three figures."""
    from core.figures import curves as figures
    from pages.parts.run import curves, view

    run = fabricate(folder, "large", 10, 200, "queued")
    settings = run.config()
    folds = list(range(10))
    spent = []
    for step in range(times + 2):
        for fold in folds:
            metrics_file.append_metrics(run.metrics_file(fold), [row(201 + step, s) for s in ("train", "validation")])
        started = time.perf_counter()
        status = view.read_status(run, settings, [])
        table = view.metrics_of(view.metrics_version(run, folds))
        style: dict = {"run_colour": run_colour(0), "phases": view.phases_of(settings)}
        style["x_range"] = figures.epoch_range(table, 400)
        panels = [(m, figures.curves(table, m, **style)) for m in ("loss", "accuracy", "f1")]
        curves.payload(panels, curves.fold_legend(folds, run_colour(0)))
        view.progress_html(status, table)
        view.folds_html(status, {}, run_colour(0))
        view.table_html(status.folds, table, {})
        spent.append(time.perf_counter() - started)
    return statistics.median(spent[2:])


def list_many(folder: Path, count: int) -> float:
    template = files.read_json(fabricate(folder / "one", "many", 5, 1, "done").dir / "summary.json")
    root = folder / "many"
    for i in range(count):
        here = root / f"20260101-{i:06d}-many-{i % 65536:04x}"
        here.mkdir(parents=True)
        files.write_json(here / "summary.json", template, durable=False)
    started = time.perf_counter()
    listed = summaries(root)
    spent = time.perf_counter() - started
    assert len(listed) == count
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--large", action="store_true", help="then what bench.data measures")
    arguments = parser.parse_args()
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").disabled = True  # it misses a browser
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        print(f"{'what':<28}{'measured':>12}{'goal':>10}")
        begun, cancelled = first_step(folder)
        print(f"{'click to first step':<28}{begun:>10.1f} s{'8 s':>10}", flush=True)
        print(f"{'cancel in mid-epoch':<28}{cancelled:>10.1f} s{'5 s':>10}", flush=True)
        hundred = folder / "hundred"
        os.environ |= {"FACET_RUNS": str(hundred), "FACET_DEMO": str(folder / "demo")}
        speed.remember(recipes.load_recipe("quick"), 100.0, hundred)  # or Launch starts a measurement beside this one
        newest = [fabricate(hundred, f"run {i}", 5, 20, "done") for i in range(100)][-1]
        queries = {"home": {}, "launch": {}, "live": {"run": newest.id}, "data": {"root": str(folder / "demo")}}
        for page, query in queries.items():
            spent = rerun(page, query, arguments.times)
            print(f"{f'rerun of {page}, 100 runs':<28}{spent * 1000:>9.0f} ms{'300 ms':>10}", flush=True)
        redraw = statistics.median(previewer.redraws(folder / "demo", arguments.times))
        print(f"{'redraw of 16 draws':<28}{redraw:>9.0f} ms{f'{previewer.GOAL} ms':>10}", flush=True)
        print(f"{'tick, 10 folds x 200':<28}{tick(folder / 'tick', 20) * 1000:>9.0f} ms{'150 ms':>10}", flush=True)
        print(f"{'list of 10,000 runs':<28}{list_many(folder, 10_000) * 1000:>9.0f} ms{'':>10}", flush=True)
    if arguments.large:
        large.measure(20_000, 18_900, 0, arguments.times)


if __name__ == "__main__":
    main()
