"""One line about the machine that executes."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def describe_machine() -> str:
    """Processor, cores and system, such as "AMD EPYC 9R14, 2 cores, Linux x86_64"."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists() and (found := re.search(r"model name\s*:\s*(.+)", information.read_text())):
        processor = found[1]
    return f"{processor.strip()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"
