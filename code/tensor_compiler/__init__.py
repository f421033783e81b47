"""A tensor compiler small enough to read. It imports numpy and the standard library only.

The vocabulary, from the numbers up:

- `dtype` the types of numbers; `intrinsics` the functions an expression may call.
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

A rewrite is a function from a `Function` to a new one. Nothing mutates.
"""

from tensor_compiler.dtype import DTYPES, DType, bf16, boolean, f16, f32, f64, s8, s32, s64, u8
from tensor_compiler.expression import Buffer, Expression
from tensor_compiler.interpreter import ExecutionError, interpret
from tensor_compiler.parser import parse
from tensor_compiler.printer import show
from tensor_compiler.statement import Function, Statement
from tensor_compiler.verify import InvalidProgram, verify

__all__ = [
    "DTYPES",
    "Buffer",
    "DType",
    "ExecutionError",
    "Expression",
    "Function",
    "InvalidProgram",
    "Statement",
    "bf16",
    "boolean",
    "f16",
    "f32",
    "f64",
    "interpret",
    "parse",
    "s8",
    "s32",
    "s64",
    "show",
    "u8",
    "verify",
]
