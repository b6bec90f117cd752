"""Gauss-Newton search with Levenberg-Marquardt damping: uses that the loss is a sum of squares.

If loss = |r(code)|^2, the Jacobian J of r knows the curvature: loss(code + p) is nearly
|r + J p|^2, and the best p solves (J'J + damping) p = -J'r (Levenberg 1944; Marquardt 1963; Nocedal
and Wright, "Numerical Optimization", chapter 10). J has a million rows here and is never built: a
few steps of conjugate gradients need only J v (forward mode) and J'u (reverse mode).

Offers `gauss_newton`, its settings `GaussNewton` and `residuals`, which writes a criterion as such
a vector. fastest.py says how it compares with its rivals. Read next: fastest.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hw5.inversion.inverted import Inverted, Step, Stopwatch
from hw5.inversion.tuning import OnStep, check_tuning
from hw5.kit.checks import InputError, check_number
from hw5.latents import render
from hw5.losses import Criterion
from hw5.shapes import Codes, Images

if TYPE_CHECKING:
    from hw5.models.generator import Generator

Product = Callable[[Codes], Codes]

TINY = 1e-30  # keeps 0 / 0 from becoming NaN once a picture is met exactly


@dataclass(frozen=True)
class GaussNewton:
    """How to search by Gauss-Newton steps. All numbers are ours unless said otherwise."""

    # steps at most
    num_steps: int = 8
    # conjugate gradient steps inside each; one costs about 2.5 evaluations with gradient
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
    check_tuning(generator, target, start, space)
    watch, history, stopped = Stopwatch(), [], "steps"

    def rendered(code: Codes) -> tuple[Tensor, Images]:
        image = render(generator, code, space)
        return residuals(criterion, image, target), image

    code, damping, evaluations = start.detach().clone(), None, 1
    with torch.no_grad():
        vector, image = rendered(code)
    loss = vector.square().sum(dim=1)  # (N,)
    for step in range(settings.num_steps):
        if should_stop():
            stopped = "cancelled"
            break
        slope, product = _linearise(rendered, code)
        if damping is None:
            damping = settings.damping * _dot(slope, product(slope)) / _dot(slope, slope)
        move = _solve(product, slope, damping, settings.inner_steps)
        with torch.no_grad():
            vector, tried = rendered(code + move)
        new = vector.square().sum(dim=1)
        # What |r + J p|^2 falls by, if p solves the damped equations.
        promised = -_dot(slope, move).flatten() + (damping * _dot(move, move)).flatten()
        better = new < loss  # NaN is not
        fell = torch.where(better, loss - new, 0)
        change = torch.where(fell >= settings.good_share * promised, settings.ease, 1.0)
        change = torch.where(better, change, settings.stiffen)
        damping = damping * change.view_as(damping)
        code = torch.where(better.view_as(damping), code + move, code)
        image = torch.where(better[:, None, None, None], tried, image)
        loss = torch.where(better, new, loss)
        evaluations += 2 + settings.inner_steps
        history.append(Step(step, tuple(new.tolist()), evaluations, watch.seconds()))
        if on_step is not None:
            on_step(replace(history[-1], image=tried.clone()))
    return Inverted(
        method="gauss-newton",
        image=image,
        code=code,
        space=space,
        loss=loss,
        seconds=watch.seconds(),
        evaluations=evaluations,
        history=tuple(history),
        settings=settings,
        stopped=stopped,
    )


def _linearise(
    rendered: Callable[[Codes], tuple[Tensor, Images]], code: Codes
) -> tuple[Codes, Product]:
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
