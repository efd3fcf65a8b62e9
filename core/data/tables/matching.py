"""A cell of a table -> a photo of the dataset. Opens nothing.

First as it is written: from the table's folder, from the root, or a bare name that stands once. What is left is
matched by the end of the path, without regard to case and to the picture's suffix, where that means one file only. What
means several means no mask or copy of a photo, and the one that lies, however deep, below the folder in which it is
looked for; a bare name of a table in train/ means none in test/, and none in val/ where that numbers its photos anew.
"""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

from core.data.images import SUFFIXES
from core.data.paths import inside
from core.data.readers.named.masks import masks_in
from core.data.readers.split_names import FOLD, Part, folders_of_parts, may_be_part, parts_of, tops_of_parts
from core.data.readers.tree import Tree
from core.text import LONGEST_NAME, listed, number_of, one_line

_FOREIGN = re.compile(r"([a-z][a-z0-9+.-]*:)?/", re.IGNORECASE)  # a root, a drive, an address
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")  # before the name of a photo that was uploaded to Label Studio
_UPLOADS = re.compile(r"upload/\d+", re.IGNORECASE)  # the folder of a project on a server of Label Studio
_DATED = re.compile(r"[0-9]{8}-")  # an upload's prefix holds a letter but for one in fifty
_NUMBER = re.compile(r"\d{1,18}(\.0+)?", re.ASCII)
LONGEST = 4096  # characters of a path; no system opens a longer one, and to look for one takes long
Key = TypeVar("Key")
Place = tuple[str, str]  # a cell, and the folder in which it is looked for first: its table's


@dataclass(frozen=True)
class Match:
    """sample: the photo; "" if there is none. ways: of WAYS in looked/how_matched.py, for a photo that is not called as
    written.

    taken: the photo that a cell could mean, had another row not the better or an equal right to it.
    """

    sample: str
    ways: frozenset[str] = frozenset()
    taken: str = ""


NO_MATCH = Match("")


@dataclass
class Matcher:
    """Matches cells with the photos of a tree."""

    tree: Tree

    def is_photo(self, cell: str, home: str = "") -> bool:
        """Whether a photo is called so, however loosely. home: the folder in which it is looked for first."""
        return bool(cell) and bool(self.exact(cell, home) or self._loose(cell, home)[0])

    def is_mask(self, cell: str) -> bool:
        """Whether a mask or copy of a photo is called so, with any suffix."""
        return _stem(_name(cell)).casefold() in self._mask_stems

    def match(self, cells: Iterable[Place]) -> dict[Place, Match]:
        """Place -> its match, of those that have one or could have.

        A photo that one cell names as it is written, or that several cells could only loosely mean, is none of those
        that only could mean it; one that a table in its own folder names is no bare name's of a table elsewhere. What
        may be a date is no prefix of an upload unless other cells have one.
        """
        matches: dict[Place, Match] = {}
        loose: dict[Place, tuple[str, frozenset[str]]] = {}
        beside: set[str] = set()  # photos that a table in their folder names
        for key in dict.fromkeys(cells):
            if sample := self.exact(*key):
                matches[key] = Match(sample)
                if key[1] and self._is_beside(key, sample):
                    beside.add(sample)
                continue
            sample, ways = self._loose(*key)
            if key[1] and "/" not in _normal(key[0]) and (not sample or self._is_anothers(key[1], _folder(sample))):
                sample, ways = self._loose(posixpath.join(key[1], key[0]))
                sample = "" if self._is_anothers(key[1], _folder(sample)) else sample
            if sample:
                loose[key] = sample, ways
        for key, match in matches.items():
            if match.sample in beside and "/" not in _normal(key[0]) and not self._is_beside(key, match.sample):
                matches[key] = Match("", taken=match.sample)
        dated = {key for key, (_, ways) in loose.items() if "upload" in ways and _DATED.match(_name(key[0]))}
        if not any("upload" in ways for key, (_, ways) in loose.items() if key not in dated):
            loose = {key: meant for key, meant in loose.items() if key not in dated}
        takers = Counter([match.sample for match in matches.values()] + [sample for sample, _ in loose.values()])
        for key, (sample, ways) in loose.items():
            matches[key] = Match(sample, ways) if takers[sample] == 1 else Match("", taken=sample)
        return matches

    def _is_beside(self, key: Place, sample: str) -> bool:
        return self._photos.get(posixpath.join(key[1], _normal(key[0]))) == sample

    def why_none(self, cell: str, home: str, match: Match) -> tuple[str, str, str, str]:
        """(kind of the problem, what is wrong, the path that was looked for, what to do; "" for what helps any row) for
        a cell without a match."""
        if not cell:
            return "missing-file", "the path is empty", "", ""
        if len(cell) > LONGEST:
            return "missing-file", f"the path has {len(cell):,} characters: {one_line(cell, LONGEST_NAME)}", "", ""
        paths = self._paths(_normal(cell), home)
        if not any(inside(self.tree.root, path) for path in paths):
            return "outside", f"path {cell!r} leads out of the dataset; it is not opened", "", ""
        path = paths[-1] if paths else ""
        text = f"there is no file {cell!r} in the dataset"
        if match.taken:
            text += f"; {match.taken} could be meant, but another row may mean it too"
        elif len(photos := self.called(cell)) > 1:
            text = f"{cell!r} could be any of {number_of(len(photos), 'photo')}: {listed(photos)}"
            return "missing-file", text, path, "Write the path of the one that is meant, with its folder and suffix."
        return "missing-file", text, path, ""

    def called(self, cell: str) -> list[str]:
        """The photos that a bare name could mean, those that are called exactly so before others; [] for a path."""
        name = _normal(cell)
        if not name or "/" in name or len(name) > LONGEST:
            return []
        return [self._photos[path] for path in self._by_name.get(name) or self._by_stem.get(_stem(name).casefold(), [])]

    def is_in(self, cell: str, folder: str) -> bool:
        """Whether a bare name means one photo of those that lie in this folder."""
        name = _normal(cell)
        if not name or "/" in name or len(name) > LONGEST:
            return False
        if folder not in self._in_folder:
            inside_it = [path for path in self._photos if _folder(path) == folder]
            self._in_folder[folder] = Counter(_stem(path.rpartition("/")[2]).casefold() for path in inside_it)
        return f"{folder}/{name}" in self._photos or self._in_folder[folder][_stem(name).casefold()] == 1

    def exact(self, cell: str, home: str) -> str:
        """The photo (or other file of the dataset) that is written there; "" if there is none."""
        text = _normal(cell)
        if not text or len(text) > LONGEST:
            return ""
        if not home and text in self._photos:
            return self._photos[text]
        for path in self._paths(text, home):
            if path in self._photos:
                return self._photos[path]
            if path in self._others or self._is_unlisted(path):
                return path
        named = self._by_name.get(text, []) if "/" not in text else []
        return self._photos[named[0]] if len(named) == 1 and not self._is_anothers(home, _folder(named[0])) else ""

    def _is_anothers(self, home: str, folder: str) -> bool:
        """Whether a folder is of another part than a table's folder, or numbers its photos anew beside that part."""
        own = _folder_of_part(home)
        return _are_other_parts(home, folder) or (bool(own) and folder in self._numbered_anew(own))

    def is_another_one(self, sample: str, home: str, part: str) -> bool:
        """Whether a photo that does not lie beside its table is of a folder that numbers anew what the folder of this
        part numbers."""
        return _folder(sample) != home and _folder(sample) in self._numbered_anew(part)

    def _numbered_anew(self, part: str) -> set[str]:
        """The folders elsewhere of which a tenth of the names or more stand in or below this one, too: fewer may be
        copies."""
        if part not in self._anew:
            inner = f"{part}/"
            stems = {_stem(path.rpartition("/")[2]).casefold() for path in self._photos if path.startswith(inner)}
            again = Counter(_folder(path) for stem in stems for path in self._by_stem[stem])
            self._anew[part] = {
                folder
                for folder, count in again.items()
                if 10 * count >= self.sizes[folder] and not f"{folder}/".startswith(inner)
            }
        return self._anew[part]

    def _paths(self, text: str, home: str) -> list[str]:
        if text.startswith("/"):
            folder, _, name = text.rpartition("/")
            if folder not in self._real_folders:
                self._real_folders[folder] = inside(self.tree.root, folder or "/")
            real = self._real_folders[folder]
            paths = [] if real is None else [posixpath.normpath(posixpath.join(real, name))]
        else:
            paths = [posixpath.normpath(posixpath.join(folder, text)) for folder in dict.fromkeys((home, ""))]
        return [path for path in paths if path != ".." and not path.startswith("../")]

    def _is_unlisted(self, path: str) -> bool:
        """Whether a path is a file that the tree does not list, as hidden ones and those behind links."""
        folder, _, name = path.rpartition("/")
        if folder in self._folders and not name.startswith("."):
            return False
        if folder not in self._is_folder:
            self._is_folder[folder] = self._is_inside(folder) and os.path.isdir(f"{self.tree.root}/{folder}")
        file = f"{self.tree.root}/{path}"
        return self._is_folder[folder] and os.path.lexists(file) and self._is_inside(path) and os.path.isfile(file)

    def _is_inside(self, path: str) -> bool:
        return inside(self.tree.root, path) is not None

    def _loose(self, cell: str, home: str = "") -> tuple[str, frozenset[str]]:
        """The one photo that a cell most probably means, and how it differs; ("", ...) for none or several. Of those
        that it means as well as another, the one below the folder in which it is looked for."""
        if len(cell) > LONGEST:
            return "", frozenset()
        text = _normal(cell).rstrip("/")
        name = text.rpartition("/")[2]
        if _stem(name).casefold() not in self._by_stem and not _NUMBER.fullmatch(text):
            return (sample, frozenset({"upload"})) if (sample := self._uploaded(text, name)) else ("", frozenset())
        parts = _parts(text)
        if not parts:
            return "", frozenset()
        stem = _stem(parts[-1]).casefold()
        nearer = self._by_end.get((parts[-2].casefold(), stem)) if len(parts) > 1 else None  # which rank first
        candidates = nearer or self._by_stem.get(stem, [])
        numbered = not candidates and _NUMBER.fullmatch(text) is not None
        if numbered:
            candidates = self._by_number.get(int(parts[-1].partition(".")[0]), [])
        ranked = sorted(((self._alike(parts, path), path) for path in candidates), reverse=True)
        ranked = [each for each in ranked if each[0] == ranked[0][0]]  # the best
        if len(ranked) > 1:
            ranked = [each for each in ranked if home and each[1].startswith(f"{home}/")]
        if len(ranked) != 1:
            return "", frozenset()
        (common, _, _), path = ranked[0]
        if not self._may_mean(parts, path.split("/"), common):
            return "", frozenset()
        return self._photos[path], frozenset({"number"}) if numbered else _ways(parts, path.split("/"), common)

    def _uploaded(self, text: str, name: str) -> str:
        """The photo of a path whose name has the prefix of an upload; "" unless one alone is called so without it."""
        own = _UPLOADED.sub("", name, count=1)
        photos = self._by_name.get(own, []) if own != name else []
        parts = _parts(text) if len(photos) == 1 else []
        if not parts:
            return ""
        parts[-1] = own
        common, _, _ = self._alike(parts, photos[0])
        return self._photos[photos[0]] if self._may_mean(parts, photos[0].split("/"), common) else ""

    def _alike(self, parts: list[str], path: str) -> tuple[int, bool, bool]:
        """What ranks candidates: parts in common from the end, then the same suffix, then the same case."""
        theirs = path.split("/")
        common = 1
        while common < min(len(parts), len(theirs)) and parts[-1 - common].casefold() == theirs[-1 - common].casefold():
            common += 1
        same_suffix = _suffix(parts[-1]).lower() == _suffix(theirs[-1]).lower()
        return common, same_suffix, _stem(parts[-1]) == _stem(theirs[-1]) and parts[-common:-1] == theirs[-common:-1]

    def _may_mean(self, parts: list[str], theirs: list[str], common: int) -> bool:
        """Not where the cell names a folder of this dataset, or another split, and the photo lies elsewhere. A
        server's folder of uploads is none of this dataset unless that has one."""
        is_servers = _UPLOADS.fullmatch("/".join(parts[-3:-1])) and "upload" not in self._folder_names
        if common == len(parts) or (common == 1 and is_servers):
            return True
        folder = parts[-1 - common]
        if folder.casefold() in self._folder_names:
            return False
        other = theirs[-1 - common] if common < len(theirs) else ""
        return not (may_be_part(folder) and may_be_part(other))

    @cached_property
    def _photos(self) -> dict[str, str]:
        """Spelling in NFC -> sample: file systems decompose accents."""
        return {unicodedata.normalize("NFC", path): path for path in self.tree.images}

    @cached_property
    def _others(self) -> set[str]:
        return set(self.tree.others)

    @cached_property
    def _folders(self) -> set[str]:
        """Folders of which the tree lists all that is not hidden."""
        return {path.rpartition("/")[0] for path in (*self.tree.images, *self.tree.others)}

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return self._but_masks(_grouped((path.rpartition("/")[2], path) for path in self._photos))

    @cached_property
    def _by_end(self) -> dict[tuple[str, str], list[str]]:
        """(the folder that holds it, its stem), both folded -> photos."""
        ends = ((path.split("/")[-2:], path) for path in self._photos if "/" in path)
        return _grouped(((folder.casefold(), _stem(name).casefold()), path) for (folder, name), path in ends)

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return self._but_masks(_grouped((_stem(path.rpartition("/")[2]).casefold(), path) for path in self._photos))

    @cached_property
    def _by_number(self) -> dict[int, list[str]]:
        stems = ((_stem(path.rpartition("/")[2]), path) for path in self._photos)
        return self._but_masks(
            _grouped((int(stem), path) for stem, path in stems if stem.isascii() and stem.isdecimal())
        )

    def _but_masks(self, groups: dict[Key, list[str]]) -> dict[Key, list[str]]:
        """Of what is called alike only what is no mask or copy beside the photos: a table means these."""
        if all(len(paths) == 1 for paths in groups.values()) or not self._masks:
            return groups
        return {key: [path for path in paths if path not in self._masks] or paths for key, paths in groups.items()}

    @cached_property
    def _masks(self) -> set[str]:
        return masks_in(self._photos)[0]

    @cached_property
    def _mask_stems(self) -> set[str]:
        return {_stem(path.rpartition("/")[2]).casefold() for path in self._masks}

    @cached_property
    def _folder_names(self) -> set[str]:
        folders = {path.rpartition("/")[0] for path in self._photos}
        return {name.casefold() for folder in folders for name in folder.split("/") if name}

    @cached_property
    def folder_of_part(self) -> dict[Part, str]:
        """Part -> the only folder of photos that by its name, or that of a folder above it, is of that part."""
        return folders_of_parts(dict.fromkeys(map(_folder, self._photos)))

    @cached_property
    def top_of_part(self) -> dict[Part, str]:
        """Part -> the only folder that is called so, with all photos of that part in it and below."""
        return tops_of_parts(dict.fromkeys(map(_folder, self._photos)))

    @cached_property
    def _in_folder(self) -> dict[str, Counter[str]]:
        return {}

    @cached_property
    def sizes(self) -> Counter[str]:
        """Folder of photos -> how many lie in it."""
        return Counter(map(_folder, self._photos))

    @cached_property
    def _anew(self) -> dict[str, set[str]]:
        return {}

    @cached_property
    def _is_folder(self) -> dict[str, bool]:
        return {}

    @cached_property
    def _real_folders(self) -> dict[str, str | None]:
        return {}


def _ways(parts: list[str], theirs: list[str], common: int) -> frozenset[str]:
    ways = set()
    if _suffix(parts[-1]).lower() != _suffix(theirs[-1]).lower():
        ways.add("suffix")
    same = [_stem(parts[-1]), *parts[-common:-1]] == [_stem(theirs[-1]), *theirs[-common:-1]]
    if not same or (_suffix(parts[-1]) != _suffix(theirs[-1]) and "suffix" not in ways):
        ways.add("case")
    if common < len(parts):
        ways.add("end" if common > 1 or common == len(theirs) else "far")
    return frozenset(ways)


def _parts(text: str) -> list[str]:
    """The folders and the name of a path, without a root; [] for one that leads up or nowhere."""
    parts = posixpath.normpath(text).split("/") if text else []
    if ".." in parts or parts == ["."]:
        return []
    return [part for part in parts if part][1 if ":" in parts[0] else 0 :] if _FOREIGN.match(text) else parts


def _name(cell: str) -> str:
    return _normal(cell).rstrip("/").rpartition("/")[2]


def _are_other_parts(home: str, folder: str) -> bool:
    """Whether of two folders, by their names or those above them, one is of a test set or unlabelled and the other is
    not; what is trained and validated on is one, however it was divided."""
    return bool(home) and bool(own := _splits(home)) and bool(theirs := _splits(folder)) and own[-1] not in theirs


@lru_cache(1024)
def _splits(folder: str) -> list[str]:
    """The split that each of the names of a folder and those above it tells; a fold has a test part of its own."""
    parts = (part for name in folder.split("/") for part in parts_of([name]).values())
    return [part.split for part in parts if part.role != FOLD]


@lru_cache(1024)
def _folder_of_part(folder: str) -> str:
    """The nearest of a folder and those above it that by its name is a part; "" if none is."""
    names = folder.split("/")
    return next(("/".join(names[:end]) for end in range(len(names), 0, -1) if may_be_part(names[end - 1])), "")


def is_of_another_split(folder: str, part: Part) -> bool:
    """Whether a folder, by its name and those above it, is of a split, and not of this part's."""
    return bool(folder) and bool(own := _splits(folder)) and part.split not in own


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _normal(cell: str) -> str:
    text = cell.replace("\\", "/")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@lru_cache(1024)  # of a row it is asked again and again
def _suffix(name: str) -> str:
    """A picture's suffix; "" for any other, which belongs to the name."""
    suffix = posixpath.splitext(name)[1]
    return suffix if suffix.lower() in SUFFIXES else ""


def _stem(name: str) -> str:
    return name.removesuffix(_suffix(name))


def _grouped(pairs: Iterable[tuple[Key, str]]) -> dict[Key, list[str]]:
    groups: dict[Key, list[str]] = defaultdict(list)
    for key, path in pairs:
        groups[key].append(path)
    return dict(groups)
