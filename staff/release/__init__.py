"""The student release: the solved repository without what is the instructors'.

Offers `build` (folder, zip, digests; refused while anything is amiss), `write_tree` (the folder
alone, nothing checked), `ReleaseError` and `ReleaseReport`. Read build.py first, then files.py (who
gets which file), marks.py (lines for one side only), gates.py (what a release is refused for).
"""

from staff.release.build import ReleaseReport, build
from staff.release.files import ReleaseError
from staff.release.tree import write_tree

__all__ = ["ReleaseError", "ReleaseReport", "build", "write_tree"]
