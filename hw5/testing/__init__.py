"""Notebooks as tests: cells are run again and compared with what they showed before.

`nbpictures` is a pytest plugin (`pytest --nbpictures notebooks`), switched on in pyproject.toml.
`pictures` says how near two pictures are and shows where they differ; `outputs` takes the outputs
of a cell apart; `kernel` notices at once when a kernel has died; `unwritten` skips what waits for
a task that is not written yet. Read nbpictures.py first.
"""
