"""A backbone with a rate of 0: nothing goes backward through it, and what it sees may be computed once."""

import pandas as pd
import pytest
import torch
import torchvision
from pydantic import ValidationError

from core.config.run_config import PhaseConfig
from core.runs.create import create
from core.training import checkpoint, frozen, train
from core.training.fold_trainer import build_optimizer
from tests.narrow import narrow_resnet18
from tests.workers import SmallNet, assert_same_tensors, with_changes

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
STILL = [{"name": "Resize", "params": {"height": 32, "width": 32}}, {"name": "Normalize"}]


def plan_of(plan, *, optimizer="adam", frozen_norm=False, transforms=None, **changes):
    head_alone = {"phases__0__lr_backbone": 0.0, "phases__0__frozen_norm": frozen_norm, **changes}
    head_alone |= {"transforms": transforms} if transforms else {}
    return with_changes(plan, phases__0__optimizer=optimizer, **head_alone)


def trained(plan, folder, **stop):
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)
    train.train_fold(run, 0, **stop)
    return run


def last(run):
    return checkpoint.load_last(run.last_file(0), CPU)


def assert_same(run, other):
    assert_same_tensors(last(run)["model"], last(other)["model"])
    for which in ("best", "final"):
        pd.testing.assert_frame_equal(run.predictions(0, which), other.predictions(0, which), check_exact=True)
    rows = [each.metrics(0).drop(columns=["seconds", "images_per_second"]) for each in (run, other)]
    pd.testing.assert_frame_equal(*rows, check_exact=True)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_without_a_backward_pass_the_result_is_what_it_was_with_one(
    tiny_plan, runs_folder, network, monkeypatch, optimizer, precision
):
    """As labs before did: the backbone got its gradients, and moved by none of them."""
    plan = plan_of(tiny_plan, optimizer=optimizer, training__precision=precision)
    run = trained(plan, runs_folder)
    monkeypatch.setattr(train.FoldTrainer, "start_phase", _start_phase_as_before)
    assert_same(trained(plan, runs_folder), run)


def _start_phase_as_before(self, phase):
    self.phase = phase
    self.optimizer = build_optimizer(self.model, self.config.phases[phase])


def test_the_resnet_too_gives_the_same_bits_without_a_backward_pass(tiny_plan, runs_folder, monkeypatch):
    monkeypatch.setattr(torchvision.models, "resnet18", narrow_resnet18)
    phase = {**tiny_plan.config.phases[0].model_dump(), "epochs": 1, "lr_backbone": 0.0}
    plan = with_changes(tiny_plan, phases=[phase])
    run = trained(plan, runs_folder)
    monkeypatch.setattr(train.FoldTrainer, "start_phase", _start_phase_as_before)
    assert_same(trained(plan, runs_folder), run)


class Counting(SmallNet):
    seen = 0

    def forward(self, images):
        Counting.seen += len(images)
        return super().forward(images)


@pytest.fixture
def counting(monkeypatch):
    monkeypatch.setattr(torchvision.models, "resnet18", Counting)
    monkeypatch.setattr(Counting, "seen", 0)
    return Counting


def test_of_a_frozen_backbone_each_photo_is_seen_once_and_nothing_of_it_changes(tiny_plan, runs_folder, counting):
    plan = plan_of(tiny_plan, frozen_norm=True, transforms=STILL)
    phases = [plan.config.phases[0].model_dump()]
    run = trained(with_changes(plan, phases=phases), runs_folder)
    assert counting.seen == 24  # twelve that are trained on, twelve held out, for two epochs
    fresh = train.FoldTrainer(run, 0, CPU, None)
    before, after = dict(fresh.model.state_dict()), last(run)["model"]
    fresh.close()
    assert all(torch.equal(before[name], after[name]) == (not name.startswith("fc.")) for name in before)
    mixed = with_changes(plan, phases=phases, mix__method="mixup")
    counting.seen = 0
    trained(mixed, runs_folder)
    assert counting.seen == 12 * 2 + 12  # the held-out fold alone is seen once


def test_a_frozen_backbone_s_photos_give_the_same_head_seen_once_or_in_each_step(
    tiny_plan, runs_folder, network, monkeypatch
):
    plan = plan_of(tiny_plan, frozen_norm=True, transforms=STILL, training__precision="float32")
    once = trained(plan, runs_folder)
    monkeypatch.setattr(frozen, "MOST", 0)
    each_step = trained(plan, runs_folder)
    for name, value in last(once)["model"].items():
        assert torch.allclose(value.float(), last(each_step)["model"][name].float(), atol=1e-4), name
    assert (once.metrics(0)["loss"] - each_step.metrics(0)["loss"]).abs().max() < 1e-3


@pytest.mark.parametrize("transforms", [None, STILL])
def test_a_frozen_phase_is_resumed_exactly(tiny_plan, runs_folder, network, transforms):
    plan = plan_of(tiny_plan, frozen_norm=True, transforms=transforms, phases__0__epochs=3)
    straight = trained(plan, runs_folder)
    told = []
    stop = {"report": lambda row: told.append(row["kind"] == "epoch"), "should_stop": lambda: sum(told) >= 2}
    run = trained(plan, runs_folder, **stop)
    assert last(run)["epoch"] == 2
    train.train_fold(run, 0)
    assert_same(run, straight)
    assert_same_tensors(last(run), last(straight))


def test_a_stop_while_a_frozen_backbone_looks_is_heard(tiny_plan, runs_folder, network):
    looks = []
    run = trained(
        plan_of(tiny_plan, frozen_norm=True, transforms=STILL),
        runs_folder,
        should_stop=lambda: looks.append(True) or len(looks) > 3,
    )
    assert not run.last_file(0).exists() and run.metrics(0).empty


def test_a_backbone_that_is_trained_cannot_be_frozen():
    with pytest.raises(ValidationError, match="set lr_backbone to 0"):
        PhaseConfig(frozen_norm=True)
    assert PhaseConfig(frozen_norm=True, lr_backbone=0).frozen_norm
