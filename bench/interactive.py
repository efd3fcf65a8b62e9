"""How soon the list and a comparison can be used in a real Chromium: `python -m bench.interactive`.

One lab with 10,000 runs, twelve of them with 5 folds x 200 epochs to be compared. Prints for the Runs and Compare pages

shown        from the navigation until the rows, or the curves, are drawn
interactive  from the navigation until the server has answered a click: a tick in the list, "Every fold" of the curves
click        from the click until its answer is drawn, in a page that is there already; median
longest      the longest piece of work of the browser's main thread while the page opened, in which no click is heard
scrolling    the 95th percentile of the time between two frames while the page scrolls

"again" is a second visit in the same server, with nothing changed. Needs the Chromium of the browser tests.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import comparing, listing
from core.compare import cost, members
from core.places import HOME
from core.storage import lab_link

COLUMNS = ("shown", "interactive", "click", "longest", "scrolling")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WATCH = """window.work = []; new PerformanceObserver(found => window.work.push(...found.getEntries()
  .map(one => one.duration))).observe({type: "longtask", buffered: true});"""
ROWS = "() => document.querySelectorAll('.runs-wrap tbody tr').length >= 50"
CURVES = """() => [...document.querySelectorAll(".lab-panel .js-plotly-plot")].filter(p => p.data?.length).length >= 3
  && document.querySelector('section[aria-label="Macro F1"] .js-plotly-plot')?.data.length"""
SCROLL = """async () => {
  const main = document.querySelector('[data-testid="stMain"]'), times = [];
  const frame = () => new Promise(requestAnimationFrame);
  let before = await frame();
  for (let step = 0; step < 60; step++) {
    main.scrollTop += 40;
    const now = await frame();
    times.push(now - before);
    before = now;
  }
  main.scrollTop = 0;
  return times.sort((a, b) => a - b)[Math.floor(0.95 * times.length)];
}"""


@contextmanager
def lab(folder: Path) -> Iterator[str]:
    """`streamlit run app.py` on these runs; the link that lets a browser in."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    env = {**os.environ, "FACET_RUNS": str(folder), "FACET_DEMO": str(folder / "demo")}
    server = subprocess.Popen(command, cwd=HOME, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"), "the lab answers")
        yield lab_link.links(folder)[0]
    finally:
        server.terminate()
        server.wait(20)


def answers(url: str) -> bool:
    """Whether somebody is at the door, who lets nobody in without the link."""
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        return error.code == 403
    except OSError:
        return False
    raise SystemExit("the lab answers strangers")


def until(look: Callable[[], Any], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise SystemExit(f"after {seconds:.0f} s still not: {what}")
        time.sleep(0.02)


def ticked(page: Any, number: int) -> None:
    """Tick one more row, and wait until the server has told so."""
    page.locator(".runs-wrap tbody input").nth(number).click()
    page.wait_for_function(f"() => document.body.innerText.includes('{number + 1} chosen')")


def folded(page: Any, number: int) -> None:
    """Switch every fold on or off, and wait until the curves follow."""
    before = page.evaluate(CURVES)
    page.get_by_test_id("stCheckbox").filter(has_text="Every fold").locator("label").click()
    page.wait_for_function(f"() => ({CURVES})() != {before}")


def visit(browser: Any, url: str, drawn: str, click: Callable[[Any, int], None], times: int) -> dict[str, float]:
    """Open a page in a fresh window and use it. drawn: script that is true once the page shows what it is for."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(120_000)
    page.add_init_script(WATCH)
    started = time.perf_counter()
    page.goto(url)
    page.wait_for_function(drawn)
    shown = time.perf_counter() - started
    click(page, 0)
    interactive = time.perf_counter() - started
    longest = max(page.evaluate("window.work"), default=0.0) / 1000
    spent = []
    for number in range(1, times + 1):
        page.wait_for_timeout(300)
        clicked = time.perf_counter()
        click(page, number)
        spent.append(time.perf_counter() - clicked)
    scrolling = page.evaluate(SCROLL) / 1000
    page.close()
    return dict(zip(COLUMNS, (shown, interactive, statistics.median(spent), longest, scrolling), strict=True))


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(path for name in names if (path := shutil.which(name)))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        listing.fill(Path(name), options.runs)
        root = Path(name) / "many"
        table = comparing.samples()
        ids = [comparing.fabricate(root, table, number) for number in range(comparing.RUNS)]
        for member in members.load_all(ids, root)[0]:
            cost.size_of(member.config, member.class_names, root)
        with lab(root) as link, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
            url, _, token = link.partition("/?")  # each visit comes in anew
            print(f"{f'{options.runs:,} runs, in Chromium':<34}" + "".join(f"{column:>14}" for column in COLUMNS))
            pages = (
                ("Runs", f"{url}/runs?{token}", ROWS, ticked),
                (f"Compare, {comparing.RUNS} runs", f"{url}/compare?runs={','.join(ids)}&{token}", CURVES, folded),
            )
            for title, where, drawn, click in pages:
                for which in ("first", "again"):
                    seconds = visit(browser, where, drawn, click, options.times)
                    cells = "".join(f"{seconds[column] * 1000:>11.0f} ms" for column in COLUMNS)
                    print(f"{f'{title}, {which} visit':<34}{cells}", flush=True)
            browser.close()


if __name__ == "__main__":
    main()
