"""Compare: which run is really better, by how much, on which faces, and at what cost."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from core.answers.group_scores import values_passed_over
from core.compare import contrast, cost, pairs, verdict
from core.compare.members import ComparedRun, load_all, same_classes, told_apart, version_of
from core.compare.pairs import Difference
from core.compare.verdict import Verdict
from core.errors import LabError
from core.runs.colours import colour_of, fold_colour
from core.runs.everybody.unmeasured import cross_validated
from core.runs.lists import index
from core.runs.yes_no.view import OneAttribute
from core.stats import paired
from core.text import plain
from pages.parts.baseline import asking, beside
from pages.parts.compare import charts, decide, flips, load, pick, relabelled, tables
from pages.parts.run import curves, groups, yes_no
from pages.parts.shared import badges, exports, frame, theme


def colours_of(members: Sequence[ComparedRun]) -> dict[str, str]:
    """Run id -> its colour on every page; a second run of the same colour gets a lighter or darker one here."""
    colours: dict[str, str] = {}
    for member in members:
        colour = colour_of({**member.info, "id": member.id})
        shades = (colour, *(fold_colour(colour, step) for step in (2, 1, 0, 4, 3)))
        colours[member.id] = next((c for c in shades if c not in colours.values()), colour)
    return colours


def say(differences: list[Difference], within: float) -> None:
    """The sentences, the numbers behind them, and what so few folds can carry."""
    st.html(tables.style() + tables.sentences(differences))
    folds = [d.interval.n for d in differences if d.interval is not None]
    if folds and (note := paired.fold_note(min(folds))):
        st.caption(note)


def judged(members: Sequence[ComparedRun]) -> Verdict:
    """The verdict over all runs, from the best one's point of view; also where that one is the baseline."""
    top = verdict.best_of(members, question.metric, question.which)
    against_top: list[Difference] = []
    if top is not None:
        against = load.pairs(top, [m for m in members if m is not top], question)
        against_top = pairs.differences(
            against, within=question.within / 100, metric=question.metric, which=question.which, highest=True
        )
    sizes = {run_id: run_cost.size.multiply_adds for run_id, run_cost in costs.items()}
    return verdict.verdict(members, top, against_top, sizes, within=question.within / 100)


def draw_settings(members: Sequence[ComparedRun], names: dict[str, str], colours: dict[str, str]) -> None:
    table = contrast.config_differences(members)
    if len(table):
        st.html(tables.settings_table(table, names, colours))
    else:
        st.caption("These runs have the same settings.")


def draw_groups(members: Sequence[ComparedRun], names: dict[str, str], colours: dict[str, str], which: str) -> None:
    """Whether a run fails on some group of the dataset."""
    scores = {}
    first = yes_no.through(members[0].run, "compare-groups-of")
    for member in members:
        run = OneAttribute(member.run, first.attribute) if isinstance(first, OneAttribute) else member.run
        try:
            scores[member.id] = groups.scores_of(run, which)
        except LabError as error:
            if error.kind != "missing":
                badges.show_error(error)
    if not any(scores.values()):
        st.caption("No attribute of the dataset cuts what the runs answered into groups.")
        return
    heads = {run_id: f"{badges.dot(colours[run_id])}{escape(names[run_id])}" for run_id in scores}
    st.html(groups.STYLE + groups.side_by_side_html(scores, heads))
    st.caption(
        "Accuracy on the photos of each group, over each run's finished folds, by every attribute of the dataset. "
        "Coloured: worse (red) or better than on the photos that tell another value, p below 0.05 once corrected for "
        "all groups." + plain(values_passed_over([each for of_run in scores.values() for each in of_run]))
    )


def write_up(baseline: ComparedRun, comparable: Sequence[ComparedRun], within: float) -> None:
    """The button of the report, with the same baseline and region as the page."""
    ordered = [baseline, *(member for member in comparable if member is not baseline)]
    version = tuple(version_of(member, "best") for member in ordered)
    title = baseline.name if len(ordered) == 1 else f"{len(ordered)} runs on {Path(baseline.config.data.root).name}"
    exports.report(tuple(member.id for member in ordered), version, title=title, within=within)


def empty(listed: list[dict]) -> None:
    """Nothing is chosen yet."""
    done = index.archived_last(s for s in listed if s.get("state") == "done")
    if len(done) < 2:
        st.info(
            "Two finished runs can be compared here. Launch them as one study, so that they share their folds.",
            icon=":material/compare_arrows:",
        )
        if st.button("Launch", type="primary", icon=":material/rocket_launch:"):
            st.switch_page("pages/launch.py")
        return
    st.info("Choose two or more runs above; the first is the baseline.", icon=":material/compare_arrows:")
    newest = [s["id"] for s in done if s.get("study") and s.get("study") == done[0].get("study")]
    chosen = (newest if len(newest) > 1 else [s["id"] for s in done[:2]])[::-1]
    label = "Compare the newest study" if len(newest) > 1 else "Compare the two newest"
    st.button(label, type="primary", icon=":material/compare_arrows:", on_click=choose, args=(chosen,))


def choose(chosen: Sequence[str]) -> None:
    st.query_params["runs"] = pick.handed_on(chosen)


def take_measured() -> None:
    """In place of each run of the address that trained on everybody the one that measured what to expect of it."""
    asked_for = [run_id for run_id in st.query_params.get("runs", "").split(",") if run_id]
    parents = {summary["id"]: summary.get("everybody") for summary in index.summaries()}
    choose(list(dict.fromkeys(parents.get(run_id) or run_id for run_id in asked_for)))


entries = frame.begin_page(answers=[frame.DECIDED, frame.BASELINE])
head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
head.html('<div class="lab-title">Compare</div>', width="content")
with st.container():  # always there, so that what follows keeps its place
    decide.settle()
listed = cross_validated(index.as_summaries(entries))
if not st.query_params.get("runs") and (runs := pick.of_hand()):
    st.query_params["runs"] = runs
question = pick.read_address()
pick.runs_box(listed, question)
if not question.runs:
    asking.forget()
    empty(listed)
    st.stop()
members, problems = load_all(question.runs)
for problem in problems:
    badges.show_error(problem)
if any(problem.kind == "everybody" for problem in problems):
    label = "Compare the cross-validated runs in their place"
    st.button(label, icon=":material/compare_arrows:", key="compare-measured", on_click=take_measured)
if not members:
    asking.forget()
    st.stop()
members = told_apart(members)
names = {member.id: member.name for member in members}
baseline = next((m for m in members if m.id == question.baseline), members[0])
comparable, refused = same_classes(baseline, members)
for problem in refused:
    badges.show_error(problem)
colours = colours_of(members)
with head:
    write_up(baseline, comparable, question.within)
pick.question_controls(names, question)
curves.plotly_once()
costs = load.costs(comparable)
run_pairs = load.pairs(baseline, [m for m in comparable if m is not baseline], question)
price = cost.ratios({run_id: run_cost.size for run_id, run_cost in costs.items()}, baseline.id)
within = question.within / 100
differences = pairs.differences(
    run_pairs, within=within, metric=question.metric, which=question.which, cost_ratios=price
)
if differences:
    if not relabelled.draw(comparable, question) or len(comparable) > 2:
        decide.draw(judged(comparable), comparable, costs)
    if words := load.other_losses(comparable):
        st.caption(plain(words))
    say(differences, within)
else:
    st.info("Choose a second run to compare with this one.", icon=":material/compare_arrows:")

theme.heading("Curves")
charts.draw_curves(comparable, names, colours, question)
left, right = st.columns(2)
with left:
    theme.heading("Differences")
    charts.draw_differences(differences, colours, within)
with right:
    theme.heading("Score against cost")
    charts.draw_cost(comparable, costs, names, colours, question)
theme.heading("Scores and cost")
st.html(tables.scores_table(comparable, costs, names, colours, baseline.id))
if table := tables.tests_table(differences, colours):
    theme.heading("The numbers behind the sentences")
    st.html(table)
    st.caption(
        "Interval over folds: corrected resampled t (Nadeau & Bengio 2003). Corrected p: Holm, over all runs here. "
        + tables.about_tests(differences)
    )
with st.container():
    beside.draw(comparable, names, colours, question)
theme.heading("Settings that differ")
draw_settings(comparable, names, colours)
theme.heading("Classes")
charts.draw_classes(comparable, names, colours, question.which)
theme.heading("Groups")
draw_groups(comparable, names, colours, question.which)
theme.heading("Flips")
flipped = {pair.run.id: pair for pair in run_pairs if pair.table is not None and len(pair.table)}
if flipped:
    flips.draw(flipped, names, question.which)
else:
    st.caption("Flips appear when two runs share a finished fold and have their predictions.")
