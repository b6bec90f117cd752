"""Part 1, losses: the public checks."""

from tests.public.graded import checks_of

test_check = checks_of("losses")
