"""The names of a zip's files as text: in UTF-8 where they say so or prove it, else judged by their letters. No torch.

A zip that Windows makes has names in the code page of its country, without a word about which. Source: PKWARE's
APPNOTE 6.3.10, 4.4.4 (bit 11), 4.6.9 (Info-ZIP Unicode Path) and appendix D.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from zipfile import ZipInfo

from core.data.tables.encodings import LANGUAGES, called, plausible_readings
from core.errors import LabError

SAYS_UTF8 = 0x800  # bit of a zip entry's flags
UNICODE_PATH = 0x7075  # extra field of Info-ZIP: the name in UTF-8
OF_DOS = "cp437"  # what a zip's names are in by the standard, if they do not say otherwise
ENCODINGS = {name: LANGUAGES[name] for name in ("cp949", "gb18030", "big5", "cp932")}
ENCODINGS |= {OF_DOS: "Western Europe, DOS", "cp850": "Western Europe, DOS Latin 1", "cp852": "Central Europe, DOS"}
ENCODINGS |= {"cp866": "Cyrillic, DOS"} | {name: LANGUAGES[name] for name in ("cp1252", "cp1250", "cp1251")}


@dataclass(frozen=True)
class Names:
    """How the names of a zip are read.

    encoding: of those that do not say; "" where all say or are plain ASCII. readings: encoding -> the first of these
    names in it, for each encoding in which they look like words, the likeliest first.
    """

    encoding: str
    readings: dict[str, str]
    chosen: bool = False  # by a person

    @property
    def are_sure(self) -> bool:
        return self.chosen or not self.encoding or len(self.readings) == 1

    def told(self) -> str:
        """A sentence on names that were judged; empty where nothing was to be judged."""
        if not self.encoding or self.encoding == "utf-8":
            return ""
        named = f": {self.readings[self.encoding]}" if self.encoding in self.readings else ""
        text = f"File names are read as {self.title(self.encoding)}{named}"
        others = [] if self.chosen else [name for name in self.readings if name != self.encoding][:3]
        return text + "".join(f"; as {self.title(name)} they say {self.readings[name]}" for name in others) + "."

    @staticmethod
    def title(encoding: str) -> str:
        """ "cp437 (Western Europe, DOS)"."""
        return f"{encoding} ({ENCODINGS[encoding]})" if encoding in ENCODINGS else called(encoding)


def judge(entries: Iterable[ZipInfo], zip_name: str, encoding: str | None = None) -> Names:
    """How the names of the entries are to be read. encoding: as a person chose it.

    Raises LabError(kind 'zip') where the names are not in the encoding that was chosen.
    """
    silent = [raw(entry) for entry in entries if _told_name(entry) is None]
    parts = dict.fromkeys(part for name in silent if not name.isascii() for part in name.split(b"/"))
    foreign = b"\n".join(part for part in parts if not part.isascii())
    if not foreign:
        return Names("", {})
    if encoding is not None:
        try:
            foreign.decode(encoding)
        except (UnicodeDecodeError, LookupError) as error:
            text = f"{zip_name}: its file names are not in {encoding}, the encoding that was chosen."
            raise LabError(
                text, "Choose another encoding, or none: then they are judged by their letters.", "zip"
            ) from error
        return Names(encoding, {}, chosen=True)
    try:
        foreign.decode("utf-8")
        return Names("utf-8", {"utf-8": ""})
    except UnicodeDecodeError:
        readings = plausible_readings(foreign, lambda name: False, ENCODINGS)
    return Names(next(iter(readings), OF_DOS), readings)


def text_of(entry: ZipInfo, names: Names) -> str:
    """The name of an entry. Raises UnicodeDecodeError if it is in none of its encodings."""
    told_name = _told_name(entry)
    return raw(entry).decode(names.encoding or "ascii") if told_name is None else told_name


def raw(entry: ZipInfo) -> bytes:
    """The bytes of a name as they stand in the zip; zipfile has decoded them by the standard."""
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & SAYS_UTF8 else OF_DOS)


def _told_name(entry: ZipInfo) -> str | None:
    """The name where the zip itself says how it is to be read."""
    if entry.flag_bits & SAYS_UTF8:
        return entry.orig_filename
    name, extra = raw(entry), entry.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and len(field) > 5 and field[:5] == struct.pack("<BL", 1, zlib.crc32(name)):
            try:
                return field[5:].decode("utf-8")
            except UnicodeDecodeError:
                return None
    return None
