"""Explorers on the book's pages: one script for all, the stages in files that a local page may load too."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.browsing import visiting
from tests.lowering_explorer.made_by_hand import LOWERING

from book_build.explorers import FOLDER, shared, still
from lowering_explorer.rendering import page
from lowering_explorer.rendering.payload import payload

OUTPUT = LOWERING._repr_mimebundle_()["text/html"]
BODY = f"<h1>x</h1><style>p {{ color: red }}</style>{OUTPUT}<p>between</p>{OUTPUT}<script>let other</script>"


def test_a_page_keeps_the_stills_and_what_is_not_the_explorers(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    body = shared(BODY, tmp_path, "../_static/{}".format)
    assert payload(LOWERING) not in body
    assert page.script() not in body
    assert page.style() not in body
    assert body.count(page.overview(LOWERING)) == 2
    assert "<style>p { color: red }</style>" in body
    assert "<p>between</p>" in body
    assert "<script>let other</script>" in body
    assert len(list((tmp_path / FOLDER).iterdir())) == 1  # the same stages are written once


def test_an_ebook_gets_the_still_alone() -> None:
    body = still(BODY)
    assert body.count("<script") == 1
    assert body.count(page.overview(LOWERING)) == 2


@pytest.mark.slow
def test_the_stages_load_from_the_local_disk_when_they_come_into_sight(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / FOLDER).mkdir()
    far_below = f"<div style='height: 9000px'></div>{OUTPUT}"
    body = shared(far_below, tmp_path, str)
    (tmp_path / "explorer.js").write_text(page.script(), encoding="utf-8")
    (tmp_path / "explorer.css").write_text(page.style(), encoding="utf-8")
    head = "<link rel='stylesheet' href='explorer.css'><script defer src='explorer.js'></script>"
    html = tmp_path / "page.html"
    html.write_text(f"<!doctype html><meta charset='utf-8'>{head}{body}", encoding="utf-8")
    with visiting(browser, html.as_uri()) as visit:
        visit.page.wait_for_timeout(100)
        assert not any(FOLDER in address for address in visit.requests)
        visit.page.mouse.wheel(0, 9000)
        visit.page.wait_for_selector(".lowering-explorer.open")
        assert sum(FOLDER in address for address in visit.requests) == 1
        (tmp_path / FOLDER).rename(tmp_path / "away")
        visit.page.reload()
        visit.page.get_by_text("does not load").wait_for()
        assert visit.page.locator(".still").is_visible()
