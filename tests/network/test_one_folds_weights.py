"""A fold's weights are no first weights for all folds, wherever the file lies and however its path is spelt."""

import dataclasses
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import torch
from typer.testing import CliRunner

from core.cli.main import app
from core.config import from_dict, to_yaml
from core.data.scan import scan
from core.errors import LabError
from core.jobs import control
from core.plan.plan import check_weights, make_plan
from core.runs import origins
from core.runs.ancestry import run_holding, written_origin
from core.runs.create import create
from core.runs.lists.summaries import summaries
from core.training import checkpoint
from tests.plan.lineage import make_run, table_of
from tests.workers import short


@pytest.fixture
def parent(tiny_plan, runs_folder):
    """A run on the tiny dataset; what its weights are does not matter here, since nobody comes to read them."""
    run = create(tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info={}, folder=runs_folder)
    for fold in run.folds():
        for which in ("best", "final"):
            write(run.weights_file(fold, which), {})
    return run


def write(path, metadata):
    safetensors.numpy.save_file({"conv1.weight": np.zeros((1, 1), np.float32)}, path, metadata)


def spellings(parent, tmp_path):
    """The same file by its path, a link to it, a link to its run, a path that goes up, and from another folder."""
    path = parent.weights_file(1, "best")
    (tmp_path / "link.safetensors").symlink_to(path)
    (tmp_path / "linked").symlink_to(parent.dir)
    shutil.copytree(parent.dir, tmp_path / "other runs" / parent.id)
    return [
        path,
        tmp_path / "link.safetensors",
        tmp_path / "linked" / "folds" / "1" / "final.safetensors",
        parent.dir / ".." / parent.id / "folds" / "0" / ".." / "1" / "best.safetensors",
        tmp_path / "other runs" / parent.id / "folds" / "1" / "best.safetensors",
    ]


def test_every_door_refuses_a_folds_weights_and_names_the_run(parent, tiny_config, tmp_path):
    scanned = scan(tiny_config.data, threads=1)
    for path in spellings(parent, tmp_path):
        asked = from_dict({**tiny_config.model_dump(mode="json"), "model": {"init": f"file:{path}"}})
        for door, given in ((check_weights, (asked,)), (make_plan, (asked, scanned))):  # the form asks both
            with pytest.raises(LabError, match=rf"fold 1 of {parent.id}") as refusal:
                door(*given)
            assert refusal.value.kind == "weights" and f"run:{parent.id}" in refusal.value.remedy
        (tmp_path / "recipe.yaml").write_text(to_yaml(asked))
        done = CliRunner().invoke(app, ["train", str(tmp_path / "recipe.yaml")])
        assert isinstance(done.exception, LabError) and f"run:{parent.id}" in str(done.exception)
    assert [s["id"] for s in summaries()] == [parent.id]


def test_the_launch_itself_refuses_too(parent, tiny_plan):
    path = parent.weights_file(0, "final")
    with pytest.raises(LabError, match=f"fold 0 of {parent.id}"):
        control.launch(short(tiny_plan, model__init=f"file:{path}"))


def test_a_copy_that_says_where_it_came_from_is_refused_for_people_that_the_run_knows(parent, tiny_config, tmp_path):
    copy = tmp_path / "downloads" / "best.safetensors"
    copy.parent.mkdir()
    write(copy, {"run": parent.id, "fold": "1", "epoch": "3"})
    assert written_origin(copy) == (parent.id, 1) and run_holding(copy) is None
    scanned = scan(tiny_config.data, threads=1)
    asked = from_dict({**tiny_config.model_dump(mode="json"), "model": {"init": f"file:{copy}"}})
    with pytest.raises(LabError, match=f"fold 1 of {parent.id}"):
        make_plan(asked, scanned)
    strangers = scanned.samples.assign(person=[f"stranger {i}" for i in range(len(scanned.samples))])
    make_plan(asked, dataclasses.replace(scanned, samples=strangers))  # another dataset: nobody is known to the fold
    shutil.rmtree(parent.dir)
    make_plan(asked, scanned)  # the run is not here, so who it was trained on is not known


def test_what_the_trainer_writes_says_where_it_came_from(parent, tmp_path):
    path = parent.weights_file(1, "best")
    before = origins.Origin(3, "0123456789abcdef")
    checkpoint.save_pending(
        parent, 1, "best", {"conv1.weight": torch.zeros(1, 1)}, pd.DataFrame({"p_a": [1.0]}), before
    )
    checkpoint.publish(parent, 1, "best")
    shutil.copy(path, tmp_path / "copy.safetensors")
    assert written_origin(tmp_path / "copy.safetensors") == (parent.id, 1)
    assert origins.of_weights(tmp_path / "copy.safetensors") == before


@pytest.mark.parametrize(
    "metadata", [{}, {"run": "../x", "fold": "1"}, {"run": "a-run", "fold": "one"}, {"run": "a-run"}, None]
)
def test_a_file_that_names_no_run_is_any_file(tmp_path, metadata):
    write(tmp_path / "w.safetensors", metadata)
    assert written_origin(tmp_path / "w.safetensors") is None
    (tmp_path / "x.safetensors").write_bytes(os.urandom(64))
    assert written_origin(tmp_path / "x.safetensors") is None
    assert written_origin(tmp_path / "gone.safetensors") is None


def test_a_folder_that_merely_looks_like_a_run_keeps_its_weights(tmp_path):
    project = tmp_path / "project"
    (project / "weights").mkdir(parents=True)
    (project / "config.yaml").write_text("mine: true")
    write(project / "weights" / "faces.safetensors", {})
    assert run_holding(project / "weights" / "faces.safetensors") is None
    run = make_run(tmp_path, "parent", table_of([f"p{i}" for i in range(30)]).assign(fold=lambda t: t.index % 2))
    assert run_holding(run.weights_file(1, "best")) == (run, 1)
