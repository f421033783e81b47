"""The order that moves: its misses against a simulated program, the script's words against the package's."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.browsing import MODES, TELEPHONE, sticking_out, violations, visiting

from cache_simulator import Cache, simulate
from moving_figures import IterationOrder, iteration_order
from moving_figures.iteration_order import LINE, LINES, ORDERS, STEPS
from tensor_compiler import Schedule, parse

FIGURE = iteration_order()
PRODUCT = parse("""
def matmul(A: f32[8, 8], B: f32[8, 8], C: f32[8, 8]):
    for i in serial(8):
        for j in serial(8):
            for k in serial(8):
                C[i, j] += A[i, k] * B[k, j]
""")


def scheduled(name: str) -> Schedule:
    schedule = Schedule(PRODUCT)
    if name.startswith("tiles"):
        schedule.tile("ijk", (4, 4, 4))
        schedule.reorder("i_i", "k_i", "j_i")
    elif name != "i j k":
        schedule.reorder(*name.split())
    return schedule


@pytest.mark.parametrize("order", range(len(ORDERS)))
def test_it_misses_what_the_scheduled_program_misses(order: int) -> None:
    program = scheduled(list(ORDERS)[order]).function
    cache = Cache(4 * LINE * LINES, 4 * LINE, LINES)
    assert IterationOrder(order, STEPS).misses == simulate(program, cache).misses[0].total()


@pytest.mark.parametrize("order", range(len(ORDERS)))
def test_each_order_visits_each_iteration_once(order: int) -> None:
    whole = IterationOrder(order, STEPS)
    assert len({tuple(whole.index(step).items()) for step in range(STEPS)}) == STEPS


def test_the_script_says_what_the_package_computes_and_colours_what_is_near(
    browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>x</title><main><h1>x</h1>{FIGURE.to_html()}"
    )
    with visiting(browser, page.as_uri()) as visit:
        order, step = visit.page.locator("input").all()
        for number in range(len(ORDERS)):
            for at in (1, 2, 17, 100, 101, 263, 511, STEPS):
                for slider, value in ((order, number), (step, at - 1)):
                    slider.evaluate(
                        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }",
                        value,
                    )
                state = IterationOrder(number, at)
                assert visit.page.locator(".reading").inner_text() == str(state)
                near = visit.page.locator(".near").evaluate_all("cells => cells.map(c => c.dataset.at)")
                assert all(state.is_near(m, int(r), int(c)) for m, r, c in map(str.split, near))
                assert len(near) == LINE * min(LINES, state.misses)
                now = visit.page.locator(".now").evaluate_all("cells => cells.map(c => c.dataset.at)")
                assert set(now) == {f"{m} {r} {c}" for m, r, c in state.elements(at - 1)}
    assert visit.complaints == []


@pytest.mark.parametrize("mode", MODES)
def test_fits_a_telephone_and_is_accessible(browser: Browser, tmp_path: Path, mode: str) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>x</title><main><h1>x</h1>{FIGURE.to_html()}"
    )
    with visiting(browser, page.as_uri(), viewport=TELEPHONE, has_touch=True, color_scheme=mode) as visit:
        visit.page.get_by_role("button", name="step: more").tap()
        assert visit.page.locator(".reading").inner_text() == str(IterationOrder(0, 101))
        assert sticking_out(visit.page) == []
        assert violations(visit.page) == []


def test_print_shows_all_orders_with_their_misses() -> None:
    titles = [axes.get_title() for axes in FIGURE.still().axes if axes.get_title()]
    for number, name in enumerate(ORDERS):
        early, end = (IterationOrder(number, step).misses for step in (100, STEPS))
        assert titles[number] == f"{name}: {early} misses after 100 steps, {end} at the end"
