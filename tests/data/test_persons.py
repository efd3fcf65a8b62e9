"""Where nobody told whom the photos show, nothing is claimed of people: in a scan, a run, a comparison, a report."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from core.cli import main as cli
from core.compare import members, pairs
from core.config import from_dict
from core.data import persons
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.data.persons import Persons, persons_of, state_of_summary
from core.data.scan import scan
from core.errors import LabError
from core.jobs import control
from core.plan.folds import assign_folds, fold_table
from core.plan.plan import make_plan
from core.report import gather, render
from core.runs import Run
from core.runs.lists.summaries import summaries
from core.storage import files
from core.studies import records
from core.studies.grid import StudyConfig, make_plans
from tests.compared import make_run, samples
from tests.old_runs import FINISHED, thaw
from tests.photos import draw, mask_dataset, read, utkface


def folders(root, each=6):
    """Photos of two classes, three by each of two photographers a class, as their names say."""
    for kind in ("cats", "dogs"):
        for n in range(each):
            draw(root / kind / f"{kind}{n % 2}_{n}.jpg", (n * 20, len(kind) * 10, 0))
    return root


def table_file(root, head, rows):
    for n in range(len(rows)):
        draw(root / f"{n}.jpg", (n * 20, 0, 0))
    (root / "labels.csv").write_text("\n".join([head, *(f"{n}.jpg,{row}" for n, row in enumerate(rows))]))
    return root


READ = [  # dataset, settings of its reader, what is known
    (lambda root: mask_dataset(root, [("a", "female", 20), ("b", "male", 70)]), {}, "known"),
    (utkface, {}, "unknown"),
    (folders, {}, "unknown"),
    (folders, {"person_pattern": "^([a-z]+[0-9])_"}, "known"),
    (lambda root: table_file(root, "path,label", ["a", "b", "a"]), {}, "unknown"),
    (lambda root: table_file(root, "path,label,person", ["a,x", "b,y", "a,z"]), {}, "known"),
    (lambda root: table_file(root, "path,label,id", ["a,1", "b,2", "a,1", "b,3"]), {}, "known"),
    (lambda root: table_file(root, "path,label,id", ["a,1", "b,2", "a,3"]), {}, "unknown"),  # it may number photos
    (lambda root: table_file(root, "path,label,id", ["a,1", "b,2", "a,3"]), {"person_column": "id"}, "known"),
]


@pytest.mark.parametrize(("dataset", "settings", "state"), READ)
def test_a_scan_knows_whether_its_reader_told_the_persons(tmp_path, dataset, settings, state):
    scanned = read(dataset(tmp_path / "data"), **settings)
    assert scanned.persons.state == state
    assert (scanned.persons.warning == "") == (state == "known")


def test_two_photos_that_were_made_one_person_are_told_apart_from_those_that_nobody_knows(tmp_path):
    root = utkface(tmp_path / "faces")
    scanned = read(root)
    first, second = scanned.samples["sample"][:2]
    merge = Correction(kind="relabel", person=second, attribute="person", before=second, after=first)
    corrected, _ = corrections.lay_over(scanned, [merge])
    assert corrected.persons == Persons(photos=24, known=2, people=23)
    assert corrected.persons.warning.startswith("Persons are known for only 2 of 24 photos")
    assert corrected.persons.told() == "24 photos, persons known for 2 of them"
    assert scanned.persons.state == "unknown", "the scan itself was changed"


def test_a_launch_records_it_in_the_run_and_in_the_study(tmp_path, runs_folder, monkeypatch):
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    parts = {"folds": {"count": 2}, "task": {"name": "gender"}, "model": {"init": "scratch"}}
    config = from_dict({"data": {"root": str(utkface(tmp_path / "faces"))}, **parts})
    scanned = scan(config.data, threads=1)
    settings = StudyConfig(name="seeds", grid={"training.seed": [0]})
    study = records.launch(settings, make_plans([config], scanned))
    (summary,) = summaries()
    run = Run(summary["id"])
    assert run.info()["persons"] == {"photos": 24, "known": 0, "people": 24}
    assert (summary["persons"], records.load(study.id).persons) == ("unknown", "unknown")
    assert run.persons().state == "unknown" and not run.samples()["person_known"].any()


def test_runs_of_older_labs_are_judged_by_their_samples(tmp_path):
    root = thaw(tmp_path)
    run = Run(FINISHED, root)
    frozen = run.samples()
    assert persons.COLUMN not in pd.read_parquet(run.samples_file) and "persons" not in run.info()
    expected = "unknown" if (frozen["person"] == frozen["sample"]).all() else "known"
    assert members.load(FINISHED, root).persons.state == run.persons().state == expected
    (summary,) = (s for s in summaries(root) if s["id"] == FINISHED)
    assert state_of_summary(summary) == expected


@pytest.mark.parametrize(
    ("summary", "state"),
    [
        ({"people": 9, "samples": 9}, "unknown"),
        ({"people": 9, "samples": 9, "settings": {"data.reader": "utkface"}}, "unknown"),
        ({"people": 9, "samples": 63}, "known"),
        ({"people": 9, "samples": 9, "settings": {"data.reader": "mask"}}, "known"),  # one photo of each in the task
        ({"people": 9, "samples": 9, "settings": {"data.person_column": "id"}}, "known"),
        ({"people": 9, "samples": 9, "persons": "known"}, "known"),
        ({"people": 9, "samples": 9, "persons": ["odd"]}, "unknown"),
    ],
)
def test_a_list_tells_it_from_the_summary_alone(summary, state):
    assert state_of_summary(summary) == state


@pytest.mark.parametrize(
    ("data", "person", "state"),
    [
        ({"reader": "csv"}, lambda row: f"id{row}", "unknown"),  # a guessed column id may number photos
        ({"reader": "csv", "person_column": "id"}, lambda row: f"id{row}", "known"),
        ({"reader": "folders", "person_pattern": "^(p)"}, lambda row: f"p{row}", "known"),
        ({"reader": "mask"}, lambda row: f"m{row}", "known"),
        ({"reader": "csv"}, lambda row: f"id{row // 2}", "known"),
        ({"reader": "utkface"}, None, "unknown"),
    ],
)
def test_a_list_and_a_page_tell_the_same_of_a_run_of_an_older_lab(tmp_path, data, person, state):
    table = samples(tmp_path, people=60, photos=1)
    table["person"] = table["sample"] if person is None else [person(row) for row in range(len(table))]
    path = make_run(tmp_path, table, config={"data": {"root": str(tmp_path / "photos"), **data}}).dir
    for name in ("run.json", "summary.json"):
        content = files.read_json(path / name)
        content.pop("persons", None)
        files.write_json(path / name, content)
    run = Run(path.name, tmp_path)
    assert state_of_summary(files.read_json(path / "summary.json")) == state
    assert run.persons().state == members.load(run.id, tmp_path).persons.state == state
    assert ("people" in fold_table(run.samples())) == (state == "known")


def test_counts_and_refusals_speak_of_photos_where_persons_are_unknown(tmp_path):
    config = from_dict({"data": {"root": str(utkface(tmp_path / "faces"))}, "model": {"init": "scratch"}})
    two_folds = config.model_copy(update={"folds": config.folds.model_copy(update={"count": 2})})
    plan = make_plan(two_folds, scan(config.data, threads=1))
    assert "people" not in fold_table(plan.samples) and fold_table(plan.samples)["photos"].sum() == 24
    with pytest.raises(LabError, match="has 4 photos but 5 folds were asked for"):
        assign_folds(plan.samples, 5, 0)


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """Two finished runs of photos whose persons nobody told."""
    folder = tmp_path_factory.mktemp("strangers")
    table = samples(folder, people=120, photos=1, draw=True)
    table["person"] = table["sample"]
    for number, skill in enumerate((0.5, 0.9)):
        make_run(
            folder, table, f"skill {skill}", skill=skill, seed=number, run_id=f"20260101-00000{number}-r-000{number}"
        )
    return folder


def test_a_comparison_is_over_photos(strangers):
    base, other = (members.load(path.name, strangers) for path in sorted(strangers.glob("2026*")))
    (difference,) = pairs.differences([pairs.pair(other, base)])
    assert difference.persons == "unknown" and difference.bootstrap.n == 120


def test_a_report_claims_nothing_of_people(strangers):
    text = render.markdown(gather.gather([Run(path.name, strangers) for path in strangers.glob("2026*")]))
    assert "Persons are unknown: photos of one person may stand in several folds." in text
    assert "120 photos in 6 classes and 5 folds" in text
    assert "F1, photos" in text and "photos won / lost" in text and "bootstrap over photos" in text
    said = [line for line in text.splitlines() if "people" in line.lower() and "max_people" not in line]
    assert said == ["- People outside this dataset may differ from those in it; cross-validation does not show that."]
    assert "nobody stands in two folds" not in text


def test_a_report_of_known_people_still_says_so(tmp_path):
    table = samples(tmp_path, people=60, photos=2, draw=True)
    run = make_run(tmp_path, table, run_id="20260101-000000-r-0000")
    text = render.markdown(gather.gather([run]))
    assert "120 photos of 60 people in 6 classes and 5 folds; nobody stands in two folds." in text
    assert "Persons are unknown" not in text


def test_the_command_line_says_it(tmp_path, strangers):
    output = CliRunner().invoke(cli.app, ["scan", str(utkface(tmp_path / "faces"))]).output
    assert "Read as UTKFace: 24 photos" in output and "people" not in output
    assert "- Persons are unknown" in output
    output = CliRunner().invoke(cli.app, ["status", "20260101-000000-r-0000", "--runs", str(strangers)]).output
    assert "note: Persons are unknown" in output


def test_words_for_one_and_for_many():
    units = [persons.units(n, s) for n in (1, 2000) for s in ("known", "unknown")]
    assert units == ["1 person", "1 photo", "2,000 people", "2,000 photos"]
    assert persons.together(["known", "unknown"]) == "partly" and persons.together([]) == "known"
    assert persons_of(pd.DataFrame({"sample": ["a", "b"], "person": ["a", "b"]})).told() == "2 photos, persons unknown"
