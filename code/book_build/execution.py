"""Executes chapters side by side on the machine's cores, each in a kernel of its own."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from book_build.chapter import Chapter
from book_build.progress import Progress
from book_build.salt import MissingDistribution, MissingRecord, execution_key, recorded_files, versions
from book_build.store import Execution, Store
from measurement.machine import describe_machine

# Figures come as SVG for the pages and as PDF for print, the same bytes in every execution.
KERNEL_ARGUMENTS = ["--InlineBackend.figure_formats=svg", "--InlineBackend.figure_formats=pdf"]
FLAGS = {
    "JAX_PLATFORMS": "cpu",
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "0",
    "TF_CPP_MIN_LOG_LEVEL": "1",
}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class ChapterFailed(Exception):
    """An execution that did not succeed; the message is one sentence with the line it is about."""

    def __init__(self, sentence: str, traceback: str = "") -> None:
        super().__init__(sentence)
        self.traceback = traceback


@dataclass(frozen=True)
class Outcome:
    """What became of one page in this build: an execution, a problem, or both (the last good one)."""

    docname: str
    execution: Execution | None
    fresh: bool
    problem: str = ""
    traceback: str = ""
    seconds: float = 0.0  # spent in this build

    @property
    def failed(self) -> bool:
        """Whether the build must exit with an error because of this page."""
        return bool(self.problem)


def execute_chapters(
    chapters: Sequence[Chapter], code: Path, store: Store, progress: Progress
) -> list[Outcome]:
    """Execute the pages whose execution is not stored yet; return one outcome per page, in order.

    As many pages run at once as the machine has cores, those that read clocks (`alone: true`)
    afterwards, one at a time. An execution is stored as soon as it ends.
    """
    return asyncio.run(_execute_all(chapters, code, store, progress))


async def _execute_all(
    chapters: Sequence[Chapter], code: Path, store: Store, progress: Progress
) -> list[Outcome]:
    outcomes: dict[str, Outcome] = {}
    stale: list[tuple[Chapter, str]] = []
    for chapter in chapters:
        try:
            key = execution_key(chapter, code)
        except (MissingDistribution, MissingRecord) as error:
            outcomes[chapter.docname] = Outcome(
                chapter.docname, store.last_good(chapter.docname), True, str(error)
            )
            continue
        if (execution := store.find(chapter.docname, key)) is not None:
            store.touch(execution)
            outcomes[chapter.docname] = Outcome(chapter.docname, execution, fresh=False)
        else:
            stale.append((chapter, key))
    places = asyncio.Semaphore(os.cpu_count() or 1)

    async def run(chapter: Chapter, key: str) -> None:
        async with places:
            outcome = await _outcome(chapter, key, code, store, progress)
        outcomes[chapter.docname] = outcome
        progress.finished(outcome)

    async with progress.ticking():
        async with asyncio.TaskGroup() as together:
            for chapter, key in stale:
                if not chapter.runs_alone:
                    together.create_task(run(chapter, key))
        for chapter, key in stale:
            if chapter.runs_alone:
                await run(chapter, key)
    return [outcomes[chapter.docname] for chapter in chapters]


async def _outcome(chapter: Chapter, key: str, code: Path, store: Store, progress: Progress) -> Outcome:
    began = time.monotonic()
    try:
        execution = await _execute(chapter, key, code, progress)
    except ChapterFailed as failure:
        last_good = store.last_good(chapter.docname)
        seconds = time.monotonic() - began
        return Outcome(chapter.docname, last_good, True, str(failure), failure.traceback, seconds)
    store.save(execution)
    return Outcome(chapter.docname, execution, fresh=True, seconds=execution.seconds)


async def _execute(chapter: Chapter, key: str, code: Path, progress: Progress) -> Execution:
    """Run all cells in a new kernel. Raises ChapterFailed with the line and the reason."""
    date, began = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    notebook = nbformat.from_dict(chapter.notebook)
    cell_seconds: list[float] = []
    current = 0
    cell_began = began

    def on_start(cell: Any, cell_index: int) -> None:
        nonlocal current, cell_began
        current, cell_began = cell_index, time.monotonic()
        progress.at(
            chapter.docname,
            1 + sum(c.cell_type == "code" for c in notebook.cells[:cell_index]),
            len(chapter.code_cells),
        )

    def on_executed(cell: Any, cell_index: int, execute_reply: Any) -> None:
        cell_seconds.append(time.monotonic() - cell_began)

    files = recorded_files(chapter, code)
    async with _kernel(notebook, code, files, on_cell_execute=on_start, on_cell_executed=on_executed) as (
        client,
        start,
    ):
        place = f"book/{chapter.docname}.md"
        clock = asyncio.timeout(chapter.time_limit)
        try:
            async with clock:
                await client.async_execute(**start)
        except CellExecutionError as error:
            raise ChapterFailed(
                f"{place}:{chapter.line_of(current)}: "
                f"the cell raised {error.ename}: {_first_line(error.evalue)}",
                ANSI.sub("", error.traceback),
            ) from None
        except (RuntimeError, TimeoutError) as error:
            if clock.expired():
                reason = (
                    f"the page was still in this cell at its time limit of {chapter.time_limit:g} s; "
                    "make it faster or raise time_limit in its front matter"
                )
            elif isinstance(error, DeadKernelError):
                reason = "the kernel died in this cell (a crash or out of memory)"
            else:
                reason = str(error)
            raise ChapterFailed(f"{place}:{chapter.line_of(current)}: {reason}") from None
    _refuse_warnings(chapter, notebook)
    return Execution(
        docname=chapter.docname,
        key=key,
        date=date,
        seconds=round(time.monotonic() - began, 2),
        cell_seconds=round(sum(cell_seconds), 2),
        machine=describe_machine(),
        versions=versions(chapter),
        flags=FLAGS,
        text=chapter.text,
        outputs=[
            _without_folder(cell.outputs, code.parent) for cell in notebook.cells if cell.cell_type == "code"
        ],
    )


@asynccontextmanager
async def _kernel(
    notebook: nbformat.NotebookNode, code: Path, files: Mapping[str, Path], **hooks: Any
) -> AsyncIterator[tuple[NotebookClient, dict[str, Any]]]:
    """A client for one execution in a folder that holds `files` alone, with caches of its own.

    Kernels speak over files rather than TCP ports, whose numbers race when kernels start at once.
    """
    scratch = Path(tempfile.mkdtemp(prefix="book-"))
    (scratch / "work").mkdir()
    for name, path in files.items():
        shutil.copy(path, scratch / "work" / name)
    environment = {
        **os.environ,
        **FLAGS,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(code), os.environ.get("PYTHONPATH")])),
        "MATPLOTLIBRC": str(Path(__file__).with_name("matplotlibrc")),
        "TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor"),
        "TRITON_CACHE_DIR": str(scratch / "triton"),
    }
    manager = AsyncKernelManager(
        kernel_name="python3", transport="ipc", connection_file=str(scratch / "kernel.json")
    )
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=None,
        startup_timeout=180,
        extra_arguments=KERNEL_ARGUMENTS,
        resources={"metadata": {"path": str(scratch / "work")}},
        **hooks,
    )
    try:
        yield client, {"env": environment}
    finally:
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)
        shutil.rmtree(scratch, ignore_errors=True)


def _refuse_warnings(chapter: Chapter, notebook: nbformat.NotebookNode) -> None:
    """Anything on stderr is a warning that nobody read: raise ChapterFailed."""
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                raise ChapterFailed(
                    f"book/{chapter.docname}.md:{chapter.line_of(index)}: "
                    f"the cell wrote to stderr: {_first_line(output.text)}",
                    output.text,
                )


def _without_folder(outputs: list[Any], root: Path) -> list[Any]:
    """The outputs with the files in their tracebacks named from the root of the repository."""
    for output in outputs:
        if output.output_type == "error":
            output.traceback = [line.replace(f"{root}/", "") for line in output.traceback]
    return outputs


def _first_line(text: str) -> str:
    return next((line.strip() for line in ANSI.sub("", text).splitlines() if line.strip()), "(nothing)")
