"""What a run leaves behind: the only file that knows the names inside runs/<id>/. Imports no torch.

Readers never raise on what a running or killed worker left half-way; writers write whole files.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import shutil
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from core.config import RunConfig
from core.config.run_config import read_config
from core.data.persons import COLUMN, Persons, persons_of, with_known
from core.data.persons import from_record as persons_from_record
from core.data.pictures.photo import bits_of, with_bits
from core.data.yes_no import pairs
from core.errors import LabError
from core.places import lab_folder, runs_folder
from core.runs import deaths, origins
from core.runs.everybody.unmeasured import check_held_out
from core.runs.metrics_file import read_all, read_metrics
from core.runs.moves import moved
from core.runs.names import given
from core.runs.states import FoldState, check_fold, slim
from core.runs.summary import written_or_rebuilt
from core.storage import files, locks, parquet
from core.storage.files import GARBAGE

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


def check_id(run_id: str) -> str:
    """The id, or LabError: the one place where ids from addresses, commands and files are checked."""
    if not isinstance(run_id, str) or not ID.fullmatch(run_id):
        text = repr(run_id[:80] if isinstance(run_id, str) else run_id)
        raise LabError(f"{text} is not a run id.", "An id is made of a-z, 0-9 and hyphens.", kind="bad-id")
    return run_id


class Run:
    """Paths and contents of one run folder; holds no state of its own."""

    def __init__(self, run_id: str, folder: Path | None = None):
        self.id = check_id(run_id)
        self.dir = (folder or runs_folder()) / run_id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self.dir == other.dir

    def __hash__(self) -> int:
        return hash(self.dir)

    def __repr__(self) -> str:
        return f"Run({self.id!r})"

    @property
    def key(self) -> str:
        """What names the run, or the part of it that this is, wherever it is opened: see yes_no.view.opened."""
        return self.id

    # paths
    @property
    def config_file(self) -> Path:
        return self.dir / "config.yaml"

    @property
    def info_file(self) -> Path:
        """Facts of the run: its versions, classes, colour and the weights and devices that were used."""
        return self.dir / "run.json"

    @property
    def notes_file(self) -> Path:
        """Another name, tags, note and archive mark that people gave the run; absent until they do."""
        return self.dir / "notes.json"

    @property
    def log_file(self) -> Path:
        return self.dir / "worker.log"

    @property
    def samples_file(self) -> Path:
        """The frozen samples, never rewritten."""
        return self.dir / "samples.parquet"

    @property
    def moved_file(self) -> Path:
        """Where the dataset lies by now; absent until somebody said that it moved."""
        return self.dir / "moved.json"

    @property
    def touched_file(self) -> Path:
        """Remembers which touched photos were read and found to be the same; beside the runs, made anew where it is
        gone."""
        return lab_folder(self.dir.parent) / "touched" / f"{self.id}.json"

    @property
    def test_file(self) -> Path:
        """The frozen test photos, never rewritten and never trained on; absent where the dataset set none aside."""
        return self.dir / "test.parquet"

    @property
    def test_predictions_file(self) -> Path:
        """What the folds answered about the test photos; absent until somebody asked for the score."""
        return self.dir / "test_predictions.parquet"

    @property
    def test_looks_file(self) -> Path:
        """When the score on the test photos was shown to somebody who asked; absent until then."""
        return self.dir / "test_looks.json"

    def extras_file(self, place: str) -> Path:
        """What the folds answered in several ways about test or held-out photos, with how long they took; absent until
        somebody asked what extras bring, and made anew."""
        part = "" if self.key == self.id else f"_{hashlib.sha256(self.key.encode()).hexdigest()[:8]}"
        return self.dir / f"extras_{place}{part}.npz"

    @property
    def frozen_features_file(self) -> Path:
        """What the features of the run's first weights tell with a logistic regression, see answers/frozen_features.py;
        absent until somebody asked what training earned, and made anew."""
        return self.dir / "frozen_features.parquet"

    @property
    def package_file(self) -> Path:
        """The run packaged to be used without the lab, as its page makes it; absent until somebody asked for it."""
        return self.dir / "package.zip"

    @property
    def dropped_file(self) -> Path:
        """What of the run was dropped on purpose to make room, see kept/dropped.py; absent until somebody did."""
        return self.dir / "dropped.json"

    @property
    def corrections_file(self) -> Path:
        """The label corrections that were applied when the run was frozen; absent where there were none."""
        return self.dir / "corrections.csv"

    @property
    def summary_file(self) -> Path:
        """What a list reads of the run; can be made anew at any time."""
        return self.dir / "summary.json"

    def fold_dir(self, fold: int) -> Path:
        return self.dir / "folds" / str(int(fold))

    def metrics_file(self, fold: int) -> Path:
        return self.fold_dir(fold) / "metrics.csv"

    def state_file(self, fold: int) -> Path:
        return self.fold_dir(fold) / "state.json"

    def progress_file(self, fold: int) -> Path:
        return self.fold_dir(fold) / "progress.json"

    def last_file(self, fold: int) -> Path:
        return self.fold_dir(fold) / "last.pt"

    def starts_file(self, fold: int) -> Path:
        return self.fold_dir(fold) / "starts.json"

    def attempts_file(self, fold: int) -> Path:
        """Which nodes of a cluster trained the fold; absent where none did."""
        return self.fold_dir(fold) / "attempts.json"

    def weights_file(self, fold: int, which: str) -> Path:
        """which: 'best' or 'final'."""
        return self.fold_dir(fold) / f"{_which(which)}.safetensors"

    def predictions_file(self, fold: int, which: str) -> Path:
        return self.fold_dir(fold) / f"predictions_{_which(which)}.parquet"

    def features_file(self, fold: int, which: str) -> Path:
        """What the fold's network sees in each of the run's photos; absent until somebody asks, and made anew."""
        return self.fold_dir(fold) / f"features_{_which(which)}.npz"

    def written_alone(self) -> contextlib.AbstractContextManager[None]:
        """Nobody else writes summary.json, run.json or notes.json meanwhile. Raises LabError(kind 'locked')."""
        return locks.held(self.dir / "summary.lock", f"run '{self.id}'", timeout=30)

    def fold_lock(self, fold: int) -> FileLock:
        """Held by the process that trains the fold; the operating system frees it on any death."""
        return locks.lock(self.fold_dir(fold) / "lock")

    def cancel_file(self, fold: int) -> Path:
        return self.fold_dir(fold) / "cancel"

    # contents
    def exists(self) -> bool:
        """Also where this account may not look, or the disk does not answer: whoever reads it says so."""
        try:
            return stat.S_ISREG(self.config_file.stat().st_mode)
        except OSError as error:
            return files.out_of_reach(error)

    def require(self) -> Run:
        if not self.exists():
            raise LabError(
                f"run '{self.id}' is gone.", "It was deleted or never existed; pick another run.", kind="gone"
            )
        return self

    def config(self) -> RunConfig:
        """As it was frozen, but for the dataset's folder where that has moved, and the name where it was renamed.

        Yes/no attributes that an older lab left to the dataset are named, too.
        """
        self.require()
        frozen = read_config(self.config_file, f"{self.id}/config.yaml", frozen=True)
        if frozen.task.one_by_one and not frozen.task.attributes:
            task = frozen.task.model_copy(update={"attributes": self._attributes()})
            frozen = frozen.model_copy(update={"task": task})
        return given.config(moved.config(frozen, self.moved_file), self.notes_file)

    def _attributes(self) -> list[str]:
        """Those that the run tells one by one: run.json names them, and where it is lost the samples do."""
        with contextlib.suppress(OSError, *GARBAGE):
            names = files.read_json(self.info_file)["class_names"]  # info() may be of one of them alone
            attributes = [name.removesuffix(f" {pairs.VALUES[0]}") for name in names[::2]]
            if pairs.class_names(attributes) == names:
                return attributes
        table = self._table(self.samples_file, lambda path: pq.read_schema(path).empty_table().to_pandas())
        return pairs.attributes_of(table)

    def samples(self) -> pd.DataFrame:
        """The frozen samples, where they lie now: the samples table with y, class_name and fold.

        Raises LabError as `config` does, and 'unreadable' for a file that is gone or damaged.
        """
        table = self.require()._photos(self.samples_file)
        return table if COLUMN in table else with_known(table, self.config().data)

    def test_photos(self) -> pd.DataFrame | None:
        """The frozen test photos, where they lie now: the samples table with y and class_name; None without any.

        Raises LabError(kind 'unreadable') for a damaged file.
        """
        path = self.require().test_file
        return self._photos(path) if path.is_file() else None

    def _photos(self, path: Path) -> pd.DataFrame:
        """A frozen table of photos, where they lie now."""
        return self._table(path, lambda path: moved.photos(with_bits(parquet.read(path)), self.moved_file))

    def _table(
        self, path: Path, read: Callable[[Path], pd.DataFrame], remedy: str = "Copy it back from a backup."
    ) -> pd.DataFrame:
        """What `read` makes of a table that lies in the folder. remedy: for one that is damaged or gone."""
        try:
            return read(path)
        except MemoryError:
            raise
        except (OSError, pa.ArrowException, *GARBAGE) as error:
            self.require()  # the whole run may have gone meanwhile
            what = f"is damaged ({type(error).__name__})"
            if isinstance(error, FileNotFoundError):
                what = "is gone"
            elif files.out_of_reach(error):
                what, remedy = f"cannot be read ({error.strerror})", files.CHECK
            name = path.relative_to(self.dir).as_posix()
            raise LabError(f"{self.id}: {name} {what}.", remedy, kind="unreadable") from error

    def photos_version(self) -> tuple[int, ...]:
        """Changes when samples() or test_photos() does: a key for what was computed from them."""
        paths = (self.samples_file, self.test_file, self.moved_file)
        return tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in paths)

    def asked_version(self) -> tuple:
        """Changes with what was asked of the run once its folds had ended: the score of its test photos, what extras
        bring, a baseline; a key for what was written of it."""
        asked = [self.test_predictions_file, self.test_looks_file, self.frozen_features_file]
        asked += sorted(self.dir.glob("extras_*.npz"))
        return tuple((path.name, path.stat().st_mtime_ns) for path in asked if path.is_file())

    def bits(self) -> int:
        """What new photos of more than 8 bits are scaled by, as the run's own were: `load_image` takes it."""
        return bits_of(self.samples())

    def persons(self) -> Persons:
        """How far it is known whom the photos show, as recorded at the launch, else from the frozen samples."""
        return persons_from_record(self.info().get("persons")) or persons_of(self.samples())

    def ancestors(self) -> pd.DataFrame | None:
        """person, fold of everyone that the parent's line held out; None for a run without a parent.

        Raises LabError(kind 'unreadable') for a damaged file.
        """
        path = self.require().dir / "ancestry.parquet"
        return self._table(path, lambda path: parquet.read(path)[["person", "fold"]]) if path.is_file() else None

    def info(self) -> dict[str, Any]:
        self.require()
        return files.read_json(self.info_file)

    def update_info(self, **values: Any) -> None:
        """Add facts that only the worker knows (device, weights used) to run.json."""
        with self.written_alone():
            files.write_json(self.info_file, {**self.info(), **values})

    def folds(self) -> list[int]:
        with contextlib.suppress(FileNotFoundError):
            return sorted(int(p.name) for p in (self.dir / "folds").iterdir() if p.name.isdigit())
        return []

    def fold_state(self, fold: int) -> FoldState:
        """The written state, with `interrupted` derived: running while nobody holds the fold's lock."""
        written = self.written_state(fold)
        if written.state == "running" and not is_locked(self.fold_lock(fold)):
            again = self.written_state(fold)  # it may have ended between the two looks
            if again.state == "running":
                return deaths.judged(self, again)
            return again
        return written

    def written_state(self, fold: int) -> FoldState:
        try:
            return self.state_in_reach(fold)
        except OSError as error:
            reason = f"state.json cannot be read ({error.strerror})"
            return FoldState(fold=fold, state="failed", reason=reason, remedy=files.CHECK)

    def state_in_reach(self, fold: int) -> FoldState:
        """The same; OSError where it is out of reach, for whoever writes down what it says."""
        try:
            data = files.read_json(self.state_file(fold))
            check_fold(data)
            return FoldState(**{k: v for k, v in data.items() if k in FoldState.__dataclass_fields__})
        except FileNotFoundError:
            return FoldState(fold=fold)
        except (OSError, *GARBAGE) as error:
            if files.out_of_reach(error):
                raise
            return FoldState(fold=fold, state="failed", reason="state.json is unreadable", remedy="Resume the fold.")

    def states(self) -> list[FoldState]:
        return [self.fold_state(fold) for fold in self.folds()]

    def done_folds(self) -> list[int]:
        """Those that came to their end. Others may have answered too, half-trained, and would mislead in its scores."""
        return [state.fold for state in self.states() if state.state == "done"]

    def write_state(self, state: FoldState) -> None:
        files.write_json(self.state_file(state.fold), vars(state))
        self.write_summary()

    def write_summary(self) -> None:
        """summary.json from the fold states: all that a list needs. Written under a lock, so no update is lost."""
        with self.written_alone():
            if (summary := written_or_rebuilt(self)) is not None:  # else the states are whole without it
                folds = [self._listed(fold, summary["folds"]) for fold in self.folds()]
                files.write_json(self.summary_file, {**summary, "folds": folds})

    def _listed(self, fold: int, before: list[dict[str, Any]]) -> dict[str, Any]:
        """What a list reads of a fold; as it stood before where its state is out of reach."""
        try:
            return slim(self.state_in_reach(fold))
        except OSError:
            return next((each for each in before if each["fold"] == fold), slim(self.written_state(fold)))

    def sweep(self, fold: int) -> None:
        """Remove what killed writers left half-written; only for the holder of the fold's lock."""
        with self.written_alone():
            for path in (*self.dir.glob(".*.tmp"), *self.fold_dir(fold).glob(".*.tmp")):
                path.unlink(missing_ok=True)

    def progress(self, fold: int) -> dict[str, Any]:
        """epoch, epochs, step, steps, split, images_per_second, eta_seconds; empty when nothing is known."""
        try:
            progress = files.read_json(self.progress_file(fold))
        except (OSError, ValueError):
            return {}
        return progress if isinstance(progress, dict) else {}

    def metrics(self, fold: int) -> pd.DataFrame:
        return read_metrics(self.metrics_file(fold))

    def all_metrics(self) -> pd.DataFrame:
        """Every fold's metrics with a leading `fold` column."""
        return read_all({fold: self.metrics_file(fold) for fold in self.folds()})

    def predictions(self, fold: int, which: str = "best") -> pd.DataFrame:
        """What a fold answered about whom it held out.

        Raises LabError: 'missing' where it has not answered yet, 'everybody', 'mixed', 'unreadable'.
        """
        path = self.predictions_file(fold, which)
        if not path.is_file():
            check_held_out(self)
            raise LabError(
                f"{self.id}: fold {fold} has no {which} predictions yet.", "Let the fold finish.", kind="missing"
            )
        origins.check(self, fold, which)
        return self._table(path, parquet.read, "Copy it back from a backup, or train the run again.")

    def log_tail(self, lines: int = 40, limit: int = 64_000) -> str:
        """The last lines of worker.log; reads at most `limit` bytes."""
        try:
            with open(self.log_file, "rb") as stream:
                stream.seek(max(0, stream.seek(0, io.SEEK_END) - limit))
                text = stream.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def log(self, message: str) -> None:
        with contextlib.suppress(OSError), open(self.log_file, "a", encoding="utf-8") as stream:
            stream.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {message}\n")

    def delete(self) -> None:
        shutil.rmtree(self.dir)


def is_locked(lock: FileLock) -> bool:
    """Whether some process holds the lock; looks without taking it."""
    return locks.is_held(Path(lock.lock_file))


def _which(which: str) -> str:
    if which not in ("best", "final"):
        raise LabError(f"checkpoint '{which}' is not known.", "Use 'best' or 'final'.", kind="bad-id")
    return which
