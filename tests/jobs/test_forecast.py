"""Whether the disk has room for a launch: what is told, what is refused, and what trains without decoded photos."""

import shutil

import pytest

from core.data.pictures import kept
from core.errors import LabError
from core.jobs import control, queue
from core.jobs.room import forecast, keep
from core.network.room import MILLIONS, of_fold
from core.runs.lists.summaries import summaries
from core.studies import grid, records
from core.training import train
from tests.workers import assert_same_result, launch, log_of, short, small_net


@pytest.fixture
def free(monkeypatch):
    """free[0] bytes are free on every disk."""
    amount = [10**12]
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=amount[0]))
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    return amount


def test_all_that_waits_is_counted_before_what_is_launched(tiny_plan, runs_folder, free):
    weights = MILLIONS[18] * 4e6
    alone = forecast.forecast([tiny_plan], runs_folder)
    assert (alone.stays, alone.promised, alone.jobs) == (2 * 2 * weights, 0, 0)
    assert alone.fits and alone.pixels_fit and alone.warning == ""
    control.launch(tiny_plan, folder=runs_folder)
    beside = forecast.forecast([tiny_plan, tiny_plan], runs_folder)
    assert (beside.stays, beside.promised, beside.jobs) == (2 * alone.stays, alone.stays, 2)
    free[0] = beside.needed + beside.promised - 1
    tight = forecast.forecast([tiny_plan, tiny_plan], runs_folder)
    assert not tight.fits and not tight.is_hopeless
    assert "and 2 fold jobs before it 179 MB" in tight.warning and "can be resumed" in tight.warning
    keep.set_rule(runs_folder, "results")
    assert forecast.forecast([tiny_plan, tiny_plan], runs_folder).stays == 0


def test_what_surely_cannot_fit_is_refused_before_anything_is_frozen(tiny_plan, runs_folder, free):
    free[0] = 100_000_000  # two folds keep four networks of 45 MB
    for begin in (
        lambda: control.launch(tiny_plan, folder=runs_folder),
        lambda: records.launch_plans("study", "", [tiny_plan, tiny_plan], "study-1", folder=runs_folder),
    ):
        with pytest.raises(LabError, match=r"disk full: the weights of .* take \d+ MB, and 100 MB are free") as caught:
            begin()
        assert caught.value.kind == "disk-full"
    assert summaries(runs_folder) == [] and not list(queue.places(runs_folder))
    free[0] = 200_000_000  # tight, but nothing says that it cannot: what waits may be cancelled
    assert control.launch(tiny_plan, folder=runs_folder).exists()


def test_what_would_help_is_named_and_nothing_else(tiny_plan, runs_folder, free):
    """What is kept of each run matters from the second one on, and a rule that is set already cannot be set."""
    free[0] = 100_000_000

    def remedy(*plans):
        with pytest.raises(LabError, match="disk full") as caught:
            forecast.check(plans, runs_folder)
        return caught.value.remedy

    anyhow = f"Free some (page Settings, or python -m core disk --runs {runs_folder}), "
    assert remedy(tiny_plan) == f"{anyhow}or take fewer folds."
    assert remedy(tiny_plan, tiny_plan) == f"{anyhow}keep less of each run, or take fewer folds or runs."
    keep.set_rule(runs_folder, "results")
    assert remedy(tiny_plan, tiny_plan) == f"{anyhow}or take fewer folds or runs."


def test_without_room_for_decoded_photos_the_fold_is_the_same_to_the_bit_and_says_what_happened(
    workers, tiny_plan, never_stopped_small
):
    kept.choose(workers.root, folder="", limit=0)
    ahead = forecast.forecast([tiny_plan], workers.root)
    assert ahead.pixels == tiny_plan.photos * 32 * 32 * 3 and not ahead.pixels_fit
    assert "decoded anew in each epoch" in ahead.warning
    run = launch(tiny_plan, workers.root)
    assert workers.run(small_net) == 0
    assert_same_result(run, never_stopped_small)
    assert "Settings allow 0 kB for all" in run.info()[kept.DECODED_ANEW]
    assert "decoded anew in each epoch" in log_of(run)
    assert not list(kept.kept(kept.usual_folder(workers.root)))


def test_decoded_photos_leave_the_room_that_the_training_wants(tiny_plan, runs_folder, free, monkeypatch):
    run = control.launch(short(tiny_plan), folder=runs_folder)
    room = of_fold(run.config())
    free[0] = room.kept + room.training
    assert train.prepare_pixels(run, run.config(), lambda row: None, lambda: False) is None
    assert "the training itself wants" in run.info()[kept.DECODED_ANEW]
    free[0] += 10**6
    pixels = train.prepare_pixels(run, run.config(), lambda row: None, lambda: False)
    assert pixels.exists() and run.info()[kept.DECODED_ANEW] == ""
    (only,) = kept.kept(kept.usual_folder(runs_folder))
    assert (only.dataset, only.photos, only.in_use) == (run.config().data.root, tiny_plan.photos, False)


def test_decoded_photos_lie_where_they_were_told_to_and_a_damaged_setting_is_the_usual_place(
    tiny_plan, runs_folder, free, tmp_path
):
    run = control.launch(short(tiny_plan), folder=runs_folder)
    chosen = kept.choose(runs_folder, folder=str(tmp_path / "fast"), limit=None)
    pixels = train.prepare_pixels(run, run.config(), lambda row: None, lambda: False)
    assert pixels.parent == chosen.folder == (tmp_path / "fast").resolve()
    for folder, limit in (("relative", True), (3, -1), (None, "much")):
        kept.machine_settings.change(runs_folder, **{kept.PLACE: folder, kept.LIMIT: limit})
        assert kept.room_of(runs_folder) == kept.PixelRoom(kept.usual_folder(runs_folder))
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="cannot be used for decoded photos") as caught:
        kept.choose(runs_folder, folder=str(tmp_path / "file" / "below"), limit=None)
    assert caught.value.kind == "config"


def test_the_estimate_of_a_study_counts_the_same_room(tiny_plan, runs_folder, free):
    assert grid.estimate([tiny_plan], runs_folder).bytes == forecast.forecast([tiny_plan], runs_folder).needed
