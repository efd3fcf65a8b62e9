"""The report of made-up finished runs: it says what the numbers say, and nothing in it reaches outside."""

import base64
import json
import os
import re
import shutil
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from core.cli.main import app
from core.data.content.same_bytes import digest_of
from core.data.thumbnails import blurred as blur
from core.data.thumbnails import small_jpeg
from core.errors import LabError
from core.report import faces, gather, numbers, render, sections, words
from core.report.blocks import Bullets, Faces, Figure, Section, Table
from core.report.findings import compare_runs
from core.report.maps import RunMaps
from core.runs import Run
from core.runs.use import used
from core.storage import files, parquet
from core.studies import records
from core.text import sure
from tests.compared import CLASSES, make_run, samples

EVIL = "</script><img src=https://evil.example/x onerror=alert(1)> `tick` |pipe| **b** [l](http://evil.example)"
EVIL_CLASSES = [EVIL[:40], "b", "c"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    table = samples(folder, people=60, photos=2, draw=True)
    for number, (depth, skill) in enumerate(((18, 0.5), (34, 0.52), (101, 0.97))):
        run_id = f"20260101-00000{number}-resnet{depth}-000{number}"
        make_run(
            folder,
            table,
            f"ResNet-{depth}",
            skill=skill,
            seed=number,
            run_id=run_id,
            config={"model": {"depth": depth}},
        )
    return folder


@pytest.fixture
def copied(study, tmp_path):
    for path in study.glob("2026*"):
        shutil.copytree(path, tmp_path / path.name)
    return tmp_path


def chosen(folder):
    return [Run(path.name, folder) for path in sorted(folder.glob("2026*"))]


@pytest.fixture(scope="module")
def reads():
    """How often the report read each table of its runs."""
    return Counter()


@pytest.fixture(scope="module")
def report(study, reads):
    """Of all runs of the study; no test changes anything in it."""
    whole = parquet._whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "_whole", lambda path: (reads.update([path]), whole(path))[1])
        return gather.gather(chosen(study))


def test_a_report_reads_each_table_of_its_runs_once(report, reads):
    assert len(reads) == 18 and {*reads.values()} == {1}, "samples of 3 runs, predictions of 5 folds each"


def section(report, title) -> Section:
    return next(part for part in report.sections if part.title.startswith(title))


def sentences(folder):
    """What a report of all runs begins with."""
    return words.answer(compare_runs(chosen(folder)))


def blocks(report, kind):
    return [block for part in report.sections for block in part.blocks if isinstance(block, kind)]


def test_the_table_and_the_answer_are_the_numbers_of_the_folds(study, report):
    table = section(report, "Scores").blocks[0]
    for row, run in zip(table.rows, chosen(study), strict=True):
        f1 = [state.scores["best_f1"] for state in run.states()]
        assert row[2] == f"{np.mean(f1):.3f} ± {np.std(f1, ddof=1):.3f} (5)"
        assert row[1] == "5 of 5"
    assert report.sentences[0].startswith("ResNet-101 is the best of these: better than ResNet-18 and ResNet-34.")
    assert "Corrected for 3 comparisons, all pairs of these runs" in report.sentences[0]
    assert report.sentences[1].startswith("ResNet-101 has the highest mean F1")
    assert "ResNet-34 is not shown to be" in report.sentences[2]
    assert "ResNet-101 is better than ResNet-18" in report.sentences[3]


def test_differences_are_those_of_the_folds_in_points(study, report):
    table = section(report, "Differences").blocks[0]
    base, _, best = ([s.scores["best_f1"] for s in run.states()] for run in chosen(study))
    assert table.rows[1][1].startswith(f"{100 * np.mean(np.subtract(best, base)):+.1f} [")
    assert table.rows[1][-1] == "better" and table.rows[0][-1] == "not shown to differ"


def test_the_data_are_counted(study, report):
    table = next(block for block in section(report, "Data").blocks if isinstance(block, Table))
    (bars,) = next(block for block in section(report, "Data").blocks if isinstance(block, Figure)).figure.data
    assert [f"{n}" for n in bars.y] == [row[2] for row in table.rows]
    frozen = chosen(study)[0].samples()
    assert [row[0] for row in table.rows] == CLASSES
    for name, people, photos, _ in table.rows:
        mine = frozen[frozen["class_name"] == name]
        assert (int(people), int(photos)) == (mine["person"].nunique(), len(mine))


def test_only_differing_settings_are_listed_and_every_configuration_is_there_to_launch_again(study, report):
    table = next(block for block in section(report, "Setup").blocks if isinstance(block, Table))
    assert [row[0] for row in table.rows] == ["Depth"]
    text = render.markdown(report)
    for run in chosen(study):
        assert f"python -m core train {run.id}.yaml" in text
        assert f"depth: {run.config().model.depth}" in text


def test_the_toolbar_of_a_figure_hides_no_curve(report):
    layouts = [block.figure.layout for block in blocks(report, Figure)]
    papers = {layout.modebar.bgcolor or layout.template.layout.modebar.bgcolor for layout in layouts}
    assert papers == {"rgba(0,0,0,0)"}
    page = render.html(report)
    restyled = page[page.index("function restyle(layout)") : page.index("function draw()")]
    assert re.search(r"const modebar = \{.*bgcolor: \"rgba\(0,0,0,0\)\", color: ink", restyled)
    assert ".modebar-btn:not(.active):not(:hover) path { opacity: .7; }" in page


def test_faces_are_real_flips_with_their_photo(report):
    faces = blocks(report, Faces)
    assert faces and all(face.jpeg[:2] == b"\xff\xd8" for block in faces for face in block.faces)
    said = [face.lines[1] for block in faces for face in block.faces]
    assert all(re.fullmatch(r"[\w ]+% sure, the other says .+ \([\w ]+% sure\), fold \d", line) for line in said)


def test_what_older_runs_wrote_of_one_thread_is_told_right(copied):
    run = chosen(copied)[0]
    files.write_json(run.info_file, run.info() | {"device": "CPU, 1 threads"})
    table = numbers.costs(compare_runs(chosen(copied))).blocks[0]
    assert [dict(zip(table.head, row, strict=True))["device"] for row in table.rows] == ["CPU, 1 thread", "cpu", "cpu"]


def pictures(text):
    return [base64.b64decode(data) for data in re.findall(r"data:image/jpeg;base64,([^\"]+)", text)]


def test_a_report_that_is_blurred_or_without_photos_holds_none_of_them(study, report):
    runs = chosen(study)
    shown = [face for block in blocks(report, Faces) for face in block.faces]
    originals = {face.jpeg for face in shown}
    assert originals <= set(pictures(render.html(report)))
    without = gather.gather(runs, photos="none", maps=True)
    assert not pictures(render.html(without)) and "Written without photos" in render.html(without)
    named = [face for block in blocks(without, Faces) for face in block.faces]
    assert [face.sample for face in named] == [face.sample for face in shown]
    assert all(face.lines[-1] == face.sample and not face.missing and not face.maps for face in named)
    blurred = gather.gather(runs, photos="blurred")
    embedded = pictures(render.html(blurred))
    assert len(embedded) == len(shown) and not originals & set(embedded)
    paths = runs[0].samples().set_index("sample")["path"]
    pixels = [np.asarray(Image.open(paths[face.sample]).convert("RGB")) for face in shown]
    assert embedded == [small_jpeg(blur(photo, 160), 160) for photo in pixels], "squares are all that is kept"
    with pytest.raises(LabError, match="photos 'half' is not known"):
        gather.gather(runs, photos="half")


@pytest.mark.parametrize("number", [1, 2])
def test_a_photo_that_changed_since_the_launch_is_not_shown_beside_what_was_answered_about_it(
    tmp_path, monkeypatch, number
):
    table = samples(tmp_path, people=30, photos=1, draw=True)
    table["hash"] = [digest_of(path, sample) for path, sample in zip(table["path"], table["sample"], strict=True)]
    ids = [f"20260101-00000{place}-r-000{place}" for place in range(number)]
    runs = [make_run(tmp_path, table, run_id, seed=seed, run_id=run_id) for seed, run_id in enumerate(ids)]
    monkeypatch.setattr(faces, "maps_of", lambda run, names, side, **_: RunMaps(dict.fromkeys(names, b"map")))

    def shown(**options):
        written = gather.gather(runs, maps=True, **options)
        return [face for block in blocks(written, Faces) for face in block.faces]

    changed, touched = list(dict.fromkeys(face.sample for face in shown()))[:2]
    paths = table.set_index("sample")["path"]
    Image.new("RGB", (90, 90), "red").save(paths[changed])
    os.utime(paths[touched])
    of_report = shown(faces=[changed, touched])
    assert len([face for face in of_report if face.sample == changed]) == 2, "asked for, and among those that are shown"
    for face in of_report:
        if face.sample == changed:
            assert (face.jpeg, face.missing, face.maps) == (b"", "changed since the launch", ())
        else:
            assert face.jpeg and not face.missing and len(face.maps) == number


def test_faces_that_are_named_are_shown_with_every_answer(study):
    runs = chosen(study)
    answers = [run.predictions(0).iloc[0] for run in runs]
    report = gather.gather(runs, faces=[answers[0]["sample"], "nobody.jpg"])
    (block,) = [block for block in section(report, "Photos").blocks if isinstance(block, Faces)][:1]
    (face,) = block.faces
    assert (face.sample, face.lines[0]) == (answers[0]["sample"], answers[0]["label"]) and face.jpeg
    for run, answer, line in zip(runs, answers, face.lines[1:], strict=True):
        assert line == f"{run.config().name}: {answer['predicted']}, {sure(answer['p_' + answer['predicted']])}"
    assert "No finished fold held out nobody.jpg." in render.markdown(report)


def test_the_cost_of_each_run_is_told(report):
    table = section(report, "Cost").blocks[0]
    cells = dict(zip(table.head, table.rows[0], strict=True))
    assert cells["device"] == "cpu"
    assert cells["parameters"] == "11.2 M" and cells["inference"] == "80 img/s" and cells["memory"] == "512 MB"


def test_what_runs_used_of_their_machine_is_told_where_they_kept_it(study, report):
    heads = [getattr(block, "head", ()) for block in section(report, "Cost").blocks]
    assert not [head for head in heads if "used while training" in head]
    runs = chosen(study)
    looks = used.Totals()
    looks.add({"gpu": 87.0, "gpu_memory": 41.2e9, "gpu_memory_total": 85e9, "temperature": 64.0})
    info = runs[0].info_file.read_text("utf-8")
    try:
        used.keep(runs[0], 0, looks.record(), goes_on=False)
        table = numbers.costs(compare_runs(runs)).blocks[1]
    finally:
        runs[0].info_file.write_text(info, "utf-8")
    assert table.head == ("used while training", "GPU use", "GPU memory, at most", "GPU temperature, at most", "looks")
    assert table.rows[0][1:] == ("87%, at most 87%", "41.2 of 85.0 GB", "64 °C", "1")
    assert table.rows[1][1:] == ("–",) * 4


class Reader(HTMLParser):
    """Everything in a page that a browser would fetch, and the words that it shows."""

    def __init__(self):
        super().__init__()
        self.loads, self.tags, self.words, self.inside, self.policy = [], [], [], "", ""

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        self.loads += [values[key] for key in ("src", "href", "srcset", "data", "action") if values.get(key)]
        self.inside = tag if tag in ("script", "style") else ""
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        assert not [key for key in values if key.startswith("on")]

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if not self.inside:
            self.words.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    return reader


def test_html_loads_nothing_from_outside_and_forbids_it(report):
    reader = read(render.html(replace(report, question="Which depth?")))
    assert all(address.startswith(("data:", "#")) for address in reader.loads)
    assert "default-src 'none'" in reader.policy and "http" not in reader.policy
    words = " ".join(reader.words)
    assert "Which depth?" in words and "ResNet-101 is better than ResNet-18" in words
    assert reader.tags.count("script") == 3


def test_html_carries_the_figures_that_the_report_has(report):
    page = render.html(report)
    data = json.loads(re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.S)[1])
    assert len(data) == len(blocks(report, Figure)) == page.count('class="plot"')
    names = {trace.get("name") for figure in data for trace in figure["data"]}
    assert names >= {"ResNet-18", "ResNet-34", "ResNet-101"}


def test_names_and_classes_stay_text(tmp_path):
    table = samples(tmp_path, people=30, photos=1, classes=EVIL_CLASSES)
    for number in range(2):
        settings = {"task": {"name": "label"}, "description": EVIL}
        run_id = f"20260101-00000{number}-evil-000{number}"
        make_run(tmp_path, table, EVIL[:60], seed=number, classes=EVIL_CLASSES, run_id=run_id, config=settings)
    report = gather.gather(chosen(tmp_path), title=EVIL, question=EVIL)
    reader = read(render.html(report))
    assert "img" not in reader.tags  # the photos are missing, and no name became one
    assert reader.tags.count("script") == 3 and EVIL in "".join(reader.words)
    text = render.markdown(report)
    prose = re.sub(r"^(`{3,})\n.*?^\1$", "", text, flags=re.S | re.M)
    assert "<img" not in prose and "](http" not in prose and "http://" not in prose and "https://" not in prose
    assert "there is no such file" in prose


def test_markdown_tables_have_one_width_each(report):
    text = render.markdown(report)
    widths, inside = [], None
    for line in text.splitlines():
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line))
            assert inside in (None, cells), line
            inside = cells
        else:
            widths.append(inside) if inside else None
            inside = None
    assert len(widths) >= 7


def test_runs_of_one_name_are_told_apart(study, tmp_path):
    for path in sorted(study.glob("2026*"))[:2]:
        shutil.copytree(path, tmp_path / path.name)
        config = tmp_path / path.name / "config.yaml"
        config.write_text(re.sub(r"^name: .*$", "name: same", config.read_text(), flags=re.M))
    difference = sentences(tmp_path)[2]
    assert "same (0001)" in difference and "same (0000)" in difference


def test_a_failed_fold_is_left_out_and_said(study, tmp_path):
    shutil.copytree(sorted(study.glob("2026*"))[0], tmp_path / "20260101-000000-resnet18-0000")
    table = chosen(study)[0].samples()
    make_run(tmp_path, table, "broken", states={1: "failed", 3: "cancelled"}, run_id="20260102-000000-broken-0001")
    text = render.markdown(gather.gather(chosen(tmp_path)))
    assert "3 shared folds" in text
    assert "Fold 1 of broken is failed and left out." in text
    assert "broken: 2 of 5 folds are not finished (cancelled, failed)." in text


def test_of_two_runs_on_other_photos_the_one_that_is_better_on_those_of_both_is_told_to_be(tmp_path):
    """Not the one of the highest mean: the other one has photos besides that nobody gets right."""
    table = samples(tmp_path, people=60, photos=3)
    hard = table["sample"].str.endswith("-2.jpg")
    make_run(tmp_path, table[~hard], "fewer", skill=0.5, run_id="20260101-000000-fewer-0000")
    more = make_run(tmp_path, table, "more", skill=0.97, seed=1, run_id="20260101-000001-more-0001")
    for state in more.states():
        more.write_state(replace(state, scores=state.scores | {"best_f1": 0.3}))
    told, highest, difference = sentences(tmp_path)
    assert told.startswith("more is the best of these: better than fewer. fewer has the highest mean, but not on ")
    assert highest.startswith("fewer has the highest mean F1 at the best epoch: ")
    assert difference.startswith("more is better than fewer")


def test_a_run_of_one_lucky_fold_does_not_keep_two_finished_ones_from_being_told_apart(study, tmp_path):
    for path in sorted(study.glob("2026*"))[::2]:
        shutil.copytree(path, tmp_path / path.name)
    rest = dict.fromkeys(range(1, 5), "cancelled")
    table = chosen(study)[0].samples()
    make_run(tmp_path, table, "lucky", skill=1.0, states=rest, run_id="20260102-000000-lucky-0001")
    told, highest, *differences = sentences(tmp_path)
    assert told.startswith("ResNet-101 is better than ResNet-18. lucky cannot be set against ResNet-101.")
    assert highest.startswith("ResNet-101 has the highest mean F1 of the finished runs at the best epoch: ")
    assert differences[0].startswith("ResNet-101 is better than ResNet-18")


def test_all_sections_count_the_photos_of_the_same_folds_though_a_stopped_one_has_answered(tmp_path):
    table = samples(tmp_path, people=60, photos=2)
    table = table.assign(gender=table["class_name"].str.split().str[0])
    run = make_run(tmp_path, table)
    run.write_state(replace(run.written_state(3), state="cancelled", scores=None))
    finished = int((table["fold"] != 3).sum())
    report = gather.gather([run])
    groups = next(block for block in section(report, "Groups").blocks if isinstance(block, Table))
    assert sum(int(row[1]) for row in groups.rows) == finished < len(table)
    sure = [
        block for block in section(report, "How sure").blocks if isinstance(block, Table) and block.head[0] == "class"
    ]
    assert [table.rows[-1][1] for table in sure] == [str(finished)]
    assert f" of {finished} photos, the worst first" in render.markdown(report)


def test_a_fold_without_a_class_stands_in_the_report_with_the_f1_that_it_can_reach(tmp_path):
    table = samples(tmp_path, people=300, photos=1)
    table = table[(table["fold"] != 3) | (table["class_name"] != "female >=60")]
    named = {"root": str(tmp_path / "photos"), "person_column": "who"}
    run = make_run(tmp_path, table, run_id="20260101-000000-r-0000", config={"data": named})
    report = gather.gather([run])
    notes = [line for block in section(report, "Data").blocks if isinstance(block, Bullets) for line in block.lines]
    assert notes == [
        "Fold 3 has no photo of 'female >=60': its macro F1 counts 0 for that class and cannot exceed 0.833."
    ]
    _, lacking = section(report, "Scores").blocks
    (row,) = lacking.rows
    assert row[:3] == ("resnet18", "3", "female >=60")
    assert "F1 is macro F1 over all 6 classes of the task" in section(report, "Scores").blocks[0].note


def test_a_run_alone_has_its_mistakes_and_no_differences(study):
    report = gather.gather(chosen(study)[:1])
    titles = [part.title for part in report.sections]
    assert "Differences" not in titles and "Photos" in titles
    assert report.sentences[0].startswith("ResNet-18 reaches F1")
    assert "Its mistakes" in render.markdown(report)


def test_what_cannot_be_read_or_tells_other_classes_is_named_and_the_rest_is_written(copied):
    """Of the last run the answers are gone, which cost only their sections."""
    _, damaged, last = chosen(copied)
    (damaged.dir / "samples.parquet").write_bytes(b"garbage")
    for fold in range(5):
        last.predictions_file(fold, "best").unlink()
    table = samples(copied, people=30, photos=1, classes=["a", "b"])
    config = {"task": {"name": "label"}}
    make_run(copied, table, "letters", classes=["a", "b"], run_id="20260102-000000-letters-0009", config=config)
    report = gather.gather([*chosen(copied), Run("20260101-000000-nobody-0000", copied)])
    text = render.markdown(report)
    assert f"{damaged.id}: samples.parquet is damaged" in text and "nobody" in text and "gone" in text
    assert "do not tell the same classes" in text
    assert "predictions of a finished fold are gone" in text
    assert "ResNet-101 is better than ResNet-18" in text
    assert [row[0] for row in section(report, "Scores").blocks[0].rows] == ["ResNet-18", "ResNet-101"]


@pytest.mark.parametrize("many", [1, 2])
def test_nothing_finished_is_said(tmp_path, many):
    table = samples(tmp_path, people=30, photos=1)
    for number in range(many):
        states = dict.fromkeys(range(5), "cancelled")
        make_run(tmp_path, table, "early", states=states, run_id=f"20260101-000000-early-000{number}")
    report = gather.gather(chosen(tmp_path))
    assert report.sentences == ["No fold of these runs is finished, so there is nothing to compare yet."]
    assert "<html" in render.html(report)


def test_no_run_at_all(tmp_path):
    with pytest.raises(LabError, match="gone"):
        gather.gather([Run("20260101-000000-nobody-0000", tmp_path)])
    with pytest.raises(LabError, match="no run"):
        gather.gather([])


def test_the_baseline_can_be_chosen(study):
    runs = chosen(study)
    report = gather.gather(runs, baseline=runs[2].id)
    assert "ResNet-18 is worse than ResNet-101" in " ".join(report.sentences)
    with pytest.raises(LabError, match="baseline"):
        gather.gather(runs, baseline="20260101-000000-nobody-0000")


def test_within_decides_what_is_the_same(study):
    assert "within 90 points" in " ".join(gather.gather(chosen(study), within=0.9).sentences)


def write_study(folder):
    study_id = "20260103-000000-depths-0000"
    record = {"id": study_id, "name": "Depths", "description": "Does depth help?", "created": 1.0, "settings": {}}
    record["runs"] = [{"id": run.id, "name": "x", "config": {}} for run in chosen(folder)]
    records.folder_of(folder).mkdir(parents=True)
    files.write_json(records.folder_of(folder) / f"{study_id}.json", record)
    return study_id


def run_cli(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_writes_a_study_with_its_question(copied, tmp_path):
    study_id = write_study(copied)
    out = tmp_path / "out" / "depths.html"
    done = run_cli("report", study_id, "--out", out, "--runs", copied)
    assert done.exit_code == 0, done.output
    assert "ResNet-101 is better than ResNet-18" in done.output and str(out) in done.output
    words = " ".join(read(out.read_text()).words)
    assert "Depths" in words and "Does depth help?" in words
    out = tmp_path / "run.md"
    assert run_cli("report", chosen(copied)[0].id, "--out", out, "--markdown", "--runs", copied).exit_code == 0
    assert out.read_text().startswith("# ResNet-18")


def test_the_command_refuses_what_is_not_there(copied):
    done = run_cli("report", "20260101-000000-nobody-0000", "--runs", copied)
    assert isinstance(done.exception, LabError) and "gone" in str(done.exception)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("a|b", "a\\|b"),
        ("<b>", "&lt;b&gt;"),
        ("*x*", "\\*x\\*"),
        ("- x", "\\- x"),
        ("1. x", "1\\. x"),
        ("https://x.y", "http&#115;://x.y"),
        ("two\nlines", "two lines"),
        ("$x$", "\\$x\\$"),
        ("-1.5 [a]", "-1.5 \\[a\\]"),
    ],
)
def test_markdown_escapes(text, markdown):
    assert render.escaped(text) == markdown


def test_the_names_of_many_runs_do_not_take_the_height_of_the_curves(report, copied):
    assert all(block.half for block in section(report, "Curves").blocks if isinstance(block, Figure))
    for number in range(3, 12):
        shutil.copytree(chosen(copied)[0].dir, copied / f"20260101-0000{number:02}-copy-00{number:02}")
    figures = [block for block in numbers.curves(compare_runs(chosen(copied))).blocks if isinstance(block, Figure)]
    assert len(figures) == 2
    for block in figures:
        layout = block.figure.layout
        assert not block.half and layout.legend.orientation == "v" and layout.legend.x > 1
        assert layout.height >= 12 * 20


def test_runs_are_of_the_same_photos_by_their_content_and_beside_an_older_run_by_their_times(copied):
    first, second, third = chosen(copied)

    def told():
        doubts, *_ = sections._data(compare_runs([first, second, third])).blocks
        return isinstance(doubts, Bullets) and "The runs were not trained on the same photos." in doubts.lines

    for run, time in ((first, "t1"), (second, "t2"), (third, "t1")):  # the second was launched after a touch
        run.update_info(dataset={"fingerprint": "content", "fingerprint_by_time": time})
    assert not told()
    third.update_info(dataset={"fingerprint": "t1"})  # of a lab that kept no hashes
    assert told()  # the times of the second are others, and nobody knows better
    second.update_info(dataset={"fingerprint": "content", "fingerprint_by_time": "t1"})
    assert not told()
    third.update_info(dataset={"fingerprint": "other", "fingerprint_by_time": "t1"})
    assert told()
