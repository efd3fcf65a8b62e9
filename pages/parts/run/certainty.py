"""How sure is it: a section of a run's page that is computed when somebody opens it.

It begins without scipy, like the page around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import LabError
from core.runs import Run
from core.text import count, plain, score
from pages.parts.run import curves, yes_no
from pages.parts.shared import badges
from pages.parts.shared.fields import begin

if TYPE_CHECKING:
    from core.answers.certainty import Certainty, ClassLine, Question, SetSummary
    from core.answers.together import Together
    from core.stats.decisions import Gain
    from core.stats.over_people import Believable

WHICH = {"best": "best epoch", "final": "last epoch"}
TITLE = "How sure is it?"


def section(run: Run, done: Sequence[int]) -> None:
    """done: the folds that are finished; nothing before there is one."""
    if not done:
        return
    box = st.expander(TITLE, icon=":material/verified:", key=f"live-sure-{run.id}", on_change="rerun")
    if box.open:
        with box:
            st.fragment(_draw)(run)


def _draw(run: Run) -> None:
    which = begin(
        st.segmented_control,
        "Weights of",
        list(WHICH),
        key="live-sure-which",
        begins="best",
        format_func=WHICH.get,
        required=True,
    )
    try:
        run = yes_no.through(run, "live-sure-attribute")
        with st.spinner("Judging what the folds answered"):
            from core.answers import certainty

            sure = certainty.load(run, which)
    except LabError as error:
        badges.show_error(error)
        return
    st.caption(
        plain(
            f"From what each fold answered about the {count(sure.photos)} photos of people whom it held out; intervals "
            "are 95%, with people drawn anew."
            if sure.persons.are_known
            else f"From what each fold answered about the {count(sure.photos)} photos that it held out; 95% intervals."
        )
    )
    for doubt in sure.doubts:
        st.markdown(f":orange[:material/warning: {plain(doubt)}]")
    _classes(sure)
    _believed(run, sure)
    _threshold(sure)
    _sets(sure)
    _offsets(sure)
    st.caption(plain(sure.limits))


def _title(text: str) -> None:
    st.html(f'<div class="lab-heading" role="heading" aria-level="3">{escape(text)}</div>')


def _classes(sure: Certainty) -> None:
    from core.figures import certainty as figures
    from core.stats import one_vs_rest

    _title("Class by class")
    question = sure.classes
    if len(sure.questions) > 1:
        named = {each.attribute or "": each for each in sure.questions}
        chosen = begin(
            st.segmented_control,
            "Of",
            list(named),
            key="live-sure-of",
            begins="",
            format_func=lambda attribute: plain(attribute) or "classes",
            required=True,
        )
        question = named.get(chosen, sure.classes)
    st.html(classes_html(question, sure.persons.are_known))
    st.caption(
        "Precision: of photos answered so, how many are. Recall: of photos that are so, how many are answered so. ROC "
        "area: how often a photo of the class gets a higher probability for it than one of another (0.5 is chance). PR "
        "area: mean precision over all recalls (the class's share of photos is chance). Last column: how far its own "
        "probability is off, bin by bin."
    )
    present = [
        (name, question.probabilities[:, place], question.labels == place) for place, name in enumerate(question.names)
    ]
    present = [(name, p, own) for name, p, own in present if own.any() and not own.all()]
    if not present:
        return
    roc = [(name, *one_vs_rest.roc_curve(p, own)) for name, p, own in present]
    pr = [(name, *one_vs_rest.precision_recall_curve(p, own)) for name, p, own in present]
    panels = [
        ("ROC", figures.class_curves(roc, "share of other photos taken", "recall", diagonal=True)),
        ("Precision and recall", figures.class_curves(pr, "recall", "precision")),
    ]
    curves.draw(curves.payload(panels), key="live-sure-curves")


def classes_html(question: Question, people: bool = True) -> str:
    """A row a class, with the mean over all classes below. people: a column tells how many, where persons are known."""
    from core.answers.certainty_words import interval

    names = ("precision", "recall", "F1", "ROC area", "PR area", "calibration error")
    head = "".join(f'<th class="lab-edge">{name}</th>' for name in names)
    rows = []
    for line in question.lines:
        counts = (line.photos, line.people) if people else (line.photos,)
        numbers = "".join(f"<td>{count(number)}</td>" for number in counts)
        rows.append(f"<tr><td>{escape(line.name)}</td>{numbers}{_cells(line)}</tr>")
    macro = "".join(f'<td class="lab-edge">{interval(each)}</td>' for each in question.macro)
    wide = f'colspan="{3 if people else 2}"'
    rows.append(f'<tr class="lab-total"><td {wide}>mean of all</td>{macro}<td colspan="3" class="lab-edge"></td></tr>')
    units = "<th>photos</th><th>people</th>" if people else "<th>photos</th>"
    return _table(f"<th>{escape(question.attribute or 'class')}</th>{units}{head}", rows)


def _cells(line: ClassLine) -> str:
    from core.answers.certainty_words import interval

    columns = (line.precision, line.recall, line.f1, line.auc, line.average_precision, line.error)
    return "".join(f'<td class="lab-edge">{interval(each)}</td>' for each in columns)


def _believed(run: Run, sure: Certainty) -> None:
    from core.answers import certainty_words as words
    from core.answers import together
    from core.figures import certainty as figures

    _title("Can its probabilities be believed?")
    st.markdown(plain(words.trust(sure)))
    test = None
    try:
        test = together.load(run, sure)
    except LabError as error:  # about the test set alone
        badges.show_error(error)
    left, right = st.columns([5, 6])
    with left:
        figure = figures.reliability(sure.before.reliability, sure.after.reliability if sure.after else None)
        curves.draw(curves.payload([("Promised and kept", figure)]), key="live-sure-reliability")
    with right:
        st.html(believed_html(sure, test))
        st.caption(
            "Brier score and likelihood are better the lower. Calibration error: mean distance between promised and "
            "kept, in bins of equal numbers of photos; with few photos chance alone makes it larger than 0. Gap: mean "
            "confidence minus share right."
        )
        st.caption(plain(words.temperature(sure)))
        st.caption(plain(words.together(test) if test else words.mean_of_folds(sure)))


def believed_html(sure: Certainty, test: Together | None) -> str:
    """Scores of the probabilities, before and after a temperature, and on the test set where it was scored."""
    rows = [_believed_row("each fold, as it says", sure.before)]
    if sure.after is not None:
        rows.append(_believed_row("with temperature", sure.after))
    if test is not None:
        rows.append(_believed_row("test set, mean of folds", test.plain))
        rows.append(_believed_row("test set, calibrated folds", test.members))
        if test.pooled is not None:
            rows.append(_believed_row("test set, mean, then temperature", test.pooled))
    names = ("calibration error", "gap", "Brier", "&minus;log likelihood")
    head = "".join(f'<th class="lab-edge">{name}</th>' for name in names)
    return _table(f"<th></th>{head}", rows)


def _believed_row(name: str, of: Believable) -> str:
    from core.answers.certainty_words import interval, signed

    cells = (interval(of.error), signed(of.gap), interval(of.brier), interval(of.likelihood))
    return f"<tr><td>{escape(name)}</td>" + "".join(f'<td class="lab-edge">{cell}</td>' for cell in cells) + "</tr>"


def _threshold(sure: Certainty) -> None:
    from core.answers import certainty_words as words
    from core.answers.certainty import ACCURACY
    from core.figures import certainty as figures

    _title("Answering only when it is sure")
    percents = begin(
        st.slider,
        "Right in at least (%)",
        50.0,
        99.5,
        key="live-sure-accuracy",
        begins=100 * ACCURACY,
        step=0.5,
        format="%.1f %%",
        width=400,
    )
    promise = sure.promise(percents / 100)
    st.markdown(plain(words.threshold(sure, percents / 100, promise)))
    figure = figures.risk_coverage(sure.risk, percents / 100, promise)
    curves.draw(curves.payload([("The surest answers first", figure)]), key="live-sure-risk")
    st.caption(
        f"Area under the risk-coverage curve (AURC) {score(sure.risk.area)}, the lower the better. Diamond: where the "
        "promise holds. Choose the share once, for what you need: whoever tries many and takes the best chooses by "
        "chance."
    )


def _sets(sure: Certainty) -> None:
    from core.answers import certainty_words as words
    from core.answers.certainty import ALPHA, ALPHAS

    _title("Several classes instead of one")
    alpha = begin(
        st.segmented_control,
        "The true class is among them in",
        list(ALPHAS),
        key="live-sure-alpha",
        begins=ALPHA,
        format_func=lambda alpha: f"{1 - alpha:.0%}",
        required=True,
    )
    summary = sure.sets(alpha)
    st.markdown(plain(words.sets(summary, sure)))
    if summary is not None and alpha >= summary.least:
        st.html(sets_html(sure, summary))


def sets_html(sure: Certainty, summary: SetSummary) -> str:
    """How many classes sets have, and how often each class is in its photos' sets."""
    from core.answers.certainty_words import percent, set_sizes

    sizes = [f"<tr><td>{name}</td><td>{share:.1%}</td></tr>" for name, share in set_sizes(summary)]
    held = [
        f'<tr><td class="lab-left">{escape(name)}</td><td>{percent(of) if of.n else "&ndash;"}</td></tr>'
        for name, of in zip(sure.classes.names, summary.of_classes, strict=True)
    ]
    return (
        f'<div class="lab-pair">{_table("<th>set of</th><th>photos</th>", sizes)}'
        f"{_table('<th>photos of</th><th>true class in the set</th>', held)}</div>"
    )


def _offsets(sure: Certainty) -> None:
    from core.answers import certainty_words as words

    _title("Shifting the classes")
    st.markdown(plain(words.offsets(sure)))
    if sure.offsets is not None and sure.offsets.tuned.any():
        with st.expander("All offsets", icon=":material/swap_vert:"):
            st.html(offsets_html(sure.classes.names, sure.offsets))


def offsets_html(names: Sequence[str], gain: Gain) -> str:
    """A row a class: its offset fitted on all answers, and how far those differ that were fitted without each fold."""
    rows = []
    for place, name in enumerate(names):
        of_folds = [float(offsets[place]) for offsets in gain.of_folds.values()]
        ends = f"{min(of_folds):+.1f} to {max(of_folds):+.1f}"
        cells = (f"{gain.tuned[place]:+.1f}", ends)
        numbers = "".join(f"<td>{cell.replace('-', '&minus;')}</td>" for cell in cells)
        rows.append(f"<tr><td>{escape(name)}</td>{numbers}</tr>")
    return _table("<th>class</th><th>offset (log-probability)</th><th>fitted without one fold</th>", rows)


def _table(head: str, rows: Sequence[str]) -> str:
    return (
        f'<div class="lab-scroll"><table class="lab-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
