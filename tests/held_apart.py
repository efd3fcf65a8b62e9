"""Datasets that set photos aside as a test set: a scan of which some samples are put there."""

from dataclasses import replace

import pandas as pd

from core.data.scan import Scan


def with_test(scan: Scan, chosen, split="test") -> Scan:
    """The scan with the chosen samples (names) set aside. What else is set aside stays so."""
    away = scan.samples["sample"].isin(chosen)
    assert away.sum() == len(set(chosen))
    aside = scan.samples[away].assign(split=split)
    before = [scan.set_aside] if len(scan.set_aside) else []
    return replace(
        scan,
        samples=scan.samples[~away].reset_index(drop=True),
        set_aside=pd.concat([*before, aside], ignore_index=True),
    )
