"""Gauss-Newton search with Levenberg-Marquardt damping: uses that the loss is a sum of squares.

If loss = |r(code)|^2, the Jacobian J of r knows the curvature: loss(code + p) is nearly
|r + J p|^2, and the best p solves (J'J + damping) p = -J'r (Levenberg 1944; Marquardt 1963; Nocedal
and Wright, "Numerical Optimization", chapter 10). J has a million rows here and is never built: a
few steps of conjugate gradients need only J v (forward mode) and J'u (reverse mode).

Offers `gauss_newton`, its settings `GaussNewton` and `residuals`, which writes a criterion as such
a vector. fastest.py says how it compares with its rivals. Read next: fastest.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hw5.inversion.descent import OnStep, check_request
from hw5.inversion.inverted import Inverted, Step, Stopwatch
from hw5.kit.checks import InputError, check_number
from hw5.latents import render
from hw5.losses import Criterion
from hw5.shapes import Codes, Images, PerPicture

if TYPE_CHECKING:
    from hw5.models.generator import Generator

Product = Callable[[Codes], Codes]
Rendered = Callable[[Codes], tuple[Tensor, Images]]  # codes to residuals (N, R) and pictures

# Evaluations with gradient that take as long as one product J'J v, which is a rendering with its
# tangents and a way back; measured.
PRODUCT = 2.5
TINY = 1e-30  # keeps 0 / 0 from becoming NaN once a picture is met exactly


@dataclass(frozen=True)
class GaussNewton:
    """How to search by Gauss-Newton steps. All numbers are ours unless said otherwise."""

    # steps at most
    num_steps: int = 8
    # conjugate gradient steps inside each; one costs `PRODUCT` evaluations with gradient
    inner_steps: int = 8
    # damping at first, in units of the largest curvature that the first gradient meets
    damping: float = 1e-2
    # factors after a good and after a refused step; Marquardt used 1/10 and 10
    ease: float = 0.25
    stiffen: float = 4.0
    # a step is good if the loss fell by this share of what the linear model promised
    good_share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        for name in ("num_steps", "inner_steps"):
            check_number(name, getattr(self, name), low=1, whole=True)
        check_number("damping", self.damping, low=0)
        for name in ("ease", "good_share"):
            check_number(name, getattr(self, name), low=0, high=1)
        check_number("stiffen", self.stiffen, low=1)


DEFAULTS = GaussNewton()


def residuals(criterion: Criterion, image: Images, target: Images) -> Tensor:
    """The criterion as a vector: its squares sum to the total, picture by picture.

    Args:
        criterion: of squared pixels (norm "l2") and features only.
        image: (N, 3, H, W) in [-1, 1], or slightly beyond.
        target: (N, 3, H, W) in [-1, 1].

    Returns:
        (N, R), R counts pixels and features.

    Raises:
        InputError: a term that is no sum of squares.
    """
    weights = criterion.weights
    if weights.norm != "l2" or weights.style or weights.lpips or weights.penalty:
        hint = "use LossWeights(norm='l2') with the pixel and perceptual terms only"
        got = f"{weights}"
        raise InputError.about("criterion", expected="sums of squares", got=got, hint=hint)
    parts = [_scaled(image - target, weights.pixel)] if weights.pixel else []
    if weights.perceptual:
        loss = criterion.perceptual
        ours, theirs = loss.extract(image), loss.extract_target(image, target, None)
        for layer, weight in loss.weights.items():
            parts.append(_scaled(ours[layer] - theirs[layer], weights.perceptual * weight))
    return torch.cat(parts, dim=1)


def _scaled(difference: Tensor, weight: float) -> Tensor:
    """(N, R) whose squares sum to weight * mean squared difference."""
    flat = difference.flatten(1)
    return flat * (weight / flat.shape[1]) ** 0.5


def gauss_newton(
    generator: Generator,
    target: Images,
    *,
    criterion: Criterion,
    start: Codes,
    space: str = "w+",
    settings: GaussNewton = DEFAULTS,
    on_step: OnStep | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Inverted:
    """Search N codes side by side; each picture has a damping, and accepts or refuses, of its own.

    Args:
        generator: see models/generator.py.
        target: (N, 3, H, W) in [-1, 1], H and W as the generator makes them.
        criterion: see `residuals`.
        start: z (N, d), w (N, 1, d) or w+ (N, L, d).
        space: of `start`.
        settings: see there.
        on_step: called with each step's `Step`, with the pictures tried in it.
        should_stop: asked before each step; once true, the best so far is returned.

    Raises:
        InputError: arguments that do not fit, or a criterion that is no sum of squares.
    """
    check_request(generator, target, start=start, space=space)
    watch, history, stopped = Stopwatch(), [], "steps"

    def rendered(code: Codes) -> tuple[Tensor, Images]:
        image = render(generator, code, space)
        return residuals(criterion, image, target), image

    now = _State.at(rendered, start.detach().clone())
    for step in range(settings.num_steps):
        if should_stop():
            stopped = "cancelled"
            break
        now, tried, losses = _step(rendered, now, settings)
        spent = _spent(step + 1, settings)
        history.append(Step(step, tuple(losses.tolist()), spent, watch.seconds()))
        if on_step is not None:
            on_step(replace(history[-1], image=tried.clone()))
    return Inverted(
        method="gauss-newton",
        image=now.image,
        code=now.code,
        space=space,
        loss=now.loss,
        seconds=watch.seconds(),
        evaluations=history[-1].evaluations if history else 1,
        history=tuple(history),
        settings=settings,
        stopped=stopped,
    )


def _spent(steps: int, settings: GaussNewton) -> int:
    """Evaluations that compare with other methods': of what `steps` steps cost, rounded up.

    The start, then for each step its slope, its products and the picture tried; and one product
    more, for the first damping.
    """
    products = 1 + steps * settings.inner_steps
    return 1 + 2 * steps + math.ceil(PRODUCT * products)


@dataclass(frozen=True, eq=False)
class _State:
    """Where each picture's search stands."""

    code: Codes
    image: Images
    loss: PerPicture
    damping: Tensor | None = None  # (N, 1, ...), as many axes as `code`; None before the first step

    @classmethod
    def at(cls, rendered: Rendered, code: Codes) -> _State:
        """Score `code`, without gradient."""
        with torch.no_grad():
            vector, image = rendered(code)
        return cls(code, image, vector.square().sum(dim=1))


def _step(
    rendered: Rendered, now: _State, settings: GaussNewton
) -> tuple[_State, Images, PerPicture]:
    """One step: the state after it, and picture and loss that were tried, accepted or not."""
    slope, product = _linearise(rendered, now.code)
    damping = now.damping
    if damping is None:
        bent = _dot(slope, product(slope)) / _dot(slope, slope).clamp(min=TINY)
        damping = settings.damping * bent
    move = _solve(product, slope, damping, settings.inner_steps)
    tried = _State.at(rendered, now.code + move)
    # What |r + J p|^2 falls by, if p solves the damped equations.
    promised = (damping * _dot(move, move) - _dot(slope, move)).flatten()
    better = tried.loss < now.loss  # (N,); NaN is not
    good = better & (now.loss - tried.loss >= settings.good_share * promised)
    factor = torch.where(good, settings.ease, torch.where(better, 1.0, settings.stiffen))
    rows = better.view_as(damping)
    after = _State(
        torch.where(rows, tried.code, now.code),
        torch.where(better[:, None, None, None], tried.image, now.image),
        torch.where(better, tried.loss, now.loss),
        damping * factor.view_as(damping),
    )
    return after, tried.image, tried.loss


def _linearise(rendered: Rendered, code: Codes) -> tuple[Codes, Product]:
    """J'r at `code`, and the function v -> J'J v; a picture's rows of J meet only its own code."""
    vector, back, _ = torch.func.vjp(rendered, code, has_aux=True)

    def product(direction: Codes) -> Codes:
        _, forward, _ = torch.func.jvp(rendered, (code,), (direction,), has_aux=True)
        return back(forward)[0].detach()

    return back(vector)[0].detach(), product


def _solve(product: Product, slope: Codes, damping: Tensor, num_steps: int) -> Codes:
    """Conjugate gradients on (J'J + damping) p = -J'r from p = 0, for each picture by itself."""
    move, rest = torch.zeros_like(slope), -slope
    direction, size = rest, _dot(rest, rest)
    for _ in range(num_steps):
        ahead = product(direction) + damping * direction
        length = size / _dot(direction, ahead).clamp(min=TINY)
        move, rest = move + length * direction, rest - length * ahead
        before, size = size, _dot(rest, rest)
        direction = rest + size / before.clamp(min=TINY) * direction
    return move


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner product of each picture's entries, (N, 1, ...): it multiplies codes as it is."""
    return (a * b).sum(dim=tuple(range(1, a.dim())), keepdim=True)
