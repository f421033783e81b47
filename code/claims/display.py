"""Shows an object in a notebook without importing IPython, which a plain script may lack."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def publish(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    """Send one display message to the running notebook; outside of a notebook do nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        shell.display_pub.publish(data=dict(data), metadata=dict(metadata))
