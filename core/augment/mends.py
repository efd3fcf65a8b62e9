"""What one click does about a warning: the list changed, as little as it takes, so that measured again it is gone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.augment.notes import Notes
from core.augment.steps import own_complaint
from core.config import RunConfig
from core.config.transforms import SIZED, TRANSFORMS, Param, default_params, param_title

if TYPE_CHECKING:
    from core.config import TransformConfig

SHARES = tuple(np.round(np.arange(0.9, -0.05, -0.1), 1).tolist())  # of a setting's distance from where it does least


def mend(
    transforms: Sequence[TransformConfig],
    index: int,
    notes_of: Callable[[Sequence[TransformConfig]], Notes],
    sizes: np.ndarray,
) -> list[TransformConfig] | None:
    """The list with its entry at `index` changed so that nothing is said of it any more; None where nothing helps.

    Tried in this order: a gentler setting, the strongest one that is silent; the usual settings; switching it off; for
    what gives the photos their size, another size. What makes another entry's warning appear comes last.
    notes_of: list -> place -> warnings, measured. sizes: (n, 2), width and height in pixels of all photos, n >= 1.
    """
    before = notes_of(transforms)
    second = None
    for entry in _candidates(transforms, index, sizes):
        listed = [*transforms[:index], entry, *transforms[index + 1 :]]
        if not _trains(listed, entry):
            continue
        notes = notes_of(listed)
        if index in notes:
            continue
        if notes.keys() <= before.keys():
            return listed
        second = second or listed
    return second


def in_words(before: TransformConfig, after: TransformConfig) -> str:
    """What became of an entry: "probability 0.5 → 0.3, hole height 50 to 50 → 31 to 31 px"; empty for nothing."""
    if before.name != after.name:
        return f"{after.name} instead of {before.name}"
    if before.enabled != after.enabled:
        return "switched on" if after.enabled else "switched off"
    changes = [f"probability {before.p:g} → {after.p:g}"] if before.p != after.p else []
    for name, param in TRANSFORMS[after.name].params.items():
        old, new = before.params[name], after.params[name]
        if old != new:
            unit = f" {param.unit}" if param.unit else ""
            changes.append(f"{param_title(name).lower()} {_value(old)} → {_value(new)}{unit}")
    return ", ".join(changes)


def weaker(transform: TransformConfig, share: float) -> TransformConfig:
    """Each of its settings at `share` (0..1) of its distance from where the transform does least, on the form's steps.

    0 is the mildest it can be.
    """
    table = TRANSFORMS[transform.name].params
    params = {name: _nearer(table[name], value, share) for name, value in transform.params.items()}
    return _changed(transform, params=params)


def _nearer(param: Param, value: Any, share: float) -> Any:
    if isinstance(value, list):
        return [_nearer(param, number, share) for number in value]
    steps = round(share * (value - param.mildest) / param.step)
    number = round(param.mildest + steps * param.step, 10)
    return int(number) if param.kind.startswith("int") else float(number)


def _candidates(transforms: Sequence[TransformConfig], index: int, sizes: np.ndarray) -> Iterator[TransformConfig]:
    """What may stand in the entry's place, the least change first."""
    entry = transforms[index]
    coming = _coming(transforms, index, sizes)
    if entry.name == "CenterCrop":
        tried = _crops(entry, coming)
    elif entry.name == "Resize":
        tried = _proportions(entry, coming)
    else:
        tried = (weaker(entry, share) for share in SHARES)
    last = entry
    for candidate in tried:
        if candidate != last:
            yield candidate
        last = candidate
    if entry.name not in SIZED and entry.params != default_params(entry.name):
        yield _changed(entry, params=default_params(entry.name))
    yield _changed(entry, enabled=False)
    if entry.name == "CenterCrop":
        whole = _changed(entry, name="Resize")
        yield whole
        yield from _proportions(whole, coming)


def _coming(transforms: Sequence[TransformConfig], index: int, sizes: np.ndarray) -> np.ndarray:
    """(n, 2), width and height in pixels of what comes into the entry."""
    for earlier in reversed(transforms[:index]):
        if earlier.enabled and earlier.name in SIZED:
            return np.array([[earlier.params["width"], earlier.params["height"]]])
    return np.asarray(sizes)


def _crops(crop: TransformConfig, coming: np.ndarray) -> Iterator[TransformConfig]:
    """No side longer than the photos, then step by step towards whole photos."""
    smallest = coming.min(axis=0)
    own = np.minimum([crop.params["width"], crop.params["height"]], smallest)
    for share in (1.0, *SHARES):
        width, height = np.rint(smallest + share * (own - smallest)).astype(int).tolist()
        if min(width, height) >= TRANSFORMS["CenterCrop"].params["width"].low:
            yield _changed(crop, params={"height": height, "width": width})


def _proportions(resize: TransformConfig, coming: np.ndarray) -> Iterator[TransformConfig]:
    """The proportions of what comes in: with as many pixels as before, else with the shorter side as long as before."""
    tall = float(np.median(coming[:, 1] / coming[:, 0]))
    width, height = resize.params["width"], resize.params["height"]
    shorter = min(width, height)
    for new_height in ((width * height * tall) ** 0.5, shorter * max(1.0, tall)):
        yield _changed(resize, params={"height": round(new_height), "width": round(new_height / tall)})


def _changed(transform: TransformConfig, **parts: Any) -> TransformConfig:
    return transform.model_copy(update=parts)


def _trains(listed: Sequence[TransformConfig], entry: TransformConfig) -> bool:
    """Whether a run takes the list, and albumentations the entry."""
    with contextlib.suppress(ValueError):
        checked = RunConfig.model_validate({"transforms": [each.model_dump() for each in listed]})
        return not entry.enabled or not own_complaint(checked.transforms[list(listed).index(entry)])
    return False


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " to ".join(map(_value, value))
    return f"{value:g}"
