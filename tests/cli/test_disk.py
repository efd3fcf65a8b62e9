"""The verb `disk`: a choice does what its help says, and what is refused or only asked about does nothing."""

import json

import numpy as np
import pytest

from core.data.pictures import kept
from core.data.pictures.kept import PixelRoom
from core.jobs.room import keep


@pytest.fixture
def pixels(runs_folder):
    """Decoded photos that no training uses."""
    path = kept.usual_folder(runs_folder) / f"{'a' * 32}.npy"
    path.parent.mkdir(parents=True)
    np.save(path, np.zeros((10, 8, 8, 3), np.uint8))
    return path


def help_of(lab):
    return " ".join(word for word in lab("disk", "--help").out.split() if word != "│")


def test_who_takes_the_limit_of_decoded_photos_back_is_told_what_holds_then(lab, runs_folder):
    usual = f"{kept.USUAL / 1e9:g}"
    assert f"-1 is as delivered: above {usual} the oldest go, but those of one dataset may be more." in help_of(lab)
    assert lab("disk", "--pixels-limit", "3").code == 0
    assert kept.room_of(runs_folder).limit == 3_000_000_000
    assert lab("disk", "--pixels-limit", "-1").code == 0
    assert kept.room_of(runs_folder) == PixelRoom(kept.usual_folder(runs_folder)), "no limit of one's own"


def test_a_limit_of_nothing_holds_for_photos_that_are_still_to_be_decoded(lab, pixels):
    assert "0 keeps none from now on." in help_of(lab)
    assert lab("disk", "--pixels-limit", "0").code == 0 and pixels.exists()
    done = lab("disk", "--forget-pixels", "--json")
    assert "became free" in done.err and json.loads(done.out)["pixels"] == [] and not pixels.exists()


@pytest.mark.parametrize("number", ["nan", "inf", "1e300"])
def test_a_limit_that_is_no_number_of_gigabytes_is_refused_and_the_one_before_holds(lab, runs_folder, number):
    assert lab("disk", "--pixels-limit", "3").code == 0
    ended = lab("disk", "--pixels-limit", number)
    assert ended.code == 1 and "no number of GB" in ended.err and "-1 is as delivered" in ended.err
    assert kept.room_of(runs_folder).limit == 3_000_000_000


def test_of_no_runs_at_all_there_is_nothing_to_drop(lab):
    for more in ([], ["--yes"]):
        assert lab("disk", "--drop", "best", "--all", *more) == (0, "nothing to drop\n", "")
        done = lab("disk", "--drop", "best", "--all", "--json", *more)
        record = {"drop": "best", "done": bool(more), "runs": [], "bytes": 0, "left_out": {}}
        assert (done.code, json.loads(done.out)) == (0, record)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a-run"], "not what to drop"),
        (["--all"], "--all goes with --drop, which is not given"),
        (["a-run", "--drop", "best", "--all"], "runs are named, and --all takes every one"),
        (["a-run", "--drop", "best", "--yes"], "--keep holds for every run that ends from now on, and runs are named"),
        (["--drop", "packages", "--all"], "--drop without --yes only says what it would do"),
        (["--drop", "pakages", "--all", "--yes"], "'pakages' is nothing that can be dropped"),
        (["--drop", "packages", "--yes"], "no run is named"),
        (["--pixels-limit", "nan"], "no number of GB"),
        (["--pixels-folder", "here"], "does not say where it begins"),
    ],
)
def test_what_is_refused_has_changed_nothing(lab, runs_folder, pixels, words, said):
    changes = ["--keep", "results", "--pixels-limit", "0", "--forget-pixels"]
    ended = lab("disk", *changes, *words)
    assert ended.code == 1 and said in ended.err and ended.out == ""
    assert keep.rule(runs_folder) is keep.ALL and kept.room_of(runs_folder).limit is None and pixels.exists()
