"""The book's navigator: what each compiler makes of one function, level by level, counted.

`census` asks a real compiler, in a process of its own; `LevelMap` shows the counts as a table that opens
on a page, by mouse, touch or keyboard, and as a still picture in print.
"""

from level_map.capture import CensusFailed, census
from level_map.census import LEVELS, Artefact
from level_map.figure import LevelMap

__all__ = ["LEVELS", "Artefact", "CensusFailed", "LevelMap", "census"]
