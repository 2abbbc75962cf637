"""Resident memory of this process.

Example:
    before = memory.resident()
"""

import re


def resident() -> int:
    """Returns the bytes of memory that this process has now."""
    with open("/proc/self/status", encoding="ascii") as file:
        return 1024 * int(re.search(r"^VmRSS:\s*(\d+) kB$", file.read(), re.MULTILINE)[1])
