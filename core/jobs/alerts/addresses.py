"""Who is told when a run or a study ends: addresses that an admin named on Settings or in lab.toml. Imports no torch.

Who knows such an address can mostly write there, so it is a secret: what Settings keeps lies in a file that only the
lab's account reads (runs/.lab/alerts/addresses.json), and no page, log or error has more of it than its host.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args
from urllib.parse import SplitResult, urlsplit

from core import places
from core.errors import LabError
from core.storage import asking, files, lab_file, lab_link, locks
from core.storage.files import GARBAGE

KIND = "alerts"  # of every LabError about it
EVENTS = {  # what somebody may want to hear of -> as they choose it
    "done": "a run is done",
    "failed": "a run failed",
    "diverged": "a run diverged",
    "memory": "memory ran out",
    "interrupted": "a run was interrupted",
    "queue": "the queue has stopped",
    "study": "a study has ended",
}
assert set(EVENTS) == set(get_args(lab_file.Event))
KINDS = {  # what a message looks like -> as a person chooses it; "" is decided by the address
    "": "As the address says",
    "json": "Plain JSON",
    "slack": "Slack, Mattermost",
    "discord": "Discord",
    "ntfy": "ntfy",
}
APPRISE = "apprise"  # the kind of every address that is no web address
LONGEST = 2_000  # characters of an address
TOLD = 24  # characters behind a host from which on the last four are shown, to tell addresses apart
_APPRISE_URL = re.compile(r"[a-z][a-z0-9+.-]{1,30}://\S+")


@dataclass(frozen=True)
class Address:
    """One that is told. kind: one of KINDS but "", or APPRISE. fixed: named in lab.toml, which people edit by hand."""

    url: str = field(repr=False)
    kind: str
    events: tuple[str, ...]
    fixed: bool = False

    @property
    def id(self) -> str:
        """Names it without telling it."""
        return hashlib.sha256(self.url.encode("utf-8", "replace")).hexdigest()[:12]

    @property
    def masked(self) -> str:
        """As much of it as anybody is shown."""
        return masked(self.url)


@dataclass(frozen=True)
class Shown:
    """An address as Settings shows it. ok: whether the last message arrived, None before the first; words: what came
    of it; when: Unix time."""

    id: str
    masked: str
    kind: str
    events: tuple[str, ...]
    fixed: bool
    ok: bool | None = None
    words: str = ""
    when: float | None = None


def masked(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            return f"{re.split(':', url, maxsplit=1)[0][:20]}://…"
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "…"
    behind = f"{parts.path}{'?' + parts.query if parts.query else ''}"
    end = behind[-4:] if len(behind) >= TOLD else ""
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}/…{end}"


def check(url: str, kind: str = "") -> str:
    """The kind of an address. Raises LabError(kind 'alerts') for what no message can be sent to; it names no address.

    kind: as it was chosen, "" where the address decides.
    """
    if not url or len(url) > LONGEST or not url.isascii() or re.search(r"[\s\x00-\x20\x7f]", url):
        raise _refused("what was typed is no address.", "Paste the whole address of the webhook, such as https://…")
    scheme = url.partition("://")[0].lower()
    if scheme not in ("http", "https"):
        return _check_apprise(url, kind)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _refused("what was typed is no web address.", "Paste the whole address of the webhook.") from None
    if not parts.hostname or "@" in parts.netloc:
        what = "a web address with a name or password in it is not used" if parts.hostname else "it names no host"
        raise _refused(f"{what}.", "Use the webhook's own address, whose path is its secret.")
    if kind not in KINDS:
        raise _refused(
            f"{kind!r} is no kind of message.", f"Choose one of {', '.join(name for name in KINDS if name)}."
        )
    kind = kind or _kind_by_host(parts)
    if kind == "ntfy":
        topic_of(parts)
    return kind


def _refused(what: str, remedy: str) -> LabError:
    return LabError(f"alerts: {what}", remedy, kind=KIND)


def _kind_by_host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if host == "hooks.slack.com":
        return "slack"
    if host in ("discord.com", "discordapp.com") and parts.path.startswith("/api/webhooks/"):
        return "discord"
    return "ntfy" if host == "ntfy.sh" else "json"


def topic_of(parts: SplitResult) -> str:
    """The topic of an ntfy address: the one part of its path. Raises LabError(kind 'alerts') for another path."""
    topic = parts.path.strip("/")
    if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", topic):
        raise _refused("an ntfy address is its server and a topic.", "Name the server, a slash and the topic.")
    return topic


def _check_apprise(url: str, kind: str) -> str:
    if kind or not _APPRISE_URL.fullmatch(url):
        raise _refused("webhooks are web addresses, which begin with https:// or http://.", "Paste the whole address.")
    check_apprise()
    return APPRISE


def check_apprise() -> None:
    """Raises LabError(kind 'alerts') saying what to install where an address is one of apprise's."""
    if importlib.util.find_spec("apprise") is None:
        raise _refused(
            "an address that is no web address is told through apprise, which is not installed here.",
            "pip install -e '.[apprise]', then name it again; or use a webhook, which needs nothing.",
        )


def folder_of(root: Path) -> Path:
    """What alerts keep: addresses, what came of the last message to each, and ends that nobody was told of yet."""
    return places.lab_folder(root) / "alerts"


def _file(root: Path) -> Path:
    return folder_of(root) / "addresses.json"


def _outcomes_file(root: Path) -> Path:
    return folder_of(root) / "outcomes.json"


def of_lab(root: Path) -> list[Address]:
    """Every address, for who sends; those of lab.toml first. What is no address is told of when it is sent to.

    Raises LabError: 'lab-file', or 'alerts' where what Settings keeps cannot be read.
    """
    named = lab_file.read(root).alerts.to
    addresses = []
    for entry in named:
        url = entry.url.get_secret_value()
        addresses.append(Address(url, _kind(url, entry.kind), entry.events or tuple(EVENTS), fixed=True))
    kept = [address for address in _kept(root)[0] if address.id not in {each.id for each in addresses}]
    return addresses + kept


def _kind(url: str, kind: str) -> str:
    try:
        return check(url, kind)
    except LabError:
        return kind or (APPRISE if _APPRISE_URL.fullmatch(url) and not url.startswith("http") else "json")


def _kept(root: Path) -> tuple[list[Address], str]:
    """(what Settings keeps, the address of the lab's pages as it was typed there)."""
    try:
        content = files.read_json(_file(root))
        return [_address(entry) for entry in content["to"]], str(content.get("address") or "")
    except FileNotFoundError:
        return [], ""
    except PermissionError:
        text = "this account may not read whom the lab tells of ends."
        raise _refused(text, "The account that named them on Settings tells them, once a page of it is open.") from None
    except (OSError, *GARBAGE) as error:
        text = f"{_file(root)} cannot be read."
        again = "Delete it, and name the addresses on Settings again."
        raise _refused(text, files.CHECK if files.out_of_reach(error) else again) from None


def _address(entry: dict[str, Any]) -> Address:
    return Address(str(entry["url"]), str(entry["kind"]), tuple(name for name in EVENTS if name in entry["events"]))


def _write(root: Path, addresses: Sequence[Address], lab: str) -> None:
    keys = ("url", "kind", "events")
    content = {"address": lab, "to": [{key: asdict(each)[key] for key in keys} for each in addresses]}
    files.write_json(_file(root), content, private=True)


def _change(root: Path, what: str) -> Any:
    asking.check_lab(what)
    folder_of(root).mkdir(parents=True, exist_ok=True)
    return locks.held(_file(root).with_suffix(".lock"), "the list of addresses")


def add(root: Path, url: str, kind: str = "", events: Sequence[str] = tuple(EVENTS)) -> str:
    """Name an address, or name it anew with other events; how it is shown from then on.

    Raises LabError: 'not-yours' for who is no admin, 'alerts' for what is no address, 'locked', 'disk-full'.
    """
    with _change(root, "who is told of ends"):
        address = Address(url, check(url, kind), tuple(name for name in EVENTS if name in events))
        if not address.events:
            raise _refused("nothing is chosen that this address would be told.", "Choose at least one.")
        kept, lab = _kept(root)
        _write(root, [*(each for each in kept if each.id != address.id), address], lab)
    return address.masked


def remove(root: Path, address_id: str) -> None:
    """Forget an address that Settings keeps. Raises LabError as `add`."""
    with _change(root, "who is told of ends"):
        kept, lab = _kept(root)
        _write(root, [each for each in kept if each.id != address_id], lab)


def set_lab_address(root: Path, address: str) -> None:
    """Keep at which address people reach the pages, for the links of messages; "" forgets it. Raises as `add`."""
    with _change(root, "the address of the lab"):
        if not re.fullmatch(r"(https?://[^\s?#]+)?", address):
            raise _refused(f"{address!r} is no address of the lab.", "Such as https://lab.example.org/lab, or none.")
        _write(root, _kept(root)[0], address)


def lab_address(root: Path) -> str:
    """As it was typed on Settings. Raises LabError as `listed`."""
    asking.check_lab("who is told of ends")
    return _kept(root)[1]


def pages_at(root: Path) -> str:
    """Where people reach the pages, with a slash at its end: as lab.toml or Settings say, else as a lab that is open
    on this machine prints it, without the token that lets in; "" where none of these is known. Raises as `of_lab`."""
    address = lab_file.read(root).alerts.address or _kept(root)[1]
    if not address:
        address = next(iter(lab_link.links(root)), "").partition("?")[0]
    return f"{address.rstrip('/')}/" if address else ""


def listed(root: Path) -> list[Shown]:
    """Every address as Settings shows it, with what came of the last message.

    Raises LabError: 'not-yours' for who may not change them, and as `of_lab`.
    """
    asking.check_lab("who is told of ends")
    outcomes = _outcomes(root)
    return [
        Shown(each.id, each.masked, each.kind, each.events, each.fixed, **outcomes.get(each.id, {}))
        for each in of_lab(root)
    ]


def one(root: Path, address_id: str) -> Address:
    """Raises LabError: 'alerts' where it was forgotten, and as `of_lab`."""
    for address in of_lab(root):
        if address.id == address_id:
            return address
    raise _refused("this address was forgotten.", "Load the page again.")


def _outcomes(root: Path) -> dict[str, dict[str, Any]]:
    try:
        content = files.table_of(files.read_json(_outcomes_file(root)))
        return {
            str(name): {"ok": bool(entry["ok"]), "words": str(entry["words"]), "when": float(entry["when"])}
            for name, entry in content.items()
        }
    except (OSError, *GARBAGE):
        return {}


def note(root: Path, address: Address, *, ok: bool, words: str, when: float) -> None:
    """Keep what came of a message, for Settings; of addresses that were forgotten nothing is kept.

    Raises LabError as files.change_json; other OSErrors pass.
    """
    ids = {each.id for each in of_lab(root)}

    def changed(content: Any) -> dict[str, Any]:
        kept = {name: entry for name, entry in files.table_of(content).items() if name in ids}
        return kept | {address.id: {"ok": ok, "words": words, "when": when}}

    files.change_json(_outcomes_file(root), "what came of messages", changed, durable=False)
