"""Functions that the tests capture: one with an operation per line, and some that go wrong."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np

from the_block.block import namespace


def norm(x: Any, g: Any) -> Any:
    """What `the_block.rmsnorm` computes, with its last multiplication on a line of its own."""
    xp = namespace(x)
    mean = xp.mean(x * x, axis=-1, keepdims=True)
    unit = x / xp.sqrt(mean + 1e-6)
    return unit * g


def branching(x: Any) -> Any:
    if x.sum() > 0:  # here
        return x * 2
    return -x


def product(x: Any, y: Any) -> Any:
    return x @ y  # here


def without_result(x: Any) -> int:
    return 3


def raising(x: Any) -> Any:
    raise ValueError("no <b>good</b> & proper reason\nand a second line")  # here


def misspelt(x: Any) -> Any:
    return x.frobnicate()  # here


def through_numpy(x: Any) -> Any:
    return np.linalg.norm(np.asarray(x))  # here


def dying(x: Any) -> Any:
    y = x * 2
    signal.raise_signal(signal.SIGSEGV)  # to this thread: os.kill reaches any, some time later
    return y


def exiting(x: Any) -> Any:
    os._exit(7)


def endless(x: Any) -> Any:
    while True:
        os.getpid()


def tagged(x: Any) -> Any:
    return x * 2  # <script>alert("&")</script>


def error_function(x: Any) -> Any:
    import jax  # not above: the functions for other compilers need no JAX

    return jax.lax.erf(x)  # here
