"""The directive `recording`: what a GPU did with the kernels of a page, or that none has run them yet.

```{recording} recorded_kernels:kernels
triton/*
```

The argument names a suite, each line of the body is a pattern for the names of its cases. The files of
book/recorded that `python -m measurement.record` wrote from that suite are shown, one table per device.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from book_build.status import table
from measurement.record import (
    Case,
    Recording,
    Result,
    UnreadableRecording,
    digest_of,
    load_suite,
    read_recordings,
    source_of,
)

SHOWN = "recordings"  # in the metadata of a page: the state of the folder when the page was read
FOLDER = "recorded"  # below book/


def setup(app: Sphinx) -> None:
    """Register the directive, and what makes its pages stale."""
    app.add_directive("recording", RecordingDirective)
    app.connect("env-get-outdated", _outdated)


def _outdated(
    app: Sphinx,
    env: BuildEnvironment,
    added: AbstractSet[str],
    changed: AbstractSet[str],
    removed: AbstractSet[str],
) -> list[str]:
    """The pages that were read when the folder held other files."""
    now = _state(Path(app.srcdir) / FOLDER)
    return [name for name, metadata in env.metadata.items() if metadata.get(SHOWN, now) != now]


def _state(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.json")):
        digest.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class RecordingDirective(SphinxDirective):
    """The cases of a suite, as far as devices have run them."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return a table and its stamp per recording, or one note."""
        suite, folder = self.arguments[0], Path(self.env.srcdir) / FOLDER
        self.env.metadata[self.env.docname][SHOWN] = _state(folder)
        patterns = [line.strip() for line in self.content if line.strip()]
        try:
            cases = load_suite(suite).chosen(patterns)
            recordings = [recording for _, recording in read_recordings(folder) if recording.suite == suite]
            for case in cases:
                self.env.note_dependency(str(source_of(case.kernel)))
        except (ValueError, UnreadableRecording) as problem:
            raise self.error(str(problem)) from None
        shown = [node for recording in recordings for node in shown_recording(recording, cases)]
        return shown or [no_recording(suite, cases)]


def no_recording(suite: str, cases: Sequence[Case]) -> nodes.Node:
    """That no device has run the cases, which they are, and the command that would."""
    command = f"python -m measurement.record gpu {suite} -o book/{FOLDER}"
    named = ", ".join(case.name for case in cases)
    text = (
        "No recording exists: no GPU has run these kernels for this book yet. On a machine with one, this "
        "command checks each result against its oracle, times the right ones and writes what this page "
        "then shows:"
    )
    return nodes.note(
        "",
        nodes.paragraph("", text),
        nodes.literal_block(command, command, language="none"),
        nodes.paragraph("", f"It runs, for this page: {named}."),
    )


def shown_recording(recording: Recording, cases: Sequence[Case]) -> list[nodes.Node]:
    """A row per case, and the stamp."""
    results = {result.name: result for result in recording.results}
    rows = [[nodes.Text(text) for text in row(case, results.get(case.name))] for case in cases]
    head = (recording.device, "error, tolerance", "time of one call", "of the measured peak")
    shown = [results[case.name] for case in cases if case.name in results]
    return [
        nodes.container(
            "",
            table(head, rows, (34, 22, 24, 20)),
            nodes.paragraph("", stamp(recording, shown)),
            classes=["recording"],
        )
    ]


def row(case: Case, result: Result | None) -> tuple[str, str, str, str]:
    """What is known of a case: its times if it was right, else why there are none."""
    named = f"{case.name}: {result.title if result else case.title}"
    if result is None:
        return named, "not in this recording", "", ""
    if result.digest != digest_of(case.kernel):
        named += " (its source has changed since)"
    if result.timing is None:
        return named, f"{result.state}: {result.reason}", "", ""
    timing = result.timing
    return (
        named,
        f"{result.error:.1e}, {result.tolerance:.1e}",
        f"{duration(timing.seconds)} [{', '.join(duration(bound) for bound in timing.interval)}]",
        f"{timing.percent:.0f} % of {timing.limit}",
    )


def duration(seconds: float) -> str:
    """Three digits with the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def stamp(recording: Recording, results: Sequence[Result]) -> str:
    """Where the rows come from: device, driver, versions, date, script, commit, and how it was measured."""
    versions = ", ".join(f"{name} {version}" for name, version in recording.versions.items())
    kinds = ", ".join(
        f"{kind} {value / 1e3:.3g} TFLOP/s" for kind, value in recording.peaks.arithmetic.items()
    )
    by_clock: dict[str, list[str]] = {}
    for result in results:
        if result.timing:
            by_clock.setdefault(f"{result.timing.samples} calls, {result.timing.clock}", []).append(
                result.name
            )
    clocks = "; ".join(f"{', '.join(names)}: {clock}" for clock, names in by_clock.items())
    sentences = [
        f"Recorded {recording.date[:16].replace('T', ' ')} UTC on {recording.device}, "
        f"driver {recording.driver}, {recording.toolkit}, in {recording.machine}; {versions}; "
        f"commit {recording.commit}; by {recording.command}.",
        f"Measured peaks: {recording.peaks.bandwidth:.4g} GB/s, {kinds} ({recording.peaks.how}).",
    ]
    if clocks:
        sentences.append(f"Times are medians with their 95 % interval: {clocks}.")
    return " ".join(sentences)
