"""How numbers, times and foreign words are written on screens and terminals. Imports no torch."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Sequence

from core.stats.metrics import mean_and_deviation

NOTHING = "–"
LONGEST_NAME = 60  # characters of a name in a list of names


def duration(seconds: float | None) -> str:
    """Seconds as a person says them: "45 s", "12 min", "3 h 20 min", "2 d 4 h". Never negative; a dash if unknown."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h"


def estimate(seconds: float | None) -> str:
    """Seconds that nobody knows exactly: "45 s", "5 min", "1.9 h", "12 h", "3 d 4 h"; a dash if unknown."""
    if seconds is None or not math.isfinite(seconds) or seconds < 90 or seconds >= 48 * 3600:
        return duration(seconds)
    if seconds < 90 * 60:
        return "1 h" if round(seconds / 60) == 60 else f"{round(seconds / 60)} min"
    hours = seconds / 3600
    return f"{hours:.{0 if hours >= 10 else 1}f} h".replace(".0 h", " h")


def count(n: float) -> str:
    """A whole number with thousands separators: "2,100"."""
    return f"{round(n):,}"


def in_full(number: float) -> str:
    """A number as it is read again, never rounded to six digits: "31", "20240131", "1.5", "1250000"."""
    whole = float(number).is_integer() and abs(number) < 2**53  # beyond that not every whole number is a float
    return f"{number:.0f}" if whole else f"{number:.15g}"


def number_of(n: float, one: str, many: str = "") -> str:
    """ "1 run", "2,100 runs"; many: the plural that is not `one` with an s."""
    return f"{count(n)} {one if round(n) == 1 else many or one + 's'}"


def ordinal(n: int) -> str:
    """ "first", "second" to "tenth", then "11th", "22nd"."""
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    if 1 <= n <= len(words):
        return words[n - 1]
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{count(n)}{'th' if n % 100 in (11, 12, 13) else ends.get(n % 10, 'th')}"


def size(n: float) -> str:
    """Bytes as a person says them, in decimal units as disks are sold: "3.1 GB", "428 MB", "12 kB"."""
    if not math.isfinite(n):
        return NOTHING
    for unit, factor in (("TB", 1e12), ("GB", 1e9)):
        if n >= 0.9995 * factor:
            return f"{n / factor:,.1f} {unit}"
    return f"{n / 1e6:,.0f} MB" if n >= 0.9995e6 else f"{math.ceil(n / 1e3):,} kB"


def rate(images_per_second: float | None) -> str:
    """Images per second: "28 img/s", with a decimal below ten."""
    if images_per_second is None or not math.isfinite(images_per_second):
        return NOTHING
    return f"{images_per_second:,.{0 if images_per_second >= 10 else 1}f} img/s"


def score(x: float | None) -> str:
    """A score or a loss with three decimals; a dash if there is none."""
    return NOTHING if x is None or not math.isfinite(x) else f"{x:.3f}"


def sure(probability: float | None) -> str:
    """How probable a network holds its answer: "93 % sure", "over 99 % sure" where rounding would say 100."""
    return NOTHING if probability is None or not math.isfinite(probability) else f"{chance(probability)} sure"


def chance(probability: float) -> str:
    """A probability as a person says it, never rounded to certainty: "93 %", "over 99 %", "under 1 %"."""
    if not math.isfinite(probability):
        return NOTHING
    percent = 100 * probability
    return "over 99 %" if percent >= 99.5 else "under 1 %" if percent < 0.5 else f"{percent:.0f} %"


def so_far(share: float) -> str:
    """How far something is, 0..1, as "52%"; what rounding would call through stays "99%" until it is."""
    return f"{1.0 if share >= 1 else min(share, 0.99):.0%}"


def spread(values: Iterable[float | None]) -> str:
    """Mean, sample deviation and number of folds: "0.713 ± 0.012 (5)"; "0.713 (1)" for one; a dash for none."""
    return spread_of(*mean_and_deviation(list(values)))


def spread_of(mean: float, deviation: float, n: int) -> str:
    """The same of what mean_and_deviation gives."""
    if n == 0:
        return NOTHING
    return f"{mean:.3f} ± {deviation:.3f} ({n})" if n > 1 else f"{mean:.3f} (1)"


def over_folds(mean: float, deviation: float, n: int) -> str:
    """The same in words, where there is room: "0.713 ± 0.012 over 5 folds", "0.713 in one fold"."""
    if n == 0:
        return NOTHING
    return f"{mean:.3f} ± {deviation:.3f} over {n} folds" if n > 1 else f"{mean:.3f} in one fold"


def ago(moment: float | None, now: float | None = None) -> str:
    """A Unix time as a distance: "just now", "2 min ago", "3 h ago", "yesterday", "12 days ago".

    A moment in the future (a clock that went back) is "just now".
    """
    if moment is None:
        return NOTHING
    seconds = (time.time() if now is None else now) - moment
    if seconds < 45:
        return "just now"
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))} min ago"
    if seconds < 24 * 3600:
        return f"{round(seconds / 3600)} h ago"
    days = round(seconds / (24 * 3600))
    return "yesterday" if days == 1 else f"{days} days ago"


def listed(names: Sequence[str], most: int = 4) -> str:
    """ "cat", "cat and dog", "cat, cow and dog", "cat, cow, dog and 7 more"; foreign names, each on one line."""
    ends = [one_line(name, LONGEST_NAME) for name in names]
    if len(ends) > most:
        ends = [*ends[: most - 1], f"{len(ends) - most + 1:,} more"]
    return " and ".join([", ".join(ends[:-1]), ends[-1]]) if len(ends) > 1 else "".join(ends)


_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# Read after Markdown is parsed, so that a backslash does not reach them: :emoji: and icon names, bare links, addresses.
_LATE = re.compile(r"(?<=:)(?=[\w+/-])|(?<=@)(?=\w)|(?<=\bwww)(?=\.)", re.ASCII)
_ARROWS = re.compile(r"(?<=[<>~!=-])(?=[-=>])")
_BREAK = "\u200b"


def one_line(s: object, longest: int | None = None) -> str:
    """A foreign string on one line: line breaks and control characters become spaces, and what is too long is cut."""
    text = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in str(s))).strip()
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def plain(s: object) -> str:
    """A foreign string escaped for Streamlit's Markdown, so that it is shown as text and never as markup.

    Names of runs, classes and files go through here on their way into labels and st.markdown. Line breaks and control
    characters become spaces; where a backslash cannot stop Streamlit, an invisible break stands between two characters.
    """
    text = _LATE.sub(_BREAK, one_line(s))
    if re.search(r"(^|\s)(<-|->|<->|--|>=|<=|~=|!=)(\s|$)", text):
        text = _ARROWS.sub(_BREAK, text)
    return _PUNCTUATION.sub(r"\\\1", text)
