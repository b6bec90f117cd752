"""What never reaches a student: stubs, mutants, and later the release and the grading.

Start with __main__.py: `python -m staff` lists the commands.
"""
