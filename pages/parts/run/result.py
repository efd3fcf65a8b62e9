"""The result of a run that has ended: its score in words, what stands out, and the next step one click away."""

from __future__ import annotations

import base64
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from core.answers import mistakes, outcome, yes_no_scores
from core.answers.mistakes import Answers
from core.answers.noticed import noticed
from core.answers.outcome import Confusion, Outcome
from core.answers.yes_no_scores import YesNoOutcome
from core.config import RunConfig
from core.data import thumbnails
from core.data.pictures.photo import photo_of
from core.errors import LabError
from core.places import HOME
from core.runs import Run
from core.runs.lists.index import Listed
from core.stats.overfitting import Overfit
from core.studies import retrain
from core.text import count, listed, number_of, one_line, plain, score, sure
from pages.parts.baseline import baseline
from pages.parts.compare import pick
from pages.parts.hand import results
from pages.parts.keys import glossary
from pages.parts.look_inside import elements
from pages.parts.noticed import noticed as handles
from pages.parts.run import view, yes_no
from pages.parts.shared import badges, exports

PAGES = HOME / "pages"
LOOK, COMPARE, PREDICT, LAUNCH = (PAGES / f"{name}.py" for name in ("look_inside", "compare", "predict", "launch"))
FACES, SIDE = 6, 160
LONGEST = 40  # characters of an attribute on a button
OPEN = "live-open-face"  # in the session: the photo whose maps are asked for

_STYLE = """<style>
.lab-result b { font-size: 1.5rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.lab-noticed { font-size: .93rem; overflow-wrap: anywhere; }
.lab-noticed b { font-size: inherit; font-weight: 600; }
.lab-stands-out { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem .9rem;
  padding-top: .6rem; font-size: .93rem; overflow-wrap: anywhere; }
@media (max-width: 500px) { .lab-stands-out { grid-template-columns: 1fr; gap: 0; }
  .lab-stands-out > :nth-child(2n) { padding-bottom: .35rem; } }
</style>"""


@dataclass(frozen=True)
class Story:
    """What the card tells beside the score. answers, about: None where no predictions can be read, which why says, and
    where attributes are told one by one, of which each_attribute tells. earned: what training earned, "" where nobody
    asked.
    """

    answers: Answers | None
    about: Outcome | None
    overfit: Overfit | None
    why: str = ""
    earned: str = ""
    each_attribute: YesNoOutcome | None = None


def section(run: Run, config: RunConfig, status: view.RunStatus) -> None:
    """Nothing while the run trains or waits, and for one of which no fold is done."""
    entry = results.of_states(run.id, status.folds)
    if status.active or not entry.done[0]:
        return
    handles.go_on()
    if (sample := st.session_state.pop(OPEN, None)) is not None:
        open_maps(run, [sample])
    story = _story(run, config, entry)
    with st.container(border=True, key="live-result"):
        left, right = st.columns([1, 1.1], gap="medium")
        with left:
            st.html(_STYLE + headline(entry) + facts(story))
            best = _scores(status, "best_f1"), _scores(status, "best_f1_present")
            handles.draw(run, config, noticed(story.about, story.overfit, *best))
        with right:
            if story.answers is not None and story.about is not None and story.about.confusion is not None:
                _faces(story.answers, story.about.confusion)
        _verbs(run, entry, status, story)


def headline(entry: Listed) -> str:
    """HTML: macro F1 in words, both epochs, and the folds that are not in it."""
    done, total = entry.done
    lacking = "" if done == total else f" {done} of {total} folds are finished; the others are not in it."
    what = f"{glossary.word('mean ± deviation')} at" if done > 1 else "At"
    return (
        '<div class="lab-result" role="status">'
        f"<div>{glossary.word('macro F1')} <b>{escape(results.f1_in_words(entry))}</b></div>"
        f'<div class="lab-meta">{what} the {glossary.word("best epoch")}, which is chosen on the validation fold '
        f"itself; {escape(results.f1(entry, 'final'))} at the {glossary.word('last epoch')}.{lacking}</div></div>"
    )


def facts(story: Story) -> str:
    """HTML: what stands out, a line each."""
    lines: list[tuple[str, str]] = []
    if (about := story.about) is not None:
        photos = number_of(about.weakest_photos, "photo")
        lines.append(("Weakest class", f"{about.weakest}, F1 {score(about.weakest_f1)} on {photos}"))
        if about.confusion is None:
            lines.append(("Mistakes", f"none in {number_of(about.photos, 'photo')}"))
        else:
            lines.append(("Commonest mistake", confusion_in_words(about.confusion)))
            share = f"{about.wrong / about.photos:.1%}"
            lines.append(("All mistakes", f"{count(about.wrong)} of {count(about.photos)} photos ({share})"))
        if about.contradicted and about.too_weak:
            lines.append(("Wrong labels", "no telling yet: the network is wrong about more than half of the photos"))
        elif about.contradicted:
            candidates = "1 candidate" if about.contradicted == 1 else f"{count(about.contradicted)} candidates"
            lines.append(("Wrong labels", f"{candidates}: the network is confident of another class"))
    elif (each := story.each_attribute) is not None:
        f1, f1_yes = score(each.weakest_f1), score(each.weakest_f1_yes)
        weakest = f"{each.weakest}, F1 {f1}, F1 of yes {f1_yes} on {number_of(each.weakest_yes, 'photo')} with yes"
        lines.append(("Weakest attribute", weakest))
        if each.unfound:
            them = "it" if len(each.unfound) == 1 else "them"
            lines.append(("No yes found", f"{listed(each.unfound)}: no photo of {them} was answered yes"))
    elif story.why:
        lines.append(("Mistakes", story.why))
    if story.earned:
        lines.append(("Training", story.earned))
    rows = "".join(
        f'<span class="lab-meta">{escape(title)}</span><span>{escape(words)}</span>' for title, words in lines
    )
    return f'<div class="lab-stands-out">{rows}</div>' if rows else ""


def confusion_in_words(confusion: Confusion) -> str:
    return f"{count(confusion.photos)} of {count(confusion.of)} {confusion.true} taken for {confusion.predicted}"


def _scores(status: view.RunStatus, name: str) -> dict[int, float]:
    """fold -> a score of the finished folds, where it was recorded."""
    recorded = {fold.fold: (fold.scores or {}).get(name) for fold in status.folds if fold.state == "done"}
    return {fold: float(value) for fold, value in recorded.items() if isinstance(value, (int, float))}


def _story(run: Run, config: RunConfig, entry: Listed) -> Story:
    done = [fold["fold"] for fold in entry.summary["folds"] if fold["state"] == "done"]
    overfit = _overfit(view.metrics_version(run, done))
    if config.task.one_by_one:
        scores = yes_no.of_run(run, done, ("best",))
        if isinstance(scores, str):
            return Story(None, None, overfit, scores, _earned(run))
        return Story(None, None, overfit, earned=_earned(run), each_attribute=yes_no_scores.outcome(scores["best"]))
    try:
        answers, about = answered(run.key, tuple(done), mistakes.version(run, folds=done))
    except LabError as error:
        return Story(None, None, overfit, str(error), _earned(run))
    return Story(answers, about, overfit, earned=_earned(run))


@functools.lru_cache(maxsize=32)
def _overfit(version: view.Version) -> Overfit | None:
    metrics = view.metrics_of(version)
    return outcome.overfits(metrics) if len(metrics) else None


def _earned(run: Run) -> str:
    try:
        earned = baseline.earned_of(run)
    except LabError:
        return ""  # the section of the baseline says what is wrong
    return "" if earned is None else earned.sentence


@st.cache_resource(max_entries=8, show_spinner="Reading the answers of the finished folds")
def answered(key: str, folds: tuple[int, ...], version: tuple) -> tuple[Answers, Outcome]:
    """Nobody changes them. folds: the finished ones. version: of the files that they are read from."""
    answers = mistakes.load_answers(Run(key), folds=folds)
    return answers, outcome.outcome(answers)


def _faces(answers: Answers, confusion: Confusion) -> None:
    """Photos of the commonest mistake; a click opens the maps of one."""
    part = answers.table.iloc[list(confusion.rows[:FACES])]
    elements.gallery(tiles(part), ask, key="live-result-faces", version=answers.run_id)
    st.caption("The commonest mistake, highest loss first. A click shows what every layer looked at.")


def tiles(part: pd.DataFrame) -> list[dict[str, Any]]:
    """Faces as the gallery takes them. part: rows of Answers.table."""
    pictures = thumbnails.thumbnails([photo_of(row) for row in part.itertuples()], SIDE)
    return [_tile(row, picture) for row, picture in zip(part.itertuples(index=False), pictures, strict=True)]


def _tile(row: Any, picture: bytes | LabError) -> dict[str, Any]:
    image = "" if isinstance(picture, LabError) else f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
    return {
        "sample": row.sample,
        "image": image,
        "fault": badges.photo_fault(picture) if isinstance(picture, LabError) else "",
        "true": row.true,
        "predicted": row.predicted,
        "right": False,
        "lines": [sure(row.confidence)],
        "mark": f"{row.near}, near a limit" if row.near else "",
        "chosen": False,
    }


def ask(sample: str) -> None:
    """The callback of a click on a face: its maps are opened by the page's next run."""
    st.session_state[OPEN] = sample


def open_maps(run: Run, samples: Sequence[str]) -> None:
    """Look inside with the faces chosen, and with the filters under which they stand in the gallery there."""
    named = ",".join(sample.replace("%", "%25").replace(",", "%2C") for sample in samples)
    st.switch_page(LOOK, query_params={"run": run.id, "samples": named})


def _verbs(run: Run, entry: Listed, status: view.RunStatus, story: Story) -> None:
    about, each = story.about, story.each_attribute
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        weakest = "" if each is None else f" about {plain(one_line(each.weakest, LONGEST))}"
        mistakes_of = {"run": run.id} if each is None else {"run": run.id, "attribute": each.weakest}
        st.button(
            f"See the mistakes{weakest}",
            icon=":material/visibility:",
            type="primary",
            key="live-verb-visibility",
            on_click=handles.note,
            args=(LOOK, mistakes_of),
        )
        if about is not None and about.contradicted and not about.too_weak and _verb("Check the labels", "fact_check"):
            st.switch_page(LOOK, query_params={"run": run.id, "view": "labels"})
        before = retrain.origin(run)
        there = before is not None and Run(before).exists()
        if there and _verb("Did it help?", "rule", "Compare with the run whose labels were corrected for this one."):
            query = {"run": run.id, "runs": f"{before},{run.id}", "baseline": before}
            st.switch_page(COMPARE, query_params=query)
        if _verb("Compare", "compare_arrows"):
            st.switch_page(COMPARE, query_params={"run": run.id, "runs": pick.beside(run.id)})
        exports.report((run.id,), exports.version_of(entry), title=run.config().name)
        if status.state == "done" and _verb("Predict", "online_prediction"):
            st.switch_page(PREDICT, query_params={"run": run.id})
        if _verb("Run again", "replay", "Open Launch with these settings."):
            st.switch_page(LAUNCH, query_params={"from": run.id})


def _verb(label: str, icon: str, tip: str | None = None) -> bool:
    return st.button(label, icon=f":material/{icon}:", key=f"live-verb-{icon}", help=tip)
