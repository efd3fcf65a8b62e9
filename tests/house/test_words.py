"""Any photo is called a photo; "face" stands only where a face is meant, or as a name in code that nobody reads."""

import ast
import re

from core.places import HOME

FACE = re.compile(r"\b[Ff]aces?\b")
# The demo draws faces; regions and bands are parts of one; folders may be called so; the rest are names of elements.
OF_FACES = {
    *("core/augment/effects.py", "pages/parts/augment/effect.py", "pages/parts/look_inside/regions.py"),
    *("core/cli/datasets.py", "core/data/readers/folders.py", "core/data/values.py", "pages/parts/dataset/demo.py"),
    *("pages/parts/home/demo_run.py", "pages/parts/home/welcome.py"),
}
READ_BY_NOBODY = re.compile(r"lab-faces|faces-|-faces?\b|^faces?$|^--face$|\.look-|look-gallery|[{}]")
MEANT = {"Where a face is in a photo: auto, close or portrait."}


def texts(path):
    """(line, text) of what is written in a file but for docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    said_of_code = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and node.body
        if isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
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
                if FACE.search(text) and text not in MEANT and not READ_BY_NOBODY.search(text):
                    called_faces.append(f"{name}:{line} {text!r}")
    assert not called_faces, "say photo:\n" + "\n".join(called_faces)
