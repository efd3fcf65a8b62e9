"""Live, run without a browser on made-up run folders."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.jobs import control, elsewhere, halt
from core.report import render
from core.runs import FoldState, metrics_file, starts
from core.runs.lists.summaries import summaries
from core.runs.use import used
from core.storage import files
from pages.parts.bell.favicon import favicon
from pages.parts.live import looks, machine, samples, waits
from pages.parts.run import curves, everybody, view
from pages.parts.shared import run_picker
from tests.pages.app import button, captions, html, labels, page
from tests.pages.trials import lost_samples, make_run, metric_rows
from tests.photos import draw

pytestmark = pytest.mark.usefixtures("folder")

EVIL = "<b>evil</b> **bold** :smile:"


def test_no_run_yet_says_what_to_do():
    live = page("live")
    assert "No run yet" in live.info[0].value


def test_a_finished_run_shows_its_table_with_mean_deviation_and_number_of_folds(folder):
    run = make_run(folder, states=("done", "done", "done"))
    markup = html(page("live", run=run.id))
    scores = [state.scores["final_f1"] for state in run.states()]
    assert f"{np.mean(scores):.3f} ± {np.std(scores, ddof=1):.3f} (3)" in markup
    assert "best epoch" in markup and "last epoch" in markup


def test_where_the_weights_came_from_how_a_mixed_photo_counts_and_whether_the_last_epoch_is_chosen_is_said(folder):
    used = {"weights": {"file": "resnet18-f37072fd.pth", "sha256": "f37072fd47e89c5e"}}
    plain = page("live", run=make_run(folder, "plain", info=used).id)
    assert "from ImageNet weights, SHA-256 f37072fd" in html(plain)
    assert not [caption for caption in plain.caption if "mixed" in caption.value]
    assert "the last epoch is not chosen. " in captions(plain)
    settings = {
        "training": {"early_stopping": 3},
        "mix": {"method": "mixup"},
        "model": {"init": "run:20260101-000000-first-0000", "head": "factored"},
    }
    mixed = page("live", run=make_run(folder, "mixed", **settings).id)
    assert 'best weights of <a href="live?run=20260101-000000-first-0000"' in html(mixed)
    assert "factored head" in html(mixed)
    assert any("for the label with the larger share" in caption.value for caption in mixed.caption)
    assert "the last epoch is where early stopping ends training by held-out F1" in captions(mixed)


def test_live_opens_the_newest_run_and_puts_it_in_the_address(folder):
    make_run(folder, "old", run_id="20260101-000000-old-0000")
    make_run(folder, "new", run_id="20260201-000000-new-0000")
    at = page("live")
    assert at.query_params["run"] == "20260201-000000-new-0000"
    assert at.selectbox(key="run-picker").value == "20260201-000000-new-0000"


def test_the_picker_opens_another_run(folder):
    make_run(folder, "old", run_id="20260101-000000-old-0000")
    make_run(folder, "new", run_id="20260201-000000-new-0000")
    at = page("live")
    at.selectbox(key="run-picker").select("20260101-000000-old-0000").run()
    assert at.query_params["run"] == "20260101-000000-old-0000"
    assert ">old</div>" in html(at)


def test_a_failed_fold_says_where_what_and_what_to_do_and_offers_resume(folder):
    at = page("live", run=make_run(folder, states=("done", "failed")).id)
    markup = html(at)
    assert "fold 1, after epoch 2:" in markup and "Lower the rate." in markup
    assert "&lt;i&gt;NaN&lt;/i&gt;" in markup and "<i>NaN</i>" not in markup
    assert "Resume" in labels(at) and "Cancel" not in labels(at)
    assert [e.label for e in at.expander].count("Show log") == 1


def test_a_fold_whose_worker_died_is_interrupted(folder):
    at = page("live", run=make_run(folder, states=("done", "running")).id)
    assert "interrupted" in html(at) and "Resume" in labels(at)


def test_before_the_first_epoch_its_steps_are_named_and_nothing_is_drawn(folder):
    run = make_run(folder, states=("queued", "queued"))
    waiting = html(page("live", run=run.id))
    assert "Its turn in the queue" in waiting and "next; a worker starts" in waiting
    assert "lab-table" not in waiting and 'class="lab-now"' in waiting
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACET_ENGINE", "ray")
        assert "next; the cluster begins it" in html(page("live", run=run.id))
        trouble = "No node of the cluster can take a fold job."
        elsewhere.report_file(folder).parent.mkdir(parents=True, exist_ok=True)
        files.write_json(elsewhere.report_file(folder), {"trouble": trouble})
        assert trouble in html(page("live", run=run.id))
        under_way = {"address": "ray://old:10001", "under_way": [{"run": "another", "fold": 0}], "trouble": trouble}
        files.write_json(elsewhere.report_file(folder), under_way)
        patch.setenv("FACET_ENGINE", "ray://new:10001")
        waiting = html(page("live", run=run.id))
        assert "What trains on the cluster at ray://old:10001 is collected first" in waiting and trouble not in waiting
        assert "collected first" in captions(page("settings"))
        patch.setenv("FACET_ENGINE", "nowhere")
        assert "next; a worker starts" in html(page("live", run=run.id))
    halt.stop_file(folder).parent.mkdir(parents=True, exist_ok=True)
    files.write_json(halt.stop_file(folder), {"when": 0.0, "reason": "no room", "jobs": [], "cause": "disk full"})
    assert "the queue is stopped" in html(page("live", run=run.id))
    halt.stop_file(folder).unlink()
    run.write_state(FoldState(0, "running"))
    with run.fold_lock(0):
        assert _now(html(page("live", run=run.id))) == "Loading PyTorch"
        stage = {"kind": "stage", "stage": waits.DECODING, "step": 120, "steps": 300}
        files.write_json(run.progress_file(0), stage)
        decoding = html(page("live", run=run.id))
        assert _now(decoding) == "Decoding photos" and "120 of 300" in decoding and 'aria-valuenow="40"' in decoding
        files.write_json(run.progress_file(0), {**stage, "stage": waits.NETWORK, "step": 0, "steps": 0})
        building = html(page("live", run=run.id))
        assert _now(building) == "Building the network" and "0 / 0" not in building
        first = {"epoch": 1, "epochs": 4, "split": "train", "step": 2, "steps": 5, "images_per_second": 30.0}
        files.write_json(run.progress_file(0), first)
        stepping = html(page("live", run=run.id))
        assert _now(stepping) == "First epoch" and "step 2 of 5" in stepping
        metrics_file.append_metrics(run.metrics_file(0), metric_rows(1, 0))
        assert "Before the first epoch" not in html(page("live", run=run.id))


def test_the_photos_it_is_about_to_learn_from_stand_there_until_the_first_epoch(folder):
    run = make_run(folder, states=("queued", "queued"))
    announced = "It is about to learn from photos such as these"
    assert announced not in html(page("live", run=run.id)), "not one of them can be read"
    run = make_run(folder, "with photos", states=("queued", "queued"))
    for path in run.samples()["path"]:
        draw(Path(path))
    before = html(page("live", run=run.id))
    assert announced in before and before.partition(announced)[2].count("<img") == len(run.samples())
    metrics_file.append_metrics(run.metrics_file(0), metric_rows(1, 0))
    assert announced not in html(page("live", run=run.id))


def test_photos_that_were_away_once_are_shown_when_they_are_back(folder):
    run = make_run(folder, states=("queued", "queued"))
    paths = [Path(path) for path in run.samples()["path"]]
    for path in paths:
        draw(path)
    away = folder / "away"
    away.mkdir()
    for path in paths[1:]:
        path.rename(away / path.name)
    announced = "It is about to learn from photos such as these"
    asked = run.id, 0, 1, run.photos_version()
    assert html(page("live", run=run.id)).partition(announced)[2].count("<img") == 1
    pictures, fault = samples.network_samples(*asked)
    assert pictures == [] and fault, "the photo that is there is one that fold 0 holds out"
    for path in paths[1:]:
        (away / path.name).rename(path)
    pictures, fault = samples.network_samples(*asked)
    assert html(page("live", run=run.id)).partition(announced)[2].count("<img") == len(paths)
    assert len(pictures) == len(paths) // 2 and fault == ""


def test_photos_that_were_replaced_are_shown_as_they_are(folder):
    run = make_run(folder, states=("queued", "queued"))
    paths = [draw(Path(path), (200, 0, 0), (300, 300)) for path in run.samples()["path"]]
    asked = run.id, 0, 1, run.photos_version()
    before, _ = samples.network_samples(*asked)
    for path in paths:
        draw(path, (0, 0, 200), (310, 310))
    pictures, _ = samples.network_samples(*asked)
    assert len(pictures) == len(before) > 0 and not {data for data, _ in pictures} & {data for data, _ in before}


def _now(markup):
    """The step that is under way."""
    return markup.split('class="lab-now"')[1].split("</span> ")[1].split("<")[0]


def test_a_run_that_failed_before_its_first_epoch_has_no_empty_axes(folder):
    run = make_run(folder, states=("queued", "queued"))
    for fold in (0, 1):
        run.write_state(FoldState(fold, "failed", reason="no memory.", remedy="Close something."))
    at = page("live", run=run.id)
    assert "No epoch was trained to its end" in html(at) and "lab-waits" not in html(at).split("</style>")[-1]


def test_device_threads_memory_and_speed_stand_beneath_the_progress(folder):
    run = make_run(folder, states=("running", "queued"), info={"device": "CPU, 2 threads", "precision": "bfloat16"})
    progress = {"epoch": 3, "epochs": 4, "split": "train", "step": 5, "steps": 10, "images_per_second": 28.4}
    files.write_json(run.progress_file(0), {**progress, "worker": {"held": 642e6, "limit": 12e9}})
    with run.fold_lock(0):
        markup = html(page("live", run=run.id))
    assert "CPU, 2 threads · bfloat16 · holds 642 MB of 12 GB" in markup and "28 img/s" in markup
    assert machine.in_words({"device": "NVIDIA T4", "threads": 4, "peak_memory": 3.2e9}, []) == (
        "NVIDIA T4 · 4 threads · 3.2 GB at its peak"
    )
    assert machine.in_words({"device": "CPU, 1 threads"}, [{}, {}]) == "CPU, 1 thread each"
    assert machine.in_words({}, [{}, {}]) == ""


READING = {"gpu": 87.4, "gpu_memory": 41.2e9, "gpu_memory_total": 85e9, "temperature": 64, "cpu": 93.2, "cores": 2}
USE = "GPU 87% · 41.2 of 85.0 GB · 64 °C · CPU 93% of 2 cores"


def test_a_fold_that_trains_tells_what_it_uses_of_its_machine(folder):
    run = make_run(folder, states=("running", "running", "queued"))
    progress = {"epoch": 3, "epochs": 4, "split": "train", "step": 5, "steps": 10}
    files.write_json(run.progress_file(0), {**progress, "use": {**READING, "held": 640e6}})
    files.write_json(run.progress_file(1), {**progress, "use": {"cpu": 50, "gpu": None, "temperature": "hot"}})
    with run.fold_lock(0), run.fold_lock(1):
        markup = html(page("live", run=run.id))
    assert f"{USE} · holds 640 MB</div>" in markup and '<div class="lab-meta">CPU 50%</div>' in markup


def test_a_fold_without_a_look_yet_has_no_line_for_it(folder):
    run = make_run(folder, states=("running", "queued"))
    with run.fold_lock(0):
        for use in ({}, None, "87%", {"gpu": "87"}):
            files.write_json(run.progress_file(0), {"epoch": 3, "epochs": 4, "split": "train", "use": use})
            assert "GPU" not in html(page("live", run=run.id)), use


def test_a_network_on_everybody_says_where_its_folds_were_trained_by_another_loss(folder):
    weighted = {"training": {"loss": "weighted"}}
    parent = make_run(folder, **weighted)
    run = make_run(folder, "on everybody", ("done",), everybody=parent.id, **weighted)
    assert everybody.otherwise(run, run.config(), parent) == []
    starts.note(run, 0, 0, {"weighs": "photos"})
    (words,) = everybody.otherwise(run, run.config(), parent)
    assert words.endswith("their score is thus of another loss.")


def test_a_network_on_everybody_has_no_card_so_its_use_stands_with_the_device():
    assert machine.in_words({"device": "NVIDIA T4"}, [{"use": READING}], tells_use=True) == f"NVIDIA T4 · {USE}"


def test_how_much_a_run_used_stays_with_its_device_and_its_log(folder):
    run = make_run(folder, info={"device": "NVIDIA T4", "peak_memory": 3.2e9})
    for fold, share in ((0, 80), (1, 100)):
        looks = used.Totals()
        looks.add({**READING, "gpu": share, "held": 640e6})
        used.keep(run, fold, looks.record(), goes_on=False)
    markup = html(page("live", run=run.id))
    assert (
        "NVIDIA T4 · 3.2 GB at its peak · GPU 90% on average, 100% at most · GPU memory 41.2 of 85.0 GB at most · "
        "64 °C at most · CPU 93% of 2 cores on average · its processes held 640 MB at most"
    ) in markup
    assert "<tr><td>fold 1</td><td>100%, at most 100%</td><td>41.2 of 85.0 GB</td><td>64 °C</td>" in markup
    assert "<tr><td>all folds</td><td>90%, at most 100%</td>" in markup


def test_the_memory_of_a_cpu_run_is_told_once(folder):
    facts = {"device": "CPU, 2 threads", "peak_memory": 3.2e9}
    looks = used.Totals()
    looks.add({"cpu": 93.0, "cores": 2, "held": 3.1e9})
    words = machine.in_words({**facts, used.KEY: {0: looks.record()}}, [])
    assert words == "CPU, 2 threads · 3.2 GB at its peak · CPU 93% of 2 cores on average"


def test_a_run_of_before_tells_nothing_of_its_use(folder):
    assert "while training" not in html(page("live", run=make_run(folder).id))


def test_what_was_cancel_is_nothing_else_after_the_click(folder, monkeypatch):
    """The second half of a double click must not press what undoes the first."""
    run = make_run(folder, states=("queued", "queued"))

    def cancel(run):
        for fold in run.folds():
            run.write_state(FoldState(fold, "cancelled"))

    monkeypatch.setattr(control, "cancel", cancel)
    at = page("live", run=run.id)
    before = labels(at)
    button(at, "Cancel").click().run()
    assert button(at, "Cancel").disabled and "Resume" in labels(at)
    assert labels(at).index("Cancel") == before.index("Cancel"), "what comes with the end stands after it"
    assert labels(at).index("Resume") > labels(at).index("Cancel")


@pytest.mark.parametrize("kind", ["diverged", "memory", "data-changed"])
def test_a_run_that_would_fail_again_offers_first_to_change_it(folder, kind):
    run = make_run(folder, states=("queued", "queued"))
    for fold in (0, 1):
        run.write_state(FoldState(fold, "failed", reason="it failed.", remedy="Change it.", kind=kind))
    at = page("live", run=run.id)
    assert button(at, "Run again").proto.type == "primary" and button(at, "Resume").proto.type == "secondary"
    run.write_state(FoldState(0, "interrupted"))
    run.write_state(FoldState(1, "interrupted"))
    at = page("live", run=run.id)
    assert button(at, "Run again").proto.type == "secondary" and button(at, "Resume").proto.type == "primary"


def test_a_first_run_is_explained_until_that_is_put_away(folder):
    run = make_run(folder, states=("running", "queued"))
    with run.fold_lock(0):
        at = page("live", run=run.id)
        assert "How to read the curves" in " ".join(each.value for each in at.markdown)
        button(at, "No tour").click().run()
        assert "How to read the curves" not in " ".join(each.value for each in at.markdown)
        again = page("live", run=run.id)
        assert "How to read the curves" not in " ".join(each.value for each in again.markdown), "another session"


def test_the_tour_calls_nobody_unseen_where_persons_are_unknown(folder):
    run = make_run(folder, states=("running", "queued"))
    told = {}
    for known in (0, 24):
        info = run.info() | {"persons": {"photos": 24, "known": known, "people": 24}}
        files.write_json(run.dir / "run.json", info)
        with run.fold_lock(0):
            told[known] = " ".join(each.value for each in page("live", run=run.id).markdown)
    assert "photos that it never saw" in told[0] and "people" not in told[0]
    assert "people that it never saw" in told[24]


def test_a_fold_that_trains_offers_cancel_and_shows_epoch_speed_and_time_left(folder):
    run = make_run(folder, states=("done", "running", "queued"))
    progress = {"epoch": 3, "epochs": 4, "split": "train", "step": 5, "steps": 10, "images_per_second": 28.4}
    files.write_json(run.fold_dir(1) / "progress.json", {**progress, "eta_seconds": 60.0})
    with run.fold_lock(1):
        at = page("live", run=run.id)
    markup = html(at)
    assert "Cancel" in labels(at) and "Resume" not in labels(at)
    assert "epoch 3 / 4" in markup and "step 5 / 10" in markup and "28 img/s" in markup
    assert "1 min 24 s left" in markup  # 60 s for this fold, 4 epochs x 6 s for the one that waits


def test_cancel_and_resume_reach_the_jobs(folder, monkeypatch):
    calls = []
    monkeypatch.setattr(control, "cancel", lambda run: calls.append(("cancel", run.id)))
    monkeypatch.setattr(control, "resume", lambda run: calls.append(("resume", run.id)) or [1])
    run = make_run(folder, states=("interrupted", "queued"))
    at = page("live", run=run.id)
    for label in ("Cancel", "Resume"):
        next(button for button in at.button if button.label == label).click().run()
    assert calls == [("cancel", run.id), ("resume", run.id)]


@pytest.mark.parametrize("left", [b"{", None], ids=["torn", "gone"])
def test_resume_of_a_run_whose_samples_cannot_be_read_says_which_file(folder, left):
    run = lost_samples(make_run(folder, states=("done", "running")), left)
    at = page("live", run=run.id)
    button(at, "Resume").click().run()
    assert not at.exception
    assert f"{run.id}: samples.parquet is {'damaged' if left else 'gone'}" in html(at)


def test_names_are_text_never_markup(folder):
    run = make_run(folder, EVIL, states=("done", "failed"))
    for name in ("home", "live"):
        markup = html(page(name, run=run.id))
        assert "<b>evil</b>" not in markup
    assert "&lt;b&gt;evil&lt;/b&gt;" in markup


def test_a_bad_address_is_one_sentence(folder):
    make_run(folder)
    for run_id in ("../../etc/passwd", "C:\\x", "a\x00b", "20260101-000000-gone-0000"):
        at = page("live", run=run_id)
        assert ("is gone" if "gone" in run_id else "is not a run id") in html(at), run_id
        assert at.selectbox(key="run-picker").value is None


@pytest.mark.parametrize("damaged", ["config.yaml", "run.json", "summary.json"])
def test_a_damaged_run_is_a_sentence_not_a_traceback(folder, damaged):
    run = make_run(folder)
    (run.dir / damaged).write_text("{nope: [")
    for name in ("home", "live"):
        at = page(name, run=run.id)
    if damaged != "summary.json":
        assert "configuration" in html(at) or "config.yaml" in html(at)
    else:
        assert "unreadable" not in html(at) and summaries()[0]["state"] == "done", "it is made anew"


def test_metrics_are_parsed_again_only_when_a_file_changed(folder, monkeypatch):
    run = make_run(folder, states=("done", "running"))
    version = view.metrics_version(run, [0, 1])
    table = view.metrics_of(version)
    read = []
    real = metrics_file.read_metrics
    monkeypatch.setattr(metrics_file, "read_metrics", lambda path: read.append(path) or real(path))
    assert view.metrics_of(view.metrics_version(run, [0, 1])) is table
    assert read == []
    metrics_file.append_metrics(run.metrics_file(1), metric_rows(3, 1)[-2:])
    grown = view.metrics_of(view.metrics_version(run, [0, 1]))
    assert read == [run.metrics_file(1)] and len(grown) == len(table) + 2


def test_progress_never_passes_the_end_and_time_left_is_never_negative(folder):
    run = make_run(folder, states=("done", "running"))
    late = {"epoch": 3, "epochs": 4, "split": "validation", "step": 9, "steps": 9, "eta_seconds": 0.0}
    files.write_json(run.fold_dir(1) / "progress.json", late)
    with run.fold_lock(1):
        status = view.read_status(run, run.config(), [])
    assert 0 <= status.share <= 1 and status.seconds_left(pd.DataFrame()) == 0.0


def test_a_run_whose_last_epoch_is_trained_is_not_called_through_before_it_is(folder, monkeypatch):
    told = []
    monkeypatch.setattr("pages.parts.shared.frame.st.set_page_config", lambda **words: told.append(words))
    run = make_run(folder, "utk", states=("done", "running"))
    run.write_state(FoldState(1, "running", epoch=run.config().epochs))
    with run.fold_lock(1):
        markups = [html(page("home")), html(page("live", run=run.id))]
    said = [[words for words in ("99%", "100%") if f"<span>{words}</span>" in markup] for markup in markups]
    assert said == [["99%"], ["99%"]]
    tabs = [words for words in told if words["page_title"].startswith("99% · utk")]
    assert len(tabs) == 2 and {words["page_icon"] for words in tabs} == {favicon("running", 99)}
    assert favicon("running", 99) != favicon("running", 100)


def status_of(folds, *, etas, **facts):
    """Of a run of four epochs. etas: fold -> seconds that it tells of its end, of each that trains."""
    progress = {fold: {} if eta is None else {"eta_seconds": eta} for fold, eta in etas.items()}
    return view.RunStatus("r", 4, folds, progress, 0, **facts)


def test_time_left_is_that_of_the_fold_that_ends_last():
    took_600 = pd.DataFrame(metric_rows(4)).assign(fold=0, seconds=75.0)  # 4 epochs, each of two such rows
    done = FoldState(0, "done", epoch=4)
    trains = [done, FoldState(1, "running", epoch=3), FoldState(2, "running")]
    waits = [*trains, FoldState(3, "queued")]
    assert status_of(trains, etas={1: 20.0, 2: None}).seconds_left(took_600) == 600.0, "the second has just begun"
    assert status_of(waits, etas={1: 10.0, 2: 10.0}).seconds_left(took_600) == 610.0, "one fold trains in one slot"
    assert status_of(waits, etas={1: 10.0, 2: 10.0}, paused=True).seconds_left(took_600) == 10.0
    resumed = [*trains, FoldState(3, "queued", epoch=3)]
    assert status_of(resumed, etas={1: 10.0, 2: 10.0}).seconds_left(took_600) == 160.0, "one of its epochs is to come"


def test_no_time_left_is_told_that_no_fold_tells():
    begun = [FoldState(0, "running"), FoldState(1, "running"), FoldState(2, "queued")]
    assert status_of(begun, etas={0: None, 1: None}).seconds_left(pd.DataFrame()) is None
    assert status_of(begun, etas={0: 40.0, 1: None}).seconds_left(pd.DataFrame()) == 80.0, "all folds are alike"
    assert status_of(begun[2:], etas={}).seconds_left(pd.DataFrame()) is None, "nobody knows when it begins"


def test_what_waits_has_the_short_epochs_of_a_frozen_backbone_and_the_long_ones_that_follow():
    table = pd.DataFrame(metric_rows(3)).assign(fold=0, seconds=0.5)
    table.loc[table["epoch"] == 3, ["phase", "seconds"]] = [1, 5.0]
    folds = [FoldState(0, "running", epoch=3), FoldState(1, "queued")]
    progress = {"epoch": 4, "phase": 1, "split": "train", "step": 0, "steps": 9}
    last = view.RunStatus("r", 6, folds, {0: {**progress, "eta_seconds": 30.0}}, 0)
    assert last.seconds_left(table) == 30 + 2 * 1 + 4 * 10
    frozen = view.RunStatus("r", 6, folds, {0: {**progress, "phase": 0, "eta_seconds": None}}, 0)
    assert frozen.seconds_left(table[table["phase"] == 0]) is None, "no epoch tells how long those to come are"
    ended = [FoldState(2, "done", epoch=6), *folds]
    whole = pd.concat([table, pd.DataFrame(metric_rows(6)).assign(fold=2, seconds=4.0)])
    assert view.RunStatus("r", 6, ended, last.progress, 0).seconds_left(whole) == 30 + 6 * 8


def test_the_dots_of_twenty_folds_differ(folder):
    run = make_run(folder, states=("done",) * 20, epochs=1)
    cards = view.folds_html(view.read_status(run, run.config(), []), {}, "#0b6b8c")
    assert len(set(re.findall(r'class="lab-dot" style="([^"]*)"', cards))) == 20


def test_a_runs_label_in_the_picker_does_not_change_while_it_trains(folder):
    """A label is what the browser sends back: with the state in it, a reload after the end opened nothing."""
    run = make_run(folder, states=("queued", "queued"))
    before = run_picker.run_label(summaries()[0])
    for fold in (0, 1):
        run.write_state(FoldState(fold, "done", epoch=4))
    assert run_picker.run_label(summaries()[0]) == before


def test_folds_to_which_the_same_happened_are_told_together():
    failed = [FoldState(fold, "failed", reason="disk full.", remedy="Free some space.") for fold in (0, 2)]
    later = FoldState(1, "failed", reason="disk full.", remedy="Free some space.", epoch=3)
    markup = view.failures_html([failed[0], later, failed[1], FoldState(3, "done")])
    assert markup.count("disk full.") == 2
    assert "folds 0, 2:" in markup and "fold 1, after epoch 3:" in markup and "fold 3" not in markup


def test_a_fold_without_a_class_is_marked_beside_its_scores(folder):
    named = {"root": "/photos/demo", "person_column": "who"}
    run = make_run(folder, states=("done", "queued", "done"), lacks=2, data=named)
    at = page("live", run=run.id)
    markup = html(at)
    assert "Fold 2 has no photo of &#x27;&lt;script&gt;alert(1)&lt;/script&gt;&#x27;: its macro F1 counts 0" in markup
    assert markup.count("no &#x27;&lt;script&gt;") == 2, "the card and the row of fold 2, and no other"
    assert "macro F1 over all 2 classes of the task" in " ".join(c.value for c in at.caption)
    assert "Persons are unknown" not in markup  # a column named them
    assert "has no photo of" not in html(page("live", run=make_run(folder, "whole", states=("done",) * 3).id))


def test_the_toolbar_of_the_curves_has_the_colour_of_text_and_stays_away_where_nothing_hovers():
    assert "color: ink || grid" in curves._JS and "path { opacity: .7; }" in curves._CSS
    assert "@media (hover: none) { .lab-curves .modebar-container { display: none; } }" in curves._CSS


@pytest.mark.parametrize("script", [curves._JS, (render.TEMPLATES / "report.html.j2").read_text("utf-8")])
def test_no_chart_offers_to_be_uploaded(script):
    """plotly's toolbar would, with a button that is there unless it is taken out."""
    assert "showSendToCloud: false" in script and 'plotlyServerURL: ""' in script and '"sendChartToCloud"' in script


def test_how_curves_are_drawn_stands_in_the_address_and_the_run_behind_them_is_of_the_same_dataset(folder, monkeypatch):
    sent = []
    monkeypatch.setattr(curves, "_CURVES", lambda **drawn: sent.append(json.loads(drawn["data"])))
    older = make_run(folder, "older")
    run, stranger = make_run(folder, "mine"), make_run(folder, "stranger", data={"root": "/data/else"})
    at = page("live", run=run.id, smooth="0.6", log="1", behind=older.id)

    def drawn():
        loss, accuracy, _ = (panel["figure"] for panel in sent[-1]["panels"])
        parts = [trace["meta"]["part"] for trace in loss["data"]]
        smooth = any(trace["meta"].get("smoothed") for trace in loss["data"])
        return "behind" in parts, smooth, loss["layout"]["yaxis"].get("type"), accuracy["layout"]["yaxis"].get("type")

    assert drawn() == (True, True, "log", None)
    monkeypatch.setattr(looks, "MOST", 0)  # as with thousands of newer runs
    at.run()
    assert drawn()[0]
    assert sent[-1]["legend"][-1]["label"] == "older"
    (box,) = [each for each in at.selectbox if each.label == "Another run behind the curves"]
    assert box.value == older.id and len(box.options) == 2
    box.select("").run()
    assert drawn() == (False, True, "log", None)
    assert "behind" not in at.query_params and at.query_params["smooth"] == "0.6" and at.query_params["log"] == "1"
    (toggle,) = [each for each in at.toggle if "logarithmic" in each.label]
    toggle.set_value(False).run()
    assert drawn() == (False, True, None, None) and "log" not in at.query_params
    page("live", run=run.id, smooth="7", log="yes", behind=stranger.id)
    assert drawn() == (False, False, None, None)
