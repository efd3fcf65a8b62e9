"""Checkpoints of a fold: plain tensors and primitives, written whole, in the background, in order."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
import torch

from core.errors import LabError, out_of_memory
from core.runs import Run, origins
from core.runs.origins import Origin, pending
from core.storage import files


class Arrival:
    """When what was copied from a device before is here. is_here() waits for nothing."""

    def __init__(self, device: torch.device):
        self._event = torch.cuda.Event(blocking=True) if device.type == "cuda" else None
        if self._event is not None:
            self._event.record(torch.cuda.current_stream(device))

    def is_here(self) -> bool:
        return self._event is None or self._event.query()

    def wait(self) -> None:
        if self._event is not None:
            self._event.synchronize()


def snapshot(value: Any) -> Any:
    """A copy on the CPU of every tensor in nested dicts and lists: training may go on while it is written.

    Of a GPU's tensors it comes without a wait, into pinned memory, and is whole only after an Arrival made then.
    """
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True, non_blocking=value.is_cuda)
    if isinstance(value, dict):
        return {key: snapshot(item) for key, item in value.items()}
    if isinstance(value, list):
        return [snapshot(item) for item in value]
    return value


def save_last(path: Path, state: dict[str, Any]) -> None:
    files.write_whole(path, lambda stream: torch.save(state, stream))


def save_weights(path: Path, model_state: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    contiguous = {key: value.contiguous() for key, value in model_state.items()}
    files.write_whole(path, lambda stream: stream.write(safetensors.torch.save(contiguous, metadata)))


def save_predictions(path: Path, frame: pd.DataFrame, origin: Origin | None = None) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if origin:
        metadata = {**table.schema.metadata, origins.KEY: json.dumps(origin.metadata())}
        table = table.replace_schema_metadata(metadata)
    files.write_whole(path, lambda stream: pq.write_table(table, stream))


def token_of(model_state: dict[str, torch.Tensor]) -> str:
    """A digest of a network by its tensors, for one that answered nobody who was held out: see origins.Origin."""
    digest = hashlib.sha256()
    for name in sorted(model_state):
        digest.update(name.encode())
        digest.update(model_state[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def outcome_files(run: Run, fold: int, which: str) -> tuple[Path, Path]:
    """(weights, predictions) of 'best' or 'final'."""
    return run.weights_file(fold, which), run.predictions_file(fold, which)


def save_pending(
    run: Run, fold: int, which: str, model_state, predictions: pd.DataFrame | None, origin: Origin
) -> None:
    """Write weights and predictions beside those in use; `publish` puts them in place. predictions: None where nobody
    was held out.
    """
    weights_file, predictions_file = outcome_files(run, fold, which)
    # A copy of the file still tells whose it is: ancestry.check_copy refuses it as first weights of all folds.
    metadata = {**origin.metadata(), "run": run.id, "fold": str(fold)}
    save_weights(pending(weights_file), model_state, metadata)
    if predictions is not None:
        save_predictions(pending(predictions_file), predictions, origin)


def publish(run: Run, fold: int, which: str) -> None:
    """Put what waits in place: only after the resume point that names it. Nothing is done twice."""
    for path in outcome_files(run, fold, which):
        with contextlib.suppress(FileNotFoundError):
            os.replace(pending(path), path)


def discard(run: Run, fold: int, which: Iterable[str]) -> None:
    """Remove what waits and is named by no resume point."""
    for path in (path for one in which for path in outcome_files(run, fold, one)):
        pending(path).unlink(missing_ok=True)


def settle(run: Run, fold: int, named: dict[str, Origin | None]) -> None:
    """Finish or undo what a killed worker had begun.

    named: the outcomes that the resume point names, by 'best' and 'final'. What waits and is named is put in place;
    anything else that waits is of an epoch that never was.
    """
    for which, origin in named.items():
        weights_file, predictions_file = outcome_files(run, fold, which)
        for path, read in ((weights_file, origins.of_weights), (predictions_file, origins.of_predictions)):
            if origin is not None and read(pending(path)) == origin:
                os.replace(pending(path), path)
            else:
                pending(path).unlink(missing_ok=True)


def load_last(path: Path, device: torch.device) -> dict[str, Any] | None:
    """The resume point, None where there is none. Raises LabError: a checkpoint is never unpickled."""
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except OSError:
        raise  # rights, a disk that is gone: the file may be good, and must not be said to be deleted
    except Exception as error:  # any parser error of untrusted bytes means the same thing to a person
        if out_of_memory(error):
            raise
        raise LabError(
            f"checkpoint: {path} cannot be read as plain tensors ({type(error).__name__}).",
            "Delete the file to train this fold from its start.",
            kind="checkpoint",
        ) from error


def check_fits(path: Path, state: Any, model: torch.nn.Module) -> None:
    """Raises LabError(kind 'checkpoint') naming keys and shapes in which a resume point and a network differ."""
    network_state = model.state_dict()
    given = state.get("model") if isinstance(state, dict) else None
    wrong = []
    if not isinstance(given, dict) or not {"epoch", "phase", "best", "optimizer"} <= state.keys():
        wrong = ["it holds no resume point of this lab"]
    else:
        wrong += [f"{key} is missing" for key in network_state if key not in given]
        wrong += [f"{key} is unknown" for key in given if key not in network_state]
        wrong += [
            f"{key} is {tuple(given[key].shape)} in the file, {tuple(value.shape)} in the network"
            for key, value in network_state.items()
            if key in given and given[key].shape != value.shape
        ]
    if wrong:
        more = f" and {len(wrong) - 3:,} more" if len(wrong) > 3 else ""
        raise LabError(
            f"checkpoint: {path} does not fit this network: {'; '.join(wrong[:3])}{more}.",
            "Put this fold's own file back, or delete it to train the fold from its start.",
            kind="checkpoint",
        )


class Writer:
    """One background thread that keeps the order of what it writes; an error surfaces at the next call."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "checkpoint")
        self._pending: tuple[Future, Callable[[], None]] | None = None

    def submit(self, write: Callable[[], None], written: Callable[[], None] = lambda: None) -> None:
        """Run write() after everything submitted before; waits for the one before, so at most one copy is held.

        written(): called once write() has ended well, by the next call of poll, submit, wait or close.
        """
        self.wait()
        self._pending = self._pool.submit(write), written

    def poll(self) -> None:
        """wait() where nothing has to be waited for."""
        if self._pending is not None and self._pending[0].done():
            self.wait()

    def wait(self) -> None:
        if self._pending is not None:
            (pending, written), self._pending = self._pending, None
            pending.result()
            written()

    def close(self) -> None:
        self._pool.shutdown(wait=True)
        if self._pending is not None and self._pending[0].exception() is None:
            self.wait()
