"""A lab that trains on a Ray cluster of two nodes, in a real Chromium: where it trains, pause, cancel."""

from __future__ import annotations

import re

import pytest

from core.jobs import elsewhere, slots
from core.runs import Run
from core.studies import record_file
from tests.browser.hands import address, button, open_study, points, press, sees, text, vary, write
from tests.browser.screen import Lab, Talk, drawn_demo, of_a_browser, slack, soon, window_of

pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
nodes_here = pytest.importorskip("tests.engines.nodes_here")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def nodes():
    nodes = nodes_here.Nodes()
    for _ in range(2):
        nodes.add()
    yield nodes
    nodes.end()


@pytest.fixture(scope="module")
def lab_process(tmp_path_factory, nodes):
    folder = tmp_path_factory.mktemp("cluster-lab")
    lab = Lab(folder, drawn_demo(tmp_path_factory.getbasetemp()))
    lab.env |= {"FACET_ENGINE": "ray", "RAY_ADDRESS": nodes.cluster.address, "RAY_USAGE_STATS_ENABLED": "0"}
    try:
        lab.start()
        yield lab
    finally:
        lab.end()


@pytest.fixture(scope=of_a_browser)
def window(browser, request):
    """Of this lab, also where the other tests share one."""
    yield from window_of(request.getfixturevalue("lab_process"), browser)


def training(made) -> dict[tuple[str, int], str]:
    """(run, fold) -> name of its node, of what trains."""
    states = [(run, state) for run in made for state in run.states()]
    return {(run.id, state.fold): state.worker["name"] for run, state in states if state.state == "running"}


@pytest.fixture
def small_jobs(lab):
    """A fold job needs one core, as the nodes have."""
    slots.write(lab.runs, slots.Slots(1, 1))


@pytest.mark.long
def test_a_study_trains_on_two_nodes_and_on_one_once_the_other_was_taken_out(page, context, lab, small_jobs):
    page.goto("/settings")
    press(button(page, "Ask the cluster now"))
    soon(lambda: text(page).count("nothing at the moment") == 2, 120 * slack(), "two nodes are listed")

    talk = Talk(page)
    open_study(page)
    press(button(page, "Task and folds"))
    write(page, "Folds", "2")
    write(page, "Image size in pixels", "32")
    write(page, "Epochs in all", "900")
    vary(page, "Seed")
    seeds = page.get_by_role("combobox", name="Seed")
    soon(lambda: seeds.count() == 1, 60 * slack(), "values of the seed")
    talk.over()
    seeds.fill("1")
    seeds.press("Enter")
    sees(page, "2 runs, 4 fold jobs are queued")
    page.keyboard.press("Escape")
    press(button(page, "Launch the study"))
    soon(lambda: "/studies?study=" in address(page), 60 * slack(), "the study opens")
    (record,) = record_file.all_studies(lab.runs)
    made = [Run(run_id, lab.runs) for run_id in record.run_ids]
    soon(lambda: len(training(made)) == 2, 240 * slack(), lambda: f"two folds train: {elsewhere.report(lab.runs)}")
    names = set(training(made).values())
    assert len(names) == 2, "each on its own node"

    press(button(page, "Pause"))
    sees(page, "no further fold begins")
    first = made[0]
    assert set(training(made)) == {(first.id, 0), (first.id, 1)}
    press(page.get_by_role("link", name=record.runs[0].name.removeprefix(f"{record.name} "), exact=True))
    soon(lambda: f"live?run={first.id}" in address(page), 60 * slack(), "the run opens in Live")
    for name in names:
        sees(page, f"on {name} · ")
    soon(lambda: all(points(page).get(fold, 0) >= 2 for fold in (0, 1)), 120 * slack(), "curves of both folds")
    drawn = sum(points(page).values())
    soon(lambda: sum(points(page).values()) > drawn, 120 * slack(), "the curves grow")
    assert re.search(r"epoch \d+ / 900", text(page))

    press(button(page, "Cancel"))
    soon(lambda: {state.state for state in first.states()} == {"cancelled"}, 60 * slack(), "both folds are cancelled")
    sees(page, "cancelled")
    button(page, "Resume").wait_for()

    settings = context.new_page()
    settings.goto("/settings")
    out, used = sorted(names)
    if not button(settings, f"Take out {out}").count():
        press(button(settings, "Ask the cluster now"))
    press(button(settings, f"Take out {out}"))
    button(settings, f"Use {out}").wait_for()
    assert elsewhere.wishes(lab.runs) == {out: "out"}

    page.goto(f"/studies?study={record.id}")
    press(button(page, "Resume"))
    soon(lambda: training(made), 240 * slack(), "a fold trains again")
    assert set(training(made).values()) == {used}
    settings.reload()
    sees(settings, "taken out of use by hand")
    press(button(page, "Cancel"))
    soon(lambda: not training(made), 60 * slack(), "nothing trains")
