"""Whether a page is still open in its browser, for what goes on in a thread without it."""

from types import SimpleNamespace

from pages.parts.tab import closed


def test_a_page_is_open_while_its_session_has_a_browser(monkeypatch):
    sessions = {"mine", "another"}
    runtime = SimpleNamespace(is_active_session=lambda session: session in sessions)
    served = SimpleNamespace(exists=lambda: True, instance=lambda: runtime)
    monkeypatch.setattr(closed, "Runtime", served)
    monkeypatch.setattr(closed, "get_script_run_ctx", lambda: SimpleNamespace(session_id="mine"))
    is_open = closed.still_open()
    assert is_open()
    sessions.remove("mine")
    assert not is_open()
    sessions.add("mine")
    assert is_open(), "it came back"
    monkeypatch.setattr(closed, "get_script_run_ctx", lambda: None)
    assert closed.still_open()(), "a script without a browser"
