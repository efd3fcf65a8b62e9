"""The faces of a report: photos on which two runs differ most, or a run's surest mistakes. Imports no torch."""

from __future__ import annotations

import io

from PIL import Image

from core import contrast, report_maps
from core.errors import LabError
from core.images import load_image
from core.members import Member, out_of_fold
from core.report_blocks import Face, Faces, Section
from core.report_findings import Findings
from core.text import count

FACES = 4  # a pair and a direction
SIDE = 160  # px


Maps = tuple[dict[str, bytes], str]


def sections(found: Findings) -> list[Section]:
    """Faces on which a run and the baseline differ most; for a run alone, its surest mistakes."""
    result = []
    for pair in found.pairs:
        table = contrast.flips(pair)
        run, base = found.names[pair.run.id], found.names[pair.baseline.id]
        groups = [(table[table["right"] == side], side) for side in ("run", "baseline")]
        shown = [sample for rows, _ in groups for sample in rows["sample"].head(FACES)]
        maps = {found.names[m.id]: _maps(found, m, shown) for m in (pair.run, pair.baseline)}
        blocks = []
        for rows, side in groups:
            right, wrong = (run, base) if side == "run" else (base, run)
            if len(rows):
                title = f"{right} right, {wrong} wrong: {count(len(rows))} photos, the clearest first"
                faces = tuple(_flip(row, maps) for row in rows.head(FACES).itertuples(index=False))
                blocks.append(Faces(title, faces, _note(maps)))
        if blocks:
            result.append(Section(f"Faces: {run} and {base}", tuple(blocks)))
    if not found.pairs and (mistakes := _mistakes(found)) is not None:
        result.append(Section("Faces", (mistakes,)))
    return result


def _maps(found: Findings, member: Member, samples: list[str]) -> Maps:
    return report_maps.pictures(member.run, samples, SIDE) if found.maps and samples else ({}, "")


def _note(maps: dict[str, Maps]) -> str:
    """What the maps are, or why one of the runs has none."""
    reasons = [f"No maps of {name}: {reason}" for name, (_, reason) in maps.items() if reason]
    if any(pictures for pictures, _ in maps.values()):
        what = "Below each photo: GradCAM of layer4 for the predicted class, by the fold that held the person out."
        return " ".join([what, *reasons])
    return " ".join(reasons)


def _of(sample: str, maps: dict[str, Maps]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, pictures[sample]) for name, (pictures, _) in maps.items() if sample in pictures)


def _flip(row, maps: dict[str, Maps]) -> Face:
    right, wrong = ("a", "b") if row.right == "run" else ("b", "a")
    lines = (
        str(row.label),
        f"p {getattr(row, f'p_{right}'):.2f}, the other says {getattr(row, f'predicted_{wrong}')} "
        f"(p {getattr(row, f'q_{wrong}'):.2f}), fold {row.fold}",
    )
    return _face(row.path, lines, _of(row.sample, maps))


def _mistakes(found: Findings) -> Faces | None:
    member = found.baseline
    try:
        table = out_of_fold(member, "best")
    except LabError:
        return None
    wrong = table[table["label"] != table["predicted"]].sort_values("loss", ascending=False)
    if not len(wrong):
        return None
    rows = wrong.head(2 * FACES)
    maps = {member.name: _maps(found, member, list(rows["sample"]))}
    cells = []
    for row in rows.itertuples(index=False):
        lines = (str(row.label), f"predicted {row.predicted}, loss {row.loss:.2f}, fold {row.fold}")
        cells.append(_face(row.path, lines, _of(row.sample, maps)))
    title = f"Its mistakes: {count(len(wrong))} of {count(len(table))} photos, the worst first"
    return Faces(title, tuple(cells), _note(maps))


def _face(path: str, lines: tuple[str, ...], maps: tuple[tuple[str, bytes], ...]) -> Face:
    try:
        picture = Image.fromarray(load_image(path))
    except LabError as error:
        return Face(b"", lines, error.message)
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return Face(buffer.getvalue(), lines, maps=maps)
