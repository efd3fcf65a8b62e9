"""What a report prints to reproduce its runs, done: the commands are run, and everybody stands in the same fold."""

import itertools
import re
import shlex

import pytest
import torch
import torchvision
from typer.testing import CliRunner

from core.cli.main import app
from core.config import from_dict
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.data.scan import scan
from core.jobs import control
from core.plan.plan import make_plan
from core.report import gather, render
from core.report.blocks import Bullets, Code
from core.runs import FoldState, Run, starts
from core.runs.run import ID
from core.storage import files
from core.studies import records
from core.studies.grid import StudyConfig, expand, make_plans
from tests.photos import draw, utkface

SHARED = {"folds.count": 2, "folds.seed": 3, "model.init": "scratch", "model.depth": 18, "task.age_limits": [30, 60]}


@pytest.fixture
def lab(tmp_path, runs_folder, monkeypatch):
    """A dataset beside a runs folder in which a launch only queues; the current folder is where files are saved."""
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    monkeypatch.chdir(tmp_path)
    return utkface(tmp_path / "faces of all", each=3)


def config_of(root, **settings):
    defaults = {"folds": {"count": 2, "seed": 3}, "task": {"name": "gender"}, "model": {"init": "scratch"}}
    return from_dict({"name": "mine", "data": {"root": str(root)}, **defaults, **settings})


def launched(root, **settings):
    config = config_of(root, **settings)
    return control.launch(make_plan(config, scan(config.data, threads=1)))


def again(run, folder):
    """Do what the report of a run says in an empty place. Returns (new runs, commands, notes)."""
    parts = next(part for part in gather.gather([run]).sections if part.title == "How to reproduce").blocks
    codes = {block.title: block.text for block in parts if isinstance(block, Code)}
    commands = codes.pop("Commands").splitlines()
    for name, text in codes.items():
        (folder / name).write_text(text, "utf-8")
    new_runs = []
    for command in commands:
        words = [run.config().data.root if word == "FOLDER" else word for word in shlex.split(command)]
        assert words[:3] == ["python", "-m", "core"]
        done = CliRunner().invoke(app, words[3:])
        assert done.exit_code == 0, (command, done.output, done.exception)
        new_runs += [Run(line) for line in done.output.splitlines() if ID.fullmatch(line) and Run(line).exists()]
    return new_runs, commands, [line for block in parts if isinstance(block, Bullets) for line in block.lines]


def where(run):
    return run.samples().set_index("sample")["fold"].to_dict()


def test_a_run_that_splits_itself_is_made_by_its_configuration(lab, tmp_path):
    run = launched(lab)
    (new,), (command,), notes = again(run, tmp_path)
    assert command == f"python -m core train {run.id}.yaml --data FOLDER" and notes == []
    assert where(new) == where(run) and new.config() == run.config() and new.id != run.id


def test_a_run_on_the_datasets_own_folds_is_made_by_its_configuration_and_says_whose_they_are(lab, tmp_path):
    for fold, name in itertools.product((1, 2), ("round", "square")):
        for number in range(2):
            draw(tmp_path / "shapes" / f"fold_{fold}" / name / f"{fold}{number}.png")
    run = launched(tmp_path / "shapes", task={"name": "label"}, folds={"count": 2, "given": True})
    (new,), (command,), notes = again(run, tmp_path)
    assert command == f"python -m core train {run.id}.yaml --data FOLDER" and notes == []
    assert where(new) == where(run) and new.config().folds.given
    text = render.markdown(gather.gather([run]))
    assert "the dataset's own 2 folds" in text and "2 folds, seed" not in text


def test_a_report_names_the_dataset_and_not_where_it_lies(lab, tmp_path):
    other = utkface(tmp_path / "more faces", each=3)
    one = gather.gather([launched(lab)])
    two = gather.gather([launched(lab), launched(other)])
    for report in (one, two):
        for text in (render.html(report), render.markdown(report)):
            assert "faces of all" in text and str(tmp_path) not in text and str(lab.parent) not in text
    assert "in place of FOLDER (faces of all)," in render.markdown(one)
    text = render.markdown(two)
    assert "in place of FOLDER\\_1 (faces of all) and FOLDER\\_2 (more faces)," in text
    assert "--data FOLDER_1" in text and "--data FOLDER_2" in text


def test_a_report_names_a_file_of_first_weights_and_not_where_it_lies(lab, tmp_path, narrow):
    files = [tmp_path / place / "w.pth" for place in ("first", "second")]
    for file in files:
        file.parent.mkdir()
        torch.save(torchvision.models.resnet18(weights=None).state_dict(), file)
    runs = [launched(lab, model={"init": f"file:{file}"}) for file in files]
    digest = "ab12" * 16
    runs[0].update_info(weights={"init": f"file:{files[0]}", "file": "w.pth", "sha256": digest})
    report = gather.gather(runs)
    text = render.markdown(report)
    assert str(tmp_path) not in text and str(tmp_path) not in render.html(report)
    assert "ResNet-18 from file:w.pth" in text
    assert [text.count(f"init: file:{place}/w.pth") for place in ("first", "second")] == [1, 1]
    assert f"starts from the weights file first/w.pth (SHA-256 {digest}): put it at this path below" in text
    assert "starts from the weights file second/w.pth (SHA-256 " in text
    assert f"file:w.pth, SHA-256 {digest[:16]}" in text  # two files of one name are told apart


def test_a_study_in_a_report_names_its_files_of_first_weights_and_not_where_they_lie(
    lab, tmp_path, narrow, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    draw(lab / "of-nobody.jpg")
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), tmp_path / "w.pth")
    (tmp_path / "v.pth").hardlink_to(tmp_path / "w.pth")
    varied = {"task.name": ["gender", "gender-age"], "model.init": ["file:w.pth", "file:v.pth"]}
    study_config = StudyConfig(name="tasks", recipe="quick", set={**SHARED, "data.root": str(lab)}, grid=varied)
    configs = expand(study_config, {"root": str(lab), "leave_out_problems": True})
    study = records.launch(study_config, make_plans(configs, scan(configs[0].data, threads=1)))
    monkeypatch.chdir("/")  # where a report is written does not matter
    texts = [render.markdown(gather.gather([Run(run_id)])) for run_id in study.run_ids[::2]]
    whole = [f"core study {study.id}.yaml" in text for text in texts]
    note = render.escaped(f"{study.id}.yaml names the weights file v.pth: put it at this path below")
    named = [note in text for text in texts]
    assert any(whole) and named == whole
    for text in texts:
        assert "file:w.pth" in text and str(tmp_path) not in text
        assert "starts from the weights file w.pth (SHA-256 " in text


def test_a_run_that_starts_from_another_says_that_its_folder_is_needed(lab, tmp_path):
    parent = launched(lab, folds={"count": 2, "seed": 8})
    for fold in parent.folds():
        parent.weights_file(fold, "best").write_bytes(b"x")
        parent.write_state(FoldState(fold, "done"))
    run = launched(lab, model={"init": f"run:{parent.id}"})
    (new,), _, (note,) = again(run, tmp_path)
    assert where(new) == where(run) and new.config().model.parent == parent.id
    assert f"the folder runs/{parent.id} has to be there" in note


def test_runs_of_a_study_that_another_run_split_are_made_by_the_study(lab, tmp_path):
    draw(lab / "of-nobody.jpg")  # its name tells nothing: the study has to know that it is left out
    study_config = StudyConfig(name="tasks", recipe="quick", set=SHARED, grid={"task.name": ["gender", "gender-age"]})
    configs = expand(study_config, {"root": str(lab), "leave_out_problems": True})
    study = records.launch(study_config, make_plans(configs, scan(configs[0].data, threads=1)))
    for run_id in study.run_ids:
        run = Run(run_id)
        new_runs, commands, notes = again(run, tmp_path)
        new = next(candidate for candidate in new_runs if candidate.config().task == run.config().task)
        assert where(new) == where(run)
        assert new.config().data == run.config().data
        if len(new_runs) > 1:
            assert commands == [f"python -m core study {study.id}.yaml --data FOLDER"]
            assert "the study is launched whole" in notes[0]


def test_a_run_that_joined_a_study_needs_its_own_folder_for_its_folds(lab, tmp_path):
    shared = {**SHARED, "task.name": "gender"}
    study_config = StudyConfig(name="seeds", recipe="quick", set=shared, grid={"training.seed": [0, 1]})
    configs = expand(study_config, {"root": str(lab)})
    photos = scan(configs[0].data, threads=1)
    study = records.launch(study_config, make_plans(configs, photos))
    joining = config_of(lab, folds={"count": 2, "seed": 77})  # by itself it would be split in another way
    run = records.add(study, make_plan(joining, photos), photos)
    (new,), (command,), notes = again(run, tmp_path)
    assert where(new) == where(run) == where(Run(study.run_ids[0]))
    assert command.endswith(f"--folds-of {run.id}") and f"the folder runs/{run.id} has to be there" in notes[0]


def test_a_study_whose_recipe_is_not_the_labs_is_not_promised(lab, tmp_path):
    """Its file names a recipe that another machine lacks: folds are taken from the run instead."""
    from core.config.recipes import load_recipe, save_recipe

    save_recipe("mine", load_recipe("quick"))
    study_config = StudyConfig(name="tasks", recipe="mine", set=SHARED, grid={"task.name": ["gender", "gender-age"]})
    configs = expand(study_config, {"root": str(lab), "max_people": 17})
    study = records.launch(study_config, make_plans(configs, scan(configs[0].data, threads=1)))
    for run_id in study.run_ids:
        new_runs, commands, _ = again(Run(run_id), tmp_path)
        assert all(" train " in command for command in commands) and where(new_runs[0]) == where(Run(run_id))


@pytest.mark.parametrize("many", [1, 2])
def test_corrections_are_counted_and_said_to_be_needed(lab, tmp_path, many):
    samples = sorted(path.name for path in lab.iterdir())
    for sample in samples[:many]:
        corrections.add(lab, Correction(kind="exclude-photo", sample=sample))
    run = launched(lab)
    parts = gather.gather([run]).sections
    texts = [block.text for part in parts if part.title == "Data" for block in part.blocks if hasattr(block, "text")]
    count = f"{many} label correction{'' if many == 1 else 's'}"
    assert f"The run used {count}, laid over the labels of the dataset." in texts
    (new,), _, notes = again(run, tmp_path)
    assert where(new) == where(run) and len(new.samples()) == 18 - many
    assert notes[0].startswith(f"mine used {count}: on another machine, take in runs/{run.id}/corrections.csv")


def test_runs_under_different_libraries_are_each_told_with_theirs(lab):
    runs = [launched(lab, name=name, training={"loss": "weighted"}) for name in ("first", "second")]
    starts.note(runs[0], 0, 0, {})
    for run, torch_version in zip(runs, ("2.14.0", "2.14.1"), strict=True):
        info = run.info()
        info["versions"] |= {"torch": torch_version}
        files.write_json(run.info_file, info)
    report = render.markdown(gather.gather(runs))
    assert re.search(r"\| torch +\| 2\.14\.0 \(first\); 2\.14\.1 \(second\) ", report)
    assert "The runs were launched with different versions of torch" in report
    of_losses = "The weighted loss of first weighed each class of a target, that of second"
    assert of_losses in report.partition("## Limits")[2] and report.count(of_losses) == 1
    alike = render.markdown(gather.gather(runs[:1]))
    assert "different versions" not in alike and "weighed" not in alike and "2.14.1" not in alike
