"""The thunks of an executable of XLA:CPU: the calls that run it, in order.

XLA prints no text of them, but its serialised executable holds them as a protocol buffer. We read the wire
format without its schema: a thunk is a message whose field 1 is one of the known kinds (thunk.proto of XLA).
"""

from __future__ import annotations

from collections.abc import Iterator

_KINDS = frozenset(
    b"call collective conditional convolution copy custom-call dot fft infeed kernel onednn-fusion outfeed "
    b"partition-id replica-id rng-get-and-update-state sort topk while xnn-fusion ynn-fusion".split()
)
_Field = tuple[int, int, bytes]  # number, wire type, contents


def thunks(executable: bytes) -> list[str]:
    """One line per thunk, indented by its depth: its kind and the instruction that it runs."""
    size, start = _variable_integer(executable, 0)
    return list(_thunks(executable[start + size :], 0))


def _thunks(message: bytes, depth: int) -> Iterator[str]:
    fields = _fields(message)
    kind = next((content for number, _, content in fields if number == 1 and content in _KINDS), None)
    if kind is not None:
        info = next((_fields(content) for number, wire, content in fields if (number, wire) == (2, 2)), [])
        name = next((content.decode() for _, wire, content in info if wire == 2 and content.isascii()), "")
        yield f"{'  ' * depth}{kind.decode():<12} {name}".rstrip()
        depth += 1
    for _, wire, content in fields:
        if wire == 2 and len(content) > 8:
            yield from _thunks(content, depth)


def _fields(message: bytes) -> list[_Field]:
    """The fields of a message; none where the bytes are no message."""
    found: list[_Field] = []
    at = 0
    try:
        while at < len(message):
            tag, at = _variable_integer(message, at)
            number, wire = tag >> 3, tag & 7
            if wire == 2:
                size, at = _variable_integer(message, at)
            elif wire in (1, 5):
                size = 8 if wire == 1 else 4
            elif wire == 0:
                end = _variable_integer(message, at)[1]
                size = end - at
            else:
                return []
            if not 0 < number < 3000 or at + size > len(message):
                return []
            found.append((number, wire, message[at : at + size]))
            at += size
    except IndexError:
        return []
    return found


def _variable_integer(message: bytes, at: int) -> tuple[int, int]:
    """A base-128 integer and where it ends. Raises IndexError past the end."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        shift += 7
        at += 1
        if byte < 128:
            return value, at
