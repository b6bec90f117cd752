"""`hw5 report`: the main job and your runs, shown on one page.

Offers `report`. The page is built by report/build.py; read that next.
"""

from __future__ import annotations

import sys
from pathlib import Path

from report.settings import ReportSettings


def report(
    *,
    settings: ReportSettings,
    out: Path = Path("report"),
    runs: Path = Path("runs"),
    page_only: bool = False,
    check: bool = False,
) -> int:
    """Run the whole main job and show it on one page with your own runs, index.html.

    Projections of four targets in four spaces by two optimisers, films between cats, three
    scribbles and one edit. Under six minutes on two cores; --page-only sets the page again in
    seconds, after you wrote words in report/text or made runs.

    For example:
      python -m hw5 report
      python -m hw5 report --page-only
      python -m hw5 report --adam-steps 1000 --lbfgs-evaluations 1000 --out runs/long_report

    Args:
        settings: how much to run
        out: folder to write index.html and media/ to
        runs: folder of your runs; the main job is kept there too
        page_only: do not run the main job; show what it made before
        check: only look at the page that is there: links, case, sizes, text alternatives
    """
    from report.build import build, set_page

    if check:
        return complain(out / "index.html")
    built = set_page(out, runs) if page_only else build(out, settings, runs=runs)
    print(f"wrote {built.page}: open it in a browser")
    if built.gaps:
        print(f"{len(built.gaps)} things are missing; the page lists them:")
    for gap in built.gaps:
        print(f"  {gap.what}")
    return 0


def complain(page: Path) -> int:
    """Print what is wrong with a page; 0 when nothing is."""
    from hw5.kit.checks import InputError
    from report.check import check_page

    if not page.is_file():
        hint = "make it: python -m hw5 report"
        raise InputError.about(str(page), expected="a page", got="no such file", hint=hint)
    faults = check_page(page)
    for fault in faults:
        print(f"{page}: {fault}", file=sys.stderr)
    if not faults:
        print(f"{page}: links, case, sizes and text alternatives are in order")
    return int(bool(faults))
