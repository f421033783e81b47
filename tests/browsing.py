"""A visit to a page, with an ear on what the browser says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

TELEPHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1300, "height": 900}
MODES = ("light", "dark")

# Boxes that scroll by design hold what sticks out; anything else that does widens the page.
WIDER_THAN_THE_SCREEN = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll('main *')]
        .filter(e => e.getBoundingClientRect().right > width + 1)
        .map(e => e.outerHTML.slice(0, 80)).slice(0, 5).concat('scrollWidth');
}"""


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

    def on_failure(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # what leaving a page does to its requests
            visit.complaints.append(f"failed: {request.url}")

    visit.page.on("console", on_console)
    visit.page.on("pageerror", lambda error: visit.complaints.append(f"uncaught: {error}"))
    visit.page.on("request", on_request)
    visit.page.on("requestfailed", on_failure)
    visit.page.on(
        "response",
        lambda response: (
            response.status < 400 or visit.complaints.append(f"{response.status}: {response.url}")
        ),  # 304 says that the browser has the file already
    )
    visit.page.goto(address, wait_until="load")
    try:
        yield visit
    finally:
        context.close()


def sticking_out(page: Page) -> list[str]:
    """What makes the page wider than the screen; empty if nothing does."""
    return list(page.evaluate(WIDER_THAN_THE_SCREEN))


STILL = "*, *::before, *::after { transition: none !important; animation: none !important }"


def violations(page: Page) -> list[tuple[str, object, str]]:
    """What axe finds: its rule, the element and the reason.

    Colours are judged as they end, not on their way from one mode to the other.
    """
    page.add_style_tag(content=STILL)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found = Axe().run(page).response["violations"]
    return [(rule["id"], node["target"], node["failureSummary"]) for rule in found for node in rule["nodes"]]
