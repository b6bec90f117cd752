"""Gradescope's autograder: one zip that grades one submission in a container of theirs.

Read build.py first, which makes the zip: stubs, cases, inputs and answers, but no solution. What
runs inside is inside.py, started by run_autograder; setup.sh prepares the container's image.
"""
