"""A search of runs as one expression: words and conditions, joined by `and`, `or`, `not` and parentheses.

    (f1>0.7 or tag=paper) and not state=failed and model.depth=34 "label noise"

`not` binds closer than `and`, `and` closer than `or`; between two parts with nothing between them stands `and`. A value
with spaces stands in quotes, so does such a name of a setting ("task.only.hair color"=dark), and so does a word that is
to be looked for although it means something here. An expression that nobody understands looks like one that no run
meets, so `problems` says what is wrong with it and where. Imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from core.runs.lists import conditions
from core.runs.lists.conditions import CONTAINS, FACTORS, KEY, Condition
from core.runs.lists.index import Listed
from core.text import one_line

LONGEST = 2000  # characters
DEEPEST = 25  # parentheses and nots around one part
_SIGN = r"==|>=|<=|!=|=|>|<|≥|≤|≠"
_UNIT = "|".join(unit for units in FACTORS.values() for unit in units)
_VALUE = (
    rf'"[^"]*"|\d[\d.,]*\s?(?:{_UNIT})(?![^\s),])'  # what is quoted, a number with its unit
    r'|(?=[^\s")])[^\s"()]*(?:\([^\s"()]*\)[^\s"()]*)*'  # else up to a space or a ) that it did not open
)
_TOKEN = re.compile(
    rf"(?P<parenthesis>[()])"
    rf'|(?:(?P<key>{KEY})|"(?P<quoted>[^"]+)")'
    rf"(?:\s*(?P<sign>{_SIGN})\s*|\s+(?P<contains>{CONTAINS})\s+)(?P<value>{_VALUE})"
    r'|"(?P<phrase>[^"]*)"|(?P<word>[^\s()]+)',
    re.IGNORECASE,
)
_HALF = re.compile(rf"(?:{_SIGN}).*|.*(?:{_SIGN})|\d[\d.,]*(?:{_SIGN}).*")
_NO_WORD = re.compile(rf"[\s(),]|^$|^(?:{_SIGN})")  # of a value that quotes keep together, and apart from the sign
_JOINTS = {"and": "and", "&": "and", "&&": "and", "or": "or", "|": "or", "||": "or", "not": "not"}


@dataclass(frozen=True)
class Word:
    """Has to occur in what a run's people wrote and call it. text: in lower case."""

    text: str


@dataclass(frozen=True)
class Not:
    part: Node


@dataclass(frozen=True)
class All:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    parts: tuple[Node, ...]


Node = Word | Condition | Not | All | Either


@dataclass(frozen=True)
class Search:
    """What was typed. tree: None where nothing was, and where it is not understood; fault then says why and where."""

    tree: Node | None = None
    fault: str = ""

    @property
    def conditions(self) -> list[Condition]:
        return [] if self.tree is None else list(_conditions(self.tree))

    @property
    def joined(self) -> bool:
        """Whether it is more than parts that all have to hold."""
        return self.tree is not None and any(not isinstance(part, Word | Condition) for part in _parts(self.tree))

    def __str__(self) -> str:
        """As it was understood, each part with the parentheses that it needs."""
        return "" if self.tree is None else _written(self.tree)


@dataclass(frozen=True)
class _Token:
    """kind: ( ) and or not part end. place: of its first character, from 1."""

    kind: str
    place: int
    text: str
    part: Word | Condition | None = None


class _Fault(Exception):
    """Why an expression is not understood, as a sentence."""


@lru_cache(maxsize=64)
def read(text: str) -> Search:
    """An expression as it was typed; it never raises.

    Without a condition or a parenthesis, `and`, `or` and `not` that join nothing are words like others.
    """
    if len(text) > LONGEST:
        return Search(fault=f"The search has {len(text):,} characters; it can have {LONGEST:,}.")
    try:
        tokens = _tokens(text)
        if len(tokens) == 1:
            return Search()
        try:
            return Search(_Reader(tokens).whole())
        except _Fault:
            if any(isinstance(token.part, Condition) or token.kind in "()" for token in tokens):
                raise
            return Search(All(tuple(Word(token.text.lower()) for token in tokens[:-1])))
    except _Fault as fault:
        return Search(fault=str(fault))


def meets(entry: Listed, node: Node) -> bool:
    """Whether a run meets it."""
    if isinstance(node, Condition):
        return conditions.fits(entry, node)
    if isinstance(node, Word):
        return node.text in entry.text
    if isinstance(node, Not):
        return not meets(entry, node.part)
    if isinstance(node, All):
        return all(meets(entry, part) for part in node.parts)
    return any(meets(entry, part) for part in node.parts)


def problems(entries: Iterable[Listed], search: Search) -> list[str]:
    """A sentence for all that cannot be asked of these runs: what is wrong, where, and what may have been meant."""
    if search.fault:
        return [search.fault]
    runs = list(entries)
    asked = dict.fromkeys(search.conditions)
    return [why for condition in asked if (why := conditions.problem(runs, condition))]


def narrowed(text: str, *asked: str) -> str:
    """The search with further conditions that have to hold too."""
    search = read(text)
    before = text.strip()
    if isinstance(search.tree, Either):
        before = f"({before})"
    return " and ".join(part for part in (before, *asked) if part)


def _tokens(text: str) -> list[_Token]:
    tokens = []
    for match in _TOKEN.finditer(text):
        place, typed = match.start() + 1, match[0]
        if match["parenthesis"]:
            tokens.append(_Token(typed, place, typed))
        elif key := match["key"] or match["quoted"]:
            sign = match["sign"] or match["contains"]
            part = conditions.condition(key, sign, match["value"].rstrip(","))
            tokens.append(_Token("part", place, typed, part))
        elif match["phrase"] is not None:
            if phrase := match["phrase"].lower():
                tokens.append(_Token("part", place, typed, Word(phrase)))
        elif word := typed.rstrip(",").lower():
            kind = _JOINTS.get(word, "part")
            if kind == "part" and _half(word):
                raise _Fault(
                    f"{_at(place, typed)}: a condition has a column or setting, a sign and a value, in this order: "
                    'f1>0.7. To look for it as a word, put it in quotes: "…".'
                )
            tokens.append(_Token(kind, place, word, Word(word) if kind == "part" else None))
    return [*tokens, _Token("end", len(text) + 1, "")]


def _half(word: str) -> bool:
    """Whether a word was meant as a condition: a sign at its beginning or end, a number to the left of one, or half a
    quote."""
    return _HALF.fullmatch(word) is not None or ('"' in word and re.search(_SIGN, word) is not None)


class _Reader:
    """Reads tokens into a tree, the loosest joint first."""

    def __init__(self, tokens: list[_Token]):
        self.tokens = tokens
        self.at = 0

    def whole(self) -> Node:
        tree = self.either(0)
        if (token := self.token).kind != "end":  # only a parenthesis ends an expression before its end
            raise _Fault(f"{_at(token.place, token.text)}: there is no ( that it closes.")
        return tree

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def passed(self, *kinds: str) -> bool:
        """Goes on behind the token, if it is one of these."""
        on = self.token.kind in kinds
        self.at += on
        return on

    def either(self, depth: int) -> Node:
        parts = [self.all(depth)]
        while self.passed("or"):
            parts.append(self.all(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def all(self, depth: int) -> Node:
        parts = [self.one(depth)]
        while self.passed("and") or self.token.kind in ("part", "not", "("):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def one(self, depth: int) -> Node:
        token = self.token
        if depth > DEEPEST:
            raise _Fault(f"{_at(token.place, token.text)}: more than {DEEPEST} parentheses and nots around one part.")
        if self.passed("not"):
            return Not(self.one(depth + 1))
        if self.passed("("):
            inner = self.either(depth + 1)
            if not self.passed(")"):
                raise _Fault(f"{_at(token.place, token.text)}: it is never closed; a ) is missing.")
            return inner
        if token.part is not None:
            self.at += 1
            return token.part
        before = self.tokens[self.at - 1] if self.at else None
        where = (
            f"{_at(before.place, before.text)}: after it" if before else f"{_at(token.place, token.text)}: before it"
        )
        raise _Fault(f"{where} a condition or a word is missing.")


def _at(place: int, typed: str) -> str:
    return f"{one_line(typed, conditions.LONGEST)} at character {place}"


def _parts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, All) else (node,)


def _conditions(node: Node) -> Iterator[Condition]:
    if isinstance(node, Condition):
        yield node
    for part in (node.part,) if isinstance(node, Not) else getattr(node, "parts", ()):
        yield from _conditions(part)


def _written(node: Node) -> str:
    if isinstance(node, Word):
        plain_word = not re.search(r"[\s()]", node.text) and node.text not in _JOINTS and not _half(node.text)
        return node.text if plain_word else f'"{node.text}"'
    if isinstance(node, Condition):
        value = f'"{node.value}"' if _NO_WORD.search(node.value) else node.value
        sign = f" {node.sign} " if node.sign == CONTAINS else node.sign
        return f"{conditions.quoted(node.key)}{sign}{value}"
    if isinstance(node, Not):
        return f"not {_inside(node.part)}"
    joint = " or " if isinstance(node, Either) else " and "
    return joint.join(_inside(part) for part in node.parts)


def _inside(node: Node) -> str:
    return f"({_written(node)})" if isinstance(node, All | Either) else _written(node)
