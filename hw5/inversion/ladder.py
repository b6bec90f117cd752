"""The debugging ladder: from numbers measured on four pictures to the likely culprit.

The lecture "Image Editing with Optimization" names three things that go wrong in projection: the
generator cannot draw the picture, the loss is not a good image distance, the optimiser is caught in
a local minimum. It advises to project, in this order, a generated picture (the generator can draw
it: if that fails, loss or optimiser is to blame), a training picture, a test picture and one from
the wild. Offers `Evidence`, `Thresholds`, `judge` for one rung and `diagnose` for the whole ladder.
Nothing here needs torch. Read next: ladder_rungs.py, which measures the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from itertools import pairwise
from statistics import median

RUNGS = ("generated", "training", "test", "wild")  # from the easiest to the hardest


class Culprit(str, Enum):
    """What is to blame."""

    NOBODY = "all is well"
    LOSS = "the loss is blind"
    OPTIMISER = "the optimiser is stuck"
    GENERATOR = "the generator cannot draw it"


@dataclass(frozen=True)
class Thresholds:
    """Where well ends and ill begins. All are shares, without unit, and all choices are ours."""

    # share of the usual error that may be left in a picture that counts as found. With the bundled
    # StyleGAN2, 0.25 is 24 to 25 dB: its own pictures and unseen cats end below, photographs above
    found: float = 0.25
    # a loss that follows the error has error_left**2 left if it squares differences (perceptual,
    # l2) and error_left if it does not (l1). Less than this share of error_left**2 is contentment
    # that the error does not explain
    blind: float = 0.25
    # by which share the luckiest start may end below the median one. Where every start ends is no
    # trap; on a photograph, 4 starts ended within 1 to 3 %
    spread: float = 0.2
    # by which share another solver, or the encoder's start, may lower the loss further
    gain: float = 0.25

    def __post_init__(self) -> None:
        """Refuse thresholds that are no shares."""
        from hw5.kit.checks import check_number  # here: it needs torch, and --help should not wait

        for field in fields(self):
            check_number(field.name, getattr(self, field.name), low=0, high=1)


@dataclass(frozen=True)
class Evidence:
    """What was measured on one rung. Losses compare with losses, errors with errors."""

    rung: str
    losses: tuple[float, ...]  # where each start ended, the averaged start first
    start_loss: float  # at the averaged start, before the first step
    usual_loss: float  # median over random pictures of the generator
    error: float  # of the picture with the lowest loss, by a ruler that is not the loss: RMS
    usual_error: float  # by the same ruler, median over the same random pictures
    true_loss: float | None = None  # at the code that made the picture, where that is known
    second_loss: float | None = None  # where another solver got to from the best point
    encoder_loss: float | None = None  # where the search ended that began at an encoder's code
    repeat_error: float = 0.0  # of a code's picture by its second picture, median: 0 if it is fixed

    @property
    def loss(self) -> float:
        """The lowest loss that was found."""
        return min(self.losses)

    @property
    def error_left(self) -> float:
        """Share of the usual error that is left; 0 is the very picture, 1 any other."""
        return self.error / self.usual_error if self.usual_error > 0 else 0.0

    @property
    def loss_left(self) -> float:
        """Share of the usual loss that is left above the loss at the true code, at least 0.

        0 also where the loss does not tell random pictures from the target.
        """
        floor = self.true_loss or 0.0
        room = self.usual_loss - floor
        return max(self.loss - floor, 0.0) / room if room > 0 else 0.0

    @property
    def repeat_left(self) -> float:
        """Share of the usual error by which two pictures of one code differ."""
        return self.repeat_error / self.usual_error if self.usual_error > 0 else 0.0

    @property
    def fallen(self) -> float:
        """Share of the averaged start's loss that the best search took off."""
        return gain(self.start_loss, self.loss)

    @property
    def spread(self) -> float:
        """Share by which the best start ended below the median one."""
        return gain(median(self.losses), self.loss)

    @property
    def second_gain(self) -> float | None:
        """Share by which another solver lowered the best loss further."""
        return None if self.second_loss is None else gain(self.loss, self.second_loss)

    @property
    def encoder_gain(self) -> float | None:
        """Share by which the encoder's start ended below the averaged start."""
        return None if self.encoder_loss is None else gain(self.losses[0], self.encoder_loss)


@dataclass(frozen=True)
class Verdict:
    """Who is to blame, and why, in a sentence with the figures."""

    rung: str
    culprit: Culprit
    because: str


@dataclass(frozen=True)
class Diagnosis:
    """The verdict of each rung, from below, and the one to act upon."""

    rungs: tuple[Verdict, ...]
    overall: Verdict
    gaps: tuple[float, ...]  # by how much error_left grows from each rung to the next


def gain(before: float, after: float) -> float:
    """Share of `before` that is gone in `after`; 0 where there was nothing to take."""
    return (before - after) / before if before > 0 else 0.0


def judge(
    evidence: Evidence, thresholds: Thresholds | None = None, *, below: Culprit = Culprit.NOBODY
) -> Verdict:
    """Name the culprit of one rung.

    In this order: the picture is found; the generator does not draw one code alike twice; the loss
    is content although the picture is not found; a lower loss is known or shown to exist; what
    already failed below; else the generator, by exclusion.

    Args:
        evidence: what was measured.
        thresholds: where well ends.
        below: the culprit of the nearest failing rung below.
    """
    limits = thresholds or Thresholds()
    left = f"{evidence.error_left:.0%} of the usual error is left"
    if evidence.error_left <= limits.found:
        return Verdict(evidence.rung, Culprit.NOBODY, f"the picture is found: {left}")
    if evidence.repeat_left > STEADY:
        differ = f"two pictures of one code differ by {evidence.repeat_left:.0%} of it"
        return Verdict(evidence.rung, Culprit.GENERATOR, f"{left}, and {differ}: {UNSTEADY}")
    if evidence.loss_left < limits.blind * evidence.error_left**2:
        content = f"{left}, but only {evidence.loss_left:.2%} of the usual loss"
        return Verdict(evidence.rung, Culprit.LOSS, f"{content}: it does not see what is wrong")
    signs = signs_of_a_trap(evidence, limits)
    if signs:
        return Verdict(evidence.rung, Culprit.OPTIMISER, f"{left}; {'; '.join(signs)}")
    if below in (Culprit.LOSS, Culprit.OPTIMISER):
        same = f"{left}, as on the rung below: mend that first, then judge this one"
        return Verdict(evidence.rung, below, same)
    agree = f"{left}, and {len(evidence.losses)} starts agree within {evidence.spread:.0%}"
    return Verdict(evidence.rung, Culprit.GENERATOR, f"{agree}{no_better(evidence)}")


def signs_of_a_trap(evidence: Evidence, limits: Thresholds) -> list[str]:
    """Signs that a lower loss exists which the search did not find; empty if there are none."""
    signs = []
    if evidence.true_loss is not None:
        signs.append(
            f"the true code has a loss of {evidence.true_loss:.3g}, the search ended at "
            f"{evidence.loss:.3g} after a fall of {evidence.fallen:.0%}"
        )
    if evidence.spread > limits.spread:
        signs.append(f"the best start ended {evidence.spread:.0%} below the median one")
    if (evidence.second_gain or 0.0) > limits.gain:
        signs.append(f"another solver took off a further {evidence.second_gain:.0%}")
    if (evidence.encoder_gain or 0.0) > limits.gain:
        signs.append(f"from the encoder it ended {evidence.encoder_gain:.0%} lower")
    return signs


def no_better(evidence: Evidence) -> str:
    """What else was tried in vain, as the end of a sentence."""
    tried = {"another solver": evidence.second_gain, "the encoder's start": evidence.encoder_gain}
    words = [f"{name} gained {max(value, 0):.0%}" for name, value in tried.items() if value]
    return f"; {', '.join(words)}" if words else ""


def diagnose(ladder: Sequence[Evidence], thresholds: Thresholds | None = None) -> Diagnosis:
    """Judge each rung from below; the lowest that fails is the one to act upon.

    Args:
        ladder: evidence of at least one rung, the easiest first.
        thresholds: where well ends.
    """
    verdicts: list[Verdict] = []
    below = Culprit.NOBODY
    for evidence in ladder:
        verdicts.append(judge(evidence, thresholds, below=below))
        if verdicts[-1].culprit is not Culprit.NOBODY:
            below = verdicts[-1].culprit
    gaps = tuple(after.error_left - before.error_left for before, after in pairwise(ladder))
    failing = [v for v in verdicts if v.culprit is not Culprit.NOBODY]
    if not failing:
        overall = Verdict("all", Culprit.NOBODY, "every rung was found")
    else:
        is_hard = verdicts.index(failing[0]) + len(failing) == len(verdicts)
        overall = replace(failing[0], because=advice(failing[0]) if is_hard else ODD_ONE_OUT)
    return Diagnosis(tuple(verdicts), overall, gaps)


def advice(verdict: Verdict) -> str:
    """What to do about the lowest failing rung."""
    if verdict.culprit is Culprit.GENERATOR:
        return GENERATOR_ADVICE.get(verdict.rung, GENERATOR_ADVICE["wild"])
    return {
        Culprit.LOSS: "weigh in what it cannot see: pixels for colour, shallow layers for texture, "
        "less penalty if that holds the code back",
        Culprit.OPTIMISER: "try more steps, another learning rate, L-BFGS, more starts, or an "
        "encoder to start from",
        Culprit.NOBODY: "nothing to do",
    }[verdict.culprit]


ODD_ONE_OUT = (
    "but a harder rung was found, so this picture is an unusual one or wanted more steps: try "
    "another seed, and more steps"
)
# Share of the usual error by which pictures of one code may differ: rounding stays far below, and
# no search finds a picture that changes under its hands.
STEADY = 0.01
UNSTEADY = "look for random noise or dropout"
GENERATOR_ADVICE = {
    "generated": f"it renders its own code differently: {UNSTEADY}",
    "training": "it has not learned what it was shown: train it longer, make it larger, or search "
    "a larger space (w+)",
    "test": "it draws what it was shown and not what is new: train it on more pictures",
    "wild": "it draws its own world and not this picture: crop as it was trained, search a larger "
    "space (w+), or tune the generator to the picture",
}
