"""The CSV reader: files as people save them (encodings, delimiters), rows numbered as a spreadsheet shows them."""

import csv
import io
import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from core.config.person_pattern import PersonPattern
from core.config.run_config import DataConfig
from core.data.paths import inside
from core.data.readers.attributes import PARSERS, photo, problem
from core.data.readers.reading import Reading
from core.data.readers.tree import Tree, left_over
from core.errors import LabError

MEND_ROW = "Correct the row, or leave it out."

ENCODINGS = ("utf-8", "cp949")
DELIMITERS = ",;\t|"
USUAL_NAMES = {
    "path": ("path", "image_path", "filepath", "file_path", "file", "filename", "file_name", "image", "img", "photo"),
    "label": ("label", "class", "target", "category"),
    "person": ("person", "person_id", "id", "subject", "subject_id", "identity"),
    "gender": ("gender", "sex"),
    "age": ("age",),
    "mask": ("mask", "mask_state"),
}


@dataclass(frozen=True)
class CsvFile:
    """columns: the header, stripped. rows: (row number in a spreadsheet, cells, stripped); blank rows are left out."""

    columns: list[str]
    rows: list[tuple[int, list[str]]]


def read_csv(file: str | Path) -> CsvFile:
    """Every cell as text. Raises LabError (kind "csv") naming the file, and the encodings tried or the line."""
    file = Path(file)
    text = _decode(file)
    header = (text.lstrip().splitlines() or [""])[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(header), strict=True)
    try:
        records = [[cell.strip() for cell in record] for record in reader]
    except csv.Error as error:
        raise LabError(
            f"{file.name}, near line {reader.line_num}: {error}",
            'Look for a quotation mark that is not closed; write "" for one inside a quoted cell.',
            "csv",
        ) from error
    if not records or not any(records[0]):
        raise LabError(f"{file.name}: the first line is empty", "Put the column names on the first line.", "csv")
    rows = [(number, cells) for number, cells in enumerate(records[1:], start=2) if any(cells)]
    return CsvFile(records[0], rows)


def csv_columns(root: str | Path, name: str) -> list[str]:
    """The column names of a CSV file of a dataset, in order. Raises LabError as read_csv and chosen_csv do."""
    home = Path(root).expanduser().resolve()
    return read_csv(home / chosen_csv(home, name)).columns


def usual_column(columns: list[str], meaning: str) -> str | None:
    """The column that by its name holds the path, label, person, gender, age or mask; None if none does."""
    by_name = {column.lower().replace(" ", "_"): column for column in reversed(columns)}
    return next((by_name[name] for name in USUAL_NAMES[meaning] if name in by_name), None)


def _decode(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise LabError(f"{file}: cannot be read ({error.strerror})", "Check its name and rights.", "csv") from error
    if not data.strip():
        raise LabError(f"{file.name} is empty", "Fill it, or choose another file.", "csv")
    encodings: tuple[str, ...]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ("utf-16",)
    elif data.startswith(b"\xef\xbb\xbf"):
        encodings = ("utf-8-sig",)
    else:
        encodings = ENCODINGS
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise LabError(
        f"{file.name}: its text is not in {' or '.join(encodings)} (the encodings tried)",
        "Save it as CSV UTF-8 (in a spreadsheet: Save as, CSV UTF-8).",
        "csv",
    )


def _delimiter(header: str) -> str:
    """The one that splits the header into most cells; a comma where none splits it."""
    return max(DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark))))


def choose_columns(table: CsvFile, data: DataConfig) -> dict[str, str]:
    """meaning -> column: as chosen in data, else by usual names, never one column for two meanings."""
    chosen = {}
    for meaning in ("path", "label", "person", "gender", "age", "mask"):
        column = getattr(data, f"{meaning}_column")
        if column and table.columns.count(column) != 1:
            raise LabError(
                f"csv: column {column!r} ({meaning}) stands {table.columns.count(column)} times in the header",
                f"Choose one of {', '.join(table.columns)}.",
                "csv",
            )
        if column:
            chosen[meaning] = column
    for meaning in ("path", "label", "person", "gender", "age", "mask"):
        free = [column for column in table.columns if column not in chosen.values()]
        column = usual_column(free, meaning)
        if meaning not in chosen and column:
            chosen[meaning] = column
    if "path" not in chosen or not chosen.keys() & {"label", "gender", "age", "mask"}:
        lacks = "a path" if "path" not in chosen else "a label, gender, age or mask"
        raise LabError(
            f"csv: no column is known to hold {lacks}; it has {', '.join(table.columns)}", "Choose the columns.", "csv"
        )
    return chosen


def chosen_csv(root: Path, name: str) -> str:
    """A CSV file that was chosen by name, relative to root (resolved). Raises LabError unless it is a file inside."""
    real = inside(root, name.replace("\\", "/"))
    if real is None and "\0" not in name:
        remedy = "Copy the file that it leads to into the dataset."
        raise LabError(f"csv: {name} leads out of the dataset {root}; it is not opened", remedy, "csv")
    if real is None or not (root / real).is_file():
        raise LabError(f"csv: there is no file {name} in {root}", "Choose a CSV file in it.", "csv")
    return real


def find_csv(tree: Tree, data: DataConfig) -> str:
    """The CSV file, relative to root: the chosen one, else the only one in the root."""
    if data.csv_file:
        return chosen_csv(tree.root, data.csv_file)
    names = [path for path in tree.others if "/" not in path and path.lower().endswith((".csv", ".tsv"))]
    if len(names) != 1:
        files = f"{len(names)} CSV files ({', '.join(names[:5])})" if names else "no CSV file"
        raise LabError(f"csv: {files} in {tree.root}", "Choose one CSV file by name.", "csv")
    return names[0]


def read_csv_dataset(tree: Tree, data: DataConfig) -> Reading:
    """A CSV with a path column and at least one of label, gender, age, mask; a person column is optional."""
    name = find_csv(tree, data)
    table = read_csv(tree.root / name)
    columns = choose_columns(table, data)
    index = {meaning: table.columns.index(column) for meaning, column in columns.items()}
    problems = _set_aside(index, table, name, data)
    pattern = PersonPattern(data.person_pattern) if data.person_pattern else None
    find = _finder(tree, name)
    numbered = _numbers_rows(index, table, data)
    photos, used = [], {name}
    for row, cells in table.rows:
        cell = {meaning: cells[i] if i < len(cells) else "" for meaning, i in index.items()}
        sample, faults = find(cell["path"])
        used.add(sample)
        if any(cells[len(table.columns) :]):
            faults.append(("bad-row", f"the row has more cells than the header ({len(table.columns)})"))
        faults += [(f"bad-{key}", f"the {key} is empty") for key in ("label", "person") if cell.get(key) == ""]
        facts: dict[str, Any] = {"row": row, "where": f"{name} row {row}", "label": cell.get("label")}
        if "person" in cell:
            facts["person"] = cell["person"]
            facts |= {"person_known": False} if numbered else {}
        elif sample:
            facts["person"] = pattern.person(sample) if pattern else sample
            if facts["person"] is None:
                faults.append(("bad-name", f"the person pattern {data.person_pattern!r} finds nothing in {sample}"))
        for meaning, parse in PARSERS.items():
            if cell.get(meaning):  # an empty cell: not known
                try:
                    facts[meaning] = parse(cell[meaning])
                except ValueError as error:
                    faults.append((f"bad-{meaning}", str(error)))
        problems += [problem(kind, sample, facts["where"], text, MEND_ROW) for kind, text in faults]
        if sample and not faults:
            photos.append(photo(sample, cast(str, tree.images.get(sample) or inside(tree.root, sample)), **facts))
    return Reading(photos, problems + left_over(tree, used, f"in no row of {name}"))


def _set_aside(index: dict[str, int], table: CsvFile, name: str, data: DataConfig) -> list[dict]:
    """Forget a guessed column in which not one cell can be read (ages such as 20-29), if something else is left."""
    problems = []
    for meaning, parse in PARSERS.items():
        others = index.keys() & {"label", *PARSERS} - {meaning}
        if meaning not in index or getattr(data, f"{meaning}_column") or not others:
            continue
        cells = [cells[index[meaning]] for _, cells in table.rows if len(cells) > index[meaning]]
        texts = list(dict.fromkeys(filter(None, cells)))
        if texts and not any(_parses(parse, text) for text in texts):
            column = table.columns[index.pop(meaning)]
            text = f"column {column!r} is not used: it holds no {meaning} ({', '.join(texts[:3])}, ...)"
            remedy = f"Nothing, or choose it as {meaning} column to see each row, or as label column to train on it."
            problems.append(problem(f"bad-{meaning}", "", name, text, remedy, "warning"))
    return problems


def _numbers_rows(index: dict[str, int], table: CsvFile, data: DataConfig) -> bool:
    """Whether the person column is only guessed, called id, and another one in each row: then it may number photos."""
    at = index.get("person")
    if at is None or data.person_column or table.columns[at].lower() != "id":
        return False
    values = [cells[at] for _, cells in table.rows if len(cells) > at]
    return len(set(values)) == len(values)


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _finder(tree: Tree, csv_name: str) -> Callable[[str], tuple[str, list[tuple[str, str]]]]:
    """find(cell) -> (sample, []) or ("" or the path looked for, [(kind, what is wrong)]); opens nothing.

    A path counts from the CSV's folder, or else from the root; a bare file name is found anywhere if it stands once.
    Spelling of accents may differ (file systems decompose them).
    """
    home = posixpath.dirname(csv_name)
    normal = {unicodedata.normalize("NFC", path): path for path in tree.images}
    by_name = defaultdict(list)
    for path in normal:
        by_name[path.rpartition("/")[2]].append(path)

    def find(cell: str) -> tuple[str, list[tuple[str, str]]]:
        if not cell:
            return "", [("missing-file", "the path is empty")]
        text = unicodedata.normalize("NFC", cell.replace("\\", "/"))
        paths = [posixpath.normpath(posixpath.join(folder, text)) for folder in dict.fromkeys((home, ""))]
        if text.startswith("/"):
            paths = [inside(tree.root, text) or ".."]
        paths = [path for path in paths if path != ".." and not path.startswith("../")]
        for path in paths:
            if path in normal:
                return normal[path], []
        reals = {path: inside(tree.root, path) for path in paths}
        if not any(reals.values()):
            return "", [("outside", f"path {cell!r} leads out of the dataset; it is not opened")]
        for path, real in reals.items():
            if real and (tree.root / real).is_file():
                return path, []
        if "/" not in text and len(by_name[text]) == 1:
            return normal[by_name[text][0]], []
        return paths[-1], [("missing-file", f"there is no file {cell!r} in the dataset")]

    return find
