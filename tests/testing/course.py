"""Ten functions that make pictures with hw5, and for each a bug that can be seen.

The test copies this file beside its notebook; the variable BUGS names the functions that fail.
"""

import functools
import os

import torch
from PIL import Image

from hw5 import draw, interpolate, latents, losses, projector, world, zoo
from hw5.config import Drawing, Interpolation, LossWeights, Projection
from hw5.kit import images, seeding, strokes
from hw5.world.dataset import split_factors

MISTAKES = {}


def but(mistake):
    """Let a function make `mistake` when BUGS names it."""

    def decorate(function):
        MISTAKES[function.__name__] = mistake

        @functools.wraps(function)
        def either(*words):
            is_wrong = function.__name__ in os.environ.get("BUGS", "").split()
            return show(mistake() if is_wrong else function())

        return either

    return decorate


def show(pictures):
    return Image.fromarray(images.to_uint8(images.grid(pictures.clamp(-1, 1), gap=0))[0])


def network(name="stylegan2"):
    return zoo.load(name)


def codes(seed, space="w", name="stylegan2"):
    return latents.sample_codes(network(name), space, 2, rng=seeding.make(seed))


def cats(count=1):
    return world.render(split_factors("test", count), 64).image


def dreams(seed=1):
    return latents.render(network(), codes(seed), "w")


def truncated(psi):
    mean = latents.mean_code(network(), "w", num_samples=100, rng=seeding.make(0))
    return latents.render(network(), mean + psi * (codes(4) - mean), "w")


def film(backwards=False):
    ends = codes(2, "z", "dcgan").split(1)[:: -1 if backwards else 1]
    settings = Interpolation(num_frames=5)
    return interpolate.interpolate(network("dcgan"), *ends, "z", settings=settings).frames


def mixture(layers):
    a, b = codes(3, "w+").split(1)
    return latents.render(network(), interpolate.mix_layers(a, b, layers), "w+")


def search():
    criterion = losses.Criterion(LossWeights(perceptual=0))
    settings = Projection(space="w", num_steps=8, num_mean=20)
    return projector.project(
        network(), cats(), criterion=criterion, settings=settings, rng=seeding.make(0)
    )


def drawing(invert=False):
    sketch = strokes.Sketch((strokes.Stroke(((0.5, 0.2),), (30, 160, 60), 0.3),))
    colour, mask = strokes.rasterise(sketch, 64)
    settings = Drawing(space="w", num_steps=8, num_mean=20)
    criterion = losses.Criterion(LossWeights.for_scribbles())
    return draw.draw(
        network(), colour, 1 - mask if invert else mask, criterion=criterion, settings=settings,
        rng=seeding.make(0),
    ).image  # fmt: skip


@but(lambda: dreams().flip(1))
def channels():
    return dreams()


@but(lambda: cats().flip(2))
def upright():
    return cats()


@but(lambda: cats().roll(3, dims=3))
def in_place():
    return cats()


@but(lambda: cats() / 2 + 0.5)
def in_range():
    return cats()


@but(lambda: truncated(1.0))
def near_the_mean():
    return truncated(0.3)


@but(lambda: mixture([1, 2, 3]))
def layers():
    return mixture([0, 1, 2])


@but(lambda: latents.render(network(), search().start, "w"))
def found():
    return search().image


@but(lambda: film(backwards=True))
def there():
    return film()


@but(lambda: drawing(invert=True))
def under_the_mask():
    return drawing()


def sheet(last):
    return torch.cat([cats(8), cats(8)[last : last + 1]])


@but(lambda: sheet(0))
def every_tile():
    return sheet(7)
