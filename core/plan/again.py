"""What a run of the same settings would be trained on now, held against what it was trained on. Imports no torch."""

from __future__ import annotations

import pandas as pd

from core.data.yes_no import pairs
from core.text import number_of


def since(before: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    """What differs between two tables of frozen samples, a sentence each; empty where they are the same.

    before, now: samples with sample, person, class_name and fold, as a run or a plan has them.
    """
    were, are = (table.drop_duplicates("sample").set_index("sample") for table in (before, now))
    both = were.index.intersection(are.index)
    lines = []
    if new := len(are.index.difference(were.index)):
        lines.append(f"{number_of(new, 'photo')} {'is' if new == 1 else 'are'} new.")
    if gone := len(were.index.difference(are.index)):
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
