"""The queue of likely wrong labels on the whole screen: one photo large, what speaks for and against its label, the
keys; at its end, training again on the corrected labels.

Menu, search and the run in hand are not there meanwhile, so that Tab and a thumb meet nothing but the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.answers.mistakes import Answers
from core.errors import LabError
from core.runs import Run
from core.text import count, plain
from pages.parts.doubts import decisions, queue, retrain
from pages.parts.doubts.doubt import evidence, picture
from pages.parts.look_inside import address
from pages.parts.shared import badges

FULL = "full"  # in the address
SIDE = 1000  # px of the photo, which is drawn no larger than the screen
_CSS = """<style>
[data-testid="stHeader"], [data-testid="stSidebar"], #lab-find, .st-key-dock,
.st-key-hand-line { display: none !important; }
[data-testid="stMainBlockContainer"] { padding: .8rem clamp(.8rem, 2.5vw, 3rem) 1rem; max-width: none; }
.look-full { display: flex; justify-content: center; }
.look-full img { max-width: 100%; width: 100%; height: calc(100vh - 8rem); object-fit: contain; border-radius: 6px; }
.st-key-look-full-bar .lab-bar { height: 5px; }
@media (max-width: 640px) {
  .look-full img { height: 38vh; }
  .st-key-look-full-bar { gap: .4rem; }
  .st-key-look-full-beside [data-testid="stHorizontalBlock"] { gap: .8rem; }
  .look-evidence dl { grid-template-columns: auto 1fr auto 1fr; }
  .st-key-look-decide { position: sticky; bottom: 0; z-index: 5; padding: .5rem 0;
    background: light-dark(#fcfcfa, #14181b); }
  .st-key-look-full-beside [data-testid="stForm"] { padding: .6rem; }
}
</style>"""


def asked() -> bool:
    """Whether the address asks for it."""
    return st.query_params.get(FULL) == "1"


def show(run: Run, answers: Answers, version: tuple, summaries: Sequence[dict[str, Any]]) -> None:
    """As queue.show, alone on the page."""
    root = run.config().data.root
    try:
        waiting, tally = queue.waiting_of(run, answers, version)
    except LabError as error:
        badges.show_error(error)
        _leave_button()
        return
    samples, at = queue.place(waiting)
    candidates = tally.waiting + tally.decided
    st.html(_CSS)
    with st.container(horizontal=True, vertical_alignment="center", key="look-full-bar"):
        queue.steps(samples, at)
        decisions.undo_button(root)
        last = decisions.last(root)
        words = f"{count(tally.decided)} of {count(candidates)} decided" + (f" · {last.words}" if last else "")
        st.caption(plain(words), width="stretch")
        _leave_button()
    st.html(badges.bar(tally.decided / max(1, candidates), name="of the candidates are decided"))
    if waiting.empty:
        decisions.say_fault()
        st.info(queue.nothing_waits(tally), icon=":material/done_all:")
        st.html(f'<div class="lab-meta" role="status">{queue.in_words(tally, len(answers.table))}</div>')
        retrain.offer(run, tally, summaries)
        return
    doubt = queue.doubt_at(run, answers, waiting, at)
    with st.container(key="look-full-beside"):
        left, right = st.columns([1.35, 1], gap="large")
    left.html(f'<div class="look-full">{picture(doubt, SIDE)}</div>')
    with right:
        st.html(evidence(doubt))
        decisions.decide(doubt)


def _leave_button() -> None:
    st.button(
        "Leave",
        icon=":material/close_fullscreen:",
        shortcut="Escape",
        key="look-full-leave",
        on_click=address.put,
        kwargs={FULL: None},
    )
