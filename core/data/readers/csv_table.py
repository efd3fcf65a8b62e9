"""The reader of tables: a CSV, workbook, list or JSON lines with a photo in each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from core.config.parts import NO_COLUMN
from core.config.person_pattern import PersonPattern
from core.config.run_config import DataConfig
from core.data.paths import inside
from core.data.reach import bounds
from core.data.readers.attributes import PARSERS, TEST, UNLABELLED, photo, problem
from core.data.readers.find_tables import chosen_csv, find_table
from core.data.readers.reading import Fact, Reading
from core.data.readers.set_aside import parted_by_folders
from core.data.readers.split_names import FOLD, Part, folders_of_parts, parts_of
from core.data.readers.tree import Tree, is_above_photos, left_over, list_tree
from core.data.tables.columns import Columns, attribute_columns, class_of, kind_of, read_cell
from core.data.tables.looked.candidates import DatasetTable, Source
from core.data.tables.looked.how_matched import facts_of
from core.data.tables.looked.in_parts import folder_by_name, top_by_name
from core.data.tables.matching import NO_MATCH, Match, Matcher, Place, is_of_another_split
from core.data.tables.meanings import Meanings
from core.data.tables.splits import is_coded, parts_of_column
from core.data.tables.table import Table, read_table
from core.data.tables.words import names_nobody, says_nothing, unlabelled_fact, words_for_nothing
from core.errors import LabError
from core.text import listed, number_of

MEND_ROW = "Correct the row, or leave it out."
MOST_ROWS_TOLD = 1000  # of each kind of problem, one by one


def read_csv(file: str | Path) -> Table:
    """A table that stands by itself. Raises LabError (kind "csv") as read_table does."""
    return read_table(file)


def csv_columns(root: str | Path, name: str, encoding: str | None = None) -> list[str]:
    """The column names of a table of a dataset, in order. Raises LabError as typed, chosen_csv and read_table do."""
    home = bounds.typed(root)
    file = home / chosen_csv(home, name)
    status = file.stat()
    return list(_columns(home, file, encoding, status.st_size, status.st_mtime_ns))


def columns_of_tables(root: str | Path, names: Sequence[str], encoding: str | None = None) -> list[str]:
    """The column names of several tables, each once. Raises LabError as csv_columns does where no table can be read."""
    columns: list[str] = []
    faults = []
    for name in names:
        try:
            columns += csv_columns(root, name, encoding)
        except LabError as fault:
            faults.append(fault)
    if faults and len(faults) == len(names):
        raise faults[0]
    return list(dict.fromkeys(columns))


@lru_cache(64)
def _columns(home: Path, file: Path, encoding: str | None, size: int, mtime_ns: int) -> tuple[str, ...]:
    """Read once for each state of a file: forms ask at every drawing."""
    matchers: list[Matcher] = []

    def is_photo(cell: str) -> bool:
        if not matchers:
            matchers.append(Matcher(list_tree(home)))
        return matchers[0].is_photo(cell)

    return tuple(read_table(file, encoding=encoding, is_photo=is_photo).columns)


@dataclass
class _Problems:
    """Problems of rows; of each kind no more than MOST_ROWS_TOLD one by one."""

    table: str
    rows: list[dict] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def is_full(self, kind: str) -> bool:
        """Count one more; whether it is too many to be told by itself."""
        self.counts[kind] += 1
        return self.counts[kind] > MOST_ROWS_TOLD

    def add(self, kind: str, sample: str, where: str, text: str) -> None:
        if not self.is_full(kind):
            self.rows.append(problem(kind, sample, where, text, MEND_ROW))

    def all(self) -> list[dict]:
        more = {kind: count - MOST_ROWS_TOLD for kind, count in self.counts.items() if count > MOST_ROWS_TOLD}
        texts = {kind: f"{count:,} more rows have the same kind of problem ({kind})" for kind, count in more.items()}
        return self.rows + [problem(kind, "", self.table, text, MEND_ROW) for kind, text in texts.items()]


def read_csv_dataset(tree: Tree, data: DataConfig) -> Reading:
    """Tables with a column of paths and at least one of label, gender, age, mask or another attribute; a person column
    is optional."""
    matcher = Matcher(tree)
    dataset, facts = find_table(tree, data, matcher)
    table, name = dataset.table, dataset.table.name
    index = {meaning: table.columns.index(column) for meaning, column in dataset.meanings.columns.items()}
    notes = _set_aside(index, table, name, data)
    taken = [*(table.columns[at] for at in index.values()), *dataset.meanings.parts]
    own = attribute_columns(table, taken, data, has_label="label" in index)
    problems = _Problems(name)
    for source, number, text in dataset.faults:
        problems.add("bad-row", "", f"{source.path} row {number}", text)
    rows = list(zip(dataset.sources, table.rows, strict=True))
    parts = Parts(dataset, sets_aside=data.split_column != NO_COLUMN)
    places = _places(rows, index, parts, matcher)
    matches = matcher.match(places)
    read_person = _person_reader(dataset.meanings, data)
    read_labels = _label_reader(table.columns, own, words_for_nothing(data.no_label))
    photos: list[dict] = []
    label_cells: list[str | None] = []  # of each of them
    used = {*dataset.paths, *(path for path, joined in dataset.companions.items() if joined)}
    without_label = _WithoutLabel()
    for (source, (number, cells)), place in zip(rows, places, strict=True):
        cell = {meaning: _cell(cells, at) for meaning, at in index.items()}
        match = matches.get(place, NO_MATCH)
        where = f"{source.path} row {number}"
        sample = match.sample
        if not sample and not problems.is_full("missing-file"):
            kind, text, sample, remedy = matcher.why_none(*place, match)
            problems.rows.append(problem(kind, sample, where, text, remedy or MEND_ROW))
        used.add(sample)
        labels, faults = read_labels(cell, cells)
        stands, split_faults = parts.read(source, cell, labels)
        person, person_faults = read_person(cell, match.sample)
        if person_faults and stands.get("split") == UNLABELLED:  # no fold depends on whom it shows
            person, person_faults = {}, []
        faults += split_faults + person_faults
        for kind, text in faults:
            problems.add(kind, sample, where, text)
        if match.sample and not faults:
            real = cast(str, tree.images.get(sample) or inside(tree.root, sample))
            photos.append(photo(sample, real, row=number, where=where, **labels | stands | person))
            label_cells.append("" if own.classes and labels["label"] is None else cell.get("label"))
    if parts.sets_aside and not parts.tells_of(dataset.paths, tree):
        photos = parted_by_folders(photos)
    for row, label_cell in zip(photos, label_cells, strict=True):
        without_label.look_at(row, label_cell)
    facts += [*table.facts, *dataset.meanings.facts, *parts.facts]
    facts += _of_parts(list(zip(dataset.sources, places, strict=True)), matches, matcher, name)
    facts += facts_of(((cell, match) for (cell, _), match in matches.items()), name)
    facts += [*without_label.facts(photos), *own.facts]
    all_problems = notes + problems.all() + left_over(tree, used, f"in no row of {name}")
    return Reading(photos, all_problems, facts, [*dataset.paths, *dataset.companions])


def _places(
    rows: list[tuple[Source, tuple[int, list[str]]]], index: dict[str, int], parts: Parts, matcher: Matcher
) -> list[Place]:
    """The path of each row with the folder in which it is looked for first: that of its table. A bare name that several
    photos have, such as train/1.jpg and test/1.jpg, is looked for in the folder of the row's part of the dataset. So is
    one of a row that states another part than the table's folder, or would be found where photos are numbered anew, and
    a path that is there only (cat/1.jpg, of train/cat/1.jpg and test/cat/1.jpg)."""
    folders = matcher.top_of_part | matcher.folder_of_part
    split = index.get("split")
    beside = set() if split is None else _said_beside(rows, index["path"], split, matcher)
    places = []
    for source, (_, cells) in rows:
        path, home = _cell(cells, index["path"]), source.home
        written = "" if split is None else _cell(cells, split)
        part = parts.stated(source, written)
        own, top = (of.get(part, "") if part else "" for of in (folders, matcher.top_of_part))
        called = matcher.called(path) if own else []
        is_another = len(called) == 1 and matcher.is_another_one(called[0], home, own)
        if is_another or (len(called) > 1 and not matcher.exact(path, home)):
            home = own
        elif top and "/" in path and not matcher.exact(path, home) and matcher.exact(path, top):
            home = top
        elif (
            written
            and part
            and len(called) == 1
            and (home, written) not in beside
            and not matcher.exact(path, home)
            and _is_in(called[0], part)
        ):
            home = called[0].rpartition("/")[0]
        elif written and part and is_of_another_split(home, part) and not _meant(path, home, matcher):
            home = own if matcher.is_photo(path) else home
        places.append((path, home))
    return places


def _said_beside(
    rows: list[tuple[Source, tuple[int, list[str]]]], path: int, split: int, matcher: Matcher
) -> set[tuple[str, str]]:
    """(folder of a table, what it calls a part) of photos that lie there themselves: the column parts that folder."""
    return {
        (source.home, _cell(cells, split))
        for source, (_, cells) in rows
        if source.home and _meant(_cell(cells, path), source.home, matcher).startswith(f"{source.home}/")
    }


def _meant(cell: str, home: str, matcher: Matcher) -> str:
    """The photo that is written so, or the only one that a name without its suffix could mean, where that lies in this
    folder; "" if there is none."""
    called = matcher.called(cell)
    alone = called[0] if len(called) == 1 and called[0].startswith(f"{home}/") else ""
    return matcher.exact(cell, home) or alone


def _is_in(photo: str, part: Part) -> bool:
    """Whether a photo lies in a folder of this part, or below one."""
    return part in [part for name in photo.split("/")[:-1] for part in parts_of([name]).values()]


def _of_parts(
    rows: Sequence[tuple[Source, Place]], matches: Mapping[Place, Match], matcher: Matcher, name: str
) -> list[Fact]:
    """A fact about the names that were looked for in the folder of a part, and found there."""
    elsewhere = (place for source, place in rows if source.folder or place[1] not in ("", source.home))
    elsewhere = (place for place in elsewhere if len(matcher.called(place[0])) > 1)
    samples = {place: match.sample for place in elsewhere if (match := matches.get(place, NO_MATCH)).sample}
    if not samples:
        return []
    names = number_of(len(samples), "file name stands", "file names stand")
    (cell, _), sample = next(iter(samples.items()))
    where = f"that of the part that {name} tells"
    of_names = {path: folder_by_name(path, matcher) or top_by_name(path, matcher) for path in {s.path for s, _ in rows}}
    if by_rows := {source.folder for source, _ in rows if source.folder and not of_names[source.path]}:
        where = f"{listed([f'{folder}/' for folder in sorted(by_rows)])}, of which {name} names each photo"
    text = f"{names} in several folders: taken from {where} ({cell} is {sample})."
    return [Fact("match", text, ("path_column",))]


def _cell(cells: list[str], at: int) -> str:
    return cells[at] if at < len(cells) else ""


Faults = list[tuple[str, str]]  # (kind, what is wrong)


def _label_reader(
    columns: list[str], own: Columns, nothing: frozenset[str]
) -> Callable[[dict[str, str], list[str]], tuple[dict[str, Any], Faults]]:
    """read(cells by meaning, all cells of the row) -> (what it says that its photo shows, what is wrong)."""
    places = {column: columns.index(column) for column in own.kinds}

    def read(cell: dict[str, str], cells: list[str]) -> tuple[dict[str, Any], Faults]:
        labels: dict[str, Any] = {"label": None, "attributes": {}}
        faults = []
        if any(cells[len(columns) :]):
            faults.append(("bad-row", f"the row has more cells than the header ({len(columns)})"))
        for meaning, parse in PARSERS.items():
            if cell.get(meaning):  # an empty cell: not known
                try:
                    labels[meaning] = parse(cell[meaning])
                except ValueError as error:
                    faults.append((f"bad-{meaning}", str(error)))
        if "label" in cell and not says_nothing(cell["label"], nothing):
            labels["label"] = cell["label"]
        if own.classes and not faults:
            labels["label"] = class_of(cells, columns, own.classes)
        for column, kind in own.kinds.items():
            text = _cell(cells, places[column])
            if not says_nothing(text, nothing):
                try:
                    labels["attributes"][own.names[column]] = read_cell(text, kind, thousands=column in own.thousands)
                except ValueError as error:
                    faults.append(("bad-value", f"{column}: {error}"))
        return labels, faults

    return read


class Parts:
    """Which part of the dataset a row is of: by its column, or by the table that it stands in.

    sets_aside: whether words in a column of folds are splits; not where somebody said that no column is one.
    """

    def __init__(self, dataset: DatasetTable, *, sets_aside: bool) -> None:
        self.sets_aside = sets_aside
        self.unlabelled = dataset.unlabelled
        self.columns = dataset.meanings.columns
        self.facts: list[Fact] = []
        self.by_table = any(source.part for source in dataset.sources)
        name = dataset.table.name
        self.of_cell = {
            meaning: parts_of_column(self.columns[meaning], dataset.table.column(self.columns[meaning]))
            for meaning in ("split", "fold")
            if meaning in self.columns
        }
        if self.of_cell.get("split") == {}:
            text = f"csv: column {self.columns['split']!r} of {name} names no splits: most of it is none of their words"
            raise LabError(text, "Choose a column with train, val or test, or none.", "csv")
        if is_coded(self.of_cell.get("split", {})):
            text = f"{name}: column {self.columns['split']!r} is read as 0 train, 1 validation, 2 test."
            self.facts.append(Fact("split", text, ("split_column",), probable=True))

    def tells_of(self, tables: Iterable[str], tree: Tree) -> bool:
        """Whether a column of splits, or where these tables stand, says what rows are for, so that folders of photos do
        not: a table in train/ or fold_1/ is divided in its own way."""
        own = [path.rpartition("/")[0] for path in tables if not is_above_photos(path, tree)]
        by_column = any(part.role != FOLD for part in self.of_cell.get("split", {}).values())
        return by_column or self.by_table or any(folders_of_parts([folder]) for folder in own)

    def stated(self, source: Source, written: str) -> Part | None:
        """What the table says of a row, or the column of splits, in which `written` stands."""
        return self.of_cell.get("split", {}).get(written) if written else source.part

    def read(self, source: Source, cell: dict[str, str], labels: dict[str, Any]) -> tuple[dict[str, Any], Faults]:
        """(part, split and given fold of a photo, what is wrong); without a label it is set aside as unlabelled."""
        written = cell.get("split", "")
        part, name = self.stated(source, written), source.path if source.part else ""
        if written:
            name = f"{self.columns['split']} {written}"
            if part is None:
                return {}, [("bad-split", f"the split {written!r} is none of {listed(sorted(self.of_cell['split']))}")]
        fold = self.of_cell.get("fold", {}).get(cell.get("fold", "")) or part
        if self.sets_aside and fold and fold.split and not (part and part.split):  # one of both columns is enough
            part, name = fold, f"{self.columns['fold']} {cell['fold']}"
        stands: dict[str, Any] = {} if fold is None or fold.fold is None else {"given_fold": fold.fold}
        tells = bool(labels["attributes"]) or any(labels.get(meaning) is not None for meaning in ("label", *PARSERS))
        if part is not None and part.split:
            is_test = part.split == TEST and tells and source.path not in self.unlabelled
            stands |= {"part": name, "split": TEST if is_test else UNLABELLED}
        elif not tells:
            stands["split"] = UNLABELLED
        elif part is not None:
            stands["part"] = name
        return stands, []


@dataclass
class _WithoutLabel:
    """The photos without a label in parts that are trained on.

    cells: what stands there -> photos. kept: how many of them tell something else.
    """

    cells: Counter[str] = field(default_factory=Counter)
    kept: int = 0

    def look_at(self, row: dict, cell: str | None) -> None:
        if cell is not None and row["label"] is None and not (row["part"] and row["split"]):
            self.cells[cell] += 1
            self.kept += not row["split"]

    def facts(self, photos: Iterable[dict]) -> list[Fact]:
        labels = Counter(each["label"] for each in photos if each["label"] is not None)
        fact = unlabelled_fact(self.cells, labels, kept=self.kept)
        return [fact] if fact else []


def _person_reader(
    meanings: Meanings, data: DataConfig
) -> Callable[[dict[str, str], str], tuple[dict[str, Any], list[tuple[str, str]]]]:
    """read(cells by meaning, sample) -> (what is known of the person, what is wrong): by column, else by pattern."""
    pattern = PersonPattern(data.person_pattern) if data.person_pattern and data.persons == "auto" else None
    by_column = "person" in meanings.columns and not (meanings.numbers_photos and pattern)
    nothing = words_for_nothing(data.no_label)

    def read(cell: dict[str, str], sample: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if by_column:
            facts = {"person": cell["person"]} | ({"person_known": False} if meanings.numbers_photos else {})
            return facts, names_nobody("the person", cell["person"], nothing)
        if not sample or pattern is None:
            return {}, []
        person = pattern.group(sample)
        text = f"the person pattern {data.person_pattern!r} finds nothing in {sample}"
        return {"person": person}, [("bad-name", text)] if person is None else []

    return read


def _set_aside(index: dict[str, int], table: Table, name: str, data: DataConfig) -> list[dict]:
    """Forget a guessed column in which not one cell can be read (ages such as 20-29), if something else is left.

    Something is left too where its values are those of an attribute; then nothing is wrong with it.
    """
    problems = []
    for meaning, parse in PARSERS.items():
        if meaning not in index or getattr(data, f"{meaning}_column"):
            continue
        column = table.columns[index[meaning]]
        cells = [cell for cell in table.column(column) if cell]
        texts = list(dict.fromkeys(cells))
        is_attribute = data.attributes is None and kind_of(column, cells, len(table.rows)) is not None
        others = index.keys() & {"label", *PARSERS} - {meaning}
        if (others or is_attribute) and texts and not any(_parses(parse, text) for text in texts):
            del index[meaning]
            if not is_attribute:
                text = f"column {column!r} is not used: it holds no {meaning} ({', '.join(texts[:3])}, ...)"
                remedy = f"Nothing, or choose it as {meaning} column to see each row, or as label column."
                problems.append(problem(f"bad-{meaning}", "", name, text, remedy, "warning"))
    return problems


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
