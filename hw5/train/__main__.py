"""`python -m hw5.train NAME`: training on a machine that has only what training needs.

The options are those of `python -m hw5 train`, read by argparse in the place of tyro.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import types
import typing

from hw5.kit.checks import InputError
from hw5.train import asked

BAD_INPUT, INTERRUPTED = 2, 130  # exit statuses, as in hw5/cli


def parser() -> argparse.ArgumentParser:
    """Made from the signature of `asked`: a position, or an option with the same default."""
    made = argparse.ArgumentParser(
        prog="python -m hw5.train",
        description="Train a shipped weight. `python -m hw5 train --help` explains the options.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    hints = typing.get_type_hints(asked)
    for name, option in inspect.signature(asked).parameters.items():
        kind = next(each for each in _alternatives(hints[name]) if each is not types.NoneType)
        if option.kind is not option.KEYWORD_ONLY:
            made.add_argument(name, nargs="?", default=option.default, type=kind)
            continue
        how = {"action": argparse.BooleanOptionalAction} if kind is bool else {"type": kind}
        made.add_argument(f"--{name.replace('_', '-')}", default=option.default, help=" ", **how)
    return made


def main(words: list[str]) -> int:
    """Do what the words ask for; the exit status."""
    options = vars(parser().parse_args(words))
    try:
        return asked(options.pop("name"), **options)
    except InputError as error:
        print(f"hw5: error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("hw5: stopped", file=sys.stderr)
        return INTERRUPTED


def _alternatives(hint: object) -> tuple[object, ...]:
    return typing.get_args(hint) or (hint,)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
