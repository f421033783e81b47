"""Exercises of the prerequisites: a self-test, the sectors of a warp, a tiled product with barriers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from graders.exercise import Exercise, WrongAnswer, require

# --- 1: the self-test -----------------------------------------------------------------------------------

# Question -> the answer, and what to read where it is missing or wrong.
TRANSFORMER = "first read about transformers: the section on the block and the paper that it cites"
TRACING = "first read about tracing: the section on the block, where the function is called by JAX"
GPU = "first read about GPUs: the section on threads and what it cites"
TILES = "first read about tiles: the section on the two products"
QUESTIONS: dict[str, tuple[int, str]] = {
    "scores": (100, TRANSFORMER),
    "products": (8, TRANSFORMER),
    "runs": (1, TRACING),
    "warp": (32, GPU),
    "masked": (12, GPU),
    "sectors": (32, GPU),
    "naive reads": (256, TILES),
    "tiled reads": (8, TILES),
    "barriers": (2, TILES),
}


def _asks(question: str, expected: int, hint: str) -> Callable[[Any], None]:
    def check(answers: Callable[[], dict[str, int]]) -> None:
        given = answers().get(question)
        require(given == expected, f"{question}: you answered {given}", hint)

    return check


def _answering(**changed: int) -> str:
    """An answer with all questions right but those in `changed`, spaces written as underscores."""
    wrong = {name.replace("_", " "): number for name, number in changed.items()}
    return f"def answers():\n    return { {name: right for name, (right, _) in QUESTIONS.items()} | wrong }\n"


SELF_TEST = Exercise(
    name="self-test",
    task="Answer nine questions; the first that is wrong says what to read first.",
    entry="answers",
    starter="""def answers():
    return {
        "scores": None,  # 10 tokens of width 64, one head: how many numbers are its attention scores?
        "products": None,  # matrix products in a block with one head and a perceptron of two layers?
        "runs": None,  # three calls of a function under jax.jit, same shapes: how often does its Python run?
        "warp": None,  # threads that run one instruction together on an NVIDIA GPU?
        "masked": None,  # 500 elements in tiles of 128: how many places of the last tile are masked?
        "sectors": None,  # a warp reads every 8th float32: how many sectors of 32 bytes does it touch?
        "naive reads": None,  # c = a @ b, 256 x 256, a thread per element of c: reads of each element of a?
        "tiled reads": None,  # the same with tiles of 32 x 32 in shared memory?
        "barriers": None,  # how many barriers does a thread meet per step from tile to tile?
    }
""",
    reference=_answering(),
    properties={name: _asks(name, right, hint) for name, (right, hint) in QUESTIONS.items()},
    wrong=(
        WrongAnswer("scores as wide as the tokens", _answering(scores=640), "about transformers"),
        WrongAnswer("forgets scores and their sum", _answering(products=6), "about transformers"),
        WrongAnswer("thinks that jit runs Python each time", _answering(runs=3), "about tracing"),
        WrongAnswer("takes the whole last tile", _answering(masked=0), "about GPUs"),
        WrongAnswer("counts bytes, not sectors", _answering(sectors=4), "about GPUs"),
        WrongAnswer("thinks that naive reads once", _answering(naive_reads=1), "about tiles"),
        WrongAnswer("knows one barrier", _answering(barriers=1), "about tiles"),
    ),
)

# --- 2: the sectors of a warp ---------------------------------------------------------------------------


def _touches(addresses: list[int], width: int, expected: int, case: str, hint: str) -> Callable[[Any], None]:
    def check(sectors: Callable[..., int]) -> None:
        found = sectors(list(addresses), width)
        require(found == expected, f"{case}: it returns {found} instead of {expected}", hint)

    return check


SECTORS = Exercise(
    name="sectors",
    task="Return how many sectors of 32 bytes one load of a warp touches.",
    entry="sectors",
    starter='''def sectors(addresses, width):
    """addresses: the first byte that each thread reads, one per active thread; width: bytes per thread.

    Sectors begin at multiples of 32 bytes.
    """
    return len(addresses)
''',
    reference="""def sectors(addresses, width):
    return len({byte // 32 for address in addresses for byte in range(address, address + width)})
""",
    properties={
        "one thread": _touches(
            [0], 4, 1, "one thread reads 4 bytes at 0", "a sector comes as a whole, whoever asks"
        ),
        "neighbours": _touches(
            [4 * lane for lane in range(32)],
            4,
            4,
            "32 threads read 32 neighbouring float32",
            "threads that read from the same sector share it",
        ),
        "every eighth": _touches(
            [32 * lane for lane in range(32)],
            4,
            32,
            "32 threads read every eighth float32",
            "a sector of which 4 bytes are wanted comes as a whole",
        ),
        "wide loads": _touches(
            [16 * lane for lane in range(32)],
            16,
            16,
            "32 threads read 16 neighbouring bytes each",
            "a wide load reads more than its first byte's neighbours",
        ),
        "not aligned": _touches(
            [4 * lane + 16 for lane in range(32)],
            4,
            5,
            "32 threads read neighbouring float32 from byte 16 on",
            "sectors begin at multiples of 32, and the reads do not",
        ),
        "far apart": _touches(
            [0, 4, 4096], 4, 2, "three threads read at 0, 4 and 4096", "what lies between is not read"
        ),
        "across a border": _touches(
            [24], 16, 2, "one thread reads 16 bytes at 24", "one read may lie in two sectors"
        ),
    },
    wrong=(
        WrongAnswer(
            "one sector per thread", "def sectors(addresses, width):\n    return len(addresses)\n", "share it"
        ),
        WrongAnswer(
            "bytes over 32",
            "def sectors(addresses, width):\n    return -(-len(addresses) * width // 32)\n",
            "of which 4 bytes",
        ),
        WrongAnswer(
            "assumes aligned reads",
            "def sectors(addresses, width):\n    first = min(addresses)\n"
            "    return len({(a - first + byte) // 32 for a in addresses for byte in range(width)})\n",
            "and the reads do not",
        ),
        WrongAnswer(
            "all from the first to the last",
            "def sectors(addresses, width):\n"
            "    return (max(addresses) + width - 1) // 32 - min(addresses) // 32 + 1\n",
            "lies between",
        ),
        WrongAnswer(
            "looks at first bytes only",
            "def sectors(addresses, width):\n    return len({address // 32 for address in addresses})\n",
            "in two sectors",
        ),
    ),
)

# --- 3: a tiled product with barriers -------------------------------------------------------------------


class Counted:
    """A matrix in global memory that counts how often it is read."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.reads = 0

    def __getitem__(self, place: tuple[int, int]) -> float:
        self.reads += 1
        return float(self.values[place])

    def __setitem__(self, place: tuple[int, int], value: float) -> None:
        self.values[place] = value


def _run(kernel: Callable[..., Iterator[None]], size: int, tile: int, backwards: bool) -> tuple[Any, ...]:
    """Run all blocks; the threads of a block go on in turns, each up to its next `yield`."""
    random = np.random.default_rng(size)
    a, b = (Counted(random.integers(-4, 5, (size, size)).astype(float)) for _ in "ab")
    c = Counted(np.full((size, size), np.nan))
    for block_row in range(0, size, tile):
        for block_column in range(0, size, tile):
            shared = [np.full((tile, tile), np.nan) for _ in "ab"]
            threads = [
                kernel(i, j, block_row + i, block_column + j, a, b, c, size, tile, *shared)
                for i in range(tile)
                for j in range(tile)
            ]
            waiting = threads[::-1] if backwards else threads
            while waiting:
                waiting = [thread for thread in waiting if next(thread, "done") is None]
    return a, b, c


def _multiplies(size: int, tile: int, hint: str, backwards: bool = False) -> Callable[[Any], None]:
    def check(kernel: Callable[..., Iterator[None]]) -> None:
        a, b, c = _run(kernel, size, tile, backwards)
        require(
            np.array_equal(c.values, a.values @ b.values),
            f"{size} x {size} in tiles of {tile}, threads in {'descending' if backwards else 'ascending'} "
            f"order: c[0, 0] is {c.values[0, 0]:g} instead of {(a.values @ b.values)[0, 0]:g}",
            hint,
        )

    return check


def _reads_little(kernel: Callable[..., Iterator[None]]) -> None:
    a, _, _ = _run(kernel, 8, 4, False)
    require(
        a.reads == 8**3 // 4,
        f"8 x 8 in tiles of 4: it reads {a.reads} elements of a, {8**3 // 4} are enough",
        "each thread reads one element of a and one of b per step; the others it finds in shared memory",
    )


_KERNEL = """def kernel(i, j, row, column, a, b, c, size, tile, shared_a, shared_b):
    total = 0.0
    for start in range(0, size, tile):
        shared_a[i, j] = a[row, start + j]
        shared_b[i, j] = b[start + i, column]
        yield  # first
        for k in range(tile):
            total += shared_a[i, k] * shared_b[k, j]
        yield  # second
    c[row, column] = total
"""

PRODUCT = Exercise(
    name="tiled-product",
    task="Write what one thread of a tiled matrix product does; `yield` is the barrier of its block.",
    entry="kernel",
    starter='''def kernel(i, j, row, column, a, b, c, size, tile, shared_a, shared_b):
    """Compute c[row, column] of c = a @ b, as thread (i, j) of a block of tile x tile threads.

    shared_a, shared_b: tile x tile, seen by all threads of the block, full of NaN at first.
    `yield` waits until every thread of the block has got there.
    """
    c[row, column] = sum(a[row, k] * b[k, column] for k in range(size))
    yield
''',
    reference=_KERNEL,
    properties={
        "a single tile": _multiplies(
            2,
            2,
            "is each element loaded into its own place, and is there a barrier between loading and using?",
        ),
        "two tiles": _multiplies(
            4, 2, "who is done with a tile must not load the next over it while others still use it"
        ),
        "threads in the other order": _multiplies(
            4, 2, "which thread runs first is not yours to choose", backwards=True
        ),
        "reads each element rarely": _reads_little,
    },
    wrong=(
        WrongAnswer(
            "no barrier before using", _KERNEL.replace("        yield  # first\n", ""), "loading and using"
        ),
        WrongAnswer(
            "no barrier after using", _KERNEL.replace("        yield  # second\n", ""), "over it while others"
        ),
        WrongAnswer(
            "no shared memory",
            "def kernel(i, j, row, column, a, b, c, size, tile, shared_a, shared_b):\n"
            "    c[row, column] = sum(a[row, k] * b[k, column] for k in range(size))\n    yield\n",
            "it finds in shared memory",
        ),
        WrongAnswer(
            "shares only one of the two",
            _KERNEL.replace("shared_a[i, k] *", "a[row, start + k] *"),
            "it finds in shared memory",
        ),
        WrongAnswer(
            "loads the tile of b transposed",
            _KERNEL.replace("shared_b[i, j] =", "shared_b[j, i] ="),
            "loading and using",
        ),
        WrongAnswer(
            "waits for the last thread only by luck of the order",
            _KERNEL.replace(
                "        yield  # first\n", "        if (i, j) != (tile - 1, tile - 1):\n            yield\n"
            ).replace(
                "        yield  # second\n",
                "        yield\n        if (i, j) == (tile - 1, tile - 1):\n            yield\n",
            ),
            "not yours to choose",
        ),
    ),
)

EXERCISES = (SELF_TEST, SECTORS, PRODUCT)
