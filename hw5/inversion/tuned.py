"""A tuned generator, kept as its small difference to the one that was shipped.

Tuning (fine_tune.py, pti.py) gives pictures a generator of their own. Only the difference of the
weights is kept, parameter name -> tensor: it is added for as long as a `with` block lasts, and then
the weights are what they were, bit for bit. Offers `tuned`; `restored`, `choose_parameters` and
`difference` for methods that tune; `digest`, `save_delta` and `load_delta` for files. Read next:
fine_tune.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from hw5.kit.checks import InputError, check_choice, check_finite, check_shape
from hw5.kit.files import atomic_write, read_bytes

Delta: TypeAlias = dict[str, Tensor]  # parameter name -> what is added to it, float16 or float32

KIND = "tuned-generator"  # in the file's header: no file of another kind is taken for one


@contextmanager
def tuned(generator: nn.Module, delta: Mapping[str, Tensor]) -> Iterator[nn.Module]:
    """Lend the generator other weights for the length of a `with` block.

        with tuned(generator, found.tuned):
            picture = latents.render(generator, found.code, found.space)

    Afterwards the weights are the old ones bit for bit, also if the block raised. Blocks nest: the
    inner difference is added to the outer one. A graph built inside has to be gone backward
    through inside: later its weights are no longer there, and torch says so.

    Args:
        generator: any network; changed in place, so do not share it between threads.
        delta: parameter name -> difference, shaped as the parameter.

    Raises:
        InputError: a name that the generator does not have, another shape, NaN.
    """
    check_delta(generator, delta)
    with restored(generator, tuple(delta)) as weights:
        with torch.no_grad():
            for name, change in delta.items():
                weights[name].add_(change.to(weights[name]))
        yield generator


@contextmanager
def restored(generator: nn.Module, names: Collection[str]) -> Iterator[dict[str, nn.Parameter]]:
    """Lend the named parameters to whoever changes them, and put them back.

    Values, `requires_grad` and `grad` are those of before when the block ends, however it ends.
    """
    known = dict(generator.named_parameters())
    lent = {name: known[name] for name in names}
    before = {name: (p.detach().clone(), p.requires_grad, p.grad) for name, p in lent.items()}
    try:
        yield lent
    finally:
        with torch.no_grad():
            for name, parameter in lent.items():
                value, parameter.requires_grad, parameter.grad = before[name]
                parameter.copy_(value)


def choose_parameters(generator: nn.Module, prefixes: Collection[str] = ()) -> tuple[str, ...]:
    """Names of the parameters that begin with one of `prefixes`; without any, of all.

    Raises:
        InputError: a prefix that no parameter begins with.
    """
    names = [name for name, _ in generator.named_parameters()]
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in names):
            parts = sorted({name.split(".")[0] for name in names})
            expected = f"the beginning of a parameter's name, such as {', '.join(parts)}"
            raise InputError.about("parameters", expected=expected, got=repr(prefix))
    return tuple(name for name in names if not prefixes or name.startswith(tuple(prefixes)))


def difference(now: Mapping[str, Tensor], before: Mapping[str, Tensor]) -> Delta:
    """`now - before` rounded to float16; what did not change at all is left out.

    A tuned weight differs from its old value by far less than float16 can hold, and half the file
    is saved. A method scores its picture again *after* this rounding: then the difference, applied
    anew, gives the very picture that was scored.
    """
    changes = {name: (now[name].detach() - old).half() for name, old in before.items()}
    return {name: change for name, change in changes.items() if bool(change.any())}


def check_delta(generator: nn.Module, delta: Mapping[str, Tensor], where: str = "delta") -> None:
    """Require differences that fit the generator.

    Raises:
        InputError: an unknown name, another shape, NaN or infinity, whole numbers.
    """
    known = dict(generator.named_parameters())
    for name, change in delta.items():
        check_choice(f"{where}: parameter", name, tuple(known))
        check_shape(f"{where}: {name}", change, tuple(known[name].shape))
        check_finite(f"{where}: {name}", change)
        if not change.is_floating_point():
            expected, got = "floating differences", change.dtype
            raise InputError.about(f"{where}: {name}", expected=expected, got=got)


# ---------------------------------------------------------------- the door to files


def digest(generator: nn.Module) -> str:
    """SHA-256 of all weights and buffers with their names, the same on every device."""
    found = hashlib.sha256()
    for name, value in sorted(generator.state_dict().items()):
        found.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        found.update(value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def save_delta(path: str | Path, delta: Mapping[str, Tensor], generator: nn.Module) -> Path:
    """Write a difference as safetensors, with the digest of the generator that it belongs to.

    Nothing is lost: a tensor becomes float16 only if that holds every value exactly.

    Args:
        path: the file; written whole or not at all.
        delta: as for `tuned`.
        generator: with the weights it was shipped with, so outside of `tuned`.

    Raises:
        InputError: a difference that does not fit, or a place that cannot be written.
    """
    check_delta(generator, delta)
    state = {name: _shortest(change) for name, change in delta.items()}
    content = safetensors.torch.save(state, {"kind": KIND, "digest": digest(generator)})
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return Path(path)


def load_delta(path: str | Path, generator: nn.Module) -> Delta:
    """Read what `save_delta` wrote.

    Args:
        path: the file.
        generator: the same weights that the difference was taken from.

    Raises:
        InputError: no such file, a damaged one, of another generator, or with NaN.
    """
    content = read_bytes(path, expected="a tuned generator")
    try:
        delta = safetensors.torch.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = header["__metadata__"]
        kind, belongs_to = metadata["kind"], metadata["digest"]
    except (SafetensorError, ValueError, KeyError) as error:
        hint = "the file is cut off, or save_delta did not write it"
        raise InputError(f"{path}: not a tuned generator ({error!r}). Hint: {hint}") from error
    check_choice(f"{path}: kind", kind, (KIND,))
    actual = digest(generator)
    if belongs_to != actual:
        raise InputError.about(
            str(path),
            expected=f"a difference to the weights {actual[:12]}...",
            got=f"one to {belongs_to[:12]}...",
            hint="load the generator that it was made with, and outside of `tuned`",
        )
    check_delta(generator, delta, str(path))
    device = next(generator.parameters()).device
    return {name: change.to(device) for name, change in delta.items()}


def _shortest(change: Tensor) -> Tensor:
    """`change` on the processor, as float16 where that loses nothing."""
    change = change.detach().cpu().contiguous()
    return change.half() if torch.equal(change.half().to(change.dtype), change) else change
