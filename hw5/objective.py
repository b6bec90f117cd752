"""The loss as a function of what is searched, and the best that it has given: plumbing, given.

Offers `Objective`. projector.py moves its variables, search.py keeps several of them with their
optimisers. Read next: projector.py.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from hw5.config import Projection
from hw5.kit.precision import chosen, mixed
from hw5.latents import noise_of, render
from hw5.losses import Loss
from hw5.shapes import Codes, Images, Mask, PerPicture

if TYPE_CHECKING:
    from hw5.models.generator import Generator

State = dict[str, Any]  # tensors, numbers, strings, and lists and dicts of them: torch.save-able
Score = Callable[[Images, Images, Mask | None, Codes], Loss]  # such as losses.Criterion


class Objective:
    """The loss of the picture of start + delta, as a function of `variables`.

    `variables[0]` is delta, zero at first; optimised noise maps follow. Seeds do not interact:
    the loss of one has no gradient in the others.
    """

    def __init__(
        self,
        generator: Generator,
        target: Images,
        score: Score,
        start: Codes,  # one per seed
        settings: Projection,
        *,
        mask: Mask | None = None,
        noise: Mapping[str, Tensor] | None = None,  # None: the generator's own
    ) -> None:
        """Start at delta = 0."""
        self.generator, self.target, self.score, self.mask = generator, target, score, mask
        self.settings = settings
        self.start = start.detach().clone()
        self.delta = torch.zeros_like(self.start).requires_grad_()
        maps = noise_of(generator) if noise is None else noise
        maps = {name: value.detach().clone() for name, value in maps.items()}
        self.is_noise_optimised = settings.noise == "optimised"
        if self.is_noise_optimised:
            maps = {k: v.repeat(len(start), 1, 1, 1).requires_grad_() for k, v in maps.items()}
        self.maps = maps
        self.variables = [self.delta, *(maps.values() if self.is_noise_optimised else ())]
        self.dtype = chosen(settings.precision, self.start.device)  # of convolutions
        self.evaluations = 0
        self.best: dict[str, Tensor] = {}  # "loss", "delta", "image", and one per noise map
        self._scored: list[Tensor] | None = None  # variables of the last evaluation ...
        self._total: Tensor | None = None  # ... and what the closure answered

    def __call__(self) -> PerPicture:
        """Render and score the present variables, one loss per seed, with gradient."""
        noise = self.noise()
        codes = self.start + self.delta
        with mixed(codes.device, self.dtype):
            image = render(self.generator, codes, self.settings.space, noise=noise or "fixed")
        image = image.to(codes.dtype)  # what is compared has all its digits
        loss, terms = self.score(image, self.target, self.mask, self.delta)
        if self.is_noise_optimised:
            terms = {**terms, "noise": self.settings.noise_penalty * noise_pattern(noise)}
            loss = loss + terms["noise"]
        self.evaluations += len(image)
        self.image, self.loss = image.detach(), loss.detach()
        self.terms = {name: value.detach() for name, value in terms.items()}
        self._keep_best(noise)
        return loss

    def noise(self) -> dict[str, Tensor]:
        """Noise maps as rendered; optimised ones are held at mean 0, deviation 1 (StyleGAN2)."""
        if not self.is_noise_optimised:
            return self.maps
        return {name: standardise(value) for name, value in self.maps.items()}

    def _keep_best(self, noise: Mapping[str, Tensor]) -> None:
        """Copy what belongs to each seed's lowest loss; NaN is never lower."""
        now = {"loss": self.loss, "delta": self.delta, "image": self.image}
        if self.is_noise_optimised:
            now |= {f"noise {name}": value for name, value in noise.items()}
        if not self.best:
            self.best = {name: value.detach().clone() for name, value in now.items()}
            self.best["loss"].nan_to_num_(nan=math.inf)
            return
        better = self.loss < self.best["loss"]  # (N,)
        for name, value in now.items() if bool(better.any()) else ():
            rows = better.view(-1, *[1] * (value.dim() - 1))
            self.best[name] = torch.where(rows, value.detach(), self.best[name])

    def once_per_point(self, closure: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """`closure`, but not called again where it was called last; the gradients are still there.

        torch's L-BFGS opens each step by asking for the loss of the point it has just accepted.
        Answering from memory nearly halves its evaluations.
        """

        def answer() -> Tensor:
            seen = self._scored
            if seen is None or not all(map(torch.equal, seen, self.variables)):
                self._total = closure().detach()
                self._scored = [variable.detach().clone() for variable in self.variables]
            return self._total

        return answer

    def state(self) -> State:
        """Everything needed to go on, as copies."""
        return copy.deepcopy(
            {
                "start": self.start,
                "maps": {name: value.detach() for name, value in self.maps.items()},
                "variables": [variable.detach() for variable in self.variables],
                "gradients": [variable.grad for variable in self.variables],
                "best": self.best,
                "last": {"loss": self.loss, "image": self.image, "terms": self.terms},
                "evaluations": self.evaluations,
                "scored": self._scored,
                "total": self._total,
            }
        )

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Go back to `state`, which stays as it is."""
        state = copy.deepcopy(state)
        saved = zip(self.variables, state["variables"], state["gradients"], strict=True)
        for variable, value, gradient in saved:
            variable.copy_(value)
            variable.grad = gradient
        if not self.is_noise_optimised:
            self.maps = state["maps"]
        self.loss, self.image, self.terms = (state["last"][k] for k in ("loss", "image", "terms"))
        self.best, self.evaluations = state["best"], state["evaluations"]
        self._scored, self._total = state["scored"], state["total"]


def standardise(noise: Tensor) -> Tensor:
    """Each map (N, 1, H, W) at mean 0 and standard deviation 1."""
    centred = noise - noise.mean(dim=(1, 2, 3), keepdim=True)
    return centred / centred.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-8)


def noise_pattern(maps: Mapping[str, Tensor]) -> PerPicture:
    """How much maps (N, 1, H, W) differ from white noise; 0 for endless white noise.

    StyleGAN2 (Karras et al. 2020), appendix D: the squared mean product of neighbours, to the right
    and below, at every scale down to 8 pixels. Without it a picture hides in the noise.
    """
    total = 0
    for noise in maps.values():
        while True:
            for axis in (2, 3):
                total = total + (noise * noise.roll(1, axis)).mean(dim=(1, 2, 3)).square()
            if noise.shape[-1] <= 8:
                break
            noise = 2 * F.avg_pool2d(noise, 2)  # 2 keeps the deviation at 1
    return total
