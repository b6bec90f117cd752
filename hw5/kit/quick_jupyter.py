"""Jupyter's programs, two seconds sooner: `python -m hw5.kit.quick_jupyter jupyterlab ...`.

Offers `skip_addresses`. At import, jsonschema compiles a grammar for international addresses (RFC
3987): 2.1 of the 3.7 seconds of processor time in which JupyterLab is imported, 2.6 of nbformat's
2.9. No notebook holds such an address. jsonschema does without where the package of the grammar is
missing, so that is what it is told.
"""

from __future__ import annotations

import runpy
import sys

GRAMMAR = "rfc3987_syntax"


def skip_addresses() -> None:
    """Let jsonschema do without the grammar; of no effect once it is imported."""
    sys.modules.setdefault(GRAMMAR, None)


def main() -> None:
    """Run the module that is named first, with the arguments that follow."""
    skip_addresses()
    module = sys.argv.pop(1)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
