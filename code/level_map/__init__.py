"""The book's navigator: what each compiler makes of one function, level by level, counted.

`census` asks the real compilers; `LevelMap` shows the counts as a table that opens on a page, by mouse,
touch or keyboard, and as a still picture in print.
"""

from level_map.census import LEVELS, Artefact, census_inductor, census_numpy, census_tvm, census_xla
from level_map.figure import LevelMap

__all__ = ["LEVELS", "Artefact", "LevelMap", "census_inductor", "census_numpy", "census_tvm", "census_xla"]
