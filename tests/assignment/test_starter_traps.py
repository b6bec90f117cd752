"""Mistakes known from the course's starter code and from submissions: none can be made here.

One test per trap, named for the trap. The parts on diffusion have their own.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hw5.checking.fakes import LAYERS, WIDTH, SmallFeatures, fixed_draw
from hw5.config import Drawing, LossWeights, Projection
from hw5.draw import draw
from hw5.latents import broadcast_layers, render, sample_noise
from hw5.losses import Criterion, PerceptualLoss, pixel_loss
from hw5.objective import Objective
from hw5.projector import lbfgs_closure, project
from hw5.search import lbfgs
from tests.tolerances import assert_close

CODE = Path(__file__).resolve().parents[2] / "hw5"
NAMES = ("losses", "latents", "objective", "search", "projector", "interpolate", "draw")
FILES = [CODE / f"{name}.py" for name in NAMES]
SHORT = Projection(space="w+", num_steps=15, num_mean=0)


class CountedNames(SmallFeatures):
    """Twelve layers named by number: sorted as text, conv_10 would come before conv_2."""

    layer_names = tuple(f"conv_{i}" for i in range(1, 13))

    def __init__(self):
        nn.Module.__init__(self)
        self.asked = ()

    def forward(self, images, layers):
        self.asked = layers
        return {name: images * int(name.split("_")[1]) for name in layers}


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_the_result_is_not_rendered_without_delta(
    optimiser, generator, picture, squared_error, rng
):
    settings = replace(SHORT, optimiser=optimiser)
    result = project(generator, picture, criterion=squared_error, settings=settings, rng=rng)
    start = render(generator, result.start, "w+").detach()
    assert squared_error(result.image, picture).total < 0.8 * squared_error(start, picture).total
    again = render(generator, result.start + result.delta, "w+", noise=result.noise)
    assert_close(result.image, again.detach(), "float64")


def test_the_images_reach_the_feature_network_as_they_are(picture, other):
    """In [-1, 1]: the network normalises them itself, so nobody can forget to, or do it twice."""
    network = CountedNames()
    loss = PerceptualLoss(network, ("conv_1",))
    assert_close(loss(picture, other), (picture - other).square().mean()[None], "float64")


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_no_function_depends_on_a_global_that_only_a_main_guard_defines(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert not any(isinstance(node, ast.Global) for node in ast.walk(tree))
    assert "__main__" not in file.read_text(encoding="utf-8")
    assigned = {n.id for node in tree.body if isinstance(node, ast.Assign) for n in node.targets}
    assert all(name.isupper() or name in ("State", "Score") for name in assigned)


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_everything_follows_the_device_of_the_generator(space, generator, rng):
    """On the device without data every operation with a tensor from elsewhere would fail."""
    generator.to("meta")
    codes = sample_noise(generator, space, 2, num_mean=3, rng=rng)
    assert codes.device.type == "meta"
    assert render(generator, codes, space).device.type == "meta"


def test_evaluations_and_not_steps_are_what_a_budget_counts(generator, picture, squared_error, rng):
    results = [
        project(
            generator, picture, criterion=squared_error, rng=rng,
            settings=replace(SHORT, optimiser=optimiser, num_steps=1000, max_evaluations=6),
        )
        for optimiser in ("adam", "lbfgs")
    ]  # fmt: skip
    longest_step = SHORT.line_search_evaluations + 2
    for result in results:
        assert 6 <= result.evaluations < 6 + longest_step
    assert len(results[1].history) < 6 == len(results[0].history)


def test_layers_are_not_sorted_as_text(picture, other):
    network = CountedNames()
    loss = PerceptualLoss(network, ("conv_10", "conv_2", "conv_1"))
    loss(picture, other)
    assert network.asked == ("conv_1", "conv_2", "conv_10")


def test_no_layer_is_off_by_one(picture, other):
    squared = (picture - other).square().mean()
    for number in (1, 5, 12):
        loss = PerceptualLoss(CountedNames(), {f"conv_{number}": 1.0})
        assert_close(loss(picture, other), number**2 * squared[None], "float64")


def test_weights_stay_with_their_layers_when_they_are_put_in_order(picture, other):
    squared = (picture - other).square().mean()
    loss = PerceptualLoss(CountedNames(), {"conv_10": 0.5, "conv_2": 3.0})
    assert_close(loss(picture, other), (0.5 * 100 + 3 * 4) * squared[None], "float64")


@pytest.mark.parametrize("side", [1, 2, 5, 8])
def test_the_weight_of_a_scribble_does_not_depend_on_its_area(side):
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :side, :side] = 1
    output, target = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.5)
    assert pixel_loss(output, target, mask).item() == pytest.approx(0.5)
    perceptual = PerceptualLoss(CountedNames(), ("conv_1", "conv_3"))
    assert perceptual(output, target, mask).item() == pytest.approx((1 + 9) / 2 * 0.25)


def test_a_masked_border_is_no_edge_to_the_network(features, picture, mask):
    """Multiplying pictures by the mask would draw the mask's outline into the features."""
    loss = PerceptualLoss(features)
    assert_close(loss(picture, picture.clone(), mask), torch.zeros(1), "exact")
    black = torch.where(mask > 0, picture, 0)
    assert_close(loss(picture, black, mask), torch.zeros(1), "exact")


def test_masks_do_not_compound_from_layer_to_layer(features, picture, other, mask):
    loss = {name: PerceptualLoss(features, {name: 1.0}) for name in features.layer_names}
    together = PerceptualLoss(features, dict.fromkeys(features.layer_names, 1.0))
    singly = sum(loss[name](picture, other, mask) for name in features.layer_names)
    assert_close(together(picture, other, mask), singly, "float64")


def test_the_mask_of_a_layer_is_the_share_of_its_cells(picture, mask):
    class Halves(CountedNames):
        def forward(self, images, layers):
            return {name: F.avg_pool2d(images, 2) for name in layers}

    seen = torch.where(mask > 0, -picture, picture)
    cells = F.avg_pool2d(picture - seen, 2).square()
    share = F.avg_pool2d(mask, 2).expand_as(cells)
    expected = (cells * share).sum() / share.sum()
    loss = PerceptualLoss(Halves(), ("conv_1",))
    assert_close(loss(picture, -picture, mask), expected[None], "float64")


@pytest.mark.parametrize("count", [1, 2, 4])
def test_w_has_a_layer_axis_for_every_batch_size(count, generator, rng):
    w = sample_noise(generator, "w", count, num_mean=3, rng=rng)
    assert w.shape == (count, 1, WIDTH)
    assert broadcast_layers(w, LAYERS).shape == (count, LAYERS, WIDTH)
    singly = torch.cat([render(generator, code, "w") for code in w.split(1)])
    assert_close(render(generator, w, "w"), singly, "float64")


def test_the_drawing_respects_the_sketch_it_is_given(generator, mask, rng):
    criterion = Criterion(LossWeights(pixel=1, norm="l2", perceptual=0))
    settings = Drawing(num_steps=80, space="w+", num_typical=100)
    for code in (fixed_draw(71, 1, LAYERS, WIDTH), fixed_draw(72, 1, LAYERS, WIDTH)):
        sketch = render(generator, code, "w+").detach().clamp(-1, 1)
        drawn = draw(generator, sketch, mask, criterion=criterion, settings=settings, rng=rng)
        away = (drawn.image - sketch).square() * mask
        assert away.sum() / mask.sum() / 3 < 0.01


def test_the_closure_changes_nothing_but_gradients(generator, picture, squared_error):
    start = fixed_draw(70, 1, LAYERS, WIDTH) * 30  # pictures far outside [-1, 1]
    settings = replace(SHORT, optimiser="lbfgs")
    objective = Objective(generator, picture, squared_error, start, settings)
    before = [picture.clone(), objective.start.clone(), objective.delta.detach().clone()]
    version = objective.delta._version
    lbfgs_closure(lbfgs(objective.variables, settings), objective)()
    now = [picture, objective.start, objective.delta.detach()]
    for old, new in zip(before, now, strict=True):
        assert_close(new, old, "exact")
    assert objective.delta._version == version, "something was clamped or written in place"
