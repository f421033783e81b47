"""One cache: sets of lines, of which the least recently used leaves."""

from __future__ import annotations


class Cache:
    """A cache of `size` bytes in lines of `line` bytes; each line of memory has `ways` places to be in.

    The default is the first level of many processors: 32 KiB, 64 bytes, 8 ways. One set, with as many ways
    as lines, is a fully associative cache. Raises ValueError for sizes that no cache has.
    """

    def __init__(self, size: int = 32 * 1024, line: int = 64, ways: int = 8) -> None:
        if min(size, line, ways) < 1 or size % (line * ways):
            sets = f"sets of {ways} lines of {line} bytes"
            raise ValueError(f"{size} bytes are not {sets}: choose a multiple of {line * ways}")
        self.size, self.line, self.ways = size, line, ways
        # a dict keeps its order: the first key is the line that was used the longest time ago
        self.sets: list[dict[int, None]] = [{} for _ in range(size // (line * ways))]

    def touch(self, address: int) -> bool:
        """Whether the byte at `address` is here; afterwards it is."""
        number = address // self.line
        lines = self.sets[number % len(self.sets)]
        hit = number in lines
        if hit:
            del lines[number]
        elif len(lines) == self.ways:
            del lines[next(iter(lines))]
        lines[number] = None
        return hit

    def drop(self, address: int) -> None:
        """Let the line of `address` go, as a non-temporal store does."""
        number = address // self.line
        self.sets[number % len(self.sets)].pop(number, None)
