"""Part 3, projector: the public checks."""

from tests.public.graded import checks_of

test_check = checks_of("projector")
