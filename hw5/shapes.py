"""The letters used for tensor shapes, and names for the kinds of tensor passed around.

Offers `Images`, `Mask`, `Codes`, `Scalar` and `PerPicture`. Read next: kit/checks.py, which
enforces them at public doors.

Legend, the same in every docstring and end-of-line comment:

- N  pictures (or codes) in the batch
- C  channels, 3 for RGB
- H, W  height and width in pixels
- L  synthesis layers that take their own copy of a style code
- d  width of a latent code
- T  steps, or frames

Every alias is a plain `torch.Tensor`: the name says shape and range to a reader, and costs nothing
when run.
"""

from __future__ import annotations

from typing import TypeAlias

import torch

# (N, 3, H, W), float, RGB, -1 is black and 1 is full. Files, widgets and metrics convert at their
# own door.
Images: TypeAlias = torch.Tensor

# (N, 1, H, W) or (1, 1, H, W), float, exactly 0 or 1. 1 means "this pixel counts".
Mask: TypeAlias = torch.Tensor

# z: (N, d). w: (N, 1, d), one style for all layers. w+: (N, L, d), a style per layer. Float,
# unbounded.
Codes: TypeAlias = torch.Tensor

# (), float: one number that can be differentiated.
Scalar: TypeAlias = torch.Tensor

# (N,), float: one number per picture, so that several runs can be optimised in one batch.
PerPicture: TypeAlias = torch.Tensor
