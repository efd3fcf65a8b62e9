"""What the pages say once a cluster is gone, or who collects from it, and how it goes on here."""

import pytest

from core.engines import life, pack
from core.engines.cluster import Gone
from core.engines.parcel import FoldJob
from core.jobs import control, elsewhere, halt, queue
from core.runs import FoldState
from core.storage import files
from tests.engines.in_process import Near, demand, near
from tests.pages.app import button, html, labels, page
from tests.pages.trials import make_run

ENSURE = control.ensure_workers  # as the fixtures of pages leave it out
ADDRESS = "ray://127.0.0.1:10001"
NODE = {"id": "n0", "name": "gpu-1", "device": "NVIDIA H100", "memory": 128e9}


@pytest.fixture
def starts(folder, monkeypatch):
    """What the lab starts, by its name, instead of starting it."""
    started = []
    monkeypatch.setattr(control, "ensure_workers", ENSURE)
    monkeypatch.setenv("FACET_ENGINE", ADDRESS)
    monkeypatch.setattr(control, "start_writer", lambda root: started.append("writer"))
    monkeypatch.setattr(control, "start_worker", lambda root: started.append("worker"))
    return started


@pytest.fixture
def orphan(folder, starts):
    """A run of two folds whose cluster died while the first of them trained."""
    run = make_run(folder, states=("queued", "queued"))
    queue.enqueue(run, [0])
    _, hands = near()

    class Mortal(Near):
        def take(self, writer, confirmed):
            if run.written_state(0).state == "running":
                raise Gone("nothing listens there any more")
            return super().take(writer, confirmed)

    def pause(seconds):
        hands.desk.tick()
        for _, job, _, _ in hands.started:
            hands.desk.begun(job.key, job.attempt, NODE)

    def packed(run, fold, attempt, **_):
        return pack.Packed(FoldJob(run.id, fold, attempt, {}))  # its photos are made up

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack, "pack", packed)
        life.serve(folder, lambda *_: Mortal(hands.desk), demand, pause=pause)
    return run


def test_a_cluster_that_died_is_told_on_each_page_and_resume_goes_on_here(orphan, folder, starts, monkeypatch):
    assert orphan.fold_state(0).state == "interrupted"
    words = f"The Ray cluster at {ADDRESS} is gone: nothing listens there any more."
    for name in ("runs", "live"):
        at = page(name, run=orphan.id)
        assert f"The queue has stopped: {words}" in html(at)
        assert "Start it anew and let the queue go on, or choose another engine and resume." in html(at)
        assert "Go on" in labels(at)
    assert html(at).count(words) == 2, "of the queue, and of the fold"
    assert "Resume goes on after epoch 0, there once it is back, or on this machine." in html(at)
    assert starts == []

    monkeypatch.setenv("FACET_ENGINE", "this-machine")
    monkeypatch.setattr(control, "check_unchanged", lambda *_: None)  # its photos are made up
    button(at, "Resume").click().run()
    assert halt.stopped(folder) is None
    assert (orphan.id, 0) in [job[1:] for job in queue.entries(folder)]
    assert set(starts) == {"worker"}
    assert "is gone" not in html(page("live", run=orphan.id))


@pytest.mark.parametrize("choice", [ADDRESS, "this-machine", "ray://127.0.0.1:10002", "nowhere"])
@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_lab_that_was_killed_says_that_the_cluster_goes_on_and_starts_the_writer_again(
    folder, starts, monkeypatch, choice, is_stopped
):
    """Wherever fold jobs train by now, and though three of them failed at once."""
    monkeypatch.setenv("FACET_ENGINE", choice)
    for number in range(3 if is_stopped else 0):
        halt.failed(folder, "gpu-2", f"job {number}", "unexpected: it broke.", 1.0)
    run = make_run(folder, states=("queued", "queued"))
    worker = {**NODE, "engine": ADDRESS, "desk": "d", "attempt": 1}
    run.write_state(FoldState(0, "running", worker=worker, epoch=3))
    elsewhere.report_file(folder).parent.mkdir(parents=True, exist_ok=True)
    elsewhere.report_file(folder).write_text(
        f'{{"address": "{ADDRESS}", "under_way": [{{"run": "{run.id}", "fold": 0, "attempt": 1, "node": "gpu-1"}}]}}'
    )
    markup = html(page("live", run=run.id))
    assert "The process that collects what the cluster trains was stopped; the cluster goes on meanwhile." in markup
    assert "The lab starts it again by itself, and what came in the meantime is here then." in markup
    assert "writer" in starts


@pytest.mark.parametrize("act", ["Cancel", "Resume"])
def test_who_cancels_or_resumes_here_has_the_writer_stop_what_trains_there(folder, starts, monkeypatch, act):
    run = make_run(folder, states=("queued", "queued"))
    queue.enqueue(run, [1])
    worker = {**NODE, "engine": ADDRESS, "desk": "d", "attempt": 1}
    run.write_state(FoldState(0, "running", worker=worker, epoch=3))
    elsewhere.report_file(folder).parent.mkdir(parents=True)
    under_way = [{"run": run.id, "fold": 0, "attempt": 1, "node": "gpu-1"}]
    files.write_json(elsewhere.report_file(folder), {"address": ADDRESS, "under_way": under_way})
    monkeypatch.setenv("FACET_ENGINE", "this-machine")
    monkeypatch.setattr(control, "check_unchanged", lambda *_: None)  # its photos are made up
    (control.cancel if act == "Cancel" else control.resume)(run)
    assert "writer" in starts
    assert ("worker" in starts) == (act == "Resume")
    assert run.fold_state(0).state == ("cancelled" if act == "Cancel" else "queued")
