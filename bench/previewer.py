"""What the previewer costs: `python -m bench.previewer`. Server time of one redraw of 16 draws at 224 px, warm."""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.demo.dataset import draw_demo
from core.places import HOME

GOAL = 400  # ms


def redraws(root: Path, times: int) -> list[float]:
    """Milliseconds of server time of each redraw, two first ones left out."""
    test = AppTest.from_file(str(HOME / "app.py"), default_timeout=300)
    test.run()
    test.switch_page("pages/augment.py")
    test.query_params["root"], test.query_params["recipe"] = str(root), "study"
    test.run()
    spent = []
    for _ in range(times + 2):
        again = next(each for each in test.button if each.label == "Draw again")
        started = time.perf_counter()
        again.click().run()
        spent.append(1000 * (time.perf_counter() - started))
        if test.exception:
            raise SystemExit(test.exception[0].message)
    return spent[2:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=12)
    arguments = parser.parse_args()
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").disabled = True  # it misses a browser
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        os.environ |= {"FACET_RUNS": str(Path(name) / "runs"), "FACET_DEMO": str(Path(name) / "demo")}
        root = draw_demo(Path(name) / "demo", people=40)
        spent = redraws(root, arguments.times)
        median = statistics.median(spent)
        print(f"redraw of 16 draws at 224 px, whole page: {median:.0f} ms (goal {GOAL} ms), most {max(spent):.0f} ms")


if __name__ == "__main__":
    main()
