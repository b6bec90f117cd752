"""Inversion in one pass: an encoder answers with the code, and that is it.

Offers `encode`, and the losses by which encoders learn: `code_loss` (conventional) and
`reconstruction_loss` (domain-guided), eq. 1 and 2 of in-domain GAN inversion (Zhu et al. 2020,
arXiv:2004.00049). The encoders are trained by hw5/train, whose own copy of both losses yours is
compared with. An encoder takes milliseconds where a search takes minutes, and is less exact;
searches that start from its answer have both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from hw5.inversion.inverted import Inverted, Stopwatch
from hw5.kit.checks import InputError, check_images
from hw5.latents import check_codes, render
from hw5.losses import PerceptualLoss, pixel_loss
from hw5.shapes import Codes, Images, PerPicture

if TYPE_CHECKING:
    from hw5.models.encoder import Encoder
    from hw5.models.generator import Generator


@torch.no_grad()
def encode(encoder: Encoder, generator: Generator, images: Images) -> Inverted:
    """Codes of pictures by one pass of the encoder, and their pictures by one of the generator.

    Args:
        encoder: In evaluation mode, made for this generator, such as zoo.load("encoder").
        generator: With w+.
        images: (N, 3, H, W) in [-1, 1], of the generator's size.

    Returns:
        w+ codes; the loss is 0 everywhere, as nothing was minimised.

    Raises:
        InputError: pictures of another size or range, or an encoder for another generator.
    """
    check_images("images", images, size=generator.image_size)
    check_encoder(encoder, generator)
    watch = Stopwatch()
    code = encoder(images)  # (N, L, d)
    image = render(generator, code, "w+")
    return Inverted(
        method="encoder",
        image=image,
        code=code,
        space="w+",
        loss=image.new_zeros(len(image)),
        seconds=watch.seconds(),
        evaluations=1,
    )


def check_encoder(encoder: Encoder, generator: Generator) -> None:
    """Require an encoder whose codes and pictures fit the generator.

    Raises:
        InputError: they do not, or the encoder is in training mode.
    """
    made_for = (encoder.image_size, encoder.num_layers, encoder.w_dim)
    needed = (generator.image_size, generator.num_layers, generator.w_dim)
    if "w+" not in generator.spaces or made_for != needed:
        raise InputError.about(
            "encoder",
            expected="one for this generator: pixels, layers and width {}, {}, {}".format(*needed),
            got="{}, {}, {}".format(*made_for),
            hint="train one with: python -m hw5 train encoder",
        )
    if encoder.training:
        raise InputError.about(
            "encoder", expected="evaluation mode", got="training mode", hint="call encoder.eval()"
        )


def code_loss(encoder: nn.Module, generator: Generator, w: Codes) -> PerPicture:
    """Task 6.6 (about 4 lines, 10 minutes). Conventional encoder: does it find the code again?

    mean (E(G(w)) - w)^2 over layers and width: eq. 1. The picture is the generator's own, so the
    right answer is known; no real picture is needed, and none is ever seen.

    Hint: the generator stands outside, no gradient needs to pass it: render under `torch.no_grad`.
    `w` has one layer, E's answer has L; broadcasting compares each of them with it. Expected: 0 for
    an encoder that knows the answer, about w's variance for one that always says the mean.

    Args:
        encoder: pictures (N, 3, H, W) to codes (N, L, d).
        generator: With w+.
        w: (N, 1, d), sampled.

    Raises:
        InputError: codes of another shape.
    """
    check_codes("w", generator, w, "w")
    # BEGIN SOLUTION task_6_6
    with torch.no_grad():
        images = render(generator, w, "w")
    found = encoder(images)  # (N, L, d)
    return (found - w).square().mean(dim=(1, 2))
    # END SOLUTION


def reconstruction_loss(
    encoder: nn.Module,
    generator: Generator,
    images: Images,
    *,
    perceptual: PerceptualLoss,
    discriminator: nn.Module,
    adversarial: float = 0.1,
) -> PerPicture:
    """Task 6.7 (about 5 lines, 15 minutes). Domain-guided encoder: does its picture look like x?

    mean (x - G(E(x)))^2 + perceptual(G(E(x)), x) + adversarial * softplus(-D(G(E(x)))): eq. 2 in
    the logistic form of the authors' code. Now the picture is real, its code unknown, and the
    gradient reaches the encoder through the frozen generator, which so tells what it can draw; the
    discriminator tells what looks real.

    Hint: no `no_grad` here. `pixel_loss` has norm="l2". softplus is in torch.nn.functional (F).
    Expected: with adversarial=0, 0 for a picture that is found again exactly.

    Args:
        encoder: pictures (N, 3, H, W) to codes (N, L, d).
        generator: With w+.
        images: (N, 3, H, W) in [-1, 1], real ones.
        perceptual: With its weights (lambda_vgg) inside.
        discriminator: pictures to logits (N,), positive for real.
        adversarial: lambda_adv; 0.1 in paper and talk, 0.08 in the authors' code.
    """
    check_images("images", images, size=generator.image_size)
    # BEGIN SOLUTION task_6_7
    made = render(generator, encoder(images), "w+")
    pixel = pixel_loss(made, images, norm="l2")
    semantic = perceptual(made, images)
    realism = F.softplus(-discriminator(made))  # small where D takes the picture for real
    return pixel + semantic + adversarial * realism
    # END SOLUTION
