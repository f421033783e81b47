"""Carries source lines through Inductor: from the nodes of its input graph into loops and generated kernels.

Inductor knows the origin of a fused loop only as a whole. Here each operation inside a loop keeps the node
that it was lowered from, and each line that the code generator writes for it gets a mark at its end. The
marks come off before a kernel is named, hashed or compiled, so the compiler's output stays what it was.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest.mock import patch

import torch.fx.graph
from torch._inductor import ir, scheduler
from torch._inductor.codegen.cpp import CppScheduling
from torch._inductor.codegen.triton import TritonScheduling
from torch._inductor.loop_body import LightTracer, LoopBodyBlock
from torch._inductor.utils import DeferredLineBase, IndentedBuffer
from torch._inductor.virtualized import NullHandler, V

from lowering_explorer.adapters.torch_logs import Record
from lowering_explorer.request import Request
from lowering_explorer.stage import Lines

KERNEL = "marked kernel"
_MARK = "\x1f"  # ASCII's unit separator: it stands in no program


def unmarked(text: str) -> tuple[str, tuple[Lines, ...]]:
    """The text without its marks, and for each line what its mark said."""
    parts = [line.partition(_MARK) for line in text.splitlines()]
    lines = (tuple(int(number) for number in said.split(",") if number) for _, _, said in parts)
    return "".join(f"{line}\n" for line, _, _ in parts), tuple(lines)


@contextlib.contextmanager
def marked(request: Request, tell: Callable[[Record], None]) -> Iterator[None]:
    """Within the context, loops and kernels carry source lines.

    What the logs ``ir_pre_fusion`` and ``ir_post_fusion`` print has marks for `unmarked`. So has the code of
    each kernel, which is told as a record of the kind `KERNEL` with the kernel's name as its file.
    """
    marks = _Marks(request, tell)
    with contextlib.ExitStack() as stack:
        for owner, name, replacement in (
            (ir.Loops, "__post_init__", marks.loops_post_init),
            (ir.ComputedBuffer, "get_store_function", marks.get_store_function),
            (LightTracer, "create_node", marks.create_node),
            (LoopBodyBlock, "debug_str", marks.body_debug_str),
            (scheduler.ExternKernelSchedulerNode, "debug_str_extra", marks.node_debug_str),
            (scheduler.SchedulerNode, "debug_str_extra", marks.node_debug_str),
            (IndentedBuffer, "writeline", marks.writeline),
            (CppScheduling, "define_kernel", marks.define_kernel),
            (TritonScheduling, "define_kernel", marks.define_kernel),
            (torch.fx.graph, "_parse_stack_trace", marks.parse_stack_trace),
        ):
            stack.enter_context(patch.object(owner, name, _around(getattr(owner, name), replacement)))
        yield


def _around(original: Callable[..., Any], replacement: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def called(*arguments: Any, **keywords: Any) -> Any:
        return replacement(original, *arguments, **keywords)

    return called


class _Marks:
    """The replacements; each gets the original function, then what that would get."""

    def __init__(self, request: Request, tell: Callable[[Record], None]) -> None:
        self._request = request
        self._tell = tell
        self._current: Lines = ()  # of the operation whose loop body is being traced

    # From the input graph into the functions that compute one element

    def loops_post_init(self, original: Any, loops: Any) -> None:
        original(loops)
        lines = self._node_lines(_lowered())
        for name, value in (("inner_fn", self._attributed(loops.inner_fn, lines)), ("source_lines", lines)):
            object.__setattr__(loops, name, value)  # the class is frozen

    def get_store_function(self, original: Any, buffer: Any) -> Any:
        return self._attributed(original(buffer), buffer.data.source_lines)

    def _attributed(self, function: Any, lines: Lines) -> Any:
        if not lines or not callable(function):
            return function

        @functools.wraps(function)
        def called(*arguments: Any, **keywords: Any) -> Any:
            caller, self._current = self._current, lines
            try:
                return function(*arguments, **keywords)
            finally:
                self._current = caller

        return called

    # From there into the traced body of the loop, which may be traced again when loops are reordered

    def create_node(self, original: Any, *arguments: Any, **keywords: Any) -> Any:
        node = original(*arguments, **keywords)
        node.meta["source_lines"] = _interpreted() or self._current
        return node

    # From there into text

    def body_debug_str(self, original: Any, block: Any, *arguments: Any, **keywords: Any) -> str:
        lines = {node.name: node.meta.get("source_lines", ()) for node in block.graph.nodes}
        text: str = original(block, *arguments, **keywords)
        named = (re.match(r"\s+(\w+) = ", line) for line in text.splitlines())
        return "\n".join(
            _with_mark(line, lines.get(name[1], ()) if name else ())
            for line, name in zip(text.splitlines(), named, strict=True)
        )

    def node_debug_str(self, original: Any, node: Any) -> str:
        first, newline, rest = original(node).partition("\n")
        return f"{_with_mark(first, self._whole_lines(node))}{newline}{rest}"

    def writeline(self, original: Any, buffer: Any, line: Any) -> None:
        lines = _interpreted()
        if isinstance(line, str):
            line = _with_mark(line, lines)
        elif isinstance(line, DeferredLineBase):
            line = line._new_line(_with_mark(line.line, lines))
        original(buffer, line)

    def define_kernel(
        self, original: Any, scheduling: Any, code: str, *arguments: Any, **keywords: Any
    ) -> str:
        name: str = original(scheduling, unmarked(code)[0], *arguments, **keywords)
        nodes = arguments[0] if arguments and isinstance(arguments[0], Sequence) else ()
        of_template = next(filter(None, map(self._whole_lines, nodes)), ())
        code = "\n".join(_with_mark(line, of_template) for line in code.splitlines())
        self._tell(Record(KERNEL, code, file=name))
        return name

    # The comment above an FX node: the innermost place in the function, not in the library that it calls

    def parse_stack_trace(self, original: Any, trace: str, keep: Any = None) -> Any:
        return original(trace, lambda file, name, code: file == self._request.source.file)

    def _whole_lines(self, scheduled: Any) -> Lines:
        """The lines of what is lowered as a whole, without loops of ours: a library's call or a template."""
        match getattr(scheduled, "node", None):
            case ir.ExternKernel() | ir.TemplateBuffer() as buffer:
                return self._node_lines(buffer.origin_node)
        return ()

    def _node_lines(self, node: Any) -> Lines:
        resolve = self._request.resolve
        trace = getattr(node, "meta", {}).get("stack_trace") or ""
        places = re.findall(r'File "(.+)", line (\d+)', trace)
        return next((lines for file, at in reversed(places) if (lines := resolve(file, int(at)))), ())


def _lowered() -> Any:
    """The node of the graph that is being lowered, if one is."""
    node = V.get_current_node()
    return None if isinstance(node, NullHandler) else node


def _interpreted() -> Lines:
    """The lines of the operation that the code generator is at, if it is at one."""
    node = getattr(V.interpreter, "current_node", None)
    lines: Lines = node.meta.get("source_lines", ()) if node is not None else ()
    return lines


def _with_mark(line: str, lines: Lines) -> str:
    if not lines or not line.strip() or _MARK in line or line.endswith("\\"):
        return line
    return f"{line}{_MARK}{','.join(map(str, lines))}"
