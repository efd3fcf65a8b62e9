"""The Runs page in a real Chromium: find runs, compare them, write them up, and open the report without a network."""

from __future__ import annotations

import re

import pytest
from compared import make_run, samples

from tests.browser import Watch, slack, soon
from tests.test_browser import address, button, press, sees, text, write

pytestmark = [pytest.mark.browser]
EVIL = "<img src=x onerror=alert(1)> **b**"
REPORT = """() => [...document.querySelectorAll(".plot")].map(plot => plot.querySelectorAll("svg.main-svg").length)"""
COLOURS = """() => [getComputedStyle(document.body).backgroundColor,
  getComputedStyle(document.querySelector(".plot .xtick text")).fill]"""


@pytest.fixture
def four(lab):
    """Four finished runs on the same folds; the last is far better."""
    table = samples(lab.runs, people=40, photos=2, draw=True)
    made = []
    for number, (depth, skill) in enumerate(((18, 0.5), (34, 0.52), (50, 0.5), (101, 0.97))):
        name = f"ResNet-{depth}" if depth != 50 else EVIL
        run_id = f"20260101-00000{number}-resnet{depth}-000{number}"
        config = {"model": {"depth": depth}}
        made.append(make_run(lab.runs, table, name, skill=skill, seed=number, run_id=run_id, config=config))
    return made


def box(page, name: str):
    return page.get_by_role("checkbox", name=f"Choose {name}", exact=True)


def tick(page, name: str, number: int) -> None:
    soon(lambda: box(page, name).count() == 1, 60 * slack(), f"a row {name!r}; the page says: {text(page)[:800]}")
    box(page, name).click()
    sees(page, f"{number} chosen")


def open_runs(page, query: str = "") -> None:
    page.goto(f"/runs{query}")
    soon(lambda: page.get_by_role("table").count() > 0, 60 * slack(), "the table is there")


def test_four_runs_are_chosen_compared_and_written_up(page, four, browser, tmp_path):
    open_runs(page)
    for number, run in enumerate(four, 1):
        tick(page, run.config().name, number)
    ids = ",".join(run.id for run in four)
    soon(lambda: ids in address(page).replace("%2C", ","), 10 * slack(), "the chosen runs stand in the address")

    press(button(page, "Compare"))
    soon(lambda: "/compare" in address(page), 30 * slack(), "the comparison opens")
    assert ids in address(page).replace("%2C", ",")
    sees(page, "ResNet-101 is better than ResNet-18", 90)

    open_runs(page, f"?runs={ids}")
    sees(page, "4 chosen")
    press(button(page, "Report"))
    soon(lambda: button(page, "Write the report").count() == 1, 30 * slack(), "the form of the report")
    press(button(page, "Write the report"))
    sees(page, "ResNet-101 is better than ResNet-18", 120)
    download = page.get_by_role("button", name=re.compile(r"^HTML \("))
    soon(lambda: download.count() == 1, 30 * slack(), "the download")
    with page.expect_download() as started:
        download.click()
    file = tmp_path / "report.html"
    started.value.save_as(file)
    read_report(browser, file)


def read_report(browser, file) -> None:
    """Opened from the disk without a network: figures are drawn, nothing is asked for, nobody complains."""
    context = browser.new_context(offline=True, color_scheme="dark", viewport={"width": 1100, "height": 800})
    try:
        watch, asked = Watch(context), []
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.goto(file.as_uri())
        soon(lambda: page.evaluate(REPORT) and all(page.evaluate(REPORT)), 60 * slack(), "every figure is drawn")
        dark = page.evaluate(COLOURS)
        page.get_by_role("button", name="Light or dark").click()
        light = page.evaluate(COLOURS)
        assert dark[0] == "rgb(20, 24, 27)" and light[0] == "rgb(252, 252, 250)" and dark[1] != light[1]
        assert "ResNet-101 is better than ResNet-18" in text(page) and EVIL in text(page)
        assert page.locator(".faces img").count() > 0
        assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
        assert watch.errors == []
    finally:
        context.close()


def test_search_sort_delete_and_undo(page, four):
    open_runs(page)
    write(page, "Search", "resnet-34")
    sees(page, "1 of 4 runs")
    assert "q=resnet-34" in address(page)
    tick(page, "ResNet-34", 1)
    press(button(page, "Delete"))
    sees(page, "1 run moved into the trash.")
    assert not four[1].exists()
    press(button(page, "Undo"))
    soon(four[1].exists, 20 * slack(), "the run is back")

    open_runs(page, "?sort=best_f1")
    first = page.locator("tbody tr a").first
    soon(lambda: first.count() and first.inner_text() == "ResNet-101", 20 * slack(), "the best run stands first")
    first.click()
    soon(lambda: f"/live?run={four[3].id}" in address(page), 30 * slack(), "a click opens the run in Live")
