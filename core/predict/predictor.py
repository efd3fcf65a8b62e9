"""New photos answered by the networks of finished runs: every photo as validation saw the run's own.

What is wrong with a run is told before a photo is read; networks are opened, and torch is imported, with the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.errors import LabError
from core.predict.known import Acquaintance, Known
from core.predict.members import members_of, names_of, orders_of_names
from core.predict.photos import Photo
from core.predict.predictions import Predictions
from core.predict.yes_no.answers import YesNoAnswers
from core.runs import Run
from core.runs.everybody.unmeasured import NOBODY, measured_by
from core.runs.yes_no.view import OneAttribute, attributes

WHICH = "best"  # the weights that answer, where nobody says otherwise


class Predictor:
    """The networks of one or several finished runs of the same classes, asked together.

    members: in the order of the runs and their folds. names: the classes of the first run, or the attributes that it
    tells one by one, as one_by_one says; answers of the others are put into that order.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        *,
        folds: Sequence[int] | None = None,
        which: str = WHICH,
        views: Sequence[str] = (),
        device: str | None = None,
    ):
        """folds: those to ask, in each run; all if None. which: 'best' or 'final' weights. views: test-time
        augmentation, see answering.VIEWS. device: 'cpu', 'cuda'; None for a GPU on which nobody trains, else the CPU.

        Raises LabError: 'gone', 'classes' where runs tell different ones apart, 'fold' for one that a run does not
        have, 'unfinished', 'checkpoint' where weights are gone.
        """
        if not runs:
            raise LabError("predict: no run is chosen.", "Choose a finished run.", kind="config")
        runs = list(dict.fromkeys(runs))
        self.names = names_of(runs[0])
        self.one_by_one = bool(attributes(runs[0]))
        self._order = dict(zip(runs, orders_of_names(runs, self.names), strict=True))
        self.members = tuple(member for run in runs for member in members_of(run, folds, which))
        self.which, self.views, self.device = which, tuple(views), device
        self._known: dict[Run, Known] = {}

    def answer(
        self,
        photos: Sequence[Photo],
        progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        features_of: Sequence[int] = (),
        held_out_only: bool = True,
    ) -> Predictions | YesNoAnswers:
        """What every member answers about every photo; torch is imported now.

        progress(done, total): photos read and answers given; what it raises ends everything, and nothing is kept.
        features_of: places of members whose features are kept. held_out_only: leave members out that were trained on
        the photo or on the person in it; False where photos are known to be new.
        Raises LabError as fold_model does; what is wrong with one photo is in the problems.
        """
        from core.predict import answering

        who = np.ones((len(self.members), len(photos)), dtype=bool)
        acquaintances, problems, notes = self._acquaintances(photos, who) if held_out_only else ({}, {}, ())
        asked = np.flatnonzero(who.any(axis=0))
        answered = answering.answers(
            self.members,
            [photos[row].pixels for row in asked],
            who=who[:, asked],
            which=self.which,
            views=self.views,
            features_of=features_of,
            device=self.device,
            progress=progress,
        )
        answers = np.full((*who.shape, len(self.names)), np.nan)
        for place, member in enumerate(self.members):
            answers[place, asked] = answered.probabilities[place][:, self._order[member.run]]
        features = {}
        for place, of_asked in answered.features.items():
            features[place] = np.full((len(photos), of_asked.shape[1]), np.nan, dtype=np.float32)
            features[place][asked] = of_asked
        problems |= {int(asked[row]): fault for row, fault in answered.faults.items()}
        kind = YesNoAnswers if self.one_by_one else Predictions
        return kind(tuple(photos), self.members, self.names, answers, acquaintances, problems, features, notes)

    def _acquaintances(
        self, photos: Sequence[Photo], who: np.ndarray
    ) -> tuple[dict[int, tuple[Acquaintance, ...]], dict[int, LabError], tuple[str, ...]]:
        """(what the runs know of photos; why none of their members may answer; where it is not certain that they know
        nothing). Strikes members out of `who`."""
        acquaintances: dict[int, tuple[Acquaintance, ...]] = {}
        problems: dict[int, LabError] = {}
        strangers: dict[Run, list[Photo]] = {run: [] for run in self._order}
        for run in self._order:
            if run not in self._known:
                # A photo that does not tell the attribute was trained on all the same.
                self._known[run] = Known(run.whole if isinstance(run, OneAttribute) else run)
        for row, photo in enumerate(photos):
            met = {run: each for run, of_run in self._known.items() if (each := of_run.of(photo)) is not None}
            for run in strangers.keys() - met.keys():
                strangers[run].append(photo)
            if not met:
                continue
            acquaintances[row] = tuple(met.values())
            for place, member in enumerate(self.members):
                who[place, row] = member.run not in met or met[member.run].left_out_by(member.fold)
            if not who[:, row].any():
                problems[row] = _trained_on(photo, acquaintances[row][0])
        notes = [note for run, of_run in self._known.items() for note in of_run.notes(strangers[run])]
        return acquaintances, problems, tuple(dict.fromkeys(notes))


def _trained_on(photo: Photo, met: Acquaintance) -> LabError:
    """Why no network may answer about a photo."""
    if met.fold == NOBODY:
        parent = measured_by(met.run)
        return LabError(
            f"photo {photo.name}: {met.words}: {met.run.id} was trained on everybody, so its answer proves nothing.",
            f"Ask the cross-validated run {parent}, or show it somebody new.",
            kind="trained-on",
        )
    if met.copy is not None:
        return LabError(
            f"photo {photo.name}: {met.words}.",
            "Show it somebody new; or leave one of the two photos out and train again.",
            kind="trained-on",
        )
    return LabError(
        f"photo {photo.name}: {met.words}, but is not among the folds that are asked.",
        "Ask all folds.",
        kind="trained-on",
    )
