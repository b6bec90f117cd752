"""A world that is no cat, drawn by the cats' machinery and held against closed forms.

A ball floats over plain ground. What each ray meets, where, and under which normal is solved by
hand; the ball's outline is a circle whose radius is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from hw5.world import canvas as canvases
from hw5.world import sdf, tracer
from hw5.world.camera import Camera, Lens, cast, cone_radius, plane
from hw5.world.canvas import blank
from hw5.world.tracer import Scene, Shaded, Walk, World, draw
from tests.tolerances import assert_close

LENS = Lens(centre_y=0.2, perspective=0.2, near=2.0, far=6.0)  # nobody's but this world's
EYE = 1 / LENS.perspective  # its z
SIZE = 48
BACKGROUND, BALL, GROUND = 0, 1, 2
SKY = 0.25
MET = 0.0005  # of the ball's units; nearer than what the cats need, so that outlines are sharp
REACH = 2 * MET  # of the coverage beyond a surface


@dataclass(frozen=True)
class Form:
    """A ball of some radius, its centre as high as the lens, and the height of the ground."""

    radius: Tensor
    ground: Tensor


def ball(p, form):
    return sdf.length(p[0], p[1] - LENS.centre_y, p[2]) - form.radius


def distance(p, form):
    return torch.minimum(ball(p, form), p[1] - form.ground)


def shade(p, normal, view, form, look):
    """The normal as a colour."""
    colour = torch.stack([0.5 + 0.5 * axis * look[0] for axis in normal], dim=1)
    part = torch.where(ball(p, form) < p[1] - form.ground, BALL, GROUND).to(torch.uint8)
    return Shaded(colour, sdf.edge(distance(p, form) - REACH, REACH), part)


# Rays almost along the ground need more steps than those at a cat.
TOY = World(distance, shade, Walk(careful_steps=60, met=MET))
SCENE = Scene(
    Camera(
        half=torch.tensor([[1.0], [1.1], [0.7]]),
        x=torch.tensor([[0.0], [0.3], [-0.1]]),
        y=torch.tensor([[0.0], [-0.2], [0.25]]),
        lens=LENS,
    ),
    Form(radius=torch.tensor([[0.5], [0.4], [0.3]]), ground=torch.tensor([[-0.5], [-0.6], [-9.0]])),
    look=(torch.ones(3, 1),),
)


def drawn(**options):
    canvas = blank(SIZE, lambda x, y: torch.full((3, 3, x.shape[1]), SKY), torch.device("cpu"))
    draw(TOY, SCENE, canvas, **options)
    return canvas


@pytest.fixture(scope="module")
def canvas():
    return drawn()


@pytest.fixture(scope="module")
def truth(canvas):
    """Part, z and normal of what the ray of each sample meets."""
    rays = cast(SCENE.camera, canvas.x[None], canvas.y[None])
    (ox, oy, oz), (dx, dy, dz) = rays.origin, rays.direction
    oy = oy - LENS.centre_y
    along, gap = ox * dx + oy * dy + oz * dz, ox**2 + oy**2 + oz**2 - SCENE.form.radius**2
    root = along**2 - gap
    to_ball = torch.where(root > 0, -along - root.clamp(min=0).sqrt(), math.inf)
    to_ground = (SCENE.form.ground - LENS.centre_y - oy) / dy
    to_ground = torch.where((dy < 0) & (to_ground < LENS.far), to_ground, math.inf)
    t = torch.minimum(to_ball, to_ground)
    part = torch.where(to_ball < to_ground, BALL, GROUND)
    part = torch.where(t.isinf(), BACKGROUND, part)
    normal = torch.stack([o + t * d for o, d in ((ox, dx), (oy, dy), (oz, dz))], dim=1)
    normal = normal / SCENE.form.radius[:, None]
    up = torch.tensor([0.0, 1.0, 0.0])[:, None].expand_as(normal)
    return part, oz + t * dz, torch.where((part == GROUND)[:, None], up, normal)


def test_every_ray_meets_what_it_should(canvas, truth):
    part, _, _ = truth
    assert all((part[:2] == each).any() for each in (BACKGROUND, BALL, GROUND))
    wrong = (canvas.part != part).float().mean(1)
    assert wrong.max() < 0.005, wrong  # rays that graze an outline


def test_surfaces_are_where_they_should_be(canvas, truth):
    part, z, _ = truth
    same = (canvas.part == part) & (part != BACKGROUND)
    away = (canvas.depth - z)[same].abs()
    assert away.median() < 0.001 and away.max() < 0.03
    assert (canvas.depth[(canvas.part == BACKGROUND)] == canvases.NOWHERE).all()


def test_normals_point_where_they_should(canvas, truth):
    part, _, normal = truth
    same = ((canvas.part == part) & (part != BACKGROUND))[:, None].expand_as(normal)
    away = (2.0 * canvas.colour - 1.0 - normal)[same].abs()
    assert away.mean() < 0.005 and away.quantile(0.99) < 0.02


def test_the_background_stays_where_nothing_is_met(canvas, truth):
    nothing = (canvas.part == BACKGROUND) & (truth[0] == BACKGROUND)
    kept = canvas.colour.movedim(1, 2)[nothing] == SKY
    assert kept.float().mean() > 0.99  # edges are soft


def test_the_ball_covers_the_circle_that_it_should(canvas):
    """From the eye a ball of radius r at the distance D spans a disc of D r / sqrt(D^2 - r^2)."""
    r = SCENE.form.radius[:, 0]
    disc = EYE * r / torch.sqrt(EYE**2 - r**2) / SCENE.camera.half[:, 0]
    area = math.pi * (disc * SIZE / 2) ** 2
    mask = canvas.vote() == BALL
    covered = canvas.average((canvas.part == BALL).float()[:, None]).sum((1, 2, 3))
    torch.testing.assert_close(covered, area, rtol=0.015, atol=0)
    torch.testing.assert_close(mask.sum((1, 2)).float(), area, rtol=0.04, atol=0)
    line = (torch.arange(SIZE) + 0.5) * (2 / SIZE) - 1
    for axis, middle, sign in ((1, SCENE.camera.x, 1), (2, SCENE.camera.y, -1)):
        found = (mask.sum(axis) * line).sum(1) / mask.sum((1, 2))
        torch.testing.assert_close(sign * found, middle[:, 0], rtol=0, atol=0.01)


@pytest.mark.parametrize("cells", [4, 24])
def test_cones_hold_the_rays_of_their_cells_and_little_more(cells):
    """Each within the cone's radius of its axis; at the far end the corners are nearly outside."""
    x, y = plane(cells, torch.device("cpu"))
    axis = cast(SCENE.camera, x[None], y[None])
    corner = cast(SCENE.camera, x[None] + 1 / cells, y[None] - 1 / cells)
    radius = cone_radius(SCENE.camera, cells)
    shares = []
    for walked in (0.0, 3.0, LENS.far):
        on_axis, at = (sdf.along(rays.origin, rays.direction, walked) for rays in (axis, corner))
        shares.append(sdf.length(*(a - b for a, b in zip(at, on_axis, strict=True))) / radius)
    assert all(share.max() < 1 + 1e-4 for share in shares)
    assert shares[-1].max() > 0.9


def test_the_layout_for_fused_kernels_draws_the_same(canvas, monkeypatch):
    tracer.kernels_of.cache_clear()
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    try:
        fused = drawn(compiled=True)
    finally:
        tracer.kernels_of.cache_clear()
    assert_close(fused.colour, canvas.colour, "pixel")
    assert torch.equal(fused.part, canvas.part)


def test_what_covers_blocks_is_drawn_there_and_nowhere_else(canvas):
    """A veil over the upper left block alone, where it is in front of what is there."""
    near = torch.zeros(3, canvas.blocks**2, dtype=torch.bool)
    near[1, 0] = True
    fresh = drawn()
    tint = torch.tensor([0.0, 0.5, 1.0])[:, None, None].expand(3, 1, 3)
    seen = []

    def opacity(picture, x, y, depth):
        seen.append((picture.tolist(), x.max().item(), y.min().item()))
        return torch.full_like(depth, 0.25)

    share = fresh.cover(near, tint, opacity)
    samples = [row * fresh.resolution + column for row in range(4) for column in range(4)]
    expected = torch.zeros_like(share)
    expected[1, samples] = 0.25
    assert torch.equal(share, expected)
    assert_close(fresh.colour, canvas.colour + expected[:, None] * (0.5 - canvas.colour), "float32")
    side = 2 / fresh.resolution
    assert seen == [([1], pytest.approx(-1 + 3.5 * side), pytest.approx(1 - 3.5 * side))]


@pytest.mark.parametrize(
    ("votes", "winner"),
    [
        ((0, 0, 0, 0), 0),
        ((3, 1, 1, 2), 1),
        ((9, 50, 50, 50), 50),
        ((2, 3, 3, 2), 2),  # the first of two
        ((50, 49, 48, 47), 47),
    ],
)
def test_a_pixel_is_of_its_most_frequent_part(votes, winner):
    paper = blank(16, lambda x, y: torch.zeros(1, 3, x.shape[1]), torch.device("cpu"))
    part = paper.part.view(32, 32)
    part[6, 4], part[6, 5], part[7, 4], part[7, 5] = votes
    assert paper.vote()[0, 3, 2] == winner
    assert (paper.vote() != 0).sum() == (winner != 0)
