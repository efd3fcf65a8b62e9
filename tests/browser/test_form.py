"""What is shown is what is launched, and nothing that was typed is taken back: the launch form under quick hands."""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from core.config import RunConfig
from core.config.recipes import load_recipe
from core.jobs import speed
from core.runs import Run
from core.studies import records
from tests.answered import made, photo, probabilities_of, table_of
from tests.browser.hands import (
    address,
    at_rest,
    button,
    choose,
    field,
    filled,
    open_launch,
    pick,
    press,
    sees,
    text,
    vary,
    write,
)
from tests.browser.made_runs import made_run
from tests.browser.screen import Lab, Talk, drawn_demo, slack, soon, window_of

pytestmark = pytest.mark.browser

# A lab whose launch page stands still before it draws when a run would begin, while somebody holds a lock: the form is
# on the screen already, the button in the ticket is still that of the drawing before. A measurement takes as long as
# it takes the test to say what it has found.
GATED = """
import subprocess, sys
from filelock import FileLock
from core.jobs import speed
from core.jobs.pace import ahead
gate, looks = FileLock(sys.argv.pop(1)), ahead.ahead
def waiting(*args, **more):
    with gate:
        return looks(*args, **more)
ahead.ahead = waiting
speed.start_measuring = lambda config, folder=None: subprocess.Popen(["sleep", "3600"])
from streamlit.web.cli import main
sys.argv[0] = "streamlit"
main()
"""


@pytest.fixture(scope="module")
def gate(tmp_path_factory) -> FileLock:
    return FileLock(tmp_path_factory.mktemp("gate") / "lock", timeout=30)


@pytest.fixture(scope="module")
def lab_process(tmp_path_factory, gate):
    """A lab of its own, fresh, without a recent dataset, with a gate in its launch page."""
    folder = tmp_path_factory.mktemp("form-lab")
    lab = Lab(folder, drawn_demo(tmp_path_factory.getbasetemp()))
    lab.command = [sys.executable, "-c", GATED, gate.lock_file]
    try:
        lab.start()
        yield lab
    finally:
        gate.release(force=True)
        lab.end()


@pytest.fixture(scope="module")
def window(browser, lab_process):
    yield from window_of(lab_process, browser)


@pytest.fixture(autouse=True)
def open_gate(gate):
    yield
    gate.release(force=True)


class Untrained:
    """A fresh lab with its only slot taken: what is launched waits."""

    def __init__(self, lab: Lab, context: Any):
        self.lab, self.context, self.slot = lab, context, None
        self.renew()

    def renew(self, speed_known: bool = True, fresh: bool = False) -> None:
        """As if nobody had been here before. speed_known: or else the page measures, and looks each second whether it
        has. fresh: in a lab that has just been started.
        """
        self.release()
        self.lab.clear()
        if fresh:
            self.lab.kill()
            self.lab.start()
            self.lab.let_in(self.context)
        self.lab.settle(["quick"] if speed_known else [])
        self.slot = self.lab.take_slot()

    def measured(self) -> None:
        """What a measurement leaves when it is through; the taken slot keeps those of the page from it."""
        quick = load_recipe("quick")
        for depth in (18, 34):
            model = quick.model.model_copy(update={"depth": depth})
            speed.remember(quick.model_copy(update={"model": model}), 100.0, self.lab.runs)

    def release(self) -> None:
        if self.slot is not None:
            self.slot.release()

    def configs(self) -> list[RunConfig]:
        return [Run(run, self.lab.runs).config() for run in self.lab.run_ids()]


@pytest.fixture
def untrained(lab, context, monkeypatch):
    monkeypatch.setenv("FACET_SLOTS", "1")
    held = Untrained(lab, context)
    yield held
    held.release()


def opened(page, where: str) -> str:
    """The id of what a launch opened."""
    address_of_one = re.compile(rf"/{where}\?.*(?:run|study)=([\w-]+)")
    return soon(lambda: address_of_one.search(address(page)), 60 * slack(), f"{where} opens")[1]


def test_a_click_while_the_page_is_still_being_drawn_launches_what_it_shows(page, untrained, gate):
    talk = Talk(page)
    open_launch(page)
    talk.over()
    with talk.answered():
        press(button(page, "Phases"))
    gate.acquire()
    write(page, "Epochs", "10")
    sees(page, "adamw 10 epochs")
    asked = talk.asked
    press(button(page, "Launch"))
    soon(lambda: text(page) and talk.asked > asked, 60 * slack(), "the click is on its way")
    gate.release()
    opened(page, "live")
    assert [config.epochs for config in untrained.configs()] == [10]


@pytest.mark.parametrize("name", ["Launch", "Launch the study"])
def test_a_measurement_that_ends_moves_no_button_from_under_a_click(page, untrained, name):
    talk = Talk(page)
    untrained.renew(speed_known=False)
    if name == "Launch":
        open_launch(page)
    else:
        study_of_two_depths(page)
    sees(page, "measuring")
    talk.over()
    before = at_rest(button(page, name))
    untrained.measured()
    soon(lambda: "measuring" not in text(page), 60 * slack(), "the measurement has ended")
    drawn = button(page, "Measure again" if name == "Launch" else "Measure")
    soon(lambda: drawn.count() == 1, 60 * slack(), "the page is drawn anew")
    soon(lambda: button(page, name).bounding_box() == before, 60 * slack(), f"{name} stands where it stood")


# Many newcomers, each at another moment

ROUNDS = int(os.environ.get("FACET_ROUNDS", "4"))
ALL = 40  # rounds from which on each is a first visit of a lab that knows no speed, every tenth of one just started
HURRY = 400  # milliseconds within which the button is pressed and let go


def first_visit(untrained: Untrained, number: int, rounds: int) -> Callable[[str], None]:
    """Begins a round; the answer, called before each step, ends the measurement before one of them, or before none.

    A measurement that ends draws the page anew, without anybody having asked for it.
    """
    untrained.renew(speed_known=number > 0 and rounds < ALL, fresh=rounds >= ALL and number % 10 == 0)
    ends = ("the click", "an edit", "")[number % 3]

    def before(step: str) -> None:
        if step == ends:
            untrained.measured()

    return before


def from_home(page) -> None:
    page.goto("/")
    press(button(page, "Launch"))
    sees(page, "No person is in two folds", 60)
    filled(page)


def type_epochs(page) -> Callable[[RunConfig], bool]:
    press(button(page, "Phases"))
    write(page, "Epochs", "10")
    sees(page, "adamw 10 epochs")
    return lambda config: [phase.epochs for phase in config.phases] == [10]


def type_epochs_without_enter(page) -> Callable[[RunConfig], bool]:
    press(button(page, "Phases"))
    soon(lambda: field(page, "Epochs").count() == 1, 60 * slack(), "one phase")
    field(page, "Epochs").fill("11")
    return lambda config: [phase.epochs for phase in config.phases] == [11]


def type_into_a_transform(page) -> Callable[[RunConfig], bool]:
    press(button(page, "Transforms"))
    field(page, "Height").first.fill("48")
    return lambda config: config.transforms[0].params == {"height": 48, "width": 64}


def type_into_a_second_phase(page) -> Callable[[RunConfig], bool]:
    press(button(page, "Phases"))
    press(button(page, "Add a phase"))
    soon(lambda: field(page, "Epochs").count() == 2, 60 * slack(), "two phases")
    field(page, "Epochs").last.fill("7")
    field(page, "Epochs").last.press("Enter")
    sees(page, "then adamw 7 epochs")
    return lambda config: [phase.epochs for phase in config.phases] == [25, 7]


EDITS = (type_epochs, type_epochs_without_enter, type_into_a_transform, type_into_a_second_phase)


@pytest.mark.timeout(240 + 60 * ROUNDS)
def test_what_was_typed_is_launched_at_any_moment_of_the_click(context, untrained, capsys):
    """FACET_ROUNDS=40 for all of them."""
    draw = random.Random(0)
    for number in range(ROUNDS):
        before = first_visit(untrained, number, ROUNDS)
        page = context.new_page()
        from_home(page)
        press(button(page, "Task and folds"))
        write(page, "Folds", "3")
        sees(page, "3 fold jobs are queued")
        before("an edit")
        is_typed = EDITS[number % len(EDITS)](page)
        before("the click")
        press(button(page, "Launch"), delay=draw.randrange(HURRY))
        run_id = opened(page, "live")
        (config,) = untrained.configs()
        assert untrained.lab.run_ids() == [run_id]
        assert config.folds.count == 3 and is_typed(config), (number, EDITS[number % len(EDITS)].__name__, config)
        page.close()
    with capsys.disabled():
        print(f"\n  {ROUNDS} of {ROUNDS} runs are what the page said", end="")


SHARED = {  # field of the study form -> (what is typed, what the runs have then)
    "Epochs in all": ("2", lambda config: config.epochs == 2),
    "Image size in pixels": ("32", lambda config: config.input_size == (32, 32)),
    "Name of the study": ("mine", lambda config: config.name.startswith("mine")),
}


def study_of_two_depths(page) -> None:
    page.goto("/launch?as=study")
    soon(lambda: field(page, "Name of the study").count() == 1, 60 * slack(), "the form of a study is there")
    soon(lambda: field(page, "Name of the study").input_value(), 60 * slack(), "its fields are filled")
    vary(page, "Depth")
    press(button(page, "ResNet-34"))
    sees(page, "2 runs, 10 fold jobs are queued", 60)


@pytest.mark.timeout(240 + 60 * ROUNDS)
def test_a_study_is_launched_as_it_was_typed_at_any_moment_of_the_click(context, untrained, capsys):
    draw, rounds = random.Random(1), ROUNDS if ROUNDS >= ALL else len(SHARED)
    for number in range(rounds):
        before = first_visit(untrained, number, rounds)
        page = context.new_page()
        study_of_two_depths(page)
        name = list(SHARED)[number % len(SHARED)]
        value, is_typed = SHARED[name]
        before("an edit")
        field(page, name).fill(value)
        before("the click")
        button(page, "Launch the study").click(delay=draw.randrange(HURRY))
        study = records.load(opened(page, "studies"), untrained.lab.runs)
        assert sorted(study.run_ids) == untrained.lab.run_ids()
        assert sorted(config.model.depth for config in untrained.configs()) == [18, 34]
        assert all(map(is_typed, untrained.configs())), (number, name, untrained.configs())
        page.close()
    with capsys.disabled():
        print(f"\n  {rounds} of {rounds} studies are what the page said", end="")


# A reload


def test_a_reload_brings_every_edit_back_and_says_so_once(page, untrained):
    open_launch(page)
    press(button(page, "Task and folds"))
    write(page, "Folds", "3")
    sees(page, "3 fold jobs are queued")
    press(button(page, "Transforms"))
    choose(page, "Add a transform", re.compile("Perspective"), typed="camera angle")
    press(button(page, "Add"))
    sees(page, "CoarseDropout, Perspective")
    press(button(page, "Phases"))
    write(page, "Learning rate, head", "a lot")
    sees(page, "found 'a lot'")
    page.reload()
    sees(page, "Draft restored")
    sees(page, "CoarseDropout, Perspective")
    sees(page, "found 'a lot'")
    rate = field(page, "Learning rate, head")
    soon(lambda: rate.input_value() == "a lot", 60 * slack(), "the field shows what was typed")
    press(button(page, "Dismiss"))
    soon(lambda: "Draft restored" not in text(page), 60 * slack(), "it is said once")
    soon(lambda: rate.input_value() == "a lot", 60 * slack(), "the field still shows it")
    sees(page, "found 'a lot'")
    write(page, "Learning rate, head", "1e-4")
    sees(page, "3 fold jobs are queued")
    page.reload()
    sees(page, "Draft restored")
    press(button(page, "Start anew"))
    sees(page, "5 fold jobs are queued")
    for words in ("Perspective", "Draft restored"):
        soon(lambda words=words: words not in text(page), 60 * slack(), f"the page does not say {words!r} any more")


# A control that the page changes


def test_a_filter_of_faces_that_was_cleared_does_not_come_back(page, untrained):
    talk = Talk(page)
    page.goto(f"/data?root={untrained.lab.demo}&view=faces&order=person")
    soon(lambda: field(page, "Person").count() == 1, 60 * slack(), "the filter is there")
    talk.over()
    write(page, "Person", "nobody")
    sees(page, "No photo fits")
    with talk.answered():
        press(button(page, "Clear the filter"))
    assert "person=" not in address(page)
    soon(lambda: field(page, "Person").input_value() == "", 60 * slack(), "the field is empty")
    with talk.answered():
        page.get_by_role("radio", name="Overview").click(force=True)
    with talk.answered():
        page.get_by_role("radio", name="Photos").click(force=True)
    assert "person=" not in address(page) and "No photo fits" not in text(page)


def test_clear_all_filters_clears_the_person_the_confidence_and_the_years(page, untrained, tmp_path):
    table = table_of(tmp_path / "photos")
    table.loc[0, "age"] = 29.0  # taken for someone over 30: a mistake near a limit
    for row, path in enumerate(table["path"]):
        photo(Path(path), row)
    run = made(untrained.lab.runs, table, probabilities=probabilities_of(table["y"], wrong={0: 1, 3: 0}))
    talk = Talk(page)
    page.goto(f"/look_inside?run={run.id}")
    talk.over()
    press(button(page, "More filters"))
    with talk.answered():
        write(page, "Person", "p003")
    lower = page.get_by_role("slider").first
    with talk.answered():
        lower.press("ArrowRight")
    far = page.get_by_role("checkbox", name="Leave out age mistakes")
    with talk.answered():
        far.check(force=True)
    soon(lambda: "person=p003&low=0.01&far=1" in address(page), 60 * slack(), "three filters are in the address")
    with talk.answered():
        press(button(page, "Clear all filters"))
    assert not re.search("person=|low=|far=", address(page))
    person = field(page, "Person")
    soon(lambda: person.input_value() == "" and not far.is_checked(), 60 * slack(), "person and years are cleared")
    soon(lambda: lower.input_value() == "0", 60 * slack(), "the confidence is cleared")
    with talk.answered():
        write(page, "Person", "p000")
    assert "person=p000" in address(page) and not re.search("low=|far=", address(page)), "one of them came back"


def test_the_folds_of_a_parent_run_are_shown_and_launched(page, untrained):
    parent = made_run(untrained.lab, untrained.lab.demo, task="gender-age")
    for fold in parent.folds():
        parent.weights_file(fold, "best").write_bytes(b"weights")
    open_launch(page)
    press(button(page, "Task and folds"))
    soon(lambda: field(page, "Folds").input_value() == "5", 60 * slack(), "the recipe's folds")
    press(button(page, "Model and weights"))
    pick(page, "radio", "Another run")
    choose(page, "Run", re.compile("made"))
    sees(page, "2 fold jobs are queued")
    soon(lambda: field(page, "Folds").input_value() == "2", 60 * slack(), "the parent's folds are in the field")
    press(button(page, "Launch"))
    run_id = opened(page, "live")
    (config,) = (each for each in untrained.configs() if each.model.init == f"run:{parent.id}")
    assert config.folds.count == 2 and run_id != parent.id
