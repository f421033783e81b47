"""`python -m measurement.record`."""

import sys

from measurement.record.command_line import main

sys.exit(main())
