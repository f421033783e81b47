"""Makes stages of what Inductor says while it compiles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePath

from torch._inductor.codecache import PyCodeCache

from lowering_explorer.adapters import (
    fx_text,
    graph_break,
    inductor_assembly,
    inductor_loops,
    inductor_module,
)
from lowering_explorer.adapters.inductor_lines import KERNEL, unmarked
from lowering_explorer.adapters.torch_logs import Record
from lowering_explorer.request import CannotCapture, Request
from lowering_explorer.stage import Lines, Stage

LOGS = ("bytecode", "guards", "graph_breaks", "ir_pre_fusion", "ir_post_fusion", "fusion", "inductor_metrics")
BACKWARD = "backward pass begins"  # the kind of a record that the adapter adds

# Kind of a record -> name of the stage, level, what happened. A graph that no pass changed is left out.
_GRAPHS = {
    "dynamo_output_graph": (
        "FX graph",
        "graph",
        "Dynamo ran the bytecode without numbers and kept {} operations on tensors.",
    ),
    "after_pre_grad_graph": (
        "FX graph after pre-grad passes",
        "graph",
        "Calls are brought into one form; there are {}.",
    ),
    "aot_inference_graph": (
        "ATen graph",
        "tensor IR",
        "AOTAutograd: {} calls of ATen's operators; none writes into its arguments.",
    ),
    "aot_joint_graph": (
        "joint graph",
        "tensor IR",
        "AOTAutograd: the forward and the backward pass in one graph of {} operations.",
    ),
    "aot_forward_graph": (
        "forward graph",
        "tensor IR",
        "The partitioner's first half, {} operations: the results, and what the backward pass reads.",
    ),
    "aot_backward_graph": (
        "backward graph",
        "tensor IR",
        "The partitioner's second half, {} operations: the gradients.",
    ),
    "after_joint_graph": (
        "ATen graph after joint passes",
        "tensor IR",
        "Patterns are replaced; there are {} operations.",
    ),
    "inductor_post_grad_graph": (
        "ATen graph after post-grad passes",
        "tensor IR",
        "Patterns are replaced; there are {} operations.",
    ),
}


class Reader:
    """Reads records in order: what a record becomes depends on those before it."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._parts: list[str] = []  # the frames, in the order of their compilation
        self._backward = False
        self._graphs: dict[tuple[str, bool], Stage] = {}  # (frame, backward?) -> its latest graph
        self._subgraph = 0  # of a graph with control flow, counted from 1; 0 is the graph itself
        self._before_fusion: Stage | None = None
        self._loops = ""  # the name of the last stage with loops
        self._fusion: list[str] = []
        self._of_buffer: dict[str, Lines] = {}
        self._of_kernel: dict[str, tuple[Lines, ...]] = {}
        self._module = Record("", "")
        self._left_to_python = ""  # the last stage that says what Python runs, and so compiles next
        self._gave_up = ""  # why Dynamo left a whole function to Python

    def stages(self, record: Record) -> Iterator[Stage]:
        """What one record adds."""
        match record.kind:
            case "dynamo_start":
                self._parts.append(record.frame)
            case "bytecode":
                yield self._bytecode(record)
            case "graph_breaks":
                yield self._graph_break(record)
            case kind if kind in _GRAPHS:
                yield from self._graph(record)
            case "guards" if "TREE_GUARD_MANAGER" in record.text:
                yield self._guards(record)
            case kind if kind == BACKWARD:
                self._backward = True
            case "ir_pre_fusion":
                yield self._loop_nests(record)
            case "fusion":
                self._fusion.append(record.text)
            case "ir_post_fusion":
                yield from self._fused(record)
            case kind if kind == KERNEL:
                self._of_kernel[record.file] = unmarked(record.text.strip("\n"))[1]
            case "inductor_output_code":
                self._module, self._subgraph = record, 0
                yield from self._code(record)
            case "inductor_metrics":  # said when the module is compiled and loaded
                yield self._wrapper(record)
                yield from self._assembly(record)

    def check_something_was_compiled(self) -> None:
        """Raises CannotCapture where no graph came out."""
        if self._graphs:
            return
        if self._gave_up:
            raise CannotCapture(
                f"Dynamo left the function to Python ({self._gave_up}); the stage 'graph break' says where, "
                "and what to write instead"
            )
        raise CannotCapture(
            "the function computes nothing from its tensors; return the result of an operation"
        )

    def _name(self, name: str, record: Record) -> str:
        """The name, with what tells it from the same stage of another part, direction or subgraph."""
        part = self._parts.index(record.frame) + 1 if record.frame in self._parts else 1
        tells = [f"part {part}"] * (part > 1) + ["backward"] * self._backward
        tells += [f"subgraph {self._subgraph}"] * (self._subgraph > 0)
        return f"{name} ({', '.join(tells)})" if tells else name

    def _bytecode(self, record: Record) -> Stage:
        headline, _, text = record.text.partition("\n")
        text = text.strip("\n") + "\n"
        name = self._name("bytecode", record)
        if headline.startswith("MODIFIED"):
            note = "What Python runs from now on: the compiled graph is called where its operations stood."
            self._left_to_python = self._name("bytecode after Dynamo", record)
            return Stage(self._left_to_python, "Python", "bytecode", text, name, note=note)
        file = headline.split(" ")[3]
        lines: list[Lines] = []
        for line in text.splitlines():
            number = re.match(r"\s*(\d+)\s+(?:>>\s+)?\d+ [A-Z]", line)
            at = self._request.resolve(file, int(number[1])) if number else (lines[-1] if lines else ())
            lines.append(at if line.strip() else ())
        note = "What CPython made of the source; Dynamo reads this, not the source."
        return Stage(name, "Python", "bytecode", text, self._left_to_python, tuple(lines), {}, note)

    def _graph_break(self, record: Record) -> Stage:
        text, lines = graph_break.located(record.text, self._request)
        reason = graph_break.reason(text)
        if graph_break.is_final(text):
            self._gave_up = reason
            note = f"{reason}: Dynamo gives this function up, and Python runs it uncompiled."
        else:
            note = f"{reason}: Dynamo ends the graph, Python runs this place, and a new part follows."
        made_from, self._left_to_python = self._name("bytecode", record), self._name("graph break", record)
        return Stage(self._left_to_python, "Python", "text", text, made_from, lines, {}, note)

    def _graph(self, record: Record) -> Iterator[Stage]:
        name, level, note = _GRAPHS[record.kind]
        self._subgraph = 0
        self._before_fusion = None
        text, lines = fx_text.located(record.text, self._request)
        before = self._graphs.get((record.frame, self._backward))
        if before and fx_text.body(before.text) == fx_text.body(text):
            return
        counts = fx_text.operations(text)
        if record.kind in ("aot_forward_graph", "aot_backward_graph"):
            parent = self._name("joint graph", record)
        else:
            parent = before.name if before else self._name("bytecode", record)
        stage = Stage(
            self._name(name, record),
            level,
            "python",
            text,
            parent,
            lines,
            counts,
            note.format(counts["operations"]),
        )
        self._graphs[record.frame, self._backward or record.kind == "aot_backward_graph"] = stage
        yield stage

    def _guards(self, record: Record) -> Stage:
        kept, found = [], []
        for line in record.text.strip("\n").splitlines()[1:]:
            place = re.search(r"\s+# (?:.*# )?(\S+):(\d+) in \S+$", line)
            kept.append(line[: place.start()] if place else line)
            found.append(self._request.resolve(PurePath(place[1]).name, int(place[2])) if place else ())
        text = "".join(f"{line}\n" for line in kept)
        number = len(re.findall(r"\+- [A-Z_]+:", text))
        return Stage(
            self._name("guards", record),
            "Python",
            "text",
            text,
            self._name("bytecode", record),
            tuple(found),
            {"guards": number},
            f"The compiled code serves a call only if these {number} checks hold; else Dynamo compiles anew.",
        )

    def _loop_nests(self, record: Record) -> Stage:
        if self._before_fusion:
            self._subgraph += 1
        text, lines = inductor_loops.located(record.text)
        counts = inductor_loops.counts(text)
        self._of_buffer |= inductor_loops.buffer_lines(text, lines)
        nests, calls = counts.get("loop nests", 0), counts.get("library calls", 0)
        note = f"The graph lowered to loop nests: {nests}, and to calls of libraries: {calls}."
        graph = self._graphs[record.frame, self._backward]
        name = self._name("Inductor IR before fusion", record)
        self._before_fusion = Stage(name, "loops", "python", text, graph.name, lines, counts, note)
        self._loops = self._loops if self._subgraph else name
        return self._before_fusion

    def _fused(self, record: Record) -> Iterator[Stage]:
        before = self._before_fusion
        assert before, "Inductor tells of its loops before and after fusion, in this order"
        text, lines = inductor_loops.located(record.text)
        decisions = [
            line.strip() for said in self._fusion for line in said.splitlines() if _is_decision(line)
        ]
        self._fusion.clear()
        if text == before.text:
            return
        of_node = inductor_loops.node_lines(before.text, before.source_lines)
        fusions = sum(line.startswith("fusing ") for line in decisions)
        refusals = sum(line.startswith("cannot fuse") for line in decisions)
        yield Stage(
            self._name("fusion decisions", record),
            "loops",
            "text",
            "".join(f"{line}\n" for line in decisions),
            before.name,
            tuple(
                inductor_loops.union(of_node.get(node, ()) for node in re.findall(r"op\d+", line))
                for line in decisions
            ),
            {"fusions": fusions, "refusals": refusals},
            f"Inductor looks at pairs of loop nests: it fused {fusions} and refused {refusals}.",
        )
        self._of_buffer |= inductor_loops.buffer_lines(text, lines)
        counts = inductor_loops.counts(text)
        was, nests = before.counts.get("loop nests", 0), counts.get("loop nests", 0)
        note = f"Loop nests after fusion: {nests}, of {was} before."
        name = self._name("Inductor IR after fusion", record)
        self._loops = self._loops if self._subgraph else name
        yield Stage(name, "loops", "python", text, before.name, lines, counts, note)

    def _code(self, record: Record) -> Iterator[Stage]:
        for name, code in inductor_module.kernels(record.text).items():
            lines = self._of_kernel.get(name, ())
            yield Stage(
                self._name(f"C++ of {name}", record),
                "vector IR",
                "cpp",
                code,
                self._loops,
                lines if len(lines) == len(code.splitlines()) else (),
                {},
                "Generated C++; an at::vec::Vectorized is one vector register.",
            )

    def _wrapper(self, record: Record) -> Stage:
        text = inductor_module.wrapper(self._module.text)
        counts = dict(inductor_module.wrapper_counts(text, list(inductor_module.kernels(self._module.text))))
        if accessed := re.search(r"'num_bytes_accessed': (\d+)", record.text):
            counts["bytes read or written"] = int(accessed[1])
        return Stage(
            self._name("wrapper", record),
            "loops",
            "python",
            text,
            self._loops,
            inductor_module.wrapper_lines(text, self._of_kernel, self._of_buffer),
            counts,
            "The Python that allocates the buffers and calls kernels and libraries in order.",
        )

    def _assembly(self, record: Record) -> Iterator[Stage]:
        module = next(module for module in PyCodeCache.modules if module.__file__ == self._module.file)
        for name, code in inductor_module.kernels(self._module.text).items():
            library = Path(getattr(module, name).__self__.__file__)
            text, lines = inductor_assembly.located(library, code, self._of_kernel.get(name, ()))
            yield Stage(
                self._name(f"assembly of {name}", record),
                "assembly",
                "x86",
                text,
                self._name(f"C++ of {name}", record),
                lines,
                {},
                "What the C++ compiler made of the kernel; each comment is the line of C++ that follows.",
            )


def _is_decision(line: str) -> bool:
    """Whether the log of fusion says what was done, and does not list what there was to do."""
    return bool(line.strip()) and not line.startswith(("  ", "fuse_nodes_once"))
