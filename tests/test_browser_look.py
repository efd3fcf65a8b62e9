"""Look inside in a real Chromium: from a cell of the confusion matrix to a face; from a doubt to a correction."""

from __future__ import annotations

import pytest

from core import corrections, runs
from core.config import from_dict, load_recipe
from core.data import scan
from core.plan import make_plan
from core.runs import FoldState, Run
from tests.answered import judged
from tests.browser import slack, soon
from tests.test_browser import address, button, press, sees

pytestmark = pytest.mark.browser


def judged_run(lab, depth: int = 18) -> Run:
    """A run on the demo faces whose folds have random networks, and what these answered."""
    recipe = load_recipe("quick").model_dump(mode="json")
    recipe |= {"name": f"depth {depth}", "data": {"root": str(lab.demo)}, "folds": {"count": 2}}
    recipe |= {"task": {"name": "gender"}, "model": {"depth": depth, "init": "scratch"}}
    recipe["task"]["unmasked"] = True
    recipe["training"] |= {"device": "cpu"}
    config = from_dict(recipe)
    plan = make_plan(config, scan(config.data, threads=1))
    run = runs.create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=lab.runs)
    for fold in run.folds():
        scores = {f"{which}_{key}": 0.45 for which in ("best", "final") for key in ("f1", "accuracy", "loss")}
        run.write_state(FoldState(fold, "done", epoch=5, best_epoch=5, scores=scores))
    return judged(run)


def faces(page):
    return page.locator(".look-gallery button")


def test_a_relabel_from_the_queue_lands_in_the_corrections(page, lab):
    run = judged_run(lab)
    page.goto(f"/look_inside?run={run.id}&view=labels")
    soon(lambda: faces(page).count(), 60 * slack(), "the queue")
    doubted = page.locator(".look-gallery button[aria-pressed=true]").get_attribute("data-sample")
    assert corrections.load(lab.demo, lab.runs) == []
    press(button(page, "Relabel"))
    (found,) = soon(lambda: corrections.load(lab.demo, lab.runs), 20 * slack(), "a correction")
    sees(page, f"{found.before} → {found.after}")
    sample = run.samples().set_index("sample").loc[doubted]
    assert (found.kind, found.attribute, found.person) == ("relabel", "gender", sample["person"])
    assert found.before == sample["gender"] != found.after
    soon(
        lambda: doubted not in faces(page).evaluate_all("found => found.map(f => f.dataset.sample)"),
        20 * slack(), "the face leaves the queue",
    )  # fmt: skip
    press(button(page, "Undo"))
    soon(lambda: corrections.load(lab.demo, lab.runs) == [], 20 * slack(), "the correction is taken back")


def test_keys_walk_the_gallery_and_choose(page, lab):
    run = judged_run(lab)
    page.goto(f"/look_inside?run={run.id}&answer=all")
    soon(lambda: faces(page).count() == 12, 60 * slack(), "twelve faces")
    faces(page).first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    soon(lambda: faces(page).nth(1).get_attribute("aria-pressed") == "true", 20 * slack(), "the second is chosen")
    second = faces(page).nth(1).get_attribute("data-sample")
    soon(lambda: second.split("/")[-2] in address(page), 10 * slack(), "the address has it")
    page.reload()
    soon(
        lambda: faces(page).count() and faces(page).nth(1).get_attribute("aria-pressed") == "true",
        60 * slack(), "a link opens the same choice",
    )  # fmt: skip
