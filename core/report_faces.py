"""The faces of a report: photos on which two runs differ most, or a run's surest mistakes. Imports no torch."""

from __future__ import annotations

import io

from PIL import Image

from core import contrast
from core.errors import LabError
from core.images import load_image
from core.members import Member, out_of_fold
from core.report_blocks import Face, Faces, Section
from core.report_findings import Findings
from core.text import count

FACES = 4  # a pair and a direction
SIDE = 160  # px


def sections(found: Findings) -> list[Section]:
    """Faces on which a run and the baseline differ most; for a run alone, its surest mistakes."""
    result = []
    for pair in found.pairs:
        table = contrast.flips(pair)
        run, base = found.names[pair.run.id], found.names[pair.baseline.id]
        blocks: list = []
        for side, right, wrong in (("run", run, base), ("baseline", base, run)):
            rows = table[table["right"] == side]
            if len(rows):
                title = f"{right} right, {wrong} wrong: {count(len(rows))} photos, the clearest first"
                blocks.append(Faces(title, tuple(_flip(row) for row in rows.head(FACES).itertuples(index=False))))
        if blocks:
            result.append(Section(f"Faces: {run} and {base}", tuple(blocks)))
    if not found.pairs and (mistakes := _mistakes(found.baseline)) is not None:
        result.append(Section("Faces", (mistakes,)))
    return result


def _flip(row) -> Face:
    right, wrong = ("a", "b") if row.right == "run" else ("b", "a")
    return _face(
        row.path,
        str(row.label),
        f"p {getattr(row, f'p_{right}'):.2f}, the other says {getattr(row, f'predicted_{wrong}')} "
        f"(p {getattr(row, f'q_{wrong}'):.2f}), fold {row.fold}",
    )


def _mistakes(member: Member) -> Faces | None:
    try:
        table = out_of_fold(member, "best")
    except LabError:
        return None
    wrong = table[table["label"] != table["predicted"]].sort_values("loss", ascending=False) if len(table) else table
    if not len(wrong):
        return None
    cells = [
        _face(row.path, str(row.label), f"predicted {row.predicted}, loss {row.loss:.2f}, fold {row.fold}")
        for row in wrong.head(2 * FACES).itertuples(index=False)
    ]
    return Faces(f"Its mistakes: {count(len(wrong))} of {count(len(table))} photos, the worst first", tuple(cells))


def _face(path: str, *lines: str) -> Face:
    try:
        picture = Image.fromarray(load_image(path))
    except LabError as error:
        return Face(b"", lines, error.message)
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return Face(buffer.getvalue(), lines)
