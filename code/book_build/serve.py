"""Builds the book, serves it on localhost, and builds again what changes."""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from watchfiles import watch

from book_build.layout import Layout


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it so
        """Say nothing per request: the build's report is what the author reads."""


def serve(layout: Layout, port: int) -> int:
    """Serve `_build/html` until Ctrl-C; each change below book/ or code/ builds again."""
    handler = partial(_Quiet, directory=str(layout.build / "html"))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        print(
            f"port {port} cannot be had ({error.strerror}); choose another: make serve PORT=8001",
            file=sys.stderr,
        )
        return 2
    _rebuild(layout)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"serving http://127.0.0.1:{port}/ (Ctrl-C ends it)", flush=True)
    try:
        for _ in watch(layout.book, layout.code, layout.root / "conf.py", raise_interrupt=True):
            _rebuild(layout)
    except KeyboardInterrupt:
        print("\nno longer serving")
    return 0


def _rebuild(layout: Layout) -> None:
    """Build in a process of its own: this one still holds the old code of the packages."""
    subprocess.run([sys.executable, "-m", "book_build", "html", "--root", str(layout.root)], check=False)
