"""Fault 48: the lab starts anew under an open page, and the browser is offline for a while."""

import pytest

from tests.browser import axe
from tests.browser.hands import button, field, filled, open_launch, press, sees, text, write
from tests.browser.screen import slack, soon

pytestmark = pytest.mark.browser

OURS = "#lab-connection"
STREAMLITS = "Streamlit server is not responding"  # what it logs when it shows its dialog
GONE = ("ERR_", "WebSocket", "disconnected", "not responding", "reaching server endpoint", "timed out", "403")


def typed(page) -> list[str]:
    return [field(page, name).input_value() for name in ("Name of the run", "Description")]


def streamlit_would_say_it(page) -> bool:
    """Playwright tells what has happened meanwhile only when it is asked for something."""
    return page.evaluate("true") and any(STREAMLITS in error for error in page.context.watch.errors)


def goes_on(page) -> None:
    soon(lambda: not page.locator(OURS).count(), 90 * slack(), "the page does not say any more that the lab is gone")


@pytest.mark.fault(48)
def test_a_page_whose_line_ended_for_good_says_why_and_is_reloaded_by_its_button(page, context, lab):
    """A message that is no message of Streamlit's: it then looks for its server no more."""
    context.watch.allow("WebSocket", "Websocket", "fatal", "Connection error")
    lines = []
    page.route_web_socket("**/_stcore/stream", lambda line: lines.append((line, line.connect_to_server())))
    open_launch(page)
    field(page, "Description").fill("not sent yet")

    lines[-1][0].send("not one of Streamlit's")
    sees(page, "takes it up again only when it is reloaded")
    assert "does not let this page in" not in text(page)
    notice = page.locator(OURS)
    assert "Unexpected Websocket message type" in notice.inner_text()
    assert "Copy what you typed and did not send" in notice.inner_text()
    soon(lambda: not page.get_by_role("dialog").count(), 60 * slack(), "what Streamlit says of it is not there")
    assert field(page, "Description").input_value() == "not sent yet"
    places = [place for fault in axe.violations(page) for _, place in fault.places]
    assert not [place for place in places if OURS in place]  # the fields under it are greyed, as long as it stands
    before = len(lines)
    press(notice.get_by_role("button", name="Reload"))
    soon(lambda: page.evaluate("true") and len(lines) > before, 60 * slack(), "the page asks for a line anew")
    filled(page)
    assert not notice.count()


@pytest.mark.long
@pytest.mark.fault(48)
def test_what_was_typed_outlives_a_lab_that_starts_anew_and_a_browser_that_was_offline(page, context, lab):
    context.watch.allow(*GONE)
    lines = []
    page.route_web_socket("**/_stcore/stream", lambda line: lines.append((line, line.connect_to_server())))
    open_launch(page)
    write(page, "Name of the run", "typed before")
    press(button(page, "Task and folds"))
    write(page, "Folds", "2")
    sees(page, "2 fold jobs are queued")
    field(page, "Description").fill("not sent yet")

    lab.kill()
    sees(page, "Lost connection to the lab. Is it still running?")
    soon(lambda: streamlit_would_say_it(page), 60 * slack(), "Streamlit would say it in its way")
    press(page.locator(OURS).get_by_role("button", name="Try again"))
    sees(page, "Is it still running?")
    soon(lambda: not page.get_by_role("dialog").count(), 60 * slack(), "what Streamlit says of it is not there")
    lab.start()
    sees(page, "The lab answers, but does not let this page in.")  # a new start has a new link
    lab.let_in(context)
    goes_on(page)
    soon(lambda: not field(page, "Folds").count(), 90 * slack(), "the new lab has drawn the page, its groups closed")
    sees(page, "2 fold jobs are queued")
    assert typed(page) == ["typed before", "not sent yet"]
    write(page, "Name of the run", "typed after")
    press(button(page, "Phases"))
    write(page, "Epochs", "3")
    sees(page, "adamw 3 epochs")

    context.set_offline(True)
    try:
        sees(page, "You are offline, and the lab does not answer.")  # the line stands, and tells nobody
        line, server = lines[-1]
        line.close()
        server.close()
        soon(lambda: not field(page, "Description").is_enabled(), 60 * slack(), "its line is cut")
        sees(page, "You are offline")
    finally:
        context.set_offline(False)
    goes_on(page)
    sees(page, "adamw 3 epochs")
    assert typed(page) == ["typed after", "not sent yet"]
    write(page, "Epochs", "4")
    sees(page, "adamw 4 epochs")
    assert "Connection error" not in text(page)
