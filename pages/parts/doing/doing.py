"""Something long that a page does while its session looks on: a bar that tells how far it is, and Cancel.

What was asked for stands in the session, since a click is only noted: whatever else begins the page anew meanwhile
would lose the click, but finds the note and begins again. Cancel takes the note away.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import LabError
from core.text import plain
from pages.parts.shared import badges

Told = Callable[[float, str], object]


def do(note: str, key: str, work: Callable[[Told], None]) -> bool:
    """Whether the work was done; what went wrong is shown in its place. Whoever asked begins the page anew then.

    note: where in the session it stands that this is asked for; it is gone afterwards. key: of the page's element.
    work(tell): tell(share, words), share 0..1, says how far it is; the words are shown as text.
    """
    bar, stop = st.progress(0.0, "Opening the networks"), st.empty()
    stop.button(
        "Cancel", icon=":material/close:", key=f"{key}-cancel", on_click=st.session_state.pop, args=(note, None)
    )
    try:
        work(lambda share, words: bar.progress(min(1.0, share), plain(words)))
    except LabError as error:
        st.session_state.pop(note, None)
        bar.empty()
        stop.empty()
        badges.show_error(error)
        return False
    st.session_state.pop(note, None)
    return True
