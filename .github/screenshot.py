"""Takes the README's picture of the built book: make html, then .venv/bin/python .github/screenshot.py."""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PAGE, HEADING = "start/first_hour", "seven-levels"

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    page.goto((ROOT / "_build/html" / f"{PAGE}.html").as_uri())
    page.evaluate("id => document.getElementById(id).scrollIntoView()", HEADING)
    page.wait_for_timeout(300)
    page.screenshot(path=ROOT / ".github/screenshot.png")
    browser.close()
