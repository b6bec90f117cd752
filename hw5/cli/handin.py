"""`hw5 handin`: the two packages that the course asks for, code and page.

Offers `handin`. What is packed, and what counts as complete, is report/handin.py.
"""

from __future__ import annotations

from pathlib import Path

import tyro


def handin(
    andrew_id: tyro.conf.Positional[str],
    *,
    project: int = 5,
    runs: Path = Path("runs"),
    out: Path = Path("handin"),
    incomplete: bool = False,
) -> int:
    """Pack your code and your page to hand them in; refused while something is missing.

    Sets the page again first, so that it shows your last words and runs. Writes
    ANDREWID_code_projX.zip, the folder projX with index.html, and ANDREWID_page_projX.zip.

    For example:
      python -m hw5 handin mycat
      python -m hw5 handin mycat --incomplete

    Args:
        andrew_id: your Andrew id, as in ANDREWID@andrew.cmu.edu
        project: number of the project, X in the names
        runs: folder of your runs
        out: folder to write, in place of an earlier hand-in
        incomplete: pack what is there although parts are missing
    """
    from report.handin import pack

    packed = pack(andrew_id, project=project, runs=runs, out=out, allow_gaps=incomplete)
    for gap in packed.gaps:
        print(f"missing: {gap.what}")
    for path in packed.paths:
        print(f"wrote {path}")
    return 0
