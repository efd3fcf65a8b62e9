"""How every page looks, in its states: `python -m bench.screens`, or `make screens`.

A lab is started on made runs (none; then finished, failed, cancelled and training ones, and a study). Each page is
opened in light and dark, at 1440, 800 and 420 px, and written as a PNG of its whole length into screens/. Told of each:
what the browser's console said, requests to other hosts, pixels that stick out sideways, and what axe-core has against
it. A complaint of the console, a foreign request, a page that is too wide and a serious or critical violation make the
command fail. Nothing is trained; it takes minutes. Needs the Chromium of the browser tests.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from core.config.recipes import load_recipe
from core.config.run_config import from_dict
from core.data.chosen import selections
from core.data.scan import scan
from core.demo.dataset import draw_demo
from core.network.model import build_model
from core.plan.plan import Plan, make_plan
from core.report import gather, render
from core.runs import Run
from core.runs.use import used
from core.runs.use.used import Totals
from core.storage import files
from core.studies import record_file
from core.studies.record_file import Study, StudyRun
from core.training import checkpoint
from tests.browser import axe
from tests.browser.hands import TOO_WIDE
from tests.browser.screen import FLAGS, Lab, Talk, Watch, chromium, slack, soon
from tests.compared import make_run

PEOPLE = 40  # of the demo: the fewest for which the five default folds have someone of each class
WIDTHS = (1440, 800, 420)
THEMES = ("light", "dark")
HEIGHT, LONGEST = 900, 9000  # px: of the window, and of the longest picture
AT_REST = """() => document.fonts.status === "loaded"
  && ![...document.images].some(image => !image.complete && image.loading !== "lazy")
  && !document.querySelector('[data-testid="stSkeleton"], [data-testid="stSpinner"], [data-testid="stAppSkeleton"]')"""
LENGTH = """() => { const main = document.querySelector('[data-testid="stMain"]') || document.scrollingElement;
  return Math.max(main.scrollHeight, document.scrollingElement.scrollHeight) + innerHeight - main.clientHeight; }"""
TOO_WIDE_REPORT = "() => [document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth]"


USED = {"gpu": 97.0, "gpu_memory": 41.2e9, "temperature": 68.0, "cpu": 93.0, "held": 2.1e9}
DEVICE = {"device": "NVIDIA H100 80GB HBM3", "precision": "bfloat16", "threads": 2}
LIMITS = {"gpu_memory_total": 85.5e9, "cores": 2.0}


@dataclass(frozen=True)
class Place:
    """address: below the lab, or a whole one. press: names of buttons and tabs that are pressed there."""

    name: str
    address: str
    press: tuple[str, ...] = ()

    @property
    def within(self) -> bool:
        return self.address.startswith("/")


@dataclass
class Seen:
    """What a place did, by (theme, width) where that matters."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)
    violations: dict[str, axe.Violation] = field(default_factory=dict)

    def bad(self) -> bool:
        grave = any(each.impact in axe.GRAVE for each in self.violations.values())
        return bool(self.errors or self.foreign or self.too_wide or grave)

    def lines(self) -> Iterator[str]:
        yield from (f"console: {text}" for text in dict.fromkeys(self.errors))
        yield from (f"another host: {url}" for url in dict.fromkeys(self.foreign))
        yield from (f"too wide: {text}" for text in self.too_wide)
        yield from (str(each) for each in self.violations.values())


# The runs


def plan_of(demo: Path, **changes: Any) -> Plan:
    recipe = load_recipe("quick").model_dump(mode="json") | {"data": {"root": str(demo)}, "folds": {"count": 3}}
    recipe["training"] |= {"device": "cpu"}
    recipe["model"] |= {"init": "scratch"} | changes
    config = from_dict(recipe)
    return make_plan(config, scan(config.data))


def finished(lab: Lab, name: str, depth: int, skill: float, **more: Any) -> Run:
    """A run on the demo whose curves, scores and answers agree; nobody trained it."""
    plan = plan_of(lab.demo, depth=depth)
    config = plan.config.model_dump(mode="json", exclude={"name", "phases"})
    names = plan.class_names
    return make_run(lab.runs, plan.samples, name, skill=skill, seed=depth, classes=names, config=config, **more)


def with_networks(run: Run) -> Run:
    """Random networks in the place of its trained ones, so that there are maps to look at."""
    for fold in run.folds():
        model, _ = build_model(run.config().model, len(run.info()["class_names"]), fold)
        checkpoint.save_weights(run.weights_file(fold, "best"), model.state_dict())
    return run


@contextmanager
def training(run: Run) -> Iterator[Run]:
    """As if a worker had one fold of it in hand: its lock is held, and it says how far it is."""
    fold = run.folds()[0]
    state = run.written_state(fold)
    run.update_info(**DEVICE)
    with run.fold_lock(fold):
        run.write_state(replace(state, state="running", started=time.time() - 90, ended=None, scores=None))
        now = {"epoch": state.epoch + 1, "split": "train", "step": 3, "steps": 9, "images_per_second": 61.0}
        now |= {"use": {name: value * 0.96 for name, value in USED.items()} | LIMITS}
        files.write_json(run.progress_file(fold), now)
        yield run


def with_use(run: Run) -> Run:
    """As if its folds had trained on a GPU that tells everything of itself."""
    run.update_info(**DEVICE)
    for fold in run.folds():
        use = Totals()
        for share in (1.0, 0.8 + 0.05 * fold):
            use.add({name: value * share for name, value in USED.items()} | LIMITS)
        used.keep(run, fold, use.record(), goes_on=False)
    return run


def study_of(lab: Lab, runs: list[Run]) -> str:
    members = [StudyRun(run.id, run.config().name, run.config().model_dump(mode="json")) for run in runs]
    study = Study("20260301-000000-depths-0000", "depths", "Does depth help?", time.time() - 3600, {}, members)
    with record_file.locked(lab.runs):
        record_file.write(study, lab.runs)
    return study.id


def empty_places(demo: Path) -> list[Place]:
    pages = ("data", "augment", "launch", "live", "runs", "studies", "compare", "look_inside", "predict", "settings")
    with_none = ("live", "runs", "studies", "compare", "look_inside", "predict")
    places = [Place("home-empty", "/"), *(Place(f"{name}-empty", f"/{name}") for name in pages if name in with_none)]
    views = ("overview", "faces", "problems", "duplicates", "folds", "corrections")
    places += [Place(f"data-{view}", f"/data?root={demo}&view={view}") for view in views]
    views = ("draws", "steps", "batch", "effect", "walk", "cost", "text", "stress")
    places += [Place(f"augment-{view}", f"/augment?root={demo}&recipe=quick&view={view}") for view in views]
    sections = ("Task and folds", "Transforms", "Model", "Phases", "Training")
    places += [Place("launch", "/launch"), Place("launch-open", "/launch?recipe=quick", sections)]
    return [*places, Place("launch-study", "/launch?as=study&recipe=quick"), Place("settings", "/settings")]


def filled_places(lab: Lab, rest: ExitStack, folder: Path) -> list[Place]:
    """The lab with runs in every state. rest: holds what has to go on as long as anybody looks."""
    best = with_use(with_networks(finished(lab, "depths r18", 18, 0.75)))
    other = finished(lab, "depths r34", 34, 0.5)
    failed = finished(lab, "rates too high", 18, 0.3, states={0: "done", 1: "failed", 2: "failed"})
    stopped = finished(lab, "stopped early", 18, 0.3, states={1: "cancelled", 2: "cancelled"})
    trains = finished(lab, "under way", 18, 0.3, states={0: "running", 1: "queued", 2: "queued"})
    rest.enter_context(training(trains))
    study = study_of(lab, [best, other])
    both = f"{best.id},{other.id}"
    report = folder / "report.html"
    report.write_text(render.html(gather.of_names([best.id, other.id], lab.runs)), "utf-8")
    face = str(best.predictions(0, "best")["sample"].iloc[0]).replace("/", "%2F")
    inside = f"/look_inside?run={best.id}"
    selected = selections.selection(lab.demo, best.predictions(0, "best")["sample"].iloc[:12])
    selections.keep(selected, lab.runs)
    chosen = f"selection={selected.name}"
    return [
        *(Place("home", "/"), Place("runs", "/runs"), Place("runs-chosen", f"/runs?runs={both}")),
        *(Place(f"runs-{way}", f"/runs?see={way}") for way in ("chart", "matrix")),
        *(Place("runs-trash", "/runs?shelf=Trash"), Place("studies", "/studies")),
        *(Place("study", f"/studies?study={study}"), Place("compare", f"/compare?runs={both}")),
        *(Place(f"live-{run.config().name.replace(' ', '-')}", f"/live?run={run.id}") for run in (best, failed)),
        *(Place(f"live-{run.config().name.replace(' ', '-')}", f"/live?run={run.id}") for run in (stopped, trains)),
        *(Place("inside", inside), Place("inside-maps", f"{inside}&samples={face}")),
        *(Place(f"inside-{view}", f"{inside}&view={view}") for view in ("groups", "labels", "upload")),
        *(Place(f"inside-{way}", f"{inside}&{chosen}&as={way}") for way in ("gallery", "table", "dots")),
        *(Place("inside-whole-screen", f"{inside}&view=labels&full=1"),),
        *(Place("data-selected", f"/data?root={lab.demo}&view=faces&{chosen}"),),
        *(Place("predict", f"/predict?run={best.id}"), Place("launch-again", f"/launch?from={best.id}")),
        Place("report", report.as_uri()),
    ]


# The browser


def arrive(page: Any, talk: Talk, place: Place) -> None:
    """Open the page, press what is to be pressed, and wait until nothing is to come."""
    page.goto(place.address)
    if place.within:
        talk.over()
    for name in place.press:
        with talk.answered():
            page.get_by_text(re.compile(f"^{name}")).first.click()
    page.wait_for_load_state("networkidle")
    soon(lambda: page.evaluate(AT_REST), 60 * slack(), f"{place.name} is at rest")


def picture(page: Any, file: Path, width: int) -> None:
    """The whole length of the page, in a window that is as long."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.evaluate("() => new Promise(drawn => setTimeout(() => requestAnimationFrame(drawn), 150))")
    length = min(LONGEST, max(HEIGHT, page.evaluate(LENGTH)))
    page.set_viewport_size({"width": width, "height": length})
    page.evaluate("() => new Promise(drawn => setTimeout(() => requestAnimationFrame(drawn), 250))")
    page.screenshot(path=file)
    page.set_viewport_size({"width": width, "height": HEIGHT})


def look(context: Any, watch: Watch, place: Place, theme: str, folder: Path, seen: Seen) -> None:
    """One place in one theme, at every width."""
    page = context.new_page()
    own = ("data:", "blob:", "about:", place.address) + ((context.home,) if place.within else ())
    page.on("request", lambda asked: None if asked.url.startswith(own) else seen.foreign.append(asked.url))
    watch.begin()
    try:
        arrive(page, Talk(page), place)
        for width in WIDTHS:
            picture(page, folder / f"{place.name}-{width}-{theme}.png", width)
            sideways = max(page.evaluate(TOO_WIDE if place.within else TOO_WIDE_REPORT))
            if sideways > 1:
                seen.too_wide.append(f"{sideways} px at {width} px, {theme}")
            if width != 800:
                for fault in axe.violations(page):
                    known = seen.violations.setdefault(fault.rule, replace(fault, places=[]))
                    known.places.extend(fault.places)
        seen.errors += watch.unexpected()
    finally:
        page.close()


def visit(lab: Lab, browser: Any, places: list[Place], folder: Path, chosen: Callable[[str], bool]) -> list[str]:
    """Look at all places; the names of those that have a fault, after their faults were printed."""
    bad = []
    contexts = {}
    for theme in THEMES:
        context = browser.new_context(base_url=lab.url, color_scheme=theme, viewport={"width": 1440, "height": HEIGHT})
        context.home = lab.url
        context.set_default_timeout(60_000 * slack())
        lab.let_in(context)
        contexts[theme] = context, Watch(context)
    for place in places:
        if not chosen(place.name):
            continue
        seen = Seen()
        for theme, (context, watch) in contexts.items():
            look(context, watch, place, theme, folder, seen)
        print(f"{place.name:<24}{'FAULTY' if seen.bad() else 'good'}", flush=True)
        for line in seen.lines():
            print(f"  {line}", flush=True)
        if seen.bad():
            bad.append(place.name)
    for context, _ in contexts.values():
        context.close()
    return bad


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="places whose name has this regular expression")
    parser.add_argument("--into", type=Path, default=Path("screens"), help="folder of the pictures; emptied before")
    parser.add_argument("--demo", type=Path, help="a demo dataset that is drawn already; else a small one is drawn")
    options = parser.parse_args()
    if chromium() is None:
        raise SystemExit("There is no Chromium on the path. Install Debian's chromium package, then try again.")
    shutil.rmtree(options.into, ignore_errors=True)
    options.into.mkdir(parents=True)
    chosen = re.compile(options.only).search
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, ExitStack() as rest:
        folder = Path(name)
        demo = options.demo.resolve() if options.demo else draw_demo(folder / "demo", people=PEOPLE)
        lab = Lab(folder, demo)
        os.environ |= {name: lab.env[name] for name in ("FACET_RUNS", "FACET_DEMO", "FACET_SLOTS", "TORCH_HOME")}
        torch.set_num_threads(1)
        rest.callback(lab.end)
        lab.start()
        lab.settle()
        rest.enter_context(lab.held())  # nothing that waits begins to train
        driver = rest.enter_context(sync_playwright())
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        bad = visit(lab, browser, empty_places(demo), options.into, chosen)
        bad += visit(lab, browser, filled_places(lab, rest, folder), options.into, chosen)
        with suppress(Exception):
            browser.close()
    print(f"Pictures are in {options.into}. " + (f"Faults on {', '.join(bad)}." if bad else "No faults."))
    raise SystemExit(bool(bad))


if __name__ == "__main__":
    main()
