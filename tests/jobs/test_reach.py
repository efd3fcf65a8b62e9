"""A run is launched, resumed and trained where who asked for it may look."""

import errno

import pytest

from core.data.reach import bounds
from core.data.scan import scan
from core.errors import LabError
from core.jobs import control, halt, reach
from core.plan.plan import make_plan
from core.storage import files
from tests.closed import close
from tests.moving import draw_dataset, frozen_run
from tests.workers import assert_done, launch, short, small_net


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Writes lab.toml; the lab looks in `folder` alone then."""

    def write(folder):
        (tmp_path / "lab.toml").write_text(f'[data]\nfolders = ["{folder}"]\n')

    monkeypatch.setenv("FACET_LAB_FILE", str(tmp_path / "lab.toml"))
    monkeypatch.delenv("FACET_DOOR", raising=False)
    return write


def test_a_worker_does_not_train_what_a_page_launched_where_the_lab_does_not_look_by_now(
    workers, lab, tmp_path, tiny_config, tiny_plan
):
    bounds.hold_page()
    run = control.launch(tiny_plan, folder=workers.root)
    assert run.info()[reach.ASKED_FROM] == bounds.PAGE
    lab(tmp_path / "elsewhere")
    assert workers.run() == 0
    for state in run.states():
        assert state.state == "failed" and "24 of 24 photos lie where this lab does not look" in state.reason
        assert "lab.toml ([data] folders)" in state.remedy and not run.last_file(state.fold).exists()
    bounds.hold_page()
    with pytest.raises(LabError, match="does not look") as refused:
        control.resume(run)
    assert refused.value.kind == bounds.KIND
    with pytest.raises(LabError, match="does not look"):
        control.launch(tiny_plan, folder=workers.root)
    lab(tiny_config.data.root)
    bounds.hold_page()
    assert control.resume(run) == [0, 1], "once the folder is in lab.toml"


def test_the_command_line_is_whoever_has_the_account(tmp_path, lab, monkeypatch):
    """Its runs are trained wherever they lie, until a page asks for them."""
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    root = draw_dataset(tmp_path / "faces")
    lab(tmp_path / "elsewhere")
    old = frozen_run(tmp_path / "runs", root)
    assert reach.ASKED_FROM not in old.info()
    with reach.held_as_asked(old):
        assert not bounds.may_look(root), "an older lab does not say who asked"
    assert bounds.allowed() is None and bounds.asked_from() == bounds.COMMAND_LINE
    assert control.resume(old) == [0, 1]
    plan = make_plan(old.config(), scan(old.config().data, threads=1), folder=old.dir.parent)
    for run in (old, control.launch(plan, folder=old.dir.parent)):
        with reach.held_as_asked(run):
            assert bounds.may_look(root)
            assert bounds.asked_from() == bounds.PAGE, "what a worker starts is no command line of a person"
    bounds.hold_page()
    with pytest.raises(LabError, match="does not look"):
        control.resume(old)
    assert old.info()[reach.ASKED_FROM] == bounds.COMMAND_LINE
    lab(tmp_path)
    bounds.hold_page()
    control.resume(old)
    lab(tmp_path / "elsewhere")
    with reach.held_as_asked(old):
        assert not bounds.may_look(root), "a page asked for it last"


def test_a_run_json_that_is_out_of_reach_is_told_before_anything_is_queued(tmp_path, monkeypatch):
    """Not as a folder that cannot be written: what is wrong is that who asked cannot be read."""
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    run = frozen_run(tmp_path / "runs", draw_dataset(tmp_path / "faces"))
    with monkeypatch.context() as patch:
        close(patch, run.info_file, errno.EIO)
        with pytest.raises(LabError, match=rf"{run.id}: run\.json cannot be read \(Input/output error\)") as caught:
            control.requeue(run)
    assert (caught.value.kind, caught.value.remedy) == ("unreadable", files.CHECK)
    assert not control.waiting(run.dir.parent)
    content = run.info_file.read_text()
    run.info_file.unlink()
    with pytest.raises(LabError, match=r"run\.json cannot be read \(No such file .*Copy it back from a backup"):
        control.requeue(run)
    run.info_file.write_text(content[:-2])
    assert control.requeue(run) == [0, 1], "a damaged one is told where it trains"


def test_a_broken_lab_toml_trains_nothing_of_a_page(tmp_path, lab):
    run = frozen_run(tmp_path / "runs", draw_dataset(tmp_path / "faces"))
    (tmp_path / "lab.toml").write_text("[data\n")
    with pytest.raises(LabError, match="is not TOML"), reach.held_as_asked(run):
        pass


def test_a_broken_lab_toml_stops_the_queue_and_fails_nothing(workers, lab, tiny_plan, tiny_config, tmp_path):
    by_command_line = launch(short(tiny_plan), workers.root)
    bounds.hold_page()
    runs = [launch(short(tiny_plan), workers.root, folds=(0, 1)) for _ in range(2)]
    (tmp_path / "lab.toml").write_text("[data\n")
    assert workers.run(small_net) == 0
    stop = halt.stopped(workers.root)
    assert "lab.toml is not TOML" in stop.message and "Correct it, then let the queue go on" in stop.remedy
    waiting = [state.state for run in runs for state in run.states()]
    assert waiting == ["queued"] * 4 and len(control.waiting(workers.root)) == 4
    assert_done(by_command_line)
    lab(tiny_config.data.root)
    halt.go_on(workers.root)
    assert workers.run(small_net) == 0
    for run in runs:
        for fold in run.folds():
            assert_done(run, fold)
