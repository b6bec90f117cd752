"""The promise of the table: a factor changes pixels only inside the parts that it names.

Looked at before and after the change, widened by two pixels of 64. What is drawn thinner than a
pixel (slits between lids) may count as another part, so eyes are open where their colour changes.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch

from hw5.world import FACTORS, PARTS, Factors, Picture, neutral, render
from hw5.world.factors import BY_NAME, sample

SIZE, WIDENED, LEVEL = 64, 2, 1 / 127.5
ALLOWED = 3 * LEVEL  # change outside


def another(factor, value):
    """A clearly different value of a factor."""
    step = 1.0 if factor.unit == "choice" else 0.4 * (factor.high - factor.low)
    return value + step if value + step <= factor.high else value - step


class Changes(NamedTuple):
    """A cat, and the same cat with each factor in turn at another value: factors and pictures."""

    which: str
    cat: Factors
    changed: Factors
    before: Picture
    after: Picture

    def row(self, row):
        return Picture(self.after.image[[row]], self.after.segmentation[[row]])


@pytest.fixture(scope="module", params=["neutral", "random", "dressed"])
def changes(request, cats):
    cat = {
        "neutral": neutral(stripes=0.7),
        "random": cats.select([0]).replace(eye_openness=0.8),
        "dressed": cats.select([1]),
    }[request.param]
    changed = cat.select([0] * len(FACTORS))
    for row, factor in enumerate(FACTORS):
        changed.table[row, row] = another(factor, changed.table[row, row].item())
    return Changes(request.param, cat, changed, render(cat, SIZE), render(changed, SIZE))


def widen(mask):
    return torch.nn.functional.max_pool2d(mask, 2 * WIDENED + 1, stride=1, padding=WIDENED) > 0


def promised(factor, before, after):
    """Where a factor may change the picture, `(1, 1, H, W)`."""
    masks = [picture.mask(part) for picture in (before, after) for part in factor.region]
    return widen(torch.stack(masks).amax(0))


def hairs(cat, picture):
    """Where whiskers leave a trace, found by taking them away."""
    shaved = render(cat.replace(whiskers=0), SIZE).image
    return widen(((picture.image - shaved).abs().amax(1, keepdim=True) > ALLOWED).float())


def test_each_factor_changes_only_the_parts_it_names(changes):
    broken = []
    for row, factor in enumerate(FACTORS):
        one = changes.row(row)
        away = (one.image - changes.before.image).abs().amax(1, keepdim=True)
        outside = (away > ALLOWED) & ~promised(factor, changes.before, one)
        if outside.any() and "whiskers" in factor.region:
            outside &= ~hairs(changes.cat, changes.before)
            outside &= ~hairs(changes.changed.select([row]), one)
        if outside.any():
            most = away[outside].max() / LEVEL
            broken.append(f"{factor.name}: {int(outside.sum())} pixels, up to {most:.0f}/255")
    assert not broken, "\n".join(broken)


def test_each_factor_changes_something(changes):
    away = (changes.after.image - changes.before.image).abs().amax((1, 2, 3))
    idle = {factor.name for factor, most in zip(FACTORS, away, strict=True) if most <= ALLOWED}
    switched_off = {
        factor.name
        for factor in FACTORS
        if factor.only_if and changes.cat[factor.only_if].item() == 0
    }
    assert idle == switched_off


def test_whiskers_stay_beside_the_nose():
    cat = neutral()
    picture = render(cat, SIZE)
    rows = hairs(cat, picture)[0, 0].any(1).nonzero().flatten()
    nose = picture.mask("nose")[0, 0].any(1).nonzero().flatten().float().mean()
    assert (rows - nose).abs().max() < SIZE / 5


@pytest.mark.parametrize("name", ["eye_distance", "nose_length"])
def test_factors_fixed_in_training_do_change_the_picture(changes, name):
    after = changes.row(FACTORS.index(BY_NAME[name])).image
    assert ((after - changes.before.image).abs().amax(1) > 20 * LEVEL).sum() > 20


def test_iris_colour_stays_inside_the_open_eyes_even_when_they_are_shut():
    shut = neutral(2, eye_openness=0.08, eye_hue=torch.tensor([50.0, 210.0]))
    before, after = render(shut, SIZE).image
    wide = render(neutral(eye_openness=1.0), SIZE)
    eyes = promised(BY_NAME["eye_hue"], wide, wide)[0, 0]
    assert (after - before).abs().amax(0)[~eyes].max() <= ALLOWED


def test_the_promises_differ():
    assert len({factor.region for factor in FACTORS}) > 5
    assert all(factor.region < set(PARTS) for factor in FACTORS)


def test_no_background_shows_through_the_inside_of_a_cat():
    """Also where fur is at its roughest: between its tufts there is skin."""
    rng = torch.Generator().manual_seed(3)
    cats = sample(6, rng=rng).replace(fur_roughness=1.0, background=0, background_saturation=0.0)
    dark, bright = (render(cats.replace(background_brightness=b), 96) for b in (0.0, 1.0))
    backdrop = torch.maximum(*(p.mask("background") for p in (dark, bright)))
    inside = ~widen(widen(backdrop).float())
    moved = (bright.image - dark.image).abs().amax(1, keepdim=True)[inside]
    assert len(moved) > 2_000
    # a ray that grazes one part before it meets the next still lets a little through
    assert (moved > ALLOWED).float().mean() < 0.01
