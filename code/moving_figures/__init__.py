"""Figures with sliders: a drawing that a reader moves on a page, and the same drawing still in print.

`MovingFigure` is the shell: sliders with buttons, a sentence that reads the drawing aloud, and a still. A
kind of figure adds a module that draws the first state, and a script of the same name that redraws it.
"""

from moving_figures.figure import MovingFigure, Slider
from moving_figures.iteration_order import IterationOrder, iteration_order
from moving_figures.product_roofline import ProductRoofline, product_roofline

__all__ = [
    "IterationOrder", "MovingFigure", "ProductRoofline", "Slider", "iteration_order", "product_roofline",
]  # fmt: skip
