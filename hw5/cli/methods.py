"""The inversion methods that `hw5 compare` and `hw5 semantics` know, by name.

Offers `available`, `Method`, which says what a method's codes depend on before any network is
opened, and `check_own_encoder`. The methods themselves are in hw5/inversion/. Read next:
inverting.py, which keeps codes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import torch

    from hw5.cli.inverting import Inverting
    from hw5.inversion.descent import OnStep
    from hw5.inversion.inverted import Inverted
    from hw5.models.encoder import Encoder
    from hw5.models.generator import Generator
    from hw5.shapes import Images

Invert: TypeAlias = "Callable[[Images, int, OnStep], Inverted]"  # the int: number of the first
GENERATOR = "stylegan2"


@dataclass(frozen=True)
class Method:
    """A method whose networks are not opened yet."""

    made_of: tuple[object, ...]  # digests of networks, and settings: with others, other codes
    steps: int  # that it reports for a batch of pictures
    open: Callable[[], Invert]

    def key(self) -> str:
        """Short name of everything that its codes depend on, the pictures' renderer included."""
        from hw5.world.dataset import renderer_digest

        text = repr((renderer_digest(), self.made_of))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def available(settings: Inverting) -> dict[str, Method]:
    """Every method by name; `open` opens its networks.

    Raises:
        InputError: the file of `settings.encoder` cannot be read.
    """
    from hw5.defaults import default_features
    from hw5.inversion import fastest, image2stylegan, in_domain, ready

    features = _digest(default_features())
    embedding = image2stylegan.Image2StyleGAN(num_steps=settings.steps)
    guided, offsets = settings.encoder or "encoder", "encoder-offsets"
    networks = {name: (_digest(GENERATOR), _digest(name)) for name in (guided, offsets, _PLAIN)}
    ours = (*networks[guided], features, ready.WEIGHTS, fastest.DEFAULTS)
    in_domain_ = (*networks[guided], features, in_domain.WEIGHTS, in_domain.DEFAULTS)
    return {
        "conventional": Method(networks[_PLAIN], 1, lambda: _encoder(_PLAIN, settings)),
        "image2stylegan": Method(
            (_digest(GENERATOR), features, embedding),
            embedding.num_steps,
            lambda: _image2stylegan(embedding, settings),
        ),
        "encoder": Method(networks[guided], 1, lambda: _encoder(guided, settings)),
        offsets: Method(networks[offsets], 1, lambda: _encoder(offsets, settings)),
        "in-domain": Method(
            in_domain_, in_domain.DEFAULTS.num_steps, lambda: _in_domain(guided, settings)
        ),
        "ours": Method(ours, fastest.DEFAULTS.num_evaluations, lambda: _ours(guided, settings)),
    }


def check_own_encoder(settings: Inverting) -> None:
    """Open the encoder of one's own, if there is one: a wrong file is refused before hours pass.

    Raises:
        InputError: it is no encoder, or not one for the generator.
    """
    if settings.encoder is not None:
        _open(settings.encoder, settings.place())


_PLAIN = "encoder-conventional"


def _digest(name: str | Path) -> str:
    """SHA-256 of a bundled weight or of a file of one's own."""
    from hw5 import zoo
    from hw5.kit.files import read_bytes

    if str(name).endswith(zoo.SUFFIX):
        return hashlib.sha256(read_bytes(name, expected="a safetensors file")).hexdigest()
    return zoo.describe(str(name)).sha256


def _open(encoder: str | Path, place: torch.device) -> tuple[Generator, Encoder]:
    from hw5.defaults import open_generator
    from hw5.inversion.ready import open_encoder

    generator = open_generator(GENERATOR, place)
    return generator, open_encoder(encoder, generator, place)


def _encoder(name: str | Path, settings: Inverting) -> Invert:
    from hw5.inversion.encode import encode

    generator, encoder = _open(name, settings.place())
    return lambda images, first, on_step: encode(encoder, generator, images)


def _image2stylegan(chosen: object, settings: Inverting) -> Invert:
    from hw5.defaults import open_features, open_generator
    from hw5.inversion.image2stylegan import embed
    from hw5.kit import seeding

    place = settings.place()
    generator, features = open_generator(GENERATOR, place), open_features(device=place)
    return lambda images, first, on_step: embed(
        generator, images, features=features, settings=chosen, rng=seeding.make(first),
        on_step=on_step,
    )  # fmt: skip


def _in_domain(name: str | Path, settings: Inverting) -> Invert:
    from hw5.defaults import build_criterion
    from hw5.inversion.in_domain import WEIGHTS, refine

    place = settings.place()
    generator, encoder = _open(name, place)
    criterion = build_criterion(WEIGHTS, place)
    return lambda images, first, on_step: refine(
        generator, images, encoder=encoder, criterion=criterion, on_step=on_step
    )


def _ours(name: str | Path, settings: Inverting) -> Invert:
    """The fastest search; what is measured once is not counted per picture."""
    from hw5.inversion.ready import open_fastest

    place = settings.place()
    search = replace(open_fastest(place), encoder=_open(name, place)[1])
    return lambda images, first, on_step: search(images, on_step=on_step)
