"""The promise of the table: a factor changes pixels only inside the parts that it names.

Looked at before and after the change, widened by two pixels of 64. What is drawn thinner than a
pixel (slits between lids) may count as another part, so eyes are open where their colour changes.
"""

from __future__ import annotations

import pytest
import torch

from hw5.world import FACTORS, PARTS, neutral, render
from hw5.world.factors import BY_NAME

SIZE, WIDENED, LEVEL = 64, 2, 1 / 127.5
ALLOWED = 3 * LEVEL  # change outside
_NO_EFFECT_ALONE = {f.name for f in FACTORS if f.only_if}


def another(factor, value):
    """A clearly different value of a factor."""
    step = 1.0 if factor.unit == "choice" else 0.4 * (factor.high - factor.low)
    return value + step if value + step <= factor.high else value - step


@pytest.fixture(scope="module", params=["neutral", "random", "dressed"])
def changes(request, cats):
    """A cat, and the same cat with each factor in turn at another value: picture and parts."""
    cat = {
        "neutral": neutral(stripes=0.7),
        "random": cats.select([0]).replace(eye_openness=0.8),
        "dressed": cats.select([1]),
    }[request.param]
    changed = cat.select([0] * len(FACTORS))
    for row, factor in enumerate(FACTORS):
        changed.table[row, row] = another(factor, changed.table[row, row].item())
    return request.param, render(cat, SIZE), render(changed, SIZE)


def promised(factor, before, after):
    """Where a factor may change the picture, `(1, 1, H, W)`."""
    masks = [picture.mask(part) for picture in (before, after) for part in factor.region]
    union = torch.stack(masks).amax(0)
    return torch.nn.functional.max_pool2d(union, 2 * WIDENED + 1, stride=1, padding=WIDENED) > 0


def test_each_factor_changes_only_the_parts_it_names(changes):
    _, before, after = changes
    broken = []
    for row, factor in enumerate(FACTORS):
        one = type(after)(after.image[row : row + 1], after.segmentation[row : row + 1])
        away = (one.image - before.image).abs().amax(1, keepdim=True)
        outside = away[~promised(factor, before, one)]
        if outside.numel() and outside.max() > ALLOWED:
            count = int((outside > ALLOWED).sum())
            broken.append(f"{factor.name}: {count} pixels, up to {outside.max() / LEVEL:.0f}/255")
    assert not broken, broken


def test_each_factor_changes_something(changes):
    which, before, after = changes
    away = (after.image - before.image).abs().amax((1, 2, 3))
    idle = {factor.name for factor, most in zip(FACTORS, away, strict=True) if most <= ALLOWED}
    expected = set() if which == "dressed" else _NO_EFFECT_ALONE
    allowed = {name for name in expected if not worn(name, which)}
    assert idle <= allowed, idle - allowed
    assert which != "neutral" or idle == allowed, allowed - idle


def worn(name, which):
    return which == "dressed" and BY_NAME[name].only_if is not None


@pytest.mark.parametrize("name", ["eye_distance", "nose_length"])
def test_factors_fixed_in_training_do_change_the_picture(changes, name):
    _, before, after = changes
    row = FACTORS.index(BY_NAME[name])
    assert ((after.image[row] - before.image[0]).abs().amax(0) > 20 * LEVEL).sum() > 20


def test_iris_colour_stays_inside_the_open_eyes_even_when_they_are_shut():
    shut = neutral(2, eye_openness=0.08, eye_hue=torch.tensor([50.0, 210.0]))
    before, after = render(shut, SIZE).image
    wide = render(neutral(eye_openness=1.0), SIZE)
    eyes = promised(BY_NAME["eye_hue"], wide, wide)[0, 0]
    assert (after - before).abs().amax(0)[~eyes].max() <= ALLOWED


def test_the_promises_differ():
    assert len({factor.region for factor in FACTORS}) > 5
    assert all(factor.region < set(PARTS) for factor in FACTORS)
