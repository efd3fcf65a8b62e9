"""What a fold job tells of itself while it trains."""

import errno
import os

import pytest

from core.jobs import fold_job
from core.storage import files
from tests.workers import assert_done, launch, short, small_net, stray_files


def no_room_for_progress(root, *, code=errno.ENOSPC):
    """A disk that has room for everything but progress.json, and `.refused` once it was asked for that."""
    original = files.write_whole

    def write_whole(path, write, **options):
        def refused(stream):
            (root / ".refused").touch()
            raise OSError(code, os.strerror(code))

        return original(path, refused if path.name == "progress.json" else write, **options)

    files.write_whole = write_whole


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_progress_that_cannot_be_written_is_left_out(tiny_plan, workers, monkeypatch, code):
    run = launch(short(tiny_plan), workers.root)
    monkeypatch.setattr(files, "write_whole", files.write_whole)  # given back after the test
    no_room_for_progress(workers.root, code=code)
    fold_job.Reporter(run, 0)({"kind": "step", "epoch": 1})
    assert (workers.root / ".refused").exists()
    assert run.progress(0) == {} and not stray_files(workers.root)


def test_a_fold_whose_progress_finds_no_room_ends_as_ever(workers, tiny_plan):
    run = launch(short(tiny_plan), workers.root)
    assert workers.run(small_net, no_room_for_progress) == 0
    assert (workers.root / ".refused").exists()
    assert_done(run)
