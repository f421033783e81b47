"""Makes `.venv` exactly what requirements.lock says, and fetches what browser.lock says for the pages.

Runs on the standard library of Python >= 3.11.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv"
OLDEST = (3, 11)
FOR_PAGES = ENVIRONMENT / "browser"  # wheels that are not installed: their files go into the pages


def stop(sentence: str) -> None:
    """End with one line that says what to do."""
    sys.exit(f"set-up: {sentence}")


def check_prerequisites() -> None:
    """Refuse a Python or a machine on which the set-up cannot succeed."""
    if sys.version_info < OLDEST:
        wanted, found = ".".join(map(str, OLDEST)), sys.version.split()[0]
        stop(f"Python {wanted} or newer is needed, this is {found}; call make PYTHON=python{wanted}")
    if not any(shutil.which(compiler) for compiler in ("g++", "clang++")):
        stop(
            "a C++ compiler is needed; "
            "on Debian or Ubuntu: sudo apt-get install g++, on macOS: xcode-select --install"
        )
    try:
        import ensurepip  # noqa: F401 -- Debian ships Python without it
        import venv  # noqa: F401
    except ImportError:
        stop("Python's venv module is missing; on Debian or Ubuntu: sudo apt-get install python3-venv")


def run(*command: str) -> None:
    """Run one step; end with its own message if it fails."""
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        last = [line for line in result.stdout.splitlines() if "ERROR" in line] or result.stdout.splitlines()[
            -3:
        ]
        stop("{} failed:\n{}".format(" ".join(command[:6]), "\n".join(last)))


def main() -> None:
    """Create the environment, install the lock file, then this repository itself."""
    check_prerequisites()
    python = str(ENVIRONMENT / "bin" / "python")
    if not Path(python).exists():
        print("set-up: creating .venv", flush=True)
        run(sys.executable, "-m", "venv", str(ENVIRONMENT))
    print("set-up: installing requirements.lock into .venv (a few minutes, about 4 GB)", flush=True)
    # The lock is complete. Resolving it anew would add what nvidia-cutlass asks for beside its pycute.
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", "requirements.lock")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", ".")
    shutil.rmtree(FOR_PAGES, ignore_errors=True)
    fetch = ("download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(FOR_PAGES))
    run(python, "-m", "pip", *fetch, "--requirement", "browser.lock")
    (ENVIRONMENT / ".ready").touch()
    print("set-up: done", flush=True)


if __name__ == "__main__":
    main()
