"""`hw5 report`: the whole main job, shown on one page.

Offers `report`. The page is built by report/build.py; read that next.
"""

from __future__ import annotations

from pathlib import Path

from report.settings import ReportSettings


def report(
    *,
    settings: ReportSettings,
    out: Path = Path("report"),
) -> int:
    """Run the whole main job and show it on one page, index.html.

    Projections of four targets in four spaces by two optimisers, films between cats, three
    scribbles and one edit. Under six minutes on two cores.

    For example:
      python -m hw5 report
      python -m hw5 report --adam-steps 1000 --lbfgs-evaluations 1000 --out runs/long_report

    Args:
        settings: how much to run
        out: folder to write index.html and media/ to
    """
    from report.build import build

    page = build(out, settings)
    print(f"wrote {page}: open it in a browser")
    return 0
