"""The command line as a person meets it: core.cli.main.main with real files, and the real process where one matters."""

import itertools
import json
import re
import shlex
import subprocess
import sys

import pytest
import torch
import torchvision
import typer
import yaml

from core.cli import progress
from core.cli.main import app
from core.config import recipes, to_yaml
from core.errors import LabError
from core.jobs import control, halt, slots
from core.places import HOME, RUNS, datasets_folder
from core.runs import FoldState, Run
from core.runs.lists.summaries import summaries
from core.storage import files
from core.studies import record_file
from tests.data.tables import table
from tests.pages.trials import make_run
from tests.photos import damaged_mask_dataset, draw, mask_dataset
from tests.workers import PATIENCE, held, hold_at, until
from tests.zips import pets, zipped

VERBS = ["demo", "scan", "unpack", "train", "status", "cancel", "resume", "worker", "weights"]
ONE_EPOCH = [{"optimizer": "adam", "epochs": 1, "lr_backbone": 1e-3, "lr_head": 1e-3}]
PEOPLE = [(f"{n:03d}", ("female", "male")[n % 2], 20 + 25 * (n // 2 % 3)) for n in range(12)]  # 2 of each class


@pytest.fixture
def recipe(tiny_config, tmp_path):
    """A recipe file that trains ResNet-18 from scratch for one epoch at 32 px."""
    short = tiny_config.model_dump(mode="json")
    short["phases"] = ONE_EPOCH
    short["data"]["root"] = ""
    path = tmp_path / "tiny.yaml"
    path.write_text(to_yaml(type(tiny_config).model_validate(short)))
    return path


@pytest.fixture
def hired(workers, monkeypatch):
    """Workers that start when something waits, as they do in the lab."""
    monkeypatch.setattr(control, "start_worker", lambda root: workers.start())
    return workers


def error_of(done):
    """What was wrong and what to do: an expected failure is these two lines and nothing else."""
    assert done.code == 1
    lines = done.err.splitlines()
    assert len(lines) == 2, done.err
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("       ")
    assert "Traceback" not in done.err
    return lines[0], lines[1]


def process(*words, **more):
    command = [sys.executable, "-m", "core", *map(str, words)]
    return subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=300, **more)


# Help


def test_every_verb_that_needs_runs_refuses_a_folder_that_is_a_loop_of_links_also_one_that_the_environment_names(
    tmp_path, monkeypatch
):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    group = typer.main.get_command(app)
    needing = [verb for name, verb in group.commands.items() if name not in ("doctor", "serve", "render-config")]
    options = [each for verb in needing for each in verb.params if "--runs" in each.opts]
    assert len(options) >= 25
    monkeypatch.setenv(RUNS, str(loop))
    for option, typed in itertools.product(options, (str(loop), None)):
        with pytest.raises(LabError, match=r"loop is no folder of runs \(Too many levels of symbolic links\)"):
            option.process_value(typer.Context(group), typed)


def test_what_needs_no_runs_is_done_where_their_folder_is_a_file_and_the_doctor_says_so(lab, tmp_path, monkeypatch):
    for slow in ("_machine", "_locks"):  # they start processes
        monkeypatch.setattr(f"core.jobs.doctor.{slow}", lambda *_: iter(()))
    file = tmp_path / "file"
    file.touch()
    done = lab("doctor", "--json", "--runs", file)
    verdicts = {finding["subject"]: finding["verdict"] for finding in json.loads(done.out)}
    assert (done.code, verdicts["rights"]) == (1, "fault") and "versions" in verdicts
    assert "file is no folder of runs (it is a file)" in done.out and not {"alerts", "queue", "runs"} & set(verdicts)
    monkeypatch.setenv(RUNS, str(file))
    assert "name: quick" in lab("render-config", "quick").out
    assert "SHA256SUMS cannot be read" in lab("serve", tmp_path).err
    assert "file is no folder of runs (it is a file)" in lab("serve", "some-run").err


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_explains_itself(lab, verb):
    done = lab(verb, "--help")
    assert done.code == 0
    lines = [line.strip() for line in done.out.splitlines() if line.strip()]
    assert re.match(rf"Usage: .+ {verb} ", lines[0])
    assert len(lines[1].split()) > 4  # a sentence about it, before its options
    options = [line for line in lines if line.startswith("--")]
    assert options
    assert all(len(re.split(r"\s{2,}", line)) >= 2 for line in options), "each option says what it does"


def test_help_lists_the_verbs_and_a_wrong_one_is_told(lab):
    done = lab("--help")
    assert done.code == 0
    assert all(re.search(rf"^\s+{verb}\s+\w", done.out, re.MULTILINE) for verb in VERBS)
    assert "measure" not in done.out
    done = lab("trian")
    assert done.code == 2
    assert "trian" in done.err
    assert lab().code == 2


# Training, in the processes that a person starts


@pytest.mark.long
def test_train_with_wait_prints_the_id_first_and_ends_with_the_table_and_0(tiny_dataset, runs_folder):
    slots.write(runs_folder, slots.Slots(1, threads=1))  # threads fight on a busy machine
    settings = {"phases": json.dumps(ONE_EPOCH), "folds.count": 2, "task.name": "label", "name": "by hand"}
    settings |= {"transforms.0.params.height": 32, "transforms.0.params.width": 32, "training.batch_size": "8"}
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    done = process("train", "quick", "--data", tiny_dataset, *words, "--wait")
    assert done.returncode == 0, done.stderr
    first, *table = done.stdout.splitlines()
    run = Run(first)
    assert "by-hand" in run.id
    assert [state.state for state in run.states()] == ["done", "done"]
    assert run.config().input_size == (32, 32)
    assert run.config().epochs == 1
    assert table[0].split()[:3] == ["fold", "state", "epochs"]
    scores = [state.scores["best_f1"] for state in run.states()]
    for fold, row in enumerate(table[1:3]):
        assert row.split()[:4] == [str(fold), "done", "1", f"{scores[fold]:.3f}"]
    mean = sum(scores) / 2
    deviation = abs(scores[0] - scores[1]) / 2**0.5
    assert f"{mean:.3f} ± {deviation:.3f} (2)" in next(line for line in table if line.startswith("best F1"))
    assert any(line.startswith("final accuracy") for line in table)
    assert "folds done" in done.stderr


def test_a_failed_fold_is_told_and_ends_with_1(lab, hired, recipe, tiny_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "core.network.weights._misfit", lambda *seen: None
    )  # as if the file was put there since the launch
    other = tmp_path / "resnet34.pth"
    torch.save(torchvision.models.resnet34().state_dict(), other)
    done = lab("train", recipe, "--data", tiny_dataset, "--set", f"model.init=file:{other}", "--wait")
    assert done.code == 1
    run = Run(done.out.splitlines()[0])
    for state in run.states():
        assert (state.state, state.kind) == ("failed", "weights")
    assert "resnet34.pth does not fit this network" in done.out
    assert "unknown weights, first layer1.2.conv1.weight" in done.out
    assert "Choose the depth that the file was trained with." in done.out
    assert "Traceback" not in done.out + done.err


def test_cancel_and_resume(lab, workers, recipe, tiny_dataset, monkeypatch):
    done = lab("train", recipe, "--data", tiny_dataset)
    assert done.code == 0
    run = Run(done.out.strip())
    first = workers.start(hold_at(epoch=1))
    until(lambda: held(workers.root), "the worker trains")
    assert json.loads(lab("status", run.id, "--json").out)["state"] == "running"
    done = lab("cancel", run.id)
    assert done.code == 0
    assert done.out.count("cancelled") == 2
    assert [state.state for state in run.states()] == ["cancelled", "cancelled"]
    assert control.waiting() == []
    first.join(PATIENCE)  # it would take up what is resumed, and be held again

    monkeypatch.setattr(control, "start_worker", lambda root: workers.start())
    done = lab("resume", run.id, "--wait")
    assert done.code == 0
    assert done.out.splitlines()[0] == "resumed folds 0, 1"
    assert [state.state for state in run.states()] == ["done", "done"]
    assert lab("resume", run.id).out == "nothing to resume\n"
    done = lab("status", run.id)
    assert done.out.count("done") == 2
    assert "best F1" in done.out


def test_while_a_fold_trains_its_best_f1_is_told_as_on_its_page_and_called_so(tmp_path):
    run = make_run(tmp_path, states=("running", "queued"))
    files.write_json(run.progress_file(0), {"epoch": 3, "epochs": 4})
    states = [FoldState(0, "running", epoch=2, scores={"best_f1": 0.8, "final_f1": 0.5}), FoldState(1)]
    assert progress._progress_line(run, states) == "0 of 2 folds done - fold 0 epoch 3/4 - best F1 0.800"


def test_a_worker_with_nothing_to_do_leaves(lab):
    assert lab("worker").code == 0


# A recipe asks for a task that the dataset has no labels for


def test_the_command_line_takes_the_task_that_the_dataset_has_and_says_so(lab, workers, tiny_dataset):
    done = lab("train", "quick", "--data", tiny_dataset)
    assert done.code == 0, done.err
    assert "Task set to label: this dataset has no labels for the task gender-age." in done.err.splitlines()
    run = Run(done.out.strip())
    assert run.config().task.name == "label"
    assert sorted(run.info()["class_names"]) == ["blue", "green", "red"]


def test_the_command_line_trains_what_a_table_of_patients_is_for_unless_its_recipe_says_a_task(lab, workers, tmp_path):
    rows = [f"{n}.jpg,{20 + 2 * n},{'fm'[n % 2]},{('nv', 'mel')[n // 2 % 2]}" for n in range(30)]
    table(tmp_path / "skin", rows, *(f"{n}.jpg" for n in range(30)), header="image,age,sex,dx")
    done = lab("train", "quick", "--data", tmp_path / "skin")
    assert "Task set to dx: the dataset's table is for that." in done.err
    assert Run(done.out.strip()).info()["class_names"] == ["mel", "nv"]
    ages = ["--set", "task.age_limits=[40, 60]"]
    done = lab("train", "quick", "--data", tmp_path / "skin", *ages)
    assert "Task" not in done.err and Run(done.out.strip()).config().task.name == "gender-age"
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump({"name": "seeds", "recipe": "quick", "grid": {"training.seed": [0]}}))
    done = lab("study", study, "--data", tmp_path / "skin")
    assert "Task set to dx" in done.err and Run(done.out.strip()).config().task.attributes == ["dx"]
    (record,) = record_file.all_studies()
    assert record.settings["set"] == {"task.name": "attributes", "task.attributes": ["dx"]}


def test_a_task_that_the_dataset_has_is_taken_without_a_word_and_a_queue_that_has_stopped_is_told(
    lab, workers, recipe, tiny_dataset
):
    halt.stop(workers.root, "it fails.", "Mend it.")
    done = lab("train", recipe, "--data", tiny_dataset)
    assert done.code == 0 and "Task" not in done.err
    assert done.err.splitlines()[-2:] == [
        "The queue has stopped: it fails. Mend it.",
        f"Let it go on with: python -m core worker --runs {workers.root}",
    ]


def test_folds_of_a_run_are_taken_over_only_with_the_weights_that_it_began_with(
    lab, workers, recipe, tiny_dataset, tmp_path, monkeypatch
):
    monkeypatch.setattr("core.network.weights._misfit", lambda *seen: None)
    first = tmp_path / "first.pth"
    first.write_bytes(b"as it was")
    words = ["train", recipe, "--data", tiny_dataset, "--set", f"model.init=file:{first}"]
    run = Run(lab(*words).out.strip())
    words += ["--set", "folds.seed=77", "--folds-of", run.id]
    again = Run(lab(*words).out.strip())
    assert again.samples()["fold"].tolist() == run.samples()["fold"].tolist()
    first.write_bytes(b"as it is ")
    what, remedy = error_of(lab(*words))
    assert f"first.pth has changed since {run.id} was launched" in what
    assert "give the other one a name of its own" in remedy


def test_folds_of_a_run_hold_for_photos_of_which_some_name_a_person_since_then_or_it_is_told_that_they_do_not(
    lab, workers, recipe, tmp_path
):
    names = [f"{label}/{place}/{n}.png" for label in ("cat", "dog") for place in (f"of-{label}", ".") for n in range(6)]
    for name in names:
        draw(tmp_path / name)

    def train(*more):
        done = lab("train", recipe, "--data", tmp_path, *more)
        assert not done.code, done.err
        run = Run(done.out.strip())
        return run.id, run.samples().set_index("sample")["fold"], done.err

    nobody, folds, _ = train()
    _, followed, told = train("--set", "data.persons=folder", "--folds-of", nobody)
    parted = int((followed != folds).sum())
    assert parted and f"{parted} photos stand in another fold than in {nobody}, where other persons were named" in told
    rows = [f"{name},{name[:3]},{'p1' if number < 4 else ''}" for number, name in enumerate(names)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,person", *rows]))
    _, followed, told = train("--set", "data.reader=csv", "--folds-of", nobody)
    assert followed.equals(folds) and f"As in {nobody}, each photo still counts as a person" in told


def test_a_study_takes_the_task_that_the_dataset_has(lab, workers, tiny_dataset, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({"name": "seeds", "recipe": "quick", "grid": {"training.seed": [0, 1]}}))
    done = lab("study", path, "--data", tiny_dataset)
    assert done.code == 0, done.err
    assert "Task set to label: this dataset has no labels for the task gender-age." in done.err.splitlines()
    assert {Run(run_id).config().task.name for run_id in done.out.split()} == {"label"}
    (record,) = record_file.all_studies()
    assert record.settings["set"]["task.name"] == "label", "launched again, the study says the same task"


def test_folders_or_tables_that_are_not_read_beside_one_another_are_told_where_something_is_trained(lab, tmp_path):
    """Too few photos to launch anything: it is said before that."""
    photos = [f"{'benign' if n < 4 else 'malignant'}/{n}.jpg" for n in range(8)]
    rows = [f"{photo},{20 + n},{'fm'[n % 2]}" for n, photo in enumerate(photos)]
    root = table(tmp_path / "skin", rows, *photos, header="image,age,sex", name="metadata.csv")
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({"name": "seeds", "recipe": "quick", "grid": {"training.seed": [0, 1]}}))
    said = "note: metadata.csv is read: the folders benign/ and malignant/ are taken for no classes."
    for words in (["train", "quick"], ["study", path]):
        done = lab(*words, "--data", root)
        assert f"{said} To take them for the classes, set data.reader to folders." in done.err.splitlines()
        assert done.code == 1 and not summaries()
    assert said not in lab("train", "quick", "--data", root, "--set", "data.reader=csv").err
    photos = ["cat/0.jpg", "dog/0.jpg", "dog/1.jpg", "dog/1_mask.jpg"]
    notes = table(tmp_path / "pets", ["cat/0.jpg,in"], *photos, header="image,category")
    said = "note: labels.csv names photos, too (labels in category): it is not read."
    done = lab("train", "quick", "--data", notes)
    assert f"{said} To choose, set data.reader or data.csv_file." in done.err.splitlines()
    assert "note: dog/1_mask.jpg is called as another picture beside it: it counts as a photo of its class." in done.err
    for photo in ("person_1/0.jpg", "person_2/0.jpg", "person_2/1.jpg"):
        draw(tmp_path / "people" / photo)
    said = "note: By their names the folders person_1/ and person_2/ may be persons, no classes."
    assert said in lab("train", "quick", "--data", tmp_path / "people").err


def test_a_study_that_names_a_task_which_does_not_fit_is_refused(lab, workers, tiny_dataset, tmp_path):
    path = tmp_path / "study.yaml"
    for study in (
        {"set": {"task.name": "gender"}, "grid": {"training.seed": [0, 1]}},
        {"grid": {"task.name": ["label", "gender"]}},
    ):
        path.write_text(yaml.safe_dump({"name": "tasks", "recipe": "quick", **study}))
        what, remedy = error_of(lab("study", path, "--data", tiny_dataset))
        assert "task.name=gender: this dataset has no labels for the task gender" in what
        assert "Set task.name to label" in remedy
        assert not record_file.all_studies() and not summaries()


def test_a_recipe_is_looked_for_beside_the_runs_that_are_named(lab, recipe, tmp_path):
    home = recipes.recipes_home(tmp_path / "other")
    home.mkdir(parents=True)
    recipe.rename(home / "mine.yaml")
    (tmp_path / "study.yaml").write_text("name: seeds\nrecipe: mine\ngrid: {training.seed: [0, 1]}\n")
    there = ("--runs", tmp_path / "other")
    assert "name: tiny" in lab("render-config", "mine", *there).out
    assert "no dataset is named" in error_of(lab("train", "mine", *there))[0]
    assert "there is no such folder" in error_of(lab("study", tmp_path / "study.yaml", "--data", "gone", *there))[0]
    for words in (["render-config", "mine"], ["train", "mine"], ["study", tmp_path / "study.yaml", "--data", "gone"]):
        what, remedy = error_of(lab(*words))
        assert "recipe 'mine' is not known" in what
        assert f"Saved ones are looked for in {recipes.recipes_home()}." in remedy
    missing = error_of(lab("train", "other", *there))[1]
    assert "quick" in missing and "mine" in missing and f"looked for in {home}." in missing


# Status


def test_status_of_no_runs_says_how_to_make_one(lab, tmp_path, runs_folder):
    for named in ([], ["--runs", tmp_path / "other"]):
        done = lab("status", *named)
        assert (done.code, done.err) == (0, "")
        assert done.out.endswith(f"python -m core train quick --data FOLDER --runs {(named or [runs_folder])[-1]}\n")
    assert json.loads(lab("status", "--json").out) == []


def test_status_lists_every_run_and_names_the_unreadable(lab, tiny_plan, workers, runs_folder, tmp_path):
    run = control.launch(tiny_plan)
    (runs_folder / "broken").mkdir()
    (runs_folder / "broken" / "summary.json").write_text("{")
    done = lab("status")
    assert done.code == 0
    assert re.search(rf"{run.id}\s+queued", done.out)
    assert re.search(r"broken\s+unreadable: summary.json cannot be read", done.out)
    entries = {entry["id"]: entry for entry in json.loads(lab("status", "--json").out)}
    assert entries[run.id]["state"] == "queued"
    assert "unreadable" in entries["broken"]
    one = json.loads(lab("status", run.id, "--json").out)
    assert (one["id"], one["state"], [fold["fold"] for fold in one["folds"]]) == (run.id, "queued", [0, 1])
    assert json.loads(lab("status", "--json", "--runs", tmp_path / "other").out) == []


# Datasets


def test_demo_draws_a_dataset_that_scan_reads(lab, tmp_path):
    done = lab("demo", tmp_path / "demo", "--people", "2", "--seed", "3")
    assert done.code == 0
    assert "2 people, 14 photos" in done.out
    done = lab("scan", tmp_path / "demo")
    assert done.code == 0
    assert "- Read as mask layout: 14 photos, " in done.out
    assert "- Persons: 2 people, 7 photos each." in done.out
    assert "- mask: mask 10, incorrect 2, normal 2." in done.out
    error_of(lab("demo", tmp_path / "demo"))


def test_unpack_makes_a_dataset_of_a_zip_and_prints_its_folder(lab, tmp_path, runs_folder):
    zip_file = tmp_path / "pets.zip"
    zip_file.write_bytes(zipped({**pets(), ".DS_Store": b"x"}).getvalue())
    done = lab("unpack", zip_file)
    root = datasets_folder(runs_folder) / "pets"
    assert (done.code, done.out) == (0, f"{root}\n")
    unpack = f"unpack it with: python -m core unpack {zip_file} --runs {runs_folder}"
    assert error_of(lab("scan", zip_file))[1].endswith(unpack)
    assert done.err == "note: Left out: 1 file of a system, or hidden (.DS_Store).\n"
    there = ["--data", zip_file, "--runs", tmp_path / "other"]
    study_file = tmp_path / "study.yaml"
    study_file.write_text('{name: s, recipe: quick, grid: {"training.seed": [0, 1]}}')
    for launch in (["train", "quick"], ["study", study_file]):
        unpack_there = f"python -m core unpack {zip_file} --runs {tmp_path / 'other'}"
        assert error_of(lab(*launch, *there))[1].endswith(unpack_there)
    other = lab("unpack", zip_file, "--runs", tmp_path / "other")
    assert other.out == f"{datasets_folder(tmp_path / 'other') / 'pets'}\n"
    again = lab("unpack", zip_file)
    assert again.out == done.out and "was unpacked before" in again.err
    assert "- 2 classes: cat 2, dog 2." in lab("scan", root).out
    assert "'klingon' is no encoding" in error_of(lab("unpack", zip_file, "--names", "klingon"))[0]
    zip_file.write_bytes(b"no zip")
    assert "is no zip, or a broken one" in error_of(lab("unpack", zip_file))[0]
    assert "cannot be read (No such file" in error_of(lab("unpack", tmp_path / "gone.zip"))[0]


def test_attend_wants_at_least_one_photo(lab):
    done = lab("attend", "some-run", "--photos", "0")
    assert done.code == 2
    assert "--photos" in done.err and "Traceback" not in done.err


@pytest.fixture
def bad_dataset(tmp_path):
    return damaged_mask_dataset(tmp_path / "bad", PEOPLE)


def test_scan_lists_everything_that_is_wrong_and_ends_with_1(lab, bad_dataset):
    done = lab("scan", bad_dataset)
    assert done.code == 1
    assert done.err == ""
    assert "- Read as mask layout: 83 photos, 8 × 6 px." in done.out
    assert "- Persons: 12 people, 6 to 7 photos each." in done.out
    faults = [line for line in done.out.splitlines() if line.startswith("error: ")]
    for named in ("images/000_female_Asian_20/normal.jpg", "train.csv row 14: age 'old'", "train.csv row 15"):
        assert sum(named in line for line in faults) == 1, (named, faults)


def test_scan_for_scripts_writes_one_record_and_ends_as_without(lab, bad_dataset):
    done = lab("scan", bad_dataset, "--json")
    record = json.loads(done.out)
    assert (done.code, done.err) == (1, "")
    assert list(record) == ["reader", "photos", "persons", "attributes", "set_aside", "problems", "facts"]
    assert (record["reader"], record["photos"]) == ("mask", 83)
    assert record["persons"] == {"known": True, "count": 12}
    assert record["attributes"]["gender"] == {"female": 41, "male": 42}
    assert record["attributes"]["age"] == {"min": 20.0, "max": 70.0, "photos": 83}
    assert record["set_aside"] == {"test": 0, "unlabelled": 0}
    assert {tuple(problem) for problem in record["problems"]} == {("where", "kind", "problem", "remedy", "severity")}
    assert sum(problem["severity"] == "error" for problem in record["problems"]) == 3
    printed = lab("scan", bad_dataset).out
    assert all(fact["text"] in printed for fact in record["facts"])


def test_scan_takes_settings_of_the_reading_and_no_others(lab, tmp_path):
    for name in ("cat/p1_0.png", "cat/p1_1.png", "dog/p2_0.png"):
        draw(tmp_path / "pets" / name)
    asked = lab(
        "scan", tmp_path / "pets", "--json", "--set", "data.person_pattern=^(p[0-9]+)_", "--set", "data.reader=auto"
    )
    assert json.loads(asked.out)["persons"] == {"known": True, "count": 2}
    plain = json.loads(lab("scan", tmp_path / "pets", "--json").out)
    assert plain["persons"] == {"known": False, "count": 0}
    assert "data.key=value" in error_of(lab("scan", tmp_path / "pets", "--set", "folds.count=3"))[0]
    assert "unknown setting" in error_of(lab("scan", tmp_path / "pets", "--set", "data.colour=red"))[0]


def test_bad_files_block_a_training_until_they_are_left_out(lab, bad_dataset, workers, recipe):
    words = ["train", recipe, "--data", bad_dataset, "--set", "task.name=mask"]
    what, remedy = error_of(lab(*words))
    assert "3 bad entries, first " in what
    assert "leave_out_problems" in remedy
    assert summaries() == []
    done = lab(*words, "--set", "data.leave_out_problems=true")
    assert done.code == 0
    (run,) = summaries()
    assert done.out.strip() == run["id"]
    assert run["samples"] == 83


def test_a_folder_may_have_any_name(lab, workers, recipe, tiny_dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("2024", "a: b", "null"):
        (tmp_path / name).symlink_to(tiny_dataset)
        assert lab("train", recipe, "--data", name).code == 0
    assert len(summaries()) == 3


# Expected failures are two lines, and nothing is left behind


@pytest.mark.parametrize(
    ("words", "what", "remedy"),
    [
        (["train", "quick", "--data", "{tmp}/nowhere"], "there is no such folder", "spelling"),
        (["scan", "{tmp}/nowhere"], "there is no such folder", "spelling"),
        (["train", "quick", "--data", "{tmp}/empty"], "no images in this folder", "Choose the folder"),
        (["scan", "{tmp}/empty"], "no images in this folder", "Choose the folder"),
        (["scan", "{data}", "--reader", "guess"], "data.reader", "Correct"),
        (["train", "qick", "--data", "{data}"], "recipe 'qick' is not known", "quick"),
        (["train", "{tmp}/photo.yaml", "--data", "{data}"], "cannot be read as UTF-8", "YAML"),
        (["train", "{tmp}/tag.yaml", "--data", "{data}"], "not plain YAML", "plain values"),
        (["train", "quick"], "no dataset is named", "--data FOLDER"),
        (
            ["train", "{recipe}", "--data", "{data}", "--set", "data.root={tmp}/empty"],
            "--data names the dataset {data}, and --set data.root={tmp}/empty",
            "Take data.root out of --set",
        ),
        (
            ["train", "{recipe}", "--data", "{tmp}/nowhere", "--set", "data={root: {data}}"],
            "--data names the dataset {tmp}/nowhere, and --set data.root={data}",
            "Take data.root out of --set",
        ),
        (
            ["train", "{recipe}", "--data", "{tmp}/nowhere", "--set", "data={reader: folders}"],
            "dataset {tmp}/nowhere: there is no such folder",
            "spelling",
        ),
        (
            ["scan", "{tmp}/empty", "--set", "data.root={data}"],
            "FOLDER names the dataset {tmp}/empty, and --set data.root={data}",
            "Take data.root out of --set",
        ),
        (
            ["scan", "{data}", "--reader", "csv", "--set", "data.reader=folders"],
            "--reader is csv, and --set data.reader=folders",
            "Take data.reader out of --set",
        ),
        (["train", "{recipe}", "--data", "{data}", "--set", "x"], "--set x: expected key=value", "phases.0.epochs=3"),
        (["train", "{recipe}", "--data", "{data}", "--set", "x=1"], "x: unknown setting", "Correct"),
        (["train", "{recipe}", "--data", "{data}", "--set", "model.size=1"], "model.size: unknown setting", "Correct"),
        (["train", "{recipe}", "--data", "{data}", "--set", "phases.3.epochs=1"], "'3' is not one of the 1", "0 to 0"),
        (["train", "{recipe}", "--data", "{data}", "--set", "phases=["], "not plain YAML", "quotes"),
        (
            ["train", "{recipe}", "--data", "{data}", "--set", "phases.0.lr_head=-1"],
            "phases.0.lr_head: input should be greater than 0, found -1",
            "Correct",
        ),
        (
            ["train", "{recipe}", "--data", "{data}", "--set", "folds.count=9"],
            "class 'blue' has 8 photos but 9 folds were asked for",
            "Lower folds to 8, leave the class out (task.leave_out) or merge it with another (task.merge). "
            "Add --set folds.count=8.",
        ),
        (
            ["train", "{recipe}", "--data", "{data}", "--set", "task.name=gender"],
            "--set task.name=gender: this dataset",
            "label",
        ),
        (["train", "{recipe}", "--data", "{data}", "--set", "model.head=factored"], "has one attribute", "model.head"),
        (["train", "{recipe}", "--data", "{data}", "--set", "model.init=imagenet"], "resnet18-f37072fd.pth", "scratch"),
        (
            ["train", "{recipe}", "--data", "{data}", "--set", "model.init=file:{tmp}/no.pth"],
            "there is no file",
            "train from scratch",
        ),
        (
            ["train", "{recipe}", "--data", "{data}", "--set", "model.init=file:~nosuchuser/no.pth"],
            "there is no file",
            "train from scratch",
        ),
        (["train", "{recipe}", "--data", "{data}", "--runs", "{tmp}/tag.yaml"], "runs (it is a file)", "--runs"),
        (["status", "../x"], "'../x' is not a run id", "a-z"),
        (["status", "no-such-run"], "run 'no-such-run' is gone", "another run"),
        (["cancel", "/etc"], "'/etc' is not a run id", "a-z"),
        (["cancel", "no-such-run"], "run 'no-such-run' is gone", "another run"),
        (["resume", "A"], "'A' is not a run id", "a-z"),
        (["resume", "no-such-run"], "run 'no-such-run' is gone", "another run"),
        (["demo", "{data}"], "already holds files", "empty folder"),
        (["demo", "{tmp}/new", "--people", "0"], "0 people", "at least 1"),
        (["weights", "20"], "there is no ResNet-20", "152"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_expected_failure_is_two_lines(
    lab, workers, recipe, tiny_dataset, tmp_path, runs_folder, monkeypatch, words, what, remedy
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "photo.yaml").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "tag.yaml").write_text("name: !!python/name:os.system")
    places = {"{tmp}": tmp_path, "{data}": tiny_dataset, "{recipe}": recipe}
    for place, value in places.items():
        words, what = [word.replace(place, str(value)) for word in words], what.replace(place, str(value))
    done = lab(*words)
    first, second = error_of(done)
    assert what in first
    assert remedy in second
    assert done.out == ""
    assert summaries() == []
    assert control.waiting() == []
    assert not (tmp_path / "new").exists()


def test_a_rare_class_is_refused_with_the_settings_that_would_do(lab, recipe, tmp_path, workers):
    """Each of the three, added to the command as it is printed, launches."""
    for name, photos in (("common", 6), ("it's rare", 3), ("usual", 6)):
        for number in range(photos):
            draw(tmp_path / "rare" / name / f"{number}.png")
    words = ["train", str(recipe), "--data", str(tmp_path / "rare"), "--set", "folds.count=5"]
    what, remedy = error_of(lab(*words))
    assert 'class "it\'s rare" has 3 photos but 5 folds were asked for' in what
    ways = re.search(r"Add one of: (.*)\.$", remedy)[1].split(", or ")
    assert [way.split("=")[0].replace("'", "") for way in ways] == [
        "--set folds.count",
        "--set task.leave_out",
        "--set task.merge",
    ]
    assert summaries() == []
    classes = []
    for way in ways:
        run = Run(lab(*words, *shlex.split(way)).out.strip())
        classes.append((run.config().folds.count, run.info()["class_names"]))
    assert classes == [
        (3, ["common", "it's rare", "usual"]),
        (5, ["common", "usual"]),
        (5, ["it's rare or common", "usual"]),
    ]


def test_an_age_that_is_no_number_in_every_row_is_named(lab, recipe, tmp_path, workers):
    root = mask_dataset(tmp_path / "old", [(f"{n}", "male", "old") for n in range(4)])
    what, _ = error_of(lab("train", recipe, "--data", root, "--set", "task.name=gender-age"))
    assert "train.csv row 2" in what
    assert "age 'old' is not a number" in what


def test_the_real_process_tells_an_error_the_same_way(tmp_path, runs_folder):
    done = process("train", "quick", "--data", tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0].startswith("error: dataset ")
    assert len(done.stderr.splitlines()) == 2


def test_what_is_set_aside_is_said_by_scan_and_train(lab, tmp_path):
    for name in ("cat", "dog"):
        for i in range(4):
            draw(tmp_path / f"pets/train/{name}/{name}{i}.jpg", (40 * i, 90, 60))
        draw(tmp_path / f"pets/test/{name}/{name}-0.jpg", (40, 190, 60))
    scanned = lab("scan", tmp_path / "pets")
    assert "Read as folders: 8 photos" in scanned.out
    assert "Set aside as the test set, never trained on: test/ (2 photos)." in scanned.out
    done = lab("train", "quick", "--data", tmp_path / "pets", "--set", "model.init=scratch", "--set", "folds.count=2")
    assert "note: 2 photos of the test set are set aside, never trained on." in done.err
    assert len(Run(done.out.split()[0]).samples()) == 8
