"""Semantic diffusion: paste a part of one picture on another, and invert what lies under the mask.

Zhu et al. 2020 (In-domain inversion, arXiv 2004.00049), section 4.4. The composite is looked at
twice: as a whole by the encoder, whose code starts the search, and through the mask by the loss.
So the pasted part is kept, and its surroundings are free to become what suits it: the context's
pose and background, in which nothing is forced to stay.

Offers `diffuse`, `paste` and `patch_mask`. The search behind it is in_domain.py; read that first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from hw5.inversion.descent import OnStep, ShouldStop, never
from hw5.inversion.in_domain import DEFAULTS, Encoder, InDomain, refine
from hw5.inversion.inverted import Inverted
from hw5.kit.checks import InputError, check_images, check_mask, check_number
from hw5.objective import Score
from hw5.shapes import Images, Mask

if TYPE_CHECKING:
    from hw5.models.generator import Generator


def patch_mask(
    like: Images, *, side: float = 110 / 256, x: float = 125 / 256, y: float = 145 / 256
) -> Mask:
    """A square that counts, (1, 1, H, W); by default where the released code finds a face.

    Args:
        like: pictures (N, 3, H, W) whose size, type and device the mask takes.
        side: of the square, as a share of the picture's side, in (0, 1].
        x: of its centre, as a share of the width from the left.
        y: of its centre, as a share of the height from above.

    Raises:
        InputError: a number out of range, or a square without a pixel.
    """
    for name, value in (("side", side), ("x", x), ("y", y)):
        check_number(name, value, low=0, high=1)
    height, width = like.shape[-2:]
    mask = like.new_zeros(1, 1, height, width)
    rows, columns = (
        slice(max(0, round((centre - side / 2) * size)), round((centre + side / 2) * size))
        for centre, size in ((y, height), (x, width))
    )
    mask[..., rows, columns] = 1
    if not bool(mask.any()):
        raise InputError.about("side", expected="a patch of at least one pixel", got=side)
    return mask


def paste(context: Images, patch: Images, mask: Mask) -> Images:
    """`patch` where the mask is 1, `context` where it is 0; (N, 3, H, W).

    Args:
        context: (N or 1, 3, H, W) in [-1, 1].
        patch: (N or 1, 3, H, W) in [-1, 1], as large as the context: where a pixel lies is where
            it goes.
        mask: (N or 1, 1, H, W) in {0, 1}.

    Raises:
        InputError: shapes that do not fit, or no pictures.
    """
    check_images("context", context)
    check_images("patch", patch)
    if patch.shape[-2:] != context.shape[-2:] or len({1, len(patch), len(context)}) > 2:
        raise InputError.about(
            "patch",
            expected=f"pictures like the context's {tuple(context.shape)}, or a single one",
            got=tuple(patch.shape),
            hint="resize with kit.images.resize",
        )
    check_mask("mask", mask, patch if len(context) == 1 else context)
    return torch.where(mask > 0, patch, context)


def diffuse(
    generator: Generator,
    context: Images,
    patch: Images,
    mask: Mask,
    *,
    encoder: Encoder,
    criterion: Score,
    settings: InDomain = DEFAULTS,
    on_step: OnStep | None = None,
    should_stop: ShouldStop = never,
) -> Inverted:
    """Task 6.5 (about 3 lines, 10 minutes). A picture that continues `patch` in the context's way.

    Paste, let the encoder read the composite, and refine its code with the mask: only what was
    pasted is compared. The encoder's regulariser holds the rest together; the released code leaves
    it out here (`InDomain(domain=0)`).

    Hint: `refine` does the search, given `**search`; `replace(found, method="diffusion")` names the
    answer. Expected: given the start code, the context has no
    influence on the loss; without the mask, the seam would be reconstructed as well.

    Args:
        generator: see models/generator.py; must have w+.
        context: (N or 1, 3, H, W) in [-1, 1], gives the surroundings.
        patch: (N or 1, 3, H, W) in [-1, 1], gives what lies under the mask.
        mask: (N or 1, 1, H, W) in {0, 1}; see `patch_mask`.
        encoder: pictures to w+ codes; see in_domain.py.
        criterion: as for `refine`.
        settings: as for `refine`.
        on_step: called with each step's `Step`.
        should_stop: asked before each step.

    Raises:
        InputError: arguments that do not fit, or a loss that is no longer finite.
    """
    search = {"encoder": encoder, "criterion": criterion, "settings": settings}
    search |= {"on_step": on_step, "should_stop": should_stop}
    # BEGIN SOLUTION task_6_5
    composite = paste(context, patch, mask)
    found = refine(generator, composite, mask=mask, **search)
    return replace(found, method="diffusion")
    # END SOLUTION
