"""What a run of the same settings would be trained on now, held against what it was trained on. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from core.config.run_config import DataConfig
from core.data.scan import Scan, scan
from core.data.yes_no import pairs
from core.text import number_of


def read_as_before(
    data: DataConfig, people: pd.Series | None, read: Callable[[DataConfig], Scan] | None = None
) -> tuple[DataConfig, Scan]:
    """The dataset read for runs that are to follow others, and the settings for that.

    people: fold by person of the runs that are there; None where there are none. Where each of their photos counts as a
    person of its own and the dataset names persons by now, as an older lab did not know a column patient_id, they
    count so still: else those would not be known to them. Not where a setting says who the persons are. read: of data.
    """
    read = read or scan
    scanned = read(data)
    if people is None or data.persons != "auto" or data.person_column or data.person_pattern:
        return data, scanned
    named = scanned.samples[scanned.samples["person"] != scanned.samples["sample"]]
    if named["sample"].isin(people.index).sum() > named["person"].isin(people.index).sum():
        data = data.model_copy(update={"persons": "none"})
        scanned = read(data)
    return data, scanned


def as_photos(asked: object, now: object, whose: str, anew: str) -> str:
    """What `read_as_before` left as it was although the dataset names persons by now; empty where it left nothing so.

    asked, now: data.persons as runs were asked for, and of one that follows them. whose: those runs. anew: what parts
    the photos of a person.
    """
    if now != "none" or asked == now:
        return ""
    return (
        f"The dataset names persons by now. As in {whose}, each photo still counts as a person, so photos of one "
        f"person may stand in several folds; launch {anew} anew to part them."
    )


def parted(before: pd.DataFrame, now: pd.DataFrame, whose: str) -> str:
    """That photos stand in another fold than in the run that is followed, in a sentence; empty where none does.

    They were held out as photos of somebody else: of a person of their own, say, where they name one by now.
    before, now: as of `since`. whose: the run.
    """
    were, are = (table.drop_duplicates("sample").set_index("sample")["fold"] for table in (before, now))
    both = were.index.intersection(are.index)
    moved = int((were.loc[both] != are.loc[both]).sum())
    if not moved:
        return ""
    stand = f"{number_of(moved, 'photo')} {'stands' if moved == 1 else 'stand'} in another fold than in {whose}"
    return f"{stand}, where other persons were named for {'it' if moved == 1 else 'them'}: those are not compared."


def since(before: pd.DataFrame, now: pd.DataFrame, aside: Iterable[str] = ()) -> list[str]:
    """What differs between two tables of frozen samples, a sentence each; empty where they are the same.

    before, now: samples with sample, person, class_name and fold, as a run or a plan has them. aside: the samples that
    are set aside now.
    """
    were, are = (table.drop_duplicates("sample").set_index("sample") for table in (before, now))
    both = were.index.intersection(are.index)
    lines = []
    if new := len(are.index.difference(were.index)):
        lines.append(f"{number_of(new, 'photo')} {'is' if new == 1 else 'are'} new.")
    missing = were.index.difference(are.index)
    if apart := int(missing.isin([*aside]).sum()):
        lines.append(f"{number_of(apart, 'photo')} {'is' if apart == 1 else 'are'} set aside now, trained on no more.")
    if gone := len(missing) - apart:
        lines.append(f"{number_of(gone, 'photo')} {'is' if gone == 1 else 'are'} not in it any more.")
    if "hash" in were and "hash" in are:
        old, new_hash = were.loc[both, "hash"], are.loc[both, "hash"]
        if redrawn := int(((old != new_hash) & old.notna() & new_hash.notna()).sum()):
            lines.append(f"{number_of(redrawn, 'photo')} {'has' if redrawn == 1 else 'have'} other pixels.")
    labels = ["class_name", *(column for column in were if str(column).startswith(pairs.YES) and column in are)]
    other = were.loc[both, labels].astype(str) != are.loc[both, labels].astype(str)
    if relabelled := int(other.any(axis=1).sum()):
        lines.append(f"{number_of(relabelled, 'photo')} {'is' if relabelled == 1 else 'are'} of another class now.")
    if named := int((were.loc[both, "person"].astype(str) != are.loc[both, "person"].astype(str)).sum()):
        lines.append(f"{number_of(named, 'photo')} {'shows' if named == 1 else 'show'} another person now.")
    if moved := int((were.loc[both, "fold"] != are.loc[both, "fold"]).sum()):
        lines.append(f"{number_of(moved, 'photo')} {'stands' if moved == 1 else 'stand'} in another fold.")
    return lines
