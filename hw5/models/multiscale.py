"""A discriminator for large pictures: one judge for what is there, others for how fine it is.

Offers `MultiscaleDiscriminator` and `enlarge_judge`. Discriminators at several scales are those of
pix2pixHD (Wang et al. 2018, arXiv 1711.11585, section 3.2), which sums their losses; here their
logits are summed, so that one trained on small pictures can be the first of them and be right from
the start. Those of the larger sizes look at patches (Isola et al. 2017, arXiv 1611.07004, section
3.2.2).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from hw5.kit.checks import InputError, check_shape
from hw5.models.dcgan import IMAGE_SIZE, DCGANDiscriminator
from hw5.models.stylegan2_ops import SLOPE

SIZES = (128, 256, 512, 1024)


class PatchDiscriminator(nn.Module):
    """Logits of patches 38 pixels wide, averaged: no layout, no norm that would hide contrast."""

    def __init__(self, width: int) -> None:
        """Build with random weights but for the last: 0 for every picture, to begin with."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 4, 2, 1)
        self.conv2 = nn.Conv2d(width, 2 * width, 4, 2, 1)
        self.conv3 = nn.Conv2d(2 * width, 4 * width, 4, 2, 1)
        self.conv4 = nn.Conv2d(4 * width, 1, 3, bias=False)
        nn.init.zeros_(self.conv4.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N,) of pictures (N, 3, H, W)."""
        x = images
        for layer in (self.conv1, self.conv2, self.conv3):
            x = F.leaky_relu(layer(x), SLOPE)
        return self.conv4(x).mean(dim=(1, 2, 3))


class MultiscaleDiscriminator(nn.Module):
    """Sum of a `DCGANDiscriminator`'s logits for the reduced picture and of patches' at each size.

    With random weights elsewhere, the patches say nothing yet: it is the DCGAN discriminator.
    """

    def __init__(
        self,
        *,
        image_size: int = 128,
        conv_dim: int = 32,  # of the DCGAN discriminator
        width: int = 16,  # channels of the first layer that looks at patches
    ) -> None:
        """Build for pictures of that size, a doubling of 64."""
        super().__init__()
        if image_size not in SIZES:
            wanted = f"one of {', '.join(map(str, SIZES))}"
            raise InputError.about("image_size", expected=wanted, got=str(image_size))
        self.image_size, self.conv_dim, self.width = image_size, conv_dim, width
        self.reduced = DCGANDiscriminator(conv_dim=conv_dim)
        sizes = [size for size in SIZES if size <= image_size]
        self.patches = nn.ModuleDict({str(size): PatchDiscriminator(width) for size in sizes})

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N,) of pictures (N, 3, image_size, image_size) in [-1, 1]."""
        check_shape("images", images, ("N", 3, self.image_size, self.image_size))
        logits = self.reduced(_reduced(images, IMAGE_SIZE))
        for size, judge in self.patches.items():
            logits = logits + judge(_reduced(images, int(size)))
        return logits

    def config(self) -> dict[str, int]:
        """The arguments that it was made with."""
        return {"image_size": self.image_size, "conv_dim": self.conv_dim, "width": self.width}


def _reduced(images: Tensor, size: int) -> Tensor:
    """Pictures (N, 3, size, size): means of squares of pixels."""
    side = images.shape[-1] // size
    return images.unflatten(3, (size, side)).unflatten(2, (size, side)).mean(dim=(3, 5))


def enlarge_judge(small: nn.Module, image_size: int) -> MultiscaleDiscriminator:
    """Discriminator of pictures of that size that says what `small` says of them reduced.

    Args:
        small: a `DCGANDiscriminator`, or a `MultiscaleDiscriminator` of a smaller size.
        image_size: a doubling of 64.

    Raises:
        InputError: `small` is of another kind, or is as large already.
    """
    if isinstance(small, MultiscaleDiscriminator):
        if image_size <= small.image_size:
            wanted = f"more than {small.image_size}, which it has"
            raise InputError.about("image_size", expected=wanted, got=str(image_size))
        large = MultiscaleDiscriminator(**small.config() | {"image_size": image_size})
        large.load_state_dict(small.state_dict(), strict=False)
    elif isinstance(small, DCGANDiscriminator):
        width = small.conv1[0].out_channels
        large = MultiscaleDiscriminator(image_size=image_size, conv_dim=width)
        large.reduced.load_state_dict(small.state_dict())
    else:
        wanted = "a DCGANDiscriminator or a MultiscaleDiscriminator"
        raise InputError.about("the discriminator", expected=wanted, got=type(small).__name__)
    return large
