"""A step as text: a call such as `split(loop='i', factor=8)`."""

from __future__ import annotations

import ast

from tensor_compiler.schedule import Step


def read_step(line: str) -> Step:
    """The step that `line` spells, as `str` of it would. Raises ValueError if it spells none."""
    text = line.strip()
    try:
        call = ast.parse(text, mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args:
            values = {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg}
            return Step(call.func.id, values)
    except (SyntaxError, ValueError):
        pass
    raise ValueError(f"'{text}' is no step: write a call with named arguments, such as unroll(loop='k')")
