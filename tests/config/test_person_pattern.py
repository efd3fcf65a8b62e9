"""A user's regular expression on file names: what it finds, and that it ends."""

import itertools
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.config import person_pattern, run_config
from core.config.person_pattern import PersonPattern
from core.config.run_config import DataConfig
from core.errors import LabError
from core.places import HOME
from tests.photos import draw, read

EVIL = [r"^(a|aa)+$", r"^(a|a)*$"]
NAME = "a" * 200 + "!.jpg"


def test_the_first_group_is_the_person():
    find = PersonPattern(r"^(p\d+)_").group
    assert find("some/folder_x/p12_3.jpg") == "p12"
    assert find("p_3.jpg") is None
    assert PersonPattern(r"x(y)?").group("x.jpg") is None


@pytest.mark.parametrize("pattern", EVIL)
def test_a_pattern_that_would_never_end_is_stopped_and_named(pattern, monkeypatch):
    monkeypatch.setattr(person_pattern, "NAME_SECONDS", 0.05)
    with pytest.raises(LabError) as refusal:
        PersonPattern(pattern).group(f"cat/{NAME}")
    assert refusal.value.kind == "pattern"
    assert repr(pattern) in refusal.value.message and repr(NAME) in refusal.value.message


@pytest.mark.parametrize("reader", ["folders", "csv"])
def test_a_scan_ends_with_a_sentence(tmp_path, reader, monkeypatch):
    monkeypatch.setattr(person_pattern, "NAME_SECONDS", 0.05)
    draw(tmp_path / "cat" / NAME)
    draw(tmp_path / "dog" / "b.jpg")
    (tmp_path / "labels.csv").write_text(f"path,label\ncat/{NAME},x\n")
    with pytest.raises(LabError, match="takes too long on the name"):
        read(tmp_path, reader=reader, person_pattern=r"^(a|aa)+$")


def test_slow_on_each_of_many_names_is_too_slow_in_all(monkeypatch):
    monkeypatch.setattr(person_pattern, "TOTAL_SECONDS", 0.05)
    find = PersonPattern(r"(x+x+x+x+)y").group
    with pytest.raises(LabError, match="takes too long"):
        for _ in range(100_000):
            find("x" * 150)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("(", "not a regular expression"), ("x", "one group"), ("(x)" * 200, "at most 500"), ("(" * 499, "not a regular")],
)
def test_what_cannot_be_used_is_refused_beside_its_field(pattern, words):
    with pytest.raises(LabError, match=f"data.person_pattern: .*{words}"):
        run_config.from_dict({"data": {"person_pattern": pattern}})


ENDLESS = (
    r"(a{2147483648})",
    r"((?:(?:(?:a{999}){999}){99}))",
    r"(\w{4000000000})",
    "(?x)(a{9 9 9 9\n9#c\n9 9})",
    "(?x)((?:(?:a{999}) {999}) #c\n{99})",
    "(a{999}){999,}",
    "((?:a{9}){" + "9" * 400 + "})",
)
USUAL = (
    r"^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})_\d{4}-\d{2}-\d{2}",
    r"^((?:[a-z]{2}\d{3}-){4})",
    r"(\w{1,1000000})",
    r"(a{0,4000000000})",
)


@pytest.mark.parametrize("pattern", ENDLESS)
def test_what_compiling_would_write_out_without_end_is_refused_before(pattern, compiled):
    assert compiled[pattern] == "refused: repeats too often"


@pytest.mark.parametrize("pattern", USUAL)
def test_what_people_repeat_is_read(pattern, compiled):
    assert compiled[pattern] == "read"


@pytest.fixture(scope="module")
def compiled():
    """What became of each, in a process of its own that has two gigabytes, whatever a pattern asks for; nothing of one
    that ended the process."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "from core.config import person_pattern\n"
        "for pattern in sys.argv[1:]:\n"
        "    try: person_pattern.check(pattern); print('read', flush=True)\n"
        "    except ValueError as error: print('refused: ' + str(error).split(':')[0], flush=True)\n"
    )
    command = [sys.executable, "-c", code, *ENDLESS, *USUAL]
    ends = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=60).stdout.splitlines()
    return dict(itertools.zip_longest((*ENDLESS, *USUAL), ends))


@given(some.text("()[]{}*+?|\\.^$abz0,19", max_size=30))
def test_any_text_is_a_pattern_or_a_reason(pattern):
    try:
        DataConfig(person_pattern=pattern)
    except ValueError:
        return
    if pattern:
        try:
            person = PersonPattern(pattern).group("abz01.jpg")
        except LabError:
            return
        assert person is None or person in "abz01.jpg"
