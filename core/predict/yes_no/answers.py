"""What was answered about photos of yes/no attributes that a run tells one by one: all of them from one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.data.yes_no.pairs import VALUES
from core.predict.members import Member
from core.predict.predictions import Asked, Predictions
from core.runs.yes_no.view import OneAttribute
from core.stats import voting

VOTES = ("soft", "hard")


@dataclass(frozen=True, eq=False)
class YesNoAnswers(Asked):
    """Answers that say yes or no to each attribute of a photo: probabilities of yes."""

    @property
    def attributes(self) -> tuple[str, ...]:
        return self.names

    def probabilities(self) -> np.ndarray:
        """(n, attributes): the mean over the members of each run, then over the runs; NaN where nobody answers."""
        return voting.soft(self.answers, self.run_of)

    def yes(self, thresholds: np.ndarray, vote: str = "soft") -> np.ndarray:
        """int (n, attributes): 1 yes, 0 no, -1 where nobody answers.

        thresholds: (attributes,), above which a probability is a yes. vote: 'soft', by the mean of the probabilities;
        'hard', what most members say, each with one vote and runs alike; a tie goes by the mean.
        """
        if vote not in VOTES:
            raise ValueError(f"vote {vote!r}")
        shares = self.probabilities()
        says_yes = shares > thresholds
        if vote == "hard":
            votes = np.where(np.isnan(self.answers), np.nan, self.answers > thresholds)
            share = voting.soft(votes, self.run_of)
            says_yes = np.where(np.isclose(share, 0.5, rtol=0, atol=1e-12), says_yes, share > 0.5)
        return np.where(np.isnan(shares), -1, says_yes.astype(np.int64))

    def agreeing(self, thresholds: np.ndarray, yes: np.ndarray) -> np.ndarray:
        """int (n, attributes): how many members say the same as `yes`, see there."""
        asked = ~np.isnan(self.answers)
        return (((self.answers > thresholds) == (yes == 1)) & asked).sum(axis=0)

    def disagreement(self) -> np.ndarray:
        """(n,): see voting.mutual_information, the mean over the attributes, in bits; NaN where nobody answers."""
        of_each = [
            voting.mutual_information(np.stack([1 - self.answers[..., place], self.answers[..., place]], axis=-1))
            for place in range(len(self.names))
        ]
        return np.mean(of_each, axis=0)

    def of(self, attribute: str) -> Predictions:
        """The answers of one attribute as those of runs that tell it alone, with the classes no and yes."""
        of_yes = self.answers[..., self.names.index(attribute)]
        seen = {run: OneAttribute(run, attribute) for run in self.runs}
        return Predictions(
            self.photos,
            tuple(Member(seen[member.run], member.fold) for member in self.members),
            VALUES,
            np.stack([1 - of_yes, of_yes], axis=-1),
            self.acquaintances,
            self.problems,
            self.features,
            self.notes,
        )
