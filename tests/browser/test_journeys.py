"""What people do in the lab, in a real Chromium, against a real `streamlit run app.py`."""

from __future__ import annotations

import contextlib
import re
import shutil
from dataclasses import replace

import pytest

from core.runs import Run, metrics_file
from tests.browser import axe
from tests.browser.hands import (
    address,
    at_rest,
    button,
    field,
    filled,
    fits,
    form_of,
    launch_is_enabled,
    open_by_menu,
    open_launch,
    open_study,
    points,
    press,
    sees,
    small_run,
    text,
    write,
)
from tests.browser.made_runs import made_run, people_in_folders, rows_of
from tests.browser.screen import Talk, slack, soon

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)> **bold** $x$ :red[x]"
HOSTILE_CLASSES = ["<img src=x onerror=alert(2)>", "**bold**", "$x$ :red[x]"]
RANGES = """title => {
  const layout = document.querySelector(`section[aria-label="${title}"] .js-plotly-plot`)._fullLayout;
  return [...layout.xaxis.range, ...layout.yaxis.range];
}"""
SHOWS_ALL = """title => {  // the axes that the page gives a range have that one, and no point lies outside
  const plot = document.querySelector(`section[aria-label="${title}"] .js-plotly-plot`), axes = plot._fullLayout;
  const lines = plot.calcdata.filter(points => points[0].trace.fill !== "toself").flat();
  return lines.length > 0 && [["x", "xaxis"], ["y", "yaxis"]].every(([along, name]) => {
    const [low, high] = axes[name].range, all = plot.labAll[name];
    const inside = lines.every(point => !(point[along] < low || point[along] > high));
    return inside && (all ? low === all[0] && high === all[1] : axes[name].autorange === true);
  });
}"""
ACROSS = """([title, epoch]) => document.querySelector(`section[aria-label="${title}"] .js-plotly-plot`)
  ._fullLayout.xaxis.c2p(epoch)"""
HIDDEN = """([title, fold]) => document.querySelector(`section[aria-label="${title}"] .js-plotly-plot`)
  .data.filter(t => t.meta.fold === fold).map(t => t.visible)"""
ZOOMED = """title => new Promise(told => document
  .querySelector(`section[aria-label="${title}"] .js-plotly-plot`).once("plotly_relayout", () => told(true)))"""


def zoom(page, title: str) -> list[float]:
    """Drag over the middle of a figure; the ranges of its axes then."""
    figure = page.get_by_role("region", name=title)
    figure.scroll_into_view_if_needed()
    before = page.evaluate(RANGES, title)
    box = at_rest(figure.locator(".nsewdrag"))
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=4)
    moved = page.evaluate_handle(f"title => ({{ done: ({ZOOMED})(title) }})", title)
    page.mouse.up()
    moved.evaluate("moved => moved.done")  # plotly has moved the axes into place
    after = page.evaluate(RANGES, title)
    assert after[1] - after[0] < 0.7 * (before[1] - before[0])
    return after


def middle_of(page, title: str) -> tuple[float, float]:
    box = page.get_by_role("region", name=title).locator(".nsewdrag").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def place_of(page, title: str, epoch: int) -> tuple[float, float]:
    """In the middle of a figure's height, at an epoch."""
    box = page.get_by_role("region", name=title).locator(".nsewdrag").bounding_box()
    across = page.evaluate(ACROSS, [title, epoch])
    assert 0 <= across <= box["width"], f"epoch {epoch} is in sight"
    return box["x"] + across, box["y"] + box["height"] / 2


def epoch_shown(page) -> int:
    match = re.search(r"epoch (\d+) / \d+", text(page))
    return int(match[1]) if match else 0


# A newcomer


@pytest.mark.long
def test_a_newcomer_launches_quick_and_watches_every_fold(page, lab):
    page.goto("/")
    sees(page, "See it work")
    press(button(page, "Launch"))
    soon(lambda: "/launch" in address(page), 60 * slack(), "Home leads to Launch")
    sees(page, "No person is in two folds")
    filled(page)
    small_run(page, folds=2, epochs=4)

    patience = slack()
    press(button(page, "Launch"))
    run = Run(soon(lab.run_ids, 60 * patience, "a run")[0], lab.runs)
    seen: dict[int, set[int]] = {fold: set() for fold in run.folds()}

    def written() -> dict[int, int]:
        epochs = {fold: run.metrics(fold)["epoch"].nunique() for fold in run.folds()}
        return {fold: n for fold, n in epochs.items() if n}

    def is_shown() -> bool:
        for fold, n in points(page).items():
            seen[fold].add(n)
        return points(page) == written()

    def look() -> dict[int, int]:
        """Training stands still until the page is as far as it: a fold is quicker than a page that is drawn."""
        with lab.stopped(), contextlib.suppress(pytest.fail.Exception):  # not a worker that came since
            soon(is_shown, 10 * patience, "the page is as far as the files")
        return points(page)

    soon(written, 90 * patience, "a first epoch")
    with lab.stopped():
        soon(lambda: "/live" in address(page), 60 * patience, "Live opens")
        assert lab.run_ids() == [run.id] and run.id in address(page)
        soon(lambda: re.search(r"running · .*epoch \d+ / 4", text(page)), 60 * patience, "Live shows that fold 0 runs")
        soon(lambda: epoch_shown(page), 60 * patience, "the first epoch is told")
        soon(lambda: points(page) == written(), 60 * patience, "the first epoch is drawn")
        look()

    soon(lambda: sum(look().values()) >= 2, 90 * patience, "curves with two points")
    with lab.stopped():
        zoomed = zoom(page, "Loss")
        press(button(page, "fold 0"))
        soon(lambda: not any(page.evaluate(HIDDEN, ["Macro F1", 0])), 60 * patience, "fold 0 is hidden")

    sizes = [sum(look().values())]
    while len(sizes) <= 3:  # each tick that brought an epoch makes the curves longer
        soon(lambda: sum(look().values()) > sizes[-1], 90 * patience, f"the curves grow for the {len(sizes)}. time")
        sizes.append(sum(look().values()))
        assert page.evaluate(RANGES, "Loss") == zoomed
        assert not any(page.evaluate(HIDDEN, ["Macro F1", 0]))
        assert button(page, "fold 0").get_attribute("aria-pressed") == "false"

    soon(lambda: look() and run.states()[-1].state == "done", 240 * patience, "the last fold is done")
    sees(page, "100%")
    assert all(len(sizes) >= 2 for sizes in seen.values()), seen
    soon(lambda: look() == {0: 4, 1: 4}, 60 * patience, "every fold's curve ends at its last epoch")
    assert page.evaluate(RANGES, "Loss") == zoomed
    total = page.get_by_role("row", name="mean ± deviation")
    soon(
        lambda: len(re.findall(r"\d\.\d{3} ± \d\.\d{3} \(2\)", total.inner_text())) == 6,
        60 * patience,
        lambda: f"mean ± deviation over two folds: {total.inner_text()}",
    )
    soon(lambda: button(page, "Cancel").count() == 0, 60 * patience, "nothing is left to cancel")
    press(page.get_by_role("link", name="Home", exact=True))
    sees(page, "Last result")
    page.get_by_role("main").get_by_role("link", name="quick", exact=True).first.wait_for()
    soon(lambda: not lab.workers(), 60 * patience, "the worker leaves")


@pytest.mark.fault(3)
@pytest.mark.long
def test_training_outlives_the_lab_and_is_found_again(page, context, lab):
    context.watch.allow(
        "ERR_CONNECTION_REFUSED",
        "WebSocket",
        "ERR_SOCKET_NOT_CONNECTED",
        "ERR_CONNECTION_RESET",
        "ERR_EMPTY_RESPONSE",
        "disconnected",
        "not responding",
        "403",  # between the lab's new start and its new link, which the browser is given below
    )
    open_launch(page)
    small_run(page, folds=2, epochs=900)
    press(button(page, "Launch"))
    soon(lambda: epoch_shown(page) >= 2, 90 * slack(), "a second epoch on Live")
    run = Run(lab.run_ids()[0], lab.runs)

    lab.kill()
    before = run.written_state(0).epoch
    soon(lambda: run.fold_state(0).epoch >= before + 2, 90 * slack(), "two more epochs without a lab")
    assert run.fold_state(0).state == "running"
    assert lab.workers()
    lab.start()
    lab.let_in(context)  # a new start has a new link; the tabs that stayed open come back with it

    soon(lambda: epoch_shown(page) > before + 2, 60 * slack(), "the page that stayed open moves on")
    home = context.new_page()
    home.goto("/")
    sees(home, "Training now")
    sees(home, "running · fold 0")
    home.get_by_role("main").get_by_role("link", name="quick", exact=True).first.click()
    soon(lambda: epoch_shown(home), 60 * slack(), "Live opens from Home")
    now = epoch_shown(home)
    soon(lambda: epoch_shown(home) > now, 60 * slack(), "Live moves")

    press(button(home, "Cancel"))
    soon(lambda: {s.state for s in run.states()} == {"cancelled"}, 60 * slack(), "every fold is cancelled", 0.05)
    soon(lambda: not lab.workers(), 60 * slack(), "no process is left", 0.05)
    sees(home, "cancelled")
    button(home, "Resume").wait_for()
    soon(lambda: button(page, "Resume").count(), 60 * slack(), "the other tab sees it too")


@pytest.mark.fault(7)
def test_double_click_and_second_tab_make_one_run(page, context, lab):
    open_launch(page)
    sees(page, "fold jobs are queued")
    second = context.new_page()
    open_launch(second, address(page))
    sees(second, "fold jobs are queued")
    forms = [soon(lambda tab=tab: form_of(tab), 60 * slack(), "its form is in the address") for tab in (page, second)]
    assert forms[0] == forms[1]
    with lab.held():
        button(page, "Launch").dblclick()
        button(second, "Launch").dblclick()
        for tab in (page, second):
            soon(lambda tab=tab: "/live" in address(tab), 60 * slack(), "Live opens in both tabs")
            sees(tab, "fold 0")
        (run_id,) = lab.run_ids()
        for tab in (page, second):
            soon(lambda tab=tab: run_id in address(tab), 60 * slack(), f"{run_id} is in the address")
        # It is stopped from another page, in the queue that stands in the header of each.
        press(second.get_by_role("link", name="Settings", exact=True).first)
        sees(second, "Appearance and about")
        press(button(second, "Queue"))
        press(button(second, "Cancel"))
        sees(second, "Its checkpoints are kept")
        soon(lambda: not axe.grave(second), 20 * slack(), lambda: f"axe has nothing against it: {axe.grave(second)}")
        press(button(second, "Stop it"))
        sees(page, "cancelled")
        soon(lambda: button(second, "Queue").count() == 0, 60 * slack(), "no queue where nothing is in it")
        assert lab.run_ids() == [run_id]


@pytest.mark.long
def test_a_zoom_outlives_ticks_that_change_the_scale(page, lab, tmp_path):
    run = made_run(lab, people_in_folders(tmp_path / "faces", ["cats", "dogs"]))
    with run.fold_lock(0):  # as its worker holds it, so that nobody else takes the fold up
        run.write_state(replace(run.written_state(0), state="running", ended=None))
        page.goto(f"/live?run={run.id}")
        soon(lambda: sum(points(page).values()) == 10, 60 * slack(), "curves of two folds")
        zoomed = {title: zoom(page, title) for title in ("Macro F1", "Accuracy", "Loss")}
        shared = zoomed["Loss"][:2]  # the last zoom along the epochs is that of all three
        zoomed = {title: [*shared, *ranges[2:]] for title, ranges in zoomed.items()}
        soon(lambda: {title: page.evaluate(RANGES, title) for title in zoomed} == zoomed, 10 * slack(), "a shared zoom")
        page.mouse.move(*place_of(page, "Accuracy", epoch=5))
        reads = page.locator(".lab-reads")
        soon(lambda: reads.count() == 3, 10 * slack(), "every figure is read at the epoch under the pointer")
        epochs = set(reads.locator("th:first-child").all_inner_texts())
        assert len(epochs) == 1 and all("fold 0" in each and "fold 1" in each for each in reads.all_inner_texts())
        page.mouse.move(5, 5)
        soon(lambda: reads.count() == 0, 10 * slack(), "nothing is read")
        for epoch in range(6, 10):
            metrics_file.append_metrics(run.metrics_file(0), rows_of([epoch], lambda epoch: epoch / 10))
            soon(lambda epoch=epoch: points(page)[0] == epoch, 60 * slack(), f"epoch {epoch} is drawn")
            assert {title: page.evaluate(RANGES, title) for title in zoomed} == zoomed

        def all_shown() -> bool:
            """plotly takes two clicks for a double one while they are less than 300 ms apart, by its own clock."""
            page.mouse.dblclick(*middle_of(page, "Accuracy"))
            with contextlib.suppress(pytest.fail.Exception):
                return soon(lambda: all(page.evaluate(SHOWS_ALL, title) for title in zoomed), 3, "by this click")
            return False

        soon(
            all_shown,
            60 * slack(),
            lambda: f"all there is in every figure: {[page.evaluate(RANGES, title) for title in zoomed]}",
        )


# Hostile names and addresses


@pytest.mark.fault(23)
def test_hostile_names_are_shown_as_text_everywhere(page, lab, tmp_path):
    talk = Talk(page)
    root = people_in_folders(tmp_path / HOSTILE, HOSTILE_CLASSES)
    run = made_run(lab, root, name=HOSTILE)
    made_run(lab, root, name=f"2 {HOSTILE}", state="failed", reason=f"diverged: {HOSTILE}")
    for place, names in (
        ("/", [HOSTILE, f"2 {HOSTILE}", f"diverged: {HOSTILE}"]),
        (f"/launch?from={run.id}", [HOSTILE, *HOSTILE_CLASSES]),
        (f"/data?root={root}", [str(root), *HOSTILE_CLASSES]),
        (f"/live?run={run.id}", [HOSTILE]),
    ):
        page.goto(place)
        for words in names:
            sees(page, words)
        talk.over()
        assert page.locator("img[src='x']").count() == 0, place
        assert page.get_by_role("main").locator("strong", has_text=re.compile("^bold$")).count() == 0, place
        assert page.locator(".katex").count() == 0, place
    press(page.get_by_role("tab", name="Samples as the network sees them"))
    sees(page, HOSTILE_CLASSES[0])
    press(button(page, "Config"))
    sees(page, "schema_version")
    talk.over()
    assert page.locator("img[src='x']").count() == 0


def test_an_address_that_leads_nowhere_is_a_plain_sentence(page):
    talk = Talk(page)
    for place, sentence in (
        ("/live?run=..%2F..%2Fetc%2Fpasswd%00", "is not a run id"),
        ("/live?run=20260101-000000-nothing-0000", "is gone"),
        ("/launch?from=../../etc", "is not a run id"),
        ("/launch?from=20260101-000000-nothing-0000", "is gone"),
        ("/data?root=/no/such/folder", "there is no such folder"),
    ):
        page.goto(place)
        sees(page, sentence)
        talk.over()
        assert "Traceback" not in text(page), place
        assert "/site-packages/" not in text(page), place


@pytest.mark.fault(31)
def test_a_run_that_is_deleted_while_it_is_viewed(page, lab, tmp_path):
    with lab.held():  # no worker takes it up
        run = made_run(lab, people_in_folders(tmp_path / "faces", ["cats", "dogs"]), state="queued")
        page.goto(f"/live?run={run.id}")
        sees(page, "queued")
        run.config_file.unlink()  # a folder is not deleted at once
        sees(page, "config.yaml is missing")
        shutil.rmtree(run.dir)
        sees(page, "is gone")


# Quick hands on the form


def test_who_is_quicker_than_the_page_loses_no_setting_and_nothing_that_is_being_typed(page):
    """A field whose script is still on its way has no value of its own to send, and one that is mounted anew loses what
    was typed: nothing before it may come or go from one rerun to the next."""
    late, talk = [], Talk(page)
    page.route("**/TextInput*.js", lambda route: late.append(route))
    page.goto("/launch?recipe=quick")
    sees(page, "fold jobs are queued")
    talk.over()
    with talk.answered():
        press(button(page, "Draw again"))
    assert late, "the fields' script has another name now"
    for route in late:
        route.continue_()
    field(page, "Name of the run").wait_for()
    page.unroute("**/TextInput*.js")
    with talk.answered():
        press(button(page, "Draw again"))
    filled(page)
    assert field(page, "Name of the run").input_value() == "quick"
    description = field(page, "Description")
    soon(lambda: description.input_value().startswith("A first answer"), 60 * slack(), "its description")
    launch_is_enabled(page)
    stays_mounted(page, talk, "Name of the run", "Description")
    open_study(page)
    talk.over()  # the first drawing, with its scan, has ended
    stays_mounted(page, talk, "Name of the study", "Question")


def stays_mounted(page, talk: Talk, first: str, second: str) -> None:
    """What is typed into the second field while the first one is sent."""
    same = """name => { const field = document.querySelector(`input[aria-label="${name}"]`), known = field.known;
      field.known = true; return Boolean(known); }"""
    soon(lambda: field(page, second).count() == 1, 60 * slack(), f"{second} is there")
    assert not page.evaluate(same, second)
    with talk.answered():
        write(page, first, "one of two")
        field(page, second).fill("Which is better?")
    assert field(page, second).input_value() == "Which is better?"
    assert page.evaluate(same, second), f"{second} was mounted anew"


# Reach


@pytest.mark.long
def test_every_page_fits_800_pixels_with_the_scores_in_sight_and_axe_has_nothing_grave_against_it(page, lab):
    """All of them at every width, in more states and with pictures: make screens."""
    made_run(lab, lab.demo, task="gender-age")
    talk = Talk(page)
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto("/")
    has_room_and_no_grave_fault(page, talk, "Last result")
    for place, ready in (
        ("Launch", "No person is in two folds"),
        ("Live", "last epoch"),
        ("Data", "Ages of people"),
        ("Runs", "Name, tags, note"),
        ("Studies", "Studies"),
        ("Look inside", "Open in Live"),
    ):
        with talk.answered():
            open_by_menu(page, place)
        has_room_and_no_grave_fault(page, talk, ready)
    with talk.answered():
        open_by_menu(page, "Runs")
    cell = page.locator('.runs-wrap td[data-key="best_f1"]').first
    cell.wait_for()
    table, score = page.locator(".runs-wrap").bounding_box(), cell.bounding_box()
    assert score["x"] + score["width"] <= table["x"] + table["width"]
    assert not page.locator('.runs-wrap [data-key="task"]').first.is_visible()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator('.runs-wrap [data-key="task"]').first.wait_for()


def has_room_and_no_grave_fault(page, talk: Talk, ready: str) -> None:
    place = address(page)
    sees(page, ready)
    fits(page, place)
    talk.over()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        soon(lambda theme=theme: scheme(page) == theme, 60 * slack(), f"{place} is {theme}")
        soon(
            lambda: not axe.grave(page),
            20 * slack(),
            lambda theme=theme: f"axe has nothing against {place}, {theme}: {axe.grave(page)}",
        )


def scheme(page) -> str:
    """The theme in which everything is drawn by now, what stands outside of the page too."""
    return page.evaluate("() => document.documentElement.style.colorScheme")
