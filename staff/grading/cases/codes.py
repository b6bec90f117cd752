"""Cases of part 2, hw5/latents.py: tasks 2.3, 2.4 and 2.6: means of codes, distances from them.

The mapping is curved, w = (M z)^2 + c, so that a mean of w is not the w of a mean: its expectation
is known, and so is how means scatter round it. Read next: steps.py.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from staff.grading.cases.case import Arrays, Later, Relation, Suite
from staff.grading.cases.draws import LAYERS, WIDTH, Draws, linear_network, normal, seeds
from staff.grading.cases.judge import SIGMAS, distinct, near, same, standard_normal
from staff.grading.cases.latents import MANY, NORMAL, unmapped
from staff.grading.cases.network import usual_distance

torch, latents = Later("torch"), Later("hw5.latents")
lab = Later("staff.grading.cases.lab")
suite = Suite(
    "hw5.latents", needs={"2.3": ("2.1", "2.2"), "2.4": ("2.1", "2.2", "2.3"), "2.6": ("2.2",)}
)

AVERAGED = 16  # codes in a mean
TYPICAL = 40_000  # codes that define a usual distance: it is then known within 1 %


def a_network(rng: Draws) -> Arrays:
    """A generator and a seed."""
    return linear_network(rng) | {"seed": seeds(rng)}


def scatters(name: str, averaged: int, says: str) -> Relation:
    """Rows (n, d) are means of so many curved w: their centre and their spread are known.

    (M z)^2 has expectation |row|^2 and variance 2 |row|^4 for each row of M.
    """

    def relation(x: Arrays, got: Arrays) -> str:
        rows = got[name]
        power = (x["mapping"] ** 2).sum(axis=1)
        spread = np.sqrt(2 / averaged) * power
        off_mean = np.abs(rows.mean(axis=0) - x["centre"] - power) / spread * np.sqrt(len(rows))
        # The fourth moment of such a mean is (3 + 12 / n) spread^4.
        error = np.sqrt((2 + 12 / averaged) / len(rows)) / 2
        off_spread = np.abs(rows.std(axis=0) / spread - 1) / error
        if max(off_mean.max(), off_spread.max()) < SIGMAS and distinct(rows):
            return ""
        share = float((rows.std(axis=0) / spread).mean())
        return f"{says}: they scatter {share:.3g} times as much as they should"

    return relation


# ---------------------------------------------------------------- 2.3

MEANS = f"these are not means of {AVERAGED} codes each"


@suite.case(
    "2.3",
    a_network,
    free=("z", "w"),
    hint="num_mean 0: as sample_codes draws them",
    relations=(
        standard_normal(lambda x, got: got["z"], NORMAL),
        standard_normal(lambda x, got: unmapped(x, got["w"]), NORMAL),
    ),
)
def plain_random_codes(x: SimpleNamespace) -> dict[str, Any]:
    """Without averaging they are random codes."""
    generator = lab.linear(x)
    z = latents.sample_noise(generator, "z", MANY, rng=lab.source(x.seed))
    w = latents.sample_noise(generator, "w", MANY, rng=lab.source(x.seed))
    return {"z": z, "w": w[:, 0], "shape": w.shape}


def scaled_z(x: Arrays, got: Arrays) -> np.ndarray:
    """Means of z, stretched so that they should be standard normal again."""
    return got["z"] * np.sqrt(AVERAGED)


@suite.case(
    "2.3",
    a_network,
    free=("z", "w"),
    weight=2,
    hint="for each start: num_mean codes of the space, their mean over the batch",
    relations=(standard_normal(scaled_z, MEANS), scatters("w", AVERAGED, MEANS)),
)
def averaged_codes(x: SimpleNamespace) -> dict[str, Any]:
    """Each start is the mean of num_mean codes of its space, and of others than its neighbour."""
    generator = lab.curved(x)
    z, w = (
        latents.sample_noise(generator, space, 600, num_mean=AVERAGED, rng=lab.source(x.seed))
        for space in ("z", "w")
    )
    return {"z": z, "w": w[:, 0], "shape": w.shape}


@suite.case(
    "2.3",
    a_network,
    free=("first", "last", "again"),
    hidden=True,
    hint="average in w, then broadcast",
    relations=(
        same("first", "last", "the layers of a mean w+ disagree"),
        same("first", "again", "the same seed gives other codes"),
        scatters("first", AVERAGED, MEANS),
    ),
)
def averaged_w_plus(x: SimpleNamespace) -> dict[str, Any]:
    """A mean w+ is a mean w for every layer; the seed repeats it."""
    generator = lab.curved(x)
    one, two = (
        latents.sample_noise(generator, "w+", 300, num_mean=AVERAGED, rng=lab.source(x.seed))
        for _ in range(2)
    )
    return {"first": one[:, 0], "last": one[:, LAYERS - 1], "again": two[:, 0], "shape": one.shape}


# ---------------------------------------------------------------- 2.4


def centre_of_w(x: Arrays) -> np.ndarray:
    """The expectation of curved w, (d,)."""
    return x["centre"] + (x["mapping"] ** 2).sum(axis=1)


@suite.case("2.4", a_network, hint="example_of(generator).new_zeros: known, so nothing is drawn")
def centre_of_z_is_zero(x: SimpleNamespace) -> dict[str, Any]:
    """In z it is zeros of the generator's dtype, on its device."""
    double, single = lab.linear(x), lab.linear(x).float()
    return {
        "z": latents.mean_code(double, "z", rng=lab.source(x.seed)),
        "in float32": latents.mean_code(single, "z", rng=lab.source(x.seed)),
        "without w": latents.mean_code(lab.fakes.OnlyZ(), "z", rng=lab.source(x.seed)),
        "stays on its device": lab.stays_with(
            lambda: latents.mean_code(double, "z", rng=lab.source(x.seed))
        ),
    }


@suite.case(
    "2.4",
    a_network,
    free=("few", "last layer"),
    weight=2,
    hint="the mean of num_samples codes, (1, 1, d) or (1, L, d)",
    relations=(
        scatters("few", AVERAGED, f"with num_samples={AVERAGED}"),
        same("few", "last layer", "the layers of the mean w+ disagree"),
    ),
)
def centre_of_w_is_a_mean(x: SimpleNamespace) -> dict[str, Any]:
    """In w and w+ it is the mean of as many random codes as asked."""
    generator, rng = lab.curved(x), lab.source(x.seed)
    few = [latents.mean_code(generator, "w+", num_samples=AVERAGED, rng=rng) for _ in range(200)]
    one = latents.mean_code(generator, "w", num_samples=5, rng=rng)
    codes = torch.cat(few)
    return {
        "few": codes[:, 0],
        "last layer": codes[:, LAYERS - 1],
        "shape of w": one.shape,
        "shape of w+": few[0].shape,
    }


# ---------------------------------------------------------------- 2.6


def codes_far_and_near(rng: Draws) -> Arrays:
    """Codes in w and w+ at known distances from the mean, z of several lengths."""
    x = a_network(rng)
    reach = rng.permutation([0.5, 2.0, 3.5])
    way = normal(rng, 3, LAYERS, WIDTH)
    way /= np.sqrt((way**2).mean(axis=(1, 2), keepdims=True))
    unit = way[:, :1] / np.sqrt((way[:, :1] ** 2).mean(axis=(1, 2), keepdims=True))
    size = reach[:, None, None] * usual_distance(x)
    return x | {
        "z": reach[:, None] * normal(rng, 3, WIDTH),
        "w": x["centre"] + size * unit,
        "w_plus": x["centre"] + size * way,
        "reach": reach,
    }


@suite.case("2.6", codes_far_and_near, hint="the usual distance in z is 1 per entry: no sampling")
def distance_in_z(x: SimpleNamespace) -> dict[str, Any]:
    """In z it is the root mean square of the entries."""
    got = latents.distance_from_mean(lab.linear(x), x.z, "z", rng=lab.source(x.seed))
    return {"distance": got}


def of(name: str) -> Callable[[Arrays, Arrays], np.ndarray]:
    """The answer of this name."""
    return lambda x, got: got[name]


REACH = "codes at known distances come out at others"


@suite.case(
    "2.6",
    codes_far_and_near,
    free=("w", "w+"),
    weight=2,
    hint="rms of code - mean over rms of samples - mean, per code",
    relations=(
        near(of("w"), lambda x: x["reach"], 0.05, REACH),
        near(of("w+"), lambda x: x["reach"], 0.05, REACH),
    ),
)
def distance_in_w(x: SimpleNamespace) -> dict[str, Any]:
    """In w and w+ it counts in the distance that random codes have from their mean."""
    return {
        space: latents.distance_from_mean(
            lab.linear(x), codes, space, num_samples=TYPICAL, rng=lab.source(x.seed)
        )
        for space, codes in (("w", x.w), ("w+", x.w_plus))
    }
