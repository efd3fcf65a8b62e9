"""Browser sessions without a browser: what a tab says to the lab, and how often, over the same WebSocket.

A real tab costs more than the lab that it shows; ten of them would measure Chromium.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.entering import JAR

POLL = 0.05  # seconds


class Session(threading.Thread):
    """One tab on one page. It runs the page once, then every fragment as often as the page asks for.

    The lab's door has let somebody in before (tests/entering.py).
    runs: finished runs of the page or of a fragment. errors: exceptions that the lab sent to be shown. seconds: from
    each question to its answer. beats: fragment -> [its interval in seconds, when it is due]. rests: while it is set,
    nothing is asked, as in a tab that the browser let fall asleep.
    """

    def __init__(self, port: int, page: str, query: str = ""):
        super().__init__(daemon=True)
        self.port, self.page, self.query = port, page, query
        self.runs, self.errors = 0, []
        self.seconds: list[float] = []
        self.beats: dict[str, list[float]] = {}
        self.ended, self.rests = threading.Event(), threading.Event()
        self._asked: float | None = None  # when the oldest question was asked that is not answered

    def run(self) -> None:
        origin = f"http://127.0.0.1:{self.port}"
        address, headers = f"ws://127.0.0.1:{self.port}/_stcore/stream", {"Cookie": JAR[self.port]}
        with connect(address, origin=origin, additional_headers=headers, max_size=None, open_timeout=60) as line:
            self._ask(line)
            while not self.ended.is_set():
                try:
                    self._hear(ForwardMsg.FromString(line.recv(timeout=POLL)))
                except TimeoutError:
                    pass
                except ConnectionClosed as error:
                    self.errors.append(f"the lab closed the line: {error}")
                    return
                now = time.monotonic()
                for fragment, beat in self.beats.items():
                    if now >= beat[1]:
                        beat[1] = now + beat[0]
                        if not self.rests.is_set():
                            self._ask(line, fragment)

    def _ask(self, line: Any, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = self.page
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = bool(fragment)
        self._asked = self._asked or time.monotonic()
        line.send(message.SerializeToString())

    def _hear(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "auto_rerun":
            asked = message.auto_rerun
            self.beats[asked.fragment_id] = [asked.interval, time.monotonic() + asked.interval]
        elif kind == "stop_auto_rerun":
            self.beats.pop(message.stop_auto_rerun.fragment_id, None)
        elif kind == "script_finished":
            self.runs += 1
            if self._asked is not None:  # else it answers several, or draws itself anew
                self.seconds.append(time.monotonic() - self._asked)
            self._asked = None
        elif kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
            self.errors.append(message.delta.new_element.exception.message)
