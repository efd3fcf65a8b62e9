"""lab.toml is read whole or refused in words."""

from pathlib import Path

import pytest

from core.errors import LabError
from core.storage import lab_file


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes lab.toml of a lab of its own."""
    monkeypatch.setenv("FACET_RUNS", str(tmp_path))
    monkeypatch.delenv("FACET_LAB_FILE", raising=False)
    monkeypatch.delenv("FACET_DOOR", raising=False)
    monkeypatch.delenv("FACET_DOOR_PUBLISHED", raising=False)
    return (tmp_path / "lab.toml").write_text


def test_a_lab_without_a_file_is_for_who_started_it(write):
    settings = lab_file.read()
    assert settings.door.mode == "alone" and not settings.door.published and settings.data.folders is None


def test_what_stands_there_is_read(write):
    write(
        '[data]\nfolders = ["/data/faces", "~/cats"]\n[door]\nmode = "oidc"\nhosts = ["lab.example.org"]\n'
        '[door.proxy]\nidentity_header = "X-User"\n[door.oidc]\nallow = ["@example.org"]\nhours = 8\n'
    )
    settings = lab_file.read()
    assert settings.data.folders == (Path("/data/faces"), Path.home() / "cats")
    assert settings.door.mode == "oidc" and settings.door.hosts == ("lab.example.org",)
    assert settings.door.oidc.allow == ("@example.org",) and settings.door.oidc.hours == 8
    assert settings.door.proxy.identity_header == "X-User" and settings.door.proxy.secret_header == "X-Facet-Secret"


def test_the_environment_chooses_the_door_and_the_file(write, tmp_path, monkeypatch):
    write('[door]\nmode = "alone"\nhosts = ["lab.example.org"]\n')
    monkeypatch.setenv("FACET_DOOR", "proxy")
    assert lab_file.read().door.mode == "proxy" and lab_file.read().door.hosts == ("lab.example.org",)
    monkeypatch.setenv("FACET_DOOR", "open")
    with pytest.raises(LabError, match=r"FACET_DOOR and .*\[door\] mode = 'open'.*'alone', 'proxy' or 'oidc'"):
        lab_file.read()
    monkeypatch.delenv("FACET_DOOR")
    other = tmp_path / "other.toml"
    other.write_text('[door]\nmode = "oidc"\n')
    monkeypatch.setenv("FACET_LAB_FILE", str(other))
    assert lab_file.read().door.mode == "oidc"


@pytest.mark.parametrize(("text", "published"), [("0", False), ("false", False), ("", True), ("1", True)])
def test_the_environment_says_whether_the_door_is_published_also_that_it_is_not(write, monkeypatch, text, published):
    write("[door]\npublished = true\n")
    monkeypatch.setenv("FACET_DOOR_PUBLISHED", text)
    assert lab_file.read().door.published is published


def test_a_bad_value_of_the_environment_is_told_with_its_variable(write, monkeypatch):
    write("[door]\npublished = true\n")
    monkeypatch.setenv("FACET_DOOR", "alone")
    monkeypatch.setenv("FACET_DOOR_PUBLISHED", "never")
    with pytest.raises(LabError, match=r"^FACET_DOOR_PUBLISHED and .*lab\.toml: \[door\] published = 'never'"):
        lab_file.read()
    monkeypatch.delenv("FACET_DOOR_PUBLISHED")
    write("[data]\nfolders = 3\n")
    with pytest.raises(LabError, match=r"^[^ ]*lab\.toml: \[data\] folders"):
        lab_file.read()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[door]\nmood = 'alone'\n", r"\[door\] has no 'mood'; it has mode, hosts, published, proxy, oidc"),
        ("[dor]\nmode = 'alone'\n", "the file has no 'dor'; it has door, data"),
        ("[door.oidc]\nallowed = ['ann@example.org']\n", r"\[door.oidc\] has no 'allowed'; it has allow"),
        ("[door.oidc]\nallow = 'ann@example.org'\n", r"\[door.oidc\] allow = 'ann@example.org'"),
        ("[door.oidc]\nunverified = 'yes'\n", r"\[door.oidc\] unverified = 'yes'.*boolean"),
        ("[door]\nmode = 'open'\n", r"\[door\] mode = 'open'"),
        ("door = 3\n", "door = 3"),
        ("[door.proxy]\nidentity_header = 'X User'\n", r"\[door.proxy\] identity_header = 'X User'"),
        ("[data]\nfolders = ['faces']\n", r"\[data\] folders = .*named from the root on"),
        ("[data]\nfolders = ['~nosuchuser/faces']\n", r"\[data\] folders = .*named from the root on"),
        ("[door]\nmode = alone\n", r"is not TOML: .*line 2"),
        ("[door]\n[door]\n", r"is not TOML: .*line 2"),
    ],
)
def test_a_broken_file_is_refused_by_name(write, text, words):
    write(text)
    with pytest.raises(LabError, match=words) as refused:
        lab_file.read()
    assert "lab.toml" in refused.value.message and refused.value.kind == "lab-file"


def test_a_file_that_cannot_be_read_is_no_file_without_settings(write, tmp_path):
    (tmp_path / "lab.toml").mkdir()
    with pytest.raises(LabError, match=r"lab\.toml cannot be read"):
        lab_file.read()
    (tmp_path / "lab.toml").rmdir()
    (tmp_path / "lab.toml").write_bytes(b"[door]\nmode = '\xff'\n")
    with pytest.raises(LabError, match=r"lab\.toml is not TOML"):
        lab_file.read()
