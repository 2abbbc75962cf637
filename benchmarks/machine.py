"""Describes the machine that figures are from."""

import os
import platform
import re

# Those that kernels of matrix products choose by.
_FLAGS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def description(cpuinfo: str = "/proc/cpuinfo") -> str:
    """Returns the usable CPUs, their model and their instructions, for people to read."""
    try:
        with open(cpuinfo, encoding="utf-8") as file:
            text = file.read()
    except OSError:  # not Linux
        text = ""
    model = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    flags = re.search(r"^flags\s*:\s*(.*)$", text, re.MULTILINE)
    found = set(flags[1].split()) if flags else set()
    known = [flag for flag in _FLAGS if flag in found]
    name = model[1].strip() if model else platform.processor() or platform.machine()
    return f"{os.cpu_count()} CPUs, {name}, with {' '.join(known) or 'unknown instructions'}"
