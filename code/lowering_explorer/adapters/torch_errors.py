"""Says in one sentence why PyTorch's compiler refused a function, and what to do about it."""

from __future__ import annotations

import re
from pathlib import PurePath

from torch._dynamo.exc import TorchDynamoException

from lowering_explorer.request import CannotCapture

# What an error says -> what to do. The first that matches counts.
REMEDIES = (
    (r"No working C\+\+ compiler|No such file.*(g\+\+|c\+\+)", "Install g++."),
    (r"positional argument", "Give one argument for each parameter of the function."),
    (
        r"as a data type|is not a valid JAX|as a JAX value|has no attribute '__jax",
        "Write it in the array API or in torch.",
    ),
    (r"has no attribute", "Its arguments are torch tensors: write it in the array API or in torch."),
    (r"reduction dim|broadcast|must match|[Ss]ize|shape", "Check that the arguments' shapes fit each other."),
    (r"not implemented for|dtype|floating point", "The operation does not take this dtype; pass another."),
    (r"not enough memory|can't allocate", "Take smaller shapes: the function is called once."),
    (r"singular|positive-definite", "This came when the compiled function ran, on random numbers."),
)


def refusal(error: BaseException) -> BaseException:
    """The error itself, or for one of Dynamo's, which explain themselves at length, its one sentence."""
    if not isinstance(error, TorchDynamoException):
        return error
    text = str(error)
    said = (
        re.search(r"got (\w+\((['\"])(.*)\2\))", text)
        or re.search(r"raised:\n((\w+): (.*))", text)
        or re.search(r"\A((.*))", text)
    )
    assert said, "the last pattern matches every text"
    reason = said.groups()[-1].rstrip(".")
    places = re.findall(r'File "(.+)", line (\d+)', text.partition("from user code:")[2])
    where = f" ({PurePath(places[-1][0]).name}, line {places[-1][1]})" if places else ""
    remedy = next((sentence for pattern, sentence in REMEDIES if re.search(pattern, reason)), "")
    return CannotCapture(f"{reason}{where}. {remedy}".strip())
