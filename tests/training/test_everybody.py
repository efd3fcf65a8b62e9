"""Training on everybody: each photo in each epoch, nobody validated, and a killed one ends as if it had not been."""

import signal

import numpy as np
import pytest
import safetensors.torch
import torch

from core.plan import everybody
from core.runs import origins
from core.training import batches, checkpoint, train
from tests.everybody_runs import ended, frozen
from tests.workers import assert_done, assert_same_tensors, die_renaming, launch, resume, small_net, stray_files

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def planned(tiny_plan, runs_folder):
    """On everybody of a run whose folds were best after 3 and 4 epochs: all 4 of them."""
    parent = ended(frozen(tiny_plan, runs_folder), (3, 4))
    return everybody.make_plan(everybody.proposed(parent), runs_folder)


def test_every_photo_is_trained_on_once_an_epoch_and_none_is_validated(planned, runs_folder, network, monkeypatch):
    run = frozen(planned, runs_folder)
    drawn, original = [], batches.AugmentedBatches.__getitem__

    def draw(self, item):
        epoch, rows, _ = item
        drawn.extend((self.stage, epoch, int(row)) for row in rows)
        return original(self, item)

    monkeypatch.setattr(batches.AugmentedBatches, "__getitem__", draw)
    monkeypatch.setattr(train.FoldTrainer, "evaluate", lambda *_: pytest.fail("nobody is held out"))
    ended_epochs = []
    assert train.train_fold(run, 0, report=lambda row: ended_epochs.append(row) if row["kind"] == "epoch" else None)
    assert sorted(drawn) == [("train", epoch, row) for epoch in (1, 2, 3, 4) for row in range(24)]
    assert run.metrics(0)["split"].tolist() == ["train"] * 4
    assert not list(run.fold_dir(0).glob("*.parquet"))
    assert [row["scores"] for row in ended_epochs] == [{}] * 4
    assert all(np.isfinite(row["trained"]["f1"]) for row in ended_epochs)
    best, final = (safetensors.torch.load_file(run.weights_file(0, which)) for which in ("best", "final"))
    last = torch.load(run.last_file(0), weights_only=True)
    assert_same_tensors(best, final)
    assert_same_tensors(dict(sorted(best.items())), dict(sorted(last["model"].items())))
    origin = origins.of_weights(run.weights_file(0, "best"))
    assert origin == origins.of_weights(run.weights_file(0, "final"))
    assert origin == origins.Origin(4, checkpoint.token_of(best))


def test_a_killed_one_is_resumed_to_the_same_bits(planned, runs_folder, workers, network):
    """Killed in the middle, between the two renames at its end, and with its best weights lost after it."""
    straight = frozen(planned, runs_folder)
    train.train_fold(straight, 0)
    run = launch(planned, runs_folder)
    assert workers.run(small_net, die_renaming("last.pt", after=True, turn=2)) == -signal.SIGKILL
    resume(run)
    assert workers.run(small_net, die_renaming("final.safetensors", after=False)) == -signal.SIGKILL
    assert run.weights_file(0, "best").is_file() and not run.weights_file(0, "final").exists()
    run.weights_file(0, "best").unlink()
    resume(run)
    assert workers.run(small_net) == 0
    assert_done(run)
    for which in ("best", "final"):
        a, b = (safetensors.torch.load_file(each.weights_file(0, which)) for each in (run, straight))
        assert_same_tensors(a, b)
    assert not run.last_file(0).exists()  # of a fold that is done
    state = run.fold_state(0)
    assert (state.epoch, state.best_epoch, state.scores) == (4, None, None)
    assert not stray_files(runs_folder)
    assert "on the photos trained on" in run.log_tail()
