"""What a report is made of: plain blocks in sections, so that HTML and Markdown say the same. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import plotly.graph_objects as go


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Bullets:
    """warn: they say what is wrong or missing. tones: one a line: better, worse, same, or "" for none."""

    lines: tuple[str, ...]
    warn: bool = False
    tones: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """head: one title a column. rows: cells as text; all but the first are numbers unless `words`."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    words: bool = False


@dataclass(frozen=True, eq=False)
class Figure:
    """half: two of them stand side by side where there is room."""

    figure: go.Figure
    caption: str
    half: bool = False


@dataclass(frozen=True)
class FaceMap:
    """What a run looked at. trust: how far to trust the map, in a word, empty where that was not measured; figures:
    what the word rests on."""

    whose: str
    jpeg: bytes
    trust: str = ""
    figures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Face:
    """jpeg: the photo, empty with `missing` saying why; empty alone in a report without photos. lines: what stands
    below it. maps: of each run.

    sample: its name in the dataset, by which Look inside finds it.
    """

    jpeg: bytes
    lines: tuple[str, ...]
    missing: str = ""
    maps: tuple[FaceMap, ...] = ()
    sample: str = ""


@dataclass(frozen=True)
class Faces:
    title: str
    faces: tuple[Face, ...]
    note: str = ""


@dataclass(frozen=True)
class Code:
    title: str
    text: str


Block = Text | Bullets | Table | Figure | Faces | Code


@dataclass(frozen=True)
class Section:
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """written: date and time, in words. sentences: the answer. sections: in reading order."""

    title: str
    question: str
    written: str
    sentences: list[str]
    sections: list[Section] = field(default_factory=list)
