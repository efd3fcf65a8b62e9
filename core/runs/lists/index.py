"""Every run at a glance, quick with 10,000 of them: a summary is read again only when its file changed.

Nothing is kept on disk: a fresh process reads each small file once. Imports no torch.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from core import places
from core.config import recipes, settings
from core.config.settings import Value
from core.errors import LabError
from core.runs.kept import dropped, sizes
from core.runs.lists.summaries import derived, lacks_attributes, read_summary
from core.runs.notes import Notes, written_notes
from core.runs.owners import owner
from core.runs.run import ID, Run
from core.runs.states import overall
from core.runs.summary import is_guessed
from core.stats.metrics import mean_and_deviation

FOLDERS = 4  # runs folders that are remembered: the lab's own, its trash, and what tests and tools open
Stamp = tuple[int, int, int] | None  # time, size and inode of a file
LISTED_SCORES = ("best_f1", "final_f1", "best_accuracy", "final_accuracy")
Spread = tuple[float, float, int]  # mean, sample deviation over folds (NaN for one), number of folds


class _Scores(dict):
    def __init__(self, folds: list[dict[str, float]]):
        super().__init__()
        self.folds = folds

    def __missing__(self, name: str) -> Spread:
        spread = self[name] = mean_and_deviation([fold.get(name) for fold in self.folds])
        return spread


class _Shared(dict):
    """A summary that every list has: who wants another one makes it, with {**summary}."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("this summary is shared by all who list runs: change a copy of it, {**summary}")

    def __reduce__(self) -> tuple[type[dict], tuple[dict[str, Any]]]:
        return dict, ({**self},)  # a copy is the caller's own

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse


@dataclass(frozen=True)
class Listed:
    """A run as a list shows it. summary: what summaries.summaries gives for it, with the notes' `archived` and `tags`
    where it comes from `listed`. root: the runs folder it lies in, the lab's own if None."""

    summary: dict[str, Any]
    notes: Notes = field(default_factory=Notes)
    root: Path | None = None

    @property
    def id(self) -> str:
        return self.summary["id"]

    @property
    def unreadable(self) -> str:
        """Why it cannot be read; empty for a good one."""
        return self.summary.get("unreadable", "")

    @cached_property
    def state(self) -> str:
        return "unreadable" if self.unreadable else self.summary["state"]

    @cached_property
    def says_running(self) -> bool:
        """Whether a fold was running when it last wrote how it stands."""
        return any(fold["state"] == "running" for fold in self.summary.get("folds", ()))

    @property
    def name(self) -> str:
        return self.summary.get("name", self.id)

    @property
    def by(self) -> str:
        """Who launched it; empty for a run of an older lab."""
        return owner.told(self.summary)

    @cached_property
    def scores(self) -> Mapping[str, Spread]:
        """LISTED_SCORES over the finished folds alone, since half-trained ones would mislead; each when asked for."""
        return _Scores([fold.get("scores") or {} for fold in self.summary.get("folds", ()) if fold["state"] == "done"])

    @cached_property
    def seconds(self) -> float | None:
        """Training time of all folds that have ended, seconds; None when none has."""
        spent = [seconds for fold in self.summary.get("folds", ()) if (seconds := _seconds(fold)) is not None]
        return sum(spent) if spent else None

    @property
    def bytes(self) -> int:
        """All that the run takes on the disk."""
        return sizes.total_of(Run(self.id, self.root))

    @property
    def dropped(self) -> tuple[str, ...]:
        """'best' and 'final' where those weights were dropped on purpose."""
        return dropped.read(Run(self.id, self.root)).weights

    @cached_property
    def wall_seconds(self) -> float | None:
        """Time by the clock in which a fold of it trained, seconds; folds that trained side by side count once.

        None where that is not known: before a fold has ended, and where one was resumed, since a fold keeps the time of
        its last start alone.
        """
        folds = self.summary.get("folds", ())
        spans = [(fold["started"], fold["ended"]) for fold in folds if fold.get("started") and fold.get("ended")]
        trained = [_seconds(fold) or 0.0 for fold in folds if fold.get("ended")]
        if not spans or len(spans) < len(trained) or any(fold.get("resumed") for fold in folds):
            return None
        # What an older lab resumed does not say so: it trained longer than its last start.
        if any(end - start < seconds - 1 for (start, end), seconds in zip(spans, trained, strict=True)):
            return None
        total, until = 0.0, -math.inf
        for start, end in sorted(spans):
            total += max(0.0, end - max(start, until))
            until = max(until, end)
        return total

    @cached_property
    def done(self) -> tuple[int, int]:
        """(finished folds, folds)."""
        folds = self.summary.get("folds", ())
        return sum(fold["state"] == "done" for fold in folds), len(folds)

    @cached_property
    def answers_about(self) -> tuple:
        """Equal for runs whose scores are of the same answers. The last part names photos, classes and folds exactly;
        for a run of an older lab it is a tuple of what its settings tell of them."""
        summary = self.summary
        kind = summary.get("dataset"), summary.get("task"), summary.get("classes"), self.done[1]
        if isinstance(split := summary.get("split"), str):
            return *kind, split
        table = settings_of(self)
        about = tuple((name, table[name]) for name in table if name.startswith(("data.", "task.", "folds.")))
        return *kind, (summary.get("samples"), summary.get("people"), *about)

    @cached_property
    def recipe(self) -> str:
        """The nearest recipe as people call it: 'Quick', or 'Quick, 2 changed' where two settings differ from it."""
        name, changes = self.summary.get("recipe") or (None, 0)
        if name is None:
            return ""
        return f"{recipes.title(name)}, {changes} changed" if changes else recipes.title(name)

    @property
    def recipe_file(self) -> str:
        """The same by the recipe's own name, as older labs showed it: 'quick', 'quick +2'."""
        name, changes = self.summary.get("recipe") or ("", 0)
        return f"{name} +{changes}" if changes else name

    @cached_property
    def text(self) -> str:
        """What a search looks through, in lower case."""
        names = (self.id, self.name, self.summary.get("dataset"), self.summary.get("study"), self.recipe)
        words = (*names, self.recipe_file, self.summary.get("task"), *self.notes.tags, self.notes.text)
        return "\n".join(str(word) for word in words if word).lower()


def listed(folder: Path | None = None) -> list[Listed]:
    """Every run of a runs folder, newest first, archived ones too."""
    return _shelf_of(Path(os.path.realpath(folder or places.runs_folder()))).look()


def lately(seconds: float) -> list[Listed]:
    """`listed` for who can do with what this process found so many seconds ago."""
    shelf = _shelf_of(places.runs_folder())
    return shelf.last if time.monotonic() - shelf.looked <= seconds else shelf.look()


def summaries(folder: Path | None = None) -> list[dict[str, Any]]:
    """All summaries with `archived` and `tags` in each, from memory where nothing changed. They cannot be changed."""
    return as_summaries(listed(folder))


def as_summaries(entries: Iterable[Listed]) -> list[dict[str, Any]]:
    """The same of runs that were listed a moment ago."""
    return [
        entry.summary if "archived" in entry.summary else {**entry.summary, **_of_notes(entry.notes)}
        for entry in entries
    ]


def archived_last(summaries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Summaries with `archived` in each, for who takes the first of them where nobody chose one."""
    return sorted(summaries, key=lambda summary: bool(summary["archived"]))


def _of_notes(notes: Notes) -> dict[str, Any]:
    return {"archived": notes.archived is not None, "tags": list(notes.tags)}


_NO_NOTES = Notes()  # as thousands of runs have


def settings_of(entry: Listed) -> dict[str, Value]:
    """Flat settings of a run; {} when its config.yaml cannot be read. Runs of older labs have them in config.yaml."""
    flat_settings = entry.summary.get("settings")
    if isinstance(flat_settings, dict):
        return flat_settings
    return {} if entry.unreadable else _from_config(entry.id)


def _from_config(run_id: str) -> dict[str, Value]:
    try:
        path = Run(run_id).config_file
        stamp = path.stat().st_mtime_ns
    except OSError:
        return {}
    cached = _OLD.get(path)
    if cached is None or cached[0] != stamp:
        try:
            cached = (stamp, settings.flat(Run(run_id).config()))
        except LabError:
            return {}  # asked anew the next time: rights and disks are mended without a change of the file's time
        _OLD[path] = cached
        while len(_OLD) > 20_000:
            _OLD.popitem(last=False)
    return cached[1]


_OLD: OrderedDict[Path, tuple[int, dict[str, Value]]] = OrderedDict()


class _Folder:
    """One runs folder, remembered."""

    def __init__(self, root: Path):
        self.root = root
        self.lock = threading.Lock()  # sessions are threads: the first of them reads, the others wait for it
        self.entries: dict[str, tuple[Stamp, Stamp, Listed]] = {}
        self.last: list[Listed] = []  # what the last look found, and when it began
        self.looked = -math.inf

    def look(self) -> list[Listed]:
        with self.lock:
            began = time.monotonic()
            entries: dict[str, tuple[Stamp, Stamp, Listed]] = {}
            for name in _names(self.root, self.entries):
                stamps = _stamp(f"{self.root}/{name}/summary.json"), _stamp(f"{self.root}/{name}/notes.json")
                before = self.entries.get(name)
                if before is not None and before[:2] == stamps and stamps[0] is not None:
                    entries[name] = before
                elif (summary := read_summary(self.root / name)) is not None:
                    entry, is_whole = _entry(self.root, summary, noted=stamps[1] is not None)
                    entries[name] = (*(stamps if is_whole else (None, None)), entry)
            self.entries = entries
        now = [_now(self.root, entry) if entry.says_running else entry for _, _, entry in entries.values()]
        self.last, self.looked = now, began
        return now


def _names(root: Path, before: Container[str]) -> list[str]:
    """Of the runs, newest first. before: those that are known to be runs' names."""
    try:
        names = [entry.name for entry in os.scandir(root)]
        return sorted((name for name in names if name in before or ID.fullmatch(name)), reverse=True)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _entry(root: Path, summary: dict[str, Any], *, noted: bool) -> tuple[Listed, bool]:
    """The run as lists show it, and whether all of it was read.

    What was not is asked for anew at the next look: configuration, samples, recipes, rights and disks are mended while
    summary.json and notes.json stay as they are.
    """
    is_whole = not ("unreadable" in summary or lacks_attributes(summary) or is_guessed(summary))
    notes = _NO_NOTES
    if noted:
        try:
            notes = written_notes(Run(summary["id"], root))
        except OSError:
            is_whole = False
    more = {} if "unreadable" in summary else {"state": overall([fold["state"] for fold in summary["folds"]])}
    return Listed(_Shared(summary, **more, **_of_notes(notes)), notes, root), is_whole


def _now(root: Path, entry: Listed) -> Listed:
    """A run that says 'running' is looked at again: only its locks tell whether somebody still trains it."""
    return replace(entry, summary=_Shared(derived(root / entry.id, entry.summary)))


def _stamp(path: str) -> Stamp:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _seconds(fold: dict[str, Any]) -> float | None:
    if fold.get("seconds") is not None:
        return float(fold["seconds"])
    started, ended = fold.get("started"), fold.get("ended")
    return max(0.0, ended - started) if started and ended else None


_FOLDERS: OrderedDict[Path, _Folder] = OrderedDict()
_GUARD = threading.Lock()


def _shelf_of(root: Path) -> _Folder:
    with _GUARD:
        folder = _FOLDERS.pop(root, None) or _Folder(root)
        _FOLDERS[root] = folder
        while len(_FOLDERS) > FOLDERS:
            _FOLDERS.popitem(last=False)
        return folder
