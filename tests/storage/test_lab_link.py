"""The link of a lab that is open, for its own account only, and none of a lab that is gone."""

import stat
import subprocess
import sys

import pytest

from core.cli import main as cli
from core.places import HOME
from core.storage import lab_link

LINK = "http://127.0.0.1:8501/?token=abc"


def test_a_link_is_kept_as_long_as_the_lab_is_open_and_only_its_account_may_read_it(tmp_path):
    with lab_link.kept(LINK, tmp_path) as path, lab_link.kept("another", tmp_path) as other:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert sorted(lab_link.links(tmp_path)) == sorted([LINK, "another"])
        other.unlink()  # as by who clears the folder under an open lab
        assert lab_link.links(tmp_path) == [LINK]
    assert lab_link.links(tmp_path) == [] and not list(path.parent.iterdir())


def test_the_link_of_a_lab_that_was_killed_is_none_and_is_cleared_by_the_next(tmp_path):
    dies = "import os, sys; from pathlib import Path; from core.storage import lab_link\n"
    dies += "with lab_link.kept('killed', Path(sys.argv[1])): print('kept', flush=True); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", dies, str(tmp_path)], cwd=HOME, capture_output=True, text=True)
    assert done.returncode == -9 and done.stdout == "kept\n"
    assert lab_link.links(tmp_path) == []
    with lab_link.kept(LINK, tmp_path) as path:
        assert [file.name for file in path.parent.glob("*.txt")] == [path.name]


def printed(monkeypatch, capsys, *words: str) -> tuple[str, str]:
    monkeypatch.setattr(sys, "argv", ["core", "link", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    return capsys.readouterr()


def test_the_verb_prints_it_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path))
    with lab_link.kept(LINK, tmp_path):
        assert printed(monkeypatch, capsys)[0] == f"{LINK}\n"
        assert "no lab open" in printed(monkeypatch, capsys, "--runs", str(tmp_path / "other"))[1]
    monkeypatch.setenv("FACET_DOOR", "oidc")
    assert printed(monkeypatch, capsys) == ("", f"a lab whose door is oidc has no link with the runs of {tmp_path}\n")
