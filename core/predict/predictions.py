"""What the networks of an ensemble answered about photos. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.errors import LabError
from core.predict.known import Acquaintance
from core.predict.members import Member
from core.predict.photos import Photo
from core.runs import Run
from core.stats import voting

VOTES = ("soft", "hard", "weighted")
SHARES_OF_VOTES = "Answers are combined by votes: what is told as a probability is the share of the votes."


@dataclass(frozen=True, eq=False)
class Asked:
    """What was asked about n photos, and what came back.

    names: of the classes, or of yes/no attributes that are told one by one. answers: float64 (members, n, names), in
    that order; NaN where a member was not asked: a photo that cannot be read, and members that were trained on the
    photo or on the person in it. By the photo's row, acquaintances: what the runs know of it; problems: why nobody
    answers. By the member's place, features: what its head took for the photos, float32 (n, features), of the members
    of which that was asked. notes: how the table or folder of the photos was understood, and why runs may know more of
    them than is told.
    """

    photos: tuple[Photo, ...]
    members: tuple[Member, ...]
    names: tuple[str, ...]
    answers: np.ndarray
    acquaintances: dict[int, tuple[Acquaintance, ...]] = field(default_factory=dict)
    problems: dict[int, LabError] = field(default_factory=dict)
    features: dict[int, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(dict.fromkeys(member.run for member in self.members))

    @property
    def run_of(self) -> list[int]:
        """Of each member, the place of its run."""
        runs = self.runs
        return [runs.index(member.run) for member in self.members]

    @property
    def is_answered(self) -> np.ndarray:
        """(n,) bool: whether any member was asked about the photo."""
        return ~np.isnan(self.answers[..., 0]).all(axis=0)

    def known_in_words(self, row: int) -> str:
        """What the runs know of a photo; "" where they have seen neither it nor the person in it."""
        several = len(self.runs) > 1
        of_photo = self.acquaintances.get(row, ())
        return "; ".join(f"{each.run.id}: {each.words}" if several else each.words for each in of_photo)


@dataclass(frozen=True, eq=False)
class Predictions(Asked):
    """Answers that choose one of several classes: probabilities that sum to 1 in each photo."""

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.names

    def probabilities(self, vote: str = "soft", weights: np.ndarray | None = None) -> np.ndarray:
        """(n, classes): the members' answers made one; NaN where nobody answers.

        vote: 'soft', the mean of the probabilities, of each run and then of the runs; 'hard', the share of the votes;
        'weighted', as soft, the runs by their weights (runs,), see weights.fitted.
        """
        if vote not in VOTES or (vote == "weighted") != (weights is not None):
            raise ValueError(f"vote {vote!r} with weights {weights}")
        if vote == "hard":
            return voting.hard(self.answers, self.run_of)
        return voting.soft(self.answers, self.run_of, weights)

    def means(self, weights: np.ndarray | None = None) -> np.ndarray:
        """(n, classes): the mean of the probabilities, whatever is voted: for who takes them for probabilities and
        scores them, to whom the share of a few votes, such as 0, is not one. weights: as of `probabilities`.
        """
        return self.probabilities("soft" if weights is None else "weighted", weights)

    def classes(self, vote: str = "soft", weights: np.ndarray | None = None) -> np.ndarray:
        """(n,) the index of the class that is answered, -1 where nobody answers; votes that tie go by their mean."""
        tie = self.probabilities() if vote == "hard" else None
        return voting.chosen(self.probabilities(vote, weights), tie)
