"""`hw5 convert`: other people's checkpoints become safetensors.

Offers `convert`. The files are read by hw5/checkpoints, without running any code in them.
"""

from __future__ import annotations

from pathlib import Path

import tyro


def convert(
    checkpoint: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    *,
    network: str | None = None,
    label: int | None = None,
    overwrite: bool = False,
) -> int:
    """Read an official StyleGAN2 pickle, or another checkpoint, and write safetensors.

    No code in the file is run: it is read as data, and anything but a known network is refused.
    Every command takes either file as its generator.

    For example:
      python -m hw5 convert afhqcat.pkl afhqcat.safetensors
      python -m hw5 convert cifar10.pkl cat.safetensors --label 3
      python -m hw5 project my_cat.jpg --generator afhqcat.safetensors

    Args:
        checkpoint: StyleGAN2-ADA pickle, rosinality's .pt, or the starter's DCGAN
        out: file to write, ending in .safetensors; a card with its origin is written beside it
        network: G_ema, G or D; the averaged generator by default
        label: class that a conditional network is to draw (CIFAR-10: 3 is cat)
        overwrite: replace a file that is already there, or the card beside it
    """
    from hw5 import checkpoints
    from hw5.kit.checks import InputError

    there = [str(file) for file in (out, out.with_suffix(".json")) if file.exists()]
    if there and not overwrite:
        hint = "choose another name or allow it with --overwrite"
        raise InputError.about(there[0], expected="a new file", got="one that is there", hint=hint)
    found = checkpoints.read(checkpoint)
    checkpoints.convert(checkpoint, out, network=network, label=label)
    print(f"{found.format}: {', '.join(found.networks)}; {found.image_size} px")
    for name, reason in found.left_out.items():
        print(f"{name} cannot be used: {reason}")
    print(f"licence: {found.licence}")
    print(f"wrote {out}")
    return 0
