"""The commands of `python -m staff`, one module each: HELP, `add_arguments` and `run`.

A module imports what is heavy inside `run`, so that `--help` answers at once.
"""
