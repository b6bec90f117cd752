"""Numbers inside the page's sentences.

Offers `proportions`, which compares our times with the student report's, `first_rung` and
`edit_numbers`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from hw5.shapes import Images
from report.drawings import Edit
from report.projections import Cell

# Seconds of 1000 steps, from the student report "GAN Photo Editing" (Rodriguez Ladron de Guevara).
QUOTED = {"StyleGAN, first order": 34.0, "StyleGAN, quasi-Newton": 211.0, "DCGAN": 11.0}


def proportions(cells: Sequence[Cell]) -> dict[str, str]:
    """How many times as long one step takes as another: in the student report, and here."""
    first, newton, dcgan = QUOTED.values()
    ours = {
        key: seconds_per_step(cells, *key)
        for key in (("StyleGAN2, w+", "adam"), ("StyleGAN2, w+", "lbfgs"), ("DCGAN, z", "adam"))
    }
    our_first, our_newton, our_dcgan = ours.values()
    return {
        "quoted_newton_ratio": f"{newton / first:.1f}",
        "newton_ratio": f"{our_newton / our_first:.1f}",
        "quoted_dcgan_ratio": f"{dcgan / first:.2f}",
        "dcgan_ratio": f"{our_dcgan / our_first:.2f}",
    }


def seconds_per_step(cells: Sequence[Cell], label: str, optimiser: str) -> float:
    """Seconds per step of one method, over all targets."""
    found = [c.found for c in cells if c.method.label == label and c.optimiser == optimiser]
    return sum(f.seconds for f in found) / sum(len(f.history) for f in found)


def first_rung(cells: Sequence[Cell]) -> dict[str, str]:
    """How close both optimisers come in w to the cat that the generator made, dB."""
    return {
        f"generated_{cell.optimiser}": f"{cell.psnr:.1f}"
        for cell in cells
        if (cell.rung.name, cell.method.label) == ("generated", "StyleGAN2, w")
    }


def edit_numbers(edit: Edit) -> dict[str, str]:
    """Greenness of the irises before, after and in the right answer, and what the rest cost."""
    return {
        "green_before": f"{greenness(edit.projected.image, edit.eyes):.0f}",
        "green_after": f"{greenness(edit.drawn.image, edit.eyes):.0f}",
        "green_answer": f"{greenness(edit.answer, edit.eyes):.0f}",
        "edit_psnr": f"{edit.psnr_outside:.1f}",
    }


def greenness(picture: Images, mask: torch.Tensor) -> float:
    """Green minus the mean of red and blue under a mask, in levels of 0 to 255."""
    red, green, blue = (picture.clamp(-1, 1) * 127.5).split(1, dim=1)
    excess = green - (red + blue) / 2
    return float((excess * mask).sum() / mask.sum())
