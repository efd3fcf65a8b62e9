"""Who is told: named by an admin, kept where only the account reads it, and shown to nobody whole."""

import errno
import json
import stat

import pytest

from core.errors import LabError
from core.jobs.alerts import addresses
from core.jobs.alerts.addresses import EVENTS, Address
from core.storage import asking, files, lab_link
from core.storage.asking import Asker
from tests.closed import close

SLACK = "https://hooks.slack.com/services/T0001/B0002/abcdefghijklmnop"


@pytest.fixture
def as_anna(monkeypatch):
    """Somebody of a lab that several share, who is no admin of it."""
    monkeypatch.setattr(asking, "_answer", lambda: Asker("anna", admin=False, shared=True))


@pytest.mark.parametrize(
    ("url", "kind", "what"),
    [
        (SLACK, "", "slack"),
        ("https://discord.com/api/webhooks/1/x", "", "discord"),
        ("https://ntfy.sh/my-topic", "", "ntfy"),
        ("http://10.0.0.7:8065/hooks/x", "", "json"),
        ("http://10.0.0.7:8065/hooks/x", "slack", "slack"),
    ],
)
def test_the_address_or_whoever_names_it_says_what_a_message_looks_like(url, kind, what):
    assert addresses.check(url, kind) == what


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "no address"),
        ("hooks.slack.com/services/x", "begin with https"),
        ("file:///etc/passwd", "apprise"),
        ("https://ann:secret@example.org/x", "name or password"),
        ("https://", "names no host"),
        ("https://example.org:notaport/x", "no web address"),
        ("https://example.org/x\nHost: other", "no address"),
        ("https://exämple.org/x", "no address"),
        ("https://ntfy.sh/", "a topic"),
        ("https://ntfy.sh/a/b", "a topic"),
    ],
)
def test_what_no_message_can_be_sent_to_is_refused_without_being_repeated(url, words, monkeypatch):
    monkeypatch.setattr(addresses.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LabError, match=words) as refused:
        addresses.check(url)
    assert refused.value.kind == "alerts" and refused.value.remedy
    assert not url or url not in str(refused.value)


def test_what_is_kept_is_read_by_the_account_alone_and_shown_to_nobody_whole(tmp_path):
    shown = addresses.add(tmp_path, SLACK, events=["done", "memory"])
    file = addresses.folder_of(tmp_path) / "addresses.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert shown == "https://hooks.slack.com/…mnop"
    (entry,) = addresses.listed(tmp_path)
    assert (entry.masked, entry.kind, entry.events, entry.fixed) == (shown, "slack", ("done", "memory"), False)
    (address,) = addresses.of_lab(tmp_path)
    assert address.url == SLACK and SLACK not in repr(address) and SLACK not in repr(entry)
    assert addresses.masked("https://ntfy.sh/topic") == "https://ntfy.sh/…", "the whole of a short one is its secret"
    assert addresses.masked("tgram://bot:token/chat") == "tgram://…"
    addresses.note(tmp_path, address, ok=True, words="it arrived (200).", when=1.0)
    assert SLACK not in (addresses.folder_of(tmp_path) / "outcomes.json").read_text()
    addresses.add(tmp_path, SLACK, events=["failed"])  # once more: other events
    assert [each.events for each in addresses.listed(tmp_path)] == [("failed",)]
    addresses.remove(tmp_path, entry.id)
    assert addresses.of_lab(tmp_path) == []
    with pytest.raises(LabError, match="at least one"):
        addresses.add(tmp_path, SLACK, events=[])


def test_lab_toml_names_addresses_too_and_no_error_repeats_one(tmp_path, monkeypatch):
    monkeypatch.delenv("FACET_LAB_FILE", raising=False)
    lab = tmp_path / "lab.toml"
    lab.write_text(
        f'[alerts]\naddress = "https://lab.example.org/lab"\n[[alerts.to]]\nurl = "{SLACK}"\nevents = ["done"]\n'
        '[[alerts.to]]\nurl = "nonsense"\n'
    )
    addresses.add(tmp_path, SLACK)  # named twice is told once
    fixed, nonsense = addresses.listed(tmp_path)
    assert fixed.fixed and fixed.events == ("done",) and nonsense.events == tuple(EVENTS)
    assert addresses.pages_at(tmp_path) == "https://lab.example.org/lab/"
    for broken in (f'[[alerts.to]]\nurl = ["{SLACK}"]\n', f'[alerts]\nto = "{SLACK}"\n', f'alerts = "{SLACK}"\n'):
        lab.write_text(broken)
        with pytest.raises(LabError, match=r"lab\.toml") as refused:
            addresses.of_lab(tmp_path)
        assert refused.value.kind == "lab-file" and SLACK not in str(refused.value)
    lab.write_text('[[alerts.to]]\nuri = "x"\n')
    with pytest.raises(LabError, match=r"\[alerts.to\] has no 'uri'; it has url, kind, events"):
        addresses.of_lab(tmp_path)


def test_the_link_of_an_open_lab_lets_nobody_in(tmp_path):
    assert addresses.pages_at(tmp_path) == ""
    with lab_link.kept("http://127.0.0.1:8501/lab/?token=secret", tmp_path):
        assert addresses.pages_at(tmp_path) == "http://127.0.0.1:8501/lab/"
        addresses.set_lab_address(tmp_path, "https://lab.example.org")
        assert addresses.pages_at(tmp_path) == "https://lab.example.org/"
    with pytest.raises(LabError, match="no address of the lab"):
        addresses.set_lab_address(tmp_path, "javascript:alert(1)")


def test_who_may_not_change_settings_neither_sees_nor_sets_them(tmp_path, as_anna):
    from core.jobs.alerts import sending

    for verb in (
        lambda: addresses.listed(tmp_path),
        lambda: addresses.lab_address(tmp_path),
        lambda: addresses.add(tmp_path, SLACK),
        lambda: addresses.remove(tmp_path, "x"),
        lambda: addresses.set_lab_address(tmp_path, ""),
        lambda: sending.test(tmp_path, "x"),
    ):
        with pytest.raises(LabError) as refused:
            verb()
        assert refused.value.kind == "not-yours"
    assert not addresses.folder_of(tmp_path).exists()


def test_a_damaged_list_is_said_and_not_taken_for_an_empty_one(tmp_path):
    addresses.add(tmp_path, SLACK)
    file = addresses.folder_of(tmp_path) / "addresses.json"
    file.write_text(json.dumps({"to": [{"url": SLACK}]}))
    with pytest.raises(LabError, match="cannot be read") as refused:
        addresses.of_lab(tmp_path)
    assert SLACK not in str(refused.value)


def test_a_list_on_a_disk_that_does_not_answer_is_not_said_to_be_deleted(tmp_path, monkeypatch):
    addresses.add(tmp_path, SLACK)
    close(monkeypatch, addresses.folder_of(tmp_path) / "addresses.json", errno.EIO)
    with pytest.raises(LabError, match="cannot be read") as refused:
        addresses.of_lab(tmp_path)
    assert refused.value.remedy == files.CHECK


def test_an_address_is_named_by_what_nobody_can_write_to():
    assert Address(SLACK, "slack", ()).id not in SLACK and len(Address(SLACK, "slack", ()).id) == 12
