"""What extras bring and cost, in sentences that page, report and command line share. Imports no torch."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from core.answers.certainty_words import BEST_EPOCH
from core.data.persons import UNKNOWN, noun, units
from core.predict.extras.measured import TEST
from core.text import NOTHING, count, listed, score

if TYPE_CHECKING:
    from core.predict.extras.ladder import Ladder, Rung
    from core.stats.paired import Interval

MINUS = "\N{MINUS SIGN}"
FEW = 20  # people, or photos where persons are unknown: fewer make a rough interval
NO_ONE_AGAINST_ALL = (
    "What all folds bring over one cannot be told of held-out photos: only one fold had left each person out. That "
    "takes a test set."
)


def name(rung: Rung, ladder: Ladder) -> str:
    """ "one fold", with its run where there are several."""
    return f"{ladder.names[rung.run]}: {rung.name}" if rung.run is not None and len(ladder.runs) > 1 else rung.name


def f1(rung: Rung) -> str:
    """ "0.833 [0.500, 1.000]", the score alone where there is no interval."""
    of = rung.way.f1
    return f"{score(of.mean)} [{score(of.low)}, {score(of.high)}]" if of.known else score(of.mean)


def spread(rung: Rung) -> str:
    """ "mean of 5, 0.801 to 0.842": what lies behind the F1 of a single fold; empty for one that stands alone."""
    each = rung.way.each
    return f"mean of {count(len(each))}, {score(min(each))} to {score(max(each))}" if len(each) > 1 else ""


def difference(of: Interval) -> str:
    """ "+0.020 [+0.010, +0.030]", with true minus signs, the mean alone where there is no interval; what rounds to
    nothing has no sign."""
    return f"{_signed(of.mean)} [{_signed(of.low)}, {_signed(of.high)}]" if of.known else _signed(of.mean)


def _signed(share: float) -> str:
    number = f"{share:+.3f}"
    return "0.000" if number in ("+0.000", "-0.000") else number.replace("-", MINUS)


def seconds(value: float | None) -> str:
    """ "123 s", "12.3 s", "0.41 s"; a dash where it is not known."""
    if value is None:
        return NOTHING
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f} s"


def times(ratio: float | None) -> str:
    """ "4.6 times"; a dash where it is not known."""
    return NOTHING if ratio is None else f"{ratio:.1f} times"


def verdict(rung: Rung, ladder: Ladder) -> str:
    """One sentence about a rung that is held against another."""
    assert rung.over is not None
    numbers = f"{difference(rung.over)} F1"
    text = {
        "better": f"{rung.subject} bring {numbers} over {rung.versus}",
        "worse": f"{rung.subject} are worse than {rung.versus}: {numbers}",
    }.get(rung.verdict, f"{rung.subject} bring nothing shown over {rung.versus}: {numbers}{_why(rung, ladder)}")
    ratio = ladder.times(rung)
    if ratio is None:
        return f"{text}."
    return f"{text}, and take {ratio:.1f} times as long." if abs(ratio - 1) >= 0.05 else f"{text}, in the same time."


def _why(rung: Rung, ladder: Ladder) -> str:
    assert rung.over is not None
    if not rung.over.known:
        return ", without an interval: every draw gives the same"
    if rung.over.low <= 0 <= rung.over.high:
        return ""
    return f", which does not stand the correction for {count(ladder.comparisons)} comparisons"


def verdicts(ladder: Ladder) -> list[str]:
    """A sentence for each rung that is held against another, in their order."""
    return [verdict(rung, ladder) for rung in ladder.rungs if rung.over is not None]


def about(ladder: Ladder) -> str:
    """Of which photos F1 is told, and what the intervals say and do not."""
    state = ladder.persons.state
    whose = "" if state == UNKNOWN else f" of {units(ladder.persons.people, state)}"
    which, how = "test photos", "never trained on."
    if ladder.place != TEST:
        which, how = "photos", f"each answered by the fold that had left its person out. {BEST_EPOCH}"
    text = (
        f"F1 on {count(ladder.photos)} {which}{whose}, {how} 95% intervals are over {noun(state)}, drawn anew for all "
        "ways at once: how much it matters who was photographed, for these trained networks; another training would "
        "end elsewhere."
    )
    if not ladder.persons.are_known:
        text += " Where persons are unknown they may be too narrow."
    if ladder.persons.people == 1:
        text += f" Of {units(1, state)} there are none: every draw gives the same."
    elif ladder.persons.people < FEW:
        text += f" {units(ladder.persons.people, state)} make rough ones."
    if ladder.comparisons > 1:
        text += f" What is called better or worse stands Holm's correction for {count(ladder.comparisons)} comparisons."
    return text


def cost(ladder: Ladder) -> str:
    """How the times came about."""
    devices, days = dict.fromkeys(ladder.devices), dict.fromkeys(_day(moment) for moment in ladder.moments)
    if len(devices) > 1:
        where = "; ".join(
            f"{ladder.names[run]} on {device}" for run, device in zip(ladder.runs, ladder.devices, strict=True)
        )
        return (
            f"Times were measured on different devices ({where}), so those of the runs together are not told. Measure "
            "them again on one."
        )
    most = "up to " if len(ladder.runs) > 1 else ""
    return (
        f"Measured on {next(iter(devices))} ({listed(list(days))}): {most}{seconds(ladder.reading)} of each are for "
        "reading and preparing 100 photos, the rest for the networks, one after the other. Predict reads while it asks "
        "and may be faster."
    )


def notes(ladder: Ladder) -> list[str]:
    """What cannot be told here, and what was left out."""
    lines = [NO_ONE_AGAINST_ALL] if ladder.place != TEST else []
    if len(ladder.weights) > 1:
        parts = [f"{ladder.names[run]}: {weight:.2f}" for run, weight in zip(ladder.runs, ladder.weights, strict=True)]
        where = (
            "the photos that the folds held out; the test set had no part in it"
            if ladder.place == TEST
            else "all held-out photos; judged here by weights that were fitted without each fold's people"
        )
        lines.append(f"Weights of the runs, fitted on {where}: {', '.join(parts)}.")
    return [*lines, *ladder.notes]


def _day(moment: float) -> str:
    when = datetime.fromtimestamp(moment)
    return f"{when.day} {when:%B %Y}"
