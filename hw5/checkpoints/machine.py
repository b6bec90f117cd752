"""Pickles read as data: a machine that runs nothing, whatever the file asks for.

A pickle is a program: Python's own unpickler imports what it names and calls it. This one decodes
the steps with the standard library's `pickletools`, which executes nothing, and answers them
itself. A name stays a `Name`; calling one is answered by a table that its user hands in; an object
becomes an inert `Record`. Every other name is refused, and said.

Offers `Machine`, `Source`, `Name`, `Record` and `refuse`. Read next: tensors.py, the table.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from hw5.kit.checks import InputError, brief

MAX_STEPS = 2_000_000  # of all pickles in a file; a published 1024 px file has about 60,000 (ours)
MAX_PROTOCOL = 5
MAX_LINE = 4096  # bytes of a step written as text
SHORT = 4096  # bytes; longer reads are views of the file, so that weights are not copied

_DAMAGED = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
    struct.error,
)


def refuse(what: str, hint: str = "") -> InputError:
    """The error for a file whose contents are not admitted."""
    tail = f". Hint: {hint}" if hint else ""
    return InputError(f"{what}{tail}")


@dataclass(frozen=True)
class Name:
    """What a pickle calls a function or a class; never looked up in the running program."""

    text: str  # "module.name"


@dataclass(eq=False)
class Record:
    """An object as the file describes it: nothing of it is alive."""

    kind: str  # name of its class
    arguments: tuple[Any, ...] = ()
    state: Any = None


class Source:
    """Bytes read from front to end, as `pickletools.genops` reads files."""

    def __init__(self, data: bytes | memoryview) -> None:
        """Start at the first byte of `data`."""
        self.view, self.position = memoryview(data), 0

    def read(self, size: int) -> bytes | memoryview:
        """The next `size` bytes, fewer at the end."""
        chunk = self.view[self.position : self.position + max(size, 0)]
        self.position += len(chunk)
        return bytes(chunk) if len(chunk) <= SHORT else chunk

    def readline(self) -> bytes:
        """The next line with its end; without one if it is too long or the data ends."""
        window = bytes(self.view[self.position : self.position + MAX_LINE])
        line = window[: window.find(b"\n") + 1] or window
        self.position += len(line)
        return line


class Machine:
    """Stack, marks and memory of one pickle.

    Args:
        calls: For every admitted name what answers a call of it; None: it may be named only. A key
            that ends in ".*" stands for every name of that module and those below it.
        persistent: What answers a persistent id, such as a tensor's storage.
        steps: Counts the steps of all pickles of one file.
    """

    def __init__(
        self,
        calls: Mapping[str, Callable[..., Any] | None],
        persistent: Callable[[Any], Any] | None = None,
        steps: Iterator[int] | None = None,
    ) -> None:
        """Begin with an empty stack."""
        self.calls, self.persistent = calls, persistent
        self.steps = count() if steps is None else steps
        self.stack: list[Any] = []
        self.marks: list[int] = []  # heights of the stack
        self.memory: dict[int, Any] = {}

    def run(self, source: Source) -> Any:  # noqa: ANN401 - a pickle holds anything
        """What the pickle at the source's position describes; the source ends up behind it.

        Raises:
            InputError: A name or a step that is not admitted, or a damaged pickle.
        """
        try:
            for opcode, argument, _ in pickletools.genops(source):
                if next(self.steps) > MAX_STEPS:
                    raise refuse(f"a pickle of more than {MAX_STEPS:,} steps is not admitted")
                if opcode.name == "STOP":
                    return self.stack.pop()
                if opcode.name not in STEPS:
                    raise refuse(f"the pickle step {opcode.name} is not admitted")
                STEPS[opcode.name](self, argument)
        except InputError:
            raise
        except _DAMAGED as error:
            raise refuse(
                f"a damaged pickle ({brief(str(error))})", "copy the file again"
            ) from error
        raise refuse("a pickle without an end", "copy the file again")

    def admit(self, name: str) -> Name:
        """`name` as a `Name`, if the table has it.

        Raises:
            InputError: It has not.
        """
        if _entry(name, self.calls) is None:
            hint = "only networks are read: plain tensors and the classes that hold them"
            raise refuse(f"the file names {brief(name, 120)}, which is not admitted", hint)
        return Name(name)

    def call(self, function: Any, arguments: Any) -> Any:  # noqa: ANN401 - checked here
        """The table's answer to a call."""
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise refuse("the file calls something that is no admitted name")
        answer = self.calls[_entry(function.text, self.calls)]
        if answer is None:
            raise refuse(f"the file calls {function.text}, which may only be named")
        return answer(function.text, *arguments)

    def pop_to_mark(self) -> list[Any]:
        """Everything above the last mark, taken off the stack."""
        height = self.marks.pop()
        items = self.stack[height:]
        del self.stack[height:]
        return items

    def pop_pair(self) -> tuple[Any, Any]:
        """The two topmost values, taken off the stack, the lower one first."""
        upper = self.stack.pop()
        return self.stack.pop(), upper


def _entry(name: str, calls: Mapping[str, Any]) -> str | None:
    """The key of `calls` that stands for `name`: itself, or its module's with a star."""
    if name in calls:
        return name
    parts = name.split(".")
    stars = (".".join([*parts[:i], "*"]) for i in range(len(parts) - 1, 0, -1))
    return next((star for star in stars if star in calls), None)


def _check_key(key: Any) -> Any:  # noqa: ANN401 - returns what it checked
    """Require a key of a dictionary or set that costs nothing to compare."""
    if not isinstance(key, str | int | float | None) or (isinstance(key, int) and abs(key) >> 63):
        raise refuse(f"a dictionary's key is a {type(key).__name__}, not a text or small number")
    return key


def _set_items(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, dict) or len(items) % 2:
        raise refuse(f"the file sets items of a {type(target).__name__}")
    for key, value in zip(items[::2], items[1::2], strict=True):
        target[_check_key(key)] = value


def _append(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, list):
        raise refuse(f"the file appends to a {type(target).__name__}")
    target.extend(items)


def _add(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, set):
        raise refuse(f"the file adds to a {type(target).__name__}")
    target.update(map(_check_key, items))


def _build(machine: Machine, _: None) -> None:
    """Give the object below it the state on top; a dictionary's own attributes are left out."""
    state = machine.stack.pop()
    target = machine.stack[-1]
    if isinstance(target, Record):
        target.state = state
    elif not isinstance(target, dict):
        raise refuse(f"the file sets the state of a {type(target).__name__}")


def _new_object(machine: Machine, with_keywords: bool) -> None:
    if with_keywords and machine.stack.pop() != {}:
        raise refuse("the file makes an object from keywords")
    machine.stack.append(machine.call(*machine.pop_pair()))


def _stack_global(machine: Machine, _: None) -> None:
    module, name = machine.pop_pair()
    if not isinstance(module, str) or not isinstance(name, str):
        raise refuse("the file names something by other things than texts")
    machine.stack.append(machine.admit(f"{module}.{name}"))


def _persistent(machine: Machine, _: None) -> None:
    if machine.persistent is None:
        raise refuse("the file refers to data outside of it")
    machine.stack.append(machine.persistent(machine.stack.pop()))


def _pop(machine: Machine, _: None) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.stack.pop()


def _protocol(_: Machine, number: int) -> None:
    if number > MAX_PROTOCOL:
        raise refuse(f"pickle protocol {number} is unknown, the newest known is {MAX_PROTOCOL}")


def _tuple(size: int) -> Callable[[Machine, None], None]:
    """The step that makes a tuple of the topmost `size` values."""

    def step(machine: Machine, _: None) -> None:
        if len(machine.stack) < size:
            raise IndexError("stack exhausted")
        items = tuple(machine.stack[-size:])
        machine.stack[-size:] = [items]

    return step


def _push(machine: Machine, value: object) -> None:
    machine.stack.append(value)


def _nothing(_: Machine, __: object) -> None:
    pass


# What each step of a pickle does; the names are those of Python's pickletools.
STEPS: dict[str, Callable[[Machine, Any], None]] = {
    "PROTO": _protocol,
    "FRAME": _nothing,
    "NONE": lambda m, _: m.stack.append(None),
    "NEWTRUE": lambda m, _: m.stack.append(True),
    "NEWFALSE": lambda m, _: m.stack.append(False),
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"), _push),
    **dict.fromkeys(("BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), _push),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"), _push),
    "BYTEARRAY8": lambda m, value: m.stack.append(bytes(value)),
    "EMPTY_TUPLE": lambda m, _: m.stack.append(()),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_SET": lambda m, _: m.stack.append(set()),
    "MARK": lambda m, _: m.marks.append(len(m.stack)),
    "POP": _pop,
    "POP_MARK": lambda m, _: m.pop_to_mark() and None,
    "TUPLE": lambda m, _: m.stack.append(tuple(m.pop_to_mark())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "APPEND": lambda m, _: _append(m, [m.stack.pop()]),
    "APPENDS": lambda m, _: _append(m, m.pop_to_mark()),
    "SETITEM": lambda m, _: _set_items(m, list(m.pop_pair())),
    "SETITEMS": lambda m, _: _set_items(m, m.pop_to_mark()),
    "ADDITEMS": lambda m, _: _add(m, m.pop_to_mark()),
    "FROZENSET": lambda m, _: m.stack.append(frozenset(map(_check_key, m.pop_to_mark()))),
    "MEMOIZE": lambda m, _: m.memory.__setitem__(len(m.memory), m.stack[-1]),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda m, i: m.memory.__setitem__(i, m.stack[-1])),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda m, i: m.stack.append(m.memory[i])),
    "GLOBAL": lambda m, text: m.stack.append(m.admit(text.replace(" ", ".", 1))),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": lambda m, _: m.stack.append(m.call(*m.pop_pair())),
    "NEWOBJ": lambda m, _: _new_object(m, False),
    "NEWOBJ_EX": lambda m, _: _new_object(m, True),
    "BUILD": _build,
    "BINPERSID": _persistent,
}
