"""What the system says about the machine."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

_LINUX_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_MACOS_CACHES = {"L1": "hw.l1dcachesize", "L2": "hw.l2cachesize"}
_UNKNOWN = {"L1": 32 << 10, "L2": 1 << 20}  # a common core, where the system tells nothing


def describe_machine() -> str:
    """Processor, cores and system in one line."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists() and (found := re.search(r"model name\s*:\s*(.+)", information.read_text())):
        processor = found[1]
    return f"{processor.strip()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def cache_sizes() -> dict[str, int]:
    """Bytes of each level of data cache that one core reaches, from L1 outwards."""
    sizes = {}
    for index in sorted(_LINUX_CACHES.glob("index*")):
        if (index / "type").read_text().strip() != "Instruction":
            kibibytes = int((index / "size").read_text().strip().removesuffix("K"))
            sizes[f"L{(index / 'level').read_text().strip()}"] = kibibytes << 10
    if not sizes and platform.system() == "Darwin":
        for level, key in _MACOS_CACHES.items():
            answer = subprocess.run(["sysctl", "-n", key], capture_output=True, text=True, check=False)
            if answer.stdout.strip().isdigit():
                sizes[level] = int(answer.stdout)
    return sizes or dict(_UNKNOWN)
