"""Eyes and hands on a page: what it says, and what people press, pick, type and choose there."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from playwright.sync_api import Error, TimeoutError, expect

from tests.browser.screen import slack, soon

TOO_WIDE = """() => [document.scrollingElement, document.querySelector('[data-testid="stMain"]')]
  .map(e => e.scrollWidth - e.clientWidth)"""

# fold -> points of its validation curve, in the figure that is called `title`
POINTS = """title => {
  const plot = document.querySelector(`section[aria-label="${title}"] .js-plotly-plot`), points = {};
  for (const t of (plot && plot.data) || [])
    if (t.meta.part === "fold" && t.meta.split === "validation")
      points[t.meta.fold] = t.x.bdata ? atob(t.x.bdata).length / Number(t.x.dtype.slice(1)) : t.x.length;
  return points;
}"""


def text(page) -> str:
    """All text on the page, without the invisible breaks that keep names from being markup."""
    return page.locator("body").inner_text().replace("\u200b", "")


def sees(page, words: str, seconds: float = 60) -> None:
    soon(
        lambda: words in text(page), seconds * slack(), lambda: f"the page says {words!r}; it says: {text(page)[:1500]}"
    )


def fits(page, what: str = "the page") -> None:
    """Nothing has to be pushed sideways; what was measured at another width is measured anew a moment later."""
    soon(
        lambda: max(page.evaluate(TOO_WIDE)) <= 1,
        60 * slack(),
        lambda: f"{what} fits: {page.evaluate(TOO_WIDE)} px too wide at {page.url}",
    )


def button(page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def open_by_menu(page, name: str) -> None:
    """A page, from one that stands: it costs a third of a load. The window is as wide as it was when it is drawn."""
    size = page.viewport_size
    page.set_viewport_size(size | {"width": 1900})  # all names stand beside each other
    press(page.get_by_test_id("stHeader").get_by_role("link", name=re.compile(f"{name}$")))
    page.set_viewport_size(size)


def field(page, name: str):
    return page.get_by_role("textbox", name=name, exact=True)


def press(target, **how) -> None:
    """Click what a locator finds once it is there once: while a page is drawn anew, its last version still stands, and
    may come to stand between the look and the click. how: of Playwright's click."""

    def clicked() -> bool:
        if target.count() != 1:
            return False
        try:
            target.click(**how)
        except Error as fault:
            if "strict mode violation" in fault.message:
                return False
            raise
        return True

    soon(clicked, 60 * slack(), f"one {target}")


def at_rest(target) -> dict[str, float]:
    """Where it stands once it has stood there for ten looks: pictures and fonts above it may come last of all."""
    boxes: list[dict[str, float] | None] = []

    def rests() -> bool:
        boxes.append(target.bounding_box())
        return len(boxes) >= 10 and boxes[-1] is not None and all(box == boxes[-1] for box in boxes[-10:])

    soon(rests, 60 * slack(), f"{target} stands still")
    return boxes[-1]


def pick(page, role: str, name: str) -> None:
    """Choose a radio button or tick a box through its label, as people do: its own input is hidden under it."""
    option = page.get_by_role(role, name=name)
    soon(lambda: option.count() == 1, 60 * slack(), f"one {role} {name!r}")
    label = option.locator("xpath=ancestor::label[1]")
    (label if label.count() else option).click()
    soon(option.is_checked, 60 * slack(), f"{name!r} is chosen")


def write(page, name: str, value: str) -> None:
    soon(lambda: field(page, name).count() == 1, 60 * slack(), f"one field {name!r}")
    field(page, name).fill(value)
    field(page, name).press("Enter")


def form_of(page) -> str:
    """The id of its launch form, once the address has it."""
    form = re.search(r"form=([\w-]+)", address(page))
    return form[1] if form else ""


def address(page) -> str:
    """What the address bar says now; page.url only learns of it when something else is asked."""
    return page.evaluate("location.href")


def open_launch(page, where: str = "/launch") -> None:
    page.goto(where)
    soon(lambda: button(page, "Launch").count() == 1, 60 * slack(), "the form is there")
    filled(page)


def open_study(page) -> None:
    page.goto("/launch?as=study&recipe=quick")
    soon(lambda: field(page, "Name of the study").count() == 1, 60 * slack(), "the form of a study is there")
    soon(lambda: field(page, "Name of the study").input_value(), 60 * slack(), "its fields are filled")


def filled(page) -> None:
    """The form's fields show their values: their script has arrived."""
    name = field(page, "Name of the run")
    soon(lambda: name.count() == 1 and name.input_value(), 60 * slack(), "its fields are filled")


def launch_is_disabled(page) -> None:
    soon(
        lambda: button(page, "Launch").evaluate_all("all => all.length === 1 && all[0].disabled"),
        60 * slack(),
        "Launch is disabled",
    )


def launch_is_enabled(page) -> None:
    soon(
        lambda: button(page, "Launch").evaluate_all("all => all.length === 1 && !all[0].disabled"),
        60 * slack(),
        "Launch is enabled",
    )


def take_folder(page, folder: Path) -> None:
    pick(page, "radio", "A folder")
    write(page, "Folder of the dataset", str(folder))


def small_run(page, folds: int, epochs: int) -> None:
    """Lower the folds and epochs of the form through its own fields."""
    press(button(page, "Task and folds"))
    write(page, "Folds", str(folds))
    sees(page, f"{folds} fold jobs are queued")
    press(button(page, "Phases"))
    write(page, "Epochs", str(epochs))
    sees(page, f"adamw {epochs} epochs")


def choose(page, label: str, option: str | re.Pattern, typed: str = "") -> None:
    """Pick an option of a select box by its name, typed so that a long list has drawn it; or `typed` instead of it."""
    box, target = page.get_by_role("combobox", name=label), page.get_by_role("option", name=option, exact=True)
    several = page.get_by_test_id("stMultiSelect").filter(has=box)
    whole = re.compile(f"^{re.escape(option)}$") if isinstance(option, str) else option

    def chosen() -> bool:
        """A page that is drawn anew closes an open list, before the option is there or under the click: while the list
        fades, the option still takes a click, and chooses nothing by it."""
        with contextlib.suppress(TimeoutError, AssertionError):
            if several.count() and several.locator("[data-tag]", has_text=whole).count():
                return True  # late, and no longer an option
            if not target.count():
                box.click(timeout=2000)
                if typed or isinstance(option, str):
                    box.fill(typed or option, timeout=2000)
            target.click(timeout=2000)
            if several.count():
                several.locator("[data-tag]", has_text=whole).first.wait_for(timeout=2000)
            else:
                expect(box).to_have_attribute("aria-expanded", "false", timeout=2000)
                expect(box).to_have_value(whole, timeout=2000)
            return True
        return False

    soon(chosen, 60 * slack(), f"{option!r} among the options of {label}, and chosen")


def vary(page, *names: str) -> None:
    """Choose settings that differ, in the list of all of them."""
    for name in names:
        choose(page, "What differs between the runs", name)
    page.keyboard.press("Escape")


def points(page, title: str = "Macro F1") -> dict[int, int]:
    """Fold -> points of its curve in a figure."""
    return {int(fold): n for fold, n in page.evaluate(POINTS, title).items()}
