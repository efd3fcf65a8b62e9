"""A fold as a program of torch.export: tests/export/test_package.py holds its answers against the run's own table."""

import pytest
import safetensors.torch
import torch

from core.export.formats import program
from core.inside.fold_models import fold_model
from core.places import HOME

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("half")]  # long: beside the others that have its fixtures


def test_a_program_has_its_own_folds_weights_and_leaves_the_open_network_alone(joint, tmp_path):
    saved = [safetensors.torch.load_file(joint.run.weights_file(fold, "best")) for fold in (0, 1)]
    with fold_model(joint.run, 0, device="cpu") as first, fold_model(joint.run, 1, device="cpu") as second:
        of_run = program.program_of(first)
        program.write_program(of_run, second, tmp_path / "1.pt2", 2.5, {"fold": "1"})
        assert torch.equal(first.model.conv1.weight, saved[0]["conv1.weight"])
    carried = {"fold": ""}
    state = torch.export.load(tmp_path / "1.pt2", extra_files=carried).state_dict
    assert torch.equal(state["network.conv1.weight"], saved[1]["conv1.weight"])
    assert state["temperature"].item() == 2.5 and carried["fold"] == "1"
    assert str(HOME).encode() not in (tmp_path / "1.pt2").read_bytes()
