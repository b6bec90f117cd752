"""Gradescope's autograder: one zip that grades one submission in a container of theirs.

Offers `build_zip` (build.py). What runs inside is inside.py, started by run_autograder; setup.sh
prepares the container's image. The zip holds stubs, cases, inputs and answers, but no solution.
"""

from staff.autograder.build import build_zip

__all__ = ["build_zip"]
