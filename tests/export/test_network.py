"""What is written of a network while other sessions, which are threads, do the same or draw first weights."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from core.errors import LabError
from core.export.formats.program import program_of
from core.export.network import graph_of
from core.inside.fold_models import fold_model
from core.network import drawing

pytestmark = pytest.mark.long  # beside the others that have its fixtures


def test_of_two_packages_at_once_both_are_made_and_torch_is_as_before(joint):
    """torch's exporter changes its modules for all threads of the process while it looks at one."""
    before = torch.nn.Module.__call__, torch.nn.Module.__getattr__, torch.compiler._is_compiling_flag
    begin = threading.Barrier(2)

    def write(way, fold):
        with fold_model(joint.run, fold, device="cpu") as opened:
            begin.wait(60)
            return way(opened)

    with ThreadPoolExecutor(2) as sessions:
        first, second = sessions.submit(write, program_of, 0), sessions.submit(write, program_of, 1)
        assert set(first.result().state_dict) == set(second.result().state_dict)
    after = torch.nn.Module.__call__, torch.nn.Module.__getattr__, torch.compiler._is_compiling_flag
    assert after == before


def test_nobody_draws_while_the_exporter_holds_torchs_one_generator(joint, monkeypatch):
    """It puts the generator back to where it found it: weights that were half drawn by then would repeat themselves."""
    alone = []

    def export(*arguments, **keywords):
        alone.append(drawing._alone.locked())
        raise RuntimeError("seconds that are not needed here")

    monkeypatch.setattr(torch.onnx, "export", export)
    with fold_model(joint.run, 0, device="cpu") as opened, pytest.raises(LabError, match="seconds that are not needed"):
        graph_of(opened)
    assert alone == [True]
    assert not drawing._alone.locked()
