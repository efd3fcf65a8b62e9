"""Which tables of a dataset are read: the chosen one, the only one that names photos and labels, or its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.config.run_config import DataConfig
from core.data.paths import inside
from core.data.reach import bounds
from core.data.readers.companions import says, tells_positions, with_companions, without_a_table
from core.data.readers.reading import Fact, Reading
from core.data.readers.split_names import may_be_part, parts_of
from core.data.readers.tree import Tree, list_tree
from core.data.tables.beside_folders import are_the_same_classes
from core.data.tables.columns import attribute_columns
from core.data.tables.looked.candidates import (
    MOST_DEEP,
    Candidates,
    DatasetTable,
    Source,
    are_half,
    by_depth,
    cells_of_photos,
    chosen_meanings,
    dataset_table,
    look_at,
    may_wait,
    photos_of,
)
from core.data.tables.looked.forms import is_answered, is_form, is_form_itself, of_forms, read_forms
from core.data.tables.looked.in_parts import choose_in_parts, names_of
from core.data.tables.looked.of_folders import folder_questions
from core.data.tables.looked.people import with_people_as_classes
from core.data.tables.matching import Matcher
from core.data.tables.meanings import Meanings, choose_columns
from core.data.tables.splits import parts_of_column
from core.data.tables.table import Table, is_list, is_old, is_table, read_table
from core.data.tables.unread import UnreadTable, questions
from core.data.tables.words import words_for_nothing
from core.errors import LabError, ended, in_sentences
from core.text import listed


def chosen_csv(root: Path, name: str) -> str:
    """A table that was chosen by name, relative to root (resolved). Raises LabError unless it is a file inside."""
    bounds.check(root)
    real = inside(root, name.replace("\\", "/"))
    if real is None and "\0" not in name:
        remedy = "Copy the file that it leads to into the dataset."
        raise LabError(f"csv: {name} leads out of the dataset {root}; it is not opened", remedy, "csv")
    if real is None or not (root / real).is_file():
        raise LabError(f"csv: there is no file {name} in {root}", "Choose a CSV file in it.", "csv")
    return real


def candidates(tree: Tree, data: DataConfig, matcher: Matcher) -> Candidates:
    """The tables in the root, or else those above all photos, or else those in any folder below it: those of the next
    too where the first may be passed over, and they tell more. Forms stand apart."""
    faults: dict[str, LabError] = {}
    unread: dict[str, LabError] = {}
    unlabelled: list[Table] = []
    forms: dict[str, DatasetTable | None] = {}
    best: Candidates | None = None
    for paths in by_depth(tree):
        if best and not (any(map(is_table, paths)) and _may_be_passed_over(best, tree, data, matcher)):
            continue
        looked = _without_guesses(_without_forms(look_at(paths, tree, data, matcher)), tree, matcher)
        forms |= looked.forms
        if best and not _go_before(looked, best, tree, matcher):
            continue
        unread = {**unread, **looked.unread}
        if looked.tables:
            passed_over = {path: fault for path, fault in faults.items() if path not in unread}
            others = [*best.others, *best.tables] if best else []
            others = [each for each in others if not says(each.paths[0]) and not tells_positions(each.paths[0])]
            best = replace(looked, unread=unread, passed_over=passed_over, others=[*others, *looked.others])
        faults |= looked.faults
        unlabelled += looked.unlabelled
    if best:
        return replace(best, forms=forms)
    return _but_forms(Candidates([], unlabelled, faults, unread, forms=forms), data)


def _without_forms(looked: Candidates) -> Candidates:
    """With the forms apart; those that nobody understands, too."""
    lists_photos = {table.name for table in looked.unlabelled}
    faulty = [path for path in looked.faults | looked.unread if is_form_itself(path) and path not in lists_photos]
    forms = {each.paths[0]: each for each in looked.tables if is_form(each.paths[0])}
    return replace(
        looked,
        tables=[each for each in looked.tables if each.paths[0] not in forms],
        faults={path: fault for path, fault in looked.faults.items() if path not in faulty},
        unread={path: fault for path, fault in looked.unread.items() if path not in faulty},
        forms={**dict.fromkeys(faulty), **forms},
    )


def _but_forms(looked: Candidates, data: DataConfig) -> Candidates:
    """Where nothing else labels photos: a form is no labels, unless somebody chose columns, or that a table is read
    where none is damaged, or only its folder is called so. What is wrong with other tables is told before it, and
    before that a test set has no label."""
    faults = dict(sorted(looked.faults.items(), key=lambda each: may_wait(each[0])))
    forms = [form for form in looked.forms.values() if form]
    tables = [form for form in forms if not is_form_itself(form.paths[0])]
    if data.attributes or chosen_meanings(data) or (data.reader == "csv" and not faults):
        tables = tables or forms
    if tables:
        read = {each.paths[0] for each in tables}
        return replace(
            looked, tables=tables, forms={path: form for path, form in looked.forms.items() if path not in read}
        )
    for path in looked.forms:
        text = f"csv: {path} by its name is a form for predictions, and no other table labels photos"
        faults[path] = LabError(text, "Add the table of their labels; or choose it by name, if it holds them.", "csv")
    return replace(looked, faults=faults)


def _may_be_passed_over(looked: Candidates, tree: Tree, data: DataConfig, matcher: Matcher) -> bool:
    """Whether tables tell attributes of their own alone, and none that was chosen, are forms or predictions, or name
    fewer than half of the photos."""
    if data.attributes and any(data.attributes.keys() <= {*each.table.columns} for each in looked.tables):
        return False
    tables = [each for each in looked.tables if each.tells_usual and not is_answered(each.paths[0])]
    return not tables or not are_half(photos_of(tables, tree, matcher), tree)


def _go_before(looked: Candidates, first: Candidates, tree: Tree, matcher: Matcher) -> bool:
    """Whether tables can be read, have usual columns and are no test set, and name more photos than the first ones that
    label them; half of all are enough before tables that label none."""
    tables, waiting = to_read(without_companions(looked))
    if not tables or not all(each.is_usual and not is_answered(each.paths[0]) for each in tables):
        return False
    if all(may_wait(each.paths[0]) for each in tables) or (len(tables) > 1 and not parts_of_one(tables, waiting)):
        return False
    photos = photos_of(tables, tree, matcher)
    before = [each for each in first.tables if not is_answered(each.paths[0])]
    labels_none = not any(each.tells_usual for each in before)
    named = len(photos_of(before, tree, matcher))
    return len(photos) > named or (labels_none and len(photos) == named and are_half(photos, tree))


def people_as_classes(
    looked: Candidates, tree: Tree, data: DataConfig, matcher: Matcher
) -> tuple[DataConfig, list[Fact]] | None:
    """As with_people_as_classes, where no table labels photos but forms and predictions."""
    if any(not is_answered(each.paths[0]) for each in looked.tables):
        return None
    others = (is_answered, may_wait, says, tells_positions)
    paths = [path for path in looked.faults if not any(is_other(path) for is_other in others)]
    return with_people_as_classes(paths, tree, data, matcher)


def _without_guesses(looked: Candidates, tree: Tree, matcher: Matcher) -> Candidates:
    """Without the tables of which only their cells say what they hold, where those of usual columns name half of the
    photos, and tell a label if any of the others does."""
    tables = [each for each in looked.tables if not _is_beside(each.paths[0])]
    guesses = [each for each in tables if not each.is_usual and not may_wait(each.paths[0])]
    usual = [each for each in tables if each.is_usual]
    few = [each for each in guesses if each.is_one_hot and not are_half(photos_of([each], tree, matcher), tree)]
    guess_alone = _tell_label(each for each in guesses if each not in few) and not _tell_label(usual)
    if not guesses or not usual or guess_alone or not are_half(photos_of(usual, tree, matcher), tree):
        return looked
    return replace(looked, tables=[each for each in looked.tables if each not in guesses], others=guesses)


def _tell_label(tables: Iterable[DatasetTable]) -> bool:
    return any(each.tells_label for each in tables)


def _is_beside(path: str) -> bool:
    """Whether a table by its name says one thing more of another's photos, or is a form."""
    return bool(says(path) or tells_positions(path) or is_form(path))


def table_files(root: str, *, follow_links: bool) -> list[str]:
    """The tables that may be read of a dataset, relative to root: those in it, then those below. Raises LabError as
    typed and list_tree do."""
    return files_of_tables(list_tree(bounds.typed(root), follow_links))


def files_of_tables(tree: Tree) -> list[str]:
    """Tables and lists, relative to root: those in it, those above all photos, then those below."""
    return [path for paths in by_depth(tree) for path in paths]


def unread_tables(tree: Tree, data: DataConfig, reading: Reading, reader: str) -> list[Fact]:
    """Tables that tell labels of photos, or may, for a dataset that is read by its folders or names, and for nothing of
    the kind by them: those in the root, or above all photos, though their photos are gone; of lists and of others below
    those that name half of all photos, or of those beside them; and those that tell something of folders."""
    in_root, above_photos, below = by_depth(tree)
    forms = [path for path in in_root + above_photos + below if is_table(path) and is_form_itself(path)]
    above = [path for path in in_root + above_photos if not says(path) and path not in forms]
    lists = [path for path in above if is_list(path)][:MOST_DEEP]
    matcher = Matcher(tree)
    looked = look_at(filter(is_table, above), tree, data, matcher)
    gone = {
        each.paths[0]: LabError(
            f"its column {each.meanings.columns['path']!r} names no photo", "Add its photos.", "csv"
        )
        for each in looked.tables
        if each.is_usual and not photos_of([each], tree, matcher)
    }
    facts = [*of_forms(forms), *_unread_facts(looked.unread | gone)]
    facts += without_a_table(tree, data, matcher, reading.joined)
    unread = [each for each in _unread_of(looked, data, reading, matcher) if each.path not in gone]
    unread = [each for each in unread if each.names_photos(matcher)]
    more = look_at([*lists, *(path for path in below if not says(path) and path not in forms)], tree, data, matcher)
    below_them = _unread_of(more, data, reading, matcher)
    unread += [each for each in below_them if not each.says_no_more and each.names_half(tree, matcher)]
    in_facts = {*looked.unread, *reading.joined, *(each.path for each in unread)}
    strange = {path: table for path, table in (*looked.strange.items(), *more.strange.items()) if path not in in_facts}
    if reader == "names":  # which are only a guess beside a table that may have meant to label photos
        in_facts |= gone.keys()
        facts += _unread_facts({path: why for path, why in _faults(looked, more).items() if path not in in_facts})
    asked = folder_questions(strange, tree, matcher.is_photo) if reader == "folders" else []
    others = (each for each in unread if each.path not in reading.asked or each.parts or each.persons)
    return facts + questions(others) + asked


def _faults(*several: Candidates) -> dict[str, LabError]:
    """Why tables label no photos, but for forms and those that say where things are in photos."""
    faults = {path: fault for looked in several for path, fault in looked.faults.items()}
    return {path: fault for path, fault in faults.items() if not is_answered(path) and not tells_positions(path)}


def _unread_of(looked: Candidates, data: DataConfig, reading: Reading, matcher: Matcher) -> list[UnreadTable]:
    folder_of = {each["sample"]: each["label"].casefold() for each in reading.photos if each["label"] is not None}
    nothing = words_for_nothing(data.no_label)
    unread = []
    for each in looked.tables:
        path = each.paths[0]
        cells_of = cells_of_photos([(path, each.table)], each.meanings.columns, matcher)
        joined = _joined_for(path, each.table, each.meanings, reading, matcher)
        is_same = are_the_same_classes(cells_of, folder_of, nothing)
        others = _others(path, each.table, each.meanings, data, folder_of, matcher) if joined else ()
        unread.append(UnreadTable(path, each.table, each.meanings, joined, is_same, others))
    for path, table in looked.strange.items():
        with suppress(LabError):
            meanings = choose_columns(table, data, matcher.is_photo, needs_label=False)
            joined = _joined_for(path, table, meanings, reading, matcher)
            others = _others(path, table, meanings, data, folder_of, matcher) if joined else ()
            other = UnreadTable(path, table, meanings, joined, others=others)
            unread += [other] if other.parts or other.persons else []
    return unread


def _joined_for(path: str, table: Table, meanings: Meanings, reading: Reading, matcher: Matcher) -> frozenset[str]:
    """What a table is read for beside folders; its parts, too, where folders set the same photos aside for a test."""
    joined = reading.joined.get(path, frozenset())
    columns = [column for meaning, column in meanings.columns.items() if meaning == "split"] + meanings.parts
    if not columns or not any(photo["part"] for photo in reading.photos):
        return joined
    split_of = {photo["sample"]: photo["split"] for photo in reading.photos}
    for column in columns:
        cells_of = cells_of_photos([(path, table)], {"path": meanings.columns["path"], "split": column}, matcher)
        word_of = {photo: cells["split"] for photo, cells in cells_of.items() if photo in split_of}
        parts = parts_of_column(column, list(word_of.values()))
        said = {photo: parts[word] for photo, word in word_of.items() if word in parts}
        if not said or any(word and photo not in said for photo, word in word_of.items()):
            return joined
        if any(bool(part.split) != bool(split_of[photo]) for photo, part in said.items()):
            return joined
    return joined | {"split"}


def _others(
    path: str,
    table: Table,
    meanings: Meanings,
    data: DataConfig,
    folder_of: Mapping[str, str],
    matcher: Matcher,
) -> tuple[str, ...]:
    """The columns that may label photos by another name than a label usually has, but for what the folders say, too."""
    taken = {*meanings.columns.values(), *meanings.parts}
    own = attribute_columns(table, list(taken), data, has_label=False)
    columns = list(own.kinds) or [column for column in table.columns if own.classes and column not in taken]
    cells = {"path": meanings.columns["path"]} | {column: column for column in columns}
    cells_of = cells_of_photos([(path, table)], cells, matcher)
    nothing = words_for_nothing(data.no_label)
    labels_of = {column: {photo: {"label": of.get(column, "")} for photo, of in cells_of.items()} for column in columns}
    return tuple(column for column, of in labels_of.items() if not are_the_same_classes(of, folder_of, nothing))


def _unread_facts(unread: dict[str, LabError], beside: Iterable[str] | None = None) -> list[Fact]:
    """That tables are not read, and why the first is not; lists may as well be letters to the reader, and of companions
    it is told what they may say. A workbook of Excel 97 is told and not asked about beside a table of its name, which
    was saved from it.

    beside: the tables that are read; None where folders or names tell the classes, beside which none is asked about.
    """
    paths = [path for path in unread if is_table(path) and not says(path)]
    stems = {names_of(path)[0] for path in beside or ()}
    old = [path for path in paths if is_old(path) and (beside is None or names_of(path)[0] in stems)]
    facts = []
    for probable, group in ((True, [path for path in paths if path not in old]), (False, old)):
        if group:
            are = "is not read:" if len(group) == 1 else "are not read; the first:"
            text = ended(f"{listed(group)} {are} {unread[group[0]].message.removeprefix('csv: ')}")
            facts.append(Fact("table", text, ("csv_file",), probable))
    return facts


def check_passed_over(looked: Candidates) -> None:
    """For a dataset whose folders name no two classes. Raises LabError where a table may have meant to: it cannot be
    read, or names no photo of the dataset."""
    for path, fault in looked.faults.items():
        if not says(path) and not tells_positions(path):
            text = f"csv: {path} is not read ({fault.message.removeprefix('csv: ')}), and folders name no two classes"
            remedy = in_sentences(fault.remedy, "To do without it, choose the reader for folders.")
            raise LabError(text, remedy, "csv")


def find_table(tree: Tree, data: DataConfig, matcher: Matcher) -> tuple[DatasetTable, list[Fact]]:
    """(the table to read, facts about that): the chosen one, else the only one, else those that are parts of one."""
    if data.csv_file:
        path = chosen_csv(tree.root, data.csv_file)
        table = read_table(tree.root / path, encoding=data.encoding, is_photo=matcher.is_photo)
        table, facts, companions = with_companions([path], table, tree, data, matcher)
        by_people = None if companions else with_people_as_classes([path], tree, data, matcher)
        data, asked = by_people or (data, [])
        facts = [*facts, *asked]
        return replace(dataset_table([(Source(path), table)], data, matcher), companions=companions), facts
    looked = without_companions(candidates(tree, data, matcher))
    by_people = people_as_classes(looked, tree, data, matcher)
    if by_people:
        data, asked = by_people
        looked = without_companions(candidates(tree, data, matcher))
    tables, waiting = to_read(looked)
    facts = [*of_forms(looked.forms), *read_forms([each.paths[0] for each in tables]), *(asked if by_people else [])]
    for path, fault in looked.passed_over.items():
        facts.append(Fact("table", ended(f"{path} is not read: {fault.message.removeprefix('csv: ')}"), ("csv_file",)))
    passed = [each for each in looked.tables if each not in tables and not may_wait(each.paths[0])]
    others = (UnreadTable(each.paths[0], each.table, each.meanings) for each in [*looked.others, *passed])
    facts += questions((each for each in others if each.names_photos(matcher)), ("csv_file",))
    facts += _beside_unread([*(each.paths[0] for each in tables), *(table.name for table in waiting)], looked.unread)
    if parts := parts_of_one(tables, waiting):
        text = f"The tables {listed([source.path for source, _ in parts])} are read as one."
        facts.append(Fact("table", text, ("csv_file",)))
        return _joined(dataset_table(parts, data, matcher), facts, tree, data, matcher)
    if len(tables) == 1:
        return _joined(tables[0], facts, tree, data, matcher)
    faults = [fault for path, fault in looked.faults.items() if path not in looked.forms] or [*looked.faults.values()]
    if len(faults) == 1 and not tables:
        raise faults[0]
    names = [each.paths[0] for each in tables] or list(filter(is_table, files_of_tables(tree)))
    files = f"{len(names)} CSV files ({listed(names)})" if names else "no CSV file"
    raise LabError(f"csv: {files} in {tree.root}", "Choose one CSV file by name.", "csv")


def tell_apart_nothing(looked: Candidates) -> bool:
    """Whether of several tables none tells a label, gender, age or mask, and which is to be read nobody can tell."""
    tables, waiting = to_read(looked)
    is_one = len(tables) == 1 or bool(parts_of_one(tables, waiting))
    return not is_one and not any(each.tells_usual or each.tells_label for each in tables)


def to_read(looked: Candidates) -> tuple[list[DatasetTable], list[Table]]:
    """(the tables of which the only one is read, or all as parts of one; those without a label that may be parts,
    too). Where columns of a class each label photos, tables of only a gender, age or mask wait for somebody to ask."""
    usual = [each for each in looked.tables if each.tells_usual or each.tells_label] or looked.tables
    tables = [each for each in usual if not _awaits_labels(each, usual)]
    if any(each.is_one_hot and not each.is_usual and not may_wait(each.paths[0]) for each in tables):
        tables = [each for each in tables if each.tells_label or may_wait(each.paths[0])]
    waiting = [replace(each.table, name=each.paths[0]) for each in looked.tables if each not in tables]
    return tables, looked.unlabelled + [table for table in waiting if may_wait(table.name)]


def _awaits_labels(dataset: DatasetTable, tables: Iterable[DatasetTable]) -> bool:
    """Whether a table of a test set has no column that another does not have, and lacks that of its label."""
    columns = {*dataset.table.columns}
    labelled = [each for each in tables if each.tells_label and not may_wait(each.paths[0])]
    lacks = any(columns <= {*each.table.columns} - each.label_columns for each in labelled)
    return lacks and may_wait(dataset.paths[0])


def without_companions(looked: Candidates) -> Candidates:
    """Without the tables that say one more thing of another's photos, or where things are in them, if one is left."""
    tables = [each for each in looked.tables if not says(each.paths[0]) and not tells_positions(each.paths[0])]
    return replace(looked, tables=tables) if tables else looked


def _beside_unread(paths: list[str], unread: dict[str, LabError]) -> list[Fact]:
    """What is not read beside the tables at `paths`, which are.

    Raises LabError where that by its name is another part of the dataset than those: a test set would be trained on
    alone, or be missing.
    """
    for path, fault in unread.items():
        for own, *others in zip(names_of(path), *map(names_of, paths), strict=True):
            read = [part for name in others for part in parts_of([name]).values()]
            for other, name in zip(paths, others, strict=True):
                if own in others or parts_of([own, name]).get(own) in (None, *read):
                    continue
                by_name = f"by its name it is a part of the dataset, as {other} is"
                remedy = in_sentences(fault.remedy, f"To read {other} alone, choose it by name.")
                raise LabError(f"csv: {path} is not read ({fault.message}); {by_name}", remedy, fault.kind)
    return _unread_facts(unread, paths)


def _joined(
    dataset: DatasetTable, facts: list[Fact], tree: Tree, data: DataConfig, matcher: Matcher
) -> tuple[DatasetTable, list[Fact]]:
    table, of_companions, companions = with_companions(dataset.paths, dataset.table, tree, data, matcher)
    meanings = dataset.meanings
    if table is not dataset.table:
        meanings, _ = choose_in_parts(table, [source.path for source in dataset.sources], data, matcher)
    return replace(dataset, table=table, meanings=meanings, companions=companions), [*facts, *of_companions]


def parts_of_one(tables: list[DatasetTable], unlabelled: list[Table]) -> list[tuple[Source, Table]]:
    """The tables with their parts, where names say that all are parts of one dataset and the columns are the same; []
    where they are not. Tables without labels have other columns, and name their photos as the others do."""
    if not tables or len({frozenset(each.table.columns) for each in tables}) > 1:
        return []
    path_column = tables[0].meanings.columns["path"]
    waiting = [(table.name, table) for table in unlabelled if path_column in table.columns]
    every = [*((each.paths[0], each.table) for each in tables), *waiting]
    if len(every) < 2:
        return []
    for names in zip(*(names_of(path) for path, _ in every), strict=True):
        parts = parts_of(names) if len(set(names)) == len(every) and all(map(may_be_part, names)) else {}
        if parts and any(not parts[name].split for name in names[: len(tables)]):
            return [(Source(path, parts[name]), table) for name, (path, table) in zip(names, every, strict=True)]
    return []
