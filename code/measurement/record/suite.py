"""Finds the suite that "module:function" names."""

from __future__ import annotations

import importlib

from measurement.record.case import Suite


class UnknownSuite(ValueError):
    """The name leads to no suite; one sentence."""


def load_suite(name: str) -> Suite:
    """Import the module and call the function. Raises UnknownSuite where that gives no suite."""
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        raise UnknownSuite(f"{name!r} is not of the form module:function, such as recorded_kernels:kernels")
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UnknownSuite(f"the module {module} does not load, because there is no {error.name}") from None
    made = getattr(loaded, function, None)
    if not callable(made):
        raise UnknownSuite(f"{module} has no function {function}")
    suite = made()
    if not isinstance(suite, Suite):
        raise UnknownSuite(f"{name} returns {type(suite).__name__}, not a measurement.record.Suite")
    return suite
