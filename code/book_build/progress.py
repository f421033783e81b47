"""What a build says while it works: which cells run now, and each page as it ends."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from book_build.execution import Outcome

ON_A_TERMINAL, ELSEWHERE = 1.0, 20.0  # seconds between two progress lines


class Progress:
    """Writes to `stream`: a line that renews itself on a terminal, now and then a line elsewhere."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self.stream = stream
        self.began = time.monotonic()
        self.running: dict[str, str] = {}
        self.terminal = stream.isatty()

    def at(self, docname: str, cell: int, cells: int) -> None:
        """Page `docname` has begun its code cell number `cell` of `cells`."""
        self.running[docname] = f"{docname} {cell}/{cells}"

    def finished(self, outcome: Outcome) -> None:
        """A page has ended: print its line."""
        self.running.pop(outcome.docname, None)
        self._clear()
        verdict = "failed" if outcome.failed else "ok"
        print(
            f"  executed {outcome.docname} in {outcome.seconds:.1f} s: {verdict}",
            file=self.stream,
            flush=True,
        )

    @asynccontextmanager
    async def ticking(self) -> AsyncIterator[None]:
        """Print progress lines while the body runs."""
        ticker = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticker
            self._clear()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(ON_A_TERMINAL if self.terminal else ELSEWHERE)
            if self.running:
                seconds = time.monotonic() - self.began
                line = f"  {seconds:4.0f} s, cell of cells: {', '.join(self.running.values())}"
                if self.terminal:
                    self._clear()
                print(line[:110], end="" if self.terminal else "\n", file=self.stream, flush=True)

    def _clear(self) -> None:
        if self.terminal:
            print("\r\x1b[K", end="", file=self.stream)
