"""The fastest search: exact on quadratics, each picture by itself, its metric measured right."""

from __future__ import annotations

import pytest
import torch

from hw5 import latents
from hw5.checking.fakes import (
    LAYERS,
    PIXELS,
    SIZE,
    WIDTH,
    LinearGenerator,
    fixed_draw,
    least_squares,
)
from hw5.config import LossWeights
from hw5.inversion.curvature import Curvature, measure_curvature
from hw5.inversion.fastest import Fastest, fastest
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.losses import Criterion
from tests.inversion.small import random_pictures, tiny_generator

CRITERION = Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0))


@pytest.fixture
def pictures():
    return torch.tanh(0.4 * fixed_draw(20, 2, 3, SIZE, SIZE))


def search(generator, target, **more):
    return fastest(generator, target, criterion=CRITERION, rng=seeding.make(0), **more)


def exact_curvature(generator):
    """Of a linear generator: 2 A'A / (number of pixels), known without measuring."""
    matrix = generator.matrix.detach().permute(1, 0, 2).reshape(PIXELS, LAYERS * WIDTH)
    return 2 * matrix.T @ matrix / PIXELS


def as_curvature(matrix):
    values, basis = torch.linalg.eigh(matrix)
    return Curvature(basis.flip(1), values.flip(0))


def test_with_the_exact_curvature_a_quadratic_takes_one_step(pictures):
    generator = LinearGenerator()
    settings = Fastest(num_evaluations=2, damping=1e-9, first_share=1.0)
    curvature = as_curvature(exact_curvature(generator))
    found = search(generator, pictures, curvature=curvature, settings=settings)
    start = latents.mean_code(generator, "w+", rng=seeding.make(0))
    wanted = least_squares(generator, pictures[:1], start)
    torch.testing.assert_close(found.code[:1], wanted, rtol=1e-5, atol=1e-5)


def test_without_curvature_a_quadratic_of_15_dimensions_takes_ten_evaluations(pictures):
    generator = LinearGenerator()
    found = search(generator, pictures, settings=Fastest(num_evaluations=10))
    start = latents.mean_code(generator, "w+", rng=seeding.make(0))
    wanted = CRITERION(
        generator.synthesize(least_squares(generator, pictures[1:], start)), pictures[1:]
    )
    torch.testing.assert_close(found.loss[1:], wanted.total.detach(), rtol=1e-10, atol=0)


def test_descent_is_the_inverse_of_the_damped_curvature():
    matrix = fixed_draw(1, 12, 12)
    matrix = matrix @ matrix.T
    gradient = fixed_draw(2, 3, 4, 3)
    curvature = as_curvature(matrix)
    floor = 0.1 * curvature.values[0]
    wanted = torch.linalg.solve(
        matrix + floor * torch.eye(12, dtype=matrix.dtype), gradient.flatten(1).T
    ).T
    found = curvature.descent(gradient, 0.1)
    torch.testing.assert_close(found.flatten(1), wanted)
    assert found.shape == gradient.shape


def test_the_measured_curvature_is_that_of_a_linear_generator():
    generator = LinearGenerator()
    found = measure_curvature(generator, CRITERION, num_probes=20_000, rank=15, batch_size=2000,
                              rng=seeding.make(0))  # fmt: skip
    rebuilt = found.basis * found.values @ found.basis.T
    wanted = exact_curvature(generator)
    assert (rebuilt - wanted).norm() < 0.05 * wanted.norm()


def test_a_lower_rank_keeps_the_largest_values():
    generator = LinearGenerator()

    def measure(rank):
        return measure_curvature(
            generator, CRITERION, num_probes=50, rank=rank, rng=seeding.make(0)
        )

    few, all_of_them = measure(4), measure(15)
    assert few.basis.shape == (15, 4)
    torch.testing.assert_close(few.values, all_of_them.values[:4])
    assert (all_of_them.values.diff() <= 0).all()


def test_pictures_of_a_batch_do_not_influence_each_other():
    generator, target = tiny_generator(), random_pictures(3)
    settings = Fastest(num_evaluations=12)
    together = search(generator, target, settings=settings)
    alone = search(generator, target[1:2], settings=settings)
    torch.testing.assert_close(together.loss[1:2], alone.loss, rtol=1e-6, atol=0)


def test_the_loss_falls_and_belongs_to_image_and_code():
    generator, target = tiny_generator(), random_pictures(2)
    found = search(generator, target, settings=Fastest(num_evaluations=12))
    assert (found.loss < 0.8 * torch.tensor(found.history[0].losses)).all()
    assert found.loss.tolist() == [
        min(losses) for losses in zip(*(step.losses for step in found.history), strict=True)
    ]
    image = latents.render(generator, found.code, "w+")
    torch.testing.assert_close(found.image, image, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.loss, CRITERION(image, target).total)


def test_an_encoder_says_where_to_start(pictures):
    generator = LinearGenerator()
    codes = fixed_draw(40, 2, LAYERS, WIDTH)
    found = search(
        generator, pictures, encoder=lambda _: codes, settings=Fastest(num_evaluations=1)
    )
    assert torch.equal(found.code, codes) and found.evaluations == 1


def test_an_encoder_of_the_wrong_shape_is_refused(pictures):
    with pytest.raises(InputError, match="code"):
        search(LinearGenerator(), pictures, encoder=lambda x: x.flatten(1))


def test_a_step_that_is_not_a_number_is_taken_back(pictures):
    """A loss that breaks down away from the start, once: the search goes on from where it was."""
    calls = []

    def breaks(image, target, mask, delta):
        calls.append(image)
        found = CRITERION(image, target, mask, delta)
        return found._replace(total=found.total * torch.nan) if len(calls) == 2 else found

    found = fastest(
        LinearGenerator(), pictures, criterion=breaks, rng=seeding.make(0),
        settings=Fastest(num_evaluations=6),
    )  # fmt: skip
    assert (found.loss < 0.9 * torch.tensor(found.history[0].losses)).all()  # NaN is not


def test_a_cancelled_search_returns_the_start_it_scored(pictures):
    found = search(LinearGenerator(), pictures, should_stop=lambda: True)
    assert found.stopped == "cancelled" and found.evaluations == 1


def test_in_bfloat16_what_is_compared_keeps_its_digits_and_the_search_its_way():
    generator, target = tiny_generator().float(), random_pictures(2).float()
    losses = {}
    for precision in ("float32", "bfloat16"):
        settings = Fastest(num_evaluations=12, precision=precision)
        found = search(generator, target, settings=settings)
        assert found.image.dtype == found.loss.dtype == torch.float32
        losses[precision] = found.loss
    assert not torch.equal(losses["bfloat16"], losses["float32"])  # it did run in other numbers
    torch.testing.assert_close(losses["bfloat16"], losses["float32"], rtol=0.05, atol=0)


def test_a_precision_that_is_none_is_refused():
    with pytest.raises(InputError, match="bfloat16"):
        Fastest(precision="half")
