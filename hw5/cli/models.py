"""`hw5 models`: every network that the zoo knows, and which of them are on this machine.

Offers `models`. The table is data/MANIFEST.toml; hw5/zoo reads it.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import tyro

if TYPE_CHECKING:
    from hw5.zoo.inventory import Stock
    from hw5.zoo.manifest import Entry

GROUPS = (
    "with the project",
    "inside a Python package",
    "published by others",
    "listed, but not read yet",
)
NARROWEST, WIDE, WIDEST = 72, 110, 140  # columns of the table; WIDE where there is no terminal


def models(name: tyro.conf.Positional[str | None] = None) -> int:
    """List the networks: what each is, how large, under which licence, and whether it is here.

    For example:
      python -m hw5 models
      python -m hw5 models ffhq-1024

    Args:
        name: tell everything about this one
    """
    from hw5 import zoo
    from hw5.zoo.inventory import stock

    if name is not None:
        print(*details(stock(zoo.describe(name), digest=True)), sep="\n")
        return 0
    stocks = [stock(zoo.describe(each)) for each in zoo.names()]
    columns = min(max(shutil.get_terminal_size((WIDE, 0)).columns, NARROWEST), WIDEST)
    print(*table(stocks, columns), sep="\n")
    return 0


def table(stocks: list[Stock], columns: int) -> Iterator[str]:
    """The lines of the list, at most `columns` wide."""
    width = max(len(stock.entry.name) for stock in stocks)
    for group in GROUPS:
        members = [stock for stock in stocks if group_of(stock) == group]
        if not members:
            continue
        yield group
        for stock in members:
            start = f"  {stock.state:7}  {stock.entry.name:{width}}  {size_of(stock):>8}  "
            for text in texts_of(stock):
                yield from textwrap.wrap(
                    text, columns, initial_indent=start, subsequent_indent=" " * len(start)
                )
                start = " " * len(start)
        yield ""
    yield "What is missing comes with: python -m hw5 fetch NAME"
    yield "Everything about one:       python -m hw5 models NAME"


def group_of(stock: Stock) -> str:
    """The heading under which an entry stands."""
    if stock.state == "later":
        return GROUPS[3]
    if stock.entry.published:
        return GROUPS[2]
    return GROUPS[0] if stock.entry.file else GROUPS[1]


def texts_of(stock: Stock) -> list[str]:
    """What a network is and its licence: a line each for those of others."""
    what, licence = stock.entry.what, stock.entry.licence
    if not stock.entry.published:
        return [f"{what} [{licence}]"]
    known = "licence not stated" if licence == "not stated" else licence
    return [what, known + trust_of(stock)]


def trust_of(stock: Stock) -> str:
    """A word about a digest that nobody publishes; nothing where the table names it."""
    if stock.promise.recorded:
        return f"; digest {stock.promise.source}"
    unknown = stock.entry.published and not stock.promise.sha256
    return "; digest recorded at first use" if unknown else ""


def size_of(stock: Stock) -> str:
    """Megabytes, from the table or as recorded; "?" where nobody knows yet."""
    from hw5.zoo.recognise import megabytes

    known = megabytes(stock.promise.bytes or stock.entry.bytes)
    return known or ("?" if stock.entry.published else "")


def details(stock: Stock) -> Iterator[str]:
    """Everything about one network, a line for each fact."""
    entry = stock.entry
    facts = {
        "what": entry.what,
        "state": stock.state,
        "file": str(stock.path or ""),
        "origin": entry.origin,
        "licence": entry.licence,
        "size": size_of(stock).replace("?", "not known before it is here"),
        "SHA-256": digest_of(stock),
        "address": entry.url or entry.page,
        "to get it": way_to(stock),
        "meanwhile": entry.instead if stock.state != "here" else "",
    }
    yield entry.name
    yield from (f"  {label:9}  {text}" for label, text in facts.items() if text)
    yield from (f"  {'note':9}  {line}" for line in stock.passed_over)
    if entry.published:
        yield from places(entry)


def digest_of(stock: Stock) -> str:
    """The digest and who names it, or what happens in the place of one."""
    if stock.promise.sha256:
        return f"{stock.promise.sha256}, {stock.promise.source}"
    unknown = "not published: that of the first file used is recorded, and checked ever after"
    return unknown if stock.entry.published else ""


def way_to(stock: Stock) -> str:
    """What to do about a network that is not here."""
    from hw5.zoo.places import how_to_get

    if stock.state == "later":
        return "not yet: no part of hw5 reads it"
    if stock.state == "here":
        return ""
    return how_to_get(stock.entry) if stock.entry.published else "restore the data folder"


def places(entry: Entry) -> Iterator[str]:
    """The folders in which a published file is looked for."""
    from hw5.zoo.places import folders

    for i, folder in enumerate(folders()):
        yield f"  {'searched' if i == 0 else '':9}  {folder / entry.filename}"
