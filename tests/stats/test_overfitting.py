"""Where folds begin to overfit, told by their losses."""

import numpy as np
import pytest

from core.stats.overfitting import FEWEST, RISE, overfit

EPOCHS = np.arange(1, 21)
FALLS = np.exp(-0.2 * EPOCHS)


def valley(lowest, rise):
    """A validation loss of 1 at epoch `lowest`, which ends `rise` above it."""
    after = np.maximum(0, EPOCHS - lowest)
    return 1 + 0.05 * np.maximum(0, lowest - EPOCHS) + np.minimum(rise, rise * after / max(1, 20 - lowest - 4))


def test_the_epoch_is_that_of_the_lowest_validation_loss():
    over = overfit([(EPOCHS, FALLS, valley(6, 0.5))])
    assert (over.epoch, over.folds, over.of) == (6, 1, 1)
    assert over.rise == pytest.approx(0.5)


def test_most_folds_decide_and_the_middle_one_names_the_epoch():
    folds = [(EPOCHS, FALLS, valley(lowest, 0.4)) for lowest in (4, 7, 9)]
    falls = (EPOCHS, FALLS, FALLS)
    over = overfit([*folds, falls])
    assert (over.epoch, over.folds, over.of) == (7, 3, 4)
    assert overfit([*folds[:2], falls, falls]) is None, "half of the folds are not most"


@pytest.mark.parametrize(
    ("train", "validation"),
    [
        (FALLS, FALLS),  # still falls
        (FALLS, valley(6, RISE * 0.9)),  # no more than a curve shakes
        (FALLS[::-1], valley(6, 0.5)),  # diverges: training loss rises too
        (FALLS, np.r_[valley(6, 0.5)[:-1], np.nan]),  # no number
        (FALLS[: FEWEST - 1], valley(2, 0.5)[: FEWEST - 1]),  # too few epochs
        (FALLS, valley(18, 0.5)),  # what it ends at begins there
    ],
)
def test_what_does_not_overfit(train, validation):
    assert overfit([(EPOCHS[: len(train)], train, validation)]) is None


def test_no_fold_says_nothing():
    assert overfit([]) is None


def test_epochs_that_a_phase_was_spared_keep_their_numbers():
    epochs = np.r_[EPOCHS[:6], EPOCHS[6:] + 9]  # a phase of 15 epochs stopped after 6
    assert overfit([(epochs, FALLS, valley(10, 0.4))]).epoch == 19
