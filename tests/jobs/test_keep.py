"""Retention: what is dropped of finished runs on purpose, what stays, and who may not be touched."""

import errno
import json

import pytest
import safetensors.torch
import torch

from core.answers.mistakes import load_answers
from core.config import from_dict
from core.config.run_config import ModelConfig
from core.errors import LabError
from core.inside.fold_models import fold_model
from core.jobs import control, trash, worker
from core.jobs.room import keep, use
from core.network.room import of_fold
from core.plan import transfer
from core.predict.predictor import Predictor
from core.runs import FoldState, Run, origins
from core.runs.create import create
from core.runs.kept import dropped, sizes
from core.runs.lists import index
from core.storage import files, locks
from core.training import checkpoint, device, train
from tests.closed import close
from tests.everybody_runs import ended, trained_on_everybody
from tests.fold_runs import answer_held_out, draw_faces, make_run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run of two folds with weights and answers that say of which epoch they are; its files."""
    root = tmp_path_factory.mktemp("made")
    run = answer_held_out(make_run(root / "runs", draw_faces(root / "faces")), ("best", "final"))
    for fold in run.folds():
        for which in ("best", "final"):
            answers = run.predictions(fold, which)
            origin = origins.of_answers(1, answers)
            checkpoint.save_predictions(run.predictions_file(fold, which), answers, origin)
            state = safetensors.torch.load_file(run.weights_file(fold, which))
            checkpoint.save_weights(run.weights_file(fold, which), state, origin.metadata())
        checkpoint.save_last(run.last_file(fold), {"epoch": 1})
        run.write_state(FoldState(fold=fold, state="done", epoch=1, best_epoch=1))
    return run, {path.relative_to(run.dir): path.read_bytes() for path in run.dir.rglob("*") if path.is_file()}


@pytest.fixture
def run(made, monkeypatch):
    """The run as it was made, also after another test dropped of it."""
    run, contents = made
    for path in list(run.dir.rglob("*")):
        if path.is_file() and path.relative_to(run.dir) not in contents:
            path.unlink()
    for place, content in contents.items():
        if len(content) < 100_000 or not (run.dir / place).exists():
            (run.dir / place).write_bytes(content)
    monkeypatch.setenv("FACET_RUNS", str(run.dir.parent))
    return run


def child_of(run, checkpoint_name="best"):
    """A run that waits and starts from this one's weights."""
    config = from_dict(
        {
            **run.config().model_dump(mode="json"),
            "name": "child",
            "model": {"depth": 18, "init": f"run:{run.id}", "init_checkpoint": checkpoint_name},
        }
    )
    return create(config, run.samples(), class_names=run.info()["class_names"], info={}, folder=run.dir.parent)


def remove(run):
    run.delete()
    index.listed(run.dir.parent)


def test_sizes_are_told_by_kind_and_add_up_to_what_lies_in_the_folder(run):
    told = sizes.bytes_of(run)
    on_disk = sum(path.stat().st_size for path in run.dir.rglob("*") if path.is_file())
    assert told.total == on_disk == sizes.total_of(run)
    assert told.best == sum(run.weights_file(k, "best").stat().st_size for k in (0, 1)) > 2 * 44e6
    assert told.resume == sum(run.last_file(k).stat().st_size for k in (0, 1))
    assert told.predictions > 0 and told.other > 0
    room = of_fold(run.config())  # what a launch counts beforehand
    assert told.best + told.final == pytest.approx(2 * room.kept, rel=0.02)
    assert room.training == 2 * (1 + 2) * room.weights + room.weights  # adam keeps two moments of each weight
    run.package_file.write_bytes(b"x" * 1000)
    assert sizes.bytes_of(run).package == 1000
    assert sizes.total_of(run) == told.total + 1000  # what is remembered is not believed once a file has come


def test_resume_points_of_finished_folds_go_and_nothing_else(run):
    before = {path.name: path.stat().st_size for path in run.fold_dir(0).iterdir()}
    freed = keep.drop([run.id], "resume-points")
    assert freed == 2 * before.pop("last.pt")
    assert {path.name: path.stat().st_size for path in run.fold_dir(0).iterdir() if path.name != "lock"} == before
    assert not run.dropped_file.exists() and dropped.sentence(run) == ""
    assert keep.drop([run.id], "resume-points") == 0


def test_a_package_goes_while_the_run_can_be_packaged_again_and_stays_where_it_is_the_last_to_have_networks(run):
    run.package_file.write_bytes(b"x" * 1000)
    assert use.offer([run.id], keep.CHOICES["packages"]).bytes == 1000
    before = {path for path in run.dir.rglob("*") if path.is_file() and path.name != "lock"}
    assert keep.drop([run.id], "packages") == 1000
    left = {path for path in run.dir.rglob("*") if path.is_file() and path.name != "lock"}
    assert before - left == {run.package_file} and not run.dropped_file.exists()
    run.package_file.write_bytes(b"x" * 1000)
    keep.drop([run.id], "results")
    assert keep.drop([run.id], "packages") == 0 and run.package_file.exists()


def test_best_weights_stay_alone_and_the_run_says_where_the_others_went(run):
    freed = keep.drop([run.id], "best")
    assert freed > 2 * 44e6 and sizes.bytes_of(run).final == sizes.bytes_of(run).resume == 0
    with fold_model(run, 0, "best", "cpu") as opened:
        assert opened.epoch == 1
    with (
        pytest.raises(LabError, match=r"its final weights were dropped on .* to make room.*Its best weights") as caught,
        fold_model(run, 0, "final", "cpu"),
    ):
        pass
    assert caught.value.kind == dropped.KIND
    assert "final weights of this run were dropped" in dropped.sentence(run)
    assert len(run.predictions(0, "final")) == 6


def test_results_alone_still_answer_what_results_can_and_the_rest_is_a_sentence(run):
    config = run.config_file.read_bytes()
    frozen = {path: path.read_bytes() for path in (run.config_file, run.samples_file, run.info_file)}
    before = load_answers(run, "best").table
    offered = use.offer([run.id], keep.RESULTS)
    assert keep.drop([run.id], "results") == offered.bytes > 4 * 44e6
    assert {path: path.read_bytes() for path in frozen} == frozen and run.config_file.read_bytes() == config
    assert sizes.bytes_of(run).best == sizes.bytes_of(run).final == 0
    assert load_answers(run, "best").table.equals(before)
    fresh = Run(run.id, run.dir.parent)
    for ask in (
        lambda: fold_model(fresh, 1, "best", "cpu").__enter__(),
        lambda: Predictor([fresh]),
    ):
        with pytest.raises(LabError, match="only its results were kept; its weights were dropped on") as caught:
            ask()
        assert caught.value.kind == dropped.KIND
    with pytest.raises(LabError, match=r"transfer: .*only its results were kept") as caught:
        transfer.check_parent(fresh, 2, ModelConfig(depth=18, init=f"run:{run.id}"))
    assert caught.value.kind == "transfer"
    assert "it cannot answer anew" in dropped.sentence(run)
    assert "kept results only" in run.log_tail()


def test_what_was_dropped_is_not_forgotten_while_it_cannot_be_read(run, monkeypatch):
    """Neither is it written over, nor is the package dropped, the last to have networks, nor a fold trained anew."""
    keep.drop([run.id], "results")
    run.package_file.write_bytes(b"x" * 1000)
    before = run.dropped_file.read_bytes()
    says = rf"{run.id}: dropped\.json cannot be read \(Input/output error\)"
    with monkeypatch.context() as patch:
        close(patch, run.dropped_file, errno.EIO)
        assert run.id in use.offer([run.id], keep.CHOICES["packages"]).refused
        for ask in (
            lambda: keep.drop([run.id], "packages"),
            lambda: keep.drop([run.id], "best"),
            lambda: dropped.note(run, ["final"], 1),
            lambda: fold_model(run, 1, "best", "cpu").__enter__(),
        ):
            with pytest.raises(LabError, match=says) as caught:
                ask()
            assert (caught.value.kind, caught.value.remedy) == ("unreadable", files.CHECK)
        assert dropped.sentence(run) == str(caught.value)
        (entry,) = index.listed(run.dir.parent)
        assert entry.dropped == ()
    assert run.package_file.exists() and run.dropped_file.read_bytes() == before
    assert dropped.read(run).weights == ("best", "final")


@pytest.mark.parametrize("content", ["", '{"weights": ["best", "fi', "[]", '{"weights": null, "when": 1, "bytes": 2}'])
def test_a_damaged_record_of_what_was_dropped_lets_nothing_go(run, content):
    """It may be the only word that a package is the last place that has networks."""
    keep.drop([run.id], "results")
    run.package_file.write_bytes(b"x" * 1000)
    run.dropped_file.write_text(content)
    says = rf"{run.id}: dropped\.json is damaged \(\w+\); it says what was dropped of the run"
    assert run.id in use.offer([run.id], keep.CHOICES["packages"]).refused
    for ask in (
        lambda: keep.drop([run.id], "packages"),
        lambda: dropped.note(run, ["final"], 1),
        lambda: fold_model(run, 1, "best", "cpu").__enter__(),
    ):
        with pytest.raises(LabError, match=says) as caught:
            ask()
        assert caught.value.kind == "unreadable" and "Copy it back from a backup" in caught.value.remedy
    assert dropped.sentence(run) == str(caught.value) and dropped.read(run) == dropped.Dropped()
    assert run.package_file.exists() and run.dropped_file.read_text() == content
    run.dropped_file.unlink()
    assert keep.drop([run.id], "packages") == 1000, "whoever deletes it knows better"


def test_weights_that_are_gone_for_another_reason_stay_a_fault(run):
    run.weights_file(0, "best").unlink()
    with pytest.raises(LabError, match="are gone from the run folder") as caught, fold_model(run, 0, "best", "cpu"):
        pass
    assert caught.value.kind == "checkpoint"


def test_weights_that_are_copied_back_count_again(run):
    kept_aside = run.weights_file(0, "final").read_bytes()
    keep.drop([run.id], "best")
    run.weights_file(0, "final").write_bytes(kept_aside)
    with fold_model(run, 0, "final", "cpu") as opened:
        assert opened.epoch == 1


@pytest.mark.parametrize(
    ("needs", "choice", "refused"), [("best", "results", True), ("best", "best", False), ("final", "best", True)]
)
def test_a_parent_that_an_unfinished_run_starts_from_is_refused_by_name(run, needs, choice, refused):
    child = child_of(run, needs)
    points = sum(run.last_file(fold).stat().st_size for fold in run.folds())
    try:
        if refused:
            with pytest.raises(LabError, match=f"run '{run.id}' is needed: '{child.id}' starts from its") as caught:
                keep.drop([run.id], choice)
            assert caught.value.kind == "parent" and run.weights_file(0, "final").exists()
            assert use.offer([run.id], keep.CHOICES[choice]).refused.keys() == {run.id}
        else:
            assert keep.drop([run.id], choice) > 0
        left = points if refused else 0  # the others took them along
        assert keep.drop([run.id], "resume-points") == left, "nobody starts from them"
    finally:
        remove(child)


def test_a_run_that_waits_is_refused_before_any_other_is_touched(run):
    waiting = child_of(run)
    try:
        with pytest.raises(LabError, match="waits to be trained") as caught:
            keep.drop([run.id, waiting.id], "resume-points")
        assert caught.value.kind == "busy" and run.last_file(0).exists()
    finally:
        remove(waiting)


def test_a_fold_that_is_not_done_keeps_all_it_has(run):
    run.write_state(FoldState(fold=1, state="cancelled", epoch=1))
    try:
        plan = keep.would_drop(keep.see(run), keep.RESULTS)
        assert plan.unfinished == (1,) and all(path.parent == run.fold_dir(0) for path in plan.files)
        keep.drop([run.id], "results")
        assert run.last_file(1).exists() and run.weights_file(1, "best").exists()
    finally:
        run.write_state(FoldState(fold=1, state="done", epoch=1, best_epoch=1))


def test_a_network_trained_on_everybody_is_all_that_its_run_has_and_stays(run):
    alone = trained_on_everybody(ended(run, (1, 1)))
    try:
        assert keep.drop([alone.id], "results") > 40e6  # the same network twice, as best and as last
        assert alone.weights_file(0, "best").exists() and not alone.weights_file(0, "final").exists()
        assert [member.run for member in Predictor([alone]).members] == [alone]
    finally:
        remove(alone)


def test_a_rule_is_followed_when_the_last_fold_has_ended_and_not_before(run):
    root = run.dir.parent
    assert keep.rule(root) is keep.ALL
    keep.set_rule(root, "best")
    try:
        run.write_state(FoldState(fold=1, state="cancelled", epoch=1))
        keep.follow_rule(run)
        assert run.weights_file(0, "final").exists()
        run.write_state(FoldState(fold=1, state="done", epoch=1, best_epoch=1))
        keep.follow_rule(run)
        assert not run.weights_file(0, "final").exists() and run.weights_file(0, "best").exists()
        with pytest.raises(LabError, match="is no rule"):
            keep.set_rule(root, "nothing")
    finally:
        keep.set_rule(root, "all")


def test_a_worker_follows_the_rule_once_its_last_fold_has_ended(tiny_plan, runs_folder, monkeypatch):
    """A trainer that leaves its files at once stands in for the epochs, which write the same ones."""

    def train_fold(run, fold, **_):
        checkpoint.save_last(run.last_file(fold), {"epoch": 1})
        for which in ("best", "final"):
            checkpoint.save_weights(run.weights_file(fold, which), {"a": torch.zeros(1)}, {"epoch": "1", "token": "t"})
        return True

    monkeypatch.setattr(control, "start_worker", lambda root: None)
    monkeypatch.setattr(train, "train_fold", train_fold)
    monkeypatch.setattr(device, "limit_threads", lambda count: None)
    keep.set_rule(runs_folder, "best")
    run = control.launch(tiny_plan, folder=runs_folder)
    assert worker.work(runs_folder) == 2
    for fold in (0, 1):
        kept = {path.name for path in run.fold_dir(fold).iterdir()}
        assert kept >= {"best.safetensors"} and not kept & {"final.safetensors", "last.pt"}
    assert dropped.read(run).weights == ("final",) and "kept the best weights" in run.log_tail()


def test_a_drop_that_was_cut_off_leaves_a_run_that_is_used_as_before(run, monkeypatch):
    monkeypatch.setattr(dropped, "note", lambda *_: (_ for _ in ()).throw(LabError("disk full", "", "disk-full")))
    with pytest.raises(LabError, match="disk full"):
        keep.drop([run.id], "results")
    assert run.weights_file(0, "best").exists() and run.last_file(0).exists()


def test_the_verb_says_what_would_become_free_and_does_it_when_asked_twice(run, capsys, monkeypatch):
    from core.cli import main

    def said(*words):
        monkeypatch.setattr("sys.argv", ["core", "disk", *words, "--runs", str(run.dir.parent)])
        with pytest.raises(SystemExit) as ended:
            main.main()
        assert not ended.value.code
        return capsys.readouterr().out

    told = json.loads(said("--json"))
    assert told["runs"][0]["id"] == run.id and told["runs"][0]["total"] == sizes.bytes_of(run).total
    words = said("--drop", "results", run.id)
    assert "would become free" in words and "no maps" in words and run.weights_file(0, "best").exists()
    offered = json.loads(said("--drop", "results", run.id, "--json"))
    assert (offered["drop"], offered["done"], offered["runs"]) == ("results", False, [run.id])
    assert offered["bytes"] > 0 and offered["left_out"] == {}
    assert "became free" in said("--drop", "results", run.id, "--yes")
    assert not run.weights_file(0, "best").exists()
    assert "nothing to drop" in said("--drop", "results", "--all", "--yes")
    assert "best weights" in said() and run.id in said()
    assert "of runs that end: keep all weights" in said()
    deleted = trash.trash_folder(run.dir.parent)
    deleted.mkdir(exist_ok=True)
    close(monkeypatch, deleted, errno.EIO)
    fault = f"{deleted} cannot be read and is not counted (Input/output error)."
    assert json.loads(said("--json"))["not_counted"] == fault == use.look(run.dir.parent).not_counted
    monkeypatch.setattr("sys.argv", ["core", "disk", "--runs", str(run.dir.parent)])
    with pytest.raises(SystemExit):
        main.main()
    assert fault in capsys.readouterr().err


def test_all_takes_the_finished_folds_of_a_run_that_was_stopped_as_its_help_says(run, capsys, monkeypatch):
    from core.cli import main

    def said(*words):
        monkeypatch.setattr("sys.argv", ["core", "disk", *words])
        with pytest.raises(SystemExit):
            main.main()
        return " ".join(word for word in capsys.readouterr().out.split() if word != "│")

    where = ("--drop", "results", "--all", "--yes", "--runs", str(run.dir.parent))
    run.write_state(FoldState(fold=1, state="queued"))
    assert "nothing to drop" in said(*where), "it waits"
    run.write_state(FoldState(fold=1, state="cancelled"))
    assert "of 1 run became free" in said(*where)
    assert not run.weights_file(0, "best").exists() and run.weights_file(1, "best").exists()
    assert "every run that neither trains nor waits; of one that was stopped, its finished folds." in said("--help")


def test_a_fold_that_was_interrupted_keeps_no_other_from_being_dropped(run):
    run.write_state(FoldState(1, state="running"))  # by nobody
    assert keep.drop([run.id], "best") > 0
    assert not run.weights_file(0, "final").exists() and run.weights_file(1, "final").exists()


def test_nobody_moves_a_run_into_the_trash_while_something_of_it_is_dropped(run, monkeypatch):
    """Its folder would be made anew, with nothing in it but the locks of its folds."""
    all_folds, held = keep.all_folds, []

    def looked_at(run):
        held.append(locks.is_held(trash.trash_folder() / ".lock"))
        return all_folds(run)

    monkeypatch.setattr(keep, "all_folds", looked_at)
    keep.drop([run.id], "resume-points")
    assert held == [True]
