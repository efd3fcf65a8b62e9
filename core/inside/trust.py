"""How far to trust a map: does hiding what is hot change the answer, does the map depend on what was learned, is it
concentrated.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy.stats import rankdata
from torch import nn

from core.inside.cells import LEAST, Grid, drawn, grids_of, in_words, is_coarse
from core.inside.fold_models import FoldModel, faces, fold_model, frozen_samples, normalised
from core.inside.layers import LAYERS
from core.inside.maps import BATCH, Classes, LayerMaps, maps_of
from core.network.drawing import seeded
from core.runs import Run

FRACTIONS = (0.1, 0.25, 0.5, 0.75)  # of the pixels, beside none and all
RANDOM_MAPS = 5
STAGES = ("head", "layer4", "layer3")  # redrawn one after the other, from the answer backwards
# What a rank correlation leaves of a map once the weights behind it are redrawn: its square is the share of the map's
# order that is still there, upside down or not. A redrawn head is as likely to be its own opposite, which turns a map
# over: with its sign, what is only the photo's own would average to nothing. Above half of the order the map shows the
# photo rather than what was learned; up to a quarter little of it does.
MOSTLY, LITTLE = 0.5**0.5, 0.25**0.5
# Of the class's probability, mean over what is hidden and shown. Where the answer hardly moves whatever is hidden, such
# as one of 1.00 that stays 1.00, a map can beat all others by nothing.
LEAST_GAIN = 0.02
TRUST, DOUBT, NO_TRUST, NO_HEAT = "trust", "doubt", "no trust", "no heat"
MEANING = (
    f"{TRUST.capitalize()}: hiding the hottest pixels lowers the answer, and showing only them raises it, more than "
    f"all {RANDOM_MAPS} maps moved elsewhere do (a map that means nothing does so one time in {RANDOM_MAPS + 1}), by "
    f"{LEAST_GAIN:.2f} or more, and the map changes once the weights are redrawn (rank correlation up to "
    f"{LITTLE:.2f}, whatever its sign). {NO_TRUST.capitalize()}: no better than the maps moved elsewhere, or it stays "
    f"the same, or its own opposite, without what was learned (above {MOSTLY:.2f}). "
    f"{DOUBT.capitalize()}: in between, and any map with fewer than {LEAST} x {LEAST} cells. Point at the word for its "
    "figures; concentration is the share of heat in the hottest tenth of the pixels, 10% when it is spread evenly."
)


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the curve of the class's probability, 0 to 1, over the share of pixels.

    deletion: the hottest pixels are hidden first (low is good). insertion: they are shown first (high is good).
    random_deletion, random_insertion: (maps,) the same for random maps of the same smoothness.
    """

    deletion: float
    insertion: float
    random_deletion: np.ndarray
    random_insertion: np.ndarray

    @property
    def gain(self) -> float:
        """Insertion minus deletion, above the mean of the random maps; above 0 is better than chance."""
        return self.insertion - self.deletion - float(np.mean(self.random_insertion - self.random_deletion))

    @property
    def beats(self) -> int:
        """How many of the random maps it is better than."""
        return int((self.insertion - self.deletion > self.random_insertion - self.random_deletion).sum())


@dataclass(frozen=True)
class Trust:
    """What is known about one map. randomised: rank correlation, without its sign, with the map after each of STAGES
    was redrawn.

    grid: rows and columns of its cells.
    """

    layer: str
    concentration: float
    faithfulness: Faithfulness
    randomised: dict[str, float]
    grid: Grid

    @property
    def verdict(self) -> str:
        """All of it in a word; MEANING says when it is which.

        Of a coarse map the redrawn weights tell nothing: by chance alone the rank correlation of 4 cells deviates by
        0.58 (1 / sqrt(n - 1)), of 49 by 0.14. So it is never trusted, and distrusted only for what hiding says.
        """
        if np.isnan(self.concentration):
            return NO_HEAT
        kept = float("nan") if is_coarse(self.grid) else self.randomised[STAGES[-1]]
        if self.faithfulness.gain <= 0 or kept > MOSTLY:
            return NO_TRUST
        beats_all = self.faithfulness.beats == len(self.faithfulness.random_deletion)
        return TRUST if beats_all and self.faithfulness.gain >= LEAST_GAIN and kept <= LITTLE else DOUBT

    @property
    def figures(self) -> tuple[str, ...]:
        """What the verdict rests on, a line each."""
        if self.verdict == NO_HEAT:
            return ("Nothing on the photo speaks for this class here.",)
        chance = self.faithfulness
        redrawn = ", ".join(f"{stage} {_signed(value).lstrip('+')}" for stage, value in self.randomised.items())
        lines = (
            f"better than {chance.beats} of {len(chance.random_deletion)} random maps ({_signed(chance.gain)})",
            f"rank correlation, without its sign, after redrawing {redrawn}",
            f"{self.concentration:.0%} of the heat in the hottest tenth",
        )
        return (*lines, f"{in_words([self.grid])}: too few to be trusted") if is_coarse(self.grid) else lines


def check(
    run: Run,
    fold: int,
    what: str | np.ndarray,
    classes: Classes = "predicted",
    layers: Sequence[str] = LAYERS,
    method: str = "GradCAM",
    which: str = "best",
    *,
    random_maps: int = RANDOM_MAPS,
    device: str | None = None,
) -> list[Trust]:
    """How far to trust each layer's map of one face. what: a sample of the run, or a face as the network gets it.

    Costs 8 x (1 + random_maps) forward passes a layer. Raises LabError as maps.layer_maps does.
    """
    named = isinstance(what, str)
    seen = faces(run, [what])[0] if named else what
    true = frozen_samples(run)["y"].loc[[what]].to_numpy(np.int64) if named else None
    with fold_model(run, fold, which, device) as opened:
        inputs = normalised(opened.config, [seen], opened.device)
        maps = maps_of(opened, inputs, classes, layers, method, true=true)
        redrawn = randomised(opened, inputs, maps)
        as_drawn = drawn(maps)
        curves = [
            faithfulness(opened, seen, heat, int(maps.targets[0]), random_maps=random_maps) for heat in as_drawn[0]
        ]
    tops, grids = concentration(as_drawn)[0], grids_of(maps)
    of_stages = [{stage: float(redrawn[s, 0, i]) for s, stage in enumerate(STAGES)} for i in range(len(layers))]
    return [Trust(layer, float(tops[i]), curves[i], of_stages[i], grids[i]) for i, layer in enumerate(layers)]


def concentration(maps: np.ndarray) -> np.ndarray:
    """Share of heat in the hottest tenth of the pixels, (n, layers); 0.1 for even heat, NaN without heat.

    maps: (n, layers, H, W); negative heat does not count.
    """
    heat = np.maximum(maps, 0).reshape(*maps.shape[:2], -1).astype(np.float64)
    count = max(1, round(heat.shape[2] / 10))
    top = np.partition(heat, -count, axis=2)[..., -count:].sum(2)
    total = heat.sum(2)
    return np.divide(top, total, out=np.full_like(total, np.nan), where=total > 0)


def faithfulness(
    opened: FoldModel, seen: np.ndarray, heat: np.ndarray, target: int, *, random_maps: int = RANDOM_MAPS, seed: int = 0
) -> Faithfulness:
    """Deletion and insertion of one map against random maps. seen: uint8 (H, W, 3). heat: (H, W). target: class index.

    Hidden pixels show the picture blurred. A random map is the same map moved around (with wrap-around) and mirrored
    at random: as smooth and as concentrated, but elsewhere.
    Source: Petsiuk et al. 2018 (RISE), causal metrics.
    """
    rng = np.random.default_rng(seed)
    candidates = [heat] + [_elsewhere(heat, rng) for _ in range(random_maps)]
    blurred = cv2.GaussianBlur(seen, (0, 0), max(seen.shape[:2]) / 10)
    orders = [
        np.lexsort((rng.random(heat.size), -candidate.ravel())) for candidate in candidates
    ]  # ties in no particular order
    pictures = [seen, blurred]
    for order in orders:
        for fraction in FRACTIONS:
            hot = np.zeros(heat.size, bool)
            hot[order[: round(fraction * heat.size)]] = True
            hot = hot.reshape(heat.shape)[..., None]
            pictures += [np.where(hot, blurred, seen), np.where(hot, seen, blurred)]
    answers = _probabilities(opened, pictures)[:, target]
    whole, nothing = answers[:2]
    curves = answers[2:].reshape(len(candidates), len(FRACTIONS), 2)
    places = [0.0, *FRACTIONS, 1.0]
    deletion = [np.trapezoid([whole, *curve[:, 0], nothing], places) for curve in curves]
    insertion = [np.trapezoid([nothing, *curve[:, 1], whole], places) for curve in curves]
    return Faithfulness(float(deletion[0]), float(insertion[0]), np.array(deletion[1:]), np.array(insertion[1:]))


def _elsewhere(heat: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    moved = np.roll(heat, (rng.integers(heat.shape[0]), rng.integers(heat.shape[1])), (0, 1))
    return moved[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]


def _probabilities(opened: FoldModel, pictures: list[np.ndarray]) -> np.ndarray:
    batches = []
    with torch.inference_mode():
        for start in range(0, len(pictures), BATCH):
            logits = opened.model(normalised(opened.config, pictures[start : start + BATCH], opened.device))
            batches.append(logits.double().softmax(1).cpu().numpy())
    return np.concatenate(batches)


def randomised(
    opened: FoldModel, inputs: torch.Tensor, maps: LayerMaps, *, draws: int = 3, seed: int = 0
) -> np.ndarray:
    """Rank correlation, without its sign, of maps with those of the same network after its head, then also layer4, then
    also layer3 were drawn anew; float64 (STAGES, n, layers), 0 to 1, the root of its mean square over draws.

    maps: those of `inputs`. Compared as they come, before negative heat is cut off, at each layer's own size. NaN
    where either map is flat. A map that stays the same shows the picture rather than what was learned.
    Source: Adebayo et al. 2018, cascading randomisation; they tell the correlation with and without its sign.
    """
    versus = None if maps.versus is None else list(maps.versus)
    correlations = np.full((draws, len(STAGES), len(inputs), len(maps.layers)), np.nan)
    for draw in range(draws):
        model = copy.deepcopy(opened.model)
        for number, stage in enumerate(STAGES):
            redraw(model.fc if stage == "head" else getattr(model, stage), seed * 1000 + draw * len(STAGES) + number)
            redrawn = maps_of(opened, inputs, list(maps.targets), maps.layers, maps.method, versus=versus, model=model)
            for layer, (a, b) in enumerate(zip(maps.raw, redrawn.raw, strict=True)):
                correlations[draw, number, :, layer] = [rank_correlation(x, y) for x, y in zip(a, b, strict=True)]
    finite = np.isfinite(correlations)
    count = finite.sum(0)
    total = np.where(finite, correlations**2, 0).sum(0)
    return np.sqrt(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def redraw(part: nn.Module, seed: int) -> None:
    """Give every layer inside new weights as torch draws them for a new network; leaves the global generator alone."""
    with seeded(seed):
        device = next(part.parameters()).device
        part.cpu()
        for module in part.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
        part.to(device)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's correlation of two maps of one shape; NaN where either is flat."""
    x, y = rankdata(a), rankdata(b)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def _signed(value: float) -> str:
    return "none" if np.isnan(value) else f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")
