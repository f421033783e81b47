"""What XLA prints for a device that is only described, made readable like what it prints for this CPU."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

from lowering_explorer.stage import Stage

# What JAX says because a device was named, and fields that hold what they hold when nothing set them.
_UNSAID = re.compile(
    r", sharding=\{replicated\}"
    r"|, frontend_attributes=\{xla\.sdy\.sharding=\"[^\"]*\"\}"
    r"|\"operation_queue_id\":\"0\",?"
    r"|,?\"(?:force_earliest_schedule|is_tma_allowed|is_warp_specialization_allowed)\":false"
    r"|,?\"reification_cost\":\[\]"
    r"|,?\"device_type\":\"DEVICE_TYPE_INVALID\""
    r"|,?\"waves_per_eu\":0"
)
_EMPTY = re.compile(r", backend_config=\{\}")
_MESH = re.compile(r"\s*sdy\.mesh @empty_mesh\b")
_SHARDING = re.compile(r" \{sdy\.sharding = #sdy\.sharding<[^>]*>\}")


def plain(stage: Stage) -> Stage:
    """The stage with HLO or StableHLO that says what the program does and not what nobody set."""
    if stage.language == "hlo":
        return replace(stage, text=_EMPTY.sub("", _UNSAID.sub("", stage.text)))
    if stage.language == "mlir":
        kept = [not _MESH.match(line) for line in stage.text.splitlines()]
        rows = itertools.compress(stage.text.splitlines(), kept)
        text = "".join(f"{_SHARDING.sub('', row)}\n" for row in rows)
        return replace(stage, text=text, source_lines=tuple(itertools.compress(stage.source_lines, kept)))
    return stage


def with_places(module: str) -> str:
    """A module of HLO whose metadata name places in the source, where they numbered stack frames."""
    files = dict(re.findall(r'^(\d+) "(.*)"$', _table(module, "FileNames"), re.MULTILINE))
    locations = {
        number: f'source_file="{files.get(file, "")}" source_line={line}'
        for number, file, line in re.findall(
            r"^(\d+) \{file_name_id=(\d+) .*?\bline=(\d+)", _table(module, "FileLocations"), re.MULTILINE
        )
    }
    frames = dict(re.findall(r"^(\d+) \{file_location_id=(\d+)", _table(module, "StackFrames"), re.MULTILINE))
    return re.sub(
        r"stack_frame_id=(\d+)", lambda frame: locations.get(frames.get(frame[1], ""), frame[0]), module
    )


def _table(module: str, name: str) -> str:
    """The rows of one of the tables above the computations."""
    rows = re.search(rf"^{name}\n((?:\d+ .*\n)*)", module, re.MULTILINE)
    return rows[1] if rows else ""
