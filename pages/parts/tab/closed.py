"""Whether a page is still open in its browser, for what goes on in a thread without it."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx


def still_open() -> Callable[[], bool]:
    """What tells, from any thread, whether the page that is drawn now is open; it always is where no browser asks.

    Streamlit gives a page that lost its line its session back for two minutes, and lets go of those that are over only
    when another page comes or goes: who waits for that waits for ever in a lab of one person.
    """
    context = get_script_run_ctx()
    if context is None or not Runtime.exists():
        return lambda: True
    runtime, session = Runtime.instance(), context.session_id
    return lambda: bool(runtime.is_active_session(session))
