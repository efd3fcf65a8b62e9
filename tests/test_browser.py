"""What people do in the lab, in a real Chromium, against a real `streamlit run app.py`."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import runs
from core.config import from_dict, load_recipe
from core.data import scan
from core.plan import make_plan
from core.runs import FoldState, Run
from tests.browser import slack, soon

pytestmark = [pytest.mark.browser, pytest.mark.flaky(reruns=2)]

HOSTILE = "<img src=x onerror=alert(1)> **bold** $x$ :red[x]"
HOSTILE_CLASSES = ["<img src=x onerror=alert(2)>", "**bold**", "$x$ :red[x]"]
# fold -> points of its validation curve, in the figure that is called `title`; drawn points, as plotly decoded them
POINTS = """title => {
  const plot = document.querySelector(`section[aria-label="${title}"] .js-plotly-plot`), points = {};
  for (const t of (plot && plot._fullData) || [])
    if (t.meta && t.meta.part === "fold" && t.meta.split === "validation") points[t.meta.fold] = t.x.length;
  return points;
}"""
RANGES = """title => {
  const layout = document.querySelector(`section[aria-label="${title}"] .js-plotly-plot`)._fullLayout;
  return [...layout.xaxis.range, ...layout.yaxis.range];
}"""
HIDDEN = """([title, fold]) => document.querySelector(`section[aria-label="${title}"] .js-plotly-plot`)._fullData
  .filter(t => t.meta.fold === fold).map(t => t.visible)"""
TOO_WIDE = """() => [document.scrollingElement, document.querySelector('[data-testid="stMain"]')]
  .map(e => e.scrollWidth - e.clientWidth)"""


# What people see


def text(page) -> str:
    """All text on the page, without the invisible breaks that keep names from being markup."""
    return page.locator("body").inner_text().replace("\u200b", "")


def sees(page, words: str, seconds: float = 30) -> None:
    soon(lambda: words in text(page), seconds * slack(), f"the page says {words!r}; it says: {text(page)[:1500]}")


def button(page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def field(page, name: str):
    return page.get_by_role("textbox", name=name, exact=True)


def write(page, name: str, value: str) -> None:
    field(page, name).fill(value)
    field(page, name).press("Enter")


def open_launch(page, address: str = "/launch") -> None:
    page.goto(address)
    button(page, "Launch").wait_for()


def take_folder(page, folder: Path) -> None:
    page.get_by_role("radio", name="A folder").click(force=True)
    write(page, "Folder of the dataset", str(folder))


def small_run(page, folds: int, epochs: int) -> None:
    """Lower the folds and epochs of the form through its own fields."""
    for group in ("Task and folds", "Phases"):
        button(page, group).click()
    write(page, "Folds", str(folds))
    sees(page, f"{folds} fold jobs are queued")
    write(page, "Epochs", str(epochs))
    sees(page, f"adamw {epochs} epochs")


def points(page, title: str = "Macro F1") -> dict[int, int]:
    return {int(fold): n for fold, n in page.evaluate(POINTS, title).items()}


def epoch_shown(page) -> int:
    found = re.search(r"epoch (\d+) / \d+", text(page))
    return int(found[1]) if found else 0


# Runs and datasets made without the page


def people_in_folders(root: Path, names: list[str], people: int = 6) -> Path:
    """Folders layout: one photo a person, the colour carries the class."""
    rng = np.random.default_rng(0)
    for index, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for person in range(people):
            pixels = rng.integers(0, 256, (64, 48, 3)) // 2 + np.eye(3, dtype=int)[index % 3] * 120
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"<i>{person}.jpg", quality=90)
    return root


def made_run(lab, root: Path, *, name: str = "made", state: str = "done", task: str = "label", reason: str = "") -> Run:
    """A run with curves of two folds that nobody trained."""
    recipe = load_recipe("quick").model_dump(mode="json")
    recipe |= {"name": name, "data": {"root": str(root)}, "task": {"name": task}, "folds": {"count": 2}}
    config = from_dict(recipe)
    plan = make_plan(config, scan(config.data, threads=1))
    run = runs.create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=lab.runs)
    for fold in run.folds():
        rows = [
            {
                "epoch": epoch, "phase": 0, "split": split, "loss": 2 / epoch, "accuracy": 0.5, "f1": 0.4 + epoch / 100,
                "lr_backbone": 1e-3, "lr_head": 1e-3, "seconds": 1.0, "images_per_second": 50.0,
            }
            for epoch in range(1, 6)
            for split in ("train", "validation")
        ]  # fmt: skip
        runs.append_metrics(run.metrics_file(fold), rows)
        scores = {f"{which}_{key}": 0.45 for which in ("best", "final") for key in ("f1", "accuracy", "loss")}
        times = {"started": time.time() - 60, "ended": None if state == "queued" else time.time()}
        run.write_state(FoldState(fold, state, epoch=5, best_epoch=5, scores=scores, reason=reason, **times))
    return run


# A newcomer


# Hostile names and addresses


def test_hostile_names_are_shown_as_text_everywhere(page, lab, tmp_path):
    root = people_in_folders(tmp_path / HOSTILE, HOSTILE_CLASSES)
    run = made_run(lab, root, name=HOSTILE)
    made_run(lab, root, name=f"2 {HOSTILE}", state="failed", reason=f"diverged: {HOSTILE}")
    for address, told in (
        ("/", [HOSTILE, f"2 {HOSTILE}", f"diverged: {HOSTILE}"]),
        (f"/live?run={run.id}", [HOSTILE]),
        (f"/launch?from={run.id}", [HOSTILE, *HOSTILE_CLASSES]),
        (f"/data?root={root}", [str(root), *HOSTILE_CLASSES]),
    ):
        page.goto(address.replace("#", "%23"))
        for words in told:
            sees(page, words)
        assert page.locator("img[src='x']").count() == 0, address
        assert page.get_by_role("main").locator("strong", has_text=re.compile("^bold$")).count() == 0, address
        assert page.locator(".katex").count() == 0, address
    page.goto(f"/live?run={run.id}")
    page.get_by_role("tab", name="Samples as the network sees them").click()
    sees(page, HOSTILE_CLASSES[0])
    button(page, "Config").click()
    sees(page, "schema_version")
    assert page.locator("img[src='x']").count() == 0


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/live?run=../../etc", "is not a run id"),
        ("/live?run=..%2F..%2Fetc%2Fpasswd%00", "is not a run id"),
        ("/live?run=20260101-000000-nothing-0000", "is gone"),
        ("/launch?from=../../etc", "is not a run id"),
        ("/launch?from=20260101-000000-nothing-0000", "is gone"),
        ("/data?root=/no/such/folder", "there is no such folder"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_plain_sentence(page, address, told):
    page.goto(address)
    sees(page, told)
    assert "Traceback" not in text(page)
    assert "/site-packages/" not in text(page)


def test_a_run_that_is_deleted_while_it_is_viewed(page, lab, tmp_path):
    run = made_run(lab, people_in_folders(tmp_path / "faces", ["cats", "dogs"]), state="queued")
    page.goto(f"/live?run={run.id}")
    sees(page, "queued")
    shutil.rmtree(run.dir)
    sees(page, "is gone", 15)


# Bad input on the form


def launch_is_disabled(page) -> None:
    soon(lambda: button(page, "Launch").is_disabled(), 15 * slack(), "Launch is disabled")


def launch_is_enabled(page) -> None:
    soon(lambda: button(page, "Launch").is_enabled(), 15 * slack(), "Launch is enabled")


def test_folders_that_hold_nothing_say_so_and_the_form_keeps_what_was_typed(page, tmp_path):
    open_launch(page)
    write(page, "Name of the run", "my own name")
    take_folder(page, tmp_path / "missing")
    sees(page, "there is no such folder")
    launch_is_disabled(page)
    (tmp_path / "empty").mkdir()
    write(page, "Folder of the dataset", str(tmp_path / "empty"))
    sees(page, "no images")
    launch_is_disabled(page)
    write(page, "Folder of the dataset", str(people_in_folders(tmp_path / "good", ["cats", "dogs"])))
    launch_is_enabled(page)
    assert field(page, "Name of the run").input_value() == "my own name"


def test_a_truncated_photo_is_named_and_has_to_be_left_out(page, tmp_path):
    root = people_in_folders(tmp_path / "faces", ["cats", "dogs"])
    victim = root / "cats" / "<i>3.jpg"
    victim.write_bytes(victim.read_bytes()[:400])
    open_launch(page)
    take_folder(page, root)
    sees(page, "1 bad entry")
    launch_is_disabled(page)
    if not page.get_by_text("<i>3.jpg").count():
        button(page, "Problems").click()
    page.get_by_text("<i>3.jpg").first.wait_for(state="attached")
    page.get_by_text("Leave out 1 bad entry").click()
    launch_is_enabled(page)
    sees(page, "1 bad entry is left out")


def test_a_learning_rate_of_minus_one_is_said_beneath_its_field(page):
    open_launch(page)
    sees(page, "fold jobs are queued")
    button(page, "Phases").click()
    write(page, "Learning rate, head", "-1")
    launch_is_disabled(page)
    place = field(page, "Learning rate, head").bounding_box()
    said = page.get_by_text("Must be above 0, found -1").first
    said.wait_for()
    told = said.bounding_box()
    assert 0 <= told["y"] - place["y"] < 90 and abs(told["x"] - place["x"]) < 60, (place, told)
    write(page, "Learning rate, head", "1e-4")
    launch_is_enabled(page)
    assert page.get_by_text("found -1").count() == 0


def test_weights_that_are_not_there_are_said_before_queueing(page, lab):
    open_launch(page, "/launch?recipe=study")
    sees(page, "resnet18-f37072fd.pth")
    sees(page, "not on this machine")
    launch_is_disabled(page)
    button(page, "Model and weights").click() if not page.get_by_role("radio", name="From scratch").count() else None
    page.get_by_role("radio", name="From scratch").click(force=True)
    launch_is_enabled(page)
    assert lab.run_ids() == []


# Reach


def test_every_page_fits_800_pixels(page, lab, tmp_path):
    run = made_run(lab, lab.demo, task="gender-age")
    page.set_viewport_size({"width": 800, "height": 900})
    for address, ready in (
        ("/", "Finished lately"),
        ("/launch", "No person is in two folds"),
        (f"/live?run={run.id}", "last epoch"),
        (f"/data?root={lab.demo}", "Classes and people"),
    ):
        page.goto(address)
        sees(page, ready)
        soon(lambda: max(page.evaluate(TOO_WIDE)) <= 1, 5, f"{address} fits: {page.evaluate(TOO_WIDE)} px too wide")


def test_tab_reaches_launch(page):
    open_launch(page)
    sees(page, "fold jobs are queued")
    focused = "() => document.activeElement && document.activeElement.innerText || ''"
    for _ in range(120):
        page.keyboard.press("Tab")
        if (
            page.evaluate(focused).strip().endswith("Launch")
            and page.evaluate("() => document.activeElement.tagName") == "BUTTON"
        ):
            return
    pytest.fail("120 presses of Tab did not reach Launch")
