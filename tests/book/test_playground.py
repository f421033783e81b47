"""The playground of a chapter, in the built book: the compiler runs from what the site ships."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from tests.browsing import visiting

from schedule_playground import play, read_step

PAGE = "hands_on/build_schedules"
PATIENCE = 300_000  # ms, for a machine that has much else to do


@pytest.mark.slow
def test_the_compiler_runs_in_the_chapter_on_schedules(browser: Browser, served: str) -> None:
    with visiting(browser, f"{served}/{PAGE}.html") as visit:
        assert not any("pyodide" in address for address in visit.requests)
        visit.page.get_by_role("button", name="Run the compiler in this page").click()
        visit.page.wait_for_selector(".schedule-playground.open", timeout=PATIENCE)
        steps = visit.page.locator(".schedule-playground li code").all_text_contents()[1:]
        shown = visit.page.locator(".schedule-playground .app pre").text_content()
    last = play("rmsnorm", [read_step(step) for step in steps])[0][-1]
    assert shown == "".join(f"{mark} {line}\n" for mark, line in last.lines)
    assert visit.complaints == []
    assert [address for address in visit.requests if not address.startswith((f"{served}/", "data:"))] == []
