"""How often open pages look by themselves: often while few do, and all of them together never more often than what
trains beside them can spare. A look costs Streamlit several milliseconds of a core, whatever it finds.
"""

from __future__ import annotations

import threading
import time

from streamlit.runtime.scriptrunner import get_script_run_ctx

TOGETHER = 4.0  # looks a second of all open pages
ASLEEP = 70.0  # seconds: browsers let a hidden tab look once a minute

_lock = threading.Lock()
_open: dict[str, float] = {}  # session -> until when its page counts as one that looks


def now() -> float:
    return time.monotonic()


def every(seconds: float) -> float:
    """Seconds between two looks of the page that asks, which counts as one that looks from now on.

    seconds: of a page that is alone. They are doubled until all pages together keep to TOGETHER, and doubled rather
    than stretched so that who comes or goes seldom changes them: what looks with others is drawn anew then.
    """
    context, at = get_script_run_ctx(), now()
    with _lock:
        for session in [session for session, until in _open.items() if until < at]:
            del _open[session]
        me = context.session_id if context else ""
        _open[me] = at
        while len(_open) / seconds > TOGETHER:
            seconds *= 2
        _open[me] = at + max(ASLEEP, 3 * seconds)
    return seconds
