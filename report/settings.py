"""How much of the main job to run: the numbers behind the report's figures.

Offers `ReportSettings`. The command line (`python -m hw5 report --help`) is built from it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReportSettings:
    """Budgets of the report. The defaults take under six minutes on two cores."""

    # bundled generator with the spaces z, w and w+
    stylegan: str = "stylegan2"
    # bundled generator with z only
    dcgan: str = "dcgan"
    # steps of each projection by Adam, one evaluation a step (starter and student report: 1000)
    adam_steps: int = 150
    # evaluations of each projection by L-BFGS, so that both methods spend the same
    lbfgs_evaluations: int = 150
    # steps of each drawing
    drawing_steps: int = 200
    # random codes averaged for each start, in every space; starter: 10,000, student report: 10.
    # None: 10,000 in w and w+, none in z
    num_mean: int | None = None
    # frames of each film; starter: 50
    num_frames: int = 50
    # pictures in the opening figure
    num_hero: int = 24
    # where networks and pictures live: cpu, auto (an accelerator if there is one), or torch's name
    device: str = "cpu"
    # which cats: the same seed gives the same report, but for rounding
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse budgets that cannot be meant."""
        from hw5.kit.checks import check_number  # here: it imports torch, which help does without
        from hw5.kit.seeding import MAX_SEED

        lowest = {"num_frames": 2} | ({} if self.num_mean is None else {"num_mean": 0})
        counts = ("adam_steps", "lbfgs_evaluations", "drawing_steps", "num_hero", *lowest)
        for name in counts:
            check_number(name, getattr(self, name), low=lowest.get(name, 1), whole=True)
        check_number("seed", self.seed, low=0, high=MAX_SEED, whole=True)
