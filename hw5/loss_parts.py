"""Given parts of losses.py: masks for feature layers, choices of layers, checks.

Offers `see_through`, `shrink_mask`, `layers_between`, `own_names`, `weights_by_depth`, `check_pair`
and `require`. Read next: losses.py, which is built from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from hw5.kit.checks import InputError, check_choice, check_shape
from hw5.shapes import Images, Mask

if TYPE_CHECKING:
    from hw5.models.features import FeatureNetwork


def see_through(mask: Mask, target: Images, output: Images) -> Images:
    """`target` where the mask is 1, `output` where it is 0; (N, 3, H, W)."""
    return torch.where(mask > 0, target, output)


def shrink_mask(mask: Mask | None, features: Tensor) -> Tensor | None:
    """The share of each feature cell that the mask covers, (N or 1, 1, h, w) in [0, 1].

    Averages areas: taking the nearest pixel instead would lose strokes thinner than a cell.
    """
    return None if mask is None else F.adaptive_avg_pool2d(mask, features.shape[-2:])


def layers_between(features: FeatureNetwork, first: str, last: str) -> tuple[str, ...]:
    """Names of the layers from `first` to `last`, both included, in depth order.

    Raises:
        InputError: an unknown layer, or `last` lies before `first`.
    """
    names = tuple(features.layer_names)
    first, last = own_names(features, (first, last))
    check_choice("first", first, names)
    check_choice("last", last, names)
    chosen = names[names.index(first) : names.index(last) + 1]
    if not chosen:
        raise InputError.about(
            "layers", expected="the shallower layer first", got=f"{first} to {last}"
        )
    return chosen


def own_names(features: FeatureNetwork, layers: Iterable[str]) -> list[str]:
    """The network's spelling of layers: VGG-19's conv_1_1 is also conv1_1 of world-features.

    So settings from the student report hold for whichever network is here. A name that the network
    has in neither spelling is left as it is.
    """
    own = {name.replace("_", ""): name for name in features.layer_names}
    own |= {name: name for name in features.layer_names}
    return [own.get(layer) or own.get(str(layer).replace("_", ""), layer) for layer in layers]


def weights_by_depth(
    features: FeatureNetwork, layers: Mapping[str, float] | Sequence[str]
) -> dict[str, float]:
    """Layer name -> weight, shallowest first; see `PerceptualLoss`.

    Raises:
        InputError: an unknown layer, or one that is listed twice.
    """
    names = list(features.layer_names)
    chosen = own_names(features, layers) or names
    for layer in chosen:
        check_choice("layers", layer, names)
    if len(set(chosen)) < len(chosen):
        raise InputError.about("layers", expected="each layer once", got=", ".join(chosen))
    equal = dict.fromkeys(chosen, 1 / len(chosen))
    weighted = isinstance(layers, Mapping) and layers
    given = dict(zip(chosen, layers.values(), strict=True)) if weighted else equal
    return {layer: float(given[layer]) for layer in sorted(chosen, key=names.index)}


def check_pair(output: Images, target: Images, mask: Mask | None) -> None:
    """Require what can be compared: target and mask shaped as the output or a batch of one, floats.

    Raises:
        InputError: they cannot.
    """
    hint = "one picture is a batch of one: use picture[None]"
    check_shape("output", output, ("N", 3, "H", "W"), hint=hint)
    num_pictures, _, height, width = output.shape
    for name, tensor, channels in (("target", target, 3), ("mask", mask, 1)):
        if tensor is None:
            continue
        single = isinstance(tensor, Tensor) and tensor.dim() > 0 and len(tensor) == 1
        count = 1 if single else num_pictures
        hint = f"the output is {tuple(output.shape)}; resize with kit.images.resize"
        check_shape(name, tensor, (count, channels, height, width), hint=hint)
    for name, tensor in (("output", output), ("target", target), ("mask", mask)):
        if tensor is not None and not tensor.is_floating_point():
            hint = "use mask.float()" if name == "mask" else "bytes: use kit.images.from_uint8"
            raise InputError.about(name, expected="floating values", got=tensor.dtype, hint=hint)


def require(name: str, network: object, weight: float) -> object:
    """Return `network`; it may be None only where its weight is 0.

    Raises:
        InputError: the weight is positive and there is no network.
    """
    if network is None and weight:
        raise InputError.about(
            name,
            expected=f"a network, since the weight of its loss is {weight}",
            got="none",
            hint=f"pass {name}=..., or set that weight to 0",
        )
    return network
