"""The world: cats rendered from known factors, with segmentation and captions.

    factors = world.sample(16, rng=seeding.make(0))
    picture = world.render(factors, size=64)

Start with factors.py (what a cat is made of), then cat.py, coat.py and render.py; attributes.py and
captions.py put it into words, targets.py into numbers for networks; dataset.py makes the training
sets. What draws it knows no cat and would draw another world: tracer.py, with sdf.py, camera.py,
canvas.py, batch.py, colour.py and laws.py.
"""

from hw5.world.attributes import Attributes, attributes
from hw5.world.captions import VOCABULARY, caption
from hw5.world.factors import (
    BACKGROUNDS,
    DISTRIBUTIONS,
    FACTORS,
    MOUTHS,
    PARTS,
    Factor,
    Factors,
    from_uniforms,
    neutral,
    sample,
)
from hw5.world.render import Picture, render

__all__ = [
    "BACKGROUNDS", "DISTRIBUTIONS", "FACTORS", "MOUTHS", "PARTS", "VOCABULARY", "Attributes",
    "Factor", "Factors", "Picture", "attributes", "caption", "from_uniforms", "neutral", "render",
    "sample",
]  # fmt: skip
