"""The faces of a report: photos on which two runs differ most, or a run's surest mistakes. Imports no torch."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import pandas as pd

from core.answers.attribute_scores import P
from core.compare import contrast
from core.compare.members import ComparedRun, out_of_fold
from core.compare.pairs import Pair
from core.data.content.unchanged import since_launch
from core.data.pictures.photo import StoredPhoto, photo_of
from core.data.thumbnails import SQUARES, blurred, small_jpeg
from core.errors import LabError
from core.inside.cells import Grid, in_words, is_coarse
from core.report.blocks import Block, Bullets, Face, FaceMap, Faces, Section, Text
from core.report.findings import BLURRED, SHOWN, WITHOUT, Findings
from core.report.maps import LAYER, RunMaps, maps_of
from core.runs.yes_no.view import OneAttribute
from core.text import count, sure

FACES = 6  # a pair and a direction: what fills a row of the HTML file on a wide screen
PAIRS = 4  # in a report: each opens two networks, and nobody reads forty of them
NAMED = 5  # attributes that a face's line names
SIDE = 160  # px
_OF_PHOTOS = {
    BLURRED: f"Photos are blurred: each is at most {SQUARES} x {SQUARES} squares of one colour, also beneath its maps.",
    WITHOUT: "Written without photos: what was answered about each is told by its name.",
}


def section(findings: Findings) -> Section:
    """Faces that were asked for, then those on which a run and the baseline differ most; a run alone has mistakes."""
    blocks: list[Block] = [Text(_OF_PHOTOS[findings.photos])] if findings.photos in _OF_PHOTOS else []
    blocks += _asked(findings)
    apart = {d.run: abs(d.interval.mean) if d.interval else 0.0 for d in findings.differences}
    furthest = sorted(findings.pairs, key=lambda pair: -apart[pair.run.id])[:PAIRS]
    for pair in findings.pairs:
        blocks += _flips(findings, pair) if pair in furthest else []
    if len(findings.pairs) > PAIRS:
        blocks.append(
            Text(f"Shown are the {PAIRS} runs that are furthest from the baseline; the Compare page has the others.")
        )
    if not findings.pairs and (mistakes := _mistakes(findings)) is not None:
        blocks.append(mistakes)
    return Section("Photos", tuple(blocks))


def _flips(findings: Findings, pair: Pair) -> list[Faces]:
    """What the run alone gets right, and what the baseline alone does."""
    table = contrast.flips(pair)
    run, base = findings.names[pair.run.id], findings.names[pair.baseline.id]
    groups = [(table[table["right"] == side], side) for side in ("run", "baseline")]
    drawn = pd.concat([rows.head(FACES) for rows, _ in groups])
    both = (pair.run, pair.baseline)
    changed = _changed(findings, both, drawn["sample"])
    same = drawn[~drawn["sample"].isin(changed)]
    maps = {findings.names[m.id]: _maps_of_rows(findings, m, same) for m in both}
    blocks = []
    for rows, side in groups:
        right, wrong = (run, base) if side == "run" else (base, run)
        if len(rows):
            what = "answers" if pair.run.one_by_one else "photos"
            title = f"{right} right, {wrong} wrong: {count(len(rows))} {what}, the clearest first"
            faces = tuple(_flip(findings, row, maps, changed) for row in rows.head(FACES).itertuples(index=False))
            blocks.append(Faces(title, faces, _note(maps)))
    return blocks


def _asked(findings: Findings) -> list[Faces | Bullets]:
    """The faces that the reader named, with what every run answered when it had never seen the person."""
    if not findings.faces:
        return []
    answers = {}
    for member in findings.members:
        with contextlib.suppress(LabError):  # predictions that are gone are told with the classes
            answers[member.id] = _by_sample(member, findings.faces)
    held_out = [sample for sample in findings.faces if any(sample in table.index for table in answers.values())]
    changed = _changed(findings, findings.members, held_out)
    same = [sample for sample in held_out if sample not in changed]
    with_maps = [member for member in findings.members if not member.one_by_one]  # of which attribute, nobody said
    maps = {findings.names[m.id]: _maps(findings, m, same) for m in with_maps}
    cells = []
    for sample in held_out:
        rows = {run: table.loc[sample] for run, table in answers.items() if sample in table.index}
        first = next(iter(rows.values()))
        lines = [f"{findings.names[run]}: {_answer(row)}" for run, row in rows.items()]
        photo = photo_of({**first, "sample": sample})
        cells.append(_face(findings, photo, (str(first["label"]), *lines), _of(sample, maps), changed))
    blocks: list[Faces | Bullets] = []
    if cells:
        title = "Chosen photos: what every run answered, and how sure it was, out of fold"
        blocks.append(Faces(title, tuple(cells), _note(maps)))
    if strangers := [sample for sample in findings.faces if sample not in held_out]:
        blocks.append(Bullets(tuple(f"No finished fold held out {sample}." for sample in strangers), warn=True))
    return blocks


def _by_sample(member: ComparedRun, samples: Sequence[str]) -> pd.DataFrame:
    """The predictions of these samples, by sample. Of attributes that are told one by one, label says what is yes of a
    photo and `wrong` which attributes are told wrongly."""
    table = out_of_fold(member, "best")
    if not member.one_by_one:
        return table.drop_duplicates("sample").set_index("sample")
    rows = {}
    for sample, answers in table[table["sample"].isin(samples)].groupby("sample", sort=False):
        wrong = answers["attribute"][answers["label"].astype(str) != answers["predicted"].astype(str)].astype(str)
        rows[sample] = {**answers.iloc[0][["path", "bits"]], "wrong": list(wrong), "answers": len(answers)}
    of_photo = member.samples.drop_duplicates("sample").set_index("sample")["class_name"]
    return pd.DataFrame.from_dict(rows, orient="index").assign(label=of_photo)


def _answer(row: pd.Series) -> str:
    if "wrong" in row:
        names = ", ".join(row["wrong"][:NAMED]) + (", ..." if len(row["wrong"]) > NAMED else "")
        return f"{len(row['wrong'])} of {row['answers']} wrong{': ' + names if names else ''}"
    return f"{row['predicted']}, {sure(row[P + row['predicted']])}"


def _maps(findings: Findings, member: ComparedRun, samples: list[str]) -> RunMaps:
    if not findings.maps or not samples:
        return RunMaps()
    return maps_of(member.run, samples, SIDE, trusted=findings.trust, blur=findings.photos != SHOWN)


def _maps_of_rows(findings: Findings, member: ComparedRun, rows: pd.DataFrame) -> RunMaps:
    """Maps of the answers in some rows; where attributes are told one by one, each of its own attribute."""
    if not member.one_by_one:
        return _maps(findings, member, list(rows["sample"]))
    jpegs: dict[str, bytes] = {}
    trust: dict[str, tuple[str, tuple[str, ...]]] = {}
    grids: set[Grid] = set()
    for attribute, of_attribute in rows.groupby(rows["attribute"].astype(str)) if findings.maps else ():
        of_run = OneAttribute(member.run, str(attribute))
        blur = findings.photos != SHOWN
        seen = maps_of(of_run, list(of_attribute["sample"]), SIDE, trusted=findings.trust, blur=blur)
        if seen.missing:
            return seen
        jpegs |= {_subject(sample, str(attribute)): jpeg for sample, jpeg in seen.jpegs.items()}
        trust |= {_subject(sample, str(attribute)): of_map for sample, of_map in seen.trust.items()}
        grids |= set(seen.grids)
    return RunMaps(jpegs, grids=tuple(sorted(grids)), trust=trust)


def _subject(sample: str, attribute: str = "") -> str:
    """What a map is of: a photo, or a photo and an attribute."""
    return f"{sample}\t{attribute}" if attribute else sample


def _note(maps: dict[str, RunMaps]) -> str:
    """What the maps are, or why one of the runs has none. maps: name of a run -> its maps."""
    reasons = [f"No maps of {name}: {of_run.missing}" for name, of_run in maps.items() if of_run.missing]
    if any(of_run.jpegs for of_run in maps.values()):
        what = f"Below each photo: GradCAM of {LAYER} for the predicted class, by the fold that held it out."
        if any(of_run.trust for of_run in maps.values()):
            from core.inside.trust import MEANING

            what += f" Beneath each map how far to trust it. {MEANING.replace('Point at', 'Press')}"
        else:
            what += " How far to trust one is not measured here; Look inside does it, in a word beneath each map."
        coarse = {name: grids for name, of_run in maps.items() if (grids := tuple(filter(is_coarse, of_run.grids)))}
        for name, grids in coarse.items():
            whose = f"of {name} " if len(maps) > 1 else ""
            what += f" The maps {whose}have {in_words(grids)}, drawn as cells: too few to say where on the photo."
        return " ".join([what, *reasons])
    return " ".join(reasons)


def _of(sample: str, maps: dict[str, RunMaps]) -> tuple[FaceMap, ...]:
    return tuple(
        FaceMap(name, of_run.jpegs[sample], *of_run.trust.get(sample, ()))
        for name, of_run in maps.items()
        if sample in of_run.jpegs
    )


def _flip(findings: Findings, row, maps: dict[str, RunMaps], changed: Mapping[str, str]) -> Face:
    right, wrong = ("a", "b") if row.right == "run" else ("b", "a")
    lines = (
        str(row.label),
        f"{sure(getattr(row, f'p_{right}'))}, the other says {getattr(row, f'predicted_{wrong}')} "
        f"({sure(getattr(row, f'q_{wrong}'))}), fold {row.fold}",
    )
    return _face(findings, photo_of(row), lines, _of(_subject(row.sample, row.attribute), maps), changed)


def _mistakes(findings: Findings) -> Faces | None:
    member = findings.baseline
    try:
        table = out_of_fold(member, "best")
    except LabError:
        return None
    wrong = table[table["label"].astype(str) != table["predicted"].astype(str)].sort_values("loss", ascending=False)
    if not len(wrong):
        return None
    rows = wrong.head(2 * FACES)
    changed = _changed(findings, [member], rows["sample"])
    maps = {member.name: _maps_of_rows(findings, member, rows[~rows["sample"].isin(changed)])}
    cells = []
    for row in rows.itertuples(index=False):
        lines = (str(row.label), f"predicted {row.predicted}, loss {row.loss:.2f}, fold {row.fold}")
        subject = _subject(row.sample, str(row.attribute) if member.one_by_one else "")
        cells.append(_face(findings, photo_of(row), lines, _of(subject, maps), changed))
    what = "answers" if member.one_by_one else "photos"
    title = f"Its mistakes: {count(len(wrong))} of {count(len(table))} {what}, the worst first"
    return Faces(title, tuple(cells), _note(maps))


def _changed(findings: Findings, members: Sequence[ComparedRun], samples: Sequence[str]) -> dict[str, str]:
    """The photos that are not the ones which these runs answered, by sample, and why none is shown beside an answer."""
    if findings.photos == WITHOUT:
        return {}
    changed: dict[str, str] = {}
    for member in members:
        frozen = member.run.samples()
        changed |= since_launch(frozen[frozen["sample"].isin(samples)])
    return changed


def _face(
    findings: Findings,
    photo: StoredPhoto,
    lines: tuple[str, ...],
    maps: tuple[FaceMap, ...],
    changed: Mapping[str, str],
) -> Face:
    """changed: as `_changed` tells it."""
    if findings.photos == WITHOUT:
        return Face(b"", (*lines, photo.sample), sample=photo.sample)
    if photo.sample in changed:
        return Face(b"", lines, changed[photo.sample], sample=photo.sample)
    try:
        pixels = photo.pixels()
    except LabError as error:
        return Face(b"", lines, error.message, sample=photo.sample)
    picture = small_jpeg(pixels if findings.photos == SHOWN else blurred(pixels, SIDE), SIDE)
    return Face(picture, lines, maps=maps, sample=photo.sample)
