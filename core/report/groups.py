"""The section of a report about groups of the dataset: whether a run fails on some of them. Imports no torch."""

from __future__ import annotations

from core.answers import group_scores, mistakes
from core.answers.group_scores import GroupScore
from core.data import persons
from core.errors import LabError
from core.report.blocks import Block, Bullets, Section, Table
from core.report.findings import Findings
from core.stats import paired
from core.text import NOTHING, count, score

MOST = 60  # rows: of more attributes those groups whose accuracy is furthest from that of the others


def section(findings: Findings) -> Section:
    """Empty where the dataset tells nothing but the class, or no fold is finished."""
    scores: dict[str, list[GroupScore]] = {}
    lines, faults = [], []
    for member in findings.members:
        name = findings.names[member.id]
        if member.one_by_one:
            faults.append(f"{name}: it tells attributes one by one; its page cuts each of them by groups.")
            continue
        try:
            scores[name] = group_scores.of_answers(mistakes.load_answers(member.run, folds=member.done))
        except LabError as error:
            if error.kind != "missing":
                faults.append(f"{name}: {error.message}")
            continue
        words = group_scores.sentence(scores[name], persons.noun(member.persons.state))
        lines += [words if len(findings.members) == 1 else f"{name}: {words}"] if words else []
    blocks: list[Block] = [Bullets(tuple(lines))] if lines else []
    if lines:
        blocks.append(_alone(findings, *scores.values()) if len(scores) == 1 else _side_by_side(scores))
    if faults:
        blocks.append(Bullets(tuple(faults), warn=True))
    return Section("Groups", tuple(blocks))


def _alone(findings: Findings, scores: list[GroupScore]) -> Table:
    who = persons.noun(findings.baseline.persons.state)
    rows = []
    for each in _most(scores, scores):
        ends = f" [{paired.signed(each.gap.low)}, {paired.signed(each.gap.high)}]" if each.gap.known else ""
        rows.append(
            (
                f"{each.attribute}: {each.value}",
                count(each.photos),
                score(each.accuracy),
                score(each.f1),
                f"{paired.signed(each.gap.mean)}{ends}",
                NOTHING if each.p != each.p else f"{each.p:.3f}" if each.p >= 0.001 else "< 0.001",
            )
        )
    note = (
        "Every attribute of the dataset, whether the task asks for it or not. Points: accuracy against the photos that "
        f"tell another value [95% interval over {who}]. p: corrected for all groups (Holm). F1: over the classes of "
        f"which the group holds photos.{_cut(scores)}"
    )
    return Table(("group", "photos", "accuracy", "F1", "points", "p"), tuple(rows), note)


def _side_by_side(scores: dict[str, list[GroupScore]]) -> Table:
    every = [each for of_run in scores.values() for each in of_run]
    groups = list({(each.attribute, each.value): each for each in every}.values())
    cells = {name: {(each.attribute, each.value): each for each in of_run} for name, of_run in scores.items()}
    rows, alike = [], group_scores.same_photos(scores.values())
    for each in _most(groups, every):
        of_runs = [of_run.get((each.attribute, each.value)) for of_run in cells.values()]
        photos = [count(each.photos)] if alike else []
        rows.append((f"{each.attribute}: {each.value}", *photos, *(_cell(one, alike) for one in of_runs)))
    note = (
        "Accuracy in each group, over each run's finished folds; worse: than on the photos that tell another value, p "
        "corrected for all groups."
    )
    return Table(("group", *(["photos"] if alike else []), *scores), tuple(rows), note + _cut(groups))


def _cell(each: GroupScore | None, alike: bool) -> str:
    """alike: whether all runs answered about as many photos, which are then told once."""
    if each is None:
        return NOTHING
    right = score(each.accuracy) if alike else f"{score(each.accuracy)} of {count(each.photos)}"
    return f"{right} (worse)" if each.differs == "worse" else right


def _most(groups: list[GroupScore], every: list[GroupScore]) -> list[GroupScore]:
    """The groups furthest from the others, in their order. every: of all runs; the run counts in which a group is
    furthest."""
    if len(groups) <= MOST:
        return groups
    gaps: dict[tuple[str, str], float] = {}
    for each in every:
        group = each.attribute, each.value
        gaps[group] = max(gaps.get(group, 0.0), abs(each.gap.mean))
    furthest = set(sorted(gaps, key=gaps.__getitem__, reverse=True)[:MOST])
    return [each for each in groups if (each.attribute, each.value) in furthest]


def _cut(scores: list[GroupScore]) -> str:
    return f" Shown are the {MOST} groups furthest from the others." if len(scores) > MOST else ""
