"""Solutions stand behind their exercises."""

from __future__ import annotations

from docutils import nodes

from book_build.solutions import fold_into, solution
from graders import exercises


def task(number: int, name: str) -> nodes.paragraph:
    """An exercise as a page states it: its number in bold, its name in italics."""
    head = [nodes.strong("", f"{number} (graded)."), nodes.Text(" "), nodes.emphasis("", f"{name}.")]
    return nodes.paragraph("", "", *head)


def test_a_solution_follows_the_hints_of_its_exercise_and_precedes_the_next() -> None:
    found = exercises("ideas/schedules")
    first, second, third = found
    hint = nodes.paragraph("", "Look at the strides.")
    argument = nodes.paragraph("", "", nodes.strong("", "4 (argument)."), nodes.Text(" Is it correct?"))
    children = [nodes.title("", "Exercises"), nodes.paragraph("", "From the shell, run graders.")]
    children += [task(1, first), hint, task(2, second), task(3, third), argument]
    section = nodes.section("", *children)
    fold_into(section, found)
    shown = [node["name"] if isinstance(node, solution) else "" for node in section]
    assert shown == ["", "", "", "", first, "", second, "", third, ""]
    code, rejected = section[4].children
    assert code.astext() == found[first].reference.strip()
    assert all(wrong.name in rejected.astext() for wrong in found[first].wrong)


def test_the_last_exercise_of_a_page_has_its_solution_too() -> None:
    found = exercises("ideas/schedules")
    name = next(iter(found))
    section = nodes.section("", nodes.title("", "Exercises"), task(1, name))
    fold_into(section, found)
    assert isinstance(section[-1], solution)
