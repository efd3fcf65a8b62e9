"""What a message says, and what it looks like for each kind of address. Imports no torch and nothing of the network.

Sources: Slack, "Sending messages using incoming webhooks" and "Formatting message text"; Discord, "Execute Webhook";
ntfy, "Publish as JSON".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from core.jobs.alerts.addresses import Address, topic_of

GOOD = ("done", "study", "test")  # events that are no trouble
DISCORD_LIMIT = 2_000  # characters of a message there
NTFY_LIMIT = 4_096  # bytes of one there; what is longer comes as a file
_MARKS = re.compile(r"([\\`*_~|<>\[\]()#:@-])")  # of Discord's Markdown, its links and its mentions


@dataclass(frozen=True)
class Message:
    """event: of addresses.EVENTS, or 'test'. title, text: a sentence or a few, one line each. link: of the page, or "".

    run, name: id and name of the run or study it is about, "" of a message about neither. when: Unix time.
    """

    event: str
    title: str
    text: str
    link: str = ""
    run: str = ""
    study: str = ""
    name: str = ""
    machine: str = ""
    when: float = 0.0


@dataclass(frozen=True)
class Post:
    """One POST of JSON."""

    url: str
    body: bytes


def post_of(address: Address, message: Message) -> Post:
    """What is sent to a web address. Raises LabError(kind 'alerts') for an ntfy address without a topic."""
    url, content = address.url, _SHAPES[address.kind](message)
    if address.kind == "ntfy":  # JSON goes to the server itself, and names the topic
        parts = urlsplit(url)
        content["topic"] = topic_of(parts)
        url = urlunsplit(parts._replace(path="/"))
    return Post(url, json.dumps(content, ensure_ascii=False).encode())


def _plain(message: Message) -> dict:
    """The documented one, docs/alerts.md."""
    when = datetime.fromtimestamp(message.when, UTC).isoformat(timespec="seconds")
    return {
        "event": message.event,
        "title": message.title,
        "text": message.text,
        "link": message.link,
        "run": message.run,
        "study": message.study,
        "name": message.name,
        "machine": message.machine,
        "time": when,
    }


def _slack(message: Message) -> dict:
    """Its three control characters as entities; the rest of its markup cannot call anybody or hide a link."""

    def escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    lines = [f"*{escaped(message.title)}*", escaped(message.text)]
    return {"text": "\n".join([*lines, f"<{message.link}>"] if message.link else lines)}


def _discord(message: Message) -> dict:
    """Names are text and not Markdown, and nobody is mentioned."""

    def escaped(text: str) -> str:
        return _MARKS.sub(r"\\\1", text)

    end = f"\n<{message.link}>" if message.link else ""
    text = f"**{escaped(message.title)}**\n{escaped(message.text)}"
    room = DISCORD_LIMIT - len(end)
    text = text if len(text) <= room else f"{text[: room - 1].rstrip(chr(92))}…"
    return {"content": text + end, "allowed_mentions": {"parse": []}}


def _ntfy(message: Message) -> dict[str, Any]:
    good = message.event in GOOD
    text = message.text.encode()[: NTFY_LIMIT // 2].decode("utf-8", "ignore")
    content: dict[str, Any] = {"title": message.title, "message": text, "priority": 3 if good else 4}
    content |= {"tags": ["white_check_mark" if good else "warning"]}
    return content | ({"click": message.link} if message.link else {})


_SHAPES = {"json": _plain, "slack": _slack, "discord": _discord, "ntfy": _ntfy}
