"""The words of a command line, checked: what a command is to be called with, or one clear line.

Offers `parsed`, `show`, `unknown` and `is_given`. tyro reports a wrong word in a box that names
Python's groups and types; the box is taken apart here, and what it says is said of the option,
like every other refusal.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import functools
import io
import re
import sys
import typing
from collections.abc import Callable, Collection, Sequence
from typing import TextIO

import tyro

if typing.TYPE_CHECKING:
    from hw5.kit.checks import InputError

Command = Callable[..., int]
CONFIG = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)


PLAIN = str.maketrans("╭╮╰╯─│", "++++-|")  # for a terminal that has no lines


class Unicode(io.StringIO):
    """A text that tyro draws the same boxes on wherever the program runs."""

    encoding = "utf-8"


def parsed(command: Command, words: Sequence[str], prog: str) -> Callable[[], int]:
    """`command` with the arguments that `words` ask for, ready to be called.

    A command with a parameter `words`, hidden from its help, gets the words themselves: values do
    not tell an option that was given from one that was left out.

    Raises:
        SystemExit: after help.
        InputError: a word that cannot be used.
    """

    @functools.wraps(command)
    def later(*arguments: object, **options: object) -> Callable[[], int]:
        options |= {"words": tuple(words)} if "words" in options else {}
        return functools.partial(command, *arguments, **options)

    said, shown = Unicode(), Unicode()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(shown):
            return tyro.cli(later, prog=prog, args=list(words), config=CONFIG)
    except SystemExit as stop:
        if not stop.code:
            show(help_without_none(shown.getvalue()), sys.stdout)
            raise
        raise refusal(said.getvalue(), command, words, prog) from None


def show(text: str, stream: TextIO) -> None:
    """Write help, its boxes in plain characters where the stream has no lines."""
    is_plain = (stream.encoding or "").lower().replace("-", "") != "utf8"
    stream.write(text.translate(PLAIN) if is_plain else text)


def unknown(word: str, commands: Collection[str], prog: str) -> InputError:
    """What to say of a word that is none of the commands."""
    from hw5.kit.checks import InputError, brief  # here: it imports torch

    near = difflib.get_close_matches(word.lower(), commands, n=1)
    hint = f"did you mean {near[0]}?" if near else ""
    if word.startswith("-"):
        hint = "options follow the command"
    expected = f"one that `{prog} --help` lists"
    return InputError.about("command", expected=expected, got=brief(word), hint=hint)


def refusal(box: str, command: Command, words: Sequence[str], prog: str) -> InputError:
    """What a box of tyro's says, as an error of our own."""
    from hw5.kit.checks import InputError, brief  # here: it imports torch

    head, *rest = sections(box)
    hint = f"{prog} --help lists the options"
    named = re.match(r"Error parsing (\S+): (.*)", head)
    if not named:
        return InputError(f"{without_none(head).rstrip('.')}. Hint: {hint}")
    place, reason = named.groups()
    if place.startswith("-"):
        option = place.split("/")[-1]
        shown = re.search(rf"{re.escape(option)} (\S.*?)(?:  |\n|$)", "\n".join(rest))
        expected = without_none(shown[1]) if shown else "another value"
        got = brief(" ".join(values_of(option, words)))
        return InputError.about(option, expected=expected, got=got, hint=hint)
    setting, colon, rest_of_it = reason.partition(": ")
    if colon and setting in settings_of(command):
        return InputError(f"--{setting.replace('_', '-')}: {rest_of_it}")
    return InputError(reason)


def sections(box: str) -> list[str]:
    """The texts between the rules of a box; only the first is joined to one line."""
    lines = [line.strip(" │") for line in box.splitlines() if not line.startswith(("╭", "╰"))]
    parts = re.split(r"\n?─{3,}\n?", "\n".join(lines))
    return [" ".join(parts[0].split()), *parts[1:]]


def without_none(text: str) -> str:
    """Choices and kinds of values without Python's None, which is what nothing at all means."""
    text = re.sub(r"\{None\}\||'None', |, 'None'(?=\))", "", text)
    return re.sub(r"\('([^()]*)'\)", lambda found: ", ".join(sorted(found[1].split("', '"))), text)


def help_without_none(text: str) -> str:
    """The help without Python's None in front of kinds of values; box and columns stay straight."""
    lines, none = [], "{None}|"
    for line in text.splitlines(keepends=True):
        line = re.sub(rf"{re.escape(none)}(\S+)", rf"\g<1>{' ' * len(none)}", line)
        cut = without_none(line)
        border = cut.rfind("│")
        if cut != line and border > 0:
            cut = cut[:border] + " " * (len(line) - len(cut)) + cut[border:]
        lines.append(re.sub(r" +\n", "\n", cut))
    return "".join(lines)


def is_given(option: str, words: Sequence[str]) -> bool:
    """Does an option such as --num-steps stand among the words?"""
    return any(word.partition("=")[0].replace("_", "-") == option for word in words)


def values_of(option: str, words: Sequence[str]) -> list[str]:
    """The words that were given as the option's value."""
    for place, word in enumerate(words):
        if word.partition("=")[0].replace("_", "-") == option:
            after = [word.partition("=")[2]] if "=" in word else words[place + 1 :]
            end = next((i for i, each in enumerate(after) if each.startswith("--")), len(after))
            return list(after[:end])
    return []


def settings_of(command: Command) -> set[str]:
    """Names of the options that come from the command's settings objects."""
    kinds = filter(dataclasses.is_dataclass, typing.get_type_hints(command).values())
    return {field.name for kind in kinds for field in dataclasses.fields(kind)}
