"""The lab without a browser: `python -m core <verb>`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from core import __version__, places
from core.cli import datasets, ensemble, take, write
from core.cli.attend import attend
from core.cli.certainty import certainty
from core.cli.doctor import doctor
from core.cli.engines import verbs
from core.cli.extras import extras
from core.cli.lab import alert
from core.cli.lab.link import link
from core.cli.launching import everybody, rendering
from core.cli.options.runs import RunsOption
from core.cli.predict import predict
from core.cli.progress import bar, tell_of_a_stop, wait_for
from core.cli.relocate import relocate
from core.cli.room import disk
from core.cli.scores.baseline import baseline
from core.cli.tables import print_folds, spread
from core.config import recipes, run_config
from core.data.labels import corrections
from core.data.reach import bounds
from core.data.scan import Scan
from core.data.tasks import CHOSEN
from core.errors import LabError
from core.jobs import control, halt, speed
from core.jobs.processes import nursery
from core.jobs.room import forecast
from core.jobs.worker import work
from core.plan import again, apart
from core.plan.fitting import check_task, fit_task, leaves_task_open
from core.plan.plan import check_weights, make_plan, with_setting_named
from core.plan.ways_out import WaysOut, ways_out, with_settings_named
from core.runs import Run
from core.runs.everybody.unmeasured import NOT_MEASURED, check_held_out
from core.runs.lists.summaries import summaries
from core.runs.states import overall
from core.storage import locks
from core.studies import grid, records

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Facet Lab without a browser.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(attend)
app.command()(baseline)
app.command()(certainty)
app.command()(ensemble.test)
app.command()(everybody.everybody)
app.command()(predict)
app.command()(doctor)
app.command()(disk.disk)
app.command()(extras)
app.command()(link)
app.command()(alert.alert)
app.command(hidden=True)(alert.tell)
app.command()(datasets.demo)
app.command()(datasets.scan)
app.command()(datasets.unpack)
app.command()(relocate)
app.command("render-config")(rendering.render_config)
WaitOption = Annotated[bool, typer.Option("--wait", help="Show progress and end with the table of folds.")]


def _version(flag: bool) -> None:
    if flag:
        print(f"Facet Lab {__version__}")
        raise typer.Exit


@app.callback()
def lab(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version of the lab.")
    ] = False,
) -> None:
    """Facet Lab without a browser."""


def main() -> None:
    """Run a verb. An expected failure is two lines on stderr and exit code 1, never a traceback."""
    try:
        app()
    except LabError as error:
        error = with_setting_named(error)
        print(f"error: {error.message}", file=sys.stderr)
        if error.remedy:
            print(f"       {error.remedy}", file=sys.stderr)
        sys.exit(1)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's name or a YAML file.")],
    data: Annotated[Path | None, typer.Option("--data", help="Folder of the dataset.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value, such as phases.0.epochs=3.")] = None,
    folds_of: Annotated[
        str | None, typer.Option("--folds-of", help="A run whose folds are taken over: each person stays in its fold.")
    ] = None,
    folder: RunsOption = None,
    wait: WaitOption = False,
) -> None:
    """Launch a cross-validated training. Prints the run id first; --wait exits with 0 only if every fold finished."""
    from core.data.scan import scan

    chosen = recipes.load_recipe(recipe, folder)
    values = chosen.model_dump(mode="json")
    if data is not None:
        values["data"]["root"] = ""  # the recipe's own is not meant
    for setting in settings or []:
        key, equals, value = setting.partition("=")
        if not equals:
            raise LabError(f"--set {setting}: expected key=value.", "Such as --set phases.0.epochs=3.", kind="config")
        values = run_config.with_setting(values, key, value)
    if data is not None:
        datasets.put_root(values, data, "train: --data")
    keys = {setting.partition("=")[0] for setting in settings or []}
    if "task.attributes" in keys and not keys & {"task", "task.name"}:
        values["task"]["name"] = CHOSEN  # who names attributes need not say so twice
    config = run_config.from_dict(values, recipe)
    if config.folds.everybody is not None:
        everybody.launch(config, folder, wait=wait)
        return
    if not config.data.root:
        raise LabError("train: no dataset is named.", "Add --data FOLDER.", kind="config")
    check_weights(config)
    followed, people, asked = None, None, config.data.persons
    if folds_of is not None:
        check_held_out(Run(folds_of, folder))
        followed = Run(folds_of, folder).samples()
        people = followed.drop_duplicates("person").set_index("person")["fold"]
    reading, dataset = again.read_as_before(
        config.data, people, lambda data: scan(data, progress=bar("scanning"), runs=folder)
    )
    config = config.model_copy(update={"data": reading})
    datasets.note_questions(dataset)
    if any(setting.startswith(("task=", "task.name=", "task.attributes=")) for setting in settings or []):
        check_task(config.task.name, dataset, "--set ")
    else:
        of_task = [key for key in keys if run_config.parts_of(key)[0] == "task"]
        is_open = leaves_task_open(chosen, config) and folds_of is None and not of_task
        fit = fit_task(config.task.name, dataset, is_open=is_open)
        _note(fit.note)
        values = config.model_dump(mode="json")
        for key, value in fit.settings.items():
            values = run_config.with_value(values, key, value)
        config = run_config.from_dict(values, recipe)
    try:
        plan = make_plan(config, dataset, folder=folder)
    except LabError as error:
        raise with_settings_named(error, _ways(error, config, dataset, folder), config.task) from error
    if folds_of is not None and people is not None:
        plan = records.on_folds(people, folds_of, plan, dataset, folder=folder)
        _note(again.as_photos(asked, plan.config.data.persons, folds_of, folds_of))
        _note(again.parted(followed, plan.samples, folds_of))
    tight = forecast.forecast([plan], folder).warning
    run = control.launch(plan, folder=folder, beside=[folds_of] if folds_of else ())
    print(run.id, flush=True)
    if plan.corrections:
        print(f"label corrections applied: {len(plan.corrections):,}", file=sys.stderr)
    aside = plan.set_aside_note and f"{plan.set_aside_note}."
    left_out = apart.sentences(run.info().get("test"))[1:]
    for doubt in (tight, aside, plan.persons.warning, *plan.absences, *left_out):
        if doubt:
            print(f"note: {doubt}", file=sys.stderr)
    if wait:
        wait_for(run)
    else:
        tell_of_a_stop(run.dir.parent, run.id)


def _ways(error: LabError, config: run_config.RunConfig, dataset: Scan, folder: Path | None) -> WaysOut | None:
    """What can be done about a class that is too rare; None where something else is wrong."""
    if error.kind not in ("folds", "given", "task"):
        return None
    corrected, _ = corrections.lay_over(dataset, corrections.load(dataset.root, folder))
    return ways_out(corrected, config.task, config.folds)


@app.command()
def study(
    study_file: Annotated[Path, typer.Argument(help="A study: YAML with name, recipe, set and grid.")],
    data: Annotated[Path, typer.Option("--data", help="Folder of the dataset.")],
    folder: RunsOption = None,
    wait: WaitOption = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help=f"Launch a grid of more than {grid.ASK_ABOVE} runs, too; else it is refused."),
    ] = False,
) -> None:
    """Launch every combination of a grid on the same folds. Prints the ids of what was launched, one a line."""
    from core.data.scan import scan

    config = grid.from_yaml(run_config.read_text(study_file, "study"), study_file.name)
    if grid.size(config) > grid.ASK_ABOVE and not yes:
        raise LabError(
            f"study '{config.name}': the grid makes {grid.size(config):,} runs.",
            "Add --yes to launch them all, or make the grid smaller.",
            kind="large",
        )
    configurations = grid.expand(config, {"root": str(data)}, folder=folder)
    for configuration in configurations:
        root = configuration.data.root
        if root != str(data) and bounds.typed(root) != bounds.typed(data):
            message = f"study '{config.name}': its file names the dataset {root}, and --data {data}."
            raise LabError(message, "Take data.root out of the file; --data names the dataset.", kind="config")
        check_weights(configuration)
    dataset = scan(configurations[0].data, progress=bar("scanning"), runs=folder)
    datasets.note_questions(dataset)
    config, note = grid.fit_study(config, configurations, dataset, folder=folder)
    if note:
        _note(note)
        configurations = grid.expand(config, {"root": str(data)}, folder=folder)
    plans = grid.make_plans(configurations, dataset, folder=folder)
    estimate, corrections = grid.estimate(plans, folder), plans[0].corrections
    print(
        f"{estimate.runs} runs, {estimate.fold_jobs} fold jobs, {estimate.steps:,} steps, {estimate.bytes / 1e9:.1f} GB"
        + (f", about {estimate.seconds / 3600:.1f} h" if estimate.seconds else "")
        + (f", {len(corrections):,} label corrections applied" if corrections else "")
        + (f"; {plans[0].set_aside_note}" if plans[0].set_aside_note else ""),
        file=sys.stderr,
    )
    _note(forecast.forecast(plans, folder).warning)
    record = records.launch(config, plans, folder=folder)
    failed = bool(record.refused)
    launched = [run_id for run_id in record.run_ids if run_id not in record.refused]
    for run_id in launched:
        print(run_id, flush=True)
    try:
        records.load(record.id, folder)
    except LabError as error:  # its folder went out of reach while its runs were launched
        if error.kind != "gone":
            _note(str(error))
    written_up = f"python -m core report {record.id}{places.runs_option(folder or places.runs_folder())}"
    print(f"study {record.id}; write it up with: {written_up}", file=sys.stderr)
    for refused, why in record.refused.items():
        print(f"{refused} was not launched: {why}", file=sys.stderr)
    if wait:
        for run in records.present(record, folder):
            try:
                wait_for(run)
            except typer.Exit:
                failed = True  # one failing run never stops the others
            except LabError as error:
                if error.kind != "gone":  # deleted meanwhile
                    raise
                print(error, file=sys.stderr)
                failed = True
    elif launched:
        tell_of_a_stop(folder or places.runs_folder(), launched[0])
    if failed:
        raise typer.Exit(1)


def _note(sentence: str) -> None:
    """One line beside the output, which programs read."""
    if sentence:
        print(sentence, file=sys.stderr)


@app.command()
def status(
    run_id: Annotated[str | None, typer.Argument(help="One run; without it, all of them.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    folder: RunsOption = None,
) -> None:
    """Show the state of all runs, or of one run's folds."""
    if run_id is not None:
        run = Run(run_id, folder).require()
        states = run.states()
        if as_json:
            print(
                json.dumps(
                    {"id": run.id, "state": overall(s.state for s in states), "folds": [vars(s) for s in states]}
                )
            )
        else:
            print_folds(run)
        return
    listed = summaries(folder)
    tell_of_a_stop(folder or places.runs_folder())
    if as_json:
        print(json.dumps(listed))
        return
    if not listed:
        runs = places.runs_option(folder or places.runs_folder())
        print(f"no runs yet; launch one with: python -m core train quick --data FOLDER{runs}")
    for summary in listed:
        if "unreadable" in summary:
            print(f"{summary['id']}  unreadable: {summary['unreadable']}")
            continue
        done = [fold for fold in summary["folds"] if fold["state"] == "done"]  # half-trained folds would mislead
        scores = [(fold.get("scores") or {}).get("best_f1") for fold in done]
        reached = f"best F1 {spread(scores)}"
        if parent := summary.get("everybody"):
            reached = f"F1 {NOT_MEASURED}, trained on everybody of {parent}"
        print(f"{summary['id']}  {summary['state']:<11}  {reached}")


@app.command()
def cancel(run_id: Annotated[str, typer.Argument(help="The run.")], runs_dir: RunsOption = None) -> None:
    """Stop a run; each fold keeps its last checkpoint."""
    run = Run(run_id, runs_dir).require()
    control.cancel(run)
    print_folds(run)


@app.command()
def resume(
    run_id: Annotated[str, typer.Argument(help="The run.")], runs_dir: RunsOption = None, wait: WaitOption = False
) -> None:
    """Go on with every fold of a run that is not done, from its last checkpoint."""
    run = Run(run_id, runs_dir)
    folds = control.resume(run)
    print(f"resumed folds {', '.join(map(str, folds))}" if folds else "nothing to resume", flush=True)
    if wait:
        wait_for(run)


@app.command()
def worker(
    runs_dir: RunsOption = None,
    by_itself: Annotated[bool, typer.Option("--by-itself", hidden=True)] = False,
    successor: Annotated[bool, typer.Option("--successor", hidden=True)] = False,
    slot: Annotated[int | None, typer.Option(hidden=True)] = None,
    slot_lock: Annotated[int | None, typer.Option(hidden=True)] = None,
    ready_line: Annotated[int | None, typer.Option("--ready", hidden=True)] = None,
) -> None:
    """Train what waits on this machine, then leave; a queue that has stopped goes on. The lab starts workers by itself;
    on other machines start them by hand."""
    folder = runs_dir or places.runs_folder()
    if not (by_itself or successor):  # nobody typed it: failures that were counted count on
        halt.go_on(folder)
    born_with = None if slot is None or slot_lock is None else (slot, locks.Inherited(slot_lock))
    if ready_line is not None:
        task = nursery.wait(ready_line, folder)
        if isinstance(task, nursery.Question):
            raise typer.Exit(speed.answer(task.descriptor, folder))
        if task is None:
            return
        born_with = task.number, task.lock
    work(folder, born_with, by_itself=by_itself)


@app.command()
def weights(depth: Annotated[int, typer.Argument(help="18, 34, 50, 101 or 152.")]) -> None:
    """Download the ImageNet weights of a ResNet, once."""
    from core.network.weights import IMAGENET, download

    if depth not in IMAGENET:
        raise LabError(f"weights: there is no ResNet-{depth}.", f"Choose one of {', '.join(map(str, IMAGENET))}.")
    print(download(depth))


app.command()(write.report)
app.command()(write.export)
app.command()(take.package)
app.command()(take.serve)
app.command()(verbs.engine)
app.command(hidden=True)(verbs.writer)


@app.command(hidden=True)
def measure(runs_dir: RunsOption = None) -> None:
    """Measure training images per second of the configuration that comes over the standard input, and remember it."""
    raise typer.Exit(speed.answer(0, runs_dir or places.runs_folder()))
