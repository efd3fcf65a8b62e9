"""The page Settings: room on the disk, decoded photos, where fold jobs train, the doctor's looks."""

import importlib.util
import re
from dataclasses import replace
from html import unescape

import numpy as np
import psutil
import pytest

from core import machine
from core.data.pictures import kept
from core.engines.engine import Capacity, RayEngine
from core.engines.parcel import Node
from core.errors import LabError
from core.jobs import doctor, elsewhere, queue, slots
from core.jobs.alerts import addresses
from core.jobs.doctor import Finding
from core.jobs.gpus import Gpu
from core.jobs.room import keep, use
from core.jobs.trash import trash_folder
from core.places import HOME
from core.runs import Run
from core.runs.create import create
from core.runs.kept import sizes
from core.runs.lists import index
from core.runs.use import used
from core.storage import asking, files
from core.storage.asking import Asker
from core.text import plain, size
from core.training.gauges.now import GpuNow, Now
from core.training.gauges.nvidia import REFUSED
from pages.parts.runs import columns
from pages.parts.settings import about
from pages.parts.settings import now as now_page
from tests.answered import made, photo, probabilities_of, table_of
from tests.closed import close
from tests.pages.app import captions, html, page
from tests.webhooks import listening


@pytest.fixture
def run(folder, tmp_path):
    """A finished run with answers and stand-ins for weights, which nobody opens here."""
    samples = table_of(tmp_path / "photos")
    for row in samples.index:
        photo(tmp_path / "photos" / samples.loc[row, "sample"], row)
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], seed=0, wrong={3: 1}))
    for fold in run.folds():
        for which, amount in (("best", 3_000_000), ("final", 2_000_000)):
            run.weights_file(fold, which).write_bytes(b"x" * amount)
    return run


def typed(at, label):
    return next(each for each in at.text_input if each.label == label)


def test_an_empty_lab_says_what_will_be_listed_and_what_it_cannot_count_and_opens_no_cluster(folder, monkeypatch):
    (trash := trash_folder(folder)).mkdir(parents=True)
    close(monkeypatch, trash)
    at = page("settings")
    (warning,) = [each.value for each in at.warning if "trash" in each.value]
    assert plain(f"{trash} cannot be read and is not counted (Permission denied).") in warning
    assert "No run yet" in captions(at) and "free</b> of" in html(at)
    assert "this lab takes" in html(at) and not at.dataframe
    assert "Python" in "".join(each.value for each in at.markdown)


NOW = Now(34.2, 8, 5_100_000_000, 8_200_000_000)
GPU = GpuNow("NVIDIA H100", "b", {"gpu": 87.0, "gpu_memory": 41.2e9, "gpu_memory_total": 85e9, "temperature": 64.0})


def rows_of(now, usable=()):
    spans = re.findall(r"<span>(.*?)</span>", now_page.now_html(now, list(usable)))
    cells = [unescape(text) for text in spans if text]
    return dict(zip(cells[::2], cells[1::2], strict=True))


def test_what_the_machine_does_now_is_told(folder):
    markup = html(page("settings"))
    assert "Processor" in markup and f"of {size(psutil.virtual_memory().total)}" in markup.replace("GB taken", "GB")


def test_processor_and_memory_are_told_with_what_the_lab_may_use_of_them(monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: 8)
    monkeypatch.setattr(machine, "is_limited", lambda: False)
    assert rows_of(NOW) == {"Processor": "34% of 8 processors", "Memory": "5.1 of 8.2 GB taken"}
    assert rows_of(replace(NOW, cpu=None))["Processor"] == "being looked at"
    monkeypatch.setattr(machine, "cores", lambda: 2)
    monkeypatch.setattr(machine, "is_limited", lambda: True)
    monkeypatch.setattr(machine, "memory", lambda: 4_000_000_000)
    assert rows_of(NOW) == {
        "Processor": "34% of 8 processors; the lab may use 2 cores",
        "Memory": "5.1 of 8.2 GB taken; the lab may use 4.0 GB",
    }


def test_each_gpu_is_told_by_torch_s_number_and_those_that_the_lab_does_not_use_too():
    first = GpuNow("NVIDIA T4", "a", {"gpu_memory": 1e9, "gpu_memory_total": 16e9}, ("use", "temperature"))
    rows = rows_of(replace(NOW, gpus=(first, GPU)), [Gpu("NVIDIA H100", "b"), Gpu("AMD Instinct", "c")])
    assert list(rows.items())[2:] == [
        ("GPU 0, NVIDIA H100", "87% · 41.2 of 85.0 GB · 64 °C"),
        ("GPU 1, AMD Instinct", now_page.OTHERS),
        ("NVIDIA T4, not the lab's", "1.0 of 16.0 GB · use and temperature not told by this driver"),
    ]


def test_why_a_gpu_is_not_told_stands_in_its_row():
    rows = rows_of(replace(NOW, untold=REFUSED), [Gpu("Tesla T4", "a")])
    assert rows["GPU 0, Tesla T4"] == f"use, memory and temperature are not told: {REFUSED}"
    assert "does not find it" in rows_of(NOW, [Gpu("Tesla T4", "a")])["GPU 0, Tesla T4"]


def test_results_alone_are_kept_by_a_click_that_says_what_is_lost_and_the_run_still_opens(run):
    at = page("settings")
    assert at.button(key="settings-room-results-do").label == f"Free {len(run.folds()) * 5} MB"
    assert "No network is left" in captions(at)
    at.button(key="settings-room-results-do").click().run()
    assert not at.exception and f"{len(run.folds()) * 5} MB of 1 run became free" in at.toast[0].value
    assert "results only" in html(at)
    assert not any(run.weights_file(fold, "best").exists() for fold in run.folds())
    live = page("live", run=run.id)
    assert "Only the results of this run were kept" in captions(live)
    (entry,) = (each for each in index.listed() if each.id == run.id)
    assert entry.dropped == ("best", "final") and entry.bytes < 1e6
    assert columns.offered([])["bytes"].cell(entry) == f"{size(entry.bytes)}, results only"
    predict = page("predict", run=run.id)
    assert any("only its results were kept" in info.value for info in predict.info)
    assert "lab-fault" not in html(predict).replace(".lab-fault", "")
    asked = page("look_inside", run=run.id, samples=run.samples()["sample"][0])
    assert any("only its results were kept" in info.value for info in asked.info)
    assert "lab-fault" not in html(asked).replace(".lab-fault", "")


def test_all_runs_are_looked_through_once(run, monkeypatch):
    at = page("settings")  # the first time a session also looks whether a worker died
    looks, asked = [], []
    look, states, sized = index._Folder.look, Run.states, sizes.bytes_of
    monkeypatch.setattr(index._Folder, "look", lambda folder: looks.append(folder.root) or look(folder))
    monkeypatch.setattr(Run, "states", lambda each: asked.append(each.id) or states(each))
    monkeypatch.setattr(use.sizes, "bytes_of", lambda each, *unread: asked.append(f"{each.id} sized") or sized(each))
    at.run()
    assert at.button(key="settings-room-results-do")
    assert len(looks) == 1, "the list of runs"
    assert sorted(each for each in asked if run.id in each) == [run.id, f"{run.id} sized"]


def test_a_run_that_is_needed_is_named_and_keeps_its_weights(run, monkeypatch):
    child = {"id": "child", "init": f"run:{run.id}", "state": "queued", "settings": {}, "folds": []}
    everything = index.as_summaries
    monkeypatch.setattr(index, "as_summaries", lambda entries: [*everything(entries), child])
    at = page("settings")
    assert f"run '{run.id}' is needed: 'child' starts from its best weights" in captions(at).replace("\\", "")


def test_the_rule_is_kept_and_said(run, folder):
    at = page("settings")
    at.segmented_control(key="settings-rule").set_value("best").run()
    assert keep.rule(folder) is keep.BEST and "keeps them" in captions(at)
    at = page("settings")
    at.segmented_control(key="settings-rule").set_value("all").run()
    assert keep.rule(folder) is keep.ALL


def test_decoded_photos_are_listed_by_dataset_and_go_on_a_click(folder, tmp_path):
    place = kept.usual_folder(folder)
    place.mkdir(parents=True)
    for name, dataset in (("a" * 32, "/photos/faces"), ("b" * 32, ""), ("own", "/photos/arrays")):
        np.save(place / f"{name}.npy", np.zeros((10, 8, 8, 3), np.uint8))
        kept.note(place / f"{name}.npy", dataset, 10)
    at = page("settings")
    assert "faces" in html(at) and "a dataset that an older lab read" in html(at) and "arrays" not in html(at)
    at.button(key="settings-pixels-forget").click().run()
    assert {path.name for path in place.iterdir() if path.suffix != ".lock"} == {"own.npy", "own.json"}
    typed(at, "They may take, in GB").set_value("1.5").run()
    typed(at, "Folder").set_value(str(tmp_path / "elsewhere")).run()
    at.button(key="settings-pixels-save").click().run()
    assert kept.room_of(folder) == kept.PixelRoom((tmp_path / "elsewhere").resolve(), 1_500_000_000)
    typed(at, "They may take, in GB").set_value("much").run()
    at.button(key="settings-pixels-save").click().run()
    assert "is no number of GB" in html(at)
    typed(at, "They may take, in GB").set_value("").run()
    typed(at, "Folder").set_value("here").run()
    at.button(key="settings-pixels-save").click().run()
    assert "does not say where it begins" in html(at)
    assert kept.room_of(folder).limit == 1_500_000_000


def test_every_document_that_lies_there_is_offered():
    lying = {f"docs/{path.name}" for path in (HOME / "docs").glob("*.md")}
    assert lying and {name for name in about.DOCUMENTS if name.startswith("docs/")} == lying
    at_the_top = {path.name for path in HOME.glob("*.md")} | {"LICENSE"}
    assert {name for name in about.DOCUMENTS if "/" not in name} == at_the_top


def test_slots_are_a_setting_of_the_lab(folder, monkeypatch):
    monkeypatch.delenv("FACET_SLOTS", raising=False)
    monkeypatch.setattr(queue, "gpu_count", lambda runs=None: 0)
    at = page("settings")
    assert (
        "Each needs memory" in typed(at, "Fold jobs at a time").help
        and "bench" not in typed(at, "Threads of each").help
    )
    assert "bench" not in typed(at, "Fold jobs at a time").help, "nobody runs a bench to set a number"
    typed(at, "Fold jobs at a time").set_value("2").run()
    typed(at, "Threads of each").set_value("1").run()
    at.button(key="slots-save").click().run()
    assert slots.read(folder) == slots.Slots(2, 1)
    assert len(queue.slot_locks(folder)) == 2
    typed(at, "Fold jobs at a time").set_value("0").run()
    at.button(key="slots-save").click().run()
    assert "from 1 to 64, found 0" in html(at)
    assert slots.read(folder).count == 2
    assert "2 fold jobs at a time" in captions(page("studies"))


@pytest.mark.parametrize(
    ("gpus", "forced", "words"),
    [
        (1, "3", "3 fold jobs at a time, up to 3 on a GPU"),
        (2, None, "2 fold jobs at a time, one on each GPU"),
        (3, "2", "2 fold jobs at a time, on 2 of 3 GPUs"),
    ],
)
def test_what_trains_at_a_time_is_told_and_the_setting_stays_itself(folder, monkeypatch, gpus, forced, words):
    """Where GPUs or FACET_SLOTS say it, the setting is kept for when they do not."""
    slots.write(folder, slots.Slots(5, 1))
    monkeypatch.setattr(queue, "gpu_count", lambda runs=None: gpus)
    monkeypatch.delenv("FACET_SLOTS", raising=False)
    if forced:
        monkeypatch.setenv("FACET_SLOTS", forced)
    at = page("settings")
    said = captions(at).replace("\\", "")
    assert f"Now: {words}." in said and ("one fold job trains on each GPU" in said) == (forced is None)
    assert (f"FACET_SLOTS={forced} is set" in said) == (forced is not None)
    assert words in captions(page("studies")).replace("\\", "")
    assert typed(at, "Fold jobs at a time").value == "5"
    typed(at, "Threads of each").set_value("2").run()
    at.button(key="slots-save").click().run()
    assert slots.read(folder) == slots.Slots(5, 2)
    assert f"5 fold jobs at a time. At the moment it is {words[0]}." in at.toast[0].value.replace("\\", "")


def test_with_a_gpu_it_is_told_how_many_fold_jobs_would_fit_it_by_what_the_newest_run_used(
    folder, tiny_plan, monkeypatch
):
    monkeypatch.delenv("FACET_SLOTS", raising=False)
    monkeypatch.delenv(elsewhere.CHOICE, raising=False)
    entry = {"mean": 33.0, "peak": 60.0, "looks": 90}
    memory = {"mean": 5e9, "peak": 6e9, "looks": 90}
    record = {"gpu": entry, "gpu_memory": memory, "gpu_memory_total": 16e9, "sharing": 1}
    for day, gpu in (("20260101", {**entry, "mean": 99.0}), ("20260102", entry)):
        run = create(
            tiny_plan.config,
            tiny_plan.samples,
            class_names=tiny_plan.class_names,
            info={},
            folder=folder,
            run_id=f"{day}-000000-gpu-0000",
        )
        used.keep(run, 0, {**record, "gpu": gpu}, goes_on=False)
    words = "used 33% of its GPU and at most 6.0 of 16.0 GB; 2 such fold jobs would fit one GPU"
    assert "would fit one GPU" not in captions(page("settings"))
    monkeypatch.setattr(queue, "gpu_count", lambda runs=None: 2)
    assert f"{words}: start the lab with FACET_SLOTS=4." in captions(page("settings")).replace("\\", "")
    elsewhere.choose(folder, "ray://head:10001")
    node = {"id": "n1", "name": "node-1", "cores": 8, "gpus": 1, "memory": 16e9, "why": ""}
    report = {"address": "ray://head:10001", "when": 0, "nodes": [node], "places": 4, "under_way": []}
    files.write_json(elsewhere.report_file(folder), report)
    monkeypatch.setattr(elsewhere, "writer_lives", lambda root: True)
    assert f"{words}: start the lab with FACET_JOBS_PER_GPU=2." in captions(page("settings")).replace("\\", "")


def test_what_another_page_saved_meanwhile_stays_where_nothing_was_changed_here(folder, tmp_path, monkeypatch):
    monkeypatch.delenv("FACET_SLOTS", raising=False)
    monkeypatch.setattr(queue, "gpu_count", lambda runs=None: 0)
    slots.write(folder, slots.Slots(1, None))
    at = page("settings")
    slots.write(folder, slots.Slots(3, None))
    typed(at, "Threads of each").set_value("2")
    at.button(key="slots-save").click().run()
    assert slots.read(folder) == slots.Slots(3, 2)
    chosen = kept.choose(folder, folder=str(tmp_path / "Elsewhere"), limit=None).folder
    typed(at, "They may take, in GB").set_value("1.5")
    at.button(key="settings-pixels-save").click().run()
    assert kept.room_of(folder) == kept.PixelRoom(chosen, 1_500_000_000)


def test_without_ray_choosing_a_cluster_says_what_to_install_and_chooses_nothing(folder, monkeypatch):
    monkeypatch.delenv(elsewhere.CHOICE, raising=False)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "ray" else find(name, *rest))
    at = page("settings")
    at.segmented_control(key="settings-engine-this-machine").set_value("ray").run()
    assert any("requirements-ray.txt" in info.value.replace("\\", "") for info in at.info)
    at.button(key="settings-engine-save").click().run()
    assert "Ray is not installed here" in html(at) and elsewhere.address(folder) is None


def test_nodes_of_a_cluster_and_what_they_do_are_listed_and_one_is_taken_out(folder, monkeypatch):
    monkeypatch.delenv(elsewhere.CHOICE, raising=False)
    elsewhere.choose(folder, "ray://head:10001")
    node = {"id": "n1", "name": "node-1", "cores": 8, "gpus": 0, "memory": 16e9, "why": ""}
    report = {"address": "ray://head:10001", "when": 0, "nodes": [node], "places": 4, "under_way": []}
    files.write_json(elsewhere.report_file(folder), report)
    monkeypatch.setattr(elsewhere, "writer_lives", lambda root: True)
    at = page("settings")
    assert "node-1" in html(at) and "0 of 4 fold jobs at a time" in html(at)
    at.button(key="settings-node-n1").click().run()
    assert elsewhere.wishes(folder) == {"node-1": "out"}
    at.button(key="settings-node-n1").click().run()
    assert elsewhere.wishes(folder) == {"node-1": "in"}


def test_what_a_cluster_was_asked_is_shown_with_its_age_of_that_cluster_alone_and_until_it_is_asked_anew(
    folder, monkeypatch
):
    answers = {"ray://one:10001": Capacity((Node("n1", "node-of-one", 8),), 4, 0, 0)}

    def capacity(engine):
        if engine.name not in answers:
            raise LabError(f"{engine.name} does not answer.", "Start it.", kind="engine")
        return answers[engine.name]

    monkeypatch.setattr(RayEngine, "capacity", capacity)
    monkeypatch.delenv(elsewhere.CHOICE, raising=False)
    elsewhere.choose(folder, "ray://one:10001")
    at = page("settings")
    at.button(key="settings-engine-ask").click().run()
    assert "node-of-one" in html(at) and "As the cluster said just now." in captions(at)
    elsewhere.choose(folder, "ray://two:10001")
    at.run()
    assert "node-of-one" not in html(at) and not [each for each in at.button if each.key == "settings-node-n1"]
    elsewhere.choose(folder, "ray://one:10001")
    at.run()
    assert "node-of-one" in html(at)
    answers.clear()
    at.button(key="settings-engine-ask").click().run()
    assert not at.exception and "ray://one:10001 does not answer" in html(at) and "node-of-one" not in html(at)
    assert "nobody has asked" not in captions(at)


def test_the_doctors_looks_stand_with_sign_words_and_remedy_faults_first(folder, monkeypatch):
    looks = [
        Finding("versions", "good", "Python is <b>here</b>."),
        Finding("locks", "fault", "They fail.", "Mend them."),
    ]
    monkeypatch.setattr(doctor, "examine", lambda root: looks)
    at = page("settings")
    assert "They fail." not in html(at)  # it takes seconds, so nobody looks before somebody asks
    at.button(key="settings-doctor-look").click().run()
    assert not at.exception, at.exception
    text = html(at)
    assert "1 thing to mend" in text and text.index("They fail.") < text.index("Python is &lt;b&gt;")
    assert "<i>Mend them.</i>" in text and "to mend" in text


def test_a_run_that_is_gone_meanwhile_is_said_and_nothing_breaks(run):
    at = page("settings")
    Run(run.id).delete()
    at.button(key="settings-room-best-do").click().run()
    assert not at.exception and "is gone" in html(at)


def test_an_address_is_named_tried_and_forgotten_and_never_shown_whole(folder, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with listening() as webhook:
        url = f"{webhook.at}/services/T0001/B0002/a-long-secret"
        at = page("settings")
        assert "Nobody is told yet" in captions(at)
        typed(at, "Address of a webhook").set_value("hooks.example.org/x").run()
        at.button(key="settings-alerts-add").click().run()
        assert "begin with https://" in html(at) and not addresses.of_lab(folder)
        typed(at, "Address of a webhook").set_value(url).run()
        at.pills(key="settings-alerts-events-0").set_value(["failed", "memory"]).run()
        at.button(key="settings-alerts-add").click().run()
        (entry,) = addresses.listed(folder)
        assert entry.events == ("failed", "memory") and "a run failed, memory ran out" in html(at)
        assert typed(at, "Address of a webhook").value == "" and entry.masked in html(at)
        at.button(key=f"settings-alerts-test-{entry.id}").click().run()
        assert at.success[0].value.endswith("it arrived \\(200\\)\\.") and webhook.bodies()[0]["event"] == "test"
        webhook.answers["/services/T0001/B0002/a-long-secret"] = 404, {}
        at.button(key=f"settings-alerts-test-{entry.id}").click().run()
        assert "there is no such webhook" in at.error[0].value and len(webhook.posts) == 2
        assert "The last message" not in html(at), "what came before does not stand beside what came of it now"
        assert "The last message, just now: there is no such webhook" in html(page("settings"))
        assert url not in "".join(str(element) for element in at.main)
        at.button(key=f"settings-alerts-remove-{entry.id}").click().run()
        assert not addresses.of_lab(folder) and "Nobody is told yet" in captions(at)


def test_who_is_no_admin_sees_no_address(folder, monkeypatch):
    addresses.add(folder, "https://hooks.slack.com/services/T0001/B0002/abcdefgh")
    monkeypatch.setattr(asking, "_answer", lambda: Asker("anna", admin=False, shared=True))
    at = page("settings")
    assert "shown to admins alone" in captions(at) and "hooks.slack.com" not in html(at)
    assert not [each for each in at.text_input if each.label == "Address of a webhook"]
