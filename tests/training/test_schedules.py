import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, SequentialLR, StepLR

from core.config import RunConfig
from core.config.run_config import PhaseConfig

STEPS = 7  # an epoch


def theirs(phase: PhaseConfig) -> list[float]:
    """The factors of torch's own scheduler at every step of a phase."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    total = phase.epochs * STEPS
    if phase.schedule == "constant":
        return [1.0] * total
    if phase.schedule == "one-cycle":
        scheduler = OneCycleLR(optimizer, max_lr=1.0, total_steps=total, cycle_momentum=False)
    elif phase.schedule == "step":
        scheduler = StepLR(optimizer, step_size=phase.step_epochs * STEPS, gamma=phase.step_factor)
    elif phase.warmup_epochs:
        warmup = int(phase.warmup_epochs * STEPS)
        rise = LinearLR(optimizer, start_factor=1 / (warmup + 1), end_factor=1.0, total_iters=warmup)
        fall = CosineAnnealingLR(optimizer, T_max=total - warmup)
        scheduler = SequentialLR(optimizer, [rise, fall], milestones=[warmup])
    else:
        scheduler = CosineAnnealingLR(optimizer, T_max=total)
    factors = []
    for _ in range(total):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return factors


@pytest.mark.filterwarnings("ignore:The epoch parameter in")
def test_learning_rates_of_a_run_with_phases_equal_torchs_schedulers():
    phases = [
        PhaseConfig(epochs=3, schedule="constant"),
        PhaseConfig(epochs=5, schedule="cosine"),
        PhaseConfig(epochs=6, schedule="cosine", warmup_epochs=2),
        PhaseConfig(epochs=10, schedule="one-cycle"),
        PhaseConfig(epochs=9, schedule="step", step_epochs=2, step_factor=0.5, optimizer="sgd"),
    ]
    config = RunConfig(phases=phases)
    ours, expected = [], []
    for epoch in range(1, config.epochs + 1):
        phase, before = config.phase_of(epoch)
        start = (epoch - 1 - before) * STEPS
        ours += [config.learning_rate_factor(phase, start + step, STEPS) for step in range(STEPS)]
    for phase in phases:
        expected += theirs(phase)
    assert ours == pytest.approx(expected, abs=1e-9)


def test_phase_borders():
    config = RunConfig(phases=[PhaseConfig(epochs=15), PhaseConfig(epochs=50, optimizer="sgd")])
    assert [config.phase_of(epoch) for epoch in (1, 15, 16, 65)] == [(0, 0), (0, 0), (1, 15), (1, 15)]
    with pytest.raises(ValueError, match="ends at 65"):
        config.phase_of(66)
