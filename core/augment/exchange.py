"""A list of transforms as YAML, as albumentations' JSON and as Python, there and back; importing never runs code."""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from core.augment.pipeline import arguments, size_of
from core.augment.pipeline_export import export, to_json, to_python, to_yaml
from core.config import TransformConfig
from core.config.run_config import field_errors
from core.config.transforms import TRANSFORMS
from core.errors import LabError
from core.storage import plain_yaml

__all__ = ["FORMATS", "Imported", "export", "read", "to_json", "to_python", "to_yaml"]

FORMATS = ("yaml", "json", "python")
LIMIT = plain_yaml.LENGTH  # characters; a list of transforms has a few thousand
_SHARES = {"hole_height_range": 0, "hole_width_range": 1}  # of the (height, width), where they are below 1
_REMEDY = f"Use only transforms of the table: {', '.join(TRANSFORMS)}."


@dataclass(frozen=True)
class Imported:
    """transforms, and what of the text the lab does otherwise, a sentence each."""

    transforms: list[TransformConfig]
    notes: list[str]


def read(text: str, source: str = "pipeline") -> Imported:
    """A list of transforms from any of the three forms, told apart by the text itself.

    Raises LabError for anything else, for a transform that is not in the table and for a value out of its bounds.
    """
    if len(text) > LIMIT:
        raise LabError(f"{source}: {len(text):,} characters are no list of transforms.", "Paste the list alone.")
    if "\0" in text:
        raise LabError(f"{source}: is not text.", "Paste YAML, albumentations' JSON or Python.")
    stripped = text.strip()
    if not stripped:
        raise LabError(f"{source}: is empty.", "Paste YAML, albumentations' JSON or Python.")
    if stripped.startswith("{"):
        return _from_json(stripped, source)
    if "Compose(" in stripped:
        above = text[: text.index(stripped)].count("\n")  # lines are told as they stand in the text
        return _from_python("\n" * above + stripped, source)
    return _from_yaml(stripped, source)


def _from_yaml(text: str, source: str) -> Imported:
    data = plain_yaml.load(text, source, "pipeline")
    if isinstance(data, dict):
        data = data.get("transforms")
    if not isinstance(data, list):
        raise LabError(
            f"{source}: holds no list of transforms.", "Begin with 'transforms:' and a list of names.", kind="pipeline"
        )
    return Imported([_checked(i, entry, source) for i, entry in enumerate(data)], [])


def _from_json(text: str, source: str) -> Imported:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LabError(f"{source}: not JSON: {error}.", "Export it again.", kind="pipeline") from None
    if isinstance(data.get("transforms"), list):  # the lab's own list, as JSON
        return Imported([_checked(i, entry, source) for i, entry in enumerate(data["transforms"])], [])
    compose = data.get("transform")
    listed = compose.get("transforms") if isinstance(compose, dict) else None
    if not isinstance(listed, list) or str(compose.get("__class_fullname__", "")).split(".")[-1] != "Compose":
        raise LabError(
            f"{source}: is not what albumentations writes for a Compose.", "Use A.to_dict or A.save.", kind="pipeline"
        )
    calls = []
    for entry in listed:
        if not isinstance(entry, dict) or "__class_fullname__" not in entry:
            raise LabError(f"{source}: an entry of the list names no transform.", _REMEDY, kind="pipeline")
        name = str(entry["__class_fullname__"]).split(".")[-1]
        calls.append((name, {k: v for k, v in entry.items() if k != "__class_fullname__"}))
    return _from_calls(calls, source, _notes_of_compose(compose.get("p")))


def _from_python(text: str, source: str) -> Imported:
    """Reads the calls inside the Compose([...]) that stands first in the text from the syntax tree."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise LabError(f"{source}: not Python: {error}.", "Paste the whole Compose([...]).", kind="pipeline") from None
    composes = _calls_of("Compose", tree)
    lists = _lists_of_compose(composes[0]) if composes else []
    if not lists or not isinstance(lists[0], (ast.List, ast.Tuple)):
        raise LabError(f"{source}: holds no Compose([...]).", "Paste the list as it is written out.", kind="pipeline")
    calls = []
    for node in lists[0].elts:
        if not isinstance(node, ast.Call) or not _name(node):
            raise LabError(
                f"{source}: line {node.lineno} is not a plain call of a transform.", _REMEDY, kind="pipeline"
            )
        if node.args or any(k.arg is None for k in node.keywords):
            raise LabError(
                f"{source}: {_name(node)} has arguments without a name.", "Write name=value.", kind="pipeline"
            )
        calls.append((_name(node), {str(k.arg): _value(k.value) for k in node.keywords}))
    names = [name for name, _ in calls]
    if "Normalize" not in names:  # as to_python writes it: beside the list
        beside = _calls_of("Normalize", tree)
        calls += [("Normalize", {k.arg: _value(k.value) for k in n.keywords if k.arg}) for n in beside[:1]]
    notes = _notes_of_compose(next((_value(k.value) for k in composes[0].keywords if k.arg == "p"), None))
    if len(composes) > 1:
        line = composes[0].lineno
        notes.append(f"The text has {len(composes)} lists in a Compose: the first, in line {line}, is read.")
    return _from_calls(calls, source, notes)


def _calls_of(name: str, tree: ast.AST) -> list[ast.Call]:
    """As they stand in the text: a walk comes to those inside a function last."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node) == name]
    return sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def _lists_of_compose(compose: ast.Call) -> list[ast.expr]:
    """What a Compose(...) is given as its transforms: one expression, unless the text is odd."""
    return [*compose.args[:1], *(k.value for k in compose.keywords if k.arg == "transforms")]


def _notes_of_compose(p: Any) -> list[str]:
    if p is None or p == 1:
        return []
    return [f"Compose: p={p!r} is no setting of the lab, which applies the list to every photo."]


def _name(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _value(node: ast.expr) -> Any:
    """A literal; a constant of cv2 such as cv2.INTER_AREA by its number; else the source text."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "cv2":
            import cv2

            number = getattr(cv2, node.attr, None)
            return number if isinstance(number, int) else ast.unparse(node)
        return ast.unparse(node)


def _from_calls(calls: list[tuple[str, dict[str, Any]]], source: str, notes: list[str]) -> Imported:
    transforms: list[TransformConfig] = []
    for index, (name, written) in enumerate(calls):
        if name not in TRANSFORMS:
            raise LabError(f"{source}: '{name}' is not in the lab's table.", _REMEDY, kind="pipeline")
        meant, size = _meant(name, written), size_of(transforms)
        params, of_params = _params(name, written, meant, size)
        config = {"name": name, "params": params}
        if not TRANSFORMS[name].deterministic:
            config["p"] = meant["p"]
        transform = _checked(index, config, source)
        transforms.append(transform)
        notes = notes + of_params + _differences(transform, written, meant, size)
    return Imported(transforms, notes)


def _meant(name: str, written: dict[str, Any]) -> dict[str, Any]:
    """All arguments of a call as albumentations takes them: its own where the text says nothing, a range where that
    gives one number. What it refuses stays as it is written, for the lab to refuse in words."""
    import albumentations as A

    transform = getattr(A, name)
    arguments_of = inspect.signature(transform.__init__).parameters
    own = {key: each.default for key, each in arguments_of.items() if each.default is not each.empty}
    read = {key: value for key, value in written.items() if key in (*TRANSFORMS[name].params, "size")}
    with contextlib.suppress(ValueError, TypeError, ArithmeticError, Warning):
        read = {k: v for k, v in transform(**read).to_dict()["transform"].items() if k in arguments_of}
    return own | read | {key: value for key, value in written.items() if key not in TRANSFORMS[name].params}


def _params(
    name: str, written: dict[str, Any], meant: dict[str, Any], size: tuple[int, int] | None
) -> tuple[dict[str, Any], list[str]]:
    """(the settings of a transform, a note for each that the lab cannot have as it is meant).

    size: (height, width) of what comes in, where it is known.
    """
    params, notes = {}, []
    for key, param in TRANSFORMS[name].params.items():
        if key not in meant:
            continue
        value = _plain(meant[key])
        if value is None:  # it does not do this
            value = [param.mildest, param.mildest]
        if key in _SHARES and _is_range(value) and 0 < value[1] < 1:
            share = f"{name}: {key}={meant[key]!r} is a share of the image"
            if size is None:
                low, high = param.default
                notes.append(f"{share}, whose size no transform before it sets: the lab uses {low} to {high} pixels.")
                continue
            value = [max(1, int(part * size[_SHARES[key]])) for part in value]
            notes.append(f"{share}: {value[0]} to {value[1]} pixels here.")
        if _is_range(value) and not _is_range(_plain(written.get(key))) and value[0] < param.low <= value[1]:
            ends = f"{value[0]:g} to {value[1]:g}"
            notes.append(f"{name}: {key}={written.get(key)!r} means {ends}, and the lab begins at {param.low:g}.")
            value = [param.low, value[1]]
        params[key] = value
    return params, notes


def _is_range(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(n, (int, float)) for n in value)


def _plain(value: Any) -> Any:
    """JSON of an Affine gives each axis by itself; equal axes are one value here."""
    if isinstance(value, dict) and set(value) == {"x", "y"} and value["x"] == value["y"]:
        value = value["x"]
    return list(value) if isinstance(value, tuple) else value


def _differences(
    transform: TransformConfig, written: dict[str, Any], meant: dict[str, Any], size: tuple[int, int] | None
) -> list[str]:
    """What a call means and the lab fixes at another value, also where the text leaves it to albumentations."""
    import albumentations as A

    name, entry = transform.name, TRANSFORMS[transform.name]
    try:
        standard = getattr(A, name)(**arguments(transform, size or (224, 224))).to_dict()["transform"]
    except (ValueError, TypeError):
        standard = {}
    fixed = entry.fixed | standard
    notes = []
    for key, value in meant.items():
        if key in entry.params or "mask" in key or (key == "p" and not entry.deterministic):
            continue
        ours = fixed.get(key)
        if key == "translate_px" and _plain(value) in (0, [0, 0]):  # as None
            continue
        if key == "p":
            does = "applies it to every photo"
        elif key == "size":
            ours, does = size, f"scales back to {size or 'the size before it'}"
        elif key not in fixed:
            does = "leaves it as albumentations does"
        else:
            does = "leaves it out" if ours is None else f"uses {ours!r}"
        if _same(_plain(value), _plain(ours)) or _same(value, entry.fixed.get(key, ours)):
            continue
        whose = "" if key in written else ", albumentations' own where the text names none,"
        notes.append(f"{name}: {key}={value!r}{whose} is no setting of the lab, which {does}.")
    return notes


def _same(a: Any, b: Any) -> bool:
    """Equal values, whether written as 0 or 0.0, as a list or a tuple."""
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    return a == b


def _checked(index: int, entry: Any, source: str) -> TransformConfig:
    try:
        return TransformConfig.model_validate({"name": entry} if isinstance(entry, str) else entry)
    except ValidationError as error:
        reasons = "; ".join(field_errors(error).values())
        message = f"{source}, entry {index + 1}: {reasons}."
        raise LabError(message, "Correct it, then import again.", "pipeline") from None
