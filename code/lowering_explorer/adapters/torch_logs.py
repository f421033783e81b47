"""Listens to PyTorch's compiler: its artefact logs and its structured trace, in memory, nothing printed.

The artefact logs are those that ``TORCH_LOGS`` would print; the structured trace is what ``tlparse`` reads.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch._logging
from torch._logging._internal import log_registry


@dataclass(frozen=True)
class Record:
    """One message of the compiler, in the order in which it spoke."""

    kind: str  # an artefact's name (bytecode, fusion, ...) or a trace's (dynamo_output_graph, ...)
    text: str
    frame: str = ""  # which piece of bytecode is being compiled, and the how manieth time: 0/0
    file: str = ""  # where the text stands, if it stands anywhere


@contextlib.contextmanager
def listening(artefacts: Sequence[str], hear: Callable[[Record], None]) -> Iterator[None]:
    """Within the context, `hear` gets every record of the trace and of the named artefact logs.

    It is called in the thread that compiles, at the moment of the message.
    """
    torch._logging.set_logs(**dict.fromkeys(artefacts, True))
    heard = _Listener(hear)
    trace = logging.getLogger("torch.__trace")
    names = log_registry.get_log_qnames() | log_registry.get_artifact_log_qnames()
    printing = {name: list(logging.getLogger(name).handlers) for name in names}
    for name in names:
        logging.getLogger(name).handlers[:] = [heard]
    trace.addHandler(heard)
    try:
        yield
    finally:
        trace.removeHandler(heard)
        for name, handlers in printing.items():
            logging.getLogger(name).handlers[:] = handlers
        torch._logging.set_logs()


class _Listener(logging.Handler):
    """Turns log records into `Record`s; a record also propagates to parent loggers, and counts once."""

    def __init__(self, hear: Callable[[Record], None]) -> None:
        super().__init__(logging.DEBUG)
        self._hear = hear
        self._frame = ""

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "heard", False):
            return
        record.heard = True
        if metadata := getattr(record, "metadata", None):
            if "frame_id" in metadata:
                self._frame = f"{metadata['frame_id']}/{metadata['frame_compile_id']}"
            kind = next(iter(metadata))
            fields = metadata[kind] if isinstance(metadata[kind], dict) else {}
            name = fields["name"] if kind == "artifact" else kind
            payload = getattr(record, "payload", None) or ""
            self._hear(Record(name, payload, self._frame, fields.get("filename", "")))
        elif artefact := getattr(logging.getLogger(record.name), "artifact_name", None):
            self._hear(Record(artefact, record.getMessage(), self._frame))
