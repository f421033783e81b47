"""Exercises of the chapter on Triton: who holds an element, a kernel without borders, versions of a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graders.exercise import Exercise, mutants, require
from tile_layouts import Blocked

# --- 1: who holds an element ----------------------------------------------------------------------------


def _holds(layout: Blocked, shape: tuple[int, int], hint: str) -> Callable[[Any], None]:
    """Ask for every element of a tile, in the order of its rows."""

    def check(owner: Callable[..., tuple[int, int]]) -> None:
        expected = layout.owners(shape)
        extents = (layout.size_per_thread, layout.threads_per_warp, layout.warps, layout.order)
        for row, column in np.ndindex(shape):
            right = (int(expected.thread[row, column]), int(expected.register[row, column]))
            found = owner(*extents, shape, row, column)
            asked = "owner(" + ", ".join(map(str, (*extents, shape, row, column))) + ")"
            require(found == right, f"{asked} is {found} instead of {right}", hint)

    return check


_OWNER = """def owner(size_per_thread, threads_per_warp, warps, order, shape, row, column):
    thread = register = 0
    thread_stride, register_stride = 1, 1
    for level in (size_per_thread, threads_per_warp, warps):
        for dimension in order:
            place = (row, column)[dimension]
            for below in (size_per_thread, threads_per_warp, warps):
                if below is level:
                    break
                place //= below[dimension]
            digit = place % level[dimension]
            if level is size_per_thread:
                register += digit * register_stride
                register_stride *= level[dimension]
            else:
                thread += digit * thread_stride
                thread_stride *= level[dimension]
    for dimension in order:
        all_threads = size_per_thread[dimension] * threads_per_warp[dimension] * warps[dimension]
        register += (row, column)[dimension] // all_threads * register_stride
        register_stride *= -(-shape[dimension] // all_threads)
    return thread, register
"""

OWNER = Exercise(
    name="owner",
    task="Return which thread holds an element of a blocked layout, and in which of its registers.",
    entry="owner",
    starter='''def owner(size_per_thread, threads_per_warp, warps, order, shape, row, column):
    """Return (thread, register) of element (row, column) in a tile of `shape`.

    size_per_thread, threads_per_warp, warps: extents along rows and columns. Threads
    are counted over all warps. order: the dimensions from the fastest to the slowest;
    (1, 0) counts along a row first. Where the tile is larger than all threads together
    the layout repeats, and a thread's next registers hold the next repetition. The
    tile is never smaller.
    """
    thread = column // size_per_thread[1] % threads_per_warp[1]
    register = column % size_per_thread[1]
    return thread, register
''',
    reference=_OWNER,
    properties={
        "one warp": _holds(
            Blocked((1, 2), (4, 8), (1, 1), (1, 0)), (4, 16), "the threads of a warp form a rectangle"
        ),
        "columns first": _holds(
            Blocked((2, 1), (8, 4), (1, 1), (0, 1)), (16, 4), "`order` says along which dimension to count first"
        ),
        "four warps": _holds(
            Blocked((1, 2), (4, 8), (2, 2), (1, 0)), (8, 32), "after the threads of a warp come the next warp's"
        ),
        "a larger tile": _holds(
            Blocked((1, 2), (4, 8), (2, 1), (1, 0)),
            (16, 32),
            "where the layout repeats the thread is the same and the register is another",
        ),
    },
    wrong=(
        *mutants(
            _OWNER,
            ("always counts along rows", "for dimension in order:", "for dimension in (1, 0):", "first"),
            ("forgets the warps", "(size_per_thread, threads_per_warp, warps):\n        for dim", "(size_per_thread, threads_per_warp):\n        for dim", "next warp's"),
            ("gives every repetition new threads", "place % level[dimension]", "place % level[dimension] if level is not warps else place", "another"),
            ("counts registers within one repetition", "        register += (row, column)[dimension] // all_threads", "        register += 0", "another"),
            ("repeats along the slow dimension first", "    for dimension in order:\n        all_threads", "    for dimension in reversed(order):\n        all_threads", "another"),
        ),
    ),
)  # fmt: skip

# --- 2: a product without borders -----------------------------------------------------------------------

MARGIN = 4096  # elements before and behind each matrix: NaN where a kernel reads, 7 where it writes
UNTOUCHED = 7.0


def _silu_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    h = a.astype(np.float64) @ b.astype(np.float64)
    return np.asarray(h / (1 + np.exp(-h)))


def _multiplies(
    rows: int, columns: int, depth: int, hint: str, values: Callable[..., np.ndarray] | None = None
) -> Callable[[Any], None]:
    """Run the kernel in Triton's interpreter, in tiles of 16, on matrices that lie in memory full of NaN."""

    def check(kernel: Any) -> None:
        import torch

        draw = np.random.default_rng(rows).standard_normal
        arrays = [
            values(shape) if values else draw(shape).astype(np.float32) / 4
            for shape in ((rows, depth), (depth, columns))
        ]
        result = np.zeros((rows, columns), arrays[0].dtype)
        buffers = []
        for array, around in (*((array, np.nan) for array in arrays), (result, UNTOUCHED)):
            buffer = np.full(array.size + 2 * MARGIN, around, array.dtype)
            buffer[MARGIN : MARGIN + array.size] = array.ravel()
            buffers.append(torch.from_numpy(buffer))
        inside = [
            buffer[MARGIN : MARGIN + array.size]
            for buffer, array in zip(buffers, (*arrays, result), strict=True)
        ]
        sizes = {"ROWS": 16, "COLUMNS": 16, "DEPTH": 16}
        kernel[(-(-rows // 16), -(-columns // 16))](*inside, rows, columns, depth, **sizes)
        case = f"({rows} x {depth}) @ ({depth} x {columns}) of {arrays[0].dtype}, tiles of 16"
        found, expected = inside[2].numpy().reshape(rows, columns), _silu_product(*arrays)
        wrong = ~(np.abs(found - expected) <= 2e-3 * np.abs(expected).max())
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            require(
                False, f"{case}: c[{place[0]}, {place[1]}] is {found[place]:g}, not {expected[place]:g}", hint
            )
        outside = torch.cat([buffers[2][:MARGIN], buffers[2][MARGIN + result.size :]])
        spilled = int((outside != UNTOUCHED).sum())
        require(not spilled, f"{case}: it writes {spilled} numbers that are not c's", hint)

    return check


def _sums_beyond_float16(shape: tuple[int, int]) -> np.ndarray:
    """64 * 64 at first and then products of 1/16: in float16, 4096 + 1 is 4096 again."""
    values = np.full(shape, 0.25, np.float16)
    values[0 if shape[0] > shape[1] else slice(None), 0 if shape[1] > shape[0] else slice(None)] = 64
    return values


_HEAD = """import triton
import triton.language as tl


@triton.jit
def kernel(a, b, c, rows, columns, depth, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr):
"""
_PRODUCT = f"""{_HEAD}    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(0, depth, DEPTH):
        k = start + tl.arange(0, DEPTH)
        in_a = (row < rows) & (k < depth)[None, :]
        in_b = (k < depth)[:, None] & (column < columns)
        part = tl.load(a + row * depth + k[None, :], mask=in_a, other=0.0)
        weights = tl.load(b + k[:, None] * columns + column, mask=in_b, other=0.0)
        total = tl.dot(part, weights, total)
    total = total * tl.sigmoid(total)
    in_c = (row < rows) & (column < columns)
    tl.store(c + row * columns + column, total.to(c.dtype.element_ty), mask=in_c)
"""

PRODUCT = Exercise(
    name="any-shape",
    task="Make the fused product right for matrices of any shape: mask what lies outside.",
    entry="kernel",
    starter=f'''{_HEAD}    """Write silu(a @ b) to c; a is (rows, depth), b (depth, columns), c (rows, columns), row by row in memory.

    No size need be a multiple of its tile's. Elements are float32 or float16, sums are float32. The grader
    runs the kernel in Triton's interpreter; around the matrices there is NaN, and around c what must stay.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(0, depth, DEPTH):
        k = start + tl.arange(0, DEPTH)
        part = tl.load(a + row * depth + k[None, :])
        weights = tl.load(b + k[:, None] * columns + column)
        total = tl.dot(part, weights, total)
    total = total * tl.sigmoid(total)
    tl.store(c + row * columns + column, total.to(c.dtype.element_ty))
''',
    reference=_PRODUCT,
    properties={
        "tiles that fit": _multiplies(32, 32, 48, "first add up all steps, then apply silu to the sum"),
        "rows that do not fill a tile": _multiplies(5, 16, 32, "a row of the tile may be none of the matrix"),
        "columns that do not fill a tile": _multiplies(16, 20, 32, "what is too long for its row lies in the next row"),
        "a depth that does not fill a tile": _multiplies(
            16, 16, 40, "NaN times 0 is NaN: both operands need a mask, which moves along with the steps"
        ),
        "float16": _multiplies(
            16, 16, 512, "float16 has 11 bits: the sum needs more than its terms", _sums_beyond_float16
        ),
    },
    wrong=(
        *mutants(
            _PRODUCT,
            ("applies silu at each step", "    total = total * tl", "        total = total * tl", "to the sum"),
            ("loads the first tiles at each step", "k = start + ", "k = ", "all steps"),
            ("stores rows that are not there", "in_c = (row < rows) & (", "in_c = (row < rows + ROWS) & (", "none of the matrix"),
            ("stores columns that are not there", "& (column < columns)\n    tl.store", "& (column < columns + COLUMNS)\n    tl.store", "the next row"),
            ("masks the depth of a only", "in_b = (k < depth)[:, None]", "in_b = (k < depth + DEPTH)[:, None]", "both operands"),
            ("masks each step as the first", "k = start + tl.arange(0, DEPTH)\n        in_a = (row < rows) & (k < depth)[None, :]", "k = start + tl.arange(0, DEPTH)\n        in_a = (row < rows) & (k - start < depth)[None, :]", "moves along"),
            ("adds up in float16", "tl.dot(part, weights, total)", "tl.dot(part, weights, total).to(part.dtype).to(tl.float32)", "11 bits"),
        ),
    ),
    environment={"TRITON_INTERPRET": "1"},
    seconds=120,
    megabytes=16384,
)  # fmt: skip

# --- 3: how many versions -------------------------------------------------------------------------------


def _versions(launches: list[tuple[int, ...]], expected: int, hint: str) -> Callable[[Any], None]:
    def check(versions: Callable[..., int]) -> None:
        found = versions(list(launches))
        require(found == expected, f"versions({launches}) is {found} instead of {expected}", hint)

    return check


_VERSIONS = """def versions(launches):
    def kind(value):
        if value == 1:
            return "the constant 1"
        fits = -2**31 <= value < 2**31
        return ("i32" if fits else "i64", value % 16 == 0)
    return len({tuple(map(kind, launch)) for launch in launches})
"""

VERSIONS = Exercise(
    name="versions",
    task="Return how many kernels Triton compiles for a series of launches with integer arguments.",
    entry="versions",
    starter='''def versions(launches):
    """launches: one tuple of integers per launch of the same kernel, none of them tl.constexpr.

    All lie between -2**63 and 2**63 - 1; pointers and constants are the same each time.
    """
    return len(set(launches))
''',
    reference=_VERSIONS,
    properties={
        "one launch": _versions([(256,)], 1, "the first launch compiles"),
        "values that are alike": _versions(
            [(256,), (512,), (300,), (7,)], 2, "the key holds what the compiler may use of a value, not the value"
        ),
        "multiples": _versions([(8,), (24,), (16,), (48,), (0,)], 2, "the hint is divisibility by 16, and by nothing less"),
        "one": _versions([(1,), (7,), (16,)], 3, "1 is built into the kernel, as a stride of 1 often is"),
        "large": _versions([(16,), (2**31,), (2**31 - 1,), (-(2**31) - 1,)], 4, "what does not fit 32 bits has another type"),
        "pairs": _versions(
            [(16, 7), (7, 16), (16, 16), (32, 5), (7, 32)], 3, "each argument has its own entry, in its place"
        ),
    },
    wrong=(
        *mutants(
            _VERSIONS,
            ("compiles for each value", "        if value == 1:", "        return value\n        if value == 1:", "not the value"),
            ("compiles once for all", "len({tuple(map(kind, launch)) for launch in launches})", "1", "not the value"),
            ("takes multiples of 8", "value % 16", "value % 8", "nothing less"),
            ("forgets that 1 is special", "if value == 1:", "if False:", "built into"),
            ("knows one width", "fits = -2**31 <= value < 2**31", "fits = True", "another type"),
            ("mixes up the arguments", "tuple(map(kind, launch))", "tuple(sorted(map(str, map(kind, launch))))", "its own entry"),
        ),
    ),
)  # fmt: skip

EXERCISES = (OWNER, PRODUCT, VERSIONS)
