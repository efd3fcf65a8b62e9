"""Somebody is named on Settings, tried and hears of it, in a real Chromium."""

from __future__ import annotations

import pytest

from core.jobs.alerts import addresses
from tests.browser.hands import button, fits, press, sees, text, write
from tests.browser.screen import slack, soon
from tests.webhooks import listening

pytestmark = pytest.mark.browser


def test_a_webhook_is_named_tried_and_the_page_says_what_came_back(page, lab):
    with listening() as webhook:
        page.goto("/")
        press(page.get_by_role("link", name="Settings", exact=True).first)  # Home has two
        sees(page, "Nobody is told yet.")
        write(page, "Address of a webhook", f"{webhook.at}/services/T0001/B0002/a-long-secret")
        press(button(page, "Add"))
        sees(page, f"{webhook.at}/…cret")
        press(button(page, "Send a test"))
        sees(page, f"A test to {webhook.at}/…cret: it arrived (200).")
        assert [body["event"] for body in webhook.bodies()] == ["test"]
        assert "a-long-secret" not in page.content()
        page.set_viewport_size({"width": 420, "height": 900})
        fits(page, "Settings with somebody to tell")
        press(button(page, "Remove"))
        sees(page, "Nobody is told yet.")
        soon(lambda: not button(page, "Send a test").count(), 60 * slack(), lambda: text(page)[:1500])
    assert addresses.of_lab(lab.runs) == []
