"""The test set of a run: its score by all folds together, shown once somebody asks, and how often that was."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.answers import ensemble_scores
from core.answers.ensemble_scores import NO_CHOICE, EnsembleScores
from core.answers.yes_no_scores import F1_IN_WORDS
from core.errors import LabError
from core.plan import apart
from core.runs import Run, looks
from core.runs.looks import next_one
from core.text import count, plain, score, spread
from pages.parts.doing import doing
from pages.parts.run import view
from pages.parts.shared import badges, moved, tables, theme

if TYPE_CHECKING:
    from core.stats.paired import Interval

ATTRIBUTES_HIGH, FEW_ATTRIBUTES = 460, 12  # px of a table of more than so many attributes
ASKED = "live-test-asked"  # in the session: id of the run whose score was asked for and is not there yet
SHOWN = "live-test-shown"  # in the session: ids of the runs whose score it has been shown


def section(run: Run, info: dict[str, Any], status: view.RunStatus) -> None:
    """Nothing for a run without test photos."""
    if not run.test_file.is_file():
        return
    record = info.get("test") or {}
    try:
        photos, seen, through_others = run.test_photos(), len(looks.times(run)), looks.others([run])
    except LabError as error:
        theme.heading("Test set, never trained on")
        badges.show_error(error)
        return
    assert photos is not None  # its file is there
    theme.heading(f"Test set: {apart.told_persons(photos)}, never trained on")
    _left_out(record)
    if status.state != "done":
        together = "All folds score it together, once every fold is done and somebody asks."
        st.caption(together if len(status.folds) > 1 else "It is scored once the network is trained and somebody asks.")
        return
    asked = st.session_state.setdefault(SHOWN, set())
    if run.id not in asked:
        _ask(run, seen, through_others, asked)
        return
    try:
        scores = ensemble_scores.load(run)
    except LabError as error:
        badges.show_error(error)
        return
    if scores is None:  # somebody deleted what the folds answered
        asked.discard(run.id)
        st.rerun()
    _draw(scores, looks.words(seen, through_others))


def _left_out(record: dict[str, Any]) -> None:
    if sentences := apart.sentences(record)[1:]:
        st.caption(plain(" ".join(sentences)))


def _ask(run: Run, seen: int, through_others: int, asked: set[str]) -> None:
    """The button; who clicked it sees the score once the folds have answered and the look is counted.

    The click is only noted: what else happens on the page while they answer begins the page anew, and not the click.
    """
    if st.session_state.get(ASKED) == run.id:
        _score(run, asked)
    st.button(
        f"Score the test set (never trained on; {next_one(seen, through_others)})",
        key=f"live-test-{run.id}",
        icon=":material/fact_check:",
        help="Every fold's network answers each test photo; the ensemble is the mean of their probabilities.",
        on_click=_note,
        args=(run.id,),
    )
    st.caption(plain(f"{looks.words(seen, through_others).capitalize()}. {NO_CHOICE}"))


def _note(run_id: str) -> None:
    st.session_state[ASKED] = run_id


def _score(run: Run, asked: set[str]) -> None:
    """Ends with a rerun that shows the score, or with what went wrong."""

    def work(tell: doing.Told) -> None:
        from core.predict import ensemble

        def progress(done: int, total: int) -> None:
            tell(done / total, f"{count(done)} of {count(total)} photos read and answers given")

        with moved.noted(run, whole=False):  # photos of the test set, or none where the score is kept already
            ensemble.scored(run, progress)
        looks.add(run, "page")
        asked.add(run.id)  # the page is not begun anew between the count and this: nothing here asks the session

    if doing.do(ASKED, "live-test", work):
        st.rerun()


def _draw(scores: EnsembleScores, looked_at: str) -> None:
    """looked_at: how often, in words."""
    st.html(scores_html(scores))
    st.caption(plain(f"{looked_at.capitalize()}. {scores.about} {scores.lacking} {_who(scores)} {NO_CHOICE}"))
    if scores.one_by_one:
        _attributes(scores)
        return
    title = "Confusion matrix of the ensemble" if len(scores.folds) > 1 else "Confusion matrix"
    with st.expander(title, icon=":material/grid_on:", expanded=len(scores.class_names) <= 12):
        st.html(confusion_html(scores))


def _who(scores: EnsembleScores) -> str:
    if len(scores.folds) == 1:
        return "The one network answers, which was trained on everybody but them."
    return "The best weights of each fold answer; the ensemble is the mean of their probabilities."


def _attributes(scores: EnsembleScores) -> None:
    """What the ensemble reaches in each attribute, where they are told one by one."""
    table = scores.attributes.rename_axis("attribute").reset_index()
    st.caption(plain(f"Of each attribute, by the ensemble; mean F1 of yes {scores.f1_yes:.3f}. {F1_IN_WORDS}"))
    tables.table(
        table.rename(columns={"f1": "F1", "f1_yes": "F1 of yes", "prevalence": "yes"}),
        "test_attributes.csv",
        key="live-test-attributes",
        hide_index=True,
        height=ATTRIBUTES_HIGH if len(table) > FEW_ATTRIBUTES else "content",
        column_config={
            "yes": st.column_config.ProgressColumn("yes", format="percent", min_value=0, max_value=1),
            **{
                name: st.column_config.NumberColumn(name, format="%.3f")
                for name in ("F1", "F1 of yes", "precision", "recall", "accuracy")
            },
        },
    )


def scores_html(scores: EnsembleScores) -> str:
    """The ensemble with its intervals, each fold alone, and what the ensemble brings."""
    several = len(scores.folds) > 1
    who = f"ensemble of {len(scores.folds)} folds" if several else "the one network"
    rows = [
        f"<tr><td><b>{who}</b></td>"
        f'<td class="lab-edge">{interval_told(scores.f1)}</td><td>{interval_told(scores.accuracy)}</td></tr>'
    ]
    head = '<th>on the test photos</th><th class="lab-edge">F1 [95%]</th><th>accuracy [95%]</th>'
    if not several:
        return _table(head, rows)
    rows += [
        f'<tr><td>fold {fold.fold} alone</td><td class="lab-edge">{score(fold.f1)}</td>'
        f"<td>{score(fold.accuracy)}</td></tr>"
        for fold in scores.folds
    ]
    f1, right = spread(fold.f1 for fold in scores.folds), spread(fold.accuracy for fold in scores.folds)
    rows.append(
        f'<tr class="lab-total"><td>mean ± deviation (folds)</td><td class="lab-edge">{f1}</td><td>{right}</td></tr>'
    )
    gain = f"{scores.gain:+.3f}".replace("-", "\N{MINUS SIGN}")
    rows.append(f'<tr><td>what the ensemble brings</td><td class="lab-edge">{gain}</td><td></td></tr>')
    return _table(head, rows)


def confusion_html(scores: EnsembleScores) -> str:
    """Counts, rows true, columns predicted; what is right in bold."""
    head = '<th class="lab-left">true, predicted →</th>' + "".join(
        f"<th>{escape(name)}</th>" for name in scores.class_names
    )
    rows = []
    for place, (name, numbers) in enumerate(zip(scores.class_names, scores.confusion.tolist(), strict=True)):
        cells = "".join(
            f"<td>{f'<b>{count(number)}</b>' if column == place else count(number)}</td>"
            for column, number in enumerate(numbers)
        )
        rows.append(f'<tr><td class="lab-left">{escape(name)}</td>{cells}</tr>')
    return _table(head, rows)


def interval_told(interval: Interval) -> str:
    """ "0.833 [0.500, 1.000]", the score alone where there is no interval."""
    ends = f" [{score(interval.low)}, {score(interval.high)}]" if interval.known else ""
    return f"{score(interval.mean)}{ends}"


def _table(head: str, rows: Sequence[str]) -> str:
    return (
        f'<div class="lab-scroll"><table class="lab-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
