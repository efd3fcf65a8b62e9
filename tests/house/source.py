"""The lab's own source, read as Python reads it."""

import ast
import functools
from collections.abc import Iterable
from pathlib import Path


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def saying(paths: Iterable[Path], *words: str) -> list[Path]:
    """The files in which one of some words stands at all: to parse and walk the others takes most of a rule's time."""
    return [path for path in paths if any(word in text_of(path) for word in words)]


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """Read once for all rules of this room, which lets go of it in the end (see conftest.py)."""
    return ast.parse(text_of(path))


def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return _nodes(tree_of(path))


def walk(tree: ast.AST) -> Iterable[ast.AST]:
    """As ast.walk; a file is walked once for all rules."""
    return _nodes(tree) if isinstance(tree, ast.Module) else ast.walk(tree)


@functools.cache
def _nodes(module: ast.Module) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(module))


def forget() -> None:
    _nodes.cache_clear()
    tree_of.cache_clear()
    text_of.cache_clear()


def imported(path):
    """Top-level names of the modules that a file imports, anywhere in it."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def begun_inside(path: Path, packages: Iterable[str]) -> list[str]:
    """Modules of some packages that a file imports before it has imported the package itself, in the same scope."""
    modules: list[str] = []

    def read(body: Iterable[ast.stmt], begun: set[str]) -> None:
        for node in body:
            whole, inside = [], []
            if isinstance(node, ast.Import):
                whole = [name.name for name in node.names if "." not in name.name]
                inside = [name.name for name in node.names if "." in name.name]
            elif isinstance(node, ast.ImportFrom) and node.module:
                (inside if "." in node.module else whole).append(node.module)
            begun.update(whole)
            modules.extend(
                name for name in inside if name.split(".")[0] in packages and name.split(".")[0] not in begun
            )
            read(getattr(node, "body", []), set(begun))
            read(getattr(node, "orelse", []), set(begun))

    read(tree_of(path).body, set())
    return modules
