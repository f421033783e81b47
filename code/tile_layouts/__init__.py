"""Which thread holds which element of a tile, and where in shared memory an element lies.

The layouts of Triton's TTGIR, computed on NumPy arrays from the attributes that the text states, so that a
page can draw them. `layouts_of` reads them from a module's text.
"""

from tile_layouts.distributed import Blocked, Owners, TensorCore
from tile_layouts.shared import BANKS, Swizzled, rounds
from tile_layouts.text import Layout, layouts_of

__all__ = ["BANKS", "Blocked", "Layout", "Owners", "Swizzled", "TensorCore", "layouts_of", "rounds"]
