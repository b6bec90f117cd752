"""Pivotal tuning inversion (PTI): keep an editable code, move the generator to the picture instead.

Roich et al. 2021 (arXiv 2106.05744). First the *pivot*: a code in w, where edits work well and
pictures are met only roughly. Then the weights are tuned until the pivot renders the picture, while
a locality regulariser holds the pictures of other codes where they were. The paper describes that
regulariser, the released code ships it switched off; here it is on. Offers `pivotal_tuning`, its
settings `PivotalTuning` and `locality_loss`. Read next: tuned.py, which applies the outcome.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hw5.config import Projection
from hw5.inversion.descent import OnStep, check_request
from hw5.inversion.inverted import Inverted, Step, Stopwatch
from hw5.inversion.tuning import Evaluation, Tuning, Weights, tune
from hw5.kit.checks import check_choice, check_number
from hw5.latents import broadcast_layers, mean_code, render, sample_codes, sample_noise
from hw5.losses import Loss
from hw5.objective import Objective
from hw5.projector import optimize_para
from hw5.search import Record, Search
from hw5.shapes import Codes, Images, Mask, PerPicture

if TYPE_CHECKING:
    from hw5.models.generator import Generator

Distance = Callable[[Images, Images], PerPicture]  # such as metrics.perceptual.LpipsMetric


@dataclass(frozen=True)
class PivotalTuning(Tuning):
    """Where the numbers are not ours, they are those of the paper and its released code.

    Two of the published numbers are in units that are not ours. The weights of eq. 2, 1 and 1, are
    for LPIPS of AlexNet. Our ruler has another scale: at pivots of the bundled encoder it says 1.1
    to 2.2 where squared differences say 0.009 to 0.015, and with 1 and 1 pixels would count for
    1 %. With 30 they begin at an eighth to two fifths of LPIPS, and both end lower: 25 steps at a
    rate of 1e-3 brought three test pictures to 28.0, 29.9 and 30.1 dB and an LPIPS of 0.25, 0.38
    and 0.15, where 1 brings them to 24.5, 26.3 and 27.6 dB and 0.29, 0.39 and 0.18. And alpha = 30
    runs over the 18 layers of a generator of 1024 px, which is 30 / sqrt(18) = 7.1 a layer, and
    7.1 sqrt(10) = 22 over the 10 of ours. That is short of the random code, as is meant: it lies
    33 away (median over 500 pivots); 20 % of the neighbours would lie beyond it at 30, and 0.2 % do
    at 22.
    """

    # steps of Adam to the pivot, and their size; released code. A given pivot takes none.
    pivot_steps: int = 450
    pivot_rate: float = 5e-3
    # random codes whose mean the pivot starts from; released code
    pivot_mean: int = 600
    # weights of the mean squared difference and of LPIPS; eq. 2 has 1 and 1, see above
    pixel: float = 30.0
    lpips: float = 1.0
    # stop when LPIPS is down to this share of the pivot's; 0: never. Ours: the released code stops
    # at 0.06 of LPIPS (alex), but networks differ in scale, and a share holds for every ruler
    stop_share: float = 0.15
    # lambda_R, weight of the locality regulariser, eq. 7; 0: off, as the released code ships it
    locality: float = 1.0
    # alpha, how far from the pivot the neighbouring code lies, over all layers together; section 4
    # has 30, see above
    alpha: float = 22.0
    # weights of the two terms inside the regulariser; the released code has 0.1 and 0.1, and pixels
    # are scaled as above
    locality_pixel: float = 3.0
    locality_lpips: float = 0.1
    # truncation of the random code that the neighbour lies towards; released code
    locality_truncation: float = 0.5

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        super().__post_init__()
        for name in ("pivot_steps", "pivot_mean"):
            check_number(name, getattr(self, name), low=1, whole=True)
        check_number("pivot_rate", self.pivot_rate, low=1e-12)
        for name in ("pixel", "lpips", "locality", "alpha", "locality_pixel", "locality_lpips"):
            check_number(name, getattr(self, name), low=0)
        for name in ("stop_share", "locality_truncation"):
            check_number(name, getattr(self, name), low=0, high=1)


DEFAULTS = PivotalTuning()


def locality_loss(
    generator: Generator,
    shipped: Generator,
    pivot: Codes,
    random: Codes,
    *,
    alpha: float,
    distance: Distance,
) -> PerPicture:
    """Task 6.8 (about 6 lines, 20 minutes). How much the tuning changed a neighbour of the pivot.

    w_r = w_p + alpha (w_z - w_p) / ||w_z - w_p||, and the loss is the distance of the pictures that
    the tuned and the shipped generator make of w_r: Roich et al. 2021, eq. 4 and 5. The norm runs
    over all layers of a code, as in the released code.

    Hint: one norm for each code of the batch: `flatten(1)`, then `norm(dim=1)`, then two axes to
    divide by. No gradient is needed through the shipped generator. Expected: exactly 0 while the
    two generators are the same, whatever alpha.

    Args:
        generator: being tuned; gradients reach its weights.
        shipped: a copy from before the tuning.
        pivot: w+ (N, L, d).
        random: w+ (N, L, d), w_z, none equal to its pivot.
        alpha: length of the way from the pivot, in units of w.
        distance: of tuned and shipped pictures, (N,).
    """
    # BEGIN SOLUTION task_6_8
    direction = random - pivot  # (N, L, d)
    length = direction.flatten(1).norm(dim=1)[:, None, None]
    neighbour = pivot + alpha * direction / length
    with torch.no_grad():
        before = render(shipped, neighbour, "w+")
    now = render(generator, neighbour, "w+")
    return distance(now, before)
    # END SOLUTION


def pivotal_tuning(
    generator: Generator,
    target: Images,
    *,
    lpips: Distance,
    pivot: Codes | None = None,
    settings: PivotalTuning = DEFAULTS,
    rng: torch.Generator,
    on_step: OnStep | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Inverted:
    """Find pivots in w, then tune one generator for all of them.

    Args:
        generator: see models/generator.py; restored bit for bit before this returns.
        target: (N, 3, H, W) in [-1, 1], H and W as the generator makes them.
        lpips: perceptual distance, (N,).
        pivot: codes w (N, 1, d) or w+ (N, L, d) that were found before; None: searched in w.
        settings: see there.
        rng: source of the pivot's mean and of the neighbours.
        on_step: called with each step's `Step`, first those of the search for the pivots.
        should_stop: asked before each step; once true, the best so far is returned.

    Returns:
        Codes in w+, and with `tuned` the difference that `tuned.tuned` applies. The loss is that
        of eq. 2.

    Raises:
        InputError: arguments that do not fit, or a loss that is no longer finite.
    """
    check_choice("space", "w", generator.spaces)
    is_w = isinstance(pivot, Tensor) and pivot.dim() == 3 and pivot.shape[1] == 1
    check_request(generator, target, start=pivot, space="w" if is_w else "w+")
    watch, steps = Stopwatch(), []

    def tell(record: Record) -> None:
        step = Step(record.step, record.losses, record.step + 1, watch.seconds())
        steps.append(step)
        if on_step is not None:
            on_step(replace(step, image=record.pictures()))

    if pivot is None:
        pivot = _find_pivots(generator, target, lpips, settings, rng, tell, should_stop)
    code = pivot.detach().clone()
    if code.shape[1] == 1:
        code = broadcast_layers(code, generator.num_layers)
    evaluate = _objective(generator, target, code, lpips, settings, rng)
    return tune(
        generator, code, evaluate, settings, method="pti", space="w+", before=steps,
        watch=watch, on_step=on_step, should_stop=should_stop,
    )  # fmt: skip


def _objective(
    generator: Generator,
    target: Images,
    code: Codes,
    lpips: Distance,
    settings: PivotalTuning,
    rng: torch.Generator,
) -> Callable[[Weights, Mapping[str, Tensor]], Evaluation]:
    """The loss of eq. 7 and its test for being done, as a function of the generator's weights."""
    shipped = copy.deepcopy(generator).requires_grad_(False)
    mean = mean_code(generator, "w+", rng=rng)
    with torch.no_grad():
        goal = settings.stop_share * lpips(render(shipped, code, "w+"), target)  # (N,)

    def nearness(now: Images, before: Images) -> PerPicture:
        squared = (now - before).square().mean(dim=(1, 2, 3))
        return settings.locality_pixel * squared + settings.locality_lpips * lpips(now, before)

    def evaluate(_now: Weights, _before: Mapping[str, Tensor]) -> Evaluation:
        image = render(generator, code, "w+")
        seen = lpips(image, target)  # (N,)
        squared = (image - target).square().mean(dim=(1, 2, 3))
        loss = settings.pixel * squared + settings.lpips * seen
        total = loss.mean()
        if settings.locality:
            random = sample_codes(generator, "w+", len(code), rng=rng)
            random = mean + settings.locality_truncation * (random - mean)
            near = locality_loss(
                generator, shipped, code, random, alpha=settings.alpha, distance=nearness
            )
            total = total + settings.locality * near.mean()
        is_enough = bool(settings.stop_share) and bool((seen <= goal).all())
        return Evaluation(image, loss, total, is_enough)

    return evaluate


def _find_pivots(
    generator: Generator,
    target: Images,
    lpips: Distance,
    settings: PivotalTuning,
    rng: torch.Generator,
    tell: Callable[[Record], None],
    should_stop: Callable[[], bool],
) -> Codes:
    """Search each picture's pivot w (N, 1, d), by LPIPS alone: eq. 1 without its noise maps.

    It is the search of projector.py with a picture where that has a seed.
    """
    search_settings = Projection(
        space="w",
        num_steps=settings.pivot_steps,
        learning_rate=settings.pivot_rate,
        num_mean=settings.pivot_mean,
    )
    start = sample_noise(generator, "w", 1, num_mean=settings.pivot_mean, rng=rng)
    start = start.repeat(len(target), 1, 1)

    def score(image: Images, seen: Images, _mask: Mask | None, _delta: Codes) -> Loss:
        distance = lpips(image, seen)
        return Loss(distance, {"lpips": distance})

    objective = Objective(generator, target, score, start, search_settings)
    optimize_para(Search([objective], search_settings), on_step=tell, should_stop=should_stop)
    return start + objective.best["delta"] if objective.best else start
