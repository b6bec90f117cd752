"""Signed-distance primitives against distances worked out by hand."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import pytest
import torch

from hw5.world import sdf


def at(*points):
    """Points as planar coordinates, each `(1, P)`."""
    return tuple(
        torch.tensor(axis, dtype=torch.float32)[None] for axis in zip(*points, strict=True)
    )


def assert_distances(actual, expected, tolerance=1e-4):
    torch.testing.assert_close(actual[0], torch.tensor(expected), rtol=0, atol=tolerance)


def random_points(rng, count=50):
    return tuple(torch.randn(1, count, generator=rng) for _ in range(3))


def test_an_ellipsoid_of_equal_radii_is_a_sphere():
    points = at((1, 2, 8), (4, 6, 3), (1.5, 2, 3), (1, 0, 3))
    assert_distances(sdf.ellipsoid(points, (1, 2, 3), (2, 2, 2)), [3.0, 3.0, -1.5, 0.0])


def test_an_ellipsoid_is_zero_on_its_surface_and_exact_just_beside_it(rng):
    radii = torch.tensor([0.5, 0.8, 1.3])
    unit = torch.nn.functional.normalize(torch.randn(50, 3, generator=rng), dim=1)
    surface, outward = unit * radii, torch.nn.functional.normalize(unit / radii, dim=1)
    for step in (-0.01, 0.0, 0.01):
        points = tuple((surface + step * outward).T[:, None])
        distance = sdf.ellipsoid(points, (0, 0, 0), tuple(radii.tolist()))
        assert_distances(distance, [step] * 50, tolerance=5e-4)


def test_a_torus_has_its_distances_along_the_axes():
    points = at((3.0, 0, 0), (0, -2.5, 0), (2, 0, 0.75), (0, 0, 0))
    assert_distances(sdf.torus(points, (0, 0, 0), 2.0, 0.25), [0.75, 0.25, 0.5, 1.75])


def test_a_box_has_its_distances_at_face_edge_corner_and_inside():
    points = at((3, 0, 0), (4, 6, 0), (2, 3, 4), (0.5, 0, 0), (0, 1.9, 0))
    expected = [2.0, 5.0, math.sqrt(1 + 1 + 1), -0.5, -0.1]
    assert_distances(sdf.box(points, (0, 0, 0), (1, 2, 3)), expected)


def test_rounding_a_box_grows_it():
    points = at((3, 0, 0), (0.5, 0, 0))
    assert_distances(sdf.box(points, (0, 0, 0), (1, 2, 3), rounding=0.25), [1.75, -0.75])


def test_a_round_cone_has_its_distances_at_both_ends_and_half_way():
    points = at((-3, 0, 0), (7, 0, 0), (2, 3, 0), (1, 0, 2))
    cone = sdf.round_cone(points, (0, 0, 0), (4, 0, 0), 1.0, 0.5)
    assert_distances(cone, [2.0, 2.5, 3 - 0.75, 2 - 0.875])


def test_a_union_is_exact_where_the_parts_are_apart():
    a, b = torch.tensor([0.1, 0.5, -0.3]), torch.tensor([0.4, 0.2, 0.7])
    torch.testing.assert_close(sdf.smooth_union(a, b, 0.3), torch.minimum(a, b))


def test_a_union_bulges_by_a_quarter_of_its_reach_where_the_parts_meet(rng):
    a = torch.randn(20, generator=rng)
    torch.testing.assert_close(sdf.smooth_union(a, a, 0.2), a - 0.05)


def test_a_union_is_never_outside_its_parts(rng):
    a, b = torch.randn(2, 200, generator=rng)
    assert (sdf.smooth_union(a, b, 0.5) <= torch.minimum(a, b)).all()


def test_unrotate_undoes_rotate_and_keeps_lengths(rng):
    points = random_points(rng)
    angles = tuple(torch.randn(1, 1, generator=rng) for _ in range(3))
    turned = sdf.rotate(points, *angles)
    torch.testing.assert_close(sdf.unrotate(turned, *angles), points, rtol=0, atol=1e-5)
    torch.testing.assert_close(sdf.length(*turned), sdf.length(*points), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("angle", "start", "end"),
    [
        ("yaw", (0, 0, 1), (1, 0, 0)),  # the front to the right
        ("pitch", (0, 0, 1), (0, -1, 0)),  # the front down
        ("roll", (0, 1, 0), (-1, 0, 0)),  # the top to the left
    ],
)
def test_a_quarter_turn_goes_the_way_it_should(angle, start, end):
    angles = {name: torch.tensor([[0.0]]) for name in ("yaw", "pitch", "roll")}
    angles[angle] = torch.tensor([[math.pi / 2]])
    turned = torch.stack(sdf.unrotate(at(start), **angles)).flatten()
    torch.testing.assert_close(turned, torch.tensor(end, dtype=torch.float32), rtol=0, atol=1e-6)


def sphere(p):
    return sdf.length(*p) - 1.0


def walk(x, *, num_steps, cone=0.0, boldest=1.0):
    """Walk towards a unit sphere along parallel rays that start at z = 3."""
    across = torch.tensor([x])
    origin = (across, torch.zeros_like(across), torch.full_like(across, 3.0))
    direction = (torch.zeros_like(across), torch.zeros_like(across), -torch.ones_like(across))
    march = sdf.start(torch.zeros_like(across))
    for _ in range(num_steps):
        march = sdf.advance(sphere, origin, direction, march, far=6.0, cone=cone, boldest=boldest)
    return march


@pytest.mark.parametrize(("boldest", "num_steps"), [(1.0, 60), (5.0, 10)])
def test_rays_meet_a_sphere_where_pythagoras_says(boldest, num_steps):
    xs = [0.0, 0.3, 0.6, 0.9, 0.98]
    expected = [3.0 - math.sqrt(1 - x * x) for x in xs]
    march = walk(xs, num_steps=num_steps, boldest=boldest)
    assert_distances(march.nearest_t, expected, tolerance=3e-3)


def test_rays_that_miss_go_to_the_end_and_remember_how_near_they_came():
    march = walk([1.2, 2.0], num_steps=25)
    assert_distances(march.t, [6.0, 6.0])
    assert (march.nearest[0] >= torch.tensor([0.2, 1.0]) - 1e-4).all()


def test_a_cone_stops_before_any_ray_inside_it_can_touch():
    cone = 0.2
    for x in (0.0, 0.5, 0.9):
        stop = walk([x], num_steps=20, cone=cone).t.item()
        inside = [x - cone, x, x + cone]
        first = min(3.0 - math.sqrt(1 - i * i) for i in inside if abs(i) < 1)
        assert stop <= first + 1e-3


def test_the_normal_of_a_sphere_points_outward(rng):
    direction = torch.nn.functional.normalize(torch.randn(50, 3, generator=rng), dim=1)
    normal = torch.stack(sdf.normal(sphere, tuple(direction.T[:, None])))[:, 0].T
    torch.testing.assert_close(normal, direction, rtol=0, atol=5e-3)


def test_mirrored_points_have_mirrored_normals(rng):
    def shape(p):
        return sdf.ellipsoid((p[0].abs(), p[1], p[2]), (0.4, 0.1, 0), (0.5, 0.7, 0.9))

    x, y, z = random_points(rng)
    left, right = sdf.normal(shape, (-x, y, z)), sdf.normal(shape, (x, y, z))
    torch.testing.assert_close(left, (-right[0], right[1], right[2]), rtol=0, atol=0)


def test_an_edge_is_full_inside_half_on_the_border_and_empty_outside():
    covered = sdf.edge(torch.tensor([-1.0, -0.05, 0.0, 0.025, 0.05, 1.0]), 0.1)
    torch.testing.assert_close(covered, torch.tensor([1.0, 1.0, 0.5, 0.25, 0.0, 0.0]))


@pytest.mark.parametrize("name", ["sdf", "batch"])
def test_what_serves_any_world_knows_nothing_of_cats(name):
    source = Path(sdf.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    imports = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import | ast.ImportFrom)]
    modules = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in imports}
    allowed = {"__future__", "collections.abc", "dataclasses", "typing", "torch"}
    assert modules <= allowed, f"{name}.py imports {modules - allowed}"
