"""The fastest search, ready to call: bundled generator, criterion and encoder, and their curvature.

The curvature of fastest.py depends on networks and weights, not on the picture: it is measured once
(a minute) and kept in the cache folder under a name that changes with any of them.

Offers `open_fastest`, its answer `FastestKit`, `WEIGHTS`, and `open_encoder`, which also opens
those of one's own. Read first: fastest.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError

from hw5 import zoo
from hw5.config import LossWeights
from hw5.defaults import CPU, build_criterion, default_features, open_generator
from hw5.inversion.curvature import NUM_PROBES, RANK, Curvature, measure_curvature
from hw5.inversion.descent import OnStep, never
from hw5.inversion.encode import check_encoder
from hw5.inversion.fastest import DEFAULTS, Encoder, Fastest, fastest
from hw5.inversion.inverted import Inverted
from hw5.kit import seeding
from hw5.kit.cache import cache_folder
from hw5.kit.checks import InputError
from hw5.kit.files import atomic_write
from hw5.losses import Criterion
from hw5.models.encoder import Encoder as EncoderNetwork
from hw5.models.generator import Generator
from hw5.shapes import Images

GENERATOR, ENCODER = "stylegan2", "encoder"
# Squares, as the curvature needs; features weigh as much as pixels at the mean picture.
WEIGHTS = LossWeights(
    pixel=1.0, norm="l2", perceptual=0.1, layers=("conv1_2", "conv2_2", "conv3_3", "conv4_3")
)


@dataclass(frozen=True, eq=False)
class FastestKit:
    """Everything that `fastest` needs but the pictures; calling it inverts them."""

    generator: Generator
    criterion: Criterion
    encoder: Encoder
    curvature: Curvature

    def __call__(
        self,
        target: Images,
        *,
        settings: Fastest = DEFAULTS,
        on_step: OnStep | None = None,
        should_stop: Callable[[], bool] = never,
    ) -> Inverted:
        """Invert pictures (N, 3, H, W), side by side; see `fastest`."""
        return fastest(
            self.generator,
            target,
            criterion=self.criterion,
            encoder=self.encoder,
            curvature=self.curvature,
            settings=settings,
            rng=seeding.make(0),  # not asked: the encoder gives the start
            on_step=on_step,
            should_stop=should_stop,
        )


def open_fastest(device: torch.device = CPU, *, folder: Path | None = None) -> FastestKit:
    """Open the bundled networks; measure the curvature if it is not kept from an earlier time.

    Args:
        device: where the networks are to live.
        folder: where it is kept; None: the cache folder of the rendered sets.
    """
    generator, criterion = open_generator(GENERATOR, device), build_criterion(WEIGHTS, device)
    path = (folder or cache_folder()) / f"curvature-{_digest()}{zoo.SUFFIX}"
    curvature = _kept(path) or _keep(path, measure_curvature(generator, criterion, rng=_rng()))
    return FastestKit(generator, criterion, zoo.load(ENCODER, device), curvature.to(device))


def open_encoder(
    name: str | Path, generator: Generator, device: torch.device = CPU
) -> EncoderNetwork:
    """The encoder called `name`, or stored in the file `name`, made for `generator`.

    Raises:
        InputError: an unknown name, a damaged file, a network of another kind, or an encoder whose
            codes or pictures do not fit the generator.
    """
    network = zoo.load(name, device)
    if not isinstance(network, EncoderNetwork):
        got, hint = f"{name}, a {type(network).__name__}", "train one: python -m hw5 train encoder"
        raise InputError.about("encoder", expected="an encoder", got=got, hint=hint)
    check_encoder(network, generator)
    return network


def _rng() -> torch.Generator:
    return seeding.make(0)


def _digest() -> str:
    """Changes with everything that the curvature depends on."""
    digests = [zoo.describe(name).sha256 for name in (GENERATOR, default_features())]
    return hashlib.sha256(repr((digests, WEIGHTS, NUM_PROBES, RANK)).encode()).hexdigest()[:12]


def _kept(path: Path) -> Curvature | None:
    """The curvature from its file; None where there is none, or a damaged one."""
    try:
        arrays = safetensors.torch.load_file(path)
        return Curvature(arrays["basis"], arrays["values"])
    except (OSError, SafetensorError, KeyError):
        return None


def _keep(path: Path, curvature: Curvature) -> Curvature:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        safetensors.torch.save_file(
            {"basis": curvature.basis, "values": curvature.values}, temporary
        )
    return curvature
