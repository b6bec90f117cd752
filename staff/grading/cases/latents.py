"""Cases of part 2, hw5/latents.py: tasks 2.1, 2.2 and 2.5: codes, their layers, their pictures.

Codes that are drawn are judged by their statistics and by what the seed must repeat, never by
their values: a right solution may ask the random source in another order. Read next: codes.py, for
means and distances.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from staff.grading.cases.case import Arrays, Later, Suite
from staff.grading.cases.draws import (
    LAYERS,
    SIZE,
    WIDTH,
    Draws,
    linear_network,
    normal,
    only_z_network,
    seeds,
)  # fmt: skip
from staff.grading.cases.judge import different, same, standard_normal

torch, latents = Later("torch"), Later("hw5.latents")
lab = Later("staff.grading.cases.lab")
suite = Suite("hw5.latents", needs={"2.2": ("2.1",), "2.5": ("2.1",)})

MANY = 2000  # codes drawn where statistics are taken

# ---------------------------------------------------------------- 2.1


def some_w(rng: Draws) -> Arrays:
    """Three codes."""
    return {"w": normal(rng, 3, 1, WIDTH)}


@suite.case("2.1", some_w, hint="(N, 1, d) to (N, L, d): repeat along the layers, not the batch")
def every_layer_the_same(x: SimpleNamespace) -> dict[str, Any]:
    """Each code is there once for every layer, for one code and for several."""
    return {
        "three": latents.broadcast_layers(x.w, LAYERS),
        "one": latents.broadcast_layers(x.w[:1], 4),
        "single layer": latents.broadcast_layers(x.w, 1),
    }


@suite.case("2.1", some_w, hint="expand shares memory: repeat copies")
def memory_of_its_own(x: SimpleNamespace) -> dict[str, Any]:
    """Writing to one layer changes neither the others nor the code that was given."""
    layers = latents.broadcast_layers(x.w, LAYERS)
    layers[:, 0] = 7
    return {"layers": layers, "given": x.w}


@suite.case("2.1", some_w, hidden=True, hint="no detach, no float(): follow what was given")
def manners_of_broadcast_layers(x: SimpleNamespace) -> dict[str, Any]:
    """It follows dtype and device, and lets gradients pass."""
    return lab.manners(lambda w: latents.broadcast_layers(w, LAYERS), w=x.w, grad="w")


# ---------------------------------------------------------------- 2.2


def a_generator(rng: Draws) -> Arrays:
    """A linear generator, one that has z only, and two seeds."""
    first, second = seeds(rng), seeds(rng)
    return linear_network(rng) | only_z_network(rng) | {"seed": first, "seed_2": second + 1}


def unmapped(x: Arrays, w: np.ndarray) -> np.ndarray:
    """The z (n, d) behind w (n, d), of the linear generator."""
    return np.linalg.solve(x["mapping"], (w - x["centre"]).T).T


NORMAL = "the z behind these codes are not standard normal"


@suite.case(
    "2.2",
    a_generator,
    free=("z", "only z"),
    hint="draw_normal gives z",
    relations=(
        standard_normal(lambda x, got: got["z"], NORMAL),
        standard_normal(lambda x, got: got["only z"], NORMAL),
    ),
)
def draws_of_z(x: SimpleNamespace) -> dict[str, Any]:
    """Z is standard normal, each code another."""
    z = latents.sample_codes(lab.linear(x), "z", MANY, rng=lab.source(x.seed))
    other = latents.sample_codes(lab.only_z(x), "z", MANY, rng=lab.source(x.seed))
    return {"z": z, "only z": other, "shape": z.shape, "other shape": other.shape}


@suite.case(
    "2.2",
    a_generator,
    free=("w",),
    hint="w is generator.map(z), (N, 1, d)",
    relations=(standard_normal(lambda x, got: unmapped(x, got["w"][:, 0]), NORMAL),),
)
def draws_of_w(x: SimpleNamespace) -> dict[str, Any]:
    """W is what the mapping makes of standard normal z, without a graph behind it."""
    w = latents.sample_codes(lab.linear(x), "w", MANY, rng=lab.source(x.seed))
    return {"w": w, "shape": w.shape, "keeps a graph": w.requires_grad}


@suite.case(
    "2.2",
    a_generator,
    free=("first", "second"),
    hint="one w for all layers of a w+",
    relations=(
        standard_normal(lambda x, got: unmapped(x, got["first"]), NORMAL),
        same("first", "second", "the layers of a random w+ disagree"),
    ),
)
def draws_of_w_plus(x: SimpleNamespace) -> dict[str, Any]:
    """w+ is one w for every layer."""
    codes = latents.sample_codes(lab.linear(x), "w+", MANY, rng=lab.source(x.seed))
    return {"first": codes[:, 0], "second": codes[:, 1], "shape": codes.shape}


@suite.case(
    "2.2",
    a_generator,
    free=("one", "again", "other"),
    hidden=True,
    hint="draw from rng alone, on the generator's device, in its dtype",
    relations=(
        same("one", "again", "the same seed gives other codes"),
        different("one", "other", "another seed gives the same codes"),
    ),
)
def draws_come_from_rng(x: SimpleNamespace) -> dict[str, Any]:
    """The seed decides; codes follow the generator's dtype and device."""
    generator = lab.linear(x)

    def draw(seed: Any, network: Any = generator, space: str = "w") -> Any:
        return latents.sample_codes(network, space, 4, rng=lab.source(seed))

    single = lab.linear(x).float()
    return {
        "one": draw(x.seed),
        "again": draw(x.seed),
        "other": draw(x.seed_2),
        "z in float32": draw(x.seed, single, "z").dtype == torch.float32,
        "w+ in float32": draw(x.seed, single, "w+").dtype == torch.float32,
        "stays on its device": lab.stays_with(lambda: draw(x.seed, generator, "z")),
    }


# ---------------------------------------------------------------- 2.5


def codes_of_each_space(rng: Draws) -> Arrays:
    """A generator, codes of z, w and w+, and noise maps."""
    codes = {
        "z": normal(rng, 3, WIDTH),
        "w": normal(rng, 3, 1, WIDTH),
        "w_plus": normal(rng, 3, LAYERS, WIDTH),
        "noise": normal(rng, 1, 1, SIZE, SIZE),
    }
    return linear_network(rng) | only_z_network(rng) | codes


@suite.case(
    "2.5",
    codes_of_each_space,
    weight=2,
    hint="z to map, w to broadcast_layers, w+ to synthesize: enter where the space says",
)
def pictures_of_each_space(x: SimpleNamespace) -> dict[str, Any]:
    """A code takes only the steps that its space still needs."""
    generator = lab.curved(x)
    return {
        "z": latents.render(generator, x.z, "z"),
        "w": latents.render(generator, x.w, "w"),
        "w+": latents.render(generator, x.w_plus, "w+"),
        "one": latents.render(generator, x.w[:1], "w"),
    }


@suite.case("2.5", codes_of_each_space, hint='without "w" in its spaces, call it on z')
def pictures_without_w(x: SimpleNamespace) -> dict[str, Any]:
    """A generator that has z only is called on it."""
    return {"z": latents.render(lab.only_z(x), x.z, "z")}


@suite.case("2.5", codes_of_each_space, hidden=True, hint="pass noise on; no no_grad, no detach")
def noise_and_gradients(x: SimpleNamespace) -> dict[str, Any]:
    """Noise maps reach the picture, gradients reach the code."""
    generator, noise = lab.linear(x), {"grain": x.noise}
    found = {}
    for space, code in (("z", x.z), ("w", x.w), ("w+", x.w_plus)):
        code.requires_grad_()
        picture = latents.render(generator, code, space, noise=noise)
        found[f"{space} with noise"] = picture
        (found[f"gradient of {space}"],) = lab.gradient_of(picture.square(), code)
    return found
