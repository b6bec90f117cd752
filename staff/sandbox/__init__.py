"""Where students' code runs: a jail that is tried before it is trusted, and fails closed.

Offers `open_jail`, `Jail`, `Limits`, `Mount`, `Ended`, `unpack`, `Unpacked`, and the errors
`StaffError` and `Refused`. Read next: jail.py; unpack.py for hostile archives.
"""

from staff.sandbox.jail import Jail, open_jail
from staff.sandbox.shapes import Ended, Limits, Mount, Refused, StaffError
from staff.sandbox.unpack import Unpacked, unpack

__all__ = [
    "Ended", "Jail", "Limits", "Mount", "Refused", "StaffError", "Unpacked", "open_jail", "unpack",
]  # fmt: skip
