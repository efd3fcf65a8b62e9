"""The one way to read and write YAML: plain values, of a size that a person writes, each written out where it stands.

Anchors and aliases are refused: ten lines of them can mean a thousand million values. Imports no torch.
"""

from __future__ import annotations

import copy
import functools
import re
from typing import Any, ClassVar

import yaml

from core.errors import LabError

LENGTH = 200_000  # characters; a run's whole configuration has about 4,000
NODES = 20_000  # values, names and lists together
KEPT = 20_000  # characters of a text whose value is remembered: pages ask for their runs' configurations each time
# Where PyYAML's own scanner and libyaml, which takes a sixth of its time, do not read or refuse the same.
ODD = re.compile(f"[\t!?\ufeff]|[|>][-+0-9]*#|{yaml.reader.Reader.NON_PRINTABLE.pattern}")
BITS = 1_000  # of a whole number: a larger one cannot be computed with as a float, and one yet larger not be printed


class _Counted(yaml.composer.Composer, yaml.constructor.SafeConstructor):
    """What makes a SafeLoader one that counts, and knows neither anchors nor aliases."""

    nodes = 0

    def compose_node(self: Any, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if anchor := getattr(event, "anchor", None):
            sign, what = ("*", "alias") if isinstance(event, yaml.AliasEvent) else ("&", "anchor")
            problem = f"the {what} '{sign}{anchor}' is not read; write the value out where it stands"
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        self.nodes += 1
        if self.nodes > NODES:
            problem = f"more than {NODES:,} values are not read"
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        return super().compose_node(parent, index)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):  # yaml itself checks less
            problem = f"this is no {node.tag.rpartition(':')[2]}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None
        if isinstance(value, int) and value.bit_length() > BITS:
            raise yaml.constructor.ConstructorError(None, None, "a number this large is not read", node.start_mark)
        return value


class _Plain(_Counted, yaml.SafeLoader):
    """By PyYAML's own scanner, whose words about what is broken are told."""


if yaml.__with_libyaml__:

    class _Quick(_Counted, yaml.CSafeLoader):
        """By libyaml's scanner, whose events are composed here, where they are counted."""

        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            yaml.composer.Composer.__init__(self)


class _WrittenOut(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Texts(_Plain):
    """Each plain word is a text: no stands for no answer, and 012 for no number."""

    yaml_implicit_resolvers: ClassVar[dict] = {}


def load(text: str, source: str, kind: str = "config", *, as_texts: bool = False) -> Any:
    """The value of one YAML document. Raises LabError(kind) naming the line: broken, not plain, too long, aliases.

    as_texts: words that stand without quotes are texts, too, whatever YAML takes them for.
    """
    if len(text) > LENGTH:
        message = f"{source}: {len(text):,} characters are more than the {LENGTH:,} that are read."
        raise LabError(message, "Import one configuration alone.", kind=kind)
    try:
        if as_texts:
            return yaml.load(text, _Texts)
        return copy.deepcopy(_remembered(text)) if len(text) <= KEPT else _read(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        message = f"{source}: {line}not plain YAML: {' '.join((error.problem or str(error)).split())}."
    except yaml.YAMLError as error:
        message = f"{source}: not plain YAML: {' '.join(str(error).split())}."
    except RecursionError:
        message = f"{source}: not plain YAML: lists stand in lists too deep to be read."
    raise LabError(message, "Only plain values are read.", kind=kind)


def _read(text: str) -> Any:
    if yaml.__with_libyaml__ and not ODD.search(text):
        try:
            return yaml.load(text, _Quick)
        except (yaml.scanner.ScannerError, yaml.parser.ParserError):
            pass  # told in the words of PyYAML's own
    return yaml.load(text, _Plain)


_remembered = functools.lru_cache(maxsize=256)(_read)  # what is refused is read again


def dump(data: Any, width: int | None = None) -> str:
    """YAML in the order of the data, every value written out. width: columns before a line is folded, 80 if None."""
    return yaml.dump(data, Dumper=_WrittenOut, sort_keys=False, allow_unicode=True, width=width or 80)
