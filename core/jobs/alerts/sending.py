"""One message on its way: sent once to each address, and in words what came back. Imports no torch.

The network is imported when something is sent. Redirects are not followed, certificates are checked, an answer's text
is not read: its number is all that anybody is told of it, so that nobody reads the lab's network through Settings.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core import __version__, machine
from core.errors import LabError
from core.jobs.alerts import addresses
from core.jobs.alerts.addresses import APPRISE, Address
from core.jobs.alerts.shapes import Message, post_of
from core.storage import asking

TIMEOUT = 5.0  # seconds for each step of a connection
PATIENCE = 15.0  # seconds for a whole attempt, looking the name up included
PAUSES = (5.0, 60.0)  # seconds before a second and a third attempt, where the first surely did not arrive
BUSY = (429, 502, 503)  # answers of a server that did not take the message and may do so later


@dataclass(frozen=True)
class Outcome:
    """again: it surely did not arrive, and may do so later."""

    ok: bool
    words: str
    again: bool = False


def test(root: Path, address_id: str) -> Outcome:
    """Send a test to one address now, once. Raises LabError: 'not-yours' for who may not name addresses, 'alerts'."""
    asking.check_lab("who is told of ends")
    address = addresses.one(root, address_id)
    (outcome,) = deliver(root, [address], test_message(root), pauses=()).values()
    return outcome


def test_message(root: Path) -> Message:
    text = "A test: messages about runs and studies that end will come here."
    where = addresses.pages_at(root)
    return Message("test", "Facet Lab", text, where, machine=machine.name(), when=time.time())


def deliver(
    root: Path,
    to: Sequence[Address],
    message: Message,
    *,
    pauses: Sequence[float] = PAUSES,
    sleep: Callable[[float], object] = time.sleep,
) -> dict[Address, Outcome]:
    """Send a message to all of these at a time; what came of it is kept for Settings.

    Tried again after each of `pauses` seconds, and no more, where it surely did not arrive. Raises nothing for an
    address that does not answer.
    """
    outcomes = _attempts(list(to), message)
    for pause in pauses:
        again = [address for address, outcome in outcomes.items() if outcome.again]
        if not again:
            break
        sleep(pause)
        outcomes |= _attempts(again, message)
    for address, outcome in outcomes.items():
        with contextlib.suppress(OSError, LabError):  # a full disk: it was sent, or told in the log, all the same
            addresses.note(root, address, ok=outcome.ok, words=outcome.words, when=time.time())
    return outcomes


def _attempts(to: list[Address], message: Message) -> dict[Address, Outcome]:
    """A thread each: what looks a name up cannot be stopped, only left behind."""
    outcomes: dict[Address, Outcome] = {}

    def attempt(address: Address) -> None:
        try:
            outcomes[address] = send(address, message)
        except LabError as error:
            outcomes[address] = Outcome(False, str(error))
        except Exception as error:  # of another's library, or an answer that is no HTTP: one address of several
            outcomes[address] = Outcome(False, f"it could not be sent ({type(error).__name__}).")

    threads = [threading.Thread(target=attempt, args=(address,), daemon=True) for address in to]
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = Outcome(False, f"nothing came back within {PATIENCE:.0f} s.")
    return {address: outcomes.get(address, late) for address in to}


def send(address: Address, message: Message) -> Outcome:
    """One attempt. Raises LabError(kind 'alerts') where it cannot even be tried."""
    addresses.check(address.url, "" if address.kind == APPRISE else address.kind)
    return _through_apprise(address, message) if address.kind == APPRISE else _post(address, message)


def _post(address: Address, message: Message) -> Outcome:
    import http.client
    import urllib.error
    import urllib.request

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            """Nowhere: who named an address named no other."""

    post = post_of(address, message)
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"Facet-Lab/{__version__}"}
    asked = urllib.request.Request(post.url, post.body, headers, method="POST")
    try:
        with urllib.request.build_opener(Stay).open(asked, timeout=TIMEOUT) as answer:
            return _in_words(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return _in_words(error.code)
    except urllib.error.URLError as error:
        return _unreached(error.reason)
    except (http.client.HTTPException, UnicodeError):
        return Outcome(False, "what came back is no answer of a web server.")
    except OSError as error:  # after the request was sent: it may have arrived
        words = f"nothing came back within {TIMEOUT:.0f} s" if isinstance(error, TimeoutError) else "the line broke"
        return Outcome(False, f"{words}.")


def _in_words(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome(True, f"it arrived ({status}).")
    if 300 <= status < 400:
        text = "the address leads elsewhere, where the lab does not follow. Name the one that it leads to"
    elif status in (401, 403):
        text = "it is refused. The address may have been withdrawn; make a new webhook there"
    elif status in (404, 410):
        text = "there is no such webhook, or not any more. Make a new one there"
    elif status == 429:
        text = "it takes no more messages just now"
    elif status < 500:
        text = "it does not take such a message. See that its kind is right"
    else:
        text = "the other side is in trouble"
    return Outcome(False, f"{text} ({status}).", again=status in BUSY)


def _unreached(reason: object) -> Outcome:
    import socket
    import ssl

    if isinstance(reason, ssl.SSLCertVerificationError):
        return Outcome(False, f"its certificate is not trusted: {reason.verify_message}.")
    if isinstance(reason, ssl.SSLError):
        return Outcome(False, "it does not speak https as the lab does.")
    if isinstance(reason, socket.gaierror):
        return Outcome(False, "its name is not known on this network.", again=True)
    if isinstance(reason, TimeoutError):  # of connecting or of sending: whether it arrived is not known
        return Outcome(False, f"nothing answered within {TIMEOUT:.0f} s.")
    if isinstance(reason, ConnectionRefusedError):
        return Outcome(False, "nothing listens there.", again=True)
    return Outcome(False, f"it cannot be reached: {getattr(reason, 'strerror', None) or 'the line broke'}.")


def _through_apprise(address: Address, message: Message) -> Outcome:
    import logging

    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it may write addresses
    bus = apprise.Apprise()
    if not bus.add(address.url):
        return Outcome(False, "apprise knows no such address.")
    text = f"{message.text}\n{message.link}" if message.link else message.text
    if bus.notify(body=text, title=message.title, body_format=apprise.NotifyFormat.TEXT):
        return Outcome(True, "apprise says that it arrived.")
    return Outcome(False, "apprise says that it did not arrive.")
