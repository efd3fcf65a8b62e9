"""What has ended is told in the words of the pages, once an end whoever else sees it; a study after its last run."""

import threading
from dataclasses import replace

import pytest

from core.errors import LabError
from core.jobs import halt, trash
from core.jobs.alerts import addresses, ends
from core.runs import FoldState
from core.runs.lists import index
from core.runs.lists.summaries import summaries
from core.studies import record_file, records, telling
from core.studies.healing import _tell_what_was_left_over
from core.studies.record_file import Study, StudyRun
from tests.closed import close
from tests.pages.trials import make_run
from tests.webhooks import listening

DIVERGED = {"kind": "diverged", "reason": "diverged: the loss is not a number at epoch 2.", "remedy": "Lower the rate."}
MEMORY = {"kind": "memory", "reason": "memory: batch size 64 does not fit.", "remedy": "Try batch size 32."}
DEVICE = {"kind": "device", "reason": "device: no CUDA GPU is usable here.", "remedy": "Choose device auto or cpu."}


@pytest.fixture
def webhook(runs_folder, monkeypatch):
    """Who is told of everything."""
    monkeypatch.setenv("no_proxy", "*")
    with listening() as hook:
        addresses.add(runs_folder, f"{hook.at}/all")
        yield hook


def ended(run, **states):
    for fold in run.folds():
        ended_as = states.get(f"fold{fold}", {"state": "done"})
        run.write_state(replace(run.written_state(fold), **ended_as))
    ends.watch(run)
    return run


def no_pause(seconds):
    raise AssertionError("nothing is sent again")


def tell(run, **options):
    telling.tell(run.dir.parent, run, sleep=no_pause, **options)


@pytest.mark.parametrize(
    ("why", "event", "title", "text"),
    [
        (DIVERGED, "diverged", "trial: diverged", "not a number at epoch 2. Lower the rate. Macro F1 0."),
        (MEMORY, "memory", "trial: stopped for want of memory", "does not fit. Try batch size 32."),
        (DEVICE, "failed", "trial: failed", "no CUDA GPU is usable here. Choose device auto or cpu."),
    ],
)
def test_how_a_run_failed_is_told_in_its_own_words(runs_folder, webhook, why, event, title, text):
    run = ended(make_run(runs_folder), fold1={"state": "failed", **why})
    tell(run)
    tell(run)
    (body,) = webhook.bodies()
    assert (body["event"], body["title"]) == (event, title)
    assert body["text"].startswith("Fold 1: ") and text in body["text"]


def test_two_processes_that_see_one_end_tell_it_once_and_an_end_after_a_resume_again(runs_folder, webhook):
    run = ended(make_run(runs_folder))
    together = [threading.Thread(target=tell, args=(run,)) for _ in range(4)]
    for each in together:
        each.start()
    for each in together:
        each.join()
    assert len(webhook.posts) == 1
    ends.watch(run)  # a fold of it begins again
    run.write_state(FoldState(0, "running"))
    with run.fold_lock(0):
        tell(run)
    assert len(webhook.posts) == 1
    run.write_state(FoldState(0, "failed", **DIVERGED))
    tell(run)
    assert [body["event"] for body in webhook.bodies()] == ["done", "diverged"]


def test_an_end_that_is_taken_back_meanwhile_is_left_to_who_sees_the_next_one(runs_folder):
    run = ended(make_run(runs_folder))
    looks = iter([True, False])
    assert not ends.take(runs_folder, ends.RUNS, run.id, lambda: next(looks))
    assert ends.watches(runs_folder, ends.RUNS, run.id)


def test_each_hears_of_what_it_chose_and_who_cancels_a_run_knows_it(runs_folder, webhook):
    addresses.add(runs_folder, f"{webhook.at}/failures", events=["failed", "diverged"])
    tell(ended(make_run(runs_folder)))
    assert [path for path, *_ in webhook.posts] == ["/all"]
    tell(ended(make_run(runs_folder), fold0={"state": "failed", **DIVERGED}))
    assert sorted(path for path, *_ in webhook.posts[1:]) == ["/all", "/failures"]
    cancelled = ended(make_run(runs_folder), fold0={"state": "cancelled"})
    tell(cancelled)
    assert len(webhook.posts) == 3 and not ends.watches(runs_folder, ends.RUNS, cancelled.id)


def test_who_cancels_by_force_is_not_told_of_a_death(runs_folder, webhook):
    run = ended(make_run(runs_folder), fold1={"state": "running"})  # its worker is killed, its state not yet written
    run.cancel_file(1).touch()
    tell(run, died=1)
    assert webhook.posts == []


def test_a_queue_that_stops_is_told_once_and_once_more_when_it_stops_again(runs_folder, webhook):
    for cause in ("The cluster is gone.", "It is gone again."):
        halt.stop(runs_folder, cause, "Look at it.", "engine")
        telling.tell(runs_folder, None)
        telling.tell(runs_folder, None)
    first, second = webhook.bodies()
    assert (first["event"], first["text"]) == ("queue", "The queue has stopped: The cluster is gone. Look at it.")
    assert "It is gone again" in second["text"]
    halt.go_on(runs_folder)
    telling.tell(runs_folder, None)
    assert len(webhook.posts) == 2


def test_a_study_is_told_when_the_last_of_its_runs_is_over(runs_folder, webhook, monkeypatch):
    ids = ["20260101-000000-a", "20260101-000001-b", "20260101-000002-c", "20260101-000003-d"]
    members = [StudyRun(run_id, run_id[-1], {}) for run_id in ids]
    study = Study("20260101-000000-s", "depths", "", 0.0, {}, members, refused={ids[3]: "no room"})
    record_file.folder_of(runs_folder).mkdir(parents=True)
    record_file.write(study, runs_folder)
    of = {"info": {"study": study.id}}
    first = ended(make_run(runs_folder, "a", run_id=ids[0], **of))
    second = ended(make_run(runs_folder, "b", run_id=ids[1], **of), fold0={"state": "queued"})
    tell(first)
    assert [body["event"] for body in webhook.bodies()] == ["done"]
    second.write_state(FoldState(0, "failed", **DIVERGED))
    with monkeypatch.context() as patch:
        close(patch, record_file.folder_of(runs_folder))
        with pytest.raises(LabError, match=r"its record cannot be read \(Permission denied\)"):
            tell(second)
    assert ends.watches(runs_folder, ends.STUDIES, study.id), "which was not deleted"
    assert [body["event"] for body in webhook.bodies()] == ["done", "diverged"], "the third is still to be launched"
    third = ended(make_run(runs_folder, "c", run_id=ids[2], **of))
    together = [threading.Thread(target=tell, args=(third,)) for _ in range(3)]
    for each in together:
        each.start()
    for each in together:
        each.join()
    body = webhook.bodies()[-1]
    assert [each["event"] for each in webhook.bodies()][2:] in (["done", "study"], ["study", "done"])
    body = next(each for each in webhook.bodies() if each["event"] == "study")
    assert body["title"] == "depths: the study has ended" and body["study"] == study.id
    assert body["text"].startswith("2 of 4 runs done, 1 failed. ")
    assert "has the highest macro F1 of the finished runs, 0." in body["text"]
    study = records.cancel(study, runs_folder)
    later = study.cancelled + 1
    ends_known = [(None, "done"), (later, "cancelled")]  # to who cancelled it, or cancelled by name what went on since
    ends_of_its_own = [(later, "failed"), (later, "done")]  # of what was resumed by whatever button, or joined
    for told, (began, state) in zip((1, 1, 2, 3), [*ends_known, *ends_of_its_own], strict=True):
        tell(ended(third, fold1={"started": began, "state": state}))
        assert [each["event"] for each in webhook.bodies()].count("study") == told


def test_no_run_of_a_study_is_told_to_be_the_highest_where_they_tell_different_classes(runs_folder, webhook):
    ids = ["20260101-000000-a", "20260101-000001-b"]
    study = Study("20260101-000000-s", "tasks", "", 0.0, {}, [StudyRun(run_id, run_id[-1], {}) for run_id in ids])
    record_file.folder_of(runs_folder).mkdir(parents=True)
    record_file.write(study, runs_folder)
    first, second = (ended(make_run(runs_folder, run_id=run_id, info={"study": study.id})) for run_id in ids)
    second.update_info(class_names=["a", "b", "c"])
    tell(first)
    (text,) = [body["text"] for body in webhook.bodies() if body["event"] == "study"]
    assert text == "2 of 2 runs done. Its runs tell different classes, so none of them has the highest macro F1."


def test_a_study_is_over_while_a_deleted_run_of_it_lies_in_the_trash_under_whatever_name(runs_folder):
    run_id = "20260101-000000-a"
    study = Study("20260101-000000-s", "depths", "", 0.0, {}, [StudyRun(run_id, "a", {})])
    record_file.folder_of(runs_folder).mkdir(parents=True)
    record_file.write(study, runs_folder)
    for _ in range(2):  # deleted, launched again by the study, and deleted again
        make_run(runs_folder, run_id=run_id)
        trash.delete([run_id])
    trash.delete_for_good([run_id])
    assert telling._is_over(study.id, runs_folder)
    trash.delete_for_good([entry.id for entry in index.listed(trash.trash_folder())])
    assert not telling._is_over(study.id, runs_folder)


def test_what_a_killed_messenger_left_is_told_by_who_looks_after_the_lab(runs_folder, webhook, monkeypatch):
    from core.studies import healing

    started = []
    monkeypatch.setattr(healing.detached, "start", lambda *words, root: started.append(words))
    long_ago = {"state": "done", "ended": 1_000.0}
    run = ended(make_run(runs_folder), fold0=long_ago, fold1=long_ago)
    at_work, over = "20260101-000000-s", "20260101-000001-s"
    ended(make_run(runs_folder, "running", info={"study": at_work}), fold0={"state": "queued"})
    last = ended(make_run(runs_folder, "last", info={"study": over}), fold0=long_ago, fold1=long_ago)
    ends.forget(runs_folder, ends.RUNS, last.id)  # that one was told, while the study's record was out of reach
    (addresses.folder_of(runs_folder) / ends.RUNS / "gone").touch()
    for _ in range(2):
        _tell_what_was_left_over(runs_folder, summaries(runs_folder))
    assert started == [("tell", run_id, "--runs", str(runs_folder)) for run_id in (run.id, last.id)], "once each"
    assert not ends.watches(runs_folder, ends.RUNS, "gone")
