"""The ablation's grid is the student report's, and cells that share a batch do not touch."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch

from hw5.config import LossWeights
from hw5.inversion.ablation import RowCriterion, check_cell, run_batch, spelled_layers
from hw5.inversion.ablation_grid import (
    Cell,
    Grid,
    batches_of,
    cells_of,
    key_of,
    overridden,
    studies_of,
)
from hw5.kit.checks import InputError
from hw5.latents import render
from hw5.losses import Criterion
from hw5.checking.fakes import LinearGenerator, SmallFeatures, fixed_draw

CELL = Cell(
    picture="test", generator="linear", space="w+", num_mean=4, layers="conv_1_1-conv_2_1",
    perceptual=0.5, optimiser="adam", penalty=0.1, norm="l2", evaluations=12, learning_rate=0.1,
    seed=0,
)  # fmt: skip


@pytest.fixture
def target():
    return torch.tanh(0.4 * fixed_draw(20, 1, 3, 8, 8))


def mean_error(output, target):
    return (output - target).abs().mean(dim=(1, 2, 3))


def outcomes(cells, target, **more):
    return run_batch(
        cells, LinearGenerator(), target, features=SmallFeatures(), ruler=mean_error, **more
    )


# ---------------------------------------------------------------- the grid


def test_the_default_studies_are_those_of_the_report():
    studies = studies_of(Grid(pictures=("chelsea",)))
    assert {c.layers for c in studies["layers"]} == {
        "conv_1_1-conv_1_2", "conv_2_1-conv_3_2", "conv_1_1-conv_3_1",
    }  # fmt: skip
    assert {c.perceptual for c in studies["layers"]} == {0.5}
    assert sorted(c.perceptual for c in studies["weights"]) == [0, 0.3, 0.5, 0.7, 1]
    places = {(c.generator, c.space) for c in studies["space and start"]}
    assert places == {("stylegan2", s) for s in ("w+", "w", "z")} | {("dcgan", "z")}
    assert {c.num_mean for c in studies["space and start"]} == {0, 10, 10_000}
    assert [c.optimiser for c in studies["optimiser"]] == ["adam", "lbfgs"]
    cells = cells_of(Grid())
    assert {c.penalty for c in cells} == {0.1} and {c.evaluations for c in cells} == {1000}


def test_a_study_varies_its_own_axis_alone():
    for cells in studies_of(Grid(pictures=("test",))).values():
        rest = [replace(c, layers="", perceptual=0, generator="", space="", num_mean=0,
                        optimiser="", learning_rate=0) for c in cells]  # fmt: skip
        assert len(set(rest)) == 1


def test_the_product_holds_every_combination_once():
    grid = Grid(design="product", pictures=("a", "b"), layers=("x-y", "y-z"), perceptual=(0.5, 1.0),
                spaces=("w+", "w"), means=(0, 10), optimisers=("adam", "lbfgs"))  # fmt: skip
    assert len(cells_of(grid)) == 2**6


def test_layers_without_weight_make_no_cells_of_their_own():
    grid = Grid(design="product", pictures=("a",), perceptual=(0.0,), spaces=("w",), means=(0,),
                optimisers=("adam",))  # fmt: skip
    assert len(cells_of(grid)) == 1


def test_no_cell_is_listed_twice():
    cells = cells_of(Grid())
    assert len(cells) == len(set(cells))


def test_the_rate_belongs_to_the_optimiser():
    rates = {c.optimiser: c.learning_rate for c in cells_of(Grid())}
    assert rates == {"adam": 0.003, "lbfgs": 1.0}


def test_batches_hold_every_cell_once_and_cells_that_fit_together():
    cells = cells_of(Grid())
    batches = batches_of(cells, 4)
    assert sorted(map(repr, (c for b in batches for c in b))) == sorted(map(repr, cells))
    for batch in batches:
        assert len(batch) <= (1 if batch[0].optimiser == "lbfgs" else 4)
        assert len({replace(c, num_mean=0, perceptual=0, penalty=0) for c in batch}) == 1


def test_a_key_tells_cells_apart_by_every_setting_and_by_what_they_refer_to():
    keys = {key_of(CELL, {"target": "a"}), key_of(CELL, {"target": "b"})}
    for field in fields(Cell):
        value = getattr(CELL, field.name)
        other = value + "x" if isinstance(value, str) else value + 1
        keys.add(key_of(replace(CELL, **{field.name: other}), {"target": "a"}))
    assert len(keys) == 2 + len(fields(Cell))


def test_a_key_is_the_same_in_every_process():
    assert key_of(CELL, {}) == key_of(replace(CELL), {})
    assert len(key_of(CELL, {})) == 16


def test_what_is_set_holds_over_the_quick_grid():
    grid = overridden(Grid(evaluations=7), Grid.quick())
    assert grid == replace(Grid.quick(), evaluations=7)


@pytest.mark.parametrize(
    "bad",
    [
        {"design": "all"}, {"perceptual": (1.5,)}, {"perceptual": ()}, {"means": (-1,)},
        {"means": (1, 1)}, {"spaces": ("v",)}, {"optimisers": ("sgd",)}, {"penalty": -1.0},
        {"evaluations": 0}, {"batch_size": 0}, {"norm": "l3"}, {"learning_rate": 0.0},
    ],
    ids=str,
)  # fmt: skip
def test_a_grid_that_cannot_be_meant_is_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        Grid(**bad)


# ---------------------------------------------------------------- the cells


def test_the_loss_of_each_row_is_that_of_a_criterion_with_its_weights(target):
    cells = [replace(CELL, perceptual=p, penalty=q) for p, q in ((0.3, 0.1), (1.0, 0.0))]
    features, images = SmallFeatures(), fixed_draw(1, 2, 3, 8, 8)
    delta = fixed_draw(2, 2, 3, 5)
    total = RowCriterion(cells, features)(images, target, None, delta).total
    for row, cell in enumerate(cells):
        weights = LossWeights(pixel=1 - cell.perceptual, perceptual=cell.perceptual, norm="l2",
                              penalty=cell.penalty,
                              layers=("conv_1_1", "conv_1_2", "conv_2_1"))  # fmt: skip
        usual = Criterion(weights, features=features)
        alone = usual(images[row : row + 1], target, None, delta[row : row + 1]).total
        torch.testing.assert_close(total[row : row + 1], alone)


def test_a_cell_ends_alike_alone_and_in_company(target):
    company = [CELL, replace(CELL, perceptual=1.0), replace(CELL, num_mean=0)]
    together = outcomes(company, target)
    for cell, shared in zip(company, together, strict=True):
        (alone,) = outcomes([cell], target)
        torch.testing.assert_close(shared.image, alone.image)
        assert shared.loss == pytest.approx(alone.loss)
        for ours, theirs in zip(shared.curve, alone.curve, strict=True):
            assert ours == pytest.approx(theirs)
        assert (shared.evaluations, shared.shared_by) == (alone.evaluations, 3)


def test_image_loss_terms_and_rulers_belong_together(target):
    first, second = outcomes([CELL, replace(CELL, perceptual=1.0)], target)
    for found in (first, second):
        assert sum(found.terms.values()) == pytest.approx(found.loss)
        error = (found.image.clamp(-1, 1) - target).square().mean()
        assert found.psnr == pytest.approx(float(10 * torch.log10(4 / error)))
        assert found.lpips == pytest.approx(float(mean_error(found.image.clamp(-1, 1), target)))
    assert second.terms["pixel"] == 0


def test_a_cell_keeps_to_its_budget(target):
    (adam,) = outcomes([CELL], target)
    (lbfgs,) = outcomes([replace(CELL, optimiser="lbfgs", learning_rate=1.0)], target)
    assert adam.evaluations == 12
    assert lbfgs.evaluations <= 12 + 11  # a begun line search is ended
    assert lbfgs.stopped in ("evaluations", "plateau")
    assert lbfgs.curve[-1] == (lbfgs.evaluations, pytest.approx(lbfgs.loss))


def test_a_long_curve_is_thinned_and_keeps_its_end(target):
    (found,) = outcomes([replace(CELL, evaluations=120)], target)
    assert len(found.curve) <= 50
    assert found.curve[-1] == (120, pytest.approx(found.loss))


def test_a_stopped_batch_says_so(target):
    (found,) = outcomes([CELL], target, should_stop=lambda: True)
    assert found.stopped == "cancelled"
    start = render(LinearGenerator(), torch.zeros(1, 3, 5, dtype=torch.float64), "w+")
    assert found.image.shape == start.shape


@pytest.mark.parametrize("words", ["conv_1_1-conv_2_1", "conv1_1-conv2_1"])
def test_layers_are_found_under_either_spelling(words):
    assert spelled_layers(SmallFeatures(), words) == ("conv_1_1", "conv_1_2", "conv_2_1")


@pytest.mark.parametrize("words", ["conv_1_1", "conv_9_9-conv_1_1", "conv_2_1-conv_1_1"])
def test_layers_that_are_not_there_are_refused(words):
    with pytest.raises(InputError, match=r"layers|first"):
        check_cell(replace(CELL, layers=words), LinearGenerator(), SmallFeatures())


def test_a_space_that_the_generator_lacks_is_refused():
    generator = LinearGenerator()
    generator.spaces = ("z",)
    with pytest.raises(InputError, match="spaces"):
        check_cell(CELL, generator, SmallFeatures())
