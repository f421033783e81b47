"""One function in, every intermediate representation of every compiler out, as data and as a page."""

from lowering_explorer.adapters import ADAPTERS, NotAvailable
from lowering_explorer.argument import Array, BadArgument, Tiles
from lowering_explorer.comparison import compare
from lowering_explorer.function_source import NotSendable
from lowering_explorer.lower import lower
from lowering_explorer.stage import LANGUAGES, LEVELS, Capture, Lowering, Source, Stage

__all__ = [
    "ADAPTERS",
    "LANGUAGES",
    "LEVELS",
    "Array",
    "BadArgument",
    "Capture",
    "Lowering",
    "NotAvailable",
    "NotSendable",
    "Source",
    "Stage",
    "Tiles",
    "compare",
    "lower",
]
