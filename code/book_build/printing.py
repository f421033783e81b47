"""From Sphinx's LaTeX to the PDF."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time

from book_build.layout import Layout
from book_build.system_packages import require

NAME = "ai-compilers"


def print_pdf(layout: Layout) -> bool:
    """Run LuaLaTeX until references settle; put the PDF into _build/pdf; return whether it came out."""
    require("tex")
    began = time.monotonic()
    source = layout.sphinx("latex")
    command = ["latexmk", "-lualatex", "-interaction=nonstopmode", "-halt-on-error", "-silent", f"{NAME}.tex"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    result = subprocess.run(
        command,
        cwd=source,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    log = source / f"{NAME}.log"
    if result.returncode:
        text = (
            log.read_text(encoding="utf-8", errors="replace")
            if log.exists()
            else result.stdout + result.stderr
        )
        errors = re.findall(r"^! .*(?:\n.*){0,6}", text, re.MULTILINE)
        print(
            "pdf: LuaLaTeX failed; the last good PDF stays in place\n" + "\n".join(errors[:3]),
            file=sys.stderr,
        )
        return False
    target = layout.build / "pdf" / f"{NAME}.pdf"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source / f"{NAME}.pdf", target)
    print(f"pdf: {target} ({time.monotonic() - began:.1f} s)")
    return True
