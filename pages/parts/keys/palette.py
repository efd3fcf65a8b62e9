"""The palette: any run, study, dataset, page or button, by typing. Ctrl-K opens it on every page, "?" shows the keys.

The browser holds the palette and looks for what is typed (finding.py). The lab lists what there is only when it opens,
and goes where somebody chose; a button of the page is pressed in the page, so that it does what a click on it does, and
one that is greyed for whoever looks is not listed.
"""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.data import recent
from core.places import HOME
from core.runs.colours import colour_of
from core.runs.lists import index
from core.studies import record_file
from core.text import one_line
from pages.parts.hand import hand
from pages.parts.keys.element import KEYS_ELEMENT
from pages.parts.keys.places import PAGES
from pages.parts.shared import badges, run_picker

KEY = "facet-keys"
ASKED, GOES = "keys-asked", "keys-goes"  # in the session: the browser's mark of its question; where somebody goes
WENT = "keys-went"  # in the session: that somebody went to the page by the palette, until it takes its address
LONGEST = 120  # characters of a line


def once() -> None:
    """Call it on every page. What is asked of it draws nothing else anew."""
    st.fragment(_answer)()


def _answer() -> None:
    asked = st.session_state.pop(ASKED, None)
    held = hand.run()
    data = {
        "hand": None if held is None else {"id": held, "name": one_line(hand.name_of(held), LONGEST)},
        "list": None if asked is None else {"asked": asked, **what_there_is()},
    }
    KEYS_ELEMENT(
        key=KEY,
        data=data,
        on_open_change=_opened,
        on_go_change=_chosen,
        height=1,
    )
    if (goes := st.session_state.pop(GOES, None)) is not None:
        go(goes)


def _opened() -> None:
    st.session_state[ASKED] = st.session_state[KEY].get("open")


def _chosen() -> None:
    """Only noted: a callback may not turn to another page."""
    st.session_state[GOES] = st.session_state[KEY].get("go")


def what_there_is() -> dict[str, list[list[str]]]:
    """Runs [id, line, state, colour], studies and datasets [id or root, line]; the newest of each first."""
    return {
        "runs": [_run(summary) for summary in index.summaries()],
        "studies": [[study.id, one_line(study.name, LONGEST)] for study in record_file.all_studies()],
        "datasets": [[entry.root, one_line(entry.root)] for entry in recent.recent()],
    }


def _run(summary: dict[str, Any]) -> list[str]:
    state = "unreadable" if "unreadable" in summary else summary["state"]
    line = one_line(run_picker.run_label(summary), LONGEST)
    return [summary["id"], line, badges.state_badge(state).word, colour_of(summary)]


def led_here() -> bool:
    """Whether the address is where somebody wants to be, by the palette or the browser's Back, also on a page that is
    open already; the address that comes with a click may be the one from before the click before it."""
    context = get_script_run_ctx()
    went_back = context is not None and context.is_history_navigation
    return bool(st.session_state.pop(WENT, False)) or went_back


def go(goes: dict[str, Any]) -> None:
    """Turns to a page; nothing for one that the lab has not. The page says what is wrong with the rest of the address.

    goes: `page` of PAGES with `params` for its address, or `clears` to empty the hand.
    """
    if goes.get("clears"):
        hand.put_down()
        st.rerun()
    name, params = goes.get("page"), goes.get("params") or {}
    if name in {page for page, _, _ in PAGES}:
        st.session_state[WENT] = True
        st.switch_page(HOME / "pages" / f"{name}.py", query_params={key: str(value) for key, value in params.items()})
