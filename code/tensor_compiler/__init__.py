"""A tensor compiler small enough to read. It imports numpy and the standard library only.

The vocabulary, from the numbers up:

- `dtype` the types of numbers; `intrinsics` the functions an expression may call, `meaning` in numpy.
- `expression` eight expressions and `Buffer`; `statement` eight statements and `Function`. All are frozen,
  compare by value and are well typed from the constructor on. Names are unique in a function; a loop's name
  is the reference to it.
- `printer.show` and `parser.parse`: the text, a subset of Python that round-trips. `show(function, marks)`
  marks lines for a refusal.
- `verify` what else holds between two steps; `InvalidProgram` when it does not.
- `traversal` what a rewrite is made of: `find_loop`, `replace_at` a path, `map_expressions`,
  `map_statements`, `map_buffers`, `substitute`, `fresh_name`.
- `interpreter.interpret` the meaning, element by element, and the oracle: bounds, uninitialised reads and,
  on request, races are errors that name the iteration.
- `affine` linear forms and intervals of index expressions; `simplify` makes them shorter.
- `c_source` a function as C for a `Target`, which is a C compiler and what it says of the machine: vectorized
  loops as vectors, unrolled ones written out, buffers in registers as named variables, parallel ones as
  OpenMP. `runtime.h` holds the vector functions. `compile_function` gives a `Kernel` to call on numpy arrays.
- `access`, `system`, `dependence` which elements are touched, integer systems, and whether two accesses
  meet; `region` the box that a loop touches; `legality` the refusals.
- `primitives` checked rewrites, one to a file; `Schedule` applies them by name and keeps the trace, which
  `replay` runs again.

A rewrite is a function from a `Function` to a new one. Nothing mutates. `traversal` finds and replaces, then
`simplify` shortens, then `verify` checks; `interpret` on small extents says whether the meaning is the same.

Above the loops stands the graph, which a function of the array API leaves when it is traced:

- `tracer.trace` the function, run on arrays without numbers; `namespace` the functions that it may use;
  `size` extents that stay symbolic, and the guards that the trace assumed.
- `graph` named nodes with dtype and shape, `operators` what each means; `passes` graphs that compute the same
  with less, a list of named steps; `fusion` which nodes become one loop function; `stage` what one element of
  each is, and its naive loops; `memory` where tensors lie in between.
- `rules` the schedule of each pattern of groups, a registry; `schedule` and `primitives` what a rule applies.
- `tuning` search over the choices that a rule leaves open; its best record is a rule for `compile`.
- `pipeline.compile` all steps, into a function on numpy arrays; a callback sees what each step leaves.
  `program` runs the loop functions on the caller's arrays and one arena.
"""

from .arguments import BadArgument, aligned_empty
from .c_statement import Unsupported, c_source
from .dtype import DTYPES, DType, bf16, boolean, f16, f32, f64, s8, s32, s64, u8
from .expression import Buffer, Expression
from .interpreter import ExecutionError, interpret
from .kernel import CompilationFailed, Kernel, compile_function
from .legality import Refused
from .namespace import Namespace
from .parser import parse
from .pipeline import compile  # noqa: A004, the word for it
from .printer import show
from .schedule import Schedule, Step, replay
from .simplify import simplify
from .size import Size, TensorType
from .statement import Function, Statement
from .target import NoCompiler, Target, host_target
from .tracer import NotTraceable, trace
from .verify import InvalidProgram, verify

__all__ = [
    "DTYPES", "BadArgument", "Buffer", "CompilationFailed", "DType", "ExecutionError", "Expression",
    "Function", "InvalidProgram", "Kernel", "Namespace", "NoCompiler", "NotTraceable", "Refused",
    "Schedule", "Size", "Statement", "Step", "Target", "TensorType", "Unsupported", "aligned_empty",
    "bf16", "boolean", "c_source", "compile", "compile_function", "f16", "f32", "f64", "host_target",
    "interpret", "parse", "replay", "s8", "s32", "s64", "show", "simplify", "trace", "u8", "verify",
]  # fmt: skip
