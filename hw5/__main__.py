"""`python -m hw5 COMMAND`: the command line.

Offers `main`. The commands are in hw5/cli/, one file each; read hw5/cli/__init__.py next.
"""

from __future__ import annotations

import sys

from hw5.cli import main

if __name__ == "__main__":
    sys.exit(main())
