"""Any photo is called a photo; "face" stands only where a face is meant, or as a name in code that nobody reads."""

import ast
import re

from core.places import HOME
from tests.house.source import nodes_of, walk

FACE = re.compile(r"\b[Ff]aces?\b")
# The demo draws faces; regions and bands are parts of one; folders may be called so; the rest are names of elements.
OF_FACES = {
    *("core/augment/effects.py", "pages/parts/augment/effect.py", "pages/parts/look_inside/regions.py"),
    *(
        "core/cli/attend.py",
        "core/cli/datasets.py",
        "core/data/readers/folders.py",
        "core/data/values.py",
        "pages/parts/dataset/demo.py",
    ),
    *("pages/parts/home/demo_run.py", "pages/parts/home/welcome.py"),
}
READ_BY_NOBODY = re.compile(r"lab-faces|faces-|-faces?\b|^faces?$|^--face$|\.look-|look-gallery|[{}]")


def texts(path):
    """(line, text) of what is written in a file but for docstrings."""
    said_of_code = {
        id(node.body[0].value)
        for node in nodes_of(path)
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and node.body
        if isinstance(node.body[0], ast.Expr)
    }
    for node in nodes_of(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said_of_code:
            yield node.lineno, node.value


def test_a_photo_is_a_photo():
    called_faces = []
    for room in ("core", "pages"):
        for path in sorted((HOME / room).rglob("*.py")):
            name = path.relative_to(HOME).as_posix()
            if name in OF_FACES or name.startswith("core/demo/"):
                continue
            for line, text in texts(path):
                if FACE.search(text) and not READ_BY_NOBODY.search(text):
                    called_faces.append(f"{name}:{line} {text!r}")
    assert not called_faces, "say photo:\n" + "\n".join(called_faces)


def parts_of(node):
    """(attribute, "") of each value that stands in an f-string, ("", text) of what stands between them."""
    for part in node.values:
        if isinstance(part, ast.Constant):
            yield "", str(part.value)
        else:
            names = [each.attr for each in walk(part) if isinstance(each, ast.Attribute)]
            yield next((name for name in names if name in ("message", "remedy", "problem", "reason")), "other"), ""


def test_sentences_about_a_failure_are_put_together_where_their_stops_are_known():
    """A message may end with a stop or not: who writes on behind it by hand gets two of them, or none."""
    by_hand = []
    for path in sorted(path for room in ("core", "pages") for path in (HOME / room).rglob("*.py")):
        for node in nodes_of(path):
            parts = list(parts_of(node)) if isinstance(node, ast.JoinedStr) else []
            for place, (name, _) in enumerate(parts):
                between = "".join(text for _, text in parts[place + 1 : place + 2])
                with_remedy = between.isspace() and parts[place + 2 : place + 3] == [("remedy", "")]
                goes_on = name in ("message", "remedy") and re.match(r"\.|\s+[A-Z]", between)
                if (goes_on or (with_remedy and name in ("message", "problem", "reason"))) and "\n" not in between:
                    by_hand.append(f"{path.relative_to(HOME)}:{node.lineno}")
    assert not by_hand, "str(error), or ended and in_sentences of core/errors.py:\n" + "\n".join(by_hand)
