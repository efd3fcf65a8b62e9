import builtins
import csv
import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers import mistakes
from core.answers.yes_no_scores import score_run
from core.compare import members
from core.config import to_yaml
from core.errors import LabError
from core.places import lab_folder
from core.runs import FoldState, Run
from core.runs import create as creating
from core.runs.create import create, new_id
from core.runs.lists.summaries import read_summary, summaries, what_to_do
from core.runs.metrics_file import METRIC_COLUMNS, append_metrics
from core.runs.run import check_id, is_locked
from core.runs.states import overall
from core.runs.yes_no.view import attributes, opened
from core.storage import files, parquet
from tests.closed import close
from tests.runs.metric_rows import assert_same_table, rows
from tests.yes_no_runs import told_by_few

NAME = "20250102-030405-tiny-abcd"


def made(tiny_plan, folder, run_id=NAME):
    info = {"study": None, "dataset": {"fingerprint": tiny_plan.fingerprint}}
    return create(
        tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info=info, run_id=run_id, folder=folder
    )


@pytest.fixture
def run(tiny_plan, runs_folder):
    return made(tiny_plan, runs_folder)


# Ids: fault 19

BAD_IDS = [
    *("", ".", "..", "../x", "..\\x", "a/b", "a\\b", "/etc/passwd", "C:\\x", "c:", "\\\\host\\share", "a\0", "\0"),
    *("%2e%2e", "..%2fx", "%2e%2e%2f", "a%00", "a\n", "\na", "a\r\n", "a ", " a"),
    *("a.b", ".lab", "-a", "A", "aB", "a_b"),
    *("é", "ａ", "٣", "a" * 81, "con.", "nul:", "a\u202eb", "~", "$HOME", "a;b", "a*", "<b>", 7, None, b"a", ["a"]),
]


@pytest.mark.parametrize("bad", BAD_IDS, ids=repr)
@pytest.mark.fault(19)
def test_what_is_no_run_id_is_refused_and_shown_as_text(bad, tmp_path):
    for use in (check_id, Run, lambda value: Run(value, tmp_path)):
        with pytest.raises(LabError, match="is not a run id") as caught:
            use(bad)
        assert caught.value.kind == "bad-id"
        assert len(caught.value.message) < 500
        assert caught.value.message.isprintable()


@given(st.text(max_size=90))
@pytest.mark.fault(19)
def test_an_id_that_is_accepted_is_one_plain_name_in_the_folder(text):
    try:
        run = Run(text, Path("/runs"))
    except LabError:
        return
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 1 <= len(text) <= 80
    assert os.path.normpath(run.dir) == f"/runs/{text}"


@pytest.mark.parametrize("name", ["x", "A Name!", "얼굴", "../../etc", "-", "  ", "a" * 60, "<b>*x*</b>", "2024"])
def test_a_new_id_is_valid_whatever_the_name_and_never_the_same(name):
    ids = {new_id(name) for _ in range(8)}
    assert len(ids) > 1
    for run_id in ids:
        assert check_id(run_id) == run_id
        day, clock, *slug, end = run_id.split("-")
        assert (len(day), len(clock), len(end)) == (8, 6, 4)
        assert "".join(slug)


@pytest.mark.parametrize("which", ["../best", "last", "", "BEST"])
def test_only_best_and_final_are_checkpoints(which):
    for path_of in (Run("a").weights_file, Run("a").predictions_file):
        with pytest.raises(LabError, match="is not known"):
            path_of(0, which)


# Creating


def test_a_run_folder_holds_what_the_contract_says(run, tiny_plan):
    names = sorted(path.name for path in run.dir.iterdir())
    assert names == ["config.yaml", "folds", "run.json", "samples.parquet", "summary.json"]
    assert run.config() == tiny_plan.config
    assert_same_table(run.samples(), tiny_plan.samples)
    assert run.info()["class_names"] == tiny_plan.class_names
    assert {sum(of_classes.values()) for of_classes in run.info()["support"].values()} == {12}
    assert run.info()["dataset"]["fingerprint"] == tiny_plan.fingerprint
    assert run.folds() == [0, 1]
    assert [state.state for state in run.states()] == ["queued", "queued"]
    (listed,) = summaries()
    assert listed["state"] == "queued"
    assert (listed["id"], listed["name"], listed["people"], listed["samples"]) == (NAME, "tiny", 24, 24)
    assert (listed["classes"], listed["depth"], listed["epochs"]) == (3, 18, 4)


def test_a_run_is_created_once(run, tiny_plan, runs_folder):
    before = {p: p.read_bytes() for p in run.dir.rglob("*") if p.is_file()}
    with pytest.raises(LabError, match="exists already") as caught:
        made(tiny_plan, runs_folder)
    assert caught.value.kind == "exists"
    assert {p: p.read_bytes() for p in run.dir.rglob("*") if p.is_file()} == before
    assert os.listdir(runs_folder) == [NAME]


def test_two_runs_of_one_name_within_a_second_that_draw_the_same_digits_are_two(tiny_plan, runs_folder, monkeypatch):
    drawn = iter("01" * 20)
    monkeypatch.setattr(creating, "new_id", lambda name: f"20261128-140108-{name}-000{next(drawn)}")
    first, second = (made(tiny_plan, runs_folder, run_id=None).id for _ in range(2))
    assert (first, second) == ("20261128-140108-tiny-0000", "20261128-140108-tiny-0001")
    assert sorted(os.listdir(runs_folder)) == [first, second]


@pytest.mark.fault(7)
def test_of_clicks_that_create_the_same_run_at_once_one_does(tiny_plan, runs_folder):
    gate, outcomes = threading.Barrier(4), []

    def click():
        gate.wait()
        try:
            outcomes.append(made(tiny_plan, runs_folder).id)
        except LabError as error:
            outcomes.append(error.kind)

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert sorted(outcomes) == sorted([NAME, "exists", "exists", "exists"])
    assert os.listdir(runs_folder) == [NAME]
    assert Run(NAME).config() == tiny_plan.config


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_a_runs_folder_that_cannot_be_is_refused(tiny_plan, tmp_path, where):
    (tmp_path / "file").write_text("x")
    with pytest.raises(LabError, match="cannot be written") as caught:
        made(tiny_plan, tmp_path / where)
    assert caught.value.kind == "read-only"
    assert "FACET_RUNS" in caught.value.remedy


def test_a_failure_while_creating_leaves_nothing(tiny_plan, runs_folder, monkeypatch):
    real = files.write_json

    def fail(path, data, **options):
        if path.name == "state.json":
            raise LabError("disk full", kind="disk-full")
        real(path, data, **options)

    monkeypatch.setattr(files, "write_json", fail)
    with pytest.raises(LabError, match="disk full"):
        made(tiny_plan, runs_folder)
    assert os.listdir(runs_folder) == []
    monkeypatch.undo()
    made(tiny_plan, runs_folder)


# States


def test_a_state_that_is_written_is_read_and_listed(run):
    scores = {"best_f1": 0.5, "final_f1": 0.4}
    state = FoldState(1, "failed", reason="r", remedy="m", kind="k", epoch=3, scores=scores, started=1.5, ended=2.5)
    run.write_state(state)
    assert run.fold_state(1) == state
    (listed,) = summaries()
    assert listed["state"] == "queued"
    fold = listed["folds"][1]
    assert (fold["state"], fold["reason"], fold["epoch"], fold["scores"]) == ("failed", "r", 3, scores)


def test_running_without_a_holder_of_the_lock_is_interrupted(run):
    run.write_state(FoldState(0, "running", epoch=2, worker={"pid": 1, "create_time": 0.0}))
    assert run.fold_state(0).state == "interrupted"
    assert run.fold_state(0).epoch == 2
    assert run.written_state(0).state == "running"  # derived, never written
    assert summaries()[0]["folds"][0]["state"] == "interrupted"
    code = (
        "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire(); print(1, flush=True);"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, run.fold_lock(0).lock_file]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        assert run.fold_state(0).state == "running"
        assert summaries()[0]["state"] == "running"
        holder.kill()
        holder.wait()
        assert run.fold_state(0).state == "interrupted"
    run.write_state(FoldState(0, "done"))
    assert run.fold_state(0).state == "done"


def test_a_fold_that_ends_between_the_two_looks_is_not_called_interrupted(run, monkeypatch):
    run.write_state(FoldState(0, "running"))
    real = is_locked

    def ends_now(lock):
        run.write_state(FoldState(0, "done", epoch=4))
        return real(lock)

    monkeypatch.setattr("core.runs.run.is_locked", ends_now)
    assert run.fold_state(0) == FoldState(0, "done", epoch=4)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "null", "[]", "7", '"done"', "{}", '{"fold": 0}', '{"fold": 0, "state": "dancing", "epoch": 0}'),
        '{"fold": 0, "state": ["done"], "epoch": 0, "started": null, "ended": null, "scores": null}',
        '{"fold": 0, "state": "done", "epoch": "x", "started": null, "ended": null, "scores": null}',
        "\x00" * 40,
        "[" * 100_000,
    ],
    ids=lambda text: repr(text[:60]),
)
def test_a_mangled_state_is_shown_as_failed_and_can_be_resumed(run, text):
    (run.fold_dir(0) / "state.json").write_text(text)
    state = run.fold_state(0)
    assert (state.fold, state.state) == (0, "failed")
    assert "unreadable" in state.reason
    assert "Resume" in state.remedy
    assert run.states()[1].state == "queued"
    run.write_state(FoldState(0, "queued"))
    assert run.fold_state(0).state == "queued"


def test_a_state_of_a_later_version_with_more_in_it_is_read(run):
    path = run.fold_dir(0) / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "mood": "good"}))
    assert run.fold_state(0).state == "queued"


@pytest.mark.parametrize(
    ("states", "word"),
    [
        (["done", "done"], "done"),
        (["done", "queued"], "queued"),
        (["queued", "running", "failed"], "running"),
        (["done", "failed", "cancelled"], "failed"),
        (["done", "interrupted", "cancelled"], "interrupted"),
        (["done", "cancelled"], "cancelled"),
        ([], "failed"),
    ],
)
def test_one_word_for_a_run(states, word):
    assert overall(states) == word


@pytest.mark.parametrize("text", [None, "", "{", "[]", "null"])
def test_progress_that_is_not_there_or_torn_is_empty(run, text):
    if text is not None:
        (run.fold_dir(0) / "progress.json").write_text(text)
    assert run.progress(0) == {}


# Lists: fault 27


def copy_summary(run, run_id, **changes):
    folder = run.dir.parent / run_id
    folder.mkdir()
    summary = {**files.read_json(run.dir / "summary.json"), "id": run_id, **changes}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


FOLD = {"fold": 0, "state": "done", "epoch": 1, "scores": None, "started": None, "ended": None}
GARBAGE = {
    "empty": "",
    "torn": '{"id": "x", "folds": [',
    "null": "null",
    "list": "[]",
    "text": '"summary"',
    "no folds": {"folds": None},
    "folds of another type": {"folds": {"0": "done"}},
    "fold without state": {"folds": [{"fold": 0}]},
    "fold that is no number": {"folds": [{**FOLD, "fold": "zero", "state": "running"}]},
    "fold that is a list": {"folds": [[0, "done"]]},
    "unknown state": {"folds": [{**FOLD, "state": "dancing"}]},
    "state that is a list": {"folds": [{**FOLD, "state": ["done"]}]},
    "scores that are text": {"folds": [{**FOLD, "scores": {"best_f1": "high"}}]},
    "scores that are a list": {"folds": [{**FOLD, "scores": [1]}]},
    "ended as text": {"folds": [{**FOLD, "ended": "yesterday"}]},
    "created as text": {"created": "yesterday"},
    "people as text": {"people": "many"},
    "name as number": {"name": 7},
    "epochs as null": {"epochs": None},
    "deep": "[" * 100_000,
    "bytes": b"\xff\xfe\x00{",
    "zeros": b"\0" * 4096,
}


@pytest.mark.parametrize("what", GARBAGE)
@pytest.mark.fault(27)
def test_a_mangled_summary_is_listed_as_unreadable_beside_the_others(run, what):
    garbage = GARBAGE[what]
    folder = copy_summary(run, "broken", **(garbage if isinstance(garbage, dict) else {}))
    if isinstance(garbage, str):
        (folder / "summary.json").write_text(garbage)
    elif isinstance(garbage, bytes):
        (folder / "summary.json").write_bytes(garbage)
    broken, good = summaries()
    assert (broken["id"], broken.keys()) == ("broken", {"id", "unreadable"})
    assert "summary.json cannot be read" in broken["unreadable"]
    assert (good["id"], good["state"]) == (NAME, "queued")


@pytest.mark.parametrize("key", ["name", "created", "task", "dataset", "depth", "epochs", "people", "folds"])
def test_a_summary_without_what_a_list_shows_is_unreadable(run, key):
    folder = copy_summary(run, "broken")
    summary = json.loads((folder / "summary.json").read_text())
    del summary[key]
    (folder / "summary.json").write_text(json.dumps(summary))
    assert "unreadable" in summaries()[0]


def test_other_things_in_the_runs_folder_do_no_harm(run, runs_folder):
    (runs_folder / "nothing-in-it").mkdir()
    (runs_folder / "a-file").write_text("x")
    (runs_folder / "Not_An_Id").mkdir()
    (lab_folder(runs_folder) / "queue").mkdir(parents=True)
    (runs_folder / f".{NAME}.abcd1234.new").mkdir()
    (runs_folder / "folder-instead").mkdir()
    (runs_folder / "folder-instead" / "summary.json").mkdir()
    (runs_folder / "dangling").symlink_to(runs_folder / "nowhere")
    listed = {summary["id"]: summary.get("unreadable", "readable") for summary in summaries()}
    assert listed.pop(NAME) == "readable"
    assert "missing" in listed.pop("nothing-in-it")
    assert "cannot be read" in listed.pop("folder-instead")
    assert listed.keys() <= {"a-file"}


def test_no_runs_folder_is_no_runs(tmp_path):
    assert summaries(tmp_path / "nothing") == []


@pytest.mark.fault(27)
def test_ten_thousand_runs_are_listed_newest_first_from_their_summaries_alone(run, tmp_path, monkeypatch):
    runs_folder, one, bad = tmp_path / "many", tmp_path / "one", tmp_path / "bad"
    for folder in (runs_folder, one, bad):
        folder.mkdir()
    shutil.copy(run.dir / "summary.json", one)  # and nothing else
    (bad / "summary.json").write_text("{")
    names = [f"2024{n // 300 + 101:04d}-{n % 300:06d}-x-0000" for n in range(10_000)]
    for name in names:  # links: 10,000 folders of their own take half a minute to delete
        os.symlink(bad if name == names[77] else one, runs_folder / name)
    opened = []
    real = builtins.open
    monkeypatch.setattr("io.open", lambda file, *a, **k: opened.append(Path(file).name) or real(file, *a, **k))
    listed = summaries(runs_folder)
    monkeypatch.undo()
    assert [summary["id"] for summary in listed] == sorted(names, reverse=True)
    assert [summary["id"] for summary in listed if "unreadable" in summary] == [names[77]]
    assert set(opened) == {"summary.json"}
    assert len(opened) == 10_000


# Metrics: fault 30


def test_metrics_are_read_as_they_were_written_to_the_bit(run):
    path = run.metrics_file(0)
    for epoch in (1, 2):
        append_metrics(path, rows(epoch))
    expected = pd.DataFrame([*rows(1), *rows(2)])[METRIC_COLUMNS]
    assert_same_table(run.metrics(0), expected)
    with open(path, newline="") as stream:
        independent = list(csv.DictReader(stream))
    assert [float(row["loss"]) for row in independent] == expected["loss"].tolist()
    assert [row["split"] for row in independent] == expected["split"].tolist()
    append_metrics(run.metrics_file(1), rows(1))
    table = run.all_metrics()
    assert list(table.columns) == ["fold", *METRIC_COLUMNS]
    assert table.groupby("fold").size().to_dict() == {0: 4, 1: 2}


def test_no_metrics_is_an_empty_table_with_its_columns(run):
    assert list(run.metrics(0).columns) == METRIC_COLUMNS
    assert len(run.metrics(0)) == len(run.all_metrics()) == 0


# The rest of a run's folder


def test_the_tail_of_a_log_reads_only_its_end(run):
    assert run.log_tail() == ""
    with open(run.log_file, "wb") as stream:
        for n in range(300_000):
            stream.write(b"line %d\n" % n)
        stream.write("torn \xff half 얼".encode("latin-1", "replace") + b"\xec\x96")
    tail = run.log_tail(3)
    assert tail.splitlines()[:2] == ["line 299998", "line 299999"]
    assert len(run.log_tail(10**9)) <= 64_000
    assert len(run.log_tail(40).splitlines()) == 40
    run.log("fold 0: done")
    assert run.log_tail(1).endswith("fold 0: done")


def test_logging_into_a_folder_that_is_gone_is_silent(run):
    run.delete()
    run.log("nobody reads this")
    assert not run.dir.exists()


def test_predictions_that_are_not_there_yet_are_told(run):
    with pytest.raises(LabError, match="fold 1 has no best predictions yet") as caught:
        run.predictions(1)
    assert caught.value.kind == "missing"


@pytest.mark.parametrize("look", [Run.config, Run.samples, Run.info, Run.require])
@pytest.mark.fault(31)
def test_a_deleted_run_is_gone_and_looking_does_not_bring_it_back(run, look):
    run.delete()
    with pytest.raises(LabError, match=f"run '{NAME}' is gone") as caught:
        look(run)
    assert caught.value.kind == "gone"
    assert run.states() == []
    assert run.fold_state(0).state == "queued"
    assert run.metrics(0).empty
    assert run.progress(0) == {}
    assert run.log_tail() == ""
    assert not is_locked(run.fold_lock(0))
    assert not run.dir.exists()
    assert summaries() == []


@pytest.mark.parametrize("text", ["{", "a: [", "schema_version: 9", "nonsense: 1", "\x00"])
def test_a_mangled_configuration_is_an_error_that_names_the_run(run, text):
    run.config_file.write_text(text)
    with pytest.raises(LabError, match=f"{NAME}/config.yaml"):
        run.config()


def test_attributes_that_an_older_lab_left_to_the_dataset_are_named(tmp_path):
    """It froze no names, and the run was read as one of two classes for each attribute."""
    run = told_by_few(tmp_path)
    before = run.config()
    assert before.task.attributes == ["Smiling", "Young"]
    bare = before.model_copy(update={"task": before.task.model_copy(update={"attributes": []})})
    run.config_file.write_text(to_yaml(bare))
    assert run.config() == before and attributes(run) == ["Smiling", "Young"]
    assert members.load(run.id, run.dir.parent).one_by_one
    assert list(score_run(run).means.index) == ["Smiling", "Young"]
    young = mistakes.load_answers(opened(f"{run.id}:Young", run.dir.parent))
    assert young.class_names == ("no", "yes") and len(young.table)
    with pytest.raises(LabError) as caught:
        mistakes.load_answers(run)
    assert caught.value.kind == "attribute"
    run.info_file.write_text("{")
    assert run.config() == before
    run.samples_file.write_bytes(b"{")
    with pytest.raises(LabError, match=r"samples\.parquet is damaged") as caught:
        run.config()
    assert caught.value.kind == "unreadable"


def test_a_run_folder_copied_elsewhere_opens_there(run, tmp_path, tiny_plan, monkeypatch):
    append_metrics(run.metrics_file(0), rows(1))
    run.write_state(FoldState(0, "done", epoch=1, scores={"best_f1": 0.5}))
    run.write_state(FoldState(1, "running"))
    elsewhere = tmp_path / "another machine"
    shutil.copytree(run.dir, elsewhere / NAME)
    shutil.rmtree(run.dir)
    monkeypatch.setenv("FACET_RUNS", str(elsewhere))
    copy = Run(NAME)
    assert copy.config() == tiny_plan.config
    assert_same_table(copy.samples(), tiny_plan.samples)
    assert len(copy.metrics(0)) == 2
    assert [state.state for state in copy.states()] == ["done", "interrupted"]
    (listed,) = summaries()
    assert listed["state"] == "interrupted"


def test_facts_added_by_a_worker_keep_the_others(run):
    before = run.info()
    run.update_info(device="CPU", weights={"init": "scratch"})
    assert run.info() == {**before, "device": "CPU", "weights": {"init": "scratch"}}


def test_summaries_written_at_once_by_many_folds_lose_nothing(run):
    def write(fold):
        for epoch in range(15):
            run.write_state(FoldState(fold, "done", epoch=epoch))

    both = [threading.Thread(target=write, args=(fold,)) for fold in (0, 1)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert [(fold["state"], fold["epoch"]) for fold in summaries()[0]["folds"]] == [("done", 14), ("done", 14)]


# summary.json is made anew


DAMAGES = ("", "{", "[]", "null", '{"id": "x"}', "not json")


@pytest.mark.parametrize("text", [None, *DAMAGES])
def test_a_damaged_or_missing_summary_is_made_anew_from_what_was_frozen_and_the_states(run, text):
    run.write_state(FoldState(1, "done", epoch=4, best_epoch=2, scores={"best_f1": 0.5}, started=1.0, ended=2.0))
    path = run.summary_file
    good = json.loads(path.read_text())
    path.unlink() if text is None else path.write_text(text)
    assert read_summary(run.dir) == good
    assert json.loads(path.read_text()) == good, "the next reader finds it whole"
    assert summaries()[0]["state"] == "queued"


@pytest.mark.parametrize("text", DAMAGES)
def test_a_state_that_is_written_beside_a_damaged_summary_is_not_lost(run, text):
    good = json.loads(run.summary_file.read_text())
    run.summary_file.write_text(text)
    run.write_state(FoldState(0, "failed", reason="r"))
    written = json.loads(run.summary_file.read_text())
    assert [fold["state"] for fold in written["folds"]] == ["failed", "queued"]
    assert {**written, "folds": None} == {**good, "folds": None}


def test_a_summary_is_made_anew_without_run_json(run):
    good = json.loads(run.summary_file.read_text())
    run.summary_file.unlink()
    (run.dir / "run.json").write_text("{")
    anew = read_summary(run.dir)
    assert anew["classes"] == good["classes"] and anew["created"] == datetime(2025, 1, 2, 3, 4, 5).timestamp()
    assert {**anew, "created": 0, "colour": 0} == {**good, "created": 0, "colour": 0}


@pytest.mark.parametrize("place", ["run.json", "moved.json", "folds/0/state.json"])
def test_no_summary_is_written_of_what_is_out_of_reach_for_a_moment(run, monkeypatch, place):
    run.update_info(study="20250102-030405-study-0001", by="ana")
    files.write_json(run.moved_file, {"moves": [{"root": "/mnt/new/moved"}]})
    run.write_state(FoldState(0, "done"))
    run.summary_file.unlink()
    before = read_summary(run.dir)
    assert (before["by"], before["dataset"], before["folds"][0]["state"]) == ("ana", "moved", "done")
    run.summary_file.unlink()
    with monkeypatch.context() as patch:
        close(patch, run.dir / place, errno.EIO)
        assert read_summary(run.dir) == {"id": run.id, "unreadable": f"{place} cannot be read (Input/output error)"}
        assert what_to_do(run) == files.CHECK
        run.write_state(FoldState(1, "done"))
        assert not run.summary_file.exists()
    states = [before["folds"][0], {**before["folds"][1], "state": "done"}]
    assert read_summary(run.dir) == {**before, "folds": states}


def test_a_fold_whose_state_is_out_of_reach_stays_in_the_summary_as_it_stood(run, monkeypatch):
    run.write_state(FoldState(0, "done", epoch=3))
    with monkeypatch.context() as patch:
        close(patch, run.state_file(0))
        shown = run.written_state(0)
        assert (shown.reason, shown.remedy) == ("state.json cannot be read (Permission denied)", files.CHECK)
        run.write_state(FoldState(1, "done"))
    assert [(fold["state"], fold["epoch"]) for fold in read_summary(run.dir)["folds"]] == [("done", 3), ("done", 0)]


def test_a_summary_that_cannot_be_written_is_made_anew_for_every_reader(run):
    path = run.summary_file
    good = json.loads(path.read_text())
    path.unlink()
    path.mkdir()  # for root, too, a place that cannot be read or written as a file
    assert read_summary(run.dir) == good and path.is_dir()


def test_samples_that_are_gone_torn_or_not_to_be_read_are_told_with_what_to_do(run, monkeypatch):
    whole = run.samples_file.read_bytes()
    told = {}
    for damage, bytes_left in {"garbage": b"{", "torn": whole[: len(whole) // 2], "empty": b"", "gone": None}.items():
        run.samples_file.unlink()
        if bytes_left is not None:
            run.samples_file.write_bytes(bytes_left)
        with pytest.raises(LabError) as caught:
            run.samples()
        assert caught.value.kind == "unreadable" and caught.value.remedy == "Copy it back from a backup."
        told[damage] = caught.value.message
    assert told.pop("gone") == f"{NAME}: samples.parquet is gone."
    assert all(message.startswith(f"{NAME}: samples.parquet is damaged (") for message in told.values())

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    run.samples_file.write_bytes(whole)
    monkeypatch.setattr(parquet, "read", refused)
    with pytest.raises(LabError, match=r"samples.parquet cannot be read \(Permission denied\)") as caught:
        run.samples()
    assert "backup" not in caught.value.remedy
    run.delete()
    with pytest.raises(LabError, match=f"run '{NAME}' is gone") as caught:
        run.samples()
    assert caught.value.kind == "gone"


def test_answers_that_are_torn_or_not_to_be_read_are_told_with_file_and_what_to_do(run, monkeypatch):
    path = run.predictions_file(1, "best")
    table = pd.DataFrame({"sample": ["a", "b"], "label": ["x", "y"], "p_x": [0.5, 0.25]})
    table.to_parquet(path)
    whole = path.read_bytes()
    pd.testing.assert_frame_equal(run.predictions(1), table)
    for left in (b"{", b"", whole[: len(whole) // 2], whole[:-40] + b"\xff" * 32 + whole[-8:]):
        path.write_bytes(left)
        with pytest.raises(LabError, match=rf"{NAME}: folds/1/predictions_best\.parquet is damaged \(") as caught:
            run.predictions(1)
        assert caught.value.kind == "unreadable" and "or train the run again" in caught.value.remedy

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    path.write_bytes(whole)
    monkeypatch.setattr(parquet, "read", refused)
    with pytest.raises(LabError, match=r"predictions_best\.parquet cannot be read \(Permission denied\)") as caught:
        run.predictions(1)
    assert (caught.value.kind, caught.value.remedy) == ("unreadable", files.CHECK)


def test_whom_its_line_held_out_is_told_as_damaged_where_the_file_is(run):
    path = run.dir / "ancestry.parquet"
    assert run.ancestors() is None
    held_out = pd.DataFrame({"person": ["a", "b"], "fold": [0, 1]})
    held_out.to_parquet(path)
    whole = path.read_bytes()
    pd.testing.assert_frame_equal(run.ancestors(), held_out)
    held_out.drop(columns="fold").to_parquet(path)
    for left in (b"{", whole[: len(whole) // 2], b"", path.read_bytes()):
        path.write_bytes(left)
        with pytest.raises(LabError, match=r"ancestry\.parquet is damaged") as caught:
            run.ancestors()
        assert caught.value.kind == "unreadable" and caught.value.remedy == "Copy it back from a backup."


@pytest.mark.parametrize("lost", ["config.yaml", "samples.parquet", "folds"])
def test_a_summary_is_unreadable_only_where_nothing_is_left_to_make_it_from(run, lost):
    run.summary_file.write_text("{")
    place = run.dir / lost
    place.rename(run.dir / "away")
    unreadable = {"id": run.id, "unreadable": "summary.json cannot be read (JSONDecodeError)"}
    assert read_summary(run.dir) == unreadable
    if lost != "folds":
        run.write_state(FoldState(0, "done"))
        assert run.written_state(0).state == "done"
    (run.dir / "away").rename(place)
    assert "unreadable" not in read_summary(run.dir)


def test_a_good_summary_is_all_that_a_list_reads(run, monkeypatch):
    def never(run):
        raise AssertionError("a good summary is not made anew")

    monkeypatch.setattr("core.runs.lists.summaries.rebuilt", never)
    for name in ("config.yaml", "samples.parquet", "run.json"):
        (run.dir / name).unlink()
    assert summaries()[0]["state"] == "queued"
