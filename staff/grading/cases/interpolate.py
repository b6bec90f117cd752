"""Cases of part 4, hw5/interpolate.py: lines, arcs, mixed layers, films.

Read next: draw.py.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from staff.grading.cases.case import MANNERS, Arrays, Later, Relation, Suite
from staff.grading.cases.draws import (
    LAYERS,
    SIZE,
    WIDTH,
    Draws,
    linear_network,
    normal,
    only_z_network,
)  # fmt: skip
from staff.grading.cases.judge import exactly, same

torch, ways, config = Later("torch"), Later("hw5.interpolate"), Later("hw5.config")
lab = Later("staff.grading.cases.lab")
suite = Suite(
    "hw5.interpolate",
    needs={"4.2": ("4.1",), "4.4": ("4.1", "4.2"), "4.5": ("2.5", "4.1", "4.2", "4.4")},
)

# ---------------------------------------------------------------- 4.1


def two_codes(rng: Draws) -> Arrays:
    """Codes of w+ for three pictures, one pair of them alone, times inside and outside [0, 1].

    The lengths differ so much that a + 1 * (b - a) would not give b to the last digit.
    """
    a, b = 1e6 * normal(rng, 3, LAYERS, WIDTH), normal(rng, 3, LAYERS, WIDTH)
    return {"a": a, "b": b, "first_a": a[:1], "first_b": b[:1], "t": rng.uniform(-0.5, 1.5, 6)}


@suite.case(
    "4.1",
    two_codes,
    weight=2,
    hint="(1 - t) a + t b, with as_column(t, a)",
    relations=(
        exactly("at 0", "a", "at t = 0 it is not exactly a"),
        exactly("at 1", "b", "at t = 1 it is not exactly b"),
    ),
)
def along_a_line(x: SimpleNamespace) -> dict[str, Any]:
    """A straight line, exact at its ends, which goes on beyond them."""
    return {
        "a time": ways.lerp(x.a, x.b, float(x.t[0])),
        "times": ways.lerp(x.first_a, x.first_b, x.t),
        "at 0": ways.lerp(x.a, x.b, 0.0),
        "at 1": ways.lerp(x.a, x.b, 1.0),
        "beyond": ways.lerp(x.a, x.b, 1.5),
    }


@suite.case("4.1", two_codes, **MANNERS)
def manners_of_lerp(x: SimpleNamespace) -> dict[str, Any]:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    return lab.manners(lambda a, b: ways.lerp(a, b, 0.25), a=x.first_b, b=2 * x.first_b, grad="a")


# ---------------------------------------------------------------- 4.2


def codes_on_arcs(rng: Draws) -> Arrays:
    """Pairs at all angles; in the second list parallel ones and a zero among them."""
    a, b = normal(rng, 4, LAYERS, WIDTH), normal(rng, 4, LAYERS, WIDTH)
    straight_a, straight_b = a.copy(), b.copy()
    straight_b[1] = 2 * a[1]
    straight_b[2, 0] = 0
    return {
        "a": a,
        "b": 3 * b,
        "first_a": a[:1],
        "first_b": b[:1],
        "straight_a": straight_a,
        "straight_b": straight_b,
        "t": rng.uniform(0, 1, 5),
    }


def keeps_length(x: Arrays, got: Arrays) -> str:
    """Between unit vectors, the arc has length 1 everywhere."""
    off = np.abs(np.linalg.norm(got["unit"], axis=-1) - 1).max()
    return "" if off < 1e-6 else f"the arc between unit vectors has a length off by {off:.2g}"


@suite.case(
    "4.2",
    codes_on_arcs,
    weight=2,
    relations=(keeps_length,),
    hint="sin((1 - t) A) / sin(A) a + sin(t A) / sin(A) b",
)
def along_an_arc(x: SimpleNamespace) -> dict[str, Any]:
    """The arc between directions; lengths that differ are blended."""
    unit = [v / v.norm(dim=-1, keepdim=True) for v in (x.first_a, x.first_b)]
    return {
        "a time": ways.slerp(x.a, x.b, float(x.t[0])),
        "times": ways.slerp(x.first_a, x.first_b, x.t),
        "unit": ways.slerp(*unit, x.t),
        "at 0": ways.slerp(x.a, x.b, 0.0),
        "at 1": ways.slerp(x.a, x.b, 1.0),
    }


@suite.case("4.2", codes_on_arcs, weight=2, hint="torch.where(is_straight, ...), with a safe angle")
def straight_pairs(x: SimpleNamespace) -> dict[str, Any]:
    """Parallel codes and zeros go straight, and only they."""
    return {"codes": ways.slerp(x.straight_a, x.straight_b, float(x.t[0]))}


@suite.case("4.2", codes_on_arcs, **MANNERS)
def manners_of_slerp(x: SimpleNamespace) -> dict[str, Any]:
    """It edits no argument, follows its dtype, and lets gradients pass."""
    return lab.manners(lambda a, b: ways.slerp(a, b, 0.25), a=x.first_a, b=x.first_b, grad="a")


# ---------------------------------------------------------------- 4.3


def layers_to_mix(rng: Draws) -> Arrays:
    """Codes of w+ for three pictures."""
    return {"a": normal(rng, 3, LAYERS, WIDTH), "b": normal(rng, 3, LAYERS, WIDTH)}


@suite.case(
    "4.3",
    layers_to_mix,
    weight=2,
    hint="mixed[:, layers] = b[:, layers] on a clone",
)
def some_layers_of_b(x: SimpleNamespace) -> dict[str, Any]:
    """The named layers come from b, the others from a."""
    return {
        "first": ways.mix_layers(x.a.clone(), x.b, [0]),
        "others": ways.mix_layers(x.a.clone(), x.b, (1, 2)),
        "none": ways.mix_layers(x.a.clone(), x.b, []),
        "all": ways.mix_layers(x.a.clone(), x.b, range(LAYERS)),
    }


@suite.case(
    "4.3",
    layers_to_mix,
    hint="work on a clone of a",
    relations=(exactly("a afterwards", "a", "the code a is changed"),),
)
def the_codes_stay(x: SimpleNamespace) -> dict[str, Any]:
    """Mixing changes neither of the codes."""
    ways.mix_layers(x.a, x.b, [0, 1])
    return {"a afterwards": x.a, "b afterwards": x.b}


# ---------------------------------------------------------------- 4.4, 4.5


def a_walk(rng: Draws) -> Arrays:
    """Ends in z, w and w+, a generator, noise."""
    return (
        linear_network(rng)
        | only_z_network(rng)
        | {
            "z": normal(rng, 2, 1, WIDTH),
            "w": normal(rng, 2, 1, 1, WIDTH),
            "w_plus": normal(rng, 2, 1, LAYERS, WIDTH),
            "noise": normal(rng, 1, 1, SIZE, SIZE),
        }
    )


def even_steps(x: Arrays, got: Arrays) -> str:
    """A straight walk has equal steps."""
    steps = np.diff(got["linear"], axis=0)
    return "" if np.allclose(steps, steps[:1], atol=1e-9) else "the steps of a line are not equal"


EVEN: Relation = even_steps


@suite.case("4.4", a_walk, weight=2, relations=(EVEN,), hint="PATHS[path](a, b, linspace(0, 1, T))")
def codes_of_a_film(x: SimpleNamespace) -> dict[str, Any]:
    """T codes from a to b, both ends included, along either path."""
    return {
        "linear": ways.walk(x.w_plus[0], x.w_plus[1], 7),
        "spherical": ways.walk(x.z[0], x.z[1], 5, path="spherical"),
        "two frames": ways.walk(x.w[0], x.w[1], 2),
    }


@suite.case(
    "4.5",
    a_walk,
    weight=2,
    hint="walk, then render each part of the codes",
    relations=(same("cut", "whole", "the batch size changes the pictures"),),
)
def frames_of_a_film(x: SimpleNamespace) -> dict[str, Any]:
    """Each frame is the picture of its code, not a cross-fade, whatever the batch size."""
    generator = lab.curved(x)
    films = {
        name: ways.interpolate(
            generator,
            x.w_plus[0],
            x.w_plus[1],
            "w+",
            settings=config.Interpolation(num_frames=7, batch_size=size),
        )
        for name, size in (("cut", 3), ("whole", 16))
    }
    return {
        "cut": films["cut"].frames,
        "whole": films["whole"].frames,
        "codes": films["cut"].codes,
        "keeps a graph": films["cut"].frames.requires_grad,
        "most at once": max(len(codes) for codes in generator.codes[:3]),
    }


@suite.case(
    "4.5", a_walk, hint="path and noise go on: walk(..., path=path), render(..., noise=noise)"
)
def paths_and_noise(x: SimpleNamespace) -> dict[str, Any]:
    """In z the way is round, in w straight, unless told otherwise; noise reaches every frame."""
    few, straight = (config.Interpolation(num_frames=4, path=p) for p in ("auto", "linear"))
    noise = {"grain": x.noise}
    return {
        "z": ways.interpolate(lab.only_z(x), x.z[0], x.z[1], "z", settings=few).frames,
        "straight z": ways.interpolate(lab.only_z(x), x.z[0], x.z[1], "z", settings=straight).codes,
        "w": ways.interpolate(lab.linear(x), x.w[0], x.w[1], "w", settings=few, noise=noise).frames,
    }
