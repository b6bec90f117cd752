"""Hostile submissions: what each tries, and what must happen instead.

Each .toml file here is one. Read next: attack.py (their keys), runner.py (how they are tried).
"""
