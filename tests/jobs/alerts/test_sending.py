"""A message on its way over a real connection, and what is said of what came back."""

import json
import socket
import sys
import threading
import types
from importlib.machinery import ModuleSpec

import pytest

from core.jobs.alerts import addresses, sending
from core.jobs.alerts.addresses import EVENTS, Address
from core.jobs.alerts.shapes import Message, post_of
from core.places import HOME

ENDED = Message(
    "failed",
    "<b>*faces*</b> & co: failed",
    "diverged: @everyone [here](http://evil.example) is not a number. Lower the rate.",
    "https://lab.example.org/live?run=a",
    run="a",
    name="faces",
    machine="box",
    when=1_700_000_000.0,
)


def to(webhook, path="/hook", kind="json"):
    return Address(f"{webhook.at}{path}", kind, tuple(EVENTS))


def test_plain_json_is_what_the_page_of_documentation_says(webhook):
    outcome = sending.send(to(webhook), ENDED)
    assert outcome.ok and outcome.words == "it arrived (200)."
    ((path, body, headers),) = webhook.posts
    assert path == "/hook" and headers["Content-Type"].startswith("application/json")
    assert body == {
        "event": "failed",
        "title": ENDED.title,
        "text": ENDED.text,
        "link": ENDED.link,
        "run": "a",
        "study": "",
        "name": "faces",
        "machine": "box",
        "time": "2023-11-14T22:13:20+00:00",
    }
    page = (HOME / "docs" / "alerts.md").read_text("utf-8")
    assert all(f'"{name}": ' in page for name in body) and all(f"| `{event}` |" in page for event in EVENTS)


def test_each_service_gets_its_own_shape_with_names_as_text(webhook):
    for kind, path in (("slack", "/services/x"), ("discord", "/api/webhooks/1/x"), ("ntfy", "/my-topic?auth=x")):
        assert sending.send(to(webhook, path, kind), ENDED).ok
    (_, slack, _), (_, discord, _), (ntfy_path, ntfy, _) = webhook.posts
    assert (
        slack["text"].startswith("*&lt;b&gt;*faces*&lt;/b&gt; &amp; co: failed*\n")
        and f"<{ENDED.link}>" in slack["text"]
    )
    assert discord["allowed_mentions"] == {"parse": []}
    assert r"\*faces\*" in discord["content"] and r"\@everyone \[here\]\(http\:" in discord["content"]
    assert ntfy_path == "/?auth=x" and ntfy["topic"] == "my-topic" and ntfy["click"] == ENDED.link
    assert ntfy["title"] == ENDED.title and ntfy["message"] == ENDED.text


def test_what_is_too_long_is_cut_where_a_service_refuses_it():
    long = Message("failed", "t", "*" * 3_000, "https://lab.example.org/x")
    content = json.loads(post_of(Address("https://discord.com/api/webhooks/1/x", "discord", ()), long).body)["content"]
    assert 1_990 < len(content) <= 2_000 and content.endswith("\n<https://lab.example.org/x>")


@pytest.mark.parametrize(
    ("status", "words", "again"),
    [
        (204, "arrived", False),
        (302, "leads elsewhere", False),
        (307, "leads elsewhere", False),
        (403, "refused", False),
        (404, "no such webhook", False),
        (429, "no more messages", True),
        (400, "kind is right", False),
        (500, "in trouble", False),
        (503, "in trouble", True),
    ],
)
def test_what_came_back_is_said_in_words_and_a_redirect_is_not_followed(webhook, status, words, again):
    webhook.answers["/hook"] = status, {"Location": f"{webhook.at}/elsewhere"}
    outcome = sending.send(to(webhook), ENDED)
    assert words in outcome.words and str(status) in outcome.words
    assert (outcome.ok, outcome.again) == (status < 300, again)
    assert [path for path, *_ in webhook.posts] == ["/hook"], "nothing was sent elsewhere"


def test_one_that_cannot_be_reached_is_tried_again_twice_and_no_more_and_holds_up_nobody(webhook, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = Address(f"http://127.0.0.1:{free.getsockname()[1]}/x", "json", tuple(EVENTS))
    addresses.add(tmp_path, gone.url)
    addresses.add(tmp_path, to(webhook).url)
    paused = []
    outcomes = sending.deliver(tmp_path, addresses.of_lab(tmp_path), ENDED, sleep=paused.append)
    assert [outcome.ok for outcome in outcomes.values()] == [False, True]
    assert paused == list(sending.PAUSES) and len(webhook.posts) == 1
    kept = {entry.masked: (entry.ok, entry.words) for entry in addresses.listed(tmp_path)}
    assert kept[gone.masked] == (False, "nothing listens there.") and kept[to(webhook).masked][0]


def test_what_may_have_arrived_is_not_sent_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(sending, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection, and never answers
        address = Address(f"http://127.0.0.1:{silent.getsockname()[1]}/x", "json", ())
        (outcome,) = sending.deliver(tmp_path, [address], ENDED, sleep=lambda _: pytest.fail("again")).values()
    assert not outcome.ok and "nothing came back within" in outcome.words


def test_an_address_that_is_not_answered_for_ever_is_left_behind(tmp_path, monkeypatch):
    hangs = threading.Event()
    monkeypatch.setattr(sending, "PATIENCE", 0.05)
    monkeypatch.setattr(sending, "send", lambda address, message: hangs.wait(60))
    address = Address("http://127.0.0.1:1/x", "json", ())
    (outcome,) = sending.deliver(tmp_path, [address], ENDED).values()
    hangs.set()
    assert not outcome.ok and "nothing came back" in outcome.words


def test_apprise_is_imported_when_it_is_used_and_told_what_to_install_where_it_lacks(tmp_path, monkeypatch):
    """With a stand-in for the package: what the lab asks of it, not what it does."""
    notified = []

    class Apprise:
        def add(self, url):
            self.url = url
            return url.startswith("tgram://")

        def notify(self, **words):
            notified.append((self.url, words["title"]))
            return True

    fake = types.ModuleType("apprise")
    fake.__spec__ = ModuleSpec("apprise", None)
    fake.Apprise, fake.NotifyFormat = Apprise, types.SimpleNamespace(TEXT="text")
    monkeypatch.setitem(sys.modules, "apprise", fake)
    addresses.add(tmp_path, "tgram://token/chat")
    (address,) = addresses.of_lab(tmp_path)
    assert address.kind == "apprise" and sending.send(address, ENDED).ok
    assert notified == [("tgram://token/chat", ENDED.title)]
    unknown = Address("nosuch://x", "apprise", ())
    assert sending.send(unknown, ENDED).words == "apprise knows no such address."
    monkeypatch.delitem(sys.modules, "apprise")
    monkeypatch.setattr(addresses.importlib.util, "find_spec", lambda name: None)
    (outcome,) = sending.deliver(tmp_path, [address], ENDED).values()
    assert "pip install -e '.[apprise]'" in outcome.words and not outcome.ok
