"""What a run's certainty means, in sentences that page, report and command line share. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.data.persons import noun, units
from core.stats import calibration
from core.text import count, listed, score

if TYPE_CHECKING:
    from core.answers.certainty import Certainty, SetSummary
    from core.answers.together import Together
    from core.stats.paired import Interval
    from core.stats.selective import Promise

WELL = 0.02  # a gap between promise and truth that hardly anybody minds
BEST_EPOCH = "The best epoch was chosen on the same held-out photos, which flatters a little."
MINUS = "\N{MINUS SIGN}"


def interval(of: Interval) -> str:
    """ "0.833 [0.500, 1.000]", the score alone where there is no interval."""
    return f"{score(of.mean)} [{score(of.low)}, {score(of.high)}]" if of.known else score(of.mean)


def percent(of: Interval) -> str:
    """ "83.3% [50.0%, 99.9%]"."""
    ends = f" [{of.low:.1%}, {of.high:.1%}]" if of.known else ""
    return f"{of.mean:.1%}{ends}"


def signed(of: Interval) -> str:
    """ "+1.2 points [-0.4, +2.9]", with true minus signs."""
    ends = f" [{100 * of.low:+.1f}, {100 * of.high:+.1f}]" if of.known else ""
    return _minus(f"{100 * of.mean:+.1f} points{ends}")


def _minus(number: str) -> str:
    return number.replace("-", MINUS)


def trust(certainty: Certainty) -> str:
    """How what the networks promise and what they keep compare."""
    before, accuracy = certainty.before, certainty.classes.accuracy.mean
    sure = accuracy + before.gap.mean
    first = f"On average the networks are {sure:.1%} sure of their answers, and {accuracy:.1%} are right"
    if before.gap.known and before.gap.low <= 0 <= before.gap.high:
        return f"{first}: no gap is shown. The calibration error, bin by bin, is {interval(before.error)}."
    kind = "they promise more than they keep" if before.gap.mean > 0 else "they are better than they say"
    size = "" if abs(before.gap.mean) >= WELL else ", though by little"
    return f"{first}: {kind}{size}. The calibration error, bin by bin, is {interval(before.error)}."


def temperature(certainty: Certainty) -> str:
    """What one number for each fold's logits mends, told where it was not fitted."""
    if certainty.after is None:
        return "Whether a temperature mends it can be told once two folds have answered."
    spread = [certainty.temperatures[fold] for fold in certainty.folds]
    each = ", ".join(f"{value:.2f}" for value in spread)
    after = certainty.after
    error = f"from {score(certainty.before.error.mean)} to {interval(after.error)}"
    text = (
        f"A temperature for each fold ({each}; above 1 makes it less sure, and no answer changes) brings the "
        f"calibration error {error}. That is judged with the temperature from the other folds: judged on the answers "
        "that it was fitted on, it would flatter."
    )
    if after.likelihood.mean >= certainty.before.likelihood.mean:
        text += " It does not help here: the likelihood does not rise."
    if any(calibration.at_limit(value) for value in spread):
        text += " One stands at its limit, where none is best (all right, or the surest wrong): it is not one to use."
    return text


def mean_of_folds(certainty: Certainty) -> str:
    """What that means where several folds answer together."""
    if len(certainty.folds) > 1:
        several = f"New photos get the mean of {count(len(certainty.folds))} folds, which"
    else:
        several = "Where new photos get the mean of several folds, that"
    return (
        f"Each of these answers is of one network. {several} is less sure than they are: the mean of calibrated "
        "networks is under-confident. So first the mean, then one temperature for it; fitting that needs photos which "
        "no fold was trained on, a test set."
    )


def together(scores: Together) -> str:
    """The mean of the folds on the test set."""
    text = (
        f"On the {count(scores.photos)} test photos the mean of the folds has a calibration error of "
        f"{interval(scores.plain.error)} (gap {signed(scores.plain.gap)}); with each fold's own temperature "
        f"{interval(scores.members.error)} (gap {signed(scores.members.gap)})"
    )
    if scores.pooled is not None and scores.temperature is not None:
        text += (
            f"; first the mean, then a temperature of {scores.temperature:.2f} {interval(scores.pooled.error)}, judged "
            "on other test people than it was fitted on"
        )
    return (
        f"{text}. Sets of all folds (CV+) that should hold the true class in {1 - scores.alpha:.0%} hold it in "
        f"{percent(scores.coverage)}, with {scores.size:.2f} classes on average."
    )


def threshold(certainty: Certainty, accuracy: float, promise: Promise | None) -> str:
    """From which confidence on a wanted accuracy holds."""
    who = noun(certainty.persons.state)
    if promise is None:
        number, share = units(certainty.scores.people, certainty.persons.state), certainty.classes.accuracy.mean
        return (
            f"No threshold can be promised for {accuracy:.1%} right: with {number} even the surest answers do not show "
            f"it ({share:.1%} of all are right). Ask for less, or bring more {who}."
        )
    return (
        f"Answer from a confidence of {promise.threshold:.3f} on: that is {promise.coverage:.1%} of the photos, of "
        f"which {promise.observed:.1%} were right. That at least {accuracy:.1%} of such answers about new {who} are "
        f"right holds with {promise.level:.0%} confidence, for one fold's network; the mean of several is less sure "
        "and answers less often."
    )


def sets(summary: SetSummary | None, certainty: Certainty) -> str:
    """What conformal sets hold."""
    if summary is None:
        return "Sets are judged once two folds have answered."
    aim, unit = f"{1 - summary.alpha:.0%}", noun(certainty.persons.state)
    if summary.alpha < summary.least:
        return (
            f"Sets that hold the true class in {aim} need more {unit}: with "
            f"{units(certainty.scores.people, certainty.persons.state)} every set is all classes."
        )
    of_whom = "photos of new people" if certainty.persons.are_known else "new photos"
    alike = " and each person weighs the same" if certainty.persons.are_known else ""
    one, none = summary.sizes[1], summary.sizes[0]
    empty = f", none in {none:.1%} (nothing is usual enough)" if none > 0 else ""
    return (
        f"Sets that should hold the true class for {aim} of {of_whom} hold it in {percent(summary.coverage)}, with "
        f"{summary.size:.2f} classes on average: one class in {one:.1%}{empty}. Each fold's photos are judged with the "
        f"scores of the other folds{alike}. It is a promise over all classes together, not for each."
    )


def offsets(certainty: Certainty) -> str:
    """What shifting the classes brings, where it was not tuned."""
    gain = certainty.offsets
    if gain is None:
        return "Offsets of classes are judged once two folds have answered."
    changed = [
        f"{name} {_minus(f'{value:+.1f}')}"
        for name, value in zip(certainty.classes.names, gain.tuned, strict=True)
        if value
    ]
    if not changed:
        return "No offset of a class would raise macro F1 by more than chance: leave the answers as they are."
    flattering = _minus(f"{100 * gain.flattering:+.1f}")
    text = (
        f"Offsets added to the classes' log-probabilities ({listed(changed, 6)}) change macro F1 by "
        f"{signed(gain.gain)}, from {score(gain.before)} to {score(gain.after)}, each fold decided with offsets from "
        f"the others. On the answers they were tuned on it would be {flattering}, which is no promise."
    )
    if not (gain.gain.known and gain.gain.low > 0):
        text += " It is not shown that they help: leave them."
    return text


def set_sizes(summary: SetSummary) -> list[tuple[str, float]]:
    """("1 class", share of sets) of each size that occurs, for a table or figure."""
    occurring = [(int(k), float(summary.sizes[k])) for k in np.flatnonzero(summary.sizes)]
    return [(f"{k} class{'' if k == 1 else 'es'}", share) for k, share in occurring]
