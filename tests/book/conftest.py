"""The built book and a server for the tests that look at it as a reader does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.book.reading import CHAPTERS, DOCNAMES, LAYOUT, built

from book_build.chapter import Chapter, read_chapter


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built pages."""
    return built("html/index.html", "make html").parent


@pytest.fixture(params=[*DOCNAMES, "search", "genindex"])
def docname(request: pytest.FixtureRequest) -> str:
    """Each page of the book, and the two that Sphinx adds."""
    return str(request.param)


@pytest.fixture(params=CHAPTERS)
def chapter(request: pytest.FixtureRequest) -> Chapter:
    """Each chapter of the book as its author wrote it."""
    return read_chapter(LAYOUT.book, str(request.param))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the report of the tests readable."""


@pytest.fixture(scope="session")
def served(html: Path) -> Iterator[str]:
    """The address at which the pages are served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(html))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(params=["file", "http"])
def site(request: pytest.FixtureRequest, html: Path, served: str) -> str:
    """The book as it lies on the disk, and as a server offers it: the address without a last slash."""
    return html.as_uri() if request.param == "file" else served
