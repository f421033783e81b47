"""``python -m lowering_explorer``: a page on what compilers make of the reader's own function."""

import sys

from lowering_explorer.command_line import main

if __name__ == "__main__":
    sys.exit(main())
