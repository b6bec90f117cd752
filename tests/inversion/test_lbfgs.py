"""The memory of a quasi-Newton search against matrices written out: BFGS as in the textbook."""

import pytest
import torch

from hw5.checking.fakes import fixed_draw
from hw5.inversion.curvature import Curvature
from hw5.inversion.lbfgs import Memory

LAYERS, WIDTH, SIZE = 3, 4, 12
DAMPING = 0.05
CODES = (2, LAYERS, WIDTH)


@pytest.fixture
def curvature():
    values, basis = torch.linalg.eigh(_bent(1))
    return Curvature(basis.flip(1), values.flip(0))


def _bent(seed):
    """A positive matrix (SIZE, SIZE)."""
    root = fixed_draw(seed, SIZE, SIZE)
    return root @ root.T / SIZE + 0.1 * torch.eye(SIZE, dtype=root.dtype)


def _moves(count):
    """Moves of two pictures, and what their slopes changed by: each picture bends its own way."""
    moves = [fixed_draw(10 + k, *CODES) for k in range(count)]
    bends = torch.stack([_bent(2), _bent(3)])
    return [(move, (bends @ move.flatten(1)[:, :, None]).view(CODES)) for move in moves]


def _remember(pairs, *, size=30, curvature=None, **more):
    memory = Memory(size, curvature, damping=DAMPING, first_step=0.5, **more)
    for move, change in pairs:
        memory.learn(move, change)
    return memory


def _metric(curvature):
    """(2 J'J + damping)^-1, from the matrix itself."""
    matrix = curvature.basis * curvature.values @ curvature.basis.T
    floor = DAMPING * curvature.values[0]
    return torch.linalg.inv(matrix + floor * torch.eye(SIZE, dtype=matrix.dtype))


def _scale(move, change, first):
    return (move @ change) / (change @ first @ change)


def _textbook(pairs, row, first, scale):
    """Nocedal and Wright, eq. 6.17, over and over, from scale * first."""
    inverse, eye = scale * first, torch.eye(SIZE, dtype=first.dtype)
    for move, change in ((s[row].flatten(), y[row].flatten()) for s, y in pairs):
        rho = 1 / (move @ change)
        left = eye - rho * torch.outer(move, change)
        inverse = left @ inverse @ left.T + rho * torch.outer(move, move)
    return inverse


def test_without_a_metric_it_is_lbfgs_as_in_the_textbook():
    pairs, slope = _moves(5), fixed_draw(99, *CODES)
    found = _remember(pairs).direction(slope)
    for row in range(2):
        newest = (part[row].flatten() for part in pairs[-1])
        first = torch.eye(SIZE, dtype=slope.dtype)
        inverse = _textbook(pairs, row, first, _scale(*newest, first))
        torch.testing.assert_close(found[row].flatten(), -inverse @ slope[row].flatten())


def test_in_a_metric_the_largest_scale_that_a_move_showed_is_taken(curvature):
    pairs, slope, first = _moves(5)[::-1], fixed_draw(99, *CODES), _metric(curvature)
    found = _remember(pairs, curvature=curvature).direction(slope)
    for row in range(2):
        scales = [_scale(s[row].flatten(), y[row].flatten(), first) for s, y in pairs]
        assert max(scales) > 1.1 * scales[-1]  # or the newest would pass
        inverse = _textbook(pairs, row, first, max(scales))
        torch.testing.assert_close(found[row].flatten(), -inverse @ slope[row].flatten())


def test_only_as_many_moves_are_remembered_as_asked_for(curvature):
    pairs, slope = _moves(6), fixed_draw(99, *CODES)
    found = _remember(pairs, size=2, curvature=curvature).direction(slope)
    wanted = _remember(pairs[-2:], curvature=curvature).direction(slope)
    torch.testing.assert_close(found, wanted)


def test_a_move_along_which_the_slope_fell_teaches_its_picture_nothing(curvature):
    pairs, slope = _moves(3), fixed_draw(99, *CODES)
    move, change = pairs[1]
    odd = change * torch.tensor([-1.0, 1.0], dtype=change.dtype)[:, None, None]
    found = _remember([pairs[0], (move, odd), pairs[2]], curvature=curvature).direction(slope)
    without = _remember([pairs[0], pairs[2]], curvature=curvature).direction(slope)
    whole = _remember(pairs, curvature=curvature).direction(slope)
    torch.testing.assert_close(found[0], without[0])
    torch.testing.assert_close(found[1], whole[1])


def test_a_search_that_only_met_hills_still_goes_down(curvature):
    pairs, slope = [(move, -change) for move, change in _moves(2)], fixed_draw(99, *CODES)
    found = _remember(pairs, curvature=curvature).direction(slope)
    wanted = -(_metric(curvature) @ slope.flatten(1).T).T
    torch.testing.assert_close(found.flatten(1), wanted)


def test_the_first_step_is_a_share_of_the_metrics_or_as_long_as_asked_for(curvature):
    slope = fixed_draw(99, *CODES)
    found = _remember([], curvature=curvature, first_share=0.2).direction(slope)
    torch.testing.assert_close(found.flatten(1), -0.2 * (_metric(curvature) @ slope.flatten(1).T).T)
    plain = _remember([], first_share=0.2).direction(slope)
    torch.testing.assert_close(plain.flatten(1).norm(dim=1), torch.full((2,), 0.5).to(plain))
    assert (plain * slope).sum() < 0


def test_where_rounding_turns_the_direction_uphill_the_metric_is_followed(curvature):
    memory = _remember(_moves(1), curvature=curvature)
    [(move, change, inverse, scale)] = memory.pairs
    scale = 1e-3 * scale
    memory.pairs = [(move, change, -inverse, scale)]  # stands for what rounding did
    found = memory.direction(move)
    wanted = -scale.flatten()[:, None] * (_metric(curvature) @ move.flatten(1).T).T
    torch.testing.assert_close(found.flatten(1), wanted)
