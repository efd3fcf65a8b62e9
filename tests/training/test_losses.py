import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torchvision.ops import sigmoid_focal_loss

from core.config.run_config import MixConfig, TrainingConfig
from core.training.losses import FocalLoss, Mixer, build_loss, class_weights

rng = np.random.default_rng(0)


def logits_and_labels(samples=64, classes=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(samples, classes, generator=generator) * 3
    return logits, torch.randint(classes, (samples,), generator=generator)


def test_smoothed_cross_entropy_equals_its_definition_by_soft_targets():
    logits, labels = logits_and_labels()
    loss = build_loss(TrainingConfig(label_smoothing=0.1), np.ones(5))
    soft = torch.nn.functional.one_hot(labels, 5) * 0.9 + 0.1 / 5
    by_hand = torch.nn.functional.cross_entropy(logits, soft)
    torch.testing.assert_close(loss(logits, labels), by_hand)


def test_class_weights_equal_scikit_learns_balanced_weights():
    labels = rng.choice(4, size=200, p=[0.6, 0.25, 0.1, 0.05])
    counts = np.bincount(labels, minlength=4)
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    np.testing.assert_allclose(class_weights(counts).numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_weighted_loss_equals_a_weighted_mean_of_sample_losses(smoothing):
    logits, labels = logits_and_labels()
    counts = np.array([5, 1, 20, 3, 9])
    loss = build_loss(TrainingConfig(loss="weighted", label_smoothing=smoothing), counts)
    weight = class_weights(counts)[labels]
    each = torch.nn.functional.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
    by_hand = (each * weight).sum() / weight.sum()
    torch.testing.assert_close(loss(logits, labels), by_hand)
    told_as_shares = torch.nn.functional.one_hot(labels, 5).float()
    torch.testing.assert_close(loss(logits, told_as_shares), by_hand)


def test_weights_never_make_a_rare_class_the_answer_for_a_photo_that_shows_none_of_it():
    """What a network learns of a photo that it is sure of is where the loss of that photo alone has no slope."""
    counts = np.array([1, *[200] * 17])
    loss = build_loss(TrainingConfig(loss="weighted", label_smoothing=0.1), counts)
    mostly = torch.tensor([[0.05, 0.95, *[0.0] * 16]])  # the share of a mixed photo
    for targets, shares in ((torch.tensor([1]), torch.eye(18)[1:2]), (mostly, mostly)):
        logits = (shares * 0.9 + 0.1 / 18).log().requires_grad_()
        loss(logits, targets).backward()
        assert logits.argmax() == 1 and logits.grad.abs().max() < 1e-6


def test_an_absent_class_has_a_finite_weight():
    assert torch.isfinite(class_weights(np.array([10, 0, 3]))).all()


def test_focal_loss_of_two_classes_equals_torchvisions():
    score = torch.randn(100, generator=torch.Generator().manual_seed(1)) * 3
    labels = torch.randint(2, (100,), generator=torch.Generator().manual_seed(2))
    ours = FocalLoss(gamma=2.0)(torch.stack([torch.zeros_like(score), score], 1), labels)
    theirs = sigmoid_focal_loss(score, labels.float(), alpha=-1, gamma=2.0, reduction="mean")
    torch.testing.assert_close(ours, theirs)


def test_focal_loss_without_focus_is_cross_entropy():
    logits, labels = logits_and_labels()
    torch.testing.assert_close(
        FocalLoss(0.0, 0.1)(logits, labels), torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
    )


@pytest.mark.parametrize("precision", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0, 2.0])
def test_focal_loss_of_photos_answered_with_certainty_has_a_gradient(gamma, precision):
    """Where p is 1 to the last bit, the slope of (1 - p)^gamma is infinite for a gamma below 1."""
    logits = torch.tensor([[30.0, 0], [0, 30], [0, 30]], dtype=precision, requires_grad=True)
    FocalLoss(gamma)(logits, torch.tensor([0, 1, 0])).backward()
    assert logits.grad[:2].abs().max() < 1e-6, "nothing is left to learn of them"
    assert logits.grad[2].tolist() == pytest.approx([-1 / 3, 1 / 3], rel=1e-2), "the one that is wrong is learned"


@pytest.mark.parametrize("method", ["mixup", "cutmix", "both"])
def test_mixed_targets_sum_to_one_and_depend_on_the_seed_alone(method):
    images = torch.rand(8, 3, 16, 16)
    labels = torch.arange(8) % 4
    mixer = Mixer(MixConfig(method=method, alpha=1.0), 4)
    state = torch.random.get_rng_state()
    first = mixer(images, labels, seed=5)
    torch.manual_seed(99)
    again = mixer(images, labels, seed=5)
    assert first[1].shape == (8, 4)
    torch.testing.assert_close(first[1].sum(1), torch.ones(8))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], mixer(images, labels, seed=6)[0])
    torch.random.set_rng_state(state)


def test_mixing_leaves_the_global_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(())
    torch.manual_seed(3)
    Mixer(MixConfig(method="mixup"), 4)(torch.rand(4, 3, 8, 8, generator=torch.Generator()), torch.arange(4), seed=1)
    assert torch.rand(()) == expected


def test_the_share_of_mixed_batches_is_the_probability():
    images, labels = torch.rand(4, 3, 4, 4), torch.arange(4)
    mixer = Mixer(MixConfig(method="mixup", probability=0.3), 4)
    mixed = sum(mixer(images, labels, seed)[1].ndim == 2 for seed in range(400))
    assert 0.22 < mixed / 400 < 0.38


def test_without_mixing_nothing_changes():
    images, labels = torch.rand(4, 3, 4, 4), torch.arange(4)
    out = Mixer(MixConfig(), 4)(images, labels, seed=1)
    assert out[0] is images and out[1] is labels
