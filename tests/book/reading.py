"""The chapters of the book, and a visit to one of its pages with an ear on what the browser says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from book_build.chapter import read_chapter
from book_build.layout import Layout

LAYOUT = Layout(Path(__file__).resolve().parents[2])
DOCNAMES = LAYOUT.docnames()
CHAPTERS = [name for name in DOCNAMES if read_chapter(LAYOUT.book, name).is_chapter]


def built(name: str, verb: str) -> Path:
    """A path below _build, which `verb` makes; its absence fails the test with what to do."""
    path = LAYOUT.build / name
    if not path.exists():
        pytest.fail(f"_build/{name} is not there: run `{verb}` first", pytrace=False)
    return path


@dataclass
class Visit:
    """A page in the browser and what happened while it was read."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def visiting(browser: Browser, address: str, **context_options: object) -> Iterator[Visit]:
    """Open `address` in a fresh context and listen from the first byte on."""
    context: BrowserContext = browser.new_context(**context_options)  # type: ignore[arg-type]
    visit = Visit(context.new_page())

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            visit.complaints.append(f"{message.type}: {message.text}")

    def on_request(request: Request) -> None:
        visit.requests.append(request.url)

    visit.page.on("console", on_console)
    visit.page.on("pageerror", lambda error: visit.complaints.append(f"uncaught: {error}"))
    visit.page.on("request", on_request)
    visit.page.on("requestfailed", lambda request: visit.complaints.append(f"failed: {request.url}"))
    visit.page.on(
        "response",
        lambda response: response.ok or visit.complaints.append(f"{response.status}: {response.url}"),
    )
    visit.page.goto(address, wait_until="load")
    try:
        yield visit
    finally:
        context.close()
