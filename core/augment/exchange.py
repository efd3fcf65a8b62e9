"""A list of transforms as YAML, as albumentations' JSON and as Python, there and back; importing never runs code."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from core.augment.pipeline import arguments
from core.augment.pipeline_export import export, to_json, to_python, to_yaml
from core.config import TransformConfig
from core.config.run_config import field_errors
from core.config.transforms import TRANSFORMS
from core.errors import LabError
from core.storage import plain_yaml

__all__ = ["FORMATS", "Imported", "export", "read", "to_json", "to_python", "to_yaml"]

FORMATS = ("yaml", "json", "python")
LIMIT = plain_yaml.LENGTH  # characters; a list of transforms has a few thousand
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
        return _from_python(stripped, source)
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
    return _from_calls(calls, source)


def _from_python(text: str, source: str) -> Imported:
    """Reads the calls inside the first Compose([...]) from the syntax tree."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise LabError(f"{source}: not Python: {error}.", "Paste the whole Compose([...]).", kind="pipeline") from None
    lists = _lists_of_compose(tree)
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
        beside = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and _name(n) == "Normalize"]
        calls += [("Normalize", {k.arg: _value(k.value) for k in n.keywords if k.arg}) for n in beside[:1]]
    return _from_calls(calls, source)


def _lists_of_compose(tree: ast.Module) -> list[ast.expr]:
    """What the first Compose(...) is given as its transforms: one expression, unless the text is odd."""
    compose = next((n for n in ast.walk(tree) if isinstance(n, ast.Call) and _name(n) == "Compose"), None)
    if compose is None:
        return []
    return [*compose.args[:1], *(k.value for k in compose.keywords if k.arg == "transforms")]


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


def _from_calls(calls: list[tuple[str, dict[str, Any]]], source: str) -> Imported:
    transforms, notes = [], []
    for index, (name, given) in enumerate(calls):
        if name not in TRANSFORMS:
            raise LabError(f"{source}: '{name}' is not in the lab's table.", _REMEDY, kind="pipeline")
        entry = TRANSFORMS[name]
        params = {
            key: _spread(name, key, _plain(value)) if entry.params[key].kind.endswith("range") else _plain(value)
            for key, value in given.items()
            if key in entry.params and value is not None
        }
        config = {"name": name, "params": params}
        if not entry.deterministic:
            config["p"] = given.get("p", 0.5)
        transform = _checked(index, config, source)
        transforms.append(transform)
        notes += _differences(transform, given)
    return Imported(transforms, notes)


def _plain(value: Any) -> Any:
    """JSON of an Affine gives each axis by itself; equal axes are one value here."""
    if isinstance(value, dict) and set(value) == {"x", "y"} and value["x"] == value["y"]:
        value = value["x"]
    return list(value) if isinstance(value, tuple) else value


def _spread(name: str, key: str, value: Any) -> Any:
    """A single number where a range is meant, as albumentations reads it."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return value
    if name == "ColorJitter" and key != "hue":
        return [max(0, 1 - value), 1 + value]
    if name == "RandomGamma" or key in ("scale", "quality_range"):
        return [value, value]
    if name in ("CLAHE", "GaussianBlur", "MotionBlur"):
        return [{"CLAHE": 1, "MotionBlur": 3}.get(name, 0.1), value]
    return [-abs(value), abs(value)]


def _differences(transform: TransformConfig, given: dict[str, Any]) -> list[str]:
    """Settings that the text has and the lab fixes at another value."""
    import albumentations as A

    name, entry = transform.name, TRANSFORMS[transform.name]
    size = given.get("size") or (224, 224)
    try:
        standard = getattr(A, name)(**arguments(transform, tuple(size))).to_dict()["transform"]
    except (ValueError, TypeError):
        standard = {}
    notes = []
    for key, value in given.items():
        if key in entry.params or key in ("p", "size") or key.startswith("mask_") or key == "fill_mask":
            continue
        ours = {**entry.fixed, **standard}.get(key)
        if not _same(_plain(value), _plain(ours)) and not _same(value, entry.fixed.get(key)):
            what_it_does = "leaves it as albumentations does" if ours is None else f"uses {ours!r}"
            notes.append(f"{name}: {key}={value!r} is no setting of the lab, which {what_it_does}.")
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
