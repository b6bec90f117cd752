"""Part 5, draw: the public checks."""

from tests.public.graded import checks_of

test_check = checks_of("draw")
