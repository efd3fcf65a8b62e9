"""Look inside in a real Chromium: from a cell of the confusion matrix to a face; from a doubt to a correction."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import f1_score

from core.data.labels import corrections
from core.inside import picture as look_picture
from core.jobs import queue
from core.runs import Run
from tests.browser import axe
from tests.browser.hands import address, at_rest, button, choose, pick, press, sees, text
from tests.browser.judged_runs import doubting_run, finished, judged_run
from tests.browser.screen import Talk, slack, soon

pytestmark = pytest.mark.browser


IN_SIGHT = "c => { const box = c.getBoundingClientRect(); return box.top > 0 && box.bottom < innerHeight; }"


def faces(page):
    return page.locator(".look-gallery button")


def test_from_a_cell_to_the_maps_of_two_depths_and_their_png(page, lab, tmp_path):
    small, large = judged_run(lab, 18), judged_run(lab, 34)
    talk = Talk(page)
    page.goto(f"/look_inside?run={small.id}&runs={small.id},{large.id}")
    cells = page.locator(".look-cell")
    soon(lambda: cells.count(), 60 * slack(), "the confusion matrix")
    talk.over()
    wrong = page.locator(".look-cell[aria-label*='taken for']").first
    label = wrong.get_attribute("aria-label")
    wrong.click()
    true, predicted = re.match(r"(\w+), taken for (\w+):", label).groups()
    soon(lambda: f"true={true}&predicted={predicted}" in address(page), 60 * slack(), "the cell is in the address")
    answers = pd.concat([small.predictions(fold) for fold in small.folds()]).set_index("sample")
    right_ones = (answers["label"] == true) & (answers["predicted"] == predicted)
    soon(
        lambda: set(names(page)) <= set(answers.index[right_ones]) and names(page), 60 * slack(), "its faces are there"
    )
    talk.over()
    faces(page).first.click()
    chosen = names(page)[0]
    painted = page.locator(".look-maps[data-painted='10'] canvas")
    soon(lambda: painted.count() == 10, 90 * slack(), "five layers of two depths")
    assert painted.first.evaluate(IN_SIGHT), "the maps of what was clicked stand beside it"
    sees(page, "2 x 2 cells")
    fold = small.samples().set_index("sample").loc[chosen, "fold"]
    for run in (small, large):
        sees(page, f"{run.config().name} · fold {fold}, held out")
    painted.nth(4).hover()
    sees(page, "of the largest in this map")
    painted.first.focus()
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowRight")
    sees(page, f"{chosen} - layer1 - x 52 %, y 50 %")
    hot = painted.nth(4).evaluate("c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size")
    assert hot > 50  # not one flat colour
    with page.expect_download() as waiting:
        press(button(page, "Download PNG"))
    picture = Image.open(waiting.value.path())
    rows = 2 * (64 + look_picture.GAP)
    assert picture.format == "PNG" and picture.size[1] == 30 + rows and picture.size[0] > 6 * 64


@pytest.fixture
def held(lab):
    """What is launched waits."""
    with lab.held():
        yield


def names(page) -> list[str]:
    return faces(page).evaluate_all("faces => faces.map(face => face.dataset.sample)")


def test_labels_are_decided_by_keys_then_retrained_then_compared(page, lab, held):
    run = doubting_run(lab, doubts=3)
    talk = Talk(page)
    page.goto(f"/look_inside?run={run.id}")
    press(page.get_by_role("button", name=re.compile("may be wrong: check")))
    soon(lambda: faces(page).count() and "view=labels" in address(page), 60 * slack(), "the queue")
    talk.over()
    assert corrections.load(lab.demo, lab.runs) == []

    def doubted() -> str:
        return page.locator(".look-gallery button[aria-pressed=true]").get_attribute("data-sample")

    def decide(key: str) -> str:
        """The photo that was decided about, once the next one is asked about."""
        sample = doubted()
        page.keyboard.press(key)
        soon(lambda: sample not in names(page) and doubted() != sample, 60 * slack(), f"{sample} leaves the queue")
        talk.over()
        return sample

    relabelled = [decide("2") for _ in range(3)]
    page.keyboard.press("f")
    photo = page.get_by_role("img", name=re.compile("^The photo in question"))
    sees(page, "3 of 6 decided")

    def large() -> str:
        """What is large, in one look: while it is drawn anew there may be two of it, or none."""
        words = photo.evaluate_all("images => images.map(image => image.alt)")
        return words[0] if len(words) == 1 else ""

    def decide_large(key: str) -> str:
        """The photo that was decided about on the whole screen."""
        before = soon(large, 60 * slack(), "a photo is large")
        page.keyboard.press(key)
        soon(lambda: large() not in ("", before), 60 * slack(), "the next one is large")
        talk.over()
        return before.removeprefix("The photo in question, ")

    confirmed, left_out = decide_large("1"), decide_large("3")
    sees(page, "5 of 6 decided")
    assert axe.grave(page) == [] and not page.get_by_role("link", name="Settings").count()
    page.keyboard.press("Escape")
    sees(page, "5 decided: 3 wrong, 1 right and 1 left out")
    sees(page, "So far 75% of the labels judged were wrong (95% interval 30% to 95%)")
    talk.over()  # the key is that of a button further down
    page.keyboard.press("z")
    soon(lambda: doubted() == left_out, 60 * slack(), "the photo that was left out is asked about again")
    talk.over()
    made = corrections.load(lab.demo, lab.runs)
    frozen = run.samples().set_index("sample")
    assert [each.sample for each in made] == relabelled and {each.attribute for each in made} == {"gender"}
    assert all(each.before == frozen.loc[each.sample, "gender"] != each.after for each in made)
    assert confirmed not in relabelled

    press(button(page, "Retrain on the corrected labels, same folds"))
    sees(page, "3 photos are of another class now.")
    press(button(page, "Queue it"))
    soon(lambda: "/live" in address(page), 60 * slack(), "Live opens")
    (again,) = (Run(run_id, lab.runs) for run_id in lab.run_ids() if run_id != run.id)
    assert again.config().model_copy(update={"name": "depth 18"}) == run.config(), "its seed too"
    samples = again.samples().set_index("sample")
    assert list(samples.index) == list(frozen.index), "the decision that was taken back leaves nobody out"
    assert (samples[["person", "fold"]] == frozen[["person", "fold"]]).all(axis=None)
    assert set(samples.index[samples["class_name"] != frozen["class_name"]]) == set(relabelled)
    queue.remove(again, again.folds())
    finished(again, samples["y"].to_numpy())

    press(button(page, "Did it help?"))
    soon(lambda: "/compare" in address(page), 60 * slack(), "Compare opens")
    sees(page, "In depth 18, corrected labels: 3 photos of another class.")
    stayed = page.get_by_role("row", name=re.compile("labels that stayed as they were"))
    soon(lambda: stayed.count() == 1, 60 * slack(), "what both are scored on")
    answers = pd.concat([run.predictions(fold) for fold in run.folds()]).set_index("sample").drop(relabelled)
    before = f1_score(answers["label"], answers["predicted"], average="macro")
    assert stayed.get_by_role("cell").all_inner_texts()[1:] == [f"{len(answers)}", f"{before:.3f}", "1.000"]


def test_one_selection_from_a_cell_and_from_dots_through_a_reload_to_data_and_back(page, lab):
    run = doubting_run(lab, doubts=3)
    answers = pd.concat([run.predictions(fold) for fold in run.folds()]).set_index("sample")
    wrong = set(answers.index[answers["label"] != answers["predicted"]])
    talk = Talk(page)
    page.goto(f"/look_inside?run={run.id}")
    cell = page.locator(".look-cell[aria-label*='taken for']").first
    soon(lambda: cell.count() and faces(page).count(), 60 * slack(), "the confusion matrix and its photos")
    talk.over()
    of_cell = int(re.search(r": (\d+) of", cell.get_attribute("aria-label"))[1])
    press(cell, modifiers=["Control"])
    sees(page, f"{of_cell} photos selected" if of_cell > 1 else "1 photo selected")
    soon(lambda: f", {of_cell} selected" in (cell.get_attribute("aria-label") or ""), 60 * slack(), "the cell's mark")
    press(button(page, "Select misclassified (6)"))
    sees(page, "6 photos selected")
    marks = page.locator(".look-picked:not(:empty)")  # drawn a moment after the words, in the same pass
    soon(lambda: set(names(page)) == wrong and marks.count() == 6, 60 * slack(), "the marks of all that are selected")
    press(button(page, "Clear"))
    sees(page, "No photo is selected")

    pick(page, "radio", "Scatter")
    dots = page.locator(".js-plotly-plot .nsewdrag")
    soon(lambda: dots.count() == 1, 60 * slack(), "the dots")
    talk.over()

    def drawn() -> bool:
        """Whether a box around all dots, drawn once more, has selected them: a page drawn anew lets a drag go."""
        area = at_rest(dots)
        page.mouse.move(area["x"] + 4, area["y"] + 4)
        page.mouse.down()
        page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
        page.mouse.move(area["x"] + area["width"] - 4, area["y"] + area["height"] - 4)
        page.mouse.up()
        talk.over()
        return "6 photos selected" in text(page)

    soon(drawn, 60 * slack(), "a box selects the dots in it")
    page.reload()
    sees(page, "6 photos selected")
    press(button(page, "Actions"))
    press(button(page, "Open them in Data"))
    tiles = page.locator(".data-gallery button:has(.data-picked)")
    soon(lambda: tiles.count() == 6, 90 * slack(), "the same photos on Data")
    talk.over()
    assert set(tiles.evaluate_all("tiles => tiles.map(tile => tile.dataset.sample)")) == wrong
    choose(page, "Correct", "Gender")
    choose(page, "Gender", "female")
    press(button(page, "Correct 6 photos"))
    male = [sample for sample in wrong if "_male_" in sample]
    sees(page, f"gender of {len(male)} photo{'s' * (len(male) != 1)} → female.")
    assert {each.sample for each in corrections.load(lab.demo, lab.runs)} == set(male) and male

    press(page.get_by_role("link", name=re.compile("Look inside$")))
    press(button(page, "Back to 6 photos"))
    sees(page, "6 photos selected")
    assert "selection=" in address(page)


def drawn(page, talk: Talk) -> str:
    """What the grid of maps was told and what it shows, and whether the lab owes an answer."""
    host = "const {asked, shown, dataset} = document.querySelector('.look-maps')"
    told = page.evaluate(f"() => {{ {host}; return JSON.stringify([asked, shown, dataset.times]); }}")
    return f"asked, shown, times: {told}; asked of the lab: {talk.asked}, owed: {talk.owed!r}; {text(page)}"


def test_keys_walk_the_gallery_and_choose(page, lab):
    run = judged_run(lab)
    talk = Talk(page)
    page.goto(f"/look_inside?run={run.id}&answer=all&trust=1&layers=layer4")
    soon(lambda: faces(page).count() == 12, 60 * slack(), "twelve faces")
    talk.over()  # what is drawn anew loses the focus
    faces(page).first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    soon(lambda: faces(page).nth(1).get_attribute("aria-pressed") == "true", 60 * slack(), "the second is chosen")
    second = faces(page).nth(1).get_attribute("data-sample")
    soon(lambda: second.split("/")[-2] in address(page), 60 * slack(), "the address has it")
    page.reload()
    soon(lambda: faces(page).count(), 60 * slack(), "the gallery is there again")
    soon(
        lambda: faces(page).nth(1).get_attribute("aria-pressed") == "true", 60 * slack(), "a link opens the same choice"
    )
    word = page.locator(".look-trust")  # one word beneath the map; its figures come with the focus
    soon(lambda: word.count() == 1, 90 * slack(), lambda: f"how far to trust the map: {drawn(page, talk)}")
    talk.over()
    word.focus()
    tip = page.locator(".look-tip")
    soon(tip.is_visible, 60 * slack(), "the figures of the word")
    assert "of 5 random maps" in tip.inner_text() and "2 x 2 cells: too few to be trusted" in tip.inner_text()
    assert word.get_attribute("aria-label").startswith(f"layer4, {word.inner_text()}: better than")
    page.evaluate("() => { window.Image = class {}; }")  # none comes any more: the map itself stands
    trust = page.get_by_text("Trust", exact=True)
    press(trust)
    soon(lambda: not word.count(), 60 * slack(), "its word goes")
    press(trust)
    soon(lambda: word.count() == 1, 60 * slack(), "and comes, without the map's being read again")


def test_from_home_to_the_maps_of_the_commonest_mistake_and_back_through_the_menu(page, lab):
    """Two clicks from Home; the menu leads to the same run, not to the newest, and one press of Back is one page."""
    looked_at, _ = judged_run(lab, 18), judged_run(lab, 34)
    talk = Talk(page)

    def opens(path: str) -> None:
        soon(lambda: f"/{path}" in address(page), 60 * slack(), lambda: f"{path} opens, not {address(page)}")
        talk.over()

    page.goto("/")
    press(page.get_by_role("link", name="depth 18"))
    sees(page, "Commonest mistake")
    opens(f"live?run={looked_at.id}")
    chosen = names(page)[0]
    faces(page).first.click()
    opens(f"look_inside?run={looked_at.id}&samples=")
    soon(lambda: page.locator(".look-maps canvas").count() >= 5, 90 * slack(), "the maps of its layers")
    sees(page, chosen.rpartition("/")[2])
    press(page.get_by_role("link", name=re.compile("Live$")))
    opens(f"live?run={looked_at.id}")
    press(page.get_by_role("link", name=re.compile("Studies$")))
    opens(f"studies?run={looked_at.id}")
    page.go_back()
    opens(f"live?run={looked_at.id}")
    page.go_back()
    opens(f"look_inside?run={looked_at.id}&samples=")
    page.reload()
    opens(f"look_inside?run={looked_at.id}&samples=")
