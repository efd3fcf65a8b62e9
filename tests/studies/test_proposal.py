"""What is proposed to somebody, from photos, machine, goal and time; and that it can be launched."""

from dataclasses import replace

import numpy as np
import pytest

from core.augment.preview import crop_effects
from core.config import from_dict
from core.config.recipes import all_recipes
from core.studies.proposal import GOALS, MINUTES, Machine, Photos, propose

RECIPES = all_recipes()


def photos(side: int = 512, number: int = 2000, rarest: int = 100) -> Photos:
    return Photos(number, np.full(number, side), np.full(number, side), rarest)


def machine(rate: float | None = None, gpu: str = "", weights: bool = True) -> Machine:
    """rate: images of 64 px a second; larger ones by their pixels."""

    def seconds_of(config):
        height, width = config.input_size
        return None if rate is None else config.epochs * config.folds.count * 2000 / rate * height * width / 64**2

    return Machine(gpu, 2, seconds_of, lambda depth: weights)


def size_and_epochs(proposal):
    config = from_dict(proposal.settings)
    return config.input_size[0], config.epochs


@pytest.mark.parametrize(
    ("minutes", "proposed"), [(None, (128, 25)), (60, (128, 25)), (15, (64, 25)), (4, (64, 10)), (1, (64, 10))]
)
def test_without_a_gpu_the_time_says_how_large_a_quick_answer_may_be(minutes, proposed):
    proposal = propose("quick", minutes, photos(), machine(rate=500), RECIPES)
    assert (proposal.recipe, size_and_epochs(proposal)) == ("quick", proposed)
    assert proposal.reasons[0] == f"No GPU here, 2 cores: Quick at {proposed[0]} px, {proposed[1]} epochs."
    within = "longer than" if minutes == 1 else "within" if minutes else "About"
    assert within in proposal.reasons[1]


def test_the_best_is_as_published_where_it_fits_and_else_the_largest_that_does():
    assert propose("best", None, photos(), machine(rate=500), RECIPES).recipe == "study"
    in_eight_hours = propose("best", 480, photos(), machine(rate=20), RECIPES)
    assert (in_eight_hours.recipe, size_and_epochs(in_eight_hours)) == ("quick", (64, 50))
    assert in_eight_hours.reasons[-1].startswith("Larger would be Quick at 128 px, 25 epochs:")


def test_what_was_never_measured_is_said_and_a_gpu_is_trusted_with_more():
    on_cores, on_a_gpu = (propose("best", 60, photos(), machine(gpu=gpu), RECIPES) for gpu in ("", "NVIDIA L4"))
    assert (on_cores.recipe, size_and_epochs(on_cores)) == ("quick", (64, 25))
    assert on_a_gpu.recipe == "study" and on_a_gpu.reasons[0].startswith("NVIDIA L4 trains here")
    assert all("not known yet" in each.reasons[1] for each in (on_cores, on_a_gpu))


def test_runs_of_a_comparison_share_the_time():
    alone, of_four = (propose("study", 60, photos(), machine(rate=500), RECIPES, runs=runs) for runs in (1, 4))
    assert (size_and_epochs(alone), size_and_epochs(of_four)) == ((128, 25), (64, 25))
    assert "a run, within the 15 min you have" in of_four.reasons[1]


def test_weights_that_are_not_here_are_named_by_their_depth():
    lacking = propose("best", None, photos(), machine(rate=500, weights=False), RECIPES)
    assert lacking.weights == 18
    assert propose("quick", None, photos(), machine(rate=500, weights=False), RECIPES).weights is None


def test_small_photos_are_not_blown_up_and_a_crop_is_fitted_to_them():
    small = propose("quick", None, photos(side=64), machine(rate=500), RECIPES)
    assert size_and_epochs(small) == (64, 25)
    of_200 = photos(side=200)
    published = propose("best", None, of_200, machine(rate=500), RECIPES)
    assert "larger than your photos (200 × 200 px): it is fitted" in " ".join(published.reasons)
    effects = crop_effects(from_dict(published.settings).transforms, of_200.width, of_200.height)
    assert [effect.padded for effect in effects] == [0]


def test_folds_are_no_more_than_the_rarest_class_has_people():
    rare = propose("quick", 15, photos(rarest=3), machine(rate=500), RECIPES)
    assert rare.settings["folds"]["count"] == 3 and "The smallest class has 3 people" in " ".join(rare.reasons)
    assert propose("quick", 15, photos(rarest=1), machine(rate=500), RECIPES).settings["folds"]["count"] == 5


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("minutes", MINUTES)
def test_every_answer_proposes_settings_that_are_valid_and_says_why(goal, minutes):
    for data in (photos(), photos(side=30), replace(photos(), width=np.linspace(20, 900, 2000))):
        for here in (machine(), machine(rate=0.1), machine(rate=1e6, gpu="NVIDIA H100")):
            proposal = propose(goal, minutes, data, here, RECIPES)
            assert from_dict(proposal.settings).model_dump(mode="json") == proposal.settings
            assert len(proposal.reasons) >= 2 and all(reason.endswith(".") for reason in proposal.reasons)


def test_on_a_cluster_what_was_measured_here_is_not_said_to_be_what_it_takes():
    there = replace(machine(), is_elsewhere=True)
    assert (
        "on the cluster is not known before a fold has ended there"
        in propose("quick", 60, photos(), there, RECIPES).reasons[1]
    )
