"""Groups of controls: what a click does is what the group that was seen promised."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def group_alone() -> None:
    import streamlit as st

    from pages.parts.shared import groups

    inside = groups.group("training", "Training", urgent=st.session_state.get("wrong", False))
    st.text("closed" if inside is None else "open")


@pytest.fixture
def at() -> AppTest:
    return AppTest.from_function(group_alone).run()


def words(at: AppTest) -> list[str]:
    return [text.value for text in at.text]


def press(at: AppTest) -> None:
    at.button[0].click().run()


def test_a_click_opens_and_the_next_one_closes(at):
    press(at)
    assert words(at) == ["open"]
    press(at)
    assert words(at) == ["closed"]


def test_what_is_wrong_opens_it_once_and_a_click_closes_it(at):
    at.session_state["wrong"] = True
    at.run()
    assert words(at) == ["open"]
    press(at)
    assert words(at) == ["closed"]
    at.run()
    assert words(at) == ["closed"]


def test_a_click_on_a_closed_group_that_opened_by_itself_meanwhile_leaves_it_open(at):
    """The page is drawn anew, with an error that opens the group, before it hears of the click."""
    from pages.parts.shared import groups

    seen = at.button[0]
    script = at.session_state
    script["wrong"] = True
    script[groups._OPEN], script[groups._URGENT] = {"training"}, {"training"}
    script[groups._BY_ITSELF] = {"training": 1}
    seen.click().run()
    assert words(at) == ["open"]
    press(at)
    assert words(at) == ["closed"]
