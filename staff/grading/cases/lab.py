"""What calls share in the worker: small networks made from the inputs, and records of a call.

Offers `linear`, `curved`, `only_z` and `features`, which build networks; `manners` and
`gradient_of`, which record how a function behaves; `mean_square`, a criterion. Nothing here judges:
it only writes down, and the parent decides. Imported in the worker alone, since it imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from hw5.checking import fakes
from staff.grading.cases.whereabouts import stays_with


class Recorder(fakes.LinearGenerator):
    """The linear generator, writing down what it is asked to render."""

    def __init__(self) -> None:
        """Nothing rendered yet."""
        super().__init__()
        self.codes: list[Tensor] = []

    def synthesize(self, w_plus: Tensor, **options: Any) -> Tensor:
        """Pictures of w+, as ever."""
        self.codes.append(w_plus)
        return super().synthesize(w_plus, **options)


class Curved(Recorder):
    """Neither its mapping nor its pictures are linear: w = (M z)^2 + centre, tanh of the pixels."""

    def map(self, z: Tensor) -> Tensor:
        """Codes w (N, 1, d) of z (N, d)."""
        return ((z @ self.mapping.T).square() + self.centre)[:, None]

    def finish(self, flat: Tensor, grain: Tensor | None = None) -> Tensor:
        """Pictures (N, 3, H, W)."""
        return torch.tanh(2 * super().finish(flat, grain))


def build(kind: type, numbers: Mapping[str, Tensor]) -> Any:
    """A network of this kind whose parameters and buffers hold these numbers."""
    network = kind()
    with torch.no_grad():
        for name, value in numbers.items():
            getattr(network, name).copy_(value)
    return network


def linear(x: SimpleNamespace, kind: type = Recorder) -> Recorder:
    """The linear generator of the inputs that `draws.linear_network` drew."""
    names = ("matrix", "base", "mapping", "centre", "grain")
    return build(kind, {name: getattr(x, name) for name in names})


def curved(x: SimpleNamespace) -> Curved:
    """The same numbers in the curved generator."""
    return linear(x, Curved)


def only_z(x: SimpleNamespace) -> fakes.OnlyZ:
    """The generator without w of the inputs that `draws.only_z_network` drew."""
    return build(fakes.OnlyZ, {"matrix": x.z_matrix})


def features(x: SimpleNamespace) -> fakes.SmallFeatures:
    """The feature network of the inputs that `draws.feature_kernels` drew."""
    network = fakes.SmallFeatures()
    for i, kernel in enumerate(network.kernels):
        kernel.copy_(getattr(x, f"kernel_{i}"))
    return network


def source(seed: Tensor) -> torch.Generator:
    """A random source from a seed among the inputs."""
    return torch.Generator().manual_seed(int(seed))


def gradient_of(values: Tensor, *variables: Tensor) -> list[Tensor]:
    """Gradients of the sum of `values`; zeros where none flows."""
    if not values.requires_grad:
        return [torch.zeros_like(variable) for variable in variables]
    found = torch.autograd.grad(values.sum(), variables, allow_unused=True)
    pairs = zip(found, variables, strict=True)
    return [torch.zeros_like(v) if g is None else g for g, v in pairs]


def manners(
    function: Callable[..., Tensor], *, grad: str = "", **arguments: Tensor
) -> dict[str, Any]:
    """What a function does to its arguments, their dtype, their device, their gradient.

    Args:
        function: called with the arguments by name.
        grad: the argument whose gradient is recorded; "" for none.
        arguments: float64 tensors.
    """
    before = {name: value.clone() for name, value in arguments.items()}
    function(**arguments)
    found: dict[str, Any] = {
        f"edits {name}": not torch.equal(value, before[name]) for name, value in arguments.items()
    }
    found["in float32"] = function(**{name: value.float() for name, value in before.items()})
    found["stays on its device"] = stays_with(lambda: function(**before))
    if grad:
        point = before[grad].clone().requires_grad_()
        answer = function(**{**before, grad: point})
        (found[f"gradient of {grad}"],) = gradient_of(answer.square(), point)
    return found


def mean_square(
    output: Tensor, target: Tensor, mask: Tensor | None = None, delta: Tensor | None = None
) -> Any:
    """A criterion of our own: mean squared difference over the mask. A losses.Loss."""
    from hw5.losses import Loss

    weight = torch.ones_like(output[:1, :1]) if mask is None else mask
    total = ((output - target).square() * weight).flatten(1).sum(1) / (3 * weight.sum())
    return Loss(total=total, terms={"pixel": total})


def index_of(word: object, words: Sequence[str]) -> int:
    """Place of a word in a list, -1 if it is another: words travel as numbers."""
    return list(words).index(word) if word in words else -1
