"""What trust says about maps whose worth is known, and that measuring it changes no network."""

import copy

import cv2
import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from scipy.stats import spearmanr
from sklearn.metrics import auc
from torch import nn

from core.inside import fold_models, trust
from core.inside.cam import LINEAR
from core.inside.fold_models import FoldModel, fold_model, prepare
from core.inside.maps import maps_of
from tests.fold_runs import draw_faces, make_run

pytestmark = pytest.mark.usefixtures("narrow")

SIDE = 40
PLACE = (slice(8, 20), slice(20, 36))


class Bright(nn.Module):
    """Answers class 1 by the brightness of one place, and nothing else."""

    def forward(self, inputs):
        score = inputs[:, :, *PLACE].mean((1, 2, 3))
        return torch.stack([torch.zeros_like(score), score], 1)


@pytest.fixture(scope="module")
def run(narrow, tmp_path_factory):
    root = tmp_path_factory.mktemp("trust")
    yield make_run(root / "runs", draw_faces(root / "utk"), kept=("best",))
    fold_models.free()


@pytest.fixture(scope="module")
def bright(run):
    return FoldModel(run, 0, "best", Bright(), ["dark", "bright"], run.config(), torch.device("cpu"))


@pytest.fixture(scope="module")
def face():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
    pixels[PLACE] = 255 - pixels[PLACE]
    return pixels


@pytest.fixture(scope="module")
def heat():
    """Heat on the place alone, without ties."""
    noise = np.random.default_rng(1).random((SIDE, SIDE)) * 1e-3
    noise[PLACE] += 1
    return noise


def test_a_map_of_what_decides_beats_random_maps_and_its_opposite_loses(bright, face, heat):
    good = trust.faithfulness(bright, face, heat, 1, random_maps=12)
    assert good.beats == 12 and good.gain > 0.1 and good.deletion < good.random_deletion.min()
    bad = trust.faithfulness(bright, face, -heat, 1, random_maps=12)
    assert bad.beats <= 1 and bad.gain < 0 and bad.insertion < good.insertion
    again = trust.faithfulness(bright, face, heat, 1, random_maps=12)
    assert np.array_equal(good.random_deletion, again.random_deletion)


def test_deletion_and_insertion_are_the_areas_of_pictures_made_by_hand(bright, face, heat):
    areas = trust.faithfulness(bright, face, heat, 1, random_maps=1)
    order = sorted(range(SIDE * SIDE), key=lambda i: -heat.ravel()[i])
    blurred = cv2.GaussianBlur(face, (0, 0), SIDE / 10)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])

    def chance(pixels):
        inputs = (pixels.reshape(SIDE, SIDE, 3) / 255 - mean) / std
        return 1 / (1 + np.exp(-inputs[PLACE].mean()))

    curves = {"deletion": [], "insertion": []}
    fractions = (0, *trust.FRACTIONS, 1)
    for fraction in fractions:
        hot = order[: round(fraction * SIDE * SIDE)]
        for name, (under, over) in {"deletion": (face, blurred), "insertion": (blurred, face)}.items():
            pixels = under.reshape(-1, 3).copy()
            pixels[hot] = over.reshape(-1, 3)[hot]
            curves[name].append(chance(pixels))
    assert areas.deletion == pytest.approx(auc(fractions, curves["deletion"]), abs=1e-5)
    assert areas.insertion == pytest.approx(auc(fractions, curves["insertion"]), abs=1e-5)


def test_concentration_is_the_share_of_the_hottest_tenth():
    maps = np.random.default_rng(2).normal(size=(2, 3, 20, 10))
    maps[0, 0], maps[0, 1], maps[0, 2] = 1, -1, 0
    maps[0, 2, 3, 4] = 5
    shares = trust.concentration(maps)
    assert shares[0, 0] == pytest.approx(0.1) and np.isnan(shares[0, 1]) and shares[0, 2] == 1
    heat = sorted(np.maximum(maps[1, 1], 0).ravel(), reverse=True)
    assert shares[1, 1] == pytest.approx(sum(heat[:20]) / sum(heat))


def test_rank_correlation_is_spearmans():
    a, b = np.random.default_rng(3).integers(0, 5, (2, 6, 7)).astype(float)
    assert trust.rank_correlation(a, b) == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic)
    assert np.isnan(trust.rank_correlation(a, np.zeros((6, 7))))


def test_redrawing_goes_from_the_answer_backwards_and_leaves_the_network_alone(run):
    names = run.samples()["sample"].tolist()[:2]
    with fold_model(run, 0) as opened:
        inputs = prepare(run, names)
        before = {key: value.clone() for key, value in opened.model.state_dict().items()}
        state = torch.random.get_rng_state()
        maps = maps_of(opened, inputs, layers=("layer2", "layer4"))
        correlations = trust.randomised(opened, inputs, maps, draws=1)
        assert torch.equal(torch.random.get_rng_state(), state)
        assert all(torch.equal(value, before[key]) for key, value in opened.model.state_dict().items())
        other = copy.deepcopy(opened.model)
    assert correlations.shape == (len(trust.STAGES), 2, 2)
    for number, stage in enumerate((other.fc, other.layer4, other.layer3)):
        trust.redraw(stage, number)
        kept = {}
        for i, layer in enumerate((other.layer2[-1], other.layer4[-1])):
            with GradCAM(other, [layer]) as cam:  # their raw map is not cut off when it is asked for layer by layer
                kept[i] = raw(cam, inputs, maps.targets)
        for face in range(2):
            for i in range(2):
                expected = spearmanr(maps.raw[i][face].ravel(), kept[i][face].ravel()).statistic
                assert correlations[number, face, i] == pytest.approx(abs(expected), abs=1e-3)


class OnePicture(nn.Module):
    """A network that has one picture of a photo: each channel of each layer shows more or less of it, or of its
    opposite, whatever its weights are."""

    def __init__(self):
        super().__init__()
        for number, (before, after) in enumerate(((1, 2), (2, 4), (4, 8), (8, 16)), 1):
            self.add_module(f"layer{number}", nn.Sequential(nn.Conv2d(before, after, 1)))
        self.fc = nn.Linear(16, 2)

    def forward(self, inputs):
        cells = nn.functional.adaptive_avg_pool2d(inputs.mean(1, keepdim=True), 8)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            cells = stage(cells)
        return self.fc(cells.mean((2, 3)))


@pytest.mark.parametrize("method", LINEAR)
def test_a_map_that_only_shows_the_photo_is_never_trusted_however_the_weights_are_redrawn(run, method):
    """A redrawn head turns such a map over in half of the draws."""
    network = OnePicture()
    trust.redraw(network, 1)
    opened = FoldModel(run, 0, "best", network, ["dark", "bright"], run.config(), torch.device("cpu"))
    inputs = torch.rand((2, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    maps = maps_of(opened, inputs, layers=("layer4",), method=method)
    hiding = trust.Faithfulness(0.2, 0.9, np.full(5, 0.2), np.full(5, 0.4))
    for seed in range(4):
        correlations = trust.randomised(opened, inputs, maps, seed=seed)
        np.testing.assert_allclose(correlations, 1, atol=0.02)
        redrawn = dict(zip(trust.STAGES, correlations[:, 0, 0].tolist(), strict=True))
        assert trust.Trust("layer4", 0.3, hiding, redrawn, (8, 8)).verdict == trust.NO_TRUST


def test_a_head_drawn_with_the_opposite_sign_says_the_same(run, monkeypatch):
    names = run.samples()["sample"].tolist()[:2]
    with fold_model(run, 0) as opened:
        inputs = prepare(run, names)
        maps = maps_of(opened, inputs, layers=("layer2", "layer4"))
        correlations = trust.randomised(opened, inputs, maps, draws=2)
        redraw = trust.redraw

        def opposite(part, seed):
            redraw(part, seed)
            with torch.no_grad():
                for module in part.modules():
                    if isinstance(module, nn.Linear):
                        module.weight.neg_()

        monkeypatch.setattr(trust, "redraw", opposite)
        turned = trust.randomised(opened, inputs, maps, draws=2)
    np.testing.assert_allclose(turned, correlations, atol=1e-6)


def raw(cam, inputs, targets):
    asked = [ClassifierOutputTarget(int(t)) for t in targets]
    cam(inputs.clone().requires_grad_(), asked)
    kept = cam.activations_and_grads
    activations, gradients = kept.activations[0].numpy(), kept.gradients[0].numpy()
    return (gradients.mean((2, 3))[:, :, None, None] * activations).sum(1)


def test_a_layer_has_a_word_and_the_figures_it_rests_on(run):
    name = run.samples()["sample"].iloc[0]
    checks = trust.check(run, 0, name, layers=("layer3", "layer4"), random_maps=2)
    assert [one.layer for one in checks] == ["layer3", "layer4"]
    for one in checks:
        assert one.figures[0].startswith(f"better than {one.faithfulness.beats} of 2 random maps")
        assert all(stage in one.figures[1] for stage in trust.STAGES) and "in the hottest tenth" in one.figures[2]
        assert not {"+", "\N{MINUS SIGN}"} & set(one.figures[1]), "a share of the map's order has no sign"
        assert one.verdict in (trust.DOUBT, trust.NO_TRUST), "few cells are never trusted"
        assert one.figures[3] == f"{one.grid[0]} x {one.grid[1]} cells: too few to be trusted"
    seen = fold_models.faces(run, [name])[0]
    upload = trust.check(run, 0, seen, layers=("layer3", "layer4"), random_maps=2)
    assert [(one.verdict, one.figures) for one in upload] == [(one.verdict, one.figures) for one in checks]


@pytest.mark.parametrize(
    ("verdict", "insertion", "kept", "grid", "concentration"),
    [
        (trust.TRUST, 0.9, 0.5, (7, 7), 0.3),
        (trust.DOUBT, 0.65, 0.0, (7, 7), 0.3),  # better than most of the maps moved elsewhere, not than all
        (trust.DOUBT, 0.9, 0.6, (7, 7), 0.3),
        (trust.DOUBT, 0.9, float("nan"), (7, 7), 0.3),  # nobody knows whether it changes
        (trust.NO_TRUST, 0.9, 0.8, (7, 7), 0.3),
        (trust.NO_TRUST, 0.3, 0.0, (7, 7), 0.3),
        (trust.DOUBT, 0.9, 0.9, (7, 6), 0.3),  # of few cells a rank correlation tells nothing
        (trust.NO_TRUST, 0.3, 0.0, (2, 2), 0.3),
        (trust.NO_HEAT, 0.9, 0.0, (7, 7), float("nan")),
    ],
)
def test_the_word_follows_from_hiding_redrawing_and_cells(verdict, insertion, kept, grid, concentration):
    random_insertion = np.array([0.4, 0.5, 0.6, 0.7, 0.4])
    hiding = trust.Faithfulness(0.2, insertion, np.full(5, 0.2), random_insertion)
    redrawn = dict.fromkeys(trust.STAGES[:-1], 0.9) | {trust.STAGES[-1]: kept}
    assert trust.Trust("layer4", concentration, hiding, redrawn, grid).verdict == verdict


def test_a_map_that_beats_all_others_by_nothing_is_in_doubt():
    """As where a network is sure of its answer whatever is hidden."""
    hiding = trust.Faithfulness(0.99, 0.995, np.full(5, 0.99), np.full(5, 0.99))
    assert hiding.beats == 5 and 0 < hiding.gain < trust.LEAST_GAIN
    assert trust.Trust("layer4", 0.3, hiding, dict.fromkeys(trust.STAGES, 0.0), (7, 7)).verdict == trust.DOUBT
