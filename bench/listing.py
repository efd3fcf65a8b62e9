"""What 10,000 runs cost: `python -m bench.listing`. Prints each figure beside its goal.

cold   the first list of a fresh process: every summary is read
warm   the list again, with nothing changed
page   server time of the first visit and of a warm rerun of every page that lists or picks runs
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from bench.pages import fabricate
from core.places import HOME
from core.runs.lists import index
from core.storage import files

LOOK = """
import sys, time
from pathlib import Path
from core.runs.lists import index as run_index
started = time.perf_counter()
assert len(run_index.listed(Path(sys.argv[1]))) == int(sys.argv[2])
print(time.perf_counter() - started)
"""


def fill(folder: Path, count: int) -> None:
    """Run folders with the summary and configuration that a finished run leaves; settings and scores vary."""
    template = fabricate(folder / "one", "many", 5, 1, "done")
    summary, config = files.read_json(template.dir / "summary.json"), template.config_file.read_text()
    root = folder / "many"
    for i in range(count):
        here = root / f"20260101-{i:06d}-many-{i % 65536:04x}"
        here.mkdir(parents=True)
        summary |= {"name": f"run {i}", "depth": (18, 34, 50, 101)[i % 4], "created": 1.7e9 + i}
        summary["settings"] |= {"training.batch_size": 2 ** (2 + i % 6), "training.seed": i % 50}
        for fold in summary["folds"]:
            fold["scores"]["best_f1"] = 0.5 + (i % 97) / 400 + fold["fold"] / 100
        files.write_json(here / "summary.json", summary, durable=False)
        (here / "config.yaml").write_text(config)


def cold(root: Path, count: int) -> float:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(root), str(count)], cwd=HOME, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def median(act, times: int) -> float:
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        spent.append(time.perf_counter() - started)
    return statistics.median(spent)


def rerun(page: str, query: dict[str, str], times: int) -> tuple[float, float]:
    """(first run of the page, median of a warm rerun), seconds."""
    test = AppTest.from_file(str(HOME / "app.py"), default_timeout=120)
    # Streamlit looks for components in all packages, once in a server's life
    test.switch_page("pages/studies.py").run()
    del test.session_state["workers-looked-after"]
    index._FOLDERS.clear()
    test.switch_page(f"pages/{page}.py")
    for key, value in query.items():
        test.query_params[key] = value
    started = time.perf_counter()
    test.run()
    first = time.perf_counter() - started
    spent = median(test.run, times)
    if test.exception:
        raise SystemExit(f"{page}: {test.exception[0].message}")
    return first, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").disabled = True  # it misses a browser
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        fill(folder, arguments.runs)
        root = folder / "many"
        os.environ["FACET_RUNS"] = str(root)
        print(f"{f'{arguments.runs:,} runs':<34}{'measured':>12}{'goal':>10}")
        print(f"{'list, cold':<34}{cold(root, arguments.runs):>10.2f} s{'3 s':>10}", flush=True)
        index.listed(root)
        print(
            f"{'list, warm':<34}{median(lambda: index.listed(root), arguments.times):>10.2f} s{'1 s':>10}",
            flush=True,
        )
        pages = {
            "Runs": ("runs", {}),
            "Runs, searched": ("runs", {"q": "run 77 batch_size=16"}),
            "Runs, sorted by F1": ("runs", {"sort": "best_f1"}),
            "Runs, grouped by a setting": ("runs", {"group": "training.batch_size"}),
            "Home": ("home", {}),
            "Launch": ("launch", {}),
            "Live": ("live", {}),
            "Studies": ("studies", {}),
            "Compare, nothing chosen": ("compare", {}),
            "Compare, two runs": ("compare", {"runs": ",".join(entry.id for entry in index.listed(root)[:2])}),
            "Look inside": ("look_inside", {}),
        }
        for title, (page, query) in pages.items():
            first, warm = rerun(page, query, arguments.times)
            print(f"{f'{title}, cold':<34}{first:>10.2f} s{'3 s':>10}", flush=True)
            print(f"{f'{title}, warm':<34}{warm:>10.2f} s{'1 s':>10}", flush=True)


if __name__ == "__main__":
    main()
