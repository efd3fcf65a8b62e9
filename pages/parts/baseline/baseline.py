"""What training earned over the frozen features of a run's first weights: a section of its page, and what its curves
and its result say of it. It begins without scipy and torch, like the page around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.answers import frozen_features
from core.answers.frozen_features import FrozenFeatures
from core.errors import LabError
from core.runs import Run
from core.text import plain, score, spread
from pages.parts.baseline import asking
from pages.parts.run import view
from pages.parts.shared import badges

if TYPE_CHECKING:
    from core.compare.earned import Earned

TITLE = "What did training earn?"
PROMISE = (
    "The features of this run's own first weights, frozen, with a logistic regression on top, on the same folds: what "
    "training has to beat. It takes seconds where training takes minutes or hours."
)


def section(run: Run, status: view.RunStatus, metrics: pd.DataFrame) -> None:
    """metrics: of all folds, as view.metrics_of gives them."""
    asked = st.session_state.get(asking.ASKED) == (run.id,)
    box = st.expander(TITLE, icon=":material/trending_up:", key=f"live-baseline-{run.id}", on_change="rerun")
    if not (box.open or asked):
        asking.forget()
        return
    with box:
        st.caption(PROMISE)
        kept = frozen_features.load(run)
        if kept is None:
            asking.ask([run], "Compute the baseline", f"live-baseline-of-{run.id}")
            return
        asking.forget()
        _tell(run, kept, status, metrics)


def levels(run: Run) -> tuple[float, float] | None:
    """Mean accuracy and macro F1 over the folds, for the curves; None where nobody has asked."""
    kept = frozen_features.load(run)
    return None if kept is None else (kept.mean("accuracy"), kept.mean("f1"))


def earned_of(run: Run) -> Earned | None:
    """At the last epoch; None where nobody has asked, or no fold is done. Raises LabError."""
    if frozen_features.load(run) is None:
        return None
    from core.compare import members  # with scipy: once there is something to tell
    from pages.parts.compare import load

    earned, problems = load.earned([members.load(run.id)], "f1", "final", 0.01)
    if problems:
        raise LabError(problems[0], kind="missing")
    return earned[0] if earned else None


def _tell(run: Run, kept: FrozenFeatures, status: view.RunStatus, metrics: pd.DataFrame) -> None:
    try:
        if (earned := earned_of(run)) is not None:
            st.markdown(plain(earned.sentence))
        else:
            st.caption("What training earned is told once a fold is done.")
    except LabError as error:
        badges.show_error(error)
    st.html(table_html(kept, status))
    seconds = float(metrics["seconds"].sum()) if len(metrics) else None
    st.caption(plain(frozen_features.about(kept, seconds)))
    for note in frozen_features.notes(kept):
        st.caption(plain(note))


def table_html(kept: FrozenFeatures, status: view.RunStatus) -> str:
    """A row a fold: F1 and accuracy of the frozen features, beside what the fold reached in training."""
    scores = {fold.fold: fold.scores or {} for fold in status.folds if fold.state == "done"}
    rows = []
    for each in kept.folds:
        reached = scores.get(each.fold, {})
        trained = "".join(
            f"<td{edge}>{score(reached.get(name))}</td>"
            for name, edge in (
                ("best_f1", ' class="lab-edge"'),
                ("best_accuracy", ""),
                ("final_f1", ' class="lab-edge"'),
                ("final_accuracy", ""),
            )
        )
        rows.append(
            f'<tr><td>fold {each.fold}</td><td class="lab-edge">{score(each.f1)}</td><td>{score(each.accuracy)}</td>'
            f"{trained}</tr>"
        )
    means = [spread(kept.scores(metric).values()) for metric in ("f1", "accuracy")]
    for which in view.WHICH:
        for metric in ("f1", "accuracy"):
            means.append(spread(reached.get(f"{which}_{metric}") for reached in scores.values()))
    cells = "".join(f"<td{'' if place % 2 else ' class=lab-edge'}>{mean}</td>" for place, mean in enumerate(means))
    rows.append(f'<tr class="lab-total"><td>mean ± deviation</td>{cells}</tr>')
    pair = '<th class="lab-edge">F1</th><th>accuracy</th>'
    heads = ("frozen features", "trained, best epoch", "trained, last epoch")
    groups = "".join(f'<th colspan="2" class="lab-edge">{head}</th>' for head in heads)
    return (
        f'<div class="lab-scroll"><table class="lab-table"><thead><tr class="lab-group"><td></td>{groups}</tr>'
        f"<tr><th>fold</th>{3 * pair}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
