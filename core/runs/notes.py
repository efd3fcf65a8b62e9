"""What people write about a run: another name, tags, a note, and whether it is archived. Imports no torch.

An archived run stays where it is, so that its links, studies and reports still open; lists leave it out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from core.errors import LabError
from core.runs.names import given
from core.runs.owners import owner
from core.runs.run import FoldState, Run
from core.storage import asking, files
from core.storage.files import GARBAGE

TAGS, TAG_LENGTH, NOTE_LENGTH = 12, 30, 2000


@dataclass(frozen=True)
class Notes:
    """What people wrote about a run. archived: Unix time at which it was put aside, None while it is listed. name:
    that it was given after its launch, empty where it has the one that it was launched with.

    by: who wrote last; empty where nobody did, and in notes of older labs.
    """

    tags: tuple[str, ...] = ()
    text: str = ""
    archived: float | None = None
    name: str = ""
    by: str = field(default="", compare=False)


def read_notes(run: Run) -> Notes:
    """Empty for a run without notes and for a file that is garbage: a note must never hide its run."""
    try:
        return written_notes(run)
    except OSError:
        return Notes()


def written_notes(run: Run) -> Notes:
    """The same; OSError where there are notes that are out of reach, which nobody must take for none."""
    try:
        data = files.read_json(run.notes_file)
        archived = data.get("archived")
        return Notes(
            _clean(data.get("tags") or ()),
            str(data.get("text") or "")[:NOTE_LENGTH],
            float(archived) if archived is not None else None,
            given.of(data),
            owner.told(data),
        )
    except (OSError, *GARBAGE) as error:
        if files.out_of_reach(error):
            raise
        return Notes()


def change_notes(
    run: Run,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    text: str | None = None,
    name: str | None = None,
    seen: Notes | None = None,
) -> Notes:
    """Add tags to those that the run has at that moment, take others off, and replace note and name where given.

    Under another name the run keeps its id, its folder and what was frozen. seen: what stood there when this was
    written; a note or a name that somebody wrote since is not replaced.
    Raises LabError: 'gone', 'not-yours', 'read-only', 'unreadable', 'locked', 'changed' for what was written since, or
    'notes' for more than 12 tags, a tag above 30 or a note above 2,000 characters, no name or one above 60.
    """
    if text is not None and len(text) > NOTE_LENGTH:
        raise LabError(f"the note has {len(text):,} characters.", f"Shorten it to {NOTE_LENGTH:,}.", kind="notes")
    fresh = None if name is None else given.cleaned(name)
    if fresh is not None and not 0 < len(fresh) <= given.LONGEST:
        what = f"the name has {len(fresh):,} characters" if fresh else "a run needs a name"
        raise LabError(f"{what}.", f"Give it one of at most {given.LONGEST} characters.", kind="notes")
    added, removed = list(add), set(remove)

    def change(notes: Notes) -> Notes:
        tags = _with_tags(run, notes, added, removed)
        written = notes.text if text is None else text.strip()
        changed = replace(notes, tags=tags, text=written, name=fresh or notes.name)
        if seen is not None:
            _check_seen(run, seen, notes, changed)
        return notes if changed == notes else replace(changed, by=asking.asker().name)

    return _change(run, change)


def change_tags(ids: Sequence[str], *, add: Iterable[str], remove: Iterable[str]) -> None:
    """The same tags to all of these runs, and off them. Raises LabError as change_notes does, before any is changed."""
    chosen, added, removed = [Run(run_id).require() for run_id in ids], list(add), set(remove)
    owner.check(chosen)
    for run in chosen:
        _with_tags(run, _there(run), added, removed)
    for run in chosen:
        change_notes(run, add=added, remove=removed)


def _with_tags(run: Run, there: Notes, added: Sequence[str], removed: Collection[str]) -> tuple[str, ...]:
    return _checked(run, (*(tag for tag in there.tags if tag not in removed), *added))


def _check_seen(run: Run, seen: Notes, now: Notes, changed: Notes) -> None:
    for what, part in (("note", "text"), ("name", "name")):
        before, there, fresh = (getattr(each, part) for each in (seen, now, changed))
        if there not in (before, fresh):
            raise LabError(
                f"run '{run.id}': somebody wrote another {what} meanwhile; nothing was saved.",
                "Read it, then save what is to stand there.",
                kind="changed",
            )


def archive(ids: Sequence[str], folder: Path | None = None) -> None:
    """Leave runs out of lists.

    Raises LabError, before any is changed: 'gone', 'not-yours', 'busy' naming a run that trains or waits.
    """
    chosen = [Run(run_id, folder).require() for run_id in ids]
    owner.check(chosen)
    for run in chosen:
        check_idle(run)
    for run in chosen:
        _change(run, lambda notes: replace(notes, archived=time.time()))


def unarchive(ids: Sequence[str], folder: Path | None = None) -> None:
    """Raises LabError, before any is changed: 'gone', 'not-yours'."""
    chosen = [Run(run_id, folder).require() for run_id in ids]
    owner.check(chosen)
    for run in chosen:
        _change(run, lambda notes: replace(notes, archived=None))


def list_again(run: Run) -> bool:
    """Out of the archive with a run that goes on, whoever asked for that: lists tell what trains. Whether it was there.

    Notes that are out of reach are left as they are.
    """
    if read_notes(run).archived is None:
        return False
    with files.written_to(run.dir, "Make the folder writable."), run.written_alone():
        files.write_json(run.notes_file, asdict(replace(_there(run), archived=None)))
    return True


def _checked(run: Run, tags: Iterable[object]) -> tuple[str, ...]:
    clean = _clean(tags)
    if len(clean) > TAGS or any(len(tag) > TAG_LENGTH for tag in clean):
        remedy = f"A run carries at most {TAGS} tags of at most {TAG_LENGTH} characters each."
        raise LabError(f"run '{run.id}': too many or too long tags.", remedy, kind="notes")
    return clean


def _clean(tags: Iterable[object]) -> tuple[str, ...]:
    """Tags in one spelling: no surrounding or double spaces, no comma, each once."""
    words = (" ".join(str(tag).replace(",", " ").split()) for tag in tags)
    return tuple(dict.fromkeys(word for word in words if word))


def _change(run: Run, change: Callable[[Notes], Notes]) -> Notes:
    owner.check([run.require()])
    with files.written_to(run.dir, "Make the folder writable."), run.written_alone():
        notes = change(_there(run))
        files.write_json(run.notes_file, asdict(notes))
    return notes


def _there(run: Run) -> Notes:
    """`written_notes`, of which who is about to write hears in words that they cannot be read, not written."""
    try:
        return written_notes(run)
    except OSError as error:
        what = f"{run.notes_file} cannot be read: {error.strerror}."
        raise LabError(what, files.CHECK, kind="unreadable") from error


def check_idle(run: Run, states: Sequence[FoldState] | None = None) -> None:
    """Raises LabError(kind 'busy') for a run that trains or waits. states: of its folds, where they were just read."""
    for state in run.states() if states is None else states:
        if state.state in ("running", "queued"):
            what = "is training" if state.state == "running" else "waits to be trained"
            remedy = "Cancel the run first; its checkpoints are kept."
            raise LabError(f"run '{run.id}': fold {state.fold} {what}.", remedy, kind="busy")
