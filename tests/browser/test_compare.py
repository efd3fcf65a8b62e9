"""From the list of runs to a report opened without a network, in a real Chromium."""

from __future__ import annotations

import os
import re

import pytest

from tests.browser.hands import address, button, field, fits, press, sees, text, write
from tests.browser.screen import Talk, Watch, slack, soon
from tests.compared import CLASSES, make_run, samples

pytestmark = pytest.mark.browser

DEPTHS = (18, 34, 50, 101)
IDS = [f"2026010{n}-000000-resnet-000{n}" for n in range(4)]
ALL = ",".join(IDS)
BETTER = "ResNet-101 is better than ResNet-18 (F1 +"
LINES = """title => document.querySelector(`section[aria-label="${title}"] .js-plotly-plot`)?.data.length ?? 0"""
DRAWN = """() => [...document.querySelectorAll(".plot")].map(plot => plot.querySelectorAll("svg.main-svg").length)"""
COLOURS = """() => [getComputedStyle(document.body).backgroundColor,
  getComputedStyle(document.querySelector(".plot .xtick text")).fill]"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Untrained networks of the two depths whose maps are looked at, one file each."""
    import torch
    import torchvision

    from core.training import checkpoint

    files = {}
    for depth in (18, 34):
        files[depth] = tmp_path_factory.mktemp("weights") / f"{depth}.safetensors"
        torch.manual_seed(depth)
        network = getattr(torchvision.models, f"resnet{depth}")(num_classes=len(CLASSES))
        checkpoint.save_weights(files[depth], network.state_dict())
    return files


@pytest.fixture
def four(lab, tmp_path, weights):
    """Four finished runs on the same folds, one of them far better, of photos that can be shown."""
    table = samples(tmp_path, people=90, photos=2, draw=True)
    small = [{"name": "Resize", "params": {"height": 32, "width": 32}}, {"name": "Normalize"}]
    made = []
    for n, depth in enumerate(DEPTHS):
        config = {"model": {"depth": depth}, "data": {"root": str(tmp_path / "photos")}, "transforms": small}
        skill = 0.97 if depth == 101 else 0.5
        run = make_run(lab.runs, table, f"ResNet-{depth}", skill=skill, seed=n, run_id=IDS[n], config=config)
        looked_at = [run.weights_file(fold, which) for fold in run.folds() for which in ("best", "final")]
        for file in looked_at if depth in weights else ():
            file.unlink(missing_ok=True)
            os.link(weights[depth], file)
        made.append(run)
    return made


def box(page, name: str):
    return page.get_by_role("checkbox", name=f"Choose {name}", exact=True)


def open_runs(page, query: str = "") -> None:
    page.goto(f"/runs{query}")
    soon(lambda: page.get_by_role("table").count() > 0, 60 * slack(), "the table is there")


def a_view_is_saved_and_opened_again(page) -> None:
    """An expression, the matrix of its runs, a name for both, a reload, all runs, and the view by its name."""
    cells, rows = page.locator(".cells-wrap td:has(button)"), page.locator(".runs-opens")
    open_runs(page)
    write(page, "Search", "f1>0.5 and not (depth=18 or depth=34)")
    soon(lambda: rows.count() == 2, 60 * slack(), "two runs meet the expression")
    press(page.get_by_role("radio", name="Matrix", exact=True))
    soon(lambda: cells.count() == 2, 60 * slack(), "each has a cell")
    star = page.get_by_role("img", name=re.compile("Highest of 2 cells on the same photos"))
    soon(lambda: star.count() == 1, 60 * slack(), "the best cell is marked")
    press(button(page, "Save view"))
    soon(lambda: field(page, "Save as a new view").count() == 1, 60 * slack(), "a name can be given")
    field(page, "Save as a new view").fill("Deep ones")
    press(button(page, "Save"))
    view = page.get_by_role("radio", name="Deep ones", exact=True)
    soon(lambda: view.count() == 1 and view.is_checked(), 60 * slack(), "the view is there and open")
    page.reload()
    soon(lambda: cells.count() == 2 and view.is_checked(), 60 * slack(), "a reload shows it again")
    press(page.get_by_role("radio", name="All runs", exact=True))
    soon(lambda: rows.count() == 4, 60 * slack(), "all runs are listed")
    press(view)
    soon(lambda: cells.count() == 2, 60 * slack(), "its name opens the view")
    press(page.get_by_role("button", name="1 run: Network 101", exact=False))
    soon(lambda: rows.count() == 1, 60 * slack(), "a cell opens its runs")
    press(page.get_by_role("radio", name="All runs", exact=True))
    soon(lambda: rows.count() == 4, 60 * slack(), "all runs are listed again")


@pytest.mark.long
def test_four_runs_a_sentence_a_flip_the_maps_of_both_and_a_report_without_a_network(page, four, browser, tmp_path):
    talk = Talk(page)
    open_runs(page)
    write(page, "Search", "depth>50 f1>0.5")
    soon(lambda: page.locator(".runs-opens").count() == 1, 60 * slack(), "one run meets the conditions")
    star = page.get_by_role("img", name=re.compile("Highest mean F1 of 4 finished runs"))
    soon(lambda: star.count() == 1, 60 * slack(), "it is marked as the best")
    press(page.locator(".runs-opens").get_by_text("done"))
    soon(lambda: "/live" in address(page) and IDS[3] in address(page), 60 * slack(), "a click on its row opens it")
    sees(page, "ResNet-101")
    a_view_is_saved_and_opened_again(page)
    for depth in DEPTHS:  # as fast as someone who knows what he wants: no tick may undo another
        press(box(page, f"ResNet-{depth}"))
    sees(page, "4 chosen")
    soon(lambda: f"runs={ALL}" in address(page).replace("%2C", ","), 60 * slack(), "all four are in the address")
    for depth in DEPTHS:
        soon(box(page, f"ResNet-{depth}").is_checked, 60 * slack(), f"ResNet-{depth} is ticked")

    press(button(page, "Compare"))
    sees(page, BETTER)
    soon(lambda: f"runs={ALL}" in address(page).replace("%2C", ","), 60 * slack(), "all four are in the address")
    sees(page, "corrected for 3 comparisons) and costs 4.3 times as much per image.")
    sees(page, "ResNet-34 is not shown to be")
    sees(page, "5 folds cannot carry small p-values")
    for title in ("Loss", "Macro F1", "Deltas per fold", "F1 against cost"):
        soon(lambda t=title: page.evaluate(LINES, t), 60 * slack(), f"{title} is drawn")

    press(page.get_by_role("radio", name=re.compile("only ResNet-18 right")))
    press(page.get_by_role("radio", name="last epoch", exact=True))  # at once after the other: both must hold
    soon(lambda: "which=final" in address(page), 60 * slack(), "the epoch is in the address")
    soon(lambda: "side=baseline" in address(page), 60 * slack(), "so is the side")
    talk.over()  # until then the faces of the choice before stand there
    compared = address(page)
    face = page.locator(".cmp-flips a").first
    soon(lambda: face.locator("img").count() == 1, 60 * slack(), "a face is shown")
    assert any(name in face.inner_text() for name in CLASSES)
    link = face.get_attribute("href")
    assert f"run={IDS[1]}&runs={IDS[1]},{IDS[0]}&samples=" in link
    face.click()
    soon(lambda: "/look_inside" in address(page), 60 * slack(), "the face leads to its maps")
    soon(lambda: link.split("samples=")[1] in address(page), 60 * slack(), "the face is in the address")
    painted = page.locator(".look-maps[data-painted='10'] canvas")
    soon(lambda: painted.count() == 10, 90 * slack(), "five layers of both runs")

    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(compared)  # the address alone brings everything back
    sees(page, BETTER)
    soon(lambda: page.evaluate(LINES, "F1 against cost"), 60 * slack(), "the figures are drawn")
    fits(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    press(button(page, "Report"))
    press(button(page, "Write the report"))
    download = page.get_by_role("button", name=re.compile(r"^HTML \("))
    soon(lambda: download.count() == 1, 120 * slack(), "the report is written")
    with page.expect_download() as started:
        press(download)
    file = tmp_path / "report.html"
    started.value.save_as(file)
    read_report(browser, file)


def read_report(browser, file) -> None:
    """Opened from the disk without a network: figures are drawn, nothing is asked for, nobody complains."""
    context = browser.new_context(offline=True, color_scheme="dark", viewport={"width": 1100, "height": 800})
    try:
        context.set_default_timeout(60_000 * slack())
        watch, asked = Watch(context), []
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.goto(file.as_uri())
        soon(lambda: page.evaluate(DRAWN) and all(page.evaluate(DRAWN)), 60 * slack(), "every figure is drawn")
        dark = page.evaluate(COLOURS)
        page.get_by_role("button", name="Light or dark").click()
        soon(lambda: page.evaluate(COLOURS)[1] != dark[1], 60 * slack(), "the figures are drawn in the other colours")
        light = page.evaluate(COLOURS)
        assert dark[0] == "rgb(20, 24, 27)" and light[0] == "rgb(252, 252, 250)"
        assert BETTER in text(page)
        maps = page.locator(".maps img")
        assert maps.count()
        whole = "images => images.every(image => image.complete && image.naturalWidth > 0)"
        soon(lambda: maps.evaluate_all(whole), 60 * slack(), "every map is decoded")
        assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
        assert watch.errors == []
    finally:
        context.close()
