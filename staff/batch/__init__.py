"""Grading many: find submissions, spread them over workers, keep every mark, write what goes out.

Start with run.py (the loop) and store.py (what is kept). The commands `grade`, `regrade`, `appeal`,
`similarity`, `scale` and `bench` are doors to what lies here.
"""
