"""Comparing an answer with what is expected, and naming the slip behind a wrong one.

Offers `Slip`, `Wrong`, `expect`, `require`, and the checks of good manners: `untouched`,
`keeps_manners`, `each_alone`, `has_true_gradient`. A slip is a mistake that has a name. Each check
lists the slips it knows, each with the wrong answer it would give; the one that gave this answer is
named. Read next: losses.py, the checks of part 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.autograd import gradcheck

# Relative and absolute difference that still counts as equal: far above rounding in float64 however
# a sum is ordered, far below any slip.
CLOSE = 1e-6

Value: TypeAlias = Tensor | float | list
WrongValue: TypeAlias = Value | tuple  # a tuple is a shape, and stands for any answer of that shape


class Slip(NamedTuple):
    """A mistake that has a name."""

    name: str  # what was done
    look: str  # what to do, or where to look


class Wrong(Exception):
    """A check failed."""

    def __init__(self, seen: str, slip: Slip | None = None) -> None:
        """Tell what was seen, and the slip if it is known."""
        super().__init__(seen)
        self.seen, self.slip = seen, slip


NOTHING = Slip("returns nothing", "end with `return`, in every branch")
NO_TENSOR = Slip("returns no tensor", "keep to torch: no `.item()`, no `.tolist()`, no numpy")
OVER_BATCH = Slip(
    "averaged over the batch as well",
    "one number per picture is asked, (N,): keep the first axis out of the mean",
)
WRONG_SHAPE = Slip("the answer has another shape", "see Returns in the docstring, and its letters")
NOT_A_NUMBER = Slip("the answer is not a number (nan)", "a division by 0, or 0 * nan?")
TURNED = Slip("the sign is turned round", "which of the two is subtracted from the other?")
DETACHED = Slip(
    "cut off from the gradient",
    "a `detach`, `no_grad`, `.data` or `.item()` stands between the argument and the answer",
)
BATCH_OF_ONE = Slip(
    "only right for a batch of 1",
    "which axis is the batch? sums, views and repeats must leave it alone",
)
FIXED_DTYPE = Slip(
    "the dtype is pinned",
    "make new tensors with new_zeros, zeros_like or dtype=...; no `.float()`, no `.double()`",
)
FIXED_DEVICE = Slip(
    "the device is pinned",
    "make new tensors with new_zeros, zeros_like or device=...; no `.cpu()`, no `.cuda()`",
)


def expect(
    got: object,
    want: Value,
    slips: Mapping[Slip, WrongValue] | None = None,
    *,
    nan: Slip = NOT_A_NUMBER,
    close: float = CLOSE,
    of: str = "the answer",
) -> None:
    """Require `got` to be `want`.

    Args:
        got: what the student's function gave.
        want: a tensor, a number, or a list of numbers.
        slips: the wrong answer of each known slip, or its shape.
        nan: the slip behind an answer that holds nan.
        close: largest relative and absolute difference.
        of: what is compared, for the message.

    Raises:
        Wrong: it is not; with the slip whose wrong answer it is, else with a guess.
    """
    if got is None:
        raise Wrong(f"{of} is None", NOTHING)
    if isinstance(got, int | float):
        got = torch.tensor(float(got), dtype=torch.float64)
    if not isinstance(got, Tensor):
        raise Wrong(f"{of} is a {type(got).__name__}, not a tensor", NO_TENSOR)
    want = as_tensor(want)
    if is_close(got, want, close):
        return
    named = next((s for s, wrong in (slips or {}).items() if is_like(got, wrong, close)), None)
    named = named or (nan if bool(got.isnan().any()) else guess(got, want))
    raise Wrong(f"{of} is {brief(got)}, expected {brief(want)}", named)


def require(condition: object, seen: str, slip: Slip | None = None) -> None:
    """Raise `Wrong` with this text and slip unless the condition holds."""
    if not bool(condition):
        raise Wrong(seen, slip)


def guess(got: Tensor, want: Tensor) -> Slip | None:
    """The slip behind a wrong answer, where the two tensors alone tell it."""
    if got.shape != want.shape:
        return OVER_BATCH if got.dim() == 0 and want.dim() == 1 else WRONG_SHAPE
    got, want = got.detach().double(), want.detach().double()
    if is_close(got, -want, CLOSE):
        return TURNED
    counted = want.abs() > CLOSE
    if not bool(counted.any()):
        return None
    factors = (got[counted] / want[counted]).flatten()
    if bool((factors - factors[0]).abs().max() < CLOSE * factors[0].abs()) and factors[0] > 0:
        times = f"{float(factors[0]):.4g}"
        return Slip(f"{times} times what it should be", "a factor, a sum for a mean, or a square?")
    return None


def is_like(got: Tensor, wrong: WrongValue, close: float) -> bool:
    """Has `got` this shape, or this value?"""
    return got.shape == wrong if isinstance(wrong, tuple) else is_close(got, wrong, close)


def is_close(got: Tensor, want: Value, close: float) -> bool:
    """Same shape, and equal within `close`; nan is close to nothing."""
    got, want = got.detach().double().cpu(), as_tensor(want).detach().double().cpu()
    return got.shape == want.shape and torch.allclose(got, want, rtol=close, atol=close)


def as_tensor(value: Value) -> Tensor:
    """A tensor as it is, numbers in float64."""
    return value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)


def brief(tensor: Tensor) -> str:
    """A few numbers, or shape and first numbers of many."""
    values = tensor.detach().flatten().tolist() if tensor.device.type != "meta" else []
    shown = ", ".join(f"{value:.4g}" for value in values[:4])
    shown += ", ..." if len(values) > 4 else ""
    if tensor.dim() == 0:
        return shown
    return f"[{shown}]" if tensor.dim() == 1 else f"{tuple(tensor.shape)} [{shown}]"


@contextmanager
def untouched(**tensors: Tensor) -> Iterator[None]:
    """Require that the tensors, named like the arguments, are the same after the block.

    Raises:
        Wrong: one was edited.
    """
    before = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    yield
    for name, tensor in tensors.items():
        same = torch.equal(tensor.detach().nan_to_num(), before[name].nan_to_num())
        slip = Slip(
            f"edits its argument `{name}` in place",
            "methods that end in _ and assignments like x[...] = write into what the caller "
            "gave: work on a clone()",
        )
        require(same, f"`{name}` is another after the call", slip)


def keeps_manners(function: Callable[..., Tensor], *, grad: str = "", **arguments: Tensor) -> None:
    """Require that a function edits no argument, follows dtype and device, and passes gradients.

    Args:
        function: called with the arguments by name.
        grad: the argument that gradients must reach; "" where none is asked for.
        arguments: float64 tensors.

    Raises:
        Wrong: it does not.
    """
    with untouched(**arguments):
        answer = function(**arguments)
    if not isinstance(answer, Tensor):
        expect(answer, 0.0)
    for dtype in (torch.float64, torch.float32):
        answer = function(**{name: tensor.to(dtype) for name, tensor in arguments.items()})
        seen = f"for arguments of {dtype} the answer is of {answer.dtype}"
        require(answer.dtype == dtype, seen, FIXED_DTYPE)
    follows_device(function, **arguments)
    if grad:
        point = arguments[grad].clone().requires_grad_()
        answer = function(**{**arguments, grad: point})
        require(answer.requires_grad, f"no gradient reaches `{grad}`", DETACHED)


def follows_device(function: Callable[..., Tensor], **arguments: Tensor) -> None:
    """Run on torch's device without data, where tensors made elsewhere do not fit.

    Raises:
        Wrong: a tensor from another device was mixed in, or came out.
    """
    try:
        answer = function(**{name: tensor.to("meta") for name, tensor in arguments.items()})
    except (RuntimeError, NotImplementedError) as error:
        # A branch on values cannot be taken without data: that is no mistake, and not judged.
        if "on device" in str(error) or "same device" in str(error):
            raise Wrong("a tensor made inside is on another device", FIXED_DEVICE) from error
        return
    require(answer.device.type == "meta", f"the answer is on {answer.device}", FIXED_DEVICE)


def each_alone(function: Callable[..., Tensor], *batches: Tensor, close: float = CLOSE) -> None:
    """Require that a batch gives what its rows give alone.

    Raises:
        Wrong: it does not.
    """
    together = function(*batches)
    rows = [function(*(x[i : i + 1] for x in batches)) for i in range(len(batches[0]))]
    want = torch.cat([row.reshape(1, *row.shape[1:]) for row in rows])
    if not is_close(together, want, close):
        seen = f"a batch gives {brief(together)}, its rows one by one {brief(want)}"
        raise Wrong(seen, OVER_BATCH if together.dim() == 0 else BATCH_OF_ONE)


def has_true_gradient(function: Callable[[Tensor], Tensor], point: Tensor, slip: Slip) -> None:
    """Require a gradient that agrees with finite differences at `point`, float64.

    Raises:
        Wrong: none flows, or another.
    """
    point = point.detach().clone().requires_grad_()
    require(function(point).requires_grad, "no gradient flows", DETACHED)
    try:
        agrees = gradcheck(function, (point,), raise_exception=False)
    except RuntimeError as error:
        raise Wrong(f"no gradient can be computed: {error}", slip) from error
    require(agrees, "the gradient is not the one that finite differences measure", slip)
