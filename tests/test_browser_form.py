"""What is shown is what is launched, and nothing that was typed is taken back: the launch form under quick hands."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.runs import Run
from tests.browser import Lab, slack, soon
from tests.test_browser import button, open_launch, press, sees, write

pytestmark = pytest.mark.browser

# A lab whose launch page waits before it draws the faces (section 5) while a file is there: everything above stands on
# the screen already, the button below is still that of the drawing before.
GATED = """
import sys, time
from pathlib import Path
import core.preview
gate, pick = Path(sys.argv.pop(1)), core.preview.pick
def waiting(*args):
    while gate.exists():
        time.sleep(0.01)
    return pick(*args)
core.preview.pick = waiting
from streamlit.web.cli import main
sys.argv[0] = "streamlit"
main()
"""


@pytest.fixture(scope="module")
def gate(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("gate") / "closed"


@pytest.fixture(scope="module")
def lab_process(tmp_path_factory, gate):
    """A lab of its own, fresh, without a recent dataset, with a gate in its launch page."""
    folder = tmp_path_factory.mktemp("form-lab")
    lab = Lab(folder, folder / "demo")
    lab.draw_demo()
    lab.command = [sys.executable, "-c", GATED, str(gate)]
    try:
        lab.start()
        yield lab
    finally:
        gate.unlink(missing_ok=True)
        lab.end()


@pytest.fixture(autouse=True)
def open_gate(gate):
    yield
    gate.unlink(missing_ok=True)


def sent(page) -> list[int]:
    """Grows with every message that the page sends from now on."""
    return page.evaluate("() => window.sentMessages")


COUNT = """() => { const send = WebSocket.prototype.send; window.sentMessages = 0;
  WebSocket.prototype.send = function (data) { window.sentMessages += 1; return send.call(this, data); }; }"""


def test_a_click_while_the_page_is_still_being_drawn_launches_what_it_shows(page, lab, gate):
    page.add_init_script(f"({COUNT})()")
    open_launch(page)
    sees(page, "fold jobs are queued")
    press(button(page, "Phases"))
    gate.touch()
    write(page, "Epochs", "10")
    sees(page, "adamw 10 epochs")
    before = sent(page)
    button(page, "Launch").click()
    soon(lambda: sent(page) > before, 10 * slack(), "the click is on its way")
    gate.unlink()
    soon(lambda: "/live" in page.evaluate("location.href"), 30 * slack(), "Live opens")
    assert [Run(run, lab.runs).config().epochs for run in lab.run_ids()] == [10]
