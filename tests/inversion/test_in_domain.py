"""In-domain inversion: its regulariser by hand, its start, and what it does to a lost encoder."""

from __future__ import annotations

import pytest
import torch

from hw5.config import LossWeights
from hw5.inversion.in_domain import WEIGHTS, InDomain, domain_regulariser, refine
from hw5.kit.checks import InputError
from hw5.latents import render
from hw5.losses import Criterion
from hw5.checking.fakes import LAYERS, SIZE, WIDTH, LinearGenerator, SmallFeatures, fixed_draw
from tests.inversion.small import agrees_with_finite_differences, linear_encoder
from tests.tolerances import assert_close

SQUARED_ERROR = Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0))


@pytest.fixture
def generator():
    return LinearGenerator()


@pytest.fixture
def codes():
    return 0.3 * fixed_draw(32, 2, LAYERS, WIDTH)


@pytest.fixture
def pictures(generator, codes):
    with torch.no_grad():
        return render(generator, codes, "w+")


@pytest.fixture
def photographs():
    """Pictures that the linear generator cannot make exactly."""
    return torch.tanh(0.4 * fixed_draw(20, 2, 3, SIZE, SIZE))


def off_by(amount, encoder):
    return lambda images: encoder(images) + amount


def test_an_encoder_that_inverts_the_generator_costs_nothing(generator, codes, pictures):
    domain = domain_regulariser(codes, pictures, linear_encoder(generator))
    assert_close(domain, torch.zeros(2, dtype=torch.float64), "float64")


def test_a_code_that_is_read_wrong_by_2_in_every_entry_costs_4(generator, codes, pictures):
    lost = off_by(2.0, linear_encoder(generator))
    assert_close(domain_regulariser(codes, pictures, lost), 4.0, "float64")


def test_the_weight_of_a_mean_is_that_of_a_sum_divided_by_the_entries(generator, codes, pictures):
    lost = off_by(fixed_draw(33, LAYERS, WIDTH), linear_encoder(generator))
    as_sum = (codes - lost(pictures)).square().sum(dim=(1, 2))
    expected = 2.0 / (LAYERS * WIDTH) * as_sum
    assert_close(2.0 * domain_regulariser(codes, pictures, lost), expected, "float64")


def test_the_regularisers_gradient_goes_through_encoder_and_generator(generator, codes):
    encoder = linear_encoder(generator)

    def loss(code):
        return domain_regulariser(code, render(generator, code, "w+"), lambda x: encoder(x).tanh())

    assert agrees_with_finite_differences(loss, codes)


def test_the_search_starts_at_the_encoders_codes(generator, photographs):
    encoder = linear_encoder(generator)
    found = refine(
        generator,
        photographs,
        encoder=encoder,
        criterion=SQUARED_ERROR,
        settings=InDomain(num_steps=1),
    )
    assert_close(found.code, encoder(photographs), "float64")


def test_generated_pictures_are_found_again_from_a_careless_encoder(generator, pictures, codes):
    careless = off_by(0.2, linear_encoder(generator))
    found = refine(
        generator,
        pictures,
        encoder=careless,
        criterion=SQUARED_ERROR,
        settings=InDomain(num_steps=400, domain=0.0),
    )
    assert_close(found.code, codes, "bfloat16")


def test_the_loss_is_the_criterion_plus_the_weighted_regulariser(generator, photographs):
    lost = off_by(0.1, linear_encoder(generator))
    found = refine(
        generator,
        photographs,
        encoder=lost,
        criterion=SQUARED_ERROR,
        settings=InDomain(num_steps=10, domain=0.5),
    )
    domain = domain_regulariser(found.code, found.image, lost)
    expected = SQUARED_ERROR(found.image, photographs).total + 0.5 * domain
    assert_close(found.loss, expected, "float64")


def test_the_regulariser_keeps_the_code_where_the_encoder_reads_it_back(generator, photographs):
    encoder = linear_encoder(generator)
    half_blind = lambda images: 0.5 * encoder(images)  # noqa: E731

    def misread(domain):
        found = refine(
            generator,
            photographs,
            encoder=half_blind,
            criterion=SQUARED_ERROR,
            settings=InDomain(num_steps=150, domain=domain),
        )
        return domain_regulariser(found.code, found.image, half_blind)

    assert (misread(2.0) < 0.5 * misread(0.0)).all()


def test_what_lies_outside_the_mask_has_no_say_in_the_loss(generator, photographs, codes):
    mask = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.float64)
    mask[..., 2:6, 2:6] = 1
    weights = LossWeights(pixel=1.0, norm="l2", perceptual=0.5)
    others = torch.where(mask > 0, photographs, -photographs)
    found = [
        refine(
            generator,
            target,
            encoder=linear_encoder(generator),
            criterion=Criterion(weights, features=SmallFeatures()),
            start=codes,
            mask=mask,
            settings=InDomain(num_steps=10),
        )
        for target in (photographs, others)
    ]
    assert torch.equal(found[0].code, found[1].code)
    assert torch.equal(found[0].loss, found[1].loss)


def test_a_picture_is_found_the_same_alone_and_in_company(generator, photographs):
    def codes_of(targets):
        return refine(
            generator,
            targets,
            encoder=off_by(0.1, linear_encoder(generator)),
            criterion=SQUARED_ERROR,
            settings=InDomain(num_steps=20),
        ).code

    assert_close(codes_of(photographs)[1:], codes_of(photographs[1:]), "float64")


def test_an_encoder_into_w_is_refused(generator, photographs):
    into_w = lambda images: torch.zeros(len(images), 1, WIDTH, dtype=torch.float64)  # noqa: E731
    with pytest.raises(InputError, match="start"):
        refine(generator, photographs, encoder=into_w, criterion=SQUARED_ERROR)


def test_the_settings_are_those_of_the_released_code():
    settings = InDomain()
    assert (settings.num_steps, settings.learning_rate, settings.domain) == (100, 0.01, 2.0)
    assert (WEIGHTS.pixel, WEIGHTS.norm, WEIGHTS.layers) == (1.0, "l2", ("conv4_3",))


def test_a_negative_weight_is_refused():
    with pytest.raises(InputError, match="domain"):
        InDomain(domain=-1)
